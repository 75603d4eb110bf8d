//! Writes the linker's memory map and passes on which key may sign.

use std::env;
use std::fs;
use std::path::PathBuf;

use bandsense_update::layout::xiao_nrf52840::{BOOT, RAM};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n",
        BOOT.start, BOOT.len, RAM.start, RAM.len
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    // For the program alone: whoever uses the library has a map of its own.
    println!("cargo::rustc-link-arg-bins=-L{}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rerun-if-env-changed=BANDSENSE_PUBLIC_KEY");
    // The library, which the tests under QEMU use, has no key.
    if let Ok(key) = env::var("BANDSENSE_PUBLIC_KEY") {
        println!("cargo::rerun-if-changed={key}");
        println!("cargo::rustc-env=BANDSENSE_PUBLIC_KEY={key}");
    }
}
