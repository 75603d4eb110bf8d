//! Chips for the boot loader: one that only notes what it is asked for, and the nRF52840's registers.

use alloc::vec::Vec;
use core::arch::naked_asm;

use bandsense_boot::nrf52840::{Xiao, go};
use bandsense_boot::{Chip, Next, boot};
use bandsense_update::layout::xiao_nrf52840::PROTECTED;
use bandsense_update::slots::Region;
use cortex_m_semihosting::debug::{EXIT_SUCCESS, exit};
use cortex_m_semihosting::hprintln;

use crate::images::{factory, slots};

/// Notes what the boot loader does.
#[derive(Default)]
pub struct Stub {
    pub button_held_ms: u32,
    pub usb: bool,
    pub waited_ms: u32,
    pub red_is_on: bool,
    pub blinks: u32,
    pub protected: Vec<Region>,
    pub watchdog_runs: bool,
}

impl Chip for Stub {
    fn button_is_pressed(&mut self) -> bool {
        self.waited_ms < self.button_held_ms
    }

    fn usb_is_there(&mut self) -> bool {
        self.usb
    }

    fn show_red(&mut self, on: bool) {
        self.blinks += u32::from(on && !self.red_is_on);
        self.red_is_on = on;
    }

    fn wait_ms(&mut self, ms: u32) {
        self.waited_ms += ms;
    }

    fn protect(&mut self, entry: usize, region: Region) {
        assert_eq!(entry, self.protected.len());
        self.protected.push(region);
    }

    fn start_watchdog(&mut self) {
        self.watchdog_runs = true;
    }
}

/// Go all the way from the boot loader into an image.
pub fn boot_an_image() -> ! {
    let stack_top = 0x2010_0000_u32;
    let mut body = Vec::new();
    body.extend(stack_top.to_le_bytes());
    body.extend((image_starts as extern "C" fn() -> ! as usize as u32).to_le_bytes());
    body.resize(4500, 0);
    let mut flash = factory(&body);
    // SAFETY: as the reference manual has it; the handler is below.
    unsafe { (*cortex_m::peripheral::SCB::PTR).shcsr.modify(|enabled| enabled | 1 << 17) };
    let mut chip = Xiao::take();
    // What the boot loader does only when something is wrong. Of registers that are not there nothing comes back.
    chip.show_red(true);
    chip.show_red(false);
    chip.wait_ms(1);
    let _ = (chip.button_is_pressed(), chip.usb_is_there());
    let next = boot(&mut chip, &mut slots(&mut flash), &PROTECTED);
    assert!(matches!(next, Next::Image(_)), "{next:?}");
    // SAFETY: the table was written above.
    unsafe { go(next) }
}

/// The image's first instruction.
extern "C" fn image_starts() -> ! {
    hprintln!("ok the image runs");
    loop {
        exit(EXIT_SUCCESS);
    }
}

/// The machine has nothing where the chip has its pins: go on behind the instruction that touched them. QEMU's log shows
/// which register it was.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn BusFault() {
    naked_asm!(
        "mrs r0, msp",
        "ldr r1, [r0, #24]", // the program counter that was pushed
        "ldrh r2, [r1]",
        "adds r1, #2",
        "lsrs r2, r2, #11", // 0b11101 and above begin an instruction of four bytes
        "cmp r2, #0x1d",
        "it hs",
        "addhs r1, #2",
        "str r1, [r0, #24]",
        "bx lr",
    );
}
