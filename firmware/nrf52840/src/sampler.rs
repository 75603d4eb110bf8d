//! The converter, served above everything else but the radio, and its results stamped by hardware.
//!
//! Pairing keeps the processor busy for tens of milliseconds, and while flash is written it stands still for up to ten. So
//! that no conversion is missed meanwhile, the driver runs in an interrupt of its own; the application sees it through
//! channels. So that each is stamped when it ends, the edge of the data-ready line captures a timer (GPIOTE → PPI →
//! TIMER); when the processor gets to see the result, the timer says how long ago the edge was.
//!
//! The timer runs on the radio's crystal where that is on, which it is whenever the radio or a write of flash keeps the
//! processor for long, else on the chip's own oscillator.

use bandsense_app::{AdcLink, RemoteAdc};
use bandsense_core::hal::{DataReady, Stamp};
use bandsense_core::nau7802::Nau7802;
use embassy_nrf::Peri;
use embassy_nrf::gpio::{AnyPin, Input, Pull};
use embassy_nrf::gpiote::{InputChannel, InputChannelPolarity};
use embassy_nrf::pac;
use embassy_nrf::peripherals::{GPIOTE_CH0, PPI_CH0, TIMER1};
use embassy_nrf::ppi::Ppi;
use embassy_nrf::timer::{Frequency, Timer};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_time::{Delay, Instant};

use crate::bus::Bus;

/// Error of the board's 32 MHz crystal, at most.
const CRYSTAL_PPM: u32 = 40;
/// Error of the chip's own 64 MHz oscillator, at most.
const OSCILLATOR_PPM: u32 = 80_000;
/// A tick of the device clock at 32 768 Hz, rounded up.
const CLOCK_RESOLUTION_US: u32 = 31;
/// The device time and the timer are read so close to each other, or once more.
const READ_TOGETHER_US: u32 = 20;
const CAPTURED: usize = 0;
const NOW: usize = 1;
const GPIOTE_CHANNEL: usize = 0;

pub type Converter = Nau7802<Bus, DataReadyPin, Delay>;

/// The data-ready line, high while a result waits, and the timer that its edge captures.
pub struct DataReadyPin {
    line: Input<'static>,
    _edge: InputChannel<'static>,
    _timer: Timer<'static>,
    /// The capture of the result before.
    seen: u32,
    _route: Ppi<'static, PPI_CH0, 1, 1>,
}

impl DataReadyPin {
    pub fn new(
        pin: Peri<'static, AnyPin>,
        channel: Peri<'static, GPIOTE_CH0>,
        timer: Peri<'static, TIMER1>,
        route: Peri<'static, PPI_CH0>,
    ) -> Self {
        // SAFETY: both only read the pin, with the same pull.
        let line = Input::new(unsafe { pin.clone_unchecked() }, Pull::Down);
        let edge = InputChannel::new(channel, pin, Pull::Down, InputChannelPolarity::LoToHi);
        let timer = Timer::new(timer);
        timer.set_frequency(Frequency::F1MHz);
        let mut route = Ppi::new_one_to_one(route, edge.event_in(), timer.cc(CAPTURED).task_capture());
        route.enable();
        run_stamps(false);
        Self { line, _edge: edge, _timer: timer, seen: 0, _route: route }
    }

    /// The device time, and what the timer shows at the same moment.
    fn read_clocks() -> (u64, u32) {
        let capture_now = || {
            pac::TIMER1.tasks_capture(NOW).write_value(1);
            pac::TIMER1.cc(NOW).read()
        };
        loop {
            let before = capture_now();
            let now_us = Instant::now().as_micros();
            let after = capture_now();
            if after.wrapping_sub(before) <= READ_TOGETHER_US {
                return (now_us, after);
            }
        }
    }
}

/// Let the timer and the detector of edges run, which keep a fast clock on: while the converter runs only.
fn run_stamps(on: bool) {
    use pac::gpiote::vals::Mode;
    pac::GPIOTE.config(GPIOTE_CHANNEL).modify(|w| w.set_mode(if on { Mode::Event } else { Mode::Disabled }));
    if on {
        pac::TIMER1.tasks_start().write_value(1);
    } else {
        pac::TIMER1.tasks_stop().write_value(1);
        // Else the timer goes on drawing what it draws when it runs (nRF52840 errata, 78).
        pac::TIMER1.tasks_shutdown().write_value(1);
    }
}

impl DataReady for DataReadyPin {
    async fn ready(&mut self) -> Stamp {
        self.line.wait_for_high().await;
        let captured = pac::TIMER1.cc(CAPTURED).read();
        let (now_us, now) = Self::read_clocks();
        // A line that stayed high had no edge.
        let is_new = core::mem::replace(&mut self.seen, captured) != captured;
        let clock = pac::CLOCK.hfclkstat().read();
        let ppm = match clock.src() {
            pac::clock::vals::HfclkstatSrc::Xtal => CRYSTAL_PPM,
            pac::clock::vals::HfclkstatSrc::Rc => OSCILLATOR_PPM,
        };
        Stamp::of_edge(now_us, is_new.then(|| now.wrapping_sub(captured)), ppm, CLOCK_RESOLUTION_US)
    }

    fn now_us(&self) -> u64 {
        Instant::now().as_micros()
    }
}

/// What lies between here and the application.
pub static LINK: AdcLink<CriticalSectionRawMutex> = AdcLink::new();

/// The converter as the application sees it.
pub type BoardAdc = RemoteAdc<CriticalSectionRawMutex, Converter>;

/// Serve the converter.
#[embassy_executor::task]
pub async fn serve(data_ready: DataReadyPin, i2c: (Peri<'static, AnyPin>, Peri<'static, AnyPin>)) -> ! {
    // SAFETY: there is one such task, and nothing else uses TWISPI0.
    let bus = unsafe { Bus::new(i2c.0, i2c.1) };
    LINK.serve(Nau7802::new(bus, data_ready, Delay), run_stamps).await
}
