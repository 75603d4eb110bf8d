//! Measurement frames (docs/protocol.md section 2).

use heapless::Vec;

use crate::bytes::{Reader, Writer};

/// Samples in the longest frame.
pub const SAMPLES_MAX: usize = 80;
/// Bytes in front of the samples.
pub const HEADER_LENGTH: usize = 11;
/// Bytes of the longest frame.
pub const FRAME_MAX: usize = HEADER_LENGTH + 3 * SAMPLES_MAX;
/// Most that any rebuilt sample time may be off, µs.
pub const TIME_TOLERANCE_US: u64 = 100;

/// What is special about a frame's samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// A count is at or beyond the converter's limits.
    pub saturated: bool,
    /// A conversion was lost before this frame because it was not collected in time.
    pub overrun: bool,
    /// Samples that have no number are missing before this frame.
    pub gap_before: bool,
    /// The battery is at 10 % or below.
    pub low_battery: bool,
    /// The bridge has not come to rest since it was switched on: the counts drift.
    pub settling: bool,
    /// The time of this frame's samples may be off by more than [`TIME_TOLERANCE_US`].
    pub late_stamp: bool,
}

impl Flags {
    const fn to_bits(self) -> u8 {
        self.saturated as u8
            | (self.overrun as u8) << 1
            | (self.gap_before as u8) << 2
            | (self.low_battery as u8) << 3
            | (self.settling as u8) << 4
            | (self.late_stamp as u8) << 5
    }

    const fn from_bits(bits: u8) -> Self {
        Self {
            saturated: bits & 1 != 0,
            overrun: bits & 2 != 0,
            gap_before: bits & 4 != 0,
            low_battery: bits & 8 != 0,
            settling: bits & 16 != 0,
            late_stamp: bits & 32 != 0,
        }
    }
}

/// At most `N` consecutive samples as they go over the air.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame<const N: usize = SAMPLES_MAX> {
    /// Number of the first sample.
    pub sequence: u16,
    /// What is special about them.
    pub flags: Flags,
    /// Device time of the first sample, µs modulo 2³².
    pub time_us: u32,
    /// Device time from the first to the last sample, µs.
    pub span_us: u32,
    /// The samples.
    pub counts: Vec<i32, N>,
}

impl<const N: usize> Frame<N> {
    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, FRAME_MAX> {
        let header = Writer::new()
            .u16(self.sequence)
            .u8(self.flags.to_bits())
            .u8(self.counts.len() as u8)
            .u32(self.time_us)
            .u24(self.span_us);
        self.counts.iter().fold(header, |frame, count| frame.u24(count.cast_unsigned())).finish()
    }

    /// Device times of the samples as a receiver rebuilds them, µs modulo 2³².
    pub fn sample_times_us(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.counts.len()).map(|i| {
            let after_first = offset_us(i, self.counts.len(), u64::from(self.span_us));
            self.time_us.wrapping_add(after_first as u32)
        })
    }
}

impl Frame<SAMPLES_MAX> {
    /// The frame in `bytes`; `None` when they are malformed.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let sequence = reader.u16()?;
        let flags = Flags::from_bits(reader.u8()?);
        let count = usize::from(reader.u8()?);
        let time_us = reader.u32()?;
        let span_us = reader.u24()?;
        let well_formed = (1..=SAMPLES_MAX).contains(&count)
            && reader.rest().len() == 3 * count
            && (count == 1) == (span_us == 0);
        if !well_formed {
            return None;
        }
        let counts = core::iter::from_fn(|| reader.i24()).collect();
        Some(Self { sequence, flags, time_us, span_us, counts })
    }
}

/// Time from the first of `n` evenly spaced samples to sample `i`: `round(i · span / (n − 1))`, µs.
#[must_use]
pub const fn offset_us(i: usize, n: usize, span_us: u64) -> u64 {
    if n < 2 {
        return 0;
    }
    let steps = n as u64 - 1;
    (2 * i as u64 * span_us + steps) / (2 * steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let counts = proptest::collection::vec(-(1i32 << 23)..1 << 23, 1..=SAMPLES_MAX);
        (any::<u16>(), 0u8..64, any::<u32>(), 1u32..1 << 24, counts).prop_map(
            |(sequence, bits, time_us, span_us, counts)| Frame {
                sequence,
                flags: Flags::from_bits(bits),
                time_us,
                span_us: if counts.len() == 1 { 0 } else { span_us },
                counts: counts.into_iter().collect(),
            },
        )
    }

    proptest! {
        #![proptest_config(crate::vectors::proptest_config())]

        #[test]
        fn decoding_undoes_encoding(frame in frames()) {
            prop_assert_eq!(Frame::decode(&frame.encode()), Some(frame));
        }

        #[test]
        fn no_bytes_break_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode().len(), bytes.len());
            }
        }
    }
}
