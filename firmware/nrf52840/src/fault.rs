//! Ends of the program: faults, panics, and the guard under the stack. Each leaves a record and resets the chip.

use core::arch::naked_asm;
use core::panic::PanicInfo;

use bandsense_core::statistics::CrashKind;
use bandsense_update::layout::xiao_nrf52840::{GUARD, STACK};
use cortex_m::peripheral::scb::Exception;
use cortex_m::peripheral::{MPU, SCB};

use crate::retained::note_crash;

const MMFSR_STACKING_FAILED: u32 = 1 << 4;
const MMFSR_ADDRESS_IS_VALID: u32 = 1 << 7;
/// Place of the program counter in the frame that an exception pushes.
const FRAME_PROGRAM_COUNTER: u32 = 6 * 4;

/// Make every access to the guard a fault: a stack that outgrows its memory ends there.
pub fn guard_stack(mpu: &mut MPU, scb: &mut SCB) {
    const REGION_VALID: u32 = 1 << 4;
    const NO_EXECUTION: u32 = 1 << 28;
    const ENABLE: u32 = 1;
    const DEFAULT_MAP_ELSEWHERE: u32 = 1 << 2;
    const SIZE: u32 = GUARD.len.trailing_zeros() - 1;
    const { assert!(GUARD.len.is_power_of_two() && GUARD.start.is_multiple_of(GUARD.len)) };
    // SAFETY: takes rights away from memory that the linker gives to nothing.
    unsafe {
        mpu.rbar.write(GUARD.start | REGION_VALID);
        mpu.rasr.write(NO_EXECUTION | SIZE << 1 | ENABLE);
        mpu.ctrl.write(DEFAULT_MAP_ELSEWHERE | ENABLE);
    }
    scb.enable(Exception::MemoryManagement);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Both faults may come with a stack that cannot take another word: start over at its top, which is lost anyway.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn MemoryManagement() {
    naked_asm!("mrs r0, msp", "ldr r1, =_stack_start", "msr msp, r1", "b {end}", end = sym end);
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn HardFault() {
    naked_asm!("mrs r0, msp", "ldr r1, =_stack_start", "msr msp, r1", "b {end}", end = sym end);
}

/// Note a fault. `frame` is where the processor pushed, or tried to push, the registers.
extern "C" fn end(frame: u32) -> ! {
    // SAFETY: the fault registers may be read at any time, and nothing else runs any more.
    let scb = unsafe { &*SCB::PTR };
    let status = scb.cfsr.read();
    let address = scb.mmfar.read();
    let in_guard = status & MMFSR_ADDRESS_IS_VALID != 0 && (GUARD.start..GUARD.end()).contains(&address);
    let outgrown = status & MMFSR_STACKING_FAILED != 0 || in_guard || frame < STACK.start;
    let program_counter = if (STACK.start..STACK.end() - FRAME_PROGRAM_COUNTER).contains(&frame) {
        // SAFETY: within the stack.
        unsafe { core::ptr::read_volatile((frame + FRAME_PROGRAM_COUNTER) as *const u32) }
    } else {
        0
    };
    note_crash(if outgrown { CrashKind::StackGuard } else { CrashKind::HardFault }, program_counter, status);
    SCB::sys_reset()
}

/// Note a panic: the address of the file's name, which the ELF file resolves, and the line.
#[cfg_attr(not(emulated), panic_handler)]
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info.location().map_or((0, 0), |at| (at.file().as_ptr() as u32, at.line()));
    note_crash(CrashKind::Panic, file, line);
    SCB::sys_reset()
}
