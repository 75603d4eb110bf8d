//! Writes the linker's memory map for the slot that the image is made for, and passes on which key may sign.

use std::env;
use std::fs;
use std::path::PathBuf;

use bandsense_update::image::HEADER_LEN;
use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, RAM, STACK};

/// Room for the fields that signing puts behind an image.
const TRAILER_LEN: u32 = 256;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let slot = match env::var("BANDSENSE_SLOT").as_deref() {
        Ok("a") => Slot::A,
        Ok("b") => Slot::B,
        _ => panic!("build with `make -C firmware image`: it names the slot"),
    };
    let region = LAYOUT.slot[slot.index()];
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
         _stack_start = {:#x};\n_stack_end = {:#x};\n",
        region.start + HEADER_LEN,
        region.len - HEADER_LEN - TRAILER_LEN,
        RAM.start,
        RAM.len,
        STACK.end(),
        STACK.start,
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
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
