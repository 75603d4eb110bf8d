//! Boot loader of the Seeed XIAO nRF52840.
//!
//! The board's UF2 boot loader starts this one as if it were the application. It chooses a slot, protects everything
//! that boots from being overwritten, starts the watchdog and jumps. Without a valid image it gives the board back to
//! the UF2 boot loader when USB is there, and else sleeps until it is.
#![no_std]
#![no_main]

use bandsense_update::layout::Region;
use bandsense_update::layout::xiao_nrf52840::{BOARD, BOOT, LAYOUT, UF2_LOADER, WATCHDOG_SECONDS};
use bandsense_update::{image, slots};
use cortex_m::asm;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_futures::block_on;
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::{pac, peripherals};

const POLICY: slots::Policy =
    slots::Policy { board: BOARD, key: *include_bytes!(env!("BANDSENSE_PUBLIC_KEY")) };
/// Asks the UF2 boot loader for its drive (`DFU_MAGIC_UF2_RESET` in its `main.c`).
const TO_UF2: u32 = 0x57;
/// P0.26, on when low.
const RED_LED: u32 = 1 << 26;
/// P0.14 holds the lower end of the divider of the cell's voltage. Let loose while the cell is charged, it puts more on
/// P0.31 than that pin stands.
const CELL_DIVIDER: u32 = 1 << 14;
/// The processor runs at 64 MHz.
const CYCLES_PER_MS: u32 = 64_000;
const LFCLK_HZ: u32 = 32_768;

#[entry]
fn main() -> ! {
    pac::P0.outclr().write_value(pac::gpio::regs::Outclr(CELL_DIVIDER));
    pac::P0.dirset().write_value(pac::gpio::regs::Dirset(CELL_DIVIDER));
    // SAFETY: nothing else in this program uses the flash controller.
    let nvmc = Nvmc::new(unsafe { peripherals::NVMC::steal() });
    let mut slots = slots::Slots::new(BlockingAsync::new(nvmc), LAYOUT, POLICY);
    match block_on(slots.select()) {
        Some(slot) => start(slots.region(slot).start + image::HEADER_LEN),
        None => give_up(),
    }
}

fn start(vector_table: u32) -> ! {
    protect(0, Region { start: 0, len: BOOT.end() });
    protect(1, UF2_LOADER);
    start_watchdog();
    // SAFETY: the image is signed, so its vector table is one.
    unsafe { asm::bootload(vector_table as *const u32) }
}

/// Forbid writing and erasing until the next reset.
fn protect(entry: usize, region: Region) {
    let acl = pac::ACL.acl(entry);
    acl.addr().write_value(region.start);
    acl.size().write_value(region.len);
    acl.perm().write(|w| w.set_write(pac::acl::vals::Write::Disable));
}

/// An image that hangs ends its trial with a reset. Nothing can stop the watchdog, the application has to feed it.
fn start_watchdog() {
    pac::WDT.crv().write_value(WATCHDOG_SECONDS * LFCLK_HZ - 1);
    pac::WDT.rren().write_value(pac::wdt::regs::Rren(1));
    pac::WDT.tasks_start().write_value(1);
}

fn give_up() -> ! {
    blink_red();
    if pac::POWER.usbregstatus().read().vbusdetect() {
        pac::POWER.gpregret().write_value(pac::power::regs::Gpregret(TO_UF2));
        SCB::sys_reset()
    }
    // Waking, by USB power or the reset button, is a reset.
    pac::POWER.systemoff().write(|w| w.set_systemoff(true));
    loop {
        asm::wfe();
    }
}

fn blink_red() {
    pac::P0.dirset().write_value(pac::gpio::regs::Dirset(RED_LED));
    for _ in 0..3 {
        pac::P0.outclr().write_value(pac::gpio::regs::Outclr(RED_LED));
        asm::delay(200 * CYCLES_PER_MS);
        pac::P0.outset().write_value(pac::gpio::regs::Outset(RED_LED));
        asm::delay(200 * CYCLES_PER_MS);
    }
}

/// Nothing here panics on purpose; should it happen, another try is the best there is.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
