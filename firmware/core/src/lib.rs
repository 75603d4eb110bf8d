//! What a bandsense sensor knows, without its hardware: the bytes of the wire profile (docs/protocol.md),
//! sampling, the converter's driver, power states, storage that survives power cuts, and the light's language.
//!
//! Everything here runs on a PC as it runs on the chip: no allocation, no unsafe code, no way to panic.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo
    )
)]

#[cfg(test)]
extern crate std;

pub mod advertising;
pub mod battery;
pub mod bytes;
pub mod calibration;
pub mod control;
pub mod force;
pub mod hal;
pub mod information;
pub mod led;
pub mod measurement;
pub mod nau7802;
pub mod pairing;
pub mod pins;
pub mod power;
pub mod progressor;
pub mod rate;
pub mod sampler;
pub mod self_test;
pub mod settings;
pub mod statistics;
pub mod store;
pub mod strangers;

#[cfg(test)]
mod vectors;
