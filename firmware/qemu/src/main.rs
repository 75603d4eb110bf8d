//! Core, update and boot loader as the processor of the sensor runs them, on QEMU's Cortex-M4 (machine mps2-an386).
//!
//! The first word of the command line says what is to be done (`firmware/tools/qemu.py` says it):
//!
//! * `test`: tests, one line each;
//! * `measure`: instructions of what has to be fast, which QEMU counts when it is started with `-icount shift=0`;
//! * `crash`: overflow the stack, execute what is no instruction, and panic; each ends with a reset, after which the record
//!   of it is read;
//! * `boot`: the boot loader with the chip's own registers stands before a signed image, locks the flash, starts the
//!   watchdog and jumps. QEMU logs the writes to registers that the machine does not have.
#![no_std]
#![no_main]

extern crate alloc;

mod chip;
mod crash;
#[path = "../../nrf52840/src/fault.rs"]
mod fault;
mod flash;
mod images;
mod measure;
#[path = "../../nrf52840/src/retained.rs"]
mod retained;
mod tests;

use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, exit};
use cortex_m_semihosting::{hprintln, syscall1};
use embedded_alloc::LlffHeap as Heap;

#[global_allocator]
static HEAP: Heap = Heap::empty();
const HEAP_LEN: usize = 3 << 20;

/// Longest command line.
const WORDS_MAX: usize = 64;

#[entry]
fn main() -> ! {
    static mut MEMORY: [u8; HEAP_LEN] = [0; HEAP_LEN];
    // SAFETY: once, before anything is allocated, and nothing else uses this memory.
    unsafe { HEAP.init((&raw mut *MEMORY) as usize, HEAP_LEN) };
    let mut words = [0; WORDS_MAX];
    let (_, crash) = retained::take_reset();
    let command = command(&mut words);
    if command != "crash" {
        assert_eq!(crash, None, "it crashed, and started again");
    }
    match command {
        "crash" => crash::run(crash),
        "test" => tests::run(),
        "measure" => measure::run(),
        "boot" => chip::boot_an_image(),
        other => panic!("test, measure, crash or boot, not {other:?}"),
    }
    exit(EXIT_SUCCESS);
    unreachable!("QEMU has ended")
}

/// What QEMU was started with.
fn command(words: &mut [u8; WORDS_MAX]) -> &str {
    let mut block = [words.as_mut_ptr() as usize, WORDS_MAX];
    // SAFETY: the call fills the buffer that the block describes, and the length.
    unsafe { syscall1!(GET_CMDLINE, block.as_mut_ptr()) };
    let line = words.get(..block[1]).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or_default();
    line.trim_end_matches('\0').split(' ').next().unwrap_or_default()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if crash::panics_on_purpose() {
        fault::panicked(info);
    }
    hprintln!("FAILED: {}", info);
    loop {
        exit(EXIT_FAILURE);
    }
}
