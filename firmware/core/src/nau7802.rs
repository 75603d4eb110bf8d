//! Driver of the Nuvoton NAU7802 bridge converter.
//!
//! Register numbers and bits follow the data sheet, revision 1.7; where it is silent, what other drivers were found to do
//! on the real part (Linux, Zephyr, Adafruit, SparkFun, ESPHome). What only the real part can show is listed in
//! docs/firmware.md; the choices that its hazards ask for are made here:
//!
//! * the regulator feeds the bridge with 3.0 V: on a 3.3 V supply 3.3 V is out of its reach;
//! * at gains of 64 and 128 the inputs' common mode has to lie 1.5 V from both ends of that supply, which leaves the
//!   very middle of the bridge and no room beside it: [`GAIN`] is 32, which costs at most 0.05 N of noise
//!   (hardware/docs/signal-budget.md);
//! * between streams the part goes to standby instead of losing power, because standby keeps its registers and
//!   with them the offset calibration, which is made at one rate: zero then does not step from one stream to the next;
//! * on every wake the registers are compared with what was written, and a part that forgot is set up anew;
//! * every result is read together with the register behind it (0x15), whose set-up differs from its reset value:
//!   a brown-out of the part alone never passes for a measurement. No other driver is known to read on from the result
//!   to that register, so it is tried once at set-up; a part that does not step on is read in two transfers;
//! * after every start six conversions are thrown away (Linux, Zephyr: as many), and what comes in the first 0.6 s after
//!   the analog part got its power (Adafruit, ESPHome: as long) is told to be settling;
//! * the offset is calibrated while the part converts, as most drivers do, and if that comes to nothing once more while
//!   it does not.

use embassy_futures::select::{Either, select};
use embedded_hal_async::delay::DelayNs;
use embedded_hal_async::i2c::I2c;

use crate::hal::{Adc, AdcError, CountRange, DataReady, Reading, Recover, Stamp};
use crate::rate::Rate;

const ADDRESS: u8 = 0x2A;

mod register {
    pub const PU_CTRL: u8 = 0x00;
    pub const CTRL1: u8 = 0x01;
    pub const CTRL2: u8 = 0x02;
    pub const I2C_CTRL: u8 = 0x11;
    pub const ADCO_B2: u8 = 0x12;
    pub const ADC: u8 = 0x15;
    pub const PGA: u8 = 0x1B;
    pub const PGA_PWR: u8 = 0x1C;
}

mod pu_ctrl {
    pub const RESET: u8 = 1;
    pub const DIGITAL_ON: u8 = 1 << 1;
    pub const ANALOG_ON: u8 = 1 << 2;
    pub const READY: u8 = 1 << 3;
    pub const START: u8 = 1 << 4;
    pub const INTERNAL_REGULATOR: u8 = 1 << 7;
}

const ON: u8 = pu_ctrl::INTERNAL_REGULATOR | pu_ctrl::ANALOG_ON | pu_ctrl::DIGITAL_ON;
const CONVERTING: u8 = ON | pu_ctrl::START;
/// Everything off that a write can switch off, the regulator too.
const STANDBY: u8 = 0;

/// Gain of the amplifier: a power of two up to 128. `hardware/constants.toml` says the same.
pub const GAIN: u8 = 32;
/// Nominal tension at a count of 2²³, which is half the reference over the gain (NAU7802 data sheet). The default cell gives
/// 2 mV/V, and its supply is the reference, at 50 kg.
pub const FULL_SCALE_MN: u32 = {
    const CELL_MN: u64 = 490_333;
    const CELL_UV_PER_V: u64 = 2000;
    const FULL_SCALE_UV_PER_V: u64 = 1_000_000 / 2 / GAIN as u64;
    (CELL_MN * FULL_SCALE_UV_PER_V / CELL_UV_PER_V) as u32
};
/// Regulator at 3.0 V (bits 5:3 = 101), and the gain's power of two (bits 2:0).
const CTRL1_3V0: u8 = 0b00_101_000;
const CTRL1: u8 = CTRL1_3V0 | GAIN.trailing_zeros() as u8;
const CTRL1_GAIN_1: u8 = CTRL1_3V0;
const CTRL2_CALIBRATE: u8 = 1 << 2;
const CTRL2_CALIBRATION_FAILED: u8 = 1 << 3;
/// Chopper clock off, as the data sheet asks for below gain-stage saturation.
const ADC_CHOPPER_OFF: u8 = 0x30;
/// Regulator in its accurate mode (bit 6 clear), for ceramic capacitors: less than 1 Ω in series.
const PGA_ACCURATE_REGULATOR: u8 = 0;
/// The 330 pF filter capacitor across the second channel's pins.
const PGA_PWR_FILTER: u8 = 1 << 7;

/// The amplifier's input is the part's own thermometer.
const I2C_CTRL_THERMOMETER: u8 = 1 << 1;
/// The thermometer gives 109 mV at 25 °C and 360 µV more per kelvin (data sheet; Zephyr's driver has the same). At a gain
/// of 1 a count of 2²³ is half the reference of 3.0 V.
const THERMOMETER_25_C_UV: i64 = 109_000;
const THERMOMETER_UV_PER_K: i64 = 360;
const GAIN_1_FULL_SCALE_UV: i64 = 1_500_000;

const ATTEMPTS: usize = 3;
const RESET_MS: u32 = 1;
const READY_POLLS: usize = 20;
const REGULATOR_SETTLE_MS: u32 = 20;
/// The offset is calibrated once, so on a regulator that has come to rest.
const REGULATOR_REST_MS: u32 = 250;
const CALIBRATION_RATE: Rate = Rate::Hz80;
/// The fastest: the bridge is under current for the shortest time.
const THERMOMETER_RATE: Rate = Rate::Hz320;
/// Four periods by the data sheet; SparkFun's library measured 344 ms at 80 Hz.
const CALIBRATION_POLLS: usize = 80;
const POLL_MS: u32 = 5;
/// The digital filter and the amplifier have forgotten the past after so many conversions.
const SETTLING_CONVERSIONS: usize = 6;
/// So long after the analog part got its power readings still drift.
const SETTLING_US: u64 = 600_000;
/// A conversion may be this many nominal periods late before the part counts as silent.
const SILENT_PERIODS: u32 = 4;

/// A NAU7802 on a bus of its own, with its data-ready line.
#[derive(Debug)]
pub struct Nau7802<B, D, T> {
    bus: B,
    data_ready: D,
    delay: T,
    configured: bool,
    /// A read of the result goes on to the register behind it.
    reads_on: bool,
    settled_us: u64,
    running: Option<Running>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    rate: Rate,
    last_us: Option<u64>,
}

impl<B: I2c + Recover, D: DataReady, T: DelayNs> Nau7802<B, D, T> {
    /// A converter in an unknown state.
    pub const fn new(bus: B, data_ready: D, delay: T) -> Self {
        Self { bus, data_ready, delay, configured: false, reads_on: true, settled_us: 0, running: None }
    }

    async fn write(&mut self, register: u8, value: u8) -> Result<(), AdcError> {
        for _ in 0..ATTEMPTS {
            if self.bus.write(ADDRESS, &[register, value]).await.is_ok() {
                return Ok(());
            }
            self.bus.recover().await;
        }
        Err(AdcError::Bus)
    }

    async fn read<const N: usize>(&mut self, register: u8) -> Result<[u8; N], AdcError> {
        let mut value = [0; N];
        for _ in 0..ATTEMPTS {
            if self.bus.write_read(ADDRESS, &[register], &mut value).await.is_ok() {
                return Ok(value);
            }
            self.bus.recover().await;
        }
        Err(AdcError::Bus)
    }

    async fn power_up(&mut self) -> Result<(), AdcError> {
        self.write(register::PU_CTRL, ON).await?;
        self.settled_us = self.data_ready.now_us() + SETTLING_US;
        for _ in 0..READY_POLLS {
            let [state] = self.read(register::PU_CTRL).await?;
            if state & pu_ctrl::READY != 0 {
                self.delay.delay_ms(REGULATOR_SETTLE_MS).await;
                return Ok(());
            }
            self.delay.delay_ms(1).await;
        }
        Err(AdcError::Faulty)
    }

    /// Registers that hold the set-up, with their values at `rate`.
    const fn settings(rate: Rate) -> [(u8, u8); 6] {
        [
            (register::CTRL1, CTRL1),
            (register::CTRL2, ctrl2(rate)),
            (register::I2C_CTRL, 0),
            (register::ADC, ADC_CHOPPER_OFF),
            (register::PGA, PGA_ACCURATE_REGULATOR),
            (register::PGA_PWR, PGA_PWR_FILTER),
        ]
    }

    async fn configure(&mut self, rate: Rate) -> Result<(), AdcError> {
        self.write(register::PU_CTRL, pu_ctrl::RESET).await?;
        self.delay.delay_ms(RESET_MS).await;
        self.write(register::PU_CTRL, pu_ctrl::DIGITAL_ON).await?;
        self.delay.delay_ms(RESET_MS).await;
        for (register, value) in Self::settings(CALIBRATION_RATE) {
            self.write(register, value).await?;
        }
        self.reads_on = self.probe_reading_on().await?;
        self.power_up().await?;
        self.delay.delay_ms(REGULATOR_REST_MS).await;
        self.write(register::PU_CTRL, CONVERTING).await?;
        if self.calibrate_offset().await.is_err() {
            self.write(register::PU_CTRL, ON).await?;
            self.calibrate_offset().await?;
        }
        self.write(register::CTRL2, ctrl2(rate)).await?;
        self.configured = true;
        Ok(())
    }

    /// Whether a read of the result steps on to the register behind it.
    async fn probe_reading_on(&mut self) -> Result<bool, AdcError> {
        let [.., set_up] = self.read::<4>(register::ADCO_B2).await?;
        Ok(set_up == ADC_CHOPPER_OFF)
    }

    async fn calibrate_offset(&mut self) -> Result<(), AdcError> {
        self.write(register::CTRL2, ctrl2(CALIBRATION_RATE) | CTRL2_CALIBRATE).await?;
        for _ in 0..CALIBRATION_POLLS {
            self.delay.delay_ms(POLL_MS).await;
            let [state] = self.read(register::CTRL2).await?;
            if state & CTRL2_CALIBRATION_FAILED != 0 {
                return Err(AdcError::Faulty);
            }
            if state & CTRL2_CALIBRATE == 0 {
                return Ok(());
            }
        }
        Err(AdcError::Faulty)
    }

    async fn wake(&mut self, rate: Rate) -> Result<(), AdcError> {
        self.power_up().await?;
        self.write(register::CTRL2, ctrl2(rate)).await
    }

    async fn verify(&mut self, rate: Rate) -> Result<(), AdcError> {
        for (register, value) in Self::settings(rate) {
            let [kept] = self.read(register).await?;
            if kept != value {
                return Err(AdcError::Faulty);
            }
        }
        Ok(())
    }

    async fn bring_up(&mut self, rate: Rate) -> Result<(), AdcError> {
        if self.configured {
            self.wake(rate).await?;
        } else {
            self.configure(rate).await?;
        }
        self.write(register::PU_CTRL, CONVERTING).await?;
        // After the start, not before: a part that loses its registers later also stops converting, and is noticed.
        self.verify(rate).await?;
        // A result left from before would keep the data-ready line up.
        self.read::<3>(register::ADCO_B2).await?;
        self.running = Some(Running { rate, last_us: None });
        self.let_settle().await
    }

    /// Throw away what the filter still knows of before.
    async fn let_settle(&mut self) -> Result<(), AdcError> {
        for _ in 0..SETTLING_CONVERSIONS {
            self.next().await?;
        }
        if let Some(running) = &mut self.running {
            running.last_us = None;
        }
        Ok(())
    }

    /// The result, and the register that tells whether the part still holds its set-up.
    async fn read_result(&mut self) -> Result<([u8; 3], u8), AdcError> {
        if self.reads_on {
            let [high, middle, low, set_up] = self.read(register::ADCO_B2).await?;
            return Ok(([high, middle, low], set_up));
        }
        let result = self.read(register::ADCO_B2).await?;
        let [set_up] = self.read(register::ADC).await?;
        Ok((result, set_up))
    }

    /// Read the part's own thermometer, the part running.
    async fn read_thermometer(&mut self) -> Result<i16, AdcError> {
        self.write(register::CTRL1, CTRL1_GAIN_1).await?;
        self.write(register::I2C_CTRL, I2C_CTRL_THERMOMETER).await?;
        self.let_settle().await?;
        let counts = self.next().await?.counts;
        self.write(register::I2C_CTRL, 0).await?;
        self.write(register::CTRL1, CTRL1).await?;
        Ok(centi_c(counts))
    }

    async fn ready(&mut self, rate: Rate) -> Result<Stamp, AdcError> {
        let limit_us = rate.period_us() * SILENT_PERIODS;
        match select(self.data_ready.ready(), self.delay.delay_us(limit_us)).await {
            Either::First(stamp) => Ok(stamp),
            Either::Second(()) => Err(AdcError::Silent),
        }
    }
}

const fn ctrl2(rate: Rate) -> u8 {
    let rate = match rate {
        Rate::Hz10 => 0b000,
        Rate::Hz20 => 0b001,
        Rate::Hz40 => 0b010,
        Rate::Hz80 => 0b011,
        Rate::Hz320 => 0b111,
    };
    rate << 4
}

/// What the thermometer says, 0.01 °C.
const fn centi_c(counts: i32) -> i16 {
    let microvolts = (counts as i64 * GAIN_1_FULL_SCALE_UV) >> 23;
    (2500 + (microvolts - THERMOMETER_25_C_UV) * 100 / THERMOMETER_UV_PER_K) as i16
}

/// Conversions that ended between two collected ones. The oscillator may be 5 % off, so whole periods are told
/// apart for up to nine lost ones, and the count is close beyond that.
fn missed_between(last_us: u64, time_us: u64, rate: Rate) -> u32 {
    let period_us = u64::from(rate.period_us());
    let periods = (time_us.saturating_sub(last_us) + period_us / 2) / period_us;
    periods.saturating_sub(1).min(u64::from(u32::MAX)) as u32
}

impl<B: I2c + Recover, D: DataReady, T: DelayNs> Adc for Nau7802<B, D, T> {
    const RANGE: CountRange = CountRange::FULL;
    const GAIN: u8 = GAIN;
    const THERMOMETER: bool = true;

    async fn start(&mut self, rate: Rate) -> Result<(), AdcError> {
        let was_configured = self.configured;
        let mut outcome = self.bring_up(rate).await;
        // A part that forgot its set-up gets it once more. More attempts would keep a client waiting beyond the two
        // seconds of the profile; and on a dead bus every transaction was tried thrice already.
        if was_configured && matches!(outcome, Err(AdcError::Faulty | AdcError::Silent)) {
            self.configured = false;
            outcome = self.bring_up(rate).await;
        }
        if outcome.is_err() {
            self.configured = false;
            self.stop().await;
        }
        outcome
    }

    async fn next(&mut self) -> Result<Reading, AdcError> {
        let running = self.running.ok_or(AdcError::Silent)?;
        let Stamp { time_us, late } = self.ready(running.rate).await?;
        let ([high, middle, low], set_up) = self.read_result().await?;
        if set_up != ADC_CHOPPER_OFF {
            return Err(AdcError::Faulty);
        }
        let missed = running.last_us.map_or(0, |last_us| missed_between(last_us, time_us, running.rate));
        self.running = Some(Running { last_us: Some(time_us), ..running });
        Ok(Reading {
            time_us,
            counts: i32::from_be_bytes([high, middle, low, 0]) >> 8,
            missed,
            settling: time_us < self.settled_us,
            late_stamp: late,
        })
    }

    async fn temperature_centi_c(&mut self) -> Result<Option<i16>, AdcError> {
        self.start(THERMOMETER_RATE).await?;
        let outcome = self.read_thermometer().await;
        if outcome.is_err() {
            // The input may still be the thermometer.
            self.configured = false;
        }
        self.stop().await;
        outcome.map(Some)
    }

    async fn stop(&mut self) {
        self.running = None;
        if self.write(register::PU_CTRL, STANDBY).await.is_err() {
            self.configured = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;
    use embassy_futures::block_on;
    use embedded_hal_async::i2c::{ErrorKind, ErrorType, NoAcknowledgeSource, Operation, SevenBitAddress};
    use std::rc::Rc;
    use std::vec::Vec;

    /// The part as its data sheet describes it, with time of its own and faults on demand.
    #[derive(Debug)]
    struct Part {
        registers: [u8; 0x20],
        now_us: u64,
        converting: bool,
        next_conversion_us: u64,
        conversions: u32,
        result_pending: bool,
        transactions: usize,
        fail_at: Option<(usize, Fault)>,
        stuck: bool,
        calibrations: usize,
        calibrated_us: u64,
        calibration_us: Option<u64>,
        calibrates: Calibrates,
        reads_on: bool,
        temperature_c: f64,
        /// It answers, but calibrates for ever, finds its calibration bad, or never converts.
        ill: Option<Ill>,
        period_scale_percent: u64,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Fault {
        /// This one transaction is not acknowledged.
        Nack,
        /// The bus hangs until it is recovered.
        Stuck,
        /// The part is unplugged from here on.
        Gone,
        /// A brown-out resets its registers.
        Forgot,
    }

    /// When the part calibrates: the data sheet does not say.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Calibrates {
        Always,
        OnlyConverting,
        OnlyAtRest,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Ill {
        CalibratesForEver,
        CalibrationFails,
        NeverConverts,
        NeverReady,
    }

    impl Part {
        fn new() -> Self {
            let mut part = Self {
                registers: [0; 0x20],
                now_us: 0,
                converting: false,
                next_conversion_us: 0,
                conversions: 0,
                result_pending: false,
                transactions: 0,
                fail_at: None,
                stuck: false,
                calibrations: 0,
                calibrated_us: 0,
                calibration_us: None,
                calibrates: Calibrates::Always,
                reads_on: true,
                temperature_c: 25.0,
                ill: None,
                period_scale_percent: 100,
            };
            part.reset();
            part
        }

        fn reset(&mut self) {
            self.registers = [0; 0x20];
            self.converting = false;
            self.result_pending = false;
        }

        fn period_us(&self) -> u64 {
            let nominal = match self.registers[2] >> 4 & 7 {
                0 => 100_000,
                1 => 50_000,
                2 => 25_000,
                3 => 12_500,
                _ => 3_125,
            };
            nominal * self.period_scale_percent / 100
        }

        fn advance(&mut self, by_us: u64) {
            self.now_us += by_us;
            while self.converting && self.next_conversion_us <= self.now_us {
                self.convert();
            }
            let ends = self.now_us >= self.calibrated_us && self.ill != Some(Ill::CalibratesForEver);
            if self.registers[2] & 4 != 0 && ends {
                self.registers[2] &= !4;
                self.registers[2] |= if self.ill == Some(Ill::CalibrationFails) { 8 } else { 0 };
            }
        }

        fn convert(&mut self) {
            self.conversions += 1;
            let value = if self.registers[0x11] & 2 != 0 {
                let gain = f64::from(1u32 << (self.registers[1] & 7));
                let volts = (0.109 + 360e-6 * (self.temperature_c - 25.0)) * gain;
                ((volts / 1.5 * 8_388_608.0) as i32).clamp(-8_388_608, 8_388_607).to_be_bytes()
            } else {
                self.conversions.to_be_bytes()
            };
            self.registers[0x12..0x15].copy_from_slice(&value[1..]);
            self.result_pending = true;
            self.next_conversion_us += self.period_us();
        }

        fn transaction(&mut self) -> Result<(), ErrorKind> {
            self.advance(100);
            self.transactions += 1;
            if let Some((at, fault)) = self.fail_at {
                if self.transactions == at && fault == Fault::Forgot {
                    self.reset();
                }
                if self.transactions == at && fault == Fault::Stuck {
                    self.stuck = true;
                }
                let nack = self.transactions == at && fault == Fault::Nack;
                if nack || (self.transactions >= at && fault == Fault::Gone) {
                    return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
                }
            }
            if self.stuck { Err(ErrorKind::ArbitrationLoss) } else { Ok(()) }
        }

        fn write(&mut self, register: u8, value: u8) {
            match register {
                0x00 if value & 1 != 0 => self.reset(),
                0x00 => self.write_power(value),
                0x02 if value & 4 != 0 => {
                    self.registers[2] = value;
                    let heeded = match self.calibrates {
                        Calibrates::Always => true,
                        Calibrates::OnlyConverting => self.registers[0] & 0x10 != 0,
                        Calibrates::OnlyAtRest => self.registers[0] & 0x10 == 0,
                    };
                    self.calibrations += usize::from(heeded);
                    let takes_us = self.calibration_us.unwrap_or(4 * self.period_us());
                    self.calibrated_us = if heeded { self.now_us + takes_us } else { u64::MAX };
                }
                _ => self.registers[usize::from(register)] = value,
            }
        }

        fn write_power(&mut self, value: u8) {
            let powered = value & 0b110 == 0b110;
            let ready = powered && self.ill != Some(Ill::NeverReady);
            self.registers[0] = value | if ready { 8 } else { 0 };
            let start = powered && value & 0x10 != 0 && self.ill != Some(Ill::NeverConverts);
            if start && !self.converting {
                self.next_conversion_us = self.now_us + self.period_us();
            }
            self.converting = start;
        }

        fn read(&mut self, register: u8, into: &mut [u8]) {
            let from = usize::from(register);
            into.copy_from_slice(&self.registers[from..from + into.len()]);
            if !self.reads_on && register == 0x12 && into.len() > 3 {
                into[3..].fill(self.registers[0x14]);
            }
            if register == 0x12 {
                self.result_pending = false;
            }
        }
    }

    #[derive(Debug, Clone)]
    struct Bench(Rc<RefCell<Part>>);

    impl ErrorType for Bench {
        type Error = ErrorKind;
    }

    impl I2c<SevenBitAddress> for Bench {
        async fn transaction(
            &mut self,
            address: u8,
            operations: &mut [Operation<'_>],
        ) -> Result<(), ErrorKind> {
            assert_eq!(address, 0x2A);
            let mut part = self.0.borrow_mut();
            part.transaction()?;
            match operations {
                [Operation::Write([register, value])] => part.write(*register, *value),
                [Operation::Write([register]), Operation::Read(into)] => part.read(*register, into),
                other => panic!("not a register access: {other:?}"),
            }
            Ok(())
        }
    }

    impl Recover for Bench {
        async fn recover(&mut self) {
            self.0.borrow_mut().stuck = false;
        }
    }

    impl DataReady for Bench {
        async fn ready(&mut self) -> Stamp {
            loop {
                if !self.0.borrow().converting {
                    return core::future::pending().await;
                }
                let mut part = self.0.borrow_mut();
                if part.result_pending {
                    return Stamp { time_us: part.now_us, late: false };
                }
                let wait_us = part.next_conversion_us - part.now_us;
                part.advance(wait_us);
            }
        }

        fn now_us(&self) -> u64 {
            self.0.borrow().now_us
        }
    }

    impl DelayNs for Bench {
        async fn delay_ns(&mut self, ns: u32) {
            self.0.borrow_mut().advance(u64::from(ns).div_ceil(1000));
        }
    }

    fn bench() -> (Bench, Nau7802<Bench, Bench, Bench>) {
        let bench = Bench(Rc::new(RefCell::new(Part::new())));
        (bench.clone(), Nau7802::new(bench.clone(), bench.clone(), bench))
    }

    /// Readings are consecutive conversions unless the driver says how many it missed.
    fn assert_honest(readings: &[Reading]) {
        for pair in readings.windows(2) {
            let step = pair[1].counts - pair[0].counts;
            assert_eq!(step, 1 + pair[1].missed as i32, "{pair:?}");
            assert!(pair[1].time_us > pair[0].time_us);
        }
    }

    fn stream<A: Adc>(adc: &mut A, rate: Rate, n: usize) -> Result<Vec<Reading>, AdcError> {
        block_on(async {
            adc.start(rate).await?;
            let mut readings = Vec::new();
            for _ in 0..n {
                readings.push(adc.next().await?);
            }
            adc.stop().await;
            Ok(readings)
        })
    }

    #[test]
    fn streams_at_every_rate_and_time_follows_the_oscillator() {
        for rate in Rate::ALL {
            for scale in [95, 100, 105] {
                let (bench, mut adc) = bench();
                bench.0.borrow_mut().period_scale_percent = scale;
                let readings = stream(&mut adc, rate, 20).unwrap();
                assert_honest(&readings);
                assert!(readings.iter().all(|r| r.missed == 0), "{rate:?} at {scale} %");
                let step = readings[19].time_us - readings[18].time_us;
                assert_eq!(step, u64::from(rate.period_us()) * scale / 100);
            }
        }
    }

    #[test]
    fn standby_keeps_the_offset_calibration() {
        let (bench, mut adc) = bench();
        stream(&mut adc, Rate::Hz80, 3).unwrap();
        stream(&mut adc, Rate::Hz10, 3).unwrap();
        assert_eq!(bench.0.borrow().calibrations, 1);
        assert!(!bench.0.borrow().converting);
        assert_eq!(bench.0.borrow().registers[0] & 0b110, 0, "the bridge is without current");
    }

    /// A watchdog may reset the processor in the middle of a stream; the part then goes on converting.
    #[test]
    fn a_part_that_an_earlier_run_left_on_is_switched_off() {
        let (bench, mut adc) = bench();
        block_on(adc.start(Rate::Hz80)).unwrap();
        assert_ne!(bench.0.borrow().registers[0] & 0b110, 0);
        let mut after_reset = Nau7802::new(bench.clone(), bench.clone(), bench.clone());
        block_on(after_reset.stop());
        assert_eq!(bench.0.borrow().registers[0] & 0b110, 0, "the bridge is without current");
    }

    #[test]
    fn the_set_up_is_the_data_sheet_s() {
        let (bench, mut adc) = bench();
        block_on(adc.start(Rate::Hz320)).unwrap();
        let registers = bench.0.borrow().registers;
        assert_eq!(
            registers[0x00], 0x9E,
            "internal regulator, started, analog and digital part on and ready"
        );
        assert_eq!(registers[0x01], 0x2D, "3.0 V, gain 32");
        assert_eq!(registers[0x02], 0x70, "first input, 320 Hz");
        assert_eq!([registers[0x15], registers[0x1B], registers[0x1C]], [0x30, 0x00, 0x80]);
        assert_eq!(registers[0x11], 0, "the bridge is the input");
        block_on(adc.stop());
        assert_eq!(bench.0.borrow().registers[0], 0, "the regulator is off as well");
    }

    #[test]
    fn readings_are_told_to_settle_until_six_tenths_of_a_second_after_power() {
        for rate in Rate::ALL {
            let (bench, mut adc) = bench();
            stream(&mut adc, rate, 1).unwrap();
            // Everything is calibrated now: this start is from standby.
            let woken_us = bench.0.borrow().now_us;
            let conversions = bench.0.borrow().conversions;
            let readings = stream(&mut adc, rate, 300).unwrap();
            assert!(readings[0].counts - conversions as i32 > 6, "six conversions are thrown away");
            for reading in readings {
                let since_us = reading.time_us - woken_us;
                assert!(reading.settling || since_us >= 600_000, "{rate:?} {since_us}");
                assert!(!reading.settling || since_us <= 601_000, "{rate:?} {since_us}");
            }
        }
    }

    #[test]
    fn a_part_that_does_not_read_on_is_read_in_two_transfers_and_a_brown_out_still_shows() {
        let (bench, mut adc) = bench();
        bench.0.borrow_mut().reads_on = false;
        assert_honest(&stream(&mut adc, Rate::Hz320, 50).unwrap());
        block_on(async {
            adc.start(Rate::Hz80).await.unwrap();
            adc.next().await.unwrap();
            bench.0.borrow_mut().registers[0x15] = 0;
            assert_eq!(adc.next().await, Err(AdcError::Faulty));
        });
    }

    #[test]
    fn the_offset_is_calibrated_whether_or_not_the_part_has_to_convert_for_it() {
        for calibrates in [Calibrates::Always, Calibrates::OnlyConverting, Calibrates::OnlyAtRest] {
            let (bench, mut adc) = bench();
            bench.0.borrow_mut().calibrates = calibrates;
            assert_honest(&stream(&mut adc, Rate::Hz80, 3).unwrap());
            assert_eq!(bench.0.borrow().calibrations, 1, "{calibrates:?}");
        }
    }

    #[test]
    fn the_part_s_own_thermometer_is_read_and_the_bridge_is_the_input_again() {
        for celsius in [-20.0, 0.0, 25.0, 31.37, 60.0] {
            let (bench, mut adc) = bench();
            bench.0.borrow_mut().temperature_c = celsius;
            let read = block_on(adc.temperature_centi_c()).unwrap().unwrap();
            assert!((f64::from(read) - 100.0 * celsius).abs() < 2.0, "{read} at {celsius}");
            assert_eq!(bench.0.borrow().registers[0], 0, "off again");
            assert_honest(&stream(&mut adc, Rate::Hz80, 5).unwrap());
            assert_eq!(bench.0.borrow().calibrations, 1);
        }
    }

    /// A client has its answer within two seconds (docs/protocol.md section 4), whatever ails the part.
    #[test]
    fn a_start_never_takes_longer_than_the_profile_allows() {
        for ill in [
            None,
            Some(Ill::CalibratesForEver),
            Some(Ill::CalibrationFails),
            Some(Ill::NeverConverts),
            Some(Ill::NeverReady),
        ] {
            for rate in Rate::ALL {
                for (used_before, slow) in [(false, false), (true, false), (false, true), (true, true)] {
                    let (bench, mut adc) = bench();
                    // What SparkFun's library says of its 80 Hz.
                    bench.0.borrow_mut().calibration_us = slow.then_some(344_000);
                    if used_before {
                        stream(&mut adc, rate, 1).unwrap();
                    }
                    bench.0.borrow_mut().ill = ill;
                    let before_us = bench.0.borrow().now_us;
                    let started = block_on(adc.start(rate));
                    let took_us = bench.0.borrow().now_us - before_us;
                    assert!(took_us < 1_800_000, "{took_us} µs at {rate:?} with {ill:?}");
                    let calibrates = matches!(ill, Some(Ill::CalibratesForEver | Ill::CalibrationFails));
                    // Without a new calibration nobody notices that it would fail.
                    assert_eq!(started.is_ok(), ill.is_none() || calibrates && used_before, "{ill:?}");
                }
            }
        }
    }

    #[test]
    fn a_part_that_forgot_its_registers_is_set_up_anew() {
        let (bench, mut adc) = bench();
        stream(&mut adc, Rate::Hz80, 3).unwrap();
        bench.0.borrow_mut().reset();
        assert_honest(&stream(&mut adc, Rate::Hz80, 3).unwrap());
        assert_eq!(bench.0.borrow().calibrations, 2);
    }

    #[test]
    fn late_collection_is_counted() {
        let (bench, mut adc) = bench();
        block_on(async {
            adc.start(Rate::Hz80).await.unwrap();
            let first = adc.next().await.unwrap();
            bench.0.borrow_mut().advance(12_500 * 3);
            let late = adc.next().await.unwrap();
            // The last of the three is collected; two are gone.
            assert_eq!(late.missed, 2);
            assert_eq!(late.counts - first.counts, 3);
        });
    }

    #[test]
    fn an_absent_part_is_reported() {
        let (bench, mut adc) = bench();
        bench.0.borrow_mut().fail_at = Some((1, Fault::Gone));
        assert_eq!(stream(&mut adc, Rate::Hz80, 1), Err(AdcError::Bus));
    }

    #[test]
    fn a_part_that_never_converts_is_silent() {
        let (bench, mut adc) = bench();
        block_on(async {
            adc.start(Rate::Hz80).await.unwrap();
            bench.0.borrow_mut().converting = false;
            assert_eq!(adc.next().await, Err(AdcError::Silent));
            adc.start(Rate::Hz80).await.unwrap();
            adc.next().await.unwrap();
        });
    }

    /// Every bus transaction of a start, ten readings, a stop and a second stream fails once in each way.
    #[test]
    fn any_failing_transaction_is_recovered_or_reported() {
        let (bench, mut adc) = self::bench();
        stream(&mut adc, Rate::Hz80, 10).unwrap();
        stream(&mut adc, Rate::Hz320, 10).unwrap();
        let transactions = bench.0.borrow().transactions;
        assert!(transactions > 50);
        for fault in [Fault::Nack, Fault::Stuck, Fault::Forgot, Fault::Gone] {
            for at in (1..=transactions).step_by(if cfg!(miri) { 29 } else { 1 }) {
                let (bench, mut adc) = self::bench();
                bench.0.borrow_mut().fail_at = Some((at, fault));
                let outcomes = [Rate::Hz80, Rate::Hz320].map(|rate| stream(&mut adc, rate, 10));
                for outcome in outcomes.iter().flatten() {
                    assert_honest(outcome);
                }
                let failed = outcomes.iter().any(Result::is_err);
                match fault {
                    Fault::Nack | Fault::Stuck => assert!(!failed, "{fault:?} at {at} was not recovered"),
                    Fault::Gone => assert!(failed || at == transactions, "{at} went unnoticed"),
                    Fault::Forgot => {}
                }
                bench.0.borrow_mut().fail_at = None;
                assert_honest(&stream(&mut adc, Rate::Hz80, 10).expect("works again once the fault is gone"));
            }
        }
    }
}
