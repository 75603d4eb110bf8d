//! What a bandsense sensor knows, without its hardware.
#![no_std]
#![forbid(unsafe_code)]

pub mod hal;
