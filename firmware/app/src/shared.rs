//! What the sensor's duties share. They all run on one thread, in turns.

use core::cell::{Cell, RefCell};

use bandsense_core::advertising::ServiceData;
use bandsense_core::battery;
use bandsense_core::calibration::Calibration;
use bandsense_core::hal::{AdcError, Clock, Identity};
use bandsense_core::led::Mood;
use bandsense_core::pairing::Window;
use bandsense_core::power::{Event, Power, State};
use bandsense_core::rate::Rate;
use bandsense_core::sampler::Batch;
use bandsense_core::settings::Settings;
use bandsense_core::statistics::SelfTest;
use bandsense_update::smp::Server;
use bt_hci::param::ConnHandle;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;

use crate::board::{Board, Exit};

/// Frames that wait for the radio. This bridges 3.6 s at 320 Hz and more at every other rate, about as long as a link
/// lives on whose central is not heard: a person in between then costs no samples.
const FRAMES_QUEUED: usize = 128;

/// What the sampling duty can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Measure, this many samples to a frame.
    Start { rate: Rate, samples_per_frame: usize },
    /// Stop measuring.
    Stop,
    /// Look at noise and offset.
    SelfTest,
    /// Take one reading.
    Peek,
}

/// How an order went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As ordered; the sample numbers begin or end here.
    Done { next_sequence: u16 },
    /// A reading.
    Counts(i32),
    /// The result of a self test.
    Tested(SelfTest),
    /// The converter did not work.
    Failed(AdcError),
}

/// Who gets the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// The measurement characteristic.
    Measurement,
    /// The Progressor-compatible service.
    Progressor,
}

/// The state of the whole sensor.
pub struct Shared<B: Board> {
    pub identity: Identity,
    pub clock: B::Clock,
    pub settings: Mutex<NoopRawMutex, Settings<B::Flash>>,
    pub system: Mutex<NoopRawMutex, B::System>,
    pub update: Option<Mutex<NoopRawMutex, Server<B::UpdateFlash>>>,
    pub progressor_on: Cell<bool>,
    pub battery_mv: Cell<u16>,
    pub consumer: Cell<Option<Consumer>>,
    pub next_sequence: Cell<u16>,
    pub overruns: Cell<u32>,
    pub notifications_dropped: Cell<u32>,
    pub self_test: Cell<Option<SelfTest>>,
    /// The calibration in use, for those who cannot wait for the settings.
    pub calibration: Cell<Option<Calibration>>,
    pub frames: Channel<NoopRawMutex, Batch, FRAMES_QUEUED>,
    /// Advertising, battery level or information have to be told anew.
    pub news: Signal<NoopRawMutex, ()>,
    pub light_changed: Signal<NoopRawMutex, ()>,
    pub exit: Signal<NoopRawMutex, Exit>,
    pub orders: Channel<NoopRawMutex, (u8, Order), 1>,
    pub outcomes: Signal<NoopRawMutex, (u8, Outcome)>,
    /// The link whose central waits for the key of their bond.
    pub key_wanted: Cell<Option<ConnHandle>>,
    last_order: Cell<u8>,
    window: Cell<Window>,
    power: RefCell<Power>,
    fault: Cell<bool>,
    identify_until_us: Cell<u64>,
}

impl<B: Board> Shared<B> {
    pub fn new(
        identity: Identity,
        clock: B::Clock,
        settings: Settings<B::Flash>,
        system: B::System,
        battery_mv: u16,
        update: Option<Server<B::UpdateFlash>>,
    ) -> Self {
        let calibration = settings.calibration.and_then(|record| Calibration::decode(&record).ok());
        let power = Power::new(clock.now_us(), true, B::TIMINGS);
        Self {
            identity,
            clock,
            settings: Mutex::new(settings),
            system: Mutex::new(system),
            update: update.map(Mutex::new),
            progressor_on: Cell::new(false),
            battery_mv: Cell::new(battery_mv),
            consumer: Cell::new(None),
            next_sequence: Cell::new(0),
            overruns: Cell::new(0),
            notifications_dropped: Cell::new(0),
            self_test: Cell::new(None),
            calibration: Cell::new(calibration),
            frames: Channel::new(),
            news: Signal::new(),
            light_changed: Signal::new(),
            exit: Signal::new(),
            orders: Channel::new(),
            outcomes: Signal::new(),
            key_wanted: Cell::new(None),
            last_order: Cell::new(0),
            window: Cell::new(Window::default()),
            power: RefCell::new(power),
            fault: Cell::new(false),
            identify_until_us: Cell::new(0),
        }
    }

    pub fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// The device clock of the profile.
    pub fn time_us(&self) -> u32 {
        self.now_us() as u32
    }

    pub fn state(&self) -> State {
        self.power.borrow().state()
    }

    /// Tell the power states of an event.
    pub fn on(&self, event: Event) -> State {
        let now_us = self.now_us();
        self.change(|power| power.on(event, now_us))
    }

    /// Let the power states see the time.
    pub fn tick(&self) -> State {
        let now_us = self.now_us();
        self.change(|power| power.tick(now_us))
    }

    fn change(&self, change: impl FnOnce(&mut Power) -> State) -> State {
        let mut power = self.power.borrow_mut();
        let before = power.state();
        let after = change(&mut power);
        if after != before {
            self.announce();
        }
        after
    }

    /// Something changed that shows.
    pub fn announce(&self) {
        self.news.signal(());
        self.light_changed.signal(());
    }

    pub fn pairing_is_open(&self) -> bool {
        self.window.get().is_open(self.now_us())
    }

    /// Open the pairing window; 0 s closes it.
    pub fn open_pairing(&self, seconds: u8) {
        let mut window = self.window.get();
        window.open(self.now_us(), seconds);
        self.window.set(window);
        self.announce();
    }

    pub fn identify(&self, seconds: u8) {
        self.identify_until_us.set(self.now_us() + u64::from(seconds) * 1_000_000);
        self.light_changed.signal(());
    }

    pub fn set_fault(&self, fault: bool) {
        if self.fault.replace(fault) != fault {
            self.light_changed.signal(());
        }
    }

    pub fn battery_percent(&self) -> u8 {
        battery::percent(self.battery_mv.get())
    }

    pub fn battery_is_low(&self) -> bool {
        self.battery_percent() <= battery::LOW_PERCENT
    }

    pub fn battery_is_empty(&self) -> bool {
        self.battery_mv.get() < battery::EMPTY_MV
    }

    pub fn mood(&self) -> Mood {
        Mood {
            identify: self.now_us() < self.identify_until_us.get(),
            pairing_open: self.pairing_is_open(),
            fault: self.fault.get(),
            low_battery: self.battery_is_low(),
            state: self.state(),
        }
    }

    pub fn service_data(&self) -> ServiceData {
        let state = self.state();
        ServiceData {
            pairing_open: self.pairing_is_open(),
            connected: matches!(state, State::Connected | State::Streaming),
            streaming: state == State::Streaming,
            low_battery: self.battery_is_low(),
            battery_percent: Some(self.battery_percent()),
        }
    }

    /// Ask the sampling duty for something and wait for it. Giving up the wait is safe: a later outcome of an
    /// order that nobody waits for is passed over.
    pub async fn ask(&self, order: Order) -> Outcome {
        let id = self.last_order.get().wrapping_add(1);
        self.last_order.set(id);
        self.orders.send((id, order)).await;
        loop {
            let (of, outcome) = self.outcomes.wait().await;
            if of == id {
                return outcome;
            }
        }
    }
}
