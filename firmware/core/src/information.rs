//! The information characteristic (docs/protocol.md section 6).

use heapless::Vec;

use crate::bytes::Writer;
use crate::control::LABEL_MAX;
use crate::rate::Rate;

/// Profile version, major.
pub const PROFILE_MAJOR: u8 = 1;
/// Profile version, minor.
pub const PROFILE_MINOR: u8 = 1;
/// Bytes of the longest value.
pub const INFORMATION_MAX: usize = 30 + LABEL_MAX;

/// Feature bits.
pub mod feature {
    /// The Progressor-compatible service can be switched on.
    pub const PROGRESSOR: u16 = 1;
    /// Firmware can be updated over the air.
    pub const UPDATE: u16 = 1 << 1;
    /// Temperature is measured.
    pub const TEMPERATURE: u16 = 1 << 2;
    /// Tension wakes the sensor.
    pub const WAKE_ON_TENSION: u16 = 1 << 3;
    /// Pairing asks for the passkey on the sensor's label.
    pub const FIXED_PASSKEY: u16 = 1 << 4;
    /// Force is told by the Industrial Measurement Device Service.
    pub const FORCE_SERVICE: u16 = 1 << 5;
    /// The address can be made private.
    pub const PRIVATE_ADDRESS: u16 = 1 << 6;
}

/// What a client can know before it pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct Information<'a> {
    pub features: u16,
    pub serial: u64,
    pub gain: u8,
    pub rates: u8,
    pub boot_number: u16,
    pub full_scale_mn: u32,
    pub highest_count: i32,
    pub lowest_count: i32,
    pub options: u8,
    pub label: &'a str,
}

impl Information<'_> {
    /// Bit of a rate in the *rates* field.
    #[must_use]
    pub fn rate_bit(rate: Rate) -> u8 {
        let place = Rate::ALL.into_iter().take_while(|other| *other != rate).count();
        1 << place
    }

    /// The *rates* field of a sensor that offers all of them.
    pub const ALL_RATES: u8 = 0x1F;

    /// The value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, INFORMATION_MAX> {
        Writer::new()
            .u8(PROFILE_MAJOR)
            .u8(PROFILE_MINOR)
            .u16(self.features)
            .bytes(&self.serial.to_le_bytes())
            .u8(self.gain)
            .u8(self.rates)
            .u16(self.boot_number)
            .u32(self.full_scale_mn)
            .u32(self.highest_count.cast_unsigned())
            .u32(self.lowest_count.cast_unsigned())
            .u8(self.options)
            .u8(self.label.len() as u8)
            .bytes(self.label.as_bytes())
            .finish()
    }
}
