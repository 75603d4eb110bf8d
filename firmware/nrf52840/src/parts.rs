//! Button, light, voltages, watchdog and clock of the board.

use bandsense_core::hal::{Clock, Supply, System};
use bandsense_core::pins::{ActiveLowLight, ButtonToGround, deep_power_down};
use embassy_nrf::Peri;
use embassy_nrf::gpio::{AnyPin, Input, Level, Output, OutputDrive};
use embassy_nrf::interrupt::{self, InterruptExt, Priority};
use embassy_nrf::pac;
use embassy_nrf::peripherals::SAADC;
use embassy_nrf::saadc::{AnyInput, ChannelConfig, Config, Gain, Resistor, Saadc, Time};
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

/// The button, between its pin and ground.
pub type BoardButton = ButtonToGround<Input<'static>>;

/// The board's three-colour light.
pub type BoardLight = ActiveLowLight<Output<'static>>;

/// Full scale of a measurement against the internal reference of 0.6 V at a gain of 1/6.
const FULL_SCALE_MV: u32 = 3600;
const RESOLUTION_BITS: u32 = 12;

/// How a board sees its cell.
pub struct CellSense {
    /// The divided voltage.
    pub input: AnyInput<'static>,
    /// Whole over lower resistance of the divider.
    pub divider: (u32, u32),
    /// Keeps the divider switched on.
    pub _enable: Output<'static>,
    /// Low while the charger charges.
    pub charging: Input<'static>,
}

/// The cell, power from USB, and the excitation.
pub struct BoardSystem {
    converter: Peri<'static, SAADC>,
    cell: Option<CellSense>,
    excitation: AnyInput<'static>,
    watchdog: WatchdogHandle,
}

impl BoardSystem {
    pub fn new(
        converter: Peri<'static, SAADC>,
        cell: Option<CellSense>,
        excitation: AnyInput<'static>,
        watchdog: WatchdogHandle,
    ) -> Self {
        interrupt::SAADC.set_priority(Priority::P5);
        Self { converter, cell, excitation, watchdog }
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
    async fn supply(&mut self) -> Supply {
        let external = pac::POWER.usbregstatus().read().vbusdetect();
        let Some(cell) = &mut self.cell else {
            // A board without a cell is fed from outside, whatever by.
            return Supply { cell_mv: 0, external: true, charging: false };
        };
        let mut channel = ChannelConfig::single_ended(cell.input.reborrow());
        channel.gain = Gain::Gain1_6;
        // A source of 340 kΩ takes 40 µs (nRF52840 product specification, SAADC acquisition time).
        channel.time = Time::_40US;
        let (whole, lower) = cell.divider;
        let cell_mv = (measure_mv(self.converter.reborrow(), channel).await * whole / lower) as u16;
        Supply { cell_mv, external, charging: external && cell.charging.is_low() }
    }

    async fn excitation_mv(&mut self) -> u16 {
        let mut channel = ChannelConfig::single_ended(self.excitation.reborrow());
        channel.gain = Gain::Gain1_6;
        // A pin that nothing is wired to reads zero.
        channel.resistor = Resistor::Pulldown;
        measure_mv(self.converter.reborrow(), channel).await as u16
    }

    fn feed_watchdog(&mut self) {
        self.watchdog.pet();
    }
}

/// The button, ready to wake the chip; its number as `P0` or `P1` count it. Everything else is let go by the reset that
/// waking is.
pub fn prepare_for_off(button: u8) {
    let (port, pin) = if button < 32 { (pac::P0, button) } else { (pac::P1, button - 32) };
    port.pin_cnf(usize::from(pin)).write(|w| {
        w.set_pull(pac::gpio::vals::Pull::Pullup);
        w.set_sense(pac::gpio::vals::Sense::Low);
    });
    // A bit that is left from before would wake the chip at once, for ever.
    for port in [pac::P0, pac::P1] {
        let latched = port.latch().read();
        port.latch().write_value(latched);
    }
}

/// Put the board's unused flash chip to sleep, which otherwise draws most of what an idle sensor takes. `_quiet` are
/// its write-protect and hold lines, high meanwhile: a chip on hold does not listen.
pub fn flash_chip_to_deep_power_down<'a>(
    mut select: Output<'a>,
    clock: Output<'a>,
    data: Output<'a>,
    _quiet: [Output<'a>; 2],
) {
    // Outputs never fail.
    let Ok(()) = deep_power_down(&mut select, clock, data, || cortex_m::asm::delay(8));
    // The pins are let go, but this one: a floating select would wake the chip.
    core::mem::forget(select);
}

/// An output that starts at a level.
pub fn output(pin: Peri<'static, AnyPin>, level: Level) -> Output<'static> {
    Output::new(pin, level, OutputDrive::Standard)
}
