//! Runs the converter and fills frames; restarts it when it fails.

use core::convert::Infallible;

use bandsense_core::hal::{Adc, AdcError, Reading, System};
use bandsense_core::rate::Rate;
use bandsense_core::sampler::{Batch, Sampler};
use bandsense_core::self_test::{READINGS, Sums, converter_absent};
use bandsense_core::statistics::SelfTest;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};

use crate::board::Board;
use crate::shared::{Order, Outcome, Shared};

const RETRY: Duration = Duration::from_secs(1);
const SELF_TEST_RATE: Rate = Rate::Hz80;
/// The fastest rate: the bridge draws current for the shortest time.
const PEEK_RATE: Rate = Rate::Hz320;

/// The sampling duty.
pub async fn sample<B: Board>(shared: &Shared<B>, adc: B::Adc) -> Infallible {
    let sampler = Sampler::new(<B::Adc as Adc>::LIMITS);
    let mut sampling = Sampling { shared, adc, sampler, stream: Stream::Off };
    // A reset in the middle of a stream leaves the bridge under current.
    sampling.adc.stop().await;
    loop {
        match select(shared.orders.receive(), sampling.step()).await {
            Either::First((id, order)) => {
                let outcome = sampling.obey(order).await;
                shared.outcomes.signal((id, outcome));
            }
            Either::Second(()) => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Off,
    Running(Rate),
    /// The converter failed and is tried again.
    Broken(Rate),
}

struct Sampling<'a, B: Board> {
    shared: &'a Shared<B>,
    adc: B::Adc,
    sampler: Sampler,
    stream: Stream,
}

impl<B: Board> Sampling<'_, B> {
    /// Wait for the next thing that happens by itself.
    async fn step(&mut self) {
        match self.stream {
            Stream::Off => core::future::pending().await,
            Stream::Running(rate) => match self.adc.next().await {
                Ok(reading) => self.take(reading),
                Err(_) => self.restart(rate).await,
            },
            Stream::Broken(rate) => {
                Timer::after(RETRY).await;
                self.restart(rate).await;
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Outcome {
        match order {
            Order::Start { rate, samples_per_frame } => self.start(rate, samples_per_frame).await,
            Order::Stop => {
                self.stop().await;
                Outcome::Done { next_sequence: self.sampler.next_sequence() }
            }
            Order::SelfTest => Outcome::Tested(self.self_test().await),
            Order::Peek => self.peek().await.map_or_else(Outcome::Failed, Outcome::Counts),
        }
    }

    async fn start(&mut self, rate: Rate, samples_per_frame: usize) -> Outcome {
        if self.stream != Stream::Running(rate) {
            self.stop().await;
            self.sampler.set_samples_per_frame(samples_per_frame);
            if let Err(error) = self.adc.start(rate).await {
                self.shared.set_fault(true);
                return Outcome::Failed(error);
            }
            self.shared.set_fault(false);
            self.stream = Stream::Running(rate);
        }
        Outcome::Done { next_sequence: self.sampler.next_sequence() }
    }

    async fn stop(&mut self) {
        if self.stream != Stream::Off {
            self.stream = Stream::Off;
            self.adc.stop().await;
        }
        self.interrupt();
    }

    async fn restart(&mut self, rate: Rate) {
        self.interrupt();
        self.stream = Stream::Broken(rate);
        self.adc.stop().await;
        let works = self.adc.start(rate).await.is_ok();
        self.shared.set_fault(!works);
        if works {
            self.stream = Stream::Running(rate);
        }
    }

    fn take(&mut self, reading: Reading) {
        let shared = self.shared;
        self.sampler.set_low_battery(shared.battery_is_low());
        self.sampler.push(reading, |frame| send(shared, frame));
        shared.next_sequence.set(self.sampler.next_sequence());
        shared.overruns.set(self.sampler.overruns());
    }

    fn interrupt(&mut self) {
        if let Some(frame) = self.sampler.interrupt() {
            send(self.shared, frame);
        }
    }

    async fn self_test(&mut self) -> SelfTest {
        let sums = self.collect(SELF_TEST_RATE, READINGS).await;
        let mut system = self.shared.system.lock().await;
        let battery_mv = self.shared.battery_mv.get();
        let result = match sums {
            Ok(sums) => {
                let excitation_mv = system.excitation_mv().await;
                sums.judge(excitation_mv, battery_mv, system.temperature_centi_c().await)
            }
            Err(_) => converter_absent(battery_mv),
        };
        self.adc.stop().await;
        self.shared.set_fault(sums.is_err());
        result
    }

    async fn peek(&mut self) -> Result<i32, AdcError> {
        let sums = self.collect(PEEK_RATE, 1).await;
        self.adc.stop().await;
        sums.map(|sums| sums.mean())
    }

    /// Take readings for oneself; the converter then still runs.
    async fn collect(&mut self, rate: Rate, readings: u32) -> Result<Sums, AdcError> {
        self.adc.start(rate).await?;
        let mut sums = Sums::default();
        for _ in 0..readings {
            sums.add(self.adc.next().await?.counts);
        }
        Ok(sums)
    }
}

/// Hand a frame to the radio, or count that there was no room.
fn send<B: Board>(shared: &Shared<B>, frame: Batch) {
    if shared.frames.try_send(frame).is_err() {
        let dropped = &shared.notifications_dropped;
        dropped.set(dropped.get().saturating_add(1));
    }
}
