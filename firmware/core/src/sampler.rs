//! From conversions to frames: numbering, time, batching, and what is told about losses.

use heapless::Vec;

use crate::hal::{CountRange, Reading};
use crate::measurement::{Flags, Frame, TIME_TOLERANCE_US, offset_us};
use crate::rate::BATCH_MAX;

/// A frame as the sampler makes it: no longer than it has to be, because many may have to wait for the radio.
pub type Batch = Frame<BATCH_MAX>;

/// Numbers samples and packs them into frames. Numbers go on over stops and starts until the chip resets.
#[derive(Debug)]
pub struct Sampler {
    range: CountRange,
    samples_per_frame: usize,
    next_sequence: u16,
    overruns: u32,
    low_battery: bool,
    gap_pending: bool,
    overrun_pending: bool,
    frame: Batch,
    times_us: Vec<u64, BATCH_MAX>,
}

impl Sampler {
    /// A sampler at boot.
    #[must_use]
    pub fn new(range: CountRange) -> Self {
        Self {
            range,
            samples_per_frame: 1,
            next_sequence: 0,
            overruns: 0,
            low_battery: false,
            gap_pending: true,
            overrun_pending: false,
            frame: Batch::default(),
            times_us: Vec::new(),
        }
    }

    /// Number that the next sample will get.
    #[must_use]
    pub const fn next_sequence(&self) -> u16 {
        self.next_sequence
    }

    /// Conversions lost since boot.
    #[must_use]
    pub const fn overruns(&self) -> u32 {
        self.overruns
    }

    /// Flag the frames to come.
    pub const fn set_low_battery(&mut self, low: bool) {
        self.low_battery = low;
    }

    /// Pack at most this many samples into a frame from the next one on; 1 … [`BATCH_MAX`].
    pub fn set_samples_per_frame(&mut self, samples: usize) {
        self.samples_per_frame = samples.clamp(1, BATCH_MAX);
    }

    /// The stream starts, changes its rate, or the converter was restarted: time is not continuous here.
    /// Gives the frame that was being filled.
    pub fn interrupt(&mut self) -> Option<Batch> {
        self.gap_pending = true;
        self.flush()
    }

    /// Take in a conversion. `emit` gets each frame that it completes, at most two.
    pub fn push(&mut self, reading: Reading, mut emit: impl FnMut(Batch)) {
        if reading.missed > 0 {
            self.overruns = self.overruns.saturating_add(reading.missed);
            self.overrun_pending = true;
            self.interrupt().map(&mut emit);
        }
        if !self.fits(&reading) {
            self.flush().map(&mut emit);
        }
        self.append(reading);
        if self.times_us.len() >= self.samples_per_frame {
            self.flush().map(&mut emit);
        }
    }

    /// Give out the frame that is being filled, if it holds a sample.
    pub fn flush(&mut self) -> Option<Batch> {
        if self.times_us.is_empty() {
            return None;
        }
        self.times_us.clear();
        Some(core::mem::take(&mut self.frame))
    }

    /// Whether the flags hold for `reading` as well, and even spacing still tells every sample's time when it is added.
    fn fits(&self, reading: &Reading) -> bool {
        let Some(&first_us) = self.times_us.first() else {
            return true;
        };
        let (flags, time_us) = (self.frame.flags, reading.time_us);
        if flags.settling != reading.settling || flags.late_stamp != reading.late_stamp {
            return false;
        }
        let Some(span_us) = time_us.checked_sub(first_us) else {
            return false;
        };
        let n = self.times_us.len() + 1;
        (1..1 << 24).contains(&span_us)
            && self.times_us.iter().enumerate().all(|(i, &time_us)| {
                (first_us + offset_us(i, n, span_us)).abs_diff(time_us) <= TIME_TOLERANCE_US
            })
    }

    fn append(&mut self, reading: Reading) {
        if self.times_us.is_empty() {
            self.frame.sequence = self.next_sequence;
            self.frame.time_us = reading.time_us as u32;
            self.frame.flags = Flags {
                saturated: false,
                overrun: core::mem::take(&mut self.overrun_pending),
                gap_before: core::mem::take(&mut self.gap_pending),
                low_battery: self.low_battery,
                settling: reading.settling,
                late_stamp: reading.late_stamp,
            };
        }
        self.frame.flags.saturated |= self.range.is_exceeded_by(reading.counts);
        self.frame.span_us = self.times_us.first().map_or(0, |first_us| (reading.time_us - first_us) as u32);
        // Neither can be full: `push` flushes at `samples_per_frame`, which is at most their capacity.
        let _ = self.times_us.push(reading.time_us);
        let _ = self.frame.counts.push(reading.counts);
        self.next_sequence = self.next_sequence.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec as StdVec;

    fn reading(time_us: u64, counts: i32) -> Reading {
        Reading { time_us, counts, missed: 0, settling: false, late_stamp: false }
    }

    fn frames_of(sampler: &mut Sampler, readings: impl IntoIterator<Item = Reading>) -> StdVec<Batch> {
        let mut frames = vec![];
        for reading in readings {
            sampler.push(reading, |frame| frames.push(frame));
        }
        frames
    }

    #[test]
    fn a_stream_begins_with_a_gap_and_numbers_go_on() {
        let mut sampler = Sampler::new(CountRange::FULL);
        sampler.set_samples_per_frame(3);
        let frames = frames_of(&mut sampler, (0..7).map(|i| reading(1000 + 12_500 * i, i as i32)));
        assert_eq!(frames.len(), 2);
        assert_eq!([frames[0].sequence, frames[1].sequence], [0, 3]);
        assert_eq!([frames[0].flags.gap_before, frames[1].flags.gap_before], [true, false]);
        assert_eq!((frames[1].time_us, frames[1].span_us), (38_500, 25_000));
        let rest = sampler.interrupt().unwrap();
        assert_eq!((rest.sequence, rest.span_us, rest.counts.as_slice()), (6, 0, &[6][..]));
        let again = frames_of(&mut sampler, (0..3).map(|i| reading(900_000 + 12_500 * i, 0)));
        assert!(again[0].flags.gap_before);
        assert_eq!(again[0].sequence, 7);
    }

    #[test]
    fn an_overrun_closes_the_frame_is_counted_and_told_once() {
        let mut sampler = Sampler::new(CountRange::FULL);
        sampler.set_samples_per_frame(3);
        let mut frames = frames_of(&mut sampler, [reading(0, 1), reading(12_500, 2)]);
        frames.extend(frames_of(&mut sampler, [Reading { missed: 2, ..reading(50_000, 3) }]));
        frames.extend(frames_of(&mut sampler, (0..5).map(|i| reading(62_500 + i * 12_500, 4))));
        assert_eq!(sampler.overruns(), 2);
        assert_eq!(frames[0].counts.as_slice(), &[1, 2]);
        assert!(frames[1].flags.overrun && frames[1].flags.gap_before);
        assert_eq!(frames[1].sequence, 2);
        assert!(!frames[2].flags.overrun && !frames[2].flags.gap_before);
    }

    #[test]
    fn the_ends_of_the_range_are_saturated() {
        let mut sampler = Sampler::new(CountRange { highest: 8_000_000, lowest: -8_000_000 });
        for (count, saturated) in
            [(7_999_999, false), (8_000_000, true), (-7_999_999, false), (-8_000_000, true)]
        {
            let frames = frames_of(&mut sampler, [reading(u64::from(count as u32), count)]);
            assert_eq!(frames[0].flags.saturated, saturated, "{count}");
        }
    }

    #[test]
    fn a_frame_never_mixes_settling_or_late_samples_with_others() {
        let mut sampler = Sampler::new(CountRange::FULL);
        sampler.set_samples_per_frame(3);
        let readings = (0..8).map(|i| Reading {
            settling: i < 2,
            late_stamp: i == 5,
            ..reading(1000 + 12_500 * i, i as i32)
        });
        let mut frames = frames_of(&mut sampler, readings);
        frames.extend(sampler.flush());
        let told: StdVec<_> =
            frames.iter().map(|f| (f.counts.len(), f.flags.settling, f.flags.late_stamp)).collect();
        assert_eq!(
            told,
            [(2, true, false), (3, false, false), (1, false, true), (2, false, false)],
            "one frame for each run of like samples"
        );
    }

    proptest! {
        #![proptest_config(crate::vectors::proptest_config())]

        #[test]
        fn every_sample_arrives_once_with_its_time(
            steps in proptest::collection::vec((1u64..20_000, 0u32..3, prop::bool::weighted(0.05)), 1..300),
            size in 1..=BATCH_MAX,
        ) {
            let mut sampler = Sampler::new(CountRange::FULL);
            sampler.set_samples_per_frame(size);
            let mut time_us = u64::from(u32::MAX) - 500_000;
            let readings: StdVec<_> = steps.iter().enumerate().map(|(i, &(step, missed, lost))| {
                time_us += step;
                Reading { missed: if lost { missed } else { 0 }, ..reading(time_us, i as i32) }
            }).collect();
            let mut frames = frames_of(&mut sampler, readings.iter().copied());
            frames.extend(sampler.flush());
            let counts: StdVec<_> = frames.iter().flat_map(|f| f.counts.clone()).collect();
            prop_assert_eq!(counts, (0..readings.len() as i32).collect::<StdVec<_>>());
            let mut expected = readings.iter();
            for frame in &frames {
                prop_assert!(frame.counts.len() <= size);
                prop_assert_eq!(Frame::decode(&frame.encode()).unwrap().encode(), frame.encode());
                for time in frame.sample_times_us() {
                    let off = time.wrapping_sub(expected.next().unwrap().time_us as u32).cast_signed();
                    prop_assert!(off.abs() <= 100);
                }
            }
        }
    }
}
