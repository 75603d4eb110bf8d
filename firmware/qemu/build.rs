//! Writes the memory map of QEMU's mps2-an386, and the golden vectors of the profile as constants.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use bandsense_update::layout::Region;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, RAM, STACK};
use serde_json::Value;

#[path = "../link.rs"]
mod link;

const MACHINE_RAM_END: u32 = 0x2040_0000;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol-vectors.json");
const SECTIONS: [&str; 6] = [
    "measurement",
    "measurement_invalid",
    "control_request",
    "control_request_invalid",
    "calibration",
    "calibration_invalid",
];

fn main() {
    // The machine's code memory is RAM: the sensor's flash is played there, at its own addresses from 0x2F000 on. RAM is
    // laid out as on the chip, up to the variables: they have more room, for images.
    let flash = Region { start: 0, len: LAYOUT.floor.start };
    let ram = Region { start: RAM.start, len: MACHINE_RAM_END - RAM.start };
    link::link(flash, ram, Some(STACK));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("vectors.rs"), vectors()).expect("OUT_DIR is writable");
    println!("cargo::rustc-cfg=emulated");
    println!("cargo::rerun-if-changed={VECTORS}");
}

fn vectors() -> String {
    let all: Value = serde_json::from_str(&fs::read_to_string(VECTORS).expect("the vectors")).expect("JSON");
    let mut text = String::new();
    for section in SECTIONS {
        let list = all[section].as_array().expect("a list");
        let name = section.to_uppercase();
        writeln!(text, "pub const {name}: [(&str, &[u8]); {}] = [", list.len()).expect("memory");
        for vector in list {
            let hex = vector["bytes"].as_str().expect("bytes");
            let bytes: Vec<u8> = (0..hex.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex"))
                .collect();
            writeln!(text, "    ({:?}, &{bytes:?}),", vector["name"].as_str().expect("name"))
                .expect("memory");
        }
        text.push_str("];\n");
    }
    text
}
