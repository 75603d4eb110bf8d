//! The sensor on a Seeed XIAO nRF52840.
#![no_std]
#![no_main]
