//! A converter that plays a trace or pulls by itself, at the rate and with the oscillator error of the real one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bandsense_core::hal::{Adc, AdcError, Clock, CountRange, Reading};
use bandsense_core::nau7802;
use bandsense_core::rate::Rate;
use embassy_time::{Duration, Instant, Timer};

use crate::arguments::Arguments;
use crate::bench::{Bench, Converter};
use crate::hardware::HostClock;

const RANGE: CountRange = CountRange::FULL;
/// Power-up and settling of the real converter, roughly.
const START_UP: Duration = Duration::from_millis(20);
/// The real driver calls a converter silent after four periods.
const SILENT_PERIODS: u32 = 4;
/// The synthetic pull: five seconds up and down, from a resting bridge to a twentieth of the range.
const PULL_PERIOD_S: f64 = 5.0;
const PULL_COUNTS: f64 = 400_000.0;
const ZERO_COUNTS: f64 = -12_000.0;

/// The converter.
pub struct SimulatedAdc {
    bench: Arc<Bench>,
    clock: HostClock,
    source: Source,
    log: Option<BufWriter<File>>,
    period_scale: f64,
    /// For so long after a start readings are told to be settling.
    settling_us: f64,
    /// When the first conversion ever ended: later streams at the same rate fall in step with it.
    epoch_us: Option<f64>,
    running: Option<Running>,
}

struct Running {
    period_us: f64,
    nominal_us: u32,
    first_us: f64,
    conversions: u64,
    settled_us: f64,
}

/// What the bridge feels. A trace begins with the first stream and goes on in device time, as the world does.
enum Source {
    Pull,
    Trace { points: Vec<(f64, i32)>, began_us: Option<f64> },
}

impl Source {
    fn counts(&mut self, time_us: f64) -> i32 {
        match self {
            Self::Pull => {
                let phase = time_us / 1e6 / PULL_PERIOD_S * core::f64::consts::TAU;
                (ZERO_COUNTS + PULL_COUNTS * 0.5 * (1.0 - phase.cos())) as i32
            }
            Self::Trace { points, began_us } => {
                let began_us = *began_us.get_or_insert(time_us);
                // A microsecond more: a conversion at a point's own time takes that point.
                let time_s = (time_us - began_us + 1.0) / 1e6;
                let after = points.partition_point(|(t, _)| *t <= time_s);
                points.get(after.saturating_sub(1)).map_or(0, |(_, counts)| *counts)
            }
        }
    }
}

fn load_trace(path: &Path) -> Result<Vec<(f64, i32)>, String> {
    let refuse = |line: usize, why: &str| format!("{} line {}: {why}", path.display(), line + 1);
    let text = fs::read_to_string(path).map_err(|error| refuse(0, &error.to_string()))?;
    let rows = text.lines().enumerate().skip(1);
    rows.map(|(i, line)| {
        let (time_s, counts) = line.split_once(',').ok_or_else(|| refuse(i, "expected time_s,counts"))?;
        let time_s = time_s.trim().parse().map_err(|_| refuse(i, "time is not a number"))?;
        let counts = counts.trim().parse().map_err(|_| refuse(i, "counts is not a whole number"))?;
        Ok((time_s, counts))
    })
    .collect()
}

impl SimulatedAdc {
    pub fn new(arguments: &Arguments, clock: HostClock, bench: &Arc<Bench>) -> Result<Self, String> {
        let source = match &arguments.trace {
            Some(path) => Source::Trace { points: load_trace(path)?, began_us: None },
            None => Source::Pull,
        };
        let log = match &arguments.log {
            Some(path) => {
                let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let mut log = BufWriter::new(file);
                writeln!(log, "time_us,counts,missed").map_err(|error| error.to_string())?;
                Some(log)
            }
            None => None,
        };
        let bench = Arc::clone(bench);
        Ok(Self {
            bench,
            clock,
            source,
            log,
            period_scale: 1.0 + arguments.rate_error,
            settling_us: f64::from(arguments.settling_ms) * 1000.0,
            epoch_us: None,
            running: None,
        })
    }

    fn works(&self) -> Result<(), AdcError> {
        match self.bench.converter() {
            Converter::Works | Converter::Hung => Ok(()),
            Converter::Absent => Err(AdcError::Bus),
            Converter::Silent => Err(AdcError::Silent),
        }
    }

    fn note(&mut self, reading: Reading) {
        if let Some(log) = &mut self.log {
            // A log that cannot be written shows as one that ends too early.
            let _ = writeln!(log, "{},{},{}", reading.time_us, reading.counts, reading.missed);
            let _ = log.flush();
        }
    }
}

impl Adc for SimulatedAdc {
    const RANGE: CountRange = RANGE;
    const GAIN: u8 = nau7802::GAIN;
    const THERMOMETER: bool = true;

    async fn start(&mut self, rate: Rate) -> Result<(), AdcError> {
        self.running = None;
        Timer::after(START_UP).await;
        self.works()?;
        let period_us = f64::from(rate.period_us()) * self.period_scale;
        let soonest_us = self.clock.now_us() as f64 + period_us;
        let epoch_us = *self.epoch_us.get_or_insert(soonest_us);
        let first_us = epoch_us + ((soonest_us - epoch_us) / period_us).ceil() * period_us;
        let settled_us = self.clock.now_us() as f64 + self.settling_us;
        self.running =
            Some(Running { period_us, nominal_us: rate.period_us(), first_us, conversions: 0, settled_us });
        Ok(())
    }

    async fn next(&mut self) -> Result<Reading, AdcError> {
        let running = self.running.as_mut().ok_or(AdcError::Silent)?;
        let missed = self.bench.overruns.load(Ordering::Relaxed);
        let index = running.conversions + u64::from(missed);
        let ready_us = running.first_us + index as f64 * running.period_us;
        Timer::at(Instant::from_micros(ready_us.ceil() as u64)).await;
        match self.bench.converter() {
            Converter::Works => {}
            Converter::Hung => core::future::pending().await,
            Converter::Absent => return Err(AdcError::Bus),
            Converter::Silent => {
                Timer::after_micros(u64::from(running.nominal_us * SILENT_PERIODS)).await;
                return Err(AdcError::Silent);
            }
        }
        running.conversions = index + 1;
        self.bench.overruns.fetch_sub(missed, Ordering::Relaxed);
        let load = self.bench.load.load(Ordering::Relaxed);
        let counts = self.source.counts(ready_us).saturating_add(load).clamp(RANGE.lowest, RANGE.highest);
        let settling = ready_us < running.settled_us;
        let late_stamp = self.bench.late_stamps.load(Ordering::Relaxed);
        let reading = Reading { time_us: ready_us as u64, counts, missed, settling, late_stamp };
        self.note(reading);
        Ok(reading)
    }

    async fn temperature_centi_c(&mut self) -> Result<Option<i16>, AdcError> {
        self.works()?;
        Timer::after(START_UP).await;
        Ok(Some(self.bench.temperature_centi_c.load(Ordering::Relaxed)))
    }

    async fn stop(&mut self) {
        self.running = None;
    }
}
