//! What a scanner learns (docs/protocol.md section 8).

use heapless::{String, Vec};

use crate::bytes::Writer;
use crate::force;
use crate::information::PROFILE_MAJOR;

/// The bandsense service, most significant byte first.
pub const SERVICE_UUID: u128 = 0xb5e5_0001_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
/// Bytes of an advertisement or a scan response.
pub const ADVERTISEMENT_MAX: usize = 31;
const FLAGS: u8 = 0x01;
const LE_GENERAL_DISCOVERABLE: u8 = 1 << 1;
const BR_EDR_NOT_SUPPORTED: u8 = 1 << 2;
const SERVICES_16_BIT: u8 = 0x02;
const SERVICES_128_BIT: u8 = 0x06;
const SHORTENED_LOCAL_NAME: u8 = 0x08;
const SERVICE_DATA_128_BIT_UUID: u8 = 0x21;

/// The sensor's state in the service data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct ServiceData {
    pub pairing_open: bool,
    pub connected: bool,
    pub streaming: bool,
    pub low_battery: bool,
    pub external_power: bool,
    pub charging: bool,
    pub battery_percent: Option<u8>,
}

impl ServiceData {
    /// The service data behind the UUID.
    #[must_use]
    pub fn encode(&self) -> [u8; 3] {
        let state = u8::from(self.pairing_open)
            | u8::from(self.connected) << 1
            | u8::from(self.streaming) << 2
            | u8::from(self.low_battery) << 3
            | u8::from(self.external_power) << 4
            | u8::from(self.charging) << 5;
        [PROFILE_MAJOR, state, self.battery_percent.map_or(255, |percent| percent.min(100))]
    }

    /// The whole advertising data.
    #[must_use]
    pub fn advertisement(&self) -> Vec<u8, ADVERTISEMENT_MAX> {
        let data = self.encode();
        Writer::new()
            .bytes(&[2, FLAGS, LE_GENERAL_DISCOVERABLE | BR_EDR_NOT_SUPPORTED])
            .u8((1 + 16 + data.len()) as u8)
            .u8(SERVICE_DATA_128_BIT_UUID)
            .bytes(&SERVICE_UUID.to_le_bytes())
            .bytes(&data)
            .bytes(&[3, SERVICES_16_BIT])
            .u16(force::SERVICE_UUID)
            .finish()
    }
}

/// The scan response: the service by which programs look for the sensor, and the beginning of its name. Both do not fit
/// with the whole name, whose digits a scanner that shows addresses does not need.
#[must_use]
pub fn scan_response(service_uuid: u128, shortened_name: &str) -> Vec<u8, ADVERTISEMENT_MAX> {
    Writer::new()
        .bytes(&[1 + 16, SERVICES_128_BIT])
        .bytes(&service_uuid.to_le_bytes())
        .u8(1 + shortened_name.len() as u8)
        .u8(SHORTENED_LOCAL_NAME)
        .bytes(shortened_name.as_bytes())
        .finish()
}

/// What the name begins with on the air; [`name`] continues it.
pub const SHORTENED_NAME: &str = "bandsense";
/// Beginning of the whole name.
pub const NAME_PREFIX: &str = "bandsense-";
/// Longest name that this firmware gives itself.
pub const NAME_MAX: usize = 15;

/// `prefix` and the last four hex digits of the serial number, upper case.
#[must_use]
pub fn name(prefix: &str, serial: u64) -> String<NAME_MAX> {
    let mut name = String::new();
    // Both prefixes in use leave room for four digits.
    let _ = name.push_str(prefix);
    for shift in [12, 8, 4, 0] {
        let digit = (serial >> shift & 0xF) as u32;
        let _ = name.push(char::from_digit(digit, 16).unwrap_or('0').to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advertisement_is_flags_service_data_and_the_force_service() {
        let data = ServiceData { pairing_open: true, battery_percent: Some(87), ..Default::default() };
        let expected = [
            2, 1, 6, 20, 0x21, 0xa0, 0xe8, 0xc7, 0x41, 0x2b, 0x6d, 0x57, 0x9a, 0x0e, 0x4f, 0x1f, 0x3c, 0x01,
            0x00, 0xe5, 0xb5, 1, 1, 87, 3, 2, 0x5a, 0x18,
        ];
        assert_eq!(data.advertisement(), expected);
    }

    #[test]
    fn names_end_in_the_serial_number() {
        assert_eq!(name("bandsense-", 0x0011_2233_4455_66f7), "bandsense-66F7");
        assert_eq!(name("Progressor_", 0xA), "Progressor_000A");
    }

    #[test]
    fn scan_responses_hold_the_service_that_programs_look_for() {
        let own = scan_response(SERVICE_UUID, SHORTENED_NAME);
        assert_eq!(own[..3], [17, 0x06, 0xa0]);
        assert_eq!(own[18..], *b"\x0a\x08bandsense");
        let progressor = scan_response(crate::progressor::SERVICE_UUID, crate::progressor::NAME_PREFIX);
        assert_eq!(progressor.len(), ADVERTISEMENT_MAX, "nothing more fits");
        assert!(NAME_PREFIX.starts_with(SHORTENED_NAME));
    }
}
