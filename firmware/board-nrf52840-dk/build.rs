//! Writes the linker's memory map: the image takes what storage leaves.

use std::env;
use std::fs;
use std::path::PathBuf;

use bandsense_update::layout::xiao_nrf52840::{RAM, STACK, STORAGE};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = 0, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
         _stack_start = {:#x};\n_stack_end = {:#x};\n",
        STORAGE.start,
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
    println!("cargo::rerun-if-changed=build.rs");
}
