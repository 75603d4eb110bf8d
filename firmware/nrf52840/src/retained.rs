//! What memory keeps over a reset: why the application asked for it, or why it crashed.

use core::ptr;

use bandsense_core::statistics::{Crash, CrashKind, ResetCause};
use bandsense_update::layout::xiao_nrf52840::RETAINED;
use embassy_nrf::pac;

const MAGIC: u32 = 0xb5e5_c7a5;
const RESTART_FOR_UPDATE: u32 = 1;
const RESTART_PLAIN: u32 = 2;
const CRASHED: u32 = 3;

/// The record, at the start of the memory that no loader touches.
#[derive(Clone, Copy)]
#[repr(C)]
struct Record {
    magic: u32,
    what: u32,
    kind: u32,
    program_counter: u32,
    detail: u32,
    check: u32,
}

impl Record {
    const fn new(what: u32, kind: u32, program_counter: u32, detail: u32) -> Self {
        Self {
            magic: MAGIC,
            what,
            kind,
            program_counter,
            detail,
            check: !(what ^ kind ^ program_counter ^ detail),
        }
    }

    const fn is_valid(&self) -> bool {
        self.magic == MAGIC && self.check == !(self.what ^ self.kind ^ self.program_counter ^ self.detail)
    }

    fn store(self) {
        // SAFETY: RETAINED is RAM that the linker gives to nothing else, large and aligned enough.
        unsafe { ptr::write_volatile(RETAINED.start as *mut Self, self) }
    }

    /// The record, which then is gone.
    fn take() -> Option<Self> {
        // SAFETY: as above; any bit pattern is a record, a valid one or not.
        let record = unsafe { ptr::read_volatile(RETAINED.start as *const Self) };
        Self { magic: 0, ..record }.store();
        record.is_valid().then_some(record)
    }
}

const _: () = assert!(size_of::<Record>() <= RETAINED.len as usize);

/// Note that the application asks for the coming reset.
pub fn note_restart(for_update: bool) {
    let what = if for_update { RESTART_FOR_UPDATE } else { RESTART_PLAIN };
    Record::new(what, 0, 0, 0).store();
}

/// Note why the coming reset is inevitable.
pub fn note_crash(kind: CrashKind, program_counter: u32, detail: u32) {
    Record::new(CRASHED, kind as u32, program_counter, detail).store();
}

/// Why the chip was reset, and the crash that came before. Reading it clears it.
pub fn take_reset() -> (ResetCause, Option<Crash>) {
    let reasons = pac::POWER.resetreas().read();
    // A reason stays until it is cleared by writing a one.
    pac::POWER.resetreas().write_value(reasons);
    let record = Record::take();
    let cause = if reasons.dog() {
        ResetCause::Watchdog
    } else if reasons.lockup() {
        ResetCause::LockUp
    } else if reasons.resetpin() {
        ResetCause::ResetPin
    } else if reasons.off() || reasons.vbus() {
        ResetCause::WakeFromOff
    } else if reasons.sreq() {
        match record {
            Some(record) if record.what == RESTART_FOR_UPDATE => ResetCause::FirmwareUpdate,
            _ => ResetCause::Software,
        }
    } else if reasons.0 == 0 {
        ResetCause::PowerOn
    } else {
        ResetCause::Unknown
    };
    (cause, crash_of(cause, record))
}

fn crash_of(cause: ResetCause, record: Option<Record>) -> Option<Crash> {
    match record {
        Some(Record { what: CRASHED, kind, program_counter, detail, .. }) => {
            Some(Crash { kind: kind as u8, program_counter, detail, boot_number: 0 })
        }
        _ if cause == ResetCause::Watchdog => {
            Some(Crash { kind: CrashKind::Watchdog as u8, ..Crash::default() })
        }
        _ => None,
    }
}
