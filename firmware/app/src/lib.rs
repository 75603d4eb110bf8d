//! The Bluetooth application of a bandsense sensor, for any controller and any board.
#![no_std]
#![forbid(unsafe_code)]
