//! What a scanner learns (docs/protocol.md section 8).

use heapless::{String, Vec};

use crate::bytes::Writer;
use crate::information::PROFILE_MAJOR;

/// The bandsense service, most significant byte first.
pub const SERVICE_UUID: u128 = 0xb5e5_0001_3c1f_4f0e_9a57_6d2b_41c7_e8a0;
/// Bytes of an advertisement or a scan response.
pub const ADVERTISEMENT_MAX: usize = 31;
const FLAGS: u8 = 0x01;
const LE_GENERAL_DISCOVERABLE: u8 = 1 << 1;
const BR_EDR_NOT_SUPPORTED: u8 = 1 << 2;
const COMPLETE_LOCAL_NAME: u8 = 0x09;
const SERVICE_DATA_128_BIT_UUID: u8 = 0x21;

/// The sensor's state in the service data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct ServiceData {
    pub pairing_open: bool,
    pub connected: bool,
    pub streaming: bool,
    pub low_battery: bool,
    pub battery_percent: Option<u8>,
}

impl ServiceData {
    /// The service data behind the UUID.
    #[must_use]
    pub fn encode(&self) -> [u8; 3] {
        let state = u8::from(self.pairing_open)
            | u8::from(self.connected) << 1
            | u8::from(self.streaming) << 2
            | u8::from(self.low_battery) << 3;
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
            .finish()
    }
}

/// The scan response: the complete local name.
#[must_use]
pub fn scan_response(name: &str) -> Vec<u8, ADVERTISEMENT_MAX> {
    Writer::new().u8(1 + name.len() as u8).u8(COMPLETE_LOCAL_NAME).bytes(name.as_bytes()).finish()
}

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
    fn advertisement_is_flags_and_service_data() {
        let data = ServiceData { pairing_open: true, battery_percent: Some(87), ..Default::default() };
        let expected = [
            2, 1, 6, 20, 0x21, 0xa0, 0xe8, 0xc7, 0x41, 0x2b, 0x6d, 0x57, 0x9a, 0x0e, 0x4f, 0x1f, 0x3c, 0x01,
            0x00, 0xe5, 0xb5, 1, 1, 87,
        ];
        assert_eq!(data.advertisement(), expected);
    }

    #[test]
    fn names_end_in_the_serial_number() {
        assert_eq!(name("bandsense-", 0x0011_2233_4455_66f7), "bandsense-66F7");
        assert_eq!(name("Progressor_", 0xA), "Progressor_000A");
        assert_eq!(scan_response("bandsense-66F7").len(), 16);
    }
}
