//! The sensor on Nordic's nRF52840-DK with a NAU7802 on its Arduino headers: for work on the firmware with the probe that
//! is on the board. It has no boot loader: the probe writes the image to the beginning of flash.
//!
//! | DK | chip | |
//! |---|---|---|
//! | D7 | P1.08 | data ready of the converter |
//! | button 1 | P0.11 | button |
//! | A0 | P0.03 | excitation of the bridge (E+) |
//! | SDA, SCL | P0.26, P0.27 | I²C data and clock |
//! | LED 1, 2, 3 | P0.13, P0.14, P0.15 | red, green, blue |
#![no_std]
#![no_main]

use bandsense_nrf52840::{BoardIdentity, Pins, chip, run};
use embassy_executor::Spawner;
use embassy_nrf::saadc::Input as _;

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (p, boot) = bandsense_nrf52840::init();
    let pins = Pins {
        data_ready: p.P1_08.into(),
        i2c: (p.P0_26.into(), p.P0_27.into()),
        button: p.P0_11.into(),
        light: [p.P0_13.into(), p.P0_14.into(), p.P0_15.into()],
        excitation: p.P0_03.degrade_saadc(),
    };
    let board = BoardIdentity {
        model: "nrf52840-dk",
        hardware_revision: "1",
        firmware_revision: env!("CARGO_PKG_VERSION"),
    };
    run(spawner, boot, chip!(p), pins, board, None, None).await
}
