//! Runs the converter and fills frames; restarts it when it fails.

use core::convert::Infallible;

use bandsense_core::hal::{Adc, AdcError, Clock, Reading, System};
use bandsense_core::rate::Rate;
use bandsense_core::sampler::{Batch, Sampler};
use bandsense_core::self_test::{READINGS, Sums, converter_absent};
use bandsense_core::statistics::SelfTest;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};

use crate::board::Board;
use crate::log;
use crate::sensor_state::{SamplerCommand, SamplerReply, SensorState};

const RETRY: Duration = Duration::from_secs(1);
/// A temperature older than this is measured anew before a stream.
const TEMPERATURE_GOOD_US: u64 = 300_000_000;
/// What is weighed for a tare: a tenth of a second.
const WEIGH_READINGS: u32 = 8;
const SELF_TEST_RATE: Rate = Rate::Hz80;
/// The fastest rate: the bridge draws current for the shortest time.
const PEEK_RATE: Rate = Rate::Hz320;

/// The sampling duty.
pub async fn sample<B: Board>(sensor: &SensorState<B>, adc: B::Adc) -> Infallible {
    let sampler = Sampler::new(<B::Adc as Adc>::RANGE);
    let mut sampling = Sampling { sensor, adc, sampler, stream: Stream::Off, temperature_at_us: None };
    // A reset in the middle of a stream leaves the bridge under current.
    sampling.adc.stop().await;
    loop {
        match select(sensor.sampler.commands.receive(), sampling.step()).await {
            Either::First((id, command)) => {
                let reply = sampling.handle(command).await;
                sensor.sampler.replies.signal((id, reply));
            }
            Either::Second(()) => {}
        }
        sensor.sampler.progressed(sensor.now_us(), sampling.stream != Stream::Off);
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
    sensor: &'a SensorState<B>,
    adc: B::Adc,
    sampler: Sampler,
    stream: Stream,
    temperature_at_us: Option<u64>,
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

    async fn handle(&mut self, command: SamplerCommand) -> SamplerReply {
        match command {
            SamplerCommand::Start { rate, samples_per_frame } => self.start(rate, samples_per_frame).await,
            SamplerCommand::Stop => {
                self.stop().await;
                SamplerReply::Done { next_sequence: self.sampler.next_sequence() }
            }
            SamplerCommand::SelfTest => SamplerReply::Tested(self.self_test().await),
            SamplerCommand::Weigh => {
                self.weigh().await.map_or_else(SamplerReply::Failed, SamplerReply::Counts)
            }
            SamplerCommand::Peek => self.peek().await.map_or_else(SamplerReply::Failed, SamplerReply::Counts),
        }
    }

    async fn start(&mut self, rate: Rate, samples_per_frame: usize) -> SamplerReply {
        if self.stream != Stream::Running(rate) {
            self.stop().await;
            self.sampler.set_samples_per_frame(samples_per_frame);
            let started = match self.refresh_temperature().await {
                Ok(()) => self.adc.start(rate).await,
                // Another start of a part that does not work would keep the client waiting for too long.
                Err(error) => Err(error),
            };
            if let Err(error) = started {
                log::warning!("the converter does not start: {}", defmt::Debug2Format(&error));
                self.sensor.set_fault(true);
                return SamplerReply::Failed(error);
            }
            self.sensor.set_fault(false);
            self.stream = Stream::Running(rate);
        }
        SamplerReply::Done { next_sequence: self.sampler.next_sequence() }
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
        log::warning!("the converter failed; it works again: {}", works);
        self.sensor.set_fault(!works);
        if works {
            self.stream = Stream::Running(rate);
        }
    }

    fn take(&mut self, reading: Reading) {
        let sensor = self.sensor;
        self.sampler.set_low_battery(sensor.power.supply.get().is_low());
        self.sampler.push(reading, |frame| send(sensor, frame));
        sensor.stream.next_sequence.set(self.sampler.next_sequence());
        sensor.stream.overruns.set(self.sampler.overruns());
    }

    fn interrupt(&mut self) {
        if let Some(frame) = self.sampler.interrupt() {
            send(self.sensor, frame);
        }
    }

    /// Measure the temperature, where that is possible and was not done a moment ago.
    async fn refresh_temperature(&mut self) -> Result<(), AdcError> {
        let now_us = self.sensor.clock.now_us();
        let is_good = |at_us: u64| now_us.saturating_sub(at_us) < TEMPERATURE_GOOD_US;
        if <B::Adc as Adc>::THERMOMETER && !self.temperature_at_us.is_some_and(is_good) {
            self.measure_temperature().await?;
        }
        Ok(())
    }

    async fn measure_temperature(&mut self) -> Result<Option<i16>, AdcError> {
        let temperature = self.adc.temperature_centi_c().await?;
        self.sensor.power.temperature_centi_c.set(temperature);
        log::detail!("temperature, 0.01 °C: {}", temperature);
        self.temperature_at_us = Some(self.sensor.clock.now_us());
        Ok(temperature)
    }

    async fn self_test(&mut self) -> SelfTest {
        let temperature = self.measure_temperature().await;
        let sums = match temperature {
            Ok(_) => self.collect_settled(SELF_TEST_RATE, READINGS).await,
            Err(error) => Err(error),
        };
        let mut system = self.sensor.system.lock().await;
        let battery_mv = self.sensor.power.supply.get().cell_mv;
        let result = match sums {
            Ok(sums) => sums.judge(system.excitation_mv().await, battery_mv, temperature.ok().flatten()),
            Err(_) => converter_absent(battery_mv),
        };
        self.adc.stop().await;
        self.sensor.set_fault(sums.is_err());
        result
    }

    /// The mean of readings that have settled.
    async fn weigh(&mut self) -> Result<i32, AdcError> {
        self.stop().await;
        let sums = self.collect_settled(SELF_TEST_RATE, WEIGH_READINGS).await;
        self.adc.stop().await;
        sums.map(|sums| sums.mean())
    }

    /// Take readings that have settled; the converter then still runs.
    async fn collect_settled(&mut self, rate: Rate, readings: u32) -> Result<Sums, AdcError> {
        self.adc.start(rate).await?;
        let mut sums = Sums::default();
        while sums.count() < readings {
            let reading = self.adc.next().await?;
            if !reading.settling {
                sums.add(reading.counts);
            }
        }
        Ok(sums)
    }

    /// One reading, which may still drift as the one before did; the converter is off again.
    async fn peek(&mut self) -> Result<i32, AdcError> {
        let started = self.adc.start(PEEK_RATE).await;
        let reading = match started {
            Ok(()) => self.adc.next().await,
            Err(error) => Err(error),
        };
        self.adc.stop().await;
        reading.map(|reading| reading.counts)
    }
}

/// Hand a frame to the radio, or count that there was no room.
fn send<B: Board>(sensor: &SensorState<B>, frame: Batch) {
    if sensor.stream.frames.try_send(frame).is_err() {
        sensor.stream.dropped();
    }
}
