//! What the application asks of a board. Every board and the host program implement these traits.

use crate::measurement::TIME_TOLERANCE_US;
use crate::rate::Rate;
use crate::statistics::{Crash, ResetCause};

/// One conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Device time at which the converter signalled the result, µs since boot.
    pub time_us: u64,
    /// The result, 24 bits in two's complement.
    pub counts: i32,
    /// Conversions that ended uncollected since the reading before.
    pub missed: u32,
    /// The bridge and the converter's amplifier have not come to rest since they were switched on.
    pub settling: bool,
    /// `time_us` may be off by more than the profile promises.
    pub late_stamp: bool,
}

/// Highest and lowest count that still measures; beyond, the input is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountRange {
    /// At or above this count a sample is saturated.
    pub highest: i32,
    /// At or below this count a sample is saturated.
    pub lowest: i32,
}

impl CountRange {
    /// The ends of a 24-bit converter's range.
    pub const FULL: Self = Self { highest: (1 << 23) - 1, lowest: -(1 << 23) };

    /// Whether a count lies at or beyond an end.
    #[must_use]
    pub const fn is_exceeded_by(self, count: i32) -> bool {
        count >= self.highest || count <= self.lowest
    }
}

/// Why the converter gave no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdcError {
    /// Nothing acknowledged the converter's address, or the bus stayed stuck through every retry.
    Bus,
    /// No data-ready signal within the time that the rate allows.
    Silent,
    /// The part answers, but its registers do not keep what is written, or its own calibration failed.
    Faulty,
}

/// A bridge converter with its excitation.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait Adc {
    /// Highest and lowest count that still measures.
    const RANGE: CountRange;
    /// Gain of the amplifier, as *information* tells it.
    const GAIN: u8;

    /// Switch the excitation on and let the input settle. Fresh readings follow.
    ///
    /// # Errors
    /// See [`AdcError`]; the converter then is off.
    async fn start(&mut self, rate: Rate) -> Result<(), AdcError>;

    /// Wait for the next conversion. Giving the wait up loses no more than the conversions that end meanwhile,
    /// and those are counted.
    ///
    /// # Errors
    /// See [`AdcError`]; [`start`](Self::start) again to recover.
    async fn next(&mut self) -> Result<Reading, AdcError>;

    /// It has a thermometer beside the bridge.
    const THERMOMETER: bool;

    /// Temperature beside the bridge, 0.01 °C; `None` without a thermometer. Takes the converter
    /// for a moment: it is off before and after.
    ///
    /// # Errors
    /// See [`AdcError`].
    async fn temperature_centi_c(&mut self) -> Result<Option<i16>, AdcError>;

    /// Switch the excitation off. Never fails: what cannot be told to sleep is powered down with its bus.
    async fn stop(&mut self);
}

/// When a result became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Device time of the signal, µs since boot.
    pub time_us: u64,
    /// It may be off by more than the profile promises.
    pub late: bool,
}

impl Stamp {
    /// From what the board can know when it gets to see a result: the device time now and, where the edge of the signal
    /// was captured by a timer, how long ago that was on it. `ppm` is the timer's error, `resolution_us` that of the
    /// device time.
    #[must_use]
    pub const fn of_edge(now_us: u64, ago_us: Option<u32>, ppm: u32, resolution_us: u32) -> Self {
        match ago_us {
            Some(ago_us) => {
                let error_us = ago_us as u64 * ppm as u64 / 1_000_000 + resolution_us as u64;
                Self { time_us: now_us.saturating_sub(ago_us as u64), late: error_us > TIME_TOLERANCE_US }
            }
            // Nobody knows how long the signal has been there.
            None => Self { time_us: now_us, late: true },
        }
    }
}

/// The converter's data-ready line.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait DataReady {
    /// Wait until a result is ready, and tell since when.
    async fn ready(&mut self) -> Stamp;
    /// The device time, µs since boot.
    fn now_us(&self) -> u64;
}

/// A bus that can be freed when a device holds its data line low.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait Recover {
    /// Clock the held byte out and end it with a stop condition (I²C specification, 3.1.16).
    async fn recover(&mut self);
}

/// Time since boot.
pub trait Clock {
    /// Microseconds since boot.
    fn now_us(&self) -> u64;
}

/// Colour of the light.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Colour {
    /// Red on.
    pub red: bool,
    /// Green on.
    pub green: bool,
    /// Blue on.
    pub blue: bool,
}

/// The button.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait Button {
    /// Wait until the button is down.
    async fn pressed(&mut self);
    /// Wait until the button is up.
    async fn released(&mut self);
}

/// The light.
pub trait Light {
    /// Show a colour.
    fn show(&mut self, colour: Colour);
}

/// What feeds the sensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Supply {
    /// Voltage of the cell, mV.
    pub cell_mv: u16,
    /// There is power from outside.
    pub external: bool,
    /// The cell is being charged.
    pub charging: bool,
}

/// The chip and the cell.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait System {
    /// What feeds the sensor.
    async fn supply(&mut self) -> Supply;
    /// Voltage across the bridge, mV; 0 where the board cannot measure it. Only asked while the converter runs.
    async fn excitation_mv(&mut self) -> u16;
    /// Tell the watchdog that all is well. Called at least every two seconds.
    fn feed_watchdog(&mut self);
}

/// What a board knows about itself at boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Serial number, unique to the chip.
    pub serial: u64,
    /// Static random device address, least significant byte first; its two highest bits are set.
    pub address: [u8; 6],
    /// The board's name.
    pub model: &'static str,
    /// The board's revision.
    pub hardware_revision: &'static str,
    /// `major.minor.patch` of the image.
    pub firmware_revision: &'static str,
    /// Nominal tension at a count of 2²³, mN; 0 unknown.
    pub full_scale_mn: u32,
    /// Passkey printed on the label, if there is one.
    pub passkey: Option<u32>,
    /// Key by which bonded centrals resolve a private address of the sensor; `None` where the board has no secret for it.
    pub irk: Option<[u8; 16]>,
    /// Why the chip was reset.
    pub reset_cause: ResetCause,
    /// What was found in the memory that a reset keeps.
    pub crash: Option<Crash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_edge_is_stamped_back_and_an_error_beyond_the_promise_is_told() {
        let crystal = 40;
        assert_eq!(Stamp::of_edge(1_000_000, Some(12), crystal, 31), Stamp { time_us: 999_988, late: false });
        // A stall of 10 ms while flash is written: the radio's crystal runs meanwhile.
        assert_eq!(
            Stamp::of_edge(1_000_000, Some(10_000), crystal, 31),
            Stamp { time_us: 990_000, late: false }
        );
        // The chip's own oscillator is 8 % off at worst.
        assert!(!Stamp::of_edge(1_000_000, Some(800), 80_000, 31).late);
        assert!(Stamp::of_edge(1_000_000, Some(900), 80_000, 31).late);
        assert_eq!(Stamp::of_edge(5, None, crystal, 31), Stamp { time_us: 5, late: true });
    }
}
