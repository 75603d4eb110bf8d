//! A converter that is served elsewhere, above everything but the radio, and seen through channels: pairing and flash keep
//! the application from it for tens of milliseconds.
//!
//! ```text
//!   application                     AdcLink                        interrupt executor
//!   RemoteAdc ── (number, command) ──▶ orders, 1 ──────────────────▶ serve ──▶ converter
//!             ◀── (number, reply) ──── done, the latest ◀──────────────┘
//!             ◀── reading or error ─── readings, 128: 0.4 s at 320 Hz ◀─ while it measures
//! ```
//!
//! **No sample is lost in silence.** While the application is away, readings wait in the channel. One that finds no room
//! is left out and counted, and the next that does find room carries the count as missed, as the converter's own overruns
//! do: the sample numbers of the protocol show the hole.
//!
//! **No answer to the wrong command.** A future that is dropped while it waits (a client that disconnects) leaves its
//! command in force and its reply unread. Commands are numbered, and a reply counts only under the number that waits;
//! later ones overwrite earlier ones. `start` empties the channel after its reply, so nothing of the stream before is left.
//!
//! **No deadlock.** The server waits for a command and for the converter at once. When the converter fails, it waits for
//! a command and for room at once, since whoever gives a command does not take readings meanwhile.
//!
//! It assumes one application end a link. Whoever stays away for longer than 0.4 s finds a hole that is told.

use core::marker::PhantomData;

use bandsense_core::hal::{Adc, AdcError, CountRange, Reading};
use bandsense_core::rate::Rate;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;

/// 0.4 s at 320 Hz.
const READINGS: usize = 128;

#[derive(Clone, Copy)]
enum AdcCommand {
    Start(Rate),
    Stop,
    Temperature,
}

/// How an order went; a temperature for that order only.
type AdcReply = Result<Option<i16>, AdcError>;

/// What lies between the converter's server and the application.
pub struct AdcLink<M: RawMutex> {
    orders: Channel<M, (u32, AdcCommand), 1>,
    done: Signal<M, (u32, AdcReply)>,
    readings: Channel<M, Result<Reading, AdcError>, READINGS>,
}

impl<M: RawMutex> Default for AdcLink<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: RawMutex> AdcLink<M> {
    /// A link that nothing has come over.
    #[must_use]
    pub const fn new() -> Self {
        Self { orders: Channel::new(), done: Signal::new(), readings: Channel::new() }
    }

    /// Serve the converter. `measures` is told before and after it is worked with whether it is to be watched.
    pub async fn serve(&self, mut converter: impl Adc, mut measures: impl FnMut(bool)) -> ! {
        let mut next = self.orders.receive().await;
        loop {
            let (number, order) = next;
            measures(true);
            let outcome = carry_out(&mut converter, order).await;
            let measuring = matches!((order, outcome), (AdcCommand::Start(_), Ok(_)));
            measures(measuring);
            self.done.signal((number, outcome));
            next = if measuring { self.measure(&mut converter).await } else { self.orders.receive().await };
        }
    }

    /// Pass on readings until there is another order. What finds no room is counted as missed by the next that does.
    async fn measure(&self, converter: &mut impl Adc) -> (u32, AdcCommand) {
        let mut lost = 0;
        loop {
            match select(self.orders.receive(), converter.next()).await {
                Either::First(order) => return order,
                Either::Second(Ok(reading)) => {
                    let reading = Reading { missed: reading.missed + lost, ..reading };
                    lost = if self.readings.try_send(Ok(reading)).is_ok() { 0 } else { reading.missed + 1 };
                }
                Either::Second(Err(error)) => {
                    // Whoever gives an order does not take readings meanwhile: neither may wait for the other.
                    return match select(self.orders.receive(), self.readings.send(Err(error))).await {
                        Either::First(order) => order,
                        Either::Second(()) => self.orders.receive().await,
                    };
                }
            }
        }
    }
}

async fn carry_out(converter: &mut impl Adc, order: AdcCommand) -> AdcReply {
    match order {
        AdcCommand::Start(rate) => converter.start(rate).await.map(|()| None),
        AdcCommand::Temperature => converter.temperature_centi_c().await,
        AdcCommand::Stop => {
            converter.stop().await;
            Ok(None)
        }
    }
}

/// A converter of kind `A` at the other end of a link. Each link has one.
pub struct RemoteAdc<M: RawMutex + 'static, A> {
    link: &'static AdcLink<M>,
    orders: u32,
    kind: PhantomData<fn() -> A>,
}

impl<M: RawMutex, A: Adc> RemoteAdc<M, A> {
    /// The application's end. Only one may exist.
    #[must_use]
    pub const fn new(link: &'static AdcLink<M>) -> Self {
        Self { link, orders: 0, kind: PhantomData }
    }

    /// Carry out an order. Giving up the wait leaves the order in force.
    async fn order(&mut self, order: AdcCommand) -> AdcReply {
        self.orders = self.orders.wrapping_add(1);
        self.link.orders.send((self.orders, order)).await;
        loop {
            let (number, outcome) = self.link.done.wait().await;
            if number == self.orders {
                return outcome;
            }
        }
    }
}

impl<M: RawMutex, A: Adc> Adc for RemoteAdc<M, A> {
    const RANGE: CountRange = A::RANGE;
    const GAIN: u8 = A::GAIN;
    const THERMOMETER: bool = A::THERMOMETER;

    async fn start(&mut self, rate: Rate) -> Result<(), AdcError> {
        let outcome = self.order(AdcCommand::Start(rate)).await;
        self.link.readings.clear();
        outcome.map(|_| ())
    }

    async fn temperature_centi_c(&mut self) -> AdcReply {
        self.order(AdcCommand::Temperature).await
    }

    async fn next(&mut self) -> Result<Reading, AdcError> {
        self.link.readings.receive().await
    }

    async fn stop(&mut self) {
        // Stopping never fails.
        let _ = self.order(AdcCommand::Stop).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

    use super::*;
    use embassy_futures::{block_on, yield_now};
    use embassy_sync::blocking_mutex::raw::NoopRawMutex;
    use std::boxed::Box;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::vec::Vec;

    /// What was asked of the converter, and how many readings it has left.
    #[derive(Default)]
    struct Log {
        calls: Vec<&'static str>,
        readings: u32,
        fails: bool,
    }

    #[derive(Clone, Default)]
    struct Fake(Rc<RefCell<Log>>);

    impl Adc for Fake {
        const RANGE: CountRange = CountRange::FULL;
        const GAIN: u8 = 7;
        const THERMOMETER: bool = true;

        async fn start(&mut self, _rate: Rate) -> Result<(), AdcError> {
            self.0.borrow_mut().calls.push("start");
            if self.0.borrow().fails { Err(AdcError::Silent) } else { Ok(()) }
        }

        async fn next(&mut self) -> Result<Reading, AdcError> {
            yield_now().await;
            if self.0.borrow().readings == 0 {
                if self.0.borrow().fails {
                    return Err(AdcError::Silent);
                }
                core::future::pending::<()>().await;
            }
            let mut log = self.0.borrow_mut();
            log.readings -= 1;
            let (time_us, counts) = (u64::from(log.readings), log.readings as i32);
            Ok(Reading { time_us, counts, missed: 0, settling: false, late_stamp: false })
        }

        async fn temperature_centi_c(&mut self) -> Result<Option<i16>, AdcError> {
            self.0.borrow_mut().calls.push("temperature");
            Ok(Some(2150))
        }

        async fn stop(&mut self) {
            self.0.borrow_mut().calls.push("stop");
        }
    }

    /// Let the application's side run beside the server; the converter, and what the stamps were told.
    fn run<F: Future<Output = ()>>(
        fake: &Fake,
        application: impl FnOnce(RemoteAdc<NoopRawMutex, Fake>) -> F,
    ) -> Vec<bool> {
        let link: &'static AdcLink<NoopRawMutex> = Box::leak(Box::new(AdcLink::new()));
        let mut told = Vec::new();
        let serving = link.serve(fake.clone(), |on| told.push(on));
        block_on(select(serving, application(RemoteAdc::new(link))));
        told
    }

    #[test]
    fn orders_are_carried_out_and_stamps_run_while_it_measures() {
        let fake = Fake::default();
        fake.0.borrow_mut().readings = 3;
        let told = run(&fake, |mut adc| async move {
            adc.start(Rate::Hz80).await.unwrap();
            for counts in [2, 1, 0] {
                assert_eq!(adc.next().await.unwrap().counts, counts);
            }
            adc.stop().await;
            assert_eq!(adc.temperature_centi_c().await, Ok(Some(2150)));
        });
        assert_eq!(fake.0.borrow().calls, ["start", "stop", "temperature"]);
        assert_eq!(told, [true, true, true, false, true, false]);
    }

    #[test]
    fn what_finds_no_room_is_counted_as_missed() {
        let fake = Fake::default();
        fake.0.borrow_mut().readings = 200;
        run(&fake, |mut adc| async move {
            adc.start(Rate::Hz320).await.unwrap();
            while adc.link.readings.len() < READINGS {
                yield_now().await;
            }
            for _ in 0..50 {
                yield_now().await;
            }
            for _ in 0..READINGS {
                assert_eq!(adc.next().await.unwrap().missed, 0);
            }
            let after = adc.next().await.unwrap();
            assert!(after.missed > 0, "some were lost meanwhile");
            assert_eq!(after.counts, 200 - READINGS as i32 - after.missed as i32 - 1);
        });
    }

    #[test]
    fn a_failure_reaches_whoever_waits_and_an_order_gets_through_it() {
        let fake = Fake::default();
        fake.0.borrow_mut().readings = 1;
        let log = fake.0.clone();
        run(&fake, |mut adc| async move {
            adc.start(Rate::Hz80).await.unwrap();
            adc.next().await.unwrap();
            log.borrow_mut().fails = true;
            adc.stop().await;
            assert_eq!(adc.start(Rate::Hz80).await, Err(AdcError::Silent));
            log.borrow_mut().fails = false;
            log.borrow_mut().readings = 1;
            adc.start(Rate::Hz80).await.unwrap();
            assert_eq!(adc.next().await.unwrap().counts, 0);
        });
    }

    #[test]
    fn a_start_leaves_no_reading_of_before() {
        let fake = Fake::default();
        fake.0.borrow_mut().readings = 5;
        let log = fake.0.clone();
        run(&fake, |mut adc| async move {
            adc.start(Rate::Hz80).await.unwrap();
            while log.borrow().readings > 0 {
                yield_now().await;
            }
            adc.stop().await;
            adc.start(Rate::Hz80).await.unwrap();
            assert!(adc.link.readings.is_empty());
        });
    }
}
