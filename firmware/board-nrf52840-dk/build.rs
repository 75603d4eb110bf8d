//! Writes the linker's memory map: the image takes what storage leaves.

use std::env;

use bandsense_update::layout::Region;
use bandsense_update::layout::xiao_nrf52840::{RAM, STACK, STORAGE};

#[path = "../link.rs"]
mod link;

fn main() {
    link::link(Region { start: 0, len: STORAGE.start }, RAM, Some(STACK));
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
}
