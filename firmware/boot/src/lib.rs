//! What the boot loader does, for any chip that a [`Chip`] stands for: choose a slot, protect everything that boots from
//! being overwritten, start the watchdog. Without a valid image it gives the board back to its USB boot loader.
//!
//! ```text
//!   reset ──▶ choose a slot ──▶ one was left aside for its security counter, and the button is held for 5 s?
//!                                 │ no                            │ yes: choose anew, lower the counter
//!                                 ▼                               ▼
//!                             an image? ──▶ protect boot loader, counter and UF2 loader ──▶ watchdog ──▶ image
//!                                 │ none
//!                                 ▼
//!                             blink red ──▶ USB power? ──▶ the board's own boot loader, else sleep
//! ```
//!
//! An image below the security counter that the sensor has reached is left aside. Holding the button for
//! [`OVERRIDE_HOLD_MS`] right after a reset, with the red light on meanwhile, starts it all the same, for good.
//!
//! **Why an image cannot do harm that lasts.** Before it starts, everything that takes part in the choice but the journals
//! and slots is write-protected until the next reset, and the watchdog runs, which only a reset stops: an image on trial
//! that hangs is reset, and [`bandsense_update::slots`] then boots the other one. There is no way past this choice but
//! the UF2 loader over USB, in the hands of whoever holds the sensor.
//!
//! **What it assumes.** Flash protection and watchdog are the chip's and hold until a reset (for the nRF52840: ACL and
//! WDT).
#![no_std]
#![warn(missing_docs)]

#[cfg(target_arch = "arm")]
pub mod nrf52840;

use bandsense_update::image;
use bandsense_update::slots::{Floor, Region, Slots};
use embassy_futures::block_on;
use embedded_storage_async::nor_flash::NorFlash;

/// How long the button is held to start an image with a lower security counter.
pub const OVERRIDE_HOLD_MS: u32 = 5000;
const STEP_MS: u32 = 50;
const BLINK_MS: u32 = 200;

/// The parts of a chip that the boot loader touches, its flash aside.
pub trait Chip {
    /// Whether the button is pressed now.
    fn button_is_pressed(&mut self) -> bool;
    /// Whether USB power is there.
    fn usb_is_there(&mut self) -> bool;
    /// The red light.
    fn show_red(&mut self, on: bool);
    /// Wait.
    fn wait_ms(&mut self, ms: u32);
    /// Forbid writing and erasing until the next reset. `entry` counts from 0.
    fn protect(&mut self, entry: usize, region: Region);
    /// An image that hangs ends its trial with a reset. Nothing can stop the watchdog, the application has to feed it.
    fn start_watchdog(&mut self);
}

/// What comes after the boot loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The image whose vector table is there.
    Image(u32),
    /// The board's own boot loader, which takes files over USB.
    Usb,
    /// Sleep until USB power or the reset button wakes the chip.
    Sleep,
}

/// Choose, and prepare the chip for it. `protected` is what no image may write to.
pub fn boot<F: NorFlash>(chip: &mut impl Chip, slots: &mut Slots<F>, protected: &[Region]) -> Next {
    let mut choice = block_on(slots.select(Floor::Kept));
    if choice.rolled_back && is_held(chip) {
        choice = block_on(slots.select(Floor::Lowered));
    }
    match choice.slot {
        Some(slot) => {
            for (entry, region) in protected.iter().enumerate() {
                chip.protect(entry, *region);
            }
            chip.start_watchdog();
            Next::Image(slots.region(slot).start + image::HEADER_LEN)
        }
        None => {
            blink_red(chip);
            if chip.usb_is_there() { Next::Usb } else { Next::Sleep }
        }
    }
}

fn is_held(chip: &mut impl Chip) -> bool {
    let mut held_ms = 0;
    while chip.button_is_pressed() && held_ms < OVERRIDE_HOLD_MS {
        chip.show_red(true);
        chip.wait_ms(STEP_MS);
        held_ms += STEP_MS;
    }
    chip.show_red(false);
    held_ms >= OVERRIDE_HOLD_MS
}

fn blink_red(chip: &mut impl Chip) {
    for _ in 0..3 {
        chip.show_red(true);
        chip.wait_ms(BLINK_MS);
        chip.show_red(false);
        chip.wait_ms(BLINK_MS);
    }
}
