//! Statistics pages (docs/protocol.md section 5).

use heapless::Vec;

use crate::bytes::{Reader, Writer};

/// Bytes of the longest page with its number.
pub const PAGE_MAX: usize = 16;

/// A page that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Page {
    /// What happened since boot.
    Counters = 0,
    /// The last self test.
    SelfTest = 1,
    /// The last crash.
    Crash = 2,
    /// What feeds the sensor, and how warm it is.
    Supply = 3,
}

impl Page {
    /// The page of a number, if there is one.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Counters),
            1 => Some(Self::SelfTest),
            2 => Some(Self::Crash),
            3 => Some(Self::Supply),
            _ => None,
        }
    }
}

/// Cause of the last reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants are the table of the profile")]
pub enum ResetCause {
    PowerOn = 0,
    ResetPin = 1,
    Software = 2,
    Watchdog = 3,
    LockUp = 4,
    WakeFromOff = 5,
    FirmwareUpdate = 6,
    Unknown = 255,
}

/// Page 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct Counters {
    pub uptime_s: u32,
    pub overruns: u32,
    pub notifications_dropped: u32,
    pub boot_number: u16,
    pub reset_cause: u8,
}

impl Counters {
    /// The page with its number.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, PAGE_MAX> {
        Writer::new()
            .u8(Page::Counters as u8)
            .u32(self.uptime_s)
            .u32(self.overruns)
            .u32(self.notifications_dropped)
            .u16(self.boot_number)
            .u8(self.reset_cause)
            .finish()
    }
}

/// Page 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the table of the profile")]
pub struct SelfTest {
    pub outcome: u8,
    pub noise_counts_rms_x16: u32,
    pub offset_counts: i32,
    pub excitation_mv: u16,
    pub battery_mv: u16,
    pub temperature_centi_c: Option<i16>,
}

impl SelfTest {
    /// Outcome: nothing to complain about.
    pub const PASSED: u8 = 1;
    /// Outcome bit: more noise than the converter's data sheet allows.
    pub const NOISE_TOO_HIGH: u8 = 1 << 1;
    /// Outcome bit: the bridge is out of balance.
    pub const OFFSET_OUT_OF_RANGE: u8 = 1 << 2;
    /// Outcome bit: the bridge's supply is not what was set.
    pub const EXCITATION_OUT_OF_RANGE: u8 = 1 << 3;
    /// Outcome bit: no converter answered.
    pub const CONVERTER_ABSENT: u8 = 1 << 4;
    /// Outcome bit: not run since boot.
    pub const NOT_RUN: u8 = 1 << 7;

    /// The page before a test was run.
    #[must_use]
    pub const fn not_run(battery_mv: u16) -> Self {
        Self {
            outcome: Self::NOT_RUN,
            noise_counts_rms_x16: 0,
            offset_counts: 0,
            excitation_mv: 0,
            battery_mv,
            temperature_centi_c: None,
        }
    }

    /// The page with its number.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, PAGE_MAX> {
        Writer::new()
            .u8(Page::SelfTest as u8)
            .u8(self.outcome)
            .u32(self.noise_counts_rms_x16)
            .u32(self.offset_counts.cast_unsigned())
            .u16(self.excitation_mv)
            .u16(self.battery_mv)
            .u16(self.temperature_centi_c.unwrap_or(i16::MIN).cast_unsigned())
            .finish()
    }
}

/// What ended a run that should have gone on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CrashKind {
    /// Nothing is known to have crashed.
    None = 0,
    /// The program gave up.
    Panic = 1,
    /// The processor gave up.
    HardFault = 2,
    /// The program stopped going round.
    Watchdog = 3,
    /// The stack outgrew its memory.
    StackGuard = 4,
    /// The Bluetooth controller refused or stopped.
    Controller = 5,
}

/// Page 2, and the record that a board keeps in memory over a reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crash {
    /// A [`CrashKind`].
    pub kind: u8,
    /// Where it happened.
    pub program_counter: u32,
    /// More, depending on the kind (fault status, line).
    pub detail: u32,
    /// Boot in which it happened.
    pub boot_number: u16,
}

impl Crash {
    /// Bytes of the stored record.
    pub const LENGTH: usize = 11;

    /// The page with its number.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, PAGE_MAX> {
        Writer::new().u8(Page::Crash as u8).bytes(&self.record()).finish()
    }

    /// The record to store.
    #[must_use]
    pub fn record(&self) -> Vec<u8, { Self::LENGTH }> {
        Writer::new().u8(self.kind).u32(self.program_counter).u32(self.detail).u16(self.boot_number).finish()
    }

    /// The stored record.
    #[must_use]
    pub fn from_record(record: &[u8]) -> Option<Self> {
        let mut reader = Reader(record);
        Some(Self {
            kind: reader.u8()?,
            program_counter: reader.u32()?,
            detail: reader.u32()?,
            boot_number: reader.u16()?,
        })
    }
}
