//! Writes the linker's memory map and passes on which key may sign.

use std::env;

use bandsense_update::layout::xiao_nrf52840::{BOOT, RAM};

#[path = "../link.rs"]
mod link;

fn main() {
    link::link(BOOT, RAM, None);
    println!("cargo::rerun-if-env-changed=BANDSENSE_PUBLIC_KEY");
    // The library, which the tests under QEMU use, has no key.
    if let Ok(key) = env::var("BANDSENSE_PUBLIC_KEY") {
        println!("cargo::rerun-if-changed={key}");
        println!("cargo::rustc-env=BANDSENSE_PUBLIC_KEY={key}");
    }
}
