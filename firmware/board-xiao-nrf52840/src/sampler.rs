//! The converter, served above everything else but the radio.
//!
//! Pairing keeps the processor busy for hundreds of milliseconds. So that no conversion is missed meanwhile, and each is
//! stamped when it ends, the driver runs in an interrupt of its own; the application sees it through channels.

use bandsense_core::hal::{Adc, AdcError, DataReady, Reading};
use bandsense_core::nau7802::Nau7802;
use bandsense_core::rate::Rate;
use bandsense_core::sampler::CountRange;
use embassy_futures::select::{Either, select};
use embassy_nrf::gpio::Input;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::{Delay, Instant};

use crate::bus::Bus;

/// 0.4 s at 320 Hz.
const READINGS: usize = 128;

type Converter = Nau7802<Bus, DataReadyPin, Delay>;

/// The line on D0: high while a result waits.
pub struct DataReadyPin(pub Input<'static>);

impl DataReady for DataReadyPin {
    async fn ready(&mut self) -> u64 {
        self.0.wait_for_high().await;
        Instant::now().as_micros()
    }
}

#[derive(Clone, Copy)]
enum Order {
    Start(Rate),
    Stop,
}

static ORDERS: Channel<CriticalSectionRawMutex, (u32, Order), 1> = Channel::new();
static DONE: Signal<CriticalSectionRawMutex, (u32, Result<(), AdcError>)> = Signal::new();
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
    async fn order(&mut self, order: Order) -> Result<(), AdcError> {
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
    const LIMITS: CountRange = <Converter as Adc>::LIMITS;
    const GAIN: u8 = <Converter as Adc>::GAIN;

    async fn start(&mut self, rate: Rate) -> Result<(), AdcError> {
        let outcome = self.order(Order::Start(rate)).await;
        READINGS_OUT.clear();
        outcome
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
pub async fn serve(data_ready: DataReadyPin) -> ! {
    // SAFETY: there is one such task, and nothing else uses the bus.
    let bus = unsafe { Bus::new() };
    let mut converter = Nau7802::new(bus, data_ready, Delay);
    let mut next = ORDERS.receive().await;
    loop {
        let (number, order) = next;
        let outcome = carry_out(&mut converter, order).await;
        let measuring = matches!((order, outcome), (Order::Start(_), Ok(())));
        DONE.signal((number, outcome));
        next = if measuring { measure(&mut converter).await } else { ORDERS.receive().await };
    }
}

async fn carry_out(converter: &mut Converter, order: Order) -> Result<(), AdcError> {
    match order {
        Order::Start(rate) => converter.start(rate).await,
        Order::Stop => {
            converter.stop().await;
            Ok(())
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
