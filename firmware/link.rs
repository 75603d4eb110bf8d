//! What every program tells its linker; a part of the build scripts.

use std::env;
use std::fs;
use std::path::PathBuf;

use bandsense_update::layout::Region;

/// Writes the memory map, for programs alone: whoever uses a library has a map of its own.
pub fn link(flash: Region, ram: Region, stack: Option<Region>) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n",
        flash.start, flash.len, ram.start, ram.len
    );
    if let Some(stack) = stack {
        memory += &format!("_stack_start = {:#x};\n_stack_end = {:#x};\n", stack.end(), stack.start);
    }
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-arg-bins=-L{}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rerun-if-changed=build.rs");
}
