//! What the sensor does when its program is at its end: a record that outlives the reset.

use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ptr;

use bandsense_core::statistics::{Crash, CrashKind};
use cortex_m::peripheral::SCB;
use cortex_m_semihosting::hprintln;

use crate::{fault, retained};

/// `UNDEFINSTR` of the fault status.
const UNDEFINED_INSTRUCTION: u32 = 1 << 16;
const PANICS: u32 = 0x70a1_c500;
/// Which crash comes next. A reset leaves it as it is; the machine's memory begins as zeros.
#[unsafe(link_section = ".uninit.STEP")]
static mut STEP: MaybeUninit<u32> = MaybeUninit::uninit();

fn step() -> u32 {
    // SAFETY: any bit pattern is a number, and there is one thread.
    unsafe { ptr::read_volatile((&raw const STEP).cast()) }
}

fn set_step(step: u32) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile((&raw mut STEP).cast(), step) }
}

/// Whether the coming panic is one that is asked for.
pub fn panics_on_purpose() -> bool {
    step() == PANICS
}

/// Look at the record of the crash before, and crash otherwise, until all have been seen.
pub fn run(last: Option<Crash>) {
    let kind = last.map(|crash| crash.kind);
    match step() {
        0 => {
            assert_eq!(kind, None);
            set_step(1);
            let mut core = cortex_m::Peripherals::take().expect("once");
            fault::guard_stack(&mut core.MPU, &mut core.SCB);
            overflow();
        }
        1 => {
            assert_eq!(kind, Some(CrashKind::StackGuard as u8));
            hprintln!("ok a stack that outgrows its memory is noted");
            set_step(2);
            cortex_m::asm::udf();
        }
        2 => {
            let crash = last.expect("a record");
            assert_eq!((crash.kind, crash.detail), (CrashKind::HardFault as u8, UNDEFINED_INSTRUCTION));
            // SAFETY: the program counter is in this program's code.
            let instruction = unsafe { ptr::read_volatile(crash.program_counter as *const u16) };
            assert_eq!(instruction >> 8, 0xde, "it is where the undefined instruction is");
            hprintln!("ok a hard fault is noted with its place");
            set_step(PANICS);
            panic!("on purpose");
        }
        PANICS => {
            set_step(3);
            let crash = last.expect("a record");
            assert_eq!(crash.kind, CrashKind::Panic as u8);
            // SAFETY: the address is that of a file's name.
            let name =
                unsafe { core::slice::from_raw_parts(crash.program_counter as *const u8, file!().len()) };
            assert_eq!((name, crash.detail > 0), (file!().as_bytes(), true));
            hprintln!("ok a panic is noted with its file and line");
            retained::note_restart(true);
            SCB::sys_reset();
        }
        _ => {
            assert_eq!(last, None, "a restart is no crash");
            hprintln!("ok a restart is no crash");
        }
    }
}

/// Use up the stack.
#[expect(unconditional_recursion, reason = "until the guard is touched")]
fn overflow() {
    let mut room = [0_u8; 512];
    black_box(&mut room);
    overflow();
    black_box(&mut room);
}
