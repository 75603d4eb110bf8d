//! What the application asks of a board. Every board and the host program implement these traits.

use embedded_storage_async::nor_flash::NorFlash;

/// A conversion rate that the wire profile offers, samples per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Rate {
    /// Every rate, slowest first.
    pub const ALL: [Self; 5] = [Self::Hz10, Self::Hz20, Self::Hz40, Self::Hz80, Self::Hz320];

    /// The rate in hertz.
    #[must_use]
    pub const fn hz(self) -> u16 {
        self as u16
    }

    /// The rate of `hz` samples per second, if the profile offers it.
    #[must_use]
    pub const fn from_hz(hz: u16) -> Option<Self> {
        match hz {
            10 => Some(Self::Hz10),
            20 => Some(Self::Hz20),
            40 => Some(Self::Hz40),
            80 => Some(Self::Hz80),
            320 => Some(Self::Hz320),
            _ => None,
        }
    }
}

/// One conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Device time of the conversion's end (the data-ready edge), µs since boot.
    pub time_us: u64,
    /// Two's complement 24-bit result.
    pub counts: i32,
    /// Conversions that ended unread since the previous reading.
    pub missed: u32,
}

/// Why the converter gave no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdcError {
    /// Nothing acknowledged the converter's address.
    Absent,
    /// The bus reported an error and the retries were used up.
    Bus,
    /// No data-ready edge within the time that the rate allows.
    Silent,
    /// The part answered, but its registers do not hold what was written.
    Misconfigured,
}

/// A bridge converter with its excitation.
#[allow(async_fn_in_trait, reason = "every user is generic and single-threaded")]
pub trait Adc {
    /// Switch the excitation on, configure, and let the first result settle.
    ///
    /// # Errors
    /// See [`AdcError`]; afterwards the converter is off.
    async fn start(&mut self, rate: Rate) -> Result<(), AdcError>;

    /// Wait for the next conversion. Dropping the future loses nothing but that wait.
    ///
    /// # Errors
    /// See [`AdcError`]; `start` again to recover.
    async fn next(&mut self) -> Result<Reading, AdcError>;

    /// Switch the excitation off.
    ///
    /// # Errors
    /// See [`AdcError`].
    async fn stop(&mut self) -> Result<(), AdcError>;
}

/// Monotonic time since boot.
pub trait Clock {
    /// Microseconds since boot.
    fn now_us(&self) -> u64;
}

/// Button and light.
#[allow(async_fn_in_trait, reason = "every user is generic and single-threaded")]
pub trait Pins {
    /// Wait until the button goes down.
    async fn pressed(&mut self);
    /// Wait until the button comes up.
    async fn released(&mut self);
    /// Set the light, each channel on or off.
    fn light(&mut self, red: bool, green: bool, blue: bool);
}

/// The cell and the reset line.
#[allow(async_fn_in_trait, reason = "every user is generic and single-threaded")]
pub trait System {
    /// Cell voltage in millivolts.
    async fn battery_mv(&mut self) -> u16;
    /// Feed the watchdog.
    fn feed_watchdog(&mut self);
    /// Restart the chip.
    fn reset(&mut self) -> !;
    /// Enter the deepest sleep; only the button (a reset) ends it.
    fn power_off(&mut self) -> !;
}

/// The flash that holds calibration, bonds and the crash record; page-erased, word-written.
pub trait Flash: NorFlash {}

impl<T: NorFlash> Flash for T {}
