//! What the sensor's tasks share. They all run on one thread, in turns.

use core::cell::{Cell, RefCell};

use bandsense_core::advertising::ServiceData;
use bandsense_core::calibration::Calibration;
use bandsense_core::hal::{AdcError, Clock, Identity, Supply};
use bandsense_core::led::LedIndication;
use bandsense_core::pairing::Window;
use bandsense_core::power::{Event, Power, State};
use bandsense_core::rate::Rate;
use bandsense_core::sampler::Batch;
use bandsense_core::settings::Settings;
use bandsense_core::statistics::SelfTest;
use bandsense_core::strangers::Strangers;
use bandsense_update::smp::Server;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;

use crate::board::{Board, Exit};
use crate::hci_filter::LinkSecurity;
use crate::log;

/// Frames that wait for the radio. This bridges 3.6 s at 320 Hz and more at every other rate, about as long as a link
/// lives on whose central is not heard: a person in between then costs no samples.
const FRAMES_QUEUED: usize = 128;
/// The sampler carries out a command within two seconds, and a running converter converts or fails within half a second.
const SAMPLER_HANGS_US: u64 = 6_000_000;

/// What the sampler can be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerCommand {
    /// Measure, this many samples to a frame.
    Start { rate: Rate, samples_per_frame: usize },
    /// Stop measuring.
    Stop,
    /// Look at noise, offset and temperature.
    SelfTest,
    /// Take one reading, which may still drift.
    Peek,
    /// Take the mean of some readings that have settled.
    Weigh,
}

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerReply {
    /// As told; the sample numbers begin or end here.
    Done { next_sequence: u16 },
    /// A reading.
    Counts(i32),
    /// The result of a self test.
    Tested(SelfTest),
    /// The converter did not work.
    Failed(AdcError),
}

/// Who started the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// A *start* at the control point.
    Measurement,
    /// The Progressor-compatible service.
    Progressor,
    /// A subscription to *Force*, and nobody else: anyone else may take the stream over.
    Force,
}

/// The way to the sampler and back.
pub struct SamplerPort {
    pub commands: Channel<NoopRawMutex, (u8, SamplerCommand), 1>,
    pub replies: Signal<NoopRawMutex, (u8, SamplerReply)>,
    last_command: Cell<u8>,
    /// Since when it owes a reply or a reading.
    owes_since_us: Cell<Option<u64>>,
}

impl SamplerPort {
    const fn new() -> Self {
        Self {
            commands: Channel::new(),
            replies: Signal::new(),
            last_command: Cell::new(0),
            owes_since_us: Cell::new(None),
        }
    }

    /// The sampler did something; `more` when it owes more.
    pub fn progressed(&self, now_us: u64, more: bool) {
        self.owes_since_us.set(more.then_some(now_us));
    }

    /// Whether the sampler has owed something for too long.
    pub fn hangs(&self, now_us: u64) -> bool {
        self.owes_since_us.get().is_some_and(|since_us| now_us.saturating_sub(since_us) > SAMPLER_HANGS_US)
    }

    /// Tell the sampler to do something and wait for its reply. Giving up the wait is safe: a later reply to a command
    /// that nobody waits for is passed over.
    async fn request(&self, command: SamplerCommand, now_us: u64) -> SamplerReply {
        let id = self.last_command.get().wrapping_add(1);
        self.last_command.set(id);
        self.progressed(now_us, true);
        self.commands.send((id, command)).await;
        loop {
            let (of, reply) = self.replies.wait().await;
            if of == id {
                return reply;
            }
        }
    }
}

/// The stream of samples.
pub struct StreamState {
    pub consumer: Cell<Option<Consumer>>,
    pub rate: Cell<Rate>,
    pub frames: Channel<NoopRawMutex, Batch, FRAMES_QUEUED>,
    pub next_sequence: Cell<u16>,
    pub overruns: Cell<u32>,
    pub notifications_dropped: Cell<u32>,
    /// The calibration in use, for those who cannot wait for the settings.
    pub calibration: Cell<Option<Calibration>>,
}

impl StreamState {
    /// A frame did not reach the radio.
    pub fn dropped(&self) {
        self.notifications_dropped.set(self.notifications_dropped.get().saturating_add(1));
    }
}

/// Power, and what shows of it.
pub struct PowerState {
    pub supply: Cell<Supply>,
    /// The newest temperature that was measured, 0.01 °C.
    pub temperature_centi_c: Cell<Option<i16>>,
    /// Whoever holds the link has to let it go.
    pub end_link: Signal<NoopRawMutex, ()>,
    pub light_changed: Signal<NoopRawMutex, ()>,
    window: Cell<Window>,
    power: RefCell<Power>,
    fault: Cell<bool>,
    identify_until_us: Cell<u64>,
}

/// The state of the whole sensor.
pub struct SensorState<B: Board> {
    pub identity: Identity,
    pub clock: B::Clock,
    pub settings: Mutex<NoopRawMutex, Settings<B::Flash>>,
    pub system: Mutex<NoopRawMutex, B::System>,
    pub update: Option<Mutex<NoopRawMutex, Server<B::UpdateFlash>>>,
    /// The options that this boot began with.
    pub options: Cell<u8>,
    pub self_test: Cell<Option<SelfTest>>,
    pub stream: StreamState,
    pub power: PowerState,
    pub sampler: SamplerPort,
    /// Advertising, battery level or information have to be told anew.
    pub status_changed: Signal<NoopRawMutex, ()>,
    pub exit: Signal<NoopRawMutex, Exit>,
    pub link_security: LinkSecurity,
    pub strangers: RefCell<Strangers>,
}

impl<B: Board> SensorState<B> {
    pub fn new(
        identity: Identity,
        clock: B::Clock,
        settings: Settings<B::Flash>,
        system: B::System,
        supply: Supply,
        update: Option<Server<B::UpdateFlash>>,
    ) -> Self {
        let calibration = settings.calibration.and_then(|record| Calibration::decode(&record).ok());
        let power = Power::new(clock.now_us(), true, B::TIMINGS);
        Self {
            identity,
            clock,
            options: Cell::new(settings.options),
            settings: Mutex::new(settings),
            system: Mutex::new(system),
            update: update.map(Mutex::new),
            self_test: Cell::new(None),
            stream: StreamState {
                consumer: Cell::new(None),
                rate: Cell::new(Rate::Hz80),
                frames: Channel::new(),
                next_sequence: Cell::new(0),
                overruns: Cell::new(0),
                notifications_dropped: Cell::new(0),
                calibration: Cell::new(calibration),
            },
            power: PowerState {
                supply: Cell::new(supply),
                temperature_centi_c: Cell::new(None),
                end_link: Signal::new(),
                light_changed: Signal::new(),
                window: Cell::new(Window::default()),
                power: RefCell::new(power),
                fault: Cell::new(false),
                identify_until_us: Cell::new(0),
            },
            sampler: SamplerPort::new(),
            status_changed: Signal::new(),
            exit: Signal::new(),
            link_security: LinkSecurity::default(),
            strangers: RefCell::default(),
        }
    }

    pub fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// The device clock of the profile.
    pub fn time_us(&self) -> u32 {
        self.now_us() as u32
    }

    /// See [`SamplerPort`].
    pub async fn request(&self, command: SamplerCommand) -> SamplerReply {
        self.sampler.request(command, self.now_us()).await
    }

    // -- power ----------------------------------------------------------------------------------------------

    pub fn state(&self) -> State {
        self.power.power.borrow().state()
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
        let mut power = self.power.power.borrow_mut();
        let before = power.state();
        let after = change(&mut power);
        if after != before {
            log::info!("state: {}", defmt::Debug2Format(&after));
            self.notify_status();
        }
        after
    }

    /// Something changed that shows.
    pub fn notify_status(&self) {
        self.status_changed.signal(());
        self.power.light_changed.signal(());
    }

    // -- what shows -----------------------------------------------------------------------------------------

    pub fn pairing_is_open(&self) -> bool {
        self.power.window.get().is_open(self.now_us())
    }

    /// Open the pairing window; 0 s closes it.
    pub fn open_pairing(&self, seconds: u8) {
        let mut window = self.power.window.get();
        window.open(self.now_us(), seconds);
        self.power.window.set(window);
        self.notify_status();
    }

    pub fn identify(&self, seconds: u8) {
        self.power.identify_until_us.set(self.now_us() + u64::from(seconds) * 1_000_000);
        self.power.light_changed.signal(());
    }

    pub fn set_fault(&self, fault: bool) {
        if self.power.fault.replace(fault) != fault {
            self.power.light_changed.signal(());
        }
    }

    /// What the Battery Service tells: without a cell the power does not run out.
    pub fn battery_level(&self) -> u8 {
        self.power.supply.get().percent().unwrap_or(100)
    }

    pub fn indication(&self) -> LedIndication {
        LedIndication {
            identify: self.now_us() < self.power.identify_until_us.get(),
            pairing_open: self.pairing_is_open(),
            fault: self.power.fault.get(),
            low_battery: self.power.supply.get().is_low(),
            state: self.state(),
        }
    }

    pub fn service_data(&self) -> ServiceData {
        let (state, supply) = (self.state(), self.power.supply.get());
        ServiceData {
            pairing_open: self.pairing_is_open(),
            connected: matches!(state, State::Connected | State::Streaming),
            streaming: state == State::Streaming,
            low_battery: supply.is_low(),
            external_power: supply.external,
            charging: supply.charging,
            battery_percent: supply.percent(),
        }
    }
}
