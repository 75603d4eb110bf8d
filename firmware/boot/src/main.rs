//! Boot loader of the Seeed XIAO nRF52840. The board's UF2 boot loader starts this one as if it were the application.
#![no_std]
#![no_main]

use bandsense_boot::nrf52840::{Xiao, ask_for_usb, sleep};
use bandsense_boot::{Next, boot};
use bandsense_update::layout::xiao_nrf52840::{BOARD, LAYOUT, PROTECTED};
use bandsense_update::slots::{Policy, Slots};
use cortex_m::asm;
use cortex_m::peripheral::SCB;
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
    match boot(&mut Xiao::take(), &mut slots, &PROTECTED) {
        // SAFETY: the image is signed, so its vector table is one.
        Next::Image(vector_table) => unsafe { asm::bootload(vector_table as *const u32) },
        Next::Usb => {
            ask_for_usb();
            SCB::sys_reset()
        }
        Next::Sleep => sleep(),
    }
}

/// Nothing here panics on purpose; should it happen, another try is the best there is.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}
