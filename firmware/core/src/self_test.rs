//! The self test: noise, offset and excitation, judged from 0.4 s of readings.

use crate::statistics::SelfTest;

/// Readings that a test looks at; at 80 Hz 0.4 s. With the time that the bridge needs to settle, and a converter that
/// has to be set up first, an answer comes within the two seconds of the profile.
pub const READINGS: u32 = 32;
/// At most this much noise, counts rms. The data sheet's 150 nV rms at 80 Hz and gain 128 become 27 to 107 counts at a
/// gain of 32 on a 3.0 V reference; wires and a band that hangs on the sensor may add as much again several times over.
const NOISE_MAX_COUNTS: u32 = 400;
/// A bridge is out of balance beyond 1 mV/V, a sixteenth of the range.
const OFFSET_MAX_COUNTS: u32 = 1 << 19;
/// The regulator is set to 3.0 V; below 2.7 V it is overloaded, above 3.3 V it is broken.
const EXCITATION_MV: core::ops::RangeInclusive<u16> = 2700..=3300;

/// Sums over the readings of one test.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    n: u32,
    sum: i64,
    squares: u64,
}

impl Sums {
    /// Add a reading, 24 bits.
    pub fn add(&mut self, counts: i32) {
        self.n += 1;
        self.sum += i64::from(counts);
        self.squares += u64::from(counts.unsigned_abs()).pow(2);
    }

    /// Readings so far.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.n
    }

    /// Mean of the readings, counts.
    #[must_use]
    pub fn mean(&self) -> i32 {
        (self.sum / i64::from(self.n.max(1))) as i32
    }

    /// Standard deviation of the readings × 16, counts.
    #[must_use]
    pub fn noise_x16(&self) -> u32 {
        let n = u128::from(self.n.max(1));
        let sum = u128::from(self.sum.unsigned_abs());
        let n2_variance = (n * u128::from(self.squares)).saturating_sub(sum * sum);
        ((n2_variance * 256).isqrt() / n) as u32
    }

    /// The page of a finished test. An `excitation_mv` of 0 means that the board cannot measure it.
    #[must_use]
    pub fn judge(&self, excitation_mv: u16, battery_mv: u16, temperature_centi_c: Option<i16>) -> SelfTest {
        let offset_counts = self.mean();
        let noise_counts_rms_x16 = self.noise_x16();
        let excitation_bad = excitation_mv != 0 && !EXCITATION_MV.contains(&excitation_mv);
        let faults = [
            (noise_counts_rms_x16 > 16 * NOISE_MAX_COUNTS, SelfTest::NOISE_TOO_HIGH),
            (offset_counts.unsigned_abs() > OFFSET_MAX_COUNTS, SelfTest::OFFSET_OUT_OF_RANGE),
            (excitation_bad, SelfTest::EXCITATION_OUT_OF_RANGE),
        ];
        let faults = faults.into_iter().filter(|(found, _)| *found).fold(0, |bits, (_, bit)| bits | bit);
        SelfTest {
            outcome: if faults == 0 { SelfTest::PASSED } else { faults },
            noise_counts_rms_x16,
            offset_counts,
            excitation_mv,
            battery_mv,
            temperature_centi_c,
        }
    }
}

/// The page when the converter did not answer.
#[must_use]
pub const fn converter_absent(battery_mv: u16) -> SelfTest {
    SelfTest { outcome: SelfTest::CONVERTER_ABSENT, ..SelfTest::not_run(battery_mv) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(counts: impl IntoIterator<Item = i32>) -> Sums {
        let mut sums = Sums::default();
        counts.into_iter().for_each(|count| sums.add(count));
        sums
    }

    #[test]
    fn noise_is_the_standard_deviation() {
        let alternating = sums((0..64).map(|i| if i % 2 == 0 { -12_000 } else { -11_900 }));
        assert_eq!(alternating.mean(), -11_950);
        assert_eq!(alternating.noise_x16(), 50 * 16);
        assert_eq!(sums([8_388_607; 64]).noise_x16(), 0);
        assert_eq!(
            sums((0..64).map(|i| if i % 2 == 0 { -8_388_608 } else { 8_388_607 })).noise_x16(),
            134_217_720
        );
        assert_eq!(Sums::default().noise_x16(), 0);
    }

    #[test]
    fn every_fault_has_its_bit() {
        let quiet = sums([1000; 64]);
        assert_eq!(quiet.judge(3000, 3900, None).outcome, SelfTest::PASSED);
        assert_eq!(quiet.judge(0, 3900, None).outcome, SelfTest::PASSED);
        assert_eq!(quiet.judge(2500, 3900, None).outcome, SelfTest::EXCITATION_OUT_OF_RANGE);
        let unbalanced = sums([-3_000_000; 64]);
        assert_eq!(unbalanced.judge(3000, 3900, None).outcome, SelfTest::OFFSET_OUT_OF_RANGE);
        let noisy = sums((0..64).map(|i| i * 100));
        assert_eq!(noisy.judge(3000, 3900, None).outcome, SelfTest::NOISE_TOO_HIGH);
        assert_eq!(converter_absent(3900).outcome, SelfTest::CONVERTER_ABSENT);
    }
}
