//! Firmware update of a bandsense sensor.
//!
//! Two slots hold two images; each image is linked for its own slot and runs in place, so an update copies nothing
//! and a power cut finds at least one slot that nobody was writing to.
//!
//! * [`image`]: the MCUboot image format (header, SHA-256, Ed25519), and the board it is made for.
//! * [`slots`]: where the images lie, which one boots, trial and confirmation.
//! * [`smp`]: the Simple Management Protocol, image and OS management groups.
//!
//! The boot loader calls [`slots::Slots::select`]; the application feeds [`smp::Server`] and calls
//! [`slots::Slots::confirm`] once it has proven itself.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod cbor;
pub mod image;
mod journal;
pub mod layout;
pub mod slots;
pub mod smp;
