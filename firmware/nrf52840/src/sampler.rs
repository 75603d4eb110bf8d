//! The converter, served above everything else but the radio, and its results stamped by hardware.
//!
//! Pairing keeps the processor busy for tens of milliseconds, and while flash is written it stands still for up to ten. So
//! that no conversion is missed meanwhile, the driver runs in an interrupt of its own; the application sees it through
//! channels. So that each is stamped when it ends, the edge of the data-ready line captures a timer (GPIOTE → PPI →
//! TIMER); when the processor gets to see the result, the timer says how long ago the edge was.
//!
//! The timer runs on the radio's crystal where that is on, which it is whenever the radio or a write of flash keeps the
//! processor for long, else on the chip's own oscillator.

use bandsense_core::hal::{Adc, AdcError, CountRange, DataReady, Reading, Stamp};
use bandsense_core::nau7802::Nau7802;
use bandsense_core::rate::Rate;
use embassy_futures::select::{Either, select};
use embassy_nrf::Peri;
use embassy_nrf::gpio::{AnyPin, Input, Pull};
use embassy_nrf::gpiote::{InputChannel, InputChannelPolarity};
use embassy_nrf::pac;
use embassy_nrf::peripherals::{GPIOTE_CH0, PPI_CH0, TIMER1};
use embassy_nrf::ppi::Ppi;
use embassy_nrf::timer::{Frequency, Timer};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::{Delay, Instant};

use crate::bus::Bus;

/// 0.4 s at 320 Hz.
const READINGS: usize = 128;
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

type Converter = Nau7802<Bus, DataReadyPin, Delay>;

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

#[derive(Clone, Copy)]
enum Order {
    Start(Rate),
    Stop,
    Temperature,
}

/// How an order went; a temperature for that order only.
type Outcome = Result<Option<i16>, AdcError>;

static ORDERS: Channel<CriticalSectionRawMutex, (u32, Order), 1> = Channel::new();
static DONE: Signal<CriticalSectionRawMutex, (u32, Outcome)> = Signal::new();
static READINGS_OUT: Channel<CriticalSectionRawMutex, Result<Reading, AdcError>, READINGS> = Channel::new();

/// The converter as the application sees it.
pub struct RemoteAdc {
    orders: u32,
}

impl RemoteAdc {
    /// The application's end. Only one may exist.
    pub const fn new() -> Self {
        Self { orders: 0 }
    }

    /// Carry out an order. Giving up the wait leaves the order in force.
    async fn order(&mut self, order: Order) -> Outcome {
        self.orders = self.orders.wrapping_add(1);
        ORDERS.send((self.orders, order)).await;
        loop {
            let (number, outcome) = DONE.wait().await;
            if number == self.orders {
                return outcome;
            }
        }
    }
}

impl Adc for RemoteAdc {
    const RANGE: CountRange = <Converter as Adc>::RANGE;
    const GAIN: u8 = <Converter as Adc>::GAIN;
    const THERMOMETER: bool = <Converter as Adc>::THERMOMETER;

    async fn start(&mut self, rate: Rate) -> Result<(), AdcError> {
        let outcome = self.order(Order::Start(rate)).await;
        READINGS_OUT.clear();
        outcome.map(|_| ())
    }

    async fn temperature_centi_c(&mut self) -> Outcome {
        self.order(Order::Temperature).await
    }

    async fn next(&mut self) -> Result<Reading, AdcError> {
        READINGS_OUT.receive().await
    }

    async fn stop(&mut self) {
        // Stopping never fails.
        let _ = self.order(Order::Stop).await;
    }
}

/// Serve the converter.
#[embassy_executor::task]
pub async fn serve(data_ready: DataReadyPin, i2c: (Peri<'static, AnyPin>, Peri<'static, AnyPin>)) -> ! {
    // SAFETY: there is one such task, and nothing else uses TWISPI0.
    let bus = unsafe { Bus::new(i2c.0, i2c.1) };
    let mut converter = Nau7802::new(bus, data_ready, Delay);
    let mut next = ORDERS.receive().await;
    loop {
        let (number, order) = next;
        let outcome = carry_out(&mut converter, order).await;
        let measuring = matches!((order, outcome), (Order::Start(_), Ok(_)));
        run_stamps(measuring);
        DONE.signal((number, outcome));
        next = if measuring { measure(&mut converter).await } else { ORDERS.receive().await };
    }
}

async fn carry_out(converter: &mut Converter, order: Order) -> Outcome {
    run_stamps(true);
    match order {
        Order::Start(rate) => converter.start(rate).await.map(|()| None),
        Order::Temperature => converter.temperature_centi_c().await,
        Order::Stop => {
            converter.stop().await;
            Ok(None)
        }
    }
}

/// Pass on readings until there is another order. What finds no room is counted as missed by the next that does.
async fn measure(converter: &mut Converter) -> (u32, Order) {
    let mut lost = 0;
    loop {
        match select(ORDERS.receive(), converter.next()).await {
            Either::First(order) => return order,
            Either::Second(Ok(reading)) => {
                let reading = Reading { missed: reading.missed + lost, ..reading };
                lost = if READINGS_OUT.try_send(Ok(reading)).is_ok() { 0 } else { reading.missed + 1 };
            }
            Either::Second(Err(error)) => {
                // Whoever gives an order does not take readings meanwhile: neither may wait for the other.
                return match select(ORDERS.receive(), READINGS_OUT.send(Err(error))).await {
                    Either::First(order) => order,
                    Either::Second(()) => ORDERS.receive().await,
                };
            }
        }
    }
}
