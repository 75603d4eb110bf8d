//! The Seeed XIAO nRF52840 as the boot loader sees it: registers of the nRF52840 product specification.

use bandsense_update::layout::xiao_nrf52840::WATCHDOG_SECONDS;
use bandsense_update::slots::Region;
use cortex_m::asm;
use cortex_m::peripheral::SCB;
use embassy_nrf::pac;

use crate::{Chip, Next};

/// Asks the UF2 boot loader for its drive (`DFU_MAGIC_UF2_RESET` in its `main.c`).
const TO_UF2: u32 = 0x57;
/// P0.26, on when low.
const RED_LED: u32 = 1 << 26;
/// P0.03 (D1), to ground when pressed.
const BUTTON: usize = 3;
/// P0.14 holds the lower end of the divider of the cell's voltage. Let loose while the cell is charged, it puts more on
/// P0.31 than that pin stands.
const CELL_DIVIDER: u32 = 1 << 14;
/// The processor runs at 64 MHz.
const CYCLES_PER_MS: u32 = 64_000;
const LFCLK_HZ: u32 = 32_768;

/// The board.
pub struct Xiao(());

impl Xiao {
    /// Make the board's pins safe, and let the processor fetch from flash through its cache: waiting for flash would make
    /// it about half as fast. The cache stays on for the image.
    #[must_use]
    pub fn take() -> Self {
        pac::P0.outclr().write_value(pac::gpio::regs::Outclr(CELL_DIVIDER));
        pac::P0.dirset().write_value(pac::gpio::regs::Dirset(CELL_DIVIDER));
        pac::NVMC.icachecnf().write(|w| w.set_cacheen(true));
        Self(())
    }
}

impl Chip for Xiao {
    fn button_is_pressed(&mut self) -> bool {
        pac::P0.pin_cnf(BUTTON).write(|w| w.set_pull(pac::gpio::vals::Pull::Pullup));
        // The pull-up of 13 kΩ has to charge the wire.
        asm::delay(CYCLES_PER_MS);
        pac::P0.in_().read().0 & 1 << BUTTON == 0
    }

    fn usb_is_there(&mut self) -> bool {
        pac::POWER.usbregstatus().read().vbusdetect()
    }

    fn show_red(&mut self, on: bool) {
        pac::P0.dirset().write_value(pac::gpio::regs::Dirset(RED_LED));
        if on {
            pac::P0.outclr().write_value(pac::gpio::regs::Outclr(RED_LED));
        } else {
            pac::P0.outset().write_value(pac::gpio::regs::Outset(RED_LED));
        }
    }

    fn wait_ms(&mut self, ms: u32) {
        asm::delay(ms * CYCLES_PER_MS);
    }

    fn protect(&mut self, entry: usize, region: Region) {
        let acl = pac::ACL.acl(entry);
        acl.addr().write_value(region.start);
        acl.size().write_value(region.len);
        acl.perm().write(|w| w.set_write(pac::acl::vals::Write::Disable));
    }

    fn start_watchdog(&mut self) {
        pac::WDT.crv().write_value(WATCHDOG_SECONDS * LFCLK_HZ - 1);
        pac::WDT.rren().write_value(pac::wdt::regs::Rren(1));
        pac::WDT.tasks_start().write_value(1);
    }
}

/// Leave the boot loader.
///
/// # Safety
/// At [`Next::Image`] there is a vector table.
pub unsafe fn go(next: Next) -> ! {
    match next {
        // SAFETY: the caller says that it is one.
        Next::Image(vector_table) => unsafe { asm::bootload(vector_table as *const u32) },
        Next::Usb => {
            pac::POWER.gpregret().write_value(pac::power::regs::Gpregret(TO_UF2));
            SCB::sys_reset()
        }
        Next::Sleep => {
            // USB power or the reset button wakes the chip, which is a reset.
            pac::POWER.systemoff().write(|w| w.set_systemoff(true));
            // A debugger keeps the chip from going off.
            loop {
                asm::wfe();
            }
        }
    }
}
