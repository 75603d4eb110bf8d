//! Conversion rates of the wire profile (docs/protocol.md section 3).

/// A nominal conversion rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Rate {
    /// 10 samples per second.
    Hz10 = 10,
    /// 20 samples per second.
    Hz20 = 20,
    /// 40 samples per second.
    Hz40 = 40,
    /// 80 samples per second.
    Hz80 = 80,
    /// 320 samples per second.
    Hz320 = 320,
}

/// Samples in the longest frame that is sent: a full one at the fastest rate.
pub const BATCH_MAX: usize = Rate::Hz320.samples_per_frame(u16::MAX);

impl Rate {
    /// Every rate, slowest first: the order of the bits in *information*.
    pub const ALL: [Self; 5] = [Self::Hz10, Self::Hz20, Self::Hz40, Self::Hz80, Self::Hz320];

    /// The rate in hertz.
    #[must_use]
    pub const fn hz(self) -> u16 {
        self as u16
    }

    /// Nominal time between two conversions, µs.
    #[must_use]
    pub const fn period_us(self) -> u32 {
        1_000_000 / self.hz() as u32
    }

    /// The rate of `hz` samples per second, if the profile offers it.
    #[must_use]
    pub fn from_hz(hz: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.hz() == hz)
    }

    /// Samples that make a full frame at an ATT MTU of `att_mtu` bytes (section 2, *Batching*).
    #[must_use]
    pub const fn samples_per_frame(self, att_mtu: u16) -> usize {
        let by_time = self.hz() as usize * 25 / 1000 + 1;
        let by_mtu = (att_mtu as usize).saturating_sub(14) / 3;
        if by_mtu == 0 {
            1
        } else if by_mtu < by_time {
            by_mtu
        } else {
            by_time
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_those_of_the_profile() {
        let sizes = |mtu| Rate::ALL.map(|rate| rate.samples_per_frame(mtu));
        assert_eq!(sizes(23), [1, 1, 2, 3, 3]);
        assert_eq!(sizes(247), [1, 1, 2, 3, 9]);
    }
}
