//! Boot loader of the Seeed XIAO nRF52840. The board's UF2 boot loader starts this one as if it were the application.
#![no_std]
#![no_main]

use bandsense_boot::boot;
use bandsense_boot::nrf52840::{Xiao, go};
use bandsense_update::layout::xiao_nrf52840::{BOARD, LAYOUT, PROTECTED};
use bandsense_update::slots::{Policy, Slots};
use cortex_m_rt::entry;
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::peripherals;

const POLICY: Policy = Policy { board: BOARD, key: *include_bytes!(env!("BANDSENSE_PUBLIC_KEY")) };

#[entry]
fn main() -> ! {
    // SAFETY: nothing else in this program uses the flash controller.
    let nvmc = Nvmc::new(unsafe { peripherals::NVMC::steal() });
    let mut slots = Slots::new(BlockingAsync::new(nvmc), LAYOUT, POLICY);
    let next = boot(&mut Xiao::take(), &mut slots, &PROTECTED);
    // SAFETY: the image is signed, so its vector table is one.
    unsafe { go(next) }
}

/// Nothing here panics on purpose; should it happen, another try is the best there is.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
