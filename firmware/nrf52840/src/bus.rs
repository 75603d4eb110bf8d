//! The converter's I²C bus, with a limit to how long it may hang and a way to free it.

use bandsense_core::hal::Recover;
use embassy_nrf::Peri;
use embassy_nrf::gpio::{AnyPin, Flex, OutputDrive, Pull};
use embassy_nrf::pac;
use embassy_nrf::peripherals::TWISPI0;
use embassy_nrf::twim::{Config, Frequency, Twim};
use embassy_time::{Duration, Timer, with_timeout};
use embedded_hal_async::i2c::{ErrorKind, ErrorType, I2c, Operation};

use crate::Interrupts;

/// The longest transaction takes 0.3 ms.
const TRANSACTION_LIMIT: Duration = Duration::from_millis(5);
/// Half a period of the clock that frees the bus.
const HALF_PERIOD: Duration = Duration::from_micros(40);
const CLOCKS_OF_A_BYTE: usize = 9;
const TRANSMIT_LEN: usize = 4;
/// Looks at whether the controller has stopped: many times the byte that it may be in, even on a stuck bus few enough.
const STOP_LOOKS: u32 = 2000;

static mut TRANSMIT: [u8; TRANSMIT_LEN] = [0; TRANSMIT_LEN];

/// 390 kHz: at 400 kHz the clock's low period is shorter than the I²C specification allows (nRF52840 errata, 219).
const CLOCK_390_KHZ: u32 = 0x0620_0000;

/// The bus, the only user of its pins and of TWISPI0.
pub struct Bus {
    data: Peri<'static, AnyPin>,
    clock: Peri<'static, AnyPin>,
    /// Away while a transaction is under way, and gone once one was given up.
    controller: Option<Twim<'static>>,
}

/// A controller at work. When its work is given up, by a limit or because there is another order, the buffers go out
/// of scope: it must not write to them any more.
struct AtWork(Option<Twim<'static>>);

impl AtWork {
    fn done(mut self) -> Option<Twim<'static>> {
        self.0.take()
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if self.0.is_some() {
            let registers = pac::TWIM0;
            registers.events_stopped().write_value(0);
            registers.tasks_resume().write_value(1);
            registers.tasks_stop().write_value(1);
            let _ = (0..STOP_LOOKS).find(|_| registers.events_stopped().read() != 0);
        }
    }
}

impl Bus {
    /// Take the bus.
    ///
    /// # Safety
    /// Only one may exist, and nothing else may use TWISPI0.
    pub unsafe fn new(data: Peri<'static, AnyPin>, clock: Peri<'static, AnyPin>) -> Self {
        let mut bus = Self { data, clock, controller: None };
        bus.open();
        bus
    }

    fn close(&mut self) {
        self.controller = None;
    }

    fn open(&mut self) {
        self.close();
        let mut config = Config::default();
        config.frequency = Frequency::from_bits(CLOCK_390_KHZ);
        config.sda_pullup = true;
        config.scl_pullup = true;
        // SAFETY: the caller of `new` left these to this bus, and the controller that used them before is dropped.
        let controller = unsafe {
            let transmit = &mut *(&raw mut TRANSMIT);
            let (data, clock) = (self.data.clone_unchecked(), self.clock.clone_unchecked());
            Twim::new(TWISPI0::steal(), Interrupts, data, clock, config, transmit)
        };
        self.controller = Some(controller);
    }
}

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    async fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if self.controller.is_none() {
            self.open();
        }
        let mut at_work = AtWork(self.controller.take());
        let Some(controller) = &mut at_work.0 else { return Err(ErrorKind::Bus) };
        let outcome = with_timeout(TRANSACTION_LIMIT, controller.transaction(address, operations)).await;
        let outcome = outcome.map_err(|_| ErrorKind::Bus)?;
        self.controller = at_work.done();
        outcome.map_err(|error| embedded_hal_async::i2c::Error::kind(&error))
    }
}

impl Recover for Bus {
    async fn recover(&mut self) {
        self.close();
        {
            let (mut data, mut clock) = (Flex::new(self.data.reborrow()), Flex::new(self.clock.reborrow()));
            for line in [&mut data, &mut clock] {
                line.set_high();
                line.set_as_input_output(Pull::Up, OutputDrive::Standard0Disconnect1);
            }
            for _ in 0..CLOCKS_OF_A_BYTE {
                clock.set_low();
                Timer::after(HALF_PERIOD).await;
                clock.set_high();
                Timer::after(HALF_PERIOD).await;
            }
            data.set_low();
            Timer::after(HALF_PERIOD).await;
            data.set_high();
            Timer::after(HALF_PERIOD).await;
        }
        self.open();
    }
}
