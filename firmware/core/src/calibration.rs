//! The calibration record (docs/protocol.md section 7).

use heapless::Vec;

use crate::bytes::{Reader, Writer};

/// Bytes of a record.
pub const RECORD_LENGTH: usize = 40;
const VERSION: u8 = 1;
const UNKNOWN_TEMPERATURE: i16 = i16::MIN;

/// How the calibration was made, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants are the table of the profile")]
pub enum Grade {
    Inline = 0,
    ClipOn = 1,
    Nominal = 2,
    ColourTable = 3,
}

impl Grade {
    const ALL: [Self; 4] = [Self::Inline, Self::ClipOn, Self::Nominal, Self::ColourTable];
}

/// Why bytes are not a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// Not as long as a record.
    Length,
    /// The check sum does not match.
    Crc,
    /// A version that this firmware does not know.
    Version,
    /// A value that no calibration has.
    Value,
}

/// From counts to newtons.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct Calibration {
    pub grade: Grade,
    pub made_at_s: u32,
    pub zero_counts: i32,
    pub newton_per_count: f32,
    pub newton_per_count2: f32,
    pub zero_uncertainty_n: f32,
    pub span_uncertainty: f32,
    pub newton_per_kelvin: f32,
    pub reference_temperature_centi_c: Option<i16>,
}

impl Calibration {
    /// The calibration in a record.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn decode(record: &[u8]) -> Result<Self, RecordError> {
        let record: &[u8; RECORD_LENGTH] = record.try_into().map_err(|_| RecordError::Length)?;
        let (content, crc) = record.split_last_chunk::<4>().ok_or(RecordError::Length)?;
        if crc32(content) != u32::from_le_bytes(*crc) {
            return Err(RecordError::Crc);
        }
        let mut reader = Reader(content);
        match (reader.u8(), reader.u8()) {
            (Some(VERSION), Some(length)) if usize::from(length) == RECORD_LENGTH => {}
            (Some(VERSION), _) => return Err(RecordError::Length),
            _ => return Err(RecordError::Version),
        }
        Self::decode_fields(reader).filter(Self::is_plausible).ok_or(RecordError::Value)
    }

    fn decode_fields(mut reader: Reader<'_>) -> Option<Self> {
        let grade = reader.u8()?;
        reader.u8()?;
        Some(Self {
            grade: Grade::ALL.into_iter().find(|known| *known as u8 == grade)?,
            made_at_s: reader.u32()?,
            zero_counts: reader.i32()?,
            newton_per_count: reader.f32()?,
            newton_per_count2: reader.f32()?,
            zero_uncertainty_n: reader.f32()?,
            span_uncertainty: reader.f32()?,
            newton_per_kelvin: reader.f32()?,
            reference_temperature_centi_c: Some(reader.u16()?.cast_signed())
                .filter(|temperature| *temperature != UNKNOWN_TEMPERATURE),
        })
    }

    fn is_plausible(&self) -> bool {
        let all_finite = [
            self.newton_per_count,
            self.newton_per_count2,
            self.zero_uncertainty_n,
            self.span_uncertainty,
            self.newton_per_kelvin,
        ]
        .into_iter()
        .all(f32::is_finite);
        all_finite && self.newton_per_count != 0.0
    }

    /// The record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, RECORD_LENGTH> {
        let temperature = self.reference_temperature_centi_c.unwrap_or(UNKNOWN_TEMPERATURE);
        let content = Writer::<RECORD_LENGTH>::new()
            .u8(VERSION)
            .u8(RECORD_LENGTH as u8)
            .u8(self.grade as u8)
            .u8(0)
            .u32(self.made_at_s)
            .u32(self.zero_counts.cast_unsigned())
            .u32(self.newton_per_count.to_bits())
            .u32(self.newton_per_count2.to_bits())
            .u32(self.zero_uncertainty_n.to_bits())
            .u32(self.span_uncertainty.to_bits())
            .u32(self.newton_per_kelvin.to_bits())
            .u16(temperature.cast_unsigned())
            .u16(0);
        let crc = crc32(&content.clone().finish());
        content.u32(crc).finish()
    }

    /// Tension of a count at a temperature, N; without the temperature term where one of the temperatures is unknown.
    #[must_use]
    pub fn tension_n(&self, count: i32, temperature_centi_c: Option<i16>) -> f32 {
        let x = count.saturating_sub(self.zero_counts) as f32;
        let tension_n = (self.newton_per_count + self.newton_per_count2 * x) * x;
        match (temperature_centi_c, self.reference_temperature_centi_c) {
            (Some(temperature), Some(reference)) => {
                let kelvin = (f32::from(temperature) - f32::from(reference)) / 100.0;
                tension_n - self.newton_per_kelvin * kelvin
            }
            _ => tension_n,
        }
    }
}

/// CRC-32 as in ISO-HDLC: polynomial 0x04C11DB7 reflected, initial and final 0xFFFFFFFF.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn crc_has_the_catalogue_s_check_value() {
        // "check" of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn tension_follows_the_polynomial() {
        let calibration = Calibration {
            grade: Grade::Inline,
            made_at_s: 0,
            zero_counts: 1000,
            newton_per_count: 0.5,
            newton_per_count2: 0.25,
            zero_uncertainty_n: 0.0,
            span_uncertainty: 0.0,
            newton_per_kelvin: 0.0,
            reference_temperature_centi_c: None,
        };
        assert_eq!(calibration.tension_n(1000, None), 0.0);
        assert_eq!(calibration.tension_n(1004, None), 6.0);
        assert!(calibration.tension_n(i32::MIN, None).is_finite());
        assert_eq!(calibration.tension_n(1004, Some(3000)), 6.0, "no reference, no correction");
        let warm =
            Calibration { newton_per_kelvin: 0.5, reference_temperature_centi_c: Some(2000), ..calibration };
        assert_eq!(warm.tension_n(1004, Some(2200)), 5.0);
        assert_eq!(warm.tension_n(1004, None), 6.0);
    }

    proptest! {
        #![proptest_config(crate::vectors::proptest_config())]

        #[test]
        fn no_bytes_break_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            prop_assert!(Calibration::decode(&bytes).is_err());
        }

        #[test]
        fn any_flipped_bit_is_noticed(bit in 0usize..RECORD_LENGTH * 8) {
            let mut record = Calibration {
                grade: Grade::Nominal, made_at_s: 7, zero_counts: -3, newton_per_count: 1e-4,
                newton_per_count2: 0.0, zero_uncertainty_n: 0.1, span_uncertainty: 0.01,
                newton_per_kelvin: 0.0, reference_temperature_centi_c: Some(2150),
            }.encode();
            prop_assert!(Calibration::decode(&record).is_ok());
            record[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Calibration::decode(&record).is_err());
        }
    }
}
