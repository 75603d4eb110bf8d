//! Writes the linker's memory map for the slot that the image is made for, and passes on which key may sign.

use std::env;

use bandsense_update::image::HEADER_LEN;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, RAM, STACK};
use bandsense_update::layout::{Region, Slot};

#[path = "../link.rs"]
mod link;

/// Room for the fields that signing puts behind an image.
const TRAILER_LEN: u32 = 256;

fn main() {
    let slot = match env::var("BANDSENSE_SLOT").as_deref() {
        Ok("a") => Slot::A,
        Ok("b") => Slot::B,
        _ => panic!("build with `make -C firmware image`: it names the slot"),
    };
    let region = LAYOUT.slot[slot.index()];
    let flash = Region { start: region.start + HEADER_LEN, len: region.len - HEADER_LEN - TRAILER_LEN };
    link::link(flash, RAM, Some(STACK));
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
    println!("cargo::rerun-if-env-changed=BANDSENSE_SLOT");
    println!("cargo::rustc-env=BANDSENSE_SLOT={}", slot.index());
    println!("cargo::rerun-if-env-changed=BANDSENSE_PUBLIC_KEY");
    let key =
        env::var("BANDSENSE_PUBLIC_KEY").expect("build with `make -C firmware image`: it names the key");
    println!("cargo::rerun-if-changed={key}");
    println!("cargo::rustc-env=BANDSENSE_PUBLIC_KEY={key}");
}
