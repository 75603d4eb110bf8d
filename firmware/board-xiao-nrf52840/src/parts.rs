//! Button, light, voltages, watchdog and clock of the board.

use bandsense_core::hal::{Button, Clock, Colour, Light, System};
use embassy_nrf::Peri;
use embassy_nrf::gpio::{Input, Level, Output, OutputDrive};
use embassy_nrf::interrupt::{self, InterruptExt, Priority};
use embassy_nrf::pac;
use embassy_nrf::peripherals::{P0_29, P0_31, SAADC};
use embassy_nrf::saadc::{ChannelConfig, Config, Gain, Resistor, Saadc, Time};
use embassy_nrf::wdt::WatchdogHandle;
use embassy_time::Instant;

use crate::Interrupts;

/// Time since boot, from the 32 768 Hz crystal: steps of 30.5 µs.
pub struct BoardClock;

impl Clock for BoardClock {
    fn now_us(&self) -> u64 {
        Instant::now().as_micros()
    }
}

/// The button between D1 and ground.
pub struct BoardButton(pub Input<'static>);

impl Button for BoardButton {
    async fn pressed(&mut self) {
        self.0.wait_for_low().await;
    }

    async fn released(&mut self) {
        self.0.wait_for_high().await;
    }
}

/// The board's three-colour light, on when low.
pub struct BoardLight {
    /// Red.
    pub red: Output<'static>,
    /// Green.
    pub green: Output<'static>,
    /// Blue.
    pub blue: Output<'static>,
}

impl Light for BoardLight {
    fn show(&mut self, colour: Colour) {
        self.red.set_level(Level::from(!colour.red));
        self.green.set_level(Level::from(!colour.green));
        self.blue.set_level(Level::from(!colour.blue));
    }
}

/// Full scale of a measurement against the internal reference of 0.6 V at a gain of 1/6.
const FULL_SCALE_MV: u32 = 3600;
const RESOLUTION_BITS: u32 = 12;
/// The board divides the cell's voltage by 1 MΩ over 510 kΩ.
const CELL_DIVIDER: (u32, u32) = (1510, 510);

/// The cell through the board's divider, and the excitation on D3.
pub struct BoardSystem {
    converter: Peri<'static, SAADC>,
    cell: Peri<'static, P0_31>,
    excitation: Peri<'static, P0_29>,
    watchdog: WatchdogHandle,
    /// Low for ever: the divider costs 2.5 µA, but let loose it puts the cell's voltage on a pin that stands no more than
    /// the supply's.
    _divider: Output<'static>,
}

impl BoardSystem {
    pub fn new(
        converter: Peri<'static, SAADC>,
        cell: Peri<'static, P0_31>,
        excitation: Peri<'static, P0_29>,
        divider: Output<'static>,
        watchdog: WatchdogHandle,
    ) -> Self {
        interrupt::SAADC.set_priority(Priority::P5);
        Self { converter, cell, excitation, watchdog, _divider: divider }
    }
}

/// One measurement, mV; the converter is on only meanwhile.
async fn measure_mv(converter: Peri<'_, SAADC>, channel: ChannelConfig<'_>) -> u32 {
    let mut converter = Saadc::new(converter, Interrupts, Config::default(), [channel]);
    let mut raw = [0];
    converter.sample(&mut raw).await;
    raw[0].max(0) as u32 * FULL_SCALE_MV >> RESOLUTION_BITS
}

impl System for BoardSystem {
    async fn battery_mv(&mut self) -> u16 {
        let mut channel = ChannelConfig::single_ended(self.cell.reborrow());
        channel.gain = Gain::Gain1_6;
        // A source of 340 kΩ takes 40 µs (nRF52840 product specification, SAADC acquisition time).
        channel.time = Time::_40US;
        (measure_mv(self.converter.reborrow(), channel).await * CELL_DIVIDER.0 / CELL_DIVIDER.1) as u16
    }

    async fn excitation_mv(&mut self) -> u16 {
        let mut channel = ChannelConfig::single_ended(self.excitation.reborrow());
        channel.gain = Gain::Gain1_6;
        // A pin that nothing is wired to reads zero.
        channel.resistor = Resistor::Pulldown;
        measure_mv(self.converter.reborrow(), channel).await as u16
    }

    async fn temperature_centi_c(&mut self) -> Option<i16> {
        // The chip's own temperature says little about the load cell's.
        None
    }

    fn feed_watchdog(&mut self) {
        self.watchdog.pet();
    }
}

/// Light off, button ready to wake.
pub fn prepare_for_off() {
    /// D1.
    const BUTTON: usize = 3;
    const LIGHTS: u32 = 1 << 26 | 1 << 30 | 1 << 6;
    pac::P0.outset().write_value(pac::gpio::regs::Outset(LIGHTS));
    pac::P0.pin_cnf(BUTTON).write(|w| {
        w.set_pull(pac::gpio::vals::Pull::Pullup);
        w.set_sense(pac::gpio::vals::Sense::Low);
    });
}

/// Put the board's unused flash chip to sleep, which otherwise draws most of what an idle sensor takes. `_quiet` are
/// its write-protect and hold lines, high meanwhile: a chip on hold does not listen.
pub fn flash_chip_to_deep_power_down(
    mut select: Output<'_>,
    mut clock: Output<'_>,
    mut data: Output<'_>,
    _quiet: [Output<'_>; 2],
) {
    const DEEP_POWER_DOWN: u8 = 0xb9;
    select.set_low();
    for bit in (0..8).rev() {
        data.set_level(Level::from(DEEP_POWER_DOWN >> bit & 1 == 1));
        clock.set_high();
        cortex_m::asm::delay(8);
        clock.set_low();
        cortex_m::asm::delay(8);
    }
    select.set_high();
    // The pins are let go, but this one: a floating select would wake the chip.
    core::mem::forget(select);
}

/// An output that starts at a level.
pub fn output(pin: Peri<'static, impl embassy_nrf::gpio::Pin>, level: Level) -> Output<'static> {
    Output::new(pin, level, OutputDrive::Standard)
}
