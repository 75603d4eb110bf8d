//! What the application asks of a board. Every board and the host program implement these traits.

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
    const LIMITS: crate::sampler::Limits;
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

    /// Switch the excitation off. Never fails: what cannot be told to sleep is powered down with its bus.
    async fn stop(&mut self);
}

/// The converter's data-ready line.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait DataReady {
    /// Wait until a result is ready. Gives the device time of the signal, µs since boot: captured by hardware
    /// where the board can, else read in the interrupt.
    async fn ready(&mut self) -> u64;
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

/// The chip and the cell.
#[allow(async_fn_in_trait, reason = "every user is generic and runs on one thread")]
pub trait System {
    /// Cell voltage, mV.
    async fn battery_mv(&mut self) -> u16;
    /// Voltage across the bridge, mV; 0 where the board cannot measure it. Only asked while the converter runs.
    async fn excitation_mv(&mut self) -> u16;
    /// Chip temperature, 0.01 °C, where it is measured near the bridge.
    async fn temperature_centi_c(&mut self) -> Option<i16>;
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
    /// Why the chip was reset.
    pub reset_cause: ResetCause,
    /// What was found in the memory that a reset keeps.
    pub crash: Option<Crash>,
}
