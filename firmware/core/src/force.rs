//! Force as the Bluetooth SIG's Industrial Measurement Device Service tells it (docs/protocol.md section 11).

use crate::rate::Rate;

/// Industrial Measurement Device Service, assigned number.
pub const SERVICE_UUID: u16 = 0x185A;
/// Its *Force* characteristic: sint32, 0.001 N.
pub const FORCE_UUID: u16 = 0x2C07;
/// Appearance "Industrial Measurement Device, Force Gauge".
pub const APPEARANCE_FORCE_GAUGE: u16 = 0x1486;
/// The value of a force that is not known.
pub const UNKNOWN: [u8; 4] = 0x7FFF_FFFFi32.to_le_bytes();
/// At most this many values are told a second.
const VALUES_PER_S: u16 = 20;

/// The characteristic's value of a tension, N.
#[must_use]
pub fn encode(tension_n: f32) -> [u8; 4] {
    let millinewtons = tension_n * 1000.0;
    // The greatest value that is not "unknown"; a float that is not a number becomes 0 by the cast, so it is asked for.
    if millinewtons.is_nan() {
        return UNKNOWN;
    }
    let rounded = millinewtons + if millinewtons < 0.0 { -0.5 } else { 0.5 };
    (rounded as i32).min(i32::MAX - 1).to_le_bytes()
}

/// Turns samples into means that come 10 to 20 times a second.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForceMeter {
    samples_per_value: u16,
    n: u16,
    sum_n: f32,
    doubtful: bool,
}

impl ForceMeter {
    /// A meter for a stream at this rate.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        let wanted = rate.hz() / VALUES_PER_S;
        Self { samples_per_value: if wanted == 0 { 1 } else { wanted }, n: 0, sum_n: 0.0, doubtful: false }
    }

    /// Take in a sample; `None` for one that says nothing about the tension (saturated, settling). Gives a value when it
    /// is complete.
    pub fn push(&mut self, tension_n: Option<f32>) -> Option<[u8; 4]> {
        self.n += 1;
        match tension_n {
            Some(tension_n) => self.sum_n += tension_n,
            None => self.doubtful = true,
        }
        if self.n < self.samples_per_value {
            return None;
        }
        let value = if self.doubtful { UNKNOWN } else { encode(self.sum_n / f32::from(self.n)) };
        *self = Self { samples_per_value: self.samples_per_value, ..Self::default() };
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_millinewtons_and_never_unknown_by_accident() {
        assert_eq!(encode(0.0), [0; 4]);
        assert_eq!(encode(123.4567), 123_457i32.to_le_bytes());
        assert_eq!(encode(-1.5), (-1500i32).to_le_bytes());
        assert_eq!(encode(3e9), (i32::MAX - 1).to_le_bytes());
        assert_eq!(encode(f32::NEG_INFINITY), i32::MIN.to_le_bytes());
        assert_eq!(encode(f32::NAN), UNKNOWN);
        assert_eq!(UNKNOWN, [0xFF, 0xFF, 0xFF, 0x7F]);
    }

    #[test]
    fn values_come_ten_to_twenty_times_a_second_at_every_rate() {
        for rate in Rate::ALL {
            let mut meter = ForceMeter::new(rate);
            let values = (0..rate.hz()).filter_map(|_| meter.push(Some(1.0))).count();
            assert!((10..=20).contains(&values), "{values} at {rate:?}");
        }
    }

    #[test]
    fn a_value_is_the_mean_and_a_doubtful_sample_makes_it_unknown() {
        let mut meter = ForceMeter::new(Rate::Hz80);
        let mut push = |x| meter.push(x);
        assert_eq!([push(Some(1.0)), push(Some(2.0)), push(Some(3.0))], [None; 3]);
        assert_eq!(push(Some(4.0)), Some(2500i32.to_le_bytes()));
        assert_eq!([push(Some(1.0)), push(None), push(Some(3.0))], [None; 3]);
        assert_eq!(push(Some(4.0)), Some(UNKNOWN));
        assert_eq!([push(Some(8.0)), push(Some(8.0)), push(Some(8.0))], [None; 3]);
        assert_eq!(push(Some(8.0)), Some(8000i32.to_le_bytes()));
    }
}
