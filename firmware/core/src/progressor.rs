//! The optional Progressor-compatible service (docs/protocol.md section 10).

use heapless::Vec;

use crate::bytes::Writer;

/// The service, most significant byte first.
pub const SERVICE_UUID: u128 = 0x7e4e_1701_1ea6_40c9_9dcc_13d3_4ffe_ad57;
/// Its data characteristic.
pub const DATA_UUID: u128 = 0x7e4e_1702_1ea6_40c9_9dcc_13d3_4ffe_ad57;
/// Its control characteristic.
pub const CONTROL_UUID: u128 = 0x7e4e_1703_1ea6_40c9_9dcc_13d3_4ffe_ad57;
/// The advertised name's beginning.
pub const NAME_PREFIX: &str = "Progressor_";
/// Most samples of a notification: those of the genuine device.
pub const SAMPLES_MAX: usize = 15;
/// Bytes of the longest notification.
pub const NOTIFICATION_MAX: usize = 2 + 8 * SAMPLES_MAX;
/// Newtons in a kilogram-force, exactly.
const KGF_N: f32 = 9.806_65;

const TAG_RESPONSE: u8 = 0;
const TAG_WEIGHT: u8 = 1;
const TAG_LOW_POWER: u8 = 4;

/// What an app asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the list of the profile")]
pub enum Command {
    Tare,
    Start,
    Stop,
    Version,
    ErrorInformation,
    ClearError,
    Sleep,
    Battery,
    Id,
}

impl Command {
    /// The command in a written value. Everything else is ignored, above all 0x74, which means *read table* on one
    /// device and *reset the calibration* on another.
    #[must_use]
    pub const fn decode(value: &[u8]) -> Option<Self> {
        match value.first() {
            Some(0x64) => Some(Self::Tare),
            Some(0x65) => Some(Self::Start),
            Some(0x66) => Some(Self::Stop),
            Some(0x6B) => Some(Self::Version),
            Some(0x6C) => Some(Self::ErrorInformation),
            Some(0x6D) => Some(Self::ClearError),
            Some(0x6E) => Some(Self::Sleep),
            Some(0x6F) => Some(Self::Battery),
            Some(0x70) => Some(Self::Id),
            _ => None,
        }
    }
}

/// A response, which carries no opcode: the app remembers what it asked.
#[must_use]
pub fn response(payload: &[u8]) -> Vec<u8, NOTIFICATION_MAX> {
    Writer::new().u8(TAG_RESPONSE).u8(payload.len() as u8).bytes(payload).finish()
}

/// The id of a serial number: little-endian, high zero bytes dropped.
#[must_use]
pub fn id(serial: u64) -> Vec<u8, NOTIFICATION_MAX> {
    let bytes = serial.to_le_bytes();
    let length = 8 - serial.leading_zeros() as usize / 8;
    response(bytes.get(..length).unwrap_or_default())
}

/// The battery runs out.
#[must_use]
pub const fn low_power() -> [u8; 2] {
    [TAG_LOW_POWER, 0]
}

/// A weight notification that is being filled.
#[derive(Debug, Clone, Default)]
pub struct Weights(Vec<(f32, u32), SAMPLES_MAX>);

impl Weights {
    /// Add a sample; false when there is no room.
    pub fn push(&mut self, tension_n: f32, time_us: u32) -> bool {
        self.0.push((tension_n / KGF_N, time_us)).is_ok()
    }

    /// The notification, and begin anew.
    pub fn take(&mut self) -> Vec<u8, NOTIFICATION_MAX> {
        let head = Writer::new().u8(TAG_WEIGHT).u8(8 * self.0.len() as u8);
        let all =
            self.0.iter().fold(head, |all, (weight_kg, time_us)| all.u32(weight_kg.to_bits()).u32(*time_us));
        self.0.clear();
        all.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kilogram_force_and_microseconds() {
        let mut weights = Weights::default();
        assert!(weights.push(9.806_65, 54_000));
        assert!(weights.push(-4.903_325, 65_350));
        let expected = [1, 16, 0, 0, 0x80, 0x3F, 0xF0, 0xD2, 0, 0, 0, 0, 0, 0xBF, 0x46, 0xFF, 0, 0];
        assert_eq!(weights.take(), expected);
        assert_eq!(weights.take(), [1, 0]);
    }

    #[test]
    fn responses_carry_length_and_payload_only() {
        assert_eq!(response(&3985u32.to_le_bytes()), [0, 4, 0x91, 0x0F, 0, 0]);
        assert_eq!(id(0x66F7), [0, 2, 0xF7, 0x66]);
        assert_eq!(id(0), [0, 0]);
        assert_eq!(low_power(), [4, 0]);
    }

    #[test]
    fn nothing_touches_the_calibration() {
        let known: std::vec::Vec<u8> = (0..=255).filter(|op| Command::decode(&[*op, 0]).is_some()).collect();
        assert_eq!(known, [0x64, 0x65, 0x66, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70]);
        assert_eq!(Command::decode(&[]), None);
    }
}
