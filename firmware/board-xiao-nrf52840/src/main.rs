//! The sensor on a Seeed XIAO nRF52840 with a NAU7802.
//!
//! | XIAO | chip | |
//! |---|---|---|
//! | D0 | P0.02 | data ready of the converter |
//! | D1 | P0.03 | button to ground |
//! | D3 | P0.29 | excitation of the bridge (E+) |
//! | D4, D5 | P0.04, P0.05 | I²C data and clock |
#![no_std]
#![no_main]

use bandsense_nrf52840::{
    BoardIdentity, CellSense, Pins, Update, chip, flash_chip_to_deep_power_down, output, run,
};
use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::BOARD;
use bandsense_update::slots::Policy;
use embassy_executor::Spawner;
use embassy_nrf::gpio::{Input, Level, Pull};
use embassy_nrf::saadc::Input as _;

/// This image's slot: the one it is linked for.
const SLOT: Slot = if matches!(env!("BANDSENSE_SLOT").as_bytes(), b"0") { Slot::A } else { Slot::B };
const POLICY: Policy = Policy { board: BOARD, key: *include_bytes!(env!("BANDSENSE_PUBLIC_KEY")) };
/// The board divides the cell's voltage by 1 MΩ over 510 kΩ.
const CELL_DIVIDER: (u32, u32) = (1510, 510);

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (p, boot) = bandsense_nrf52840::init();
    flash_chip_to_deep_power_down(
        output(p.P0_25.into(), Level::High),
        output(p.P0_21.into(), Level::Low),
        output(p.P0_20.into(), Level::Low),
        [output(p.P0_22.into(), Level::High), output(p.P0_23.into(), Level::High)],
    );
    let pins = Pins {
        data_ready: p.P0_02.into(),
        i2c: (p.P0_04.into(), p.P0_05.into()),
        button: p.P0_03.into(),
        light: [p.P0_26.into(), p.P0_30.into(), p.P0_06.into()],
        excitation: p.P0_29.degrade_saadc(),
    };
    let cell = CellSense {
        input: p.P0_31.degrade_saadc(),
        divider: CELL_DIVIDER,
        // Low for ever: the divider costs 2.5 µA, but let loose it puts the cell's voltage on a pin that stands no more
        // than the supply's.
        _enable: output(p.P0_14.into(), Level::Low),
        // The charger pulls it down while it charges.
        charging: Input::new(p.P0_17, Pull::Up),
    };
    let board =
        BoardIdentity { model: BOARD, hardware_revision: "1", firmware_revision: env!("CARGO_PKG_VERSION") };
    let update = Update { slot: SLOT, policy: POLICY };
    run(spawner, boot, chip!(p), pins, board, Some(cell), Some(update)).await
}
