//! One connection: what its central asks, gets, and is told.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;

use bandsense_core::control::{Assembly, REQUEST_MAX};
use bandsense_core::power::{Event, State};
use bandsense_core::progressor::Command;
use bandsense_core::sampler::Batch;
use bt_hci::cmd::le::LeLongTermKeyRequestNegativeReply;
use embassy_futures::join::join;
use embassy_futures::select::{select, select5};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_time::{Duration, Timer};
use heapless::Vec;
use trouble_host::prelude::*;

use crate::advertise::{Beacon, WHILE_CONNECTED, parameters};
use crate::board::{Board, Exit, Radio, Restart};
use crate::progressor::Scale;
use crate::shared::{Consumer, Order, Shared};
use crate::table::Table;
use crate::update::{self, Piece};
use crate::{bond_information, control, kept_bond, progressor};

/// Bit of a client characteristic configuration.
const INDICATE: u8 = 1 << 1;
/// Longest request, and one byte more to tell that a value is longer.
const VALUE_MAX: usize = REQUEST_MAX + 1;
/// Pieces of an update request that can wait: those of the longest request at the largest MTU.
const PIECES_QUEUED: usize = 10;
/// By then the Bluetooth host has found a key that it has.
const KEY_SEARCH: Duration = Duration::from_millis(500);
/// Pause after the controller refused to advertise.
const RETRY: Duration = Duration::from_secs(5);

/// A request as it was written, with the time at which it arrived.
pub struct Asked {
    pub arrived_us: u32,
    pub value: Vec<u8, VALUE_MAX>,
}

enum Work {
    Control(Asked),
    Progressor(Command),
}

/// Whose bonds go when the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    Caller,
    Everyone,
}

/// What the duties of one connection share.
pub struct Session<'a, 'v, 't, B: Board, C> {
    pub shared: &'a Shared<B>,
    pub stack: &'a Stack<'t, C, DefaultPacketPool>,
    pub table: &'a Table<'v>,
    pub connection: GattConnection<'a, 'a, DefaultPacketPool>,
    pub assembly: RefCell<Assembly>,
    pub forget: Cell<Option<Forget>>,
    pub sleep: Cell<bool>,
    /// The sensor is to restart once the link has ended.
    pub restart: Cell<Option<Restart>>,
    pub scale: Scale,
    pub pieces: Channel<NoopRawMutex, Piece, PIECES_QUEUED>,
    work: Channel<NoopRawMutex, Work, 2>,
    answering: Cell<bool>,
    /// Held from taking a frame until it is sent: no frame overtakes another.
    sending: Mutex<NoopRawMutex, ()>,
}

/// Serve a central until its link ends.
pub async fn serve<'a, B: Board, C: Radio>(
    shared: &'a Shared<B>,
    stack: &'a Stack<'_, C, DefaultPacketPool>,
    table: &'a Table<'_>,
    peripheral: &mut Peripheral<'a, C, DefaultPacketPool>,
    connection: Connection<'a, DefaultPacketPool>,
) {
    // Fails only for a link that is gone already, or while another client is connected.
    let Ok(connection) = connection.with_attribute_server(&table.server) else {
        return;
    };
    let _ = connection.raw().set_bondable(true);
    shared.on(Event::Connected);
    table.refresh(shared).await;
    let session = Session {
        shared,
        stack,
        table,
        connection,
        assembly: RefCell::default(),
        forget: Cell::new(None),
        sleep: Cell::new(false),
        restart: Cell::new(None),
        scale: Scale::default(),
        pieces: Channel::new(),
        work: Channel::new(),
        answering: Cell::new(false),
        sending: Mutex::new(()),
    };
    // Answers come before events: the confirmation of an answer is seen before the request that follows it.
    select5(
        session.answer(),
        session.events(),
        session.stream(),
        update::serve(&session),
        join(session.refuse_unknown_key(), session.tell(peripheral)),
    )
    .await;
    session.end().await;
}

impl<'a, B: Board, C: Radio> Session<'a, '_, '_, B, C> {
    // -- events ---------------------------------------------------------------------------------------------

    async fn events(&self) {
        loop {
            match self.connection.next().await {
                GattConnectionEvent::Disconnected { .. } => return,
                GattConnectionEvent::Gatt { event } => self.attribute_event(event).await,
                GattConnectionEvent::PairingComplete { bond, .. } => self.paired(bond).await,
                GattConnectionEvent::Encrypted { bond, .. } => self.encrypted(bond).await,
                _ => {}
            }
        }
    }

    async fn attribute_event(&self, event: GattEvent<'_, '_, DefaultPacketPool>) {
        let table = self.table;
        let is = |handle: Option<u16>, other: u16| handle == Some(other);
        let reply = match event {
            GattEvent::Write(write) if write.handle() == table.control.handle => self.requested(write),
            GattEvent::Write(write) if is(table.smp_handle(), write.handle()) => {
                let piece = write.with_data(|_, data| Piece::from_slice(data));
                let reply = write.accept_unprocessed();
                if let Ok(piece) = piece {
                    self.pieces.send(piece).await;
                }
                reply
            }
            GattEvent::Write(write) if is(table.progressor_control_handle(), write.handle()) => {
                write.with_data(|_, data| self.progressor_command(data));
                write.accept_unprocessed()
            }
            GattEvent::NotAllowed(event)
                if !self.is_encrypted() && self.connection.raw().is_bonded_peer() =>
            {
                event.reject(AttErrorCode::INSUFFICIENT_ENCRYPTION)
            }
            other => other.accept(),
        };
        // Without room for a reply there is nothing better to do than to let the client time out.
        if let Ok(reply) = reply {
            reply.send().await;
        }
    }

    fn requested<'c>(
        &self,
        write: WriteEvent<'c, '_, DefaultPacketPool>,
    ) -> Result<Reply<'c, DefaultPacketPool>, Error> {
        let arrived_us = self.shared.time_us();
        let value: Vec<u8, VALUE_MAX> =
            write.with_data(|_, data| data.iter().copied().take(VALUE_MAX).collect());
        if value.len() < 2 {
            return write.reject(AttErrorCode::INVALID_ATTRIBUTE_VALUE_LENGTH);
        }
        if !self.expects_answers() {
            return write.reject(AttErrorCode::CCCD_IMPROPERLY_CONFIGURED);
        }
        let asked = Work::Control(Asked { arrived_us, value });
        if self.answering.get() || self.work.try_send(asked).is_err() {
            return write.reject(AttErrorCode::PROCEDURE_ALREADY_IN_PROGRESS);
        }
        self.answering.set(true);
        write.accept_unprocessed()
    }

    fn expects_answers(&self) -> bool {
        let mut subscription = [0; 2];
        let handle = self.table.control.cccd_handle.unwrap_or(0);
        let read = self.table.server.read(self.connection.raw(), handle, 0, &mut subscription);
        read.is_ok() && subscription[0] & INDICATE != 0
    }

    fn progressor_command(&self, data: &[u8]) {
        if let Some(command) = Command::decode(data) {
            let _ = self.work.try_send(Work::Progressor(command));
        }
    }

    fn is_encrypted(&self) -> bool {
        self.connection.raw().security_level().is_ok_and(|level| level.encrypted())
    }

    // -- security -------------------------------------------------------------------------------------------

    /// A central that asks to encrypt before its connection is accepted, with a bond that the sensor forgot, gets no
    /// answer from the Bluetooth host.
    async fn refuse_unknown_key(&self) {
        Timer::after(KEY_SEARCH).await;
        if let Some(handle) = self.shared.key_wanted.take() {
            let _ = self.stack.command(LeLongTermKeyRequestNegativeReply::new(handle)).await;
            self.connection.raw().disconnect();
        }
    }

    async fn paired(&self, bond: Option<BondInformation>) {
        self.shared.open_pairing(0);
        let Some(bond) = bond else {
            // A central that does not bond would be a stranger the next time.
            self.connection.raw().disconnect();
            return;
        };
        let mut settings = self.shared.settings.lock().await;
        let (kept, gone) = settings.bonds.add(kept_bond(&bond));
        if let Some(gone) = gone {
            let _ = self.stack.remove_bond_information(bond_information(&gone).identity);
        }
        // A bond that cannot be stored still serves until the next reset.
        let _ = settings.save_bond(kept).await;
    }

    async fn encrypted(&self, bond: Option<BondInformation>) {
        if let Some(bond) = bond {
            let bond = kept_bond(&bond);
            let mut settings = self.shared.settings.lock().await;
            if let Some(kept) = settings.bonds.touch(bond.address_kind, bond.address) {
                let _ = settings.save_bond(kept).await;
            }
        }
        update::confirm(self.shared).await;
    }

    // -- answers --------------------------------------------------------------------------------------------

    async fn answer(&self) {
        loop {
            match self.work.receive().await {
                Work::Control(asked) => {
                    let answer = control::obey(self, &asked).await;
                    let answered =
                        self.table.control.indicate_raw(&self.connection, answer.as_bytes(), false);
                    let confirmed = answered.await.is_ok();
                    self.answering.set(false);
                    if self.sleep.get() && confirmed {
                        self.connection.raw().disconnect();
                    }
                }
                Work::Progressor(command) => progressor::obey(self, command).await,
            }
        }
    }

    // -- stream ---------------------------------------------------------------------------------------------

    async fn stream(&self) {
        loop {
            poll_fn(|context| self.shared.frames.poll_ready_to_receive(context)).await;
            let _turn = self.sending.lock().await;
            if let Ok(frame) = self.shared.frames.try_receive() {
                self.send_frame(&frame).await;
            }
        }
    }

    async fn send_frame(&self, frame: &Batch) {
        let sent = match self.shared.consumer.get() {
            Some(Consumer::Progressor) => progressor::send(self, frame).await,
            _ => self.table.measurement.notify_raw(&self.connection, &frame.encode(), false).await,
        };
        if sent.is_err() {
            let dropped = &self.shared.notifications_dropped;
            dropped.set(dropped.get().saturating_add(1));
        }
    }

    /// Send what is waiting, so that the answer to *stop* comes after the last sample.
    pub async fn send_waiting_frames(&self) {
        let _turn = self.sending.lock().await;
        while let Ok(frame) = self.shared.frames.try_receive() {
            self.send_frame(&frame).await;
        }
    }

    // -- news -----------------------------------------------------------------------------------------------

    /// Tell scanners that someone is connected, and the central how the battery does.
    async fn tell(&self, peripheral: &mut Peripheral<'a, C, DefaultPacketPool>) {
        loop {
            let beacon = Beacon::of(self.shared);
            let advertising =
                peripheral.advertise(&parameters(WHILE_CONNECTED), beacon.only_scannable()).await;
            let Ok(_advertiser) = advertising else {
                select(Timer::after(RETRY), self.wait_for_news()).await;
                continue;
            };
            loop {
                self.wait_for_news().await;
                let beacon = Beacon::of(self.shared);
                if peripheral.update_adv_data(beacon.only_scannable()).await.is_err() {
                    break;
                }
            }
        }
    }

    async fn wait_for_news(&self) {
        let told = self.shared.battery_percent();
        self.shared.news.wait().await;
        if self.shared.state() == State::Off {
            progressor::say_goodbye(self).await;
            self.connection.raw().disconnect();
        }
        self.table.refresh(self.shared).await;
        let percent = self.shared.battery_percent();
        if percent != told {
            // The level can be read where it could not be told.
            let _ = self.table.battery_level.notify(&self.connection, &percent, false).await;
        }
    }

    // -- end ------------------------------------------------------------------------------------------------

    async fn end(&self) {
        let shared = self.shared;
        shared.consumer.set(None);
        shared.ask(Order::Stop).await;
        shared.frames.clear();
        self.forget_bonds().await;
        if let Some(update) = &shared.update {
            update.lock().await.disconnected();
        }
        shared.on(Event::Disconnected);
        if self.sleep.get() {
            shared.on(Event::SleepAsked);
        }
        if let Some(why) = self.restart.get() {
            shared.exit.signal(Exit::Restart(why));
        }
    }

    async fn forget_bonds(&self) {
        let mut settings = self.shared.settings.lock().await;
        match self.forget.get() {
            None => {}
            Some(Forget::Caller) => {
                let address = self.connection.raw().peer_identity().addr;
                let kind = address.kind.into_inner() & 1;
                if let Some(kept) = settings.bonds.remove(kind, address.addr.into_inner()) {
                    let _ = settings.remove_bond(kept.place).await;
                    let _ = self.stack.remove_bond_information(bond_information(&kept.bond).identity);
                }
            }
            Some(Forget::Everyone) => {
                for kept in settings.bonds.iter() {
                    let _ = self.stack.remove_bond_information(bond_information(&kept.bond).identity);
                }
                let _ = settings.clear_bonds().await;
            }
        }
    }
}
