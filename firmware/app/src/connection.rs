//! One connection: what its handlers share, and how frames leave through it.

use core::cell::{Cell, RefCell};

use bandsense_core::control::{Assembly, REQUEST_MAX};
use bandsense_core::force::{self, ForceMeter};
use bandsense_core::progressor::{Command, NOTIFICATION_MAX, Weights};
use bandsense_core::sampler::Batch;
use bandsense_core::strangers::PeerAddress;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use heapless::Vec;
use trouble_host::prelude::*;

use crate::board::{Board, Restart};
use crate::gatt_server::GattTable;
use crate::ignore;
use crate::sensor_state::{Consumer, SensorState};

/// Longest request, and one byte more to tell that a value is longer.
pub const VALUE_MAX: usize = REQUEST_MAX + 1;
/// Fragments of an update request that can wait: those of the longest request at the largest MTU.
const FRAGMENTS_QUEUED: usize = 10;
/// Longest value that a write or a notification carries: the Bluetooth host's packets less L2CAP and ATT headers.
pub const FRAGMENT_MAX: usize = DefaultPacketPool::MTU - 4 - 3;
const FULL_SCALE_COUNTS: f32 = 8_388_608.0;

/// A fragment of an update request.
pub type SmpFragment = Vec<u8, FRAGMENT_MAX>;

/// A request as it was written, with the time at which it arrived.
pub struct ControlWrite {
    pub arrived_us: u32,
    pub value: Vec<u8, VALUE_MAX>,
}

/// What a central asked for.
pub enum Work {
    Control(ControlWrite),
    Progressor(Command),
    /// It subscribed to *Force*, or no longer is.
    ForceSubscription,
}

/// Whose bonds go when the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    Caller,
    Everyone,
}

/// Zero of the weights and of their time.
#[derive(Debug, Default)]
pub struct ProgressorSession {
    /// A command came on this link: an app is at work, which need not encrypt.
    pub used: Cell<bool>,
    pub tare_n: Cell<f32>,
    /// The newest tension of the running stream, which a tare takes.
    pub last_n: Cell<Option<f32>>,
    /// Device time that the stamps count from; `None` until the first weight of a stream.
    pub started_us: Cell<Option<u32>>,
}

impl ProgressorSession {
    /// A frame as a notification of weights, without those that still drift; `None` when none is left.
    fn weights<B: Board>(&self, sensor: &SensorState<B>, frame: &Batch) -> Option<Vec<u8, NOTIFICATION_MAX>> {
        if frame.flags.settling {
            return None;
        }
        let mut weights = Weights::default();
        for (count, time_us) in frame.counts.iter().zip(frame.sample_times_us()) {
            let started_us = self.started_us.get().unwrap_or_else(|| {
                let period_us = sensor.stream.rate.get().period_us();
                time_us.wrapping_sub(period_us)
            });
            self.started_us.set(Some(started_us));
            let tension_n = tension_n(sensor, *count);
            self.last_n.set(Some(tension_n));
            // A frame holds no more samples than a notification does.
            weights.push(tension_n - self.tare_n.get(), time_us.wrapping_sub(started_us));
        }
        Some(weights.take())
    }
}

/// By the stored calibration, else by the nominal full scale.
pub fn tension_n<B: Board>(sensor: &SensorState<B>, count: i32) -> f32 {
    match sensor.stream.calibration.get() {
        Some(calibration) => calibration.tension_n(count, sensor.power.temperature_centi_c.get()),
        None => count as f32 / FULL_SCALE_COUNTS * sensor.identity.full_scale_mn as f32 / 1000.0,
    }
}

/// What the handlers of one connection share.
pub struct Session<'a, 'v, 't, B: Board, C> {
    pub sensor: &'a SensorState<B>,
    pub stack: &'a Stack<'t, C, DefaultPacketPool>,
    pub table: &'a GattTable<'v>,
    pub connection: GattConnection<'a, 'a, DefaultPacketPool>,
    pub assembly: RefCell<Assembly>,
    pub forget: Cell<Option<Forget>>,
    pub sleep: Cell<bool>,
    /// The sensor is to restart once the link has ended.
    pub restart: Cell<Option<Restart>>,
    pub progressor: ProgressorSession,
    pub force: Cell<ForceMeter>,
    pub fragments: Channel<NoopRawMutex, SmpFragment, FRAGMENTS_QUEUED>,
    pub work: Channel<NoopRawMutex, Work, 4>,
    pub answering: Cell<bool>,
    /// The link has other traffic than before.
    pub traffic_changed: Signal<NoopRawMutex, ()>,
    /// The attribute table that the central knows, by its digest.
    pub table_known: Cell<[u8; 8]>,
    pub table_changed: Signal<NoopRawMutex, ()>,
    /// An update is being uploaded.
    pub uploading: Cell<bool>,
    /// Held from taking a frame until it is sent: no frame overtakes another.
    sending: Mutex<NoopRawMutex, ()>,
}

impl<'a, 'v, 't, B: Board, C> Session<'a, 'v, 't, B, C> {
    pub fn new(
        sensor: &'a SensorState<B>,
        stack: &'a Stack<'t, C, DefaultPacketPool>,
        table: &'a GattTable<'v>,
        connection: GattConnection<'a, 'a, DefaultPacketPool>,
    ) -> Self {
        Self {
            sensor,
            stack,
            table,
            connection,
            assembly: RefCell::default(),
            forget: Cell::new(None),
            sleep: Cell::new(false),
            restart: Cell::new(None),
            progressor: ProgressorSession::default(),
            force: Cell::default(),
            fragments: Channel::new(),
            work: Channel::new(),
            answering: Cell::new(false),
            traffic_changed: Signal::new(),
            table_known: Cell::new(table.digest),
            table_changed: Signal::new(),
            uploading: Cell::new(false),
            sending: Mutex::new(()),
        }
    }

    pub fn is_encrypted(&self) -> bool {
        self.connection.raw().security_level().is_ok_and(|level| level.encrypted())
    }

    /// The central's address: its identity where it is known.
    pub fn peer_address(&self) -> PeerAddress {
        let address = self.connection.raw().peer_identity().addr;
        (address.kind.into_inner() & 1, address.addr.into_inner())
    }

    /// Send the next frame that waits.
    pub async fn send_next_frame(&self) {
        let _turn = self.sending.lock().await;
        if let Ok(frame) = self.sensor.stream.frames.try_receive() {
            self.send_frame(&frame).await;
        }
    }

    /// Send what is waiting, so that the answer to *stop* comes after the last sample.
    pub async fn send_waiting_frames(&self) {
        let _turn = self.sending.lock().await;
        while let Ok(frame) = self.sensor.stream.frames.try_receive() {
            self.send_frame(&frame).await;
        }
    }

    async fn send_frame(&self, frame: &Batch) {
        let sent = match self.sensor.stream.consumer.get() {
            Some(Consumer::Force) => Ok(()),
            Some(Consumer::Progressor) => {
                match (&self.table.progressor, self.progressor.weights(self.sensor, frame)) {
                    (Some(service), Some(weights)) => {
                        service.data.notify_raw(&self.connection, &weights, false).await
                    }
                    _ => Ok(()),
                }
            }
            _ => self.table.measurement.notify_raw(&self.connection, &frame.encode(), false).await,
        };
        if sent.is_err() {
            self.sensor.stream.dropped();
        }
        self.send_force(frame).await;
    }

    /// Tell *Force* what a frame means to it.
    async fn send_force(&self, frame: &Batch) {
        if !self.table.force.should_notify(&self.connection) {
            return;
        }
        let doubtful = frame.flags.settling || frame.flags.saturated;
        for count in &frame.counts {
            let mut meter = self.force.get();
            let value = meter.push((!doubtful).then(|| tension_n(self.sensor, *count)));
            self.force.set(meter);
            if let Some(value) = value {
                let sent = self.table.force.notify_raw(&self.connection, &value, true).await;
                ignore(sent, "the next value is as good, and comes in 50 ms");
            }
        }
    }

    /// *Force* is not measured any more: a read says so.
    pub fn forget_force(&self) {
        ignore(self.table.force.set(&self.table.server, &force::UNKNOWN), "the value fits its storage");
    }
}
