//! The life of one connection: its events, its answers, what it is told, and its end.

use core::future::poll_fn;

use bandsense_core::power::{Event, State};
use bandsense_core::progressor::Command;
use bt_hci::cmd::le::LeLongTermKeyRequestNegativeReply;
use embassy_futures::join::{join, join3, join4};
use embassy_futures::select::{Either, select, select4};
use embassy_time::{Duration, Timer, with_timeout};
use heapless::Vec;
use trouble_host::prelude::*;

use crate::advertising_payload::{AdvertisingPayload, WHILE_CONNECTED, parameters};
use crate::board::{Board, Exit, Radio};
use crate::connection::{ControlWrite, Session, SmpFragment, VALUE_MAX, Work};
use crate::gatt_server::GattTable;
use crate::sensor_state::{SamplerCommand, SensorState};
use crate::{bonds, control, ignore, log, progressor, streaming, update};

/// Every attribute may have changed (Core Specification 5.4, vol 3, part G, 7.1).
const ALL_HANDLES: [u8; 4] = [0x01, 0x00, 0xFF, 0xFF];
/// Bit of a client characteristic configuration.
const INDICATE: u8 = 1 << 1;
/// By then the Bluetooth host has found a key that it has.
const KEY_SEARCH: Duration = Duration::from_millis(500);
/// Pause after the controller refused to advertise.
const RETRY: Duration = Duration::from_secs(5);
/// A link that is to end has ended by then, or its supervision time-out ends it.
const FAREWELL: Duration = Duration::from_secs(6);
/// A link without a stream keeps its interval for so long: a client's next request or stream may follow at once.
const IDLE: Duration = Duration::from_secs(10);

/// What the profile asks for while streaming.
const STREAMING: RequestedConnParams = RequestedConnParams {
    min_connection_interval: Duration::from_millis(15),
    max_connection_interval: Duration::from_millis(30),
    max_latency: 0,
    min_event_length: Duration::from_ticks(0),
    max_event_length: Duration::from_ticks(0),
    supervision_timeout: Duration::from_secs(4),
};
/// What it asks for otherwise: within Apple's rules (multiples of 15 ms), and a sixth of the radio's current.
const RELAXED: RequestedConnParams = RequestedConnParams {
    min_connection_interval: Duration::from_millis(105),
    max_connection_interval: Duration::from_millis(120),
    ..STREAMING
};

/// Serve a central until its link ends.
pub async fn serve<'a, B: Board, C: Radio>(
    sensor: &'a SensorState<B>,
    stack: &'a Stack<'_, C, DefaultPacketPool>,
    table: &'a GattTable<'_>,
    peripheral: &mut Peripheral<'a, C, DefaultPacketPool>,
    connection: Connection<'a, DefaultPacketPool>,
) {
    // Fails only for a link that is gone already, or while another client is connected.
    let Ok(connection) = connection.with_attribute_server(&table.server) else {
        return;
    };
    let session = Session::new(sensor, stack, table, connection);
    let address = session.peer_address();
    if !sensor.pairing_is_open() && sensor.strangers.borrow().keeps_out(address, sensor.now_us()) {
        log::warning!("a stranger is back, and sent away at once");
        session.connection.raw().disconnect();
        ignore(
            with_timeout(FAREWELL, session.until_disconnected()).await,
            "the next advertising waits for it",
        );
        return;
    }
    sensor.on(Event::Connected);
    sensor.power.end_link.reset();
    table.refresh(sensor).await;
    // Answers come before events: the confirmation of an answer is seen before the request that follows it. The link's
    // end is an event, and ends all of them.
    let requests = join(session.answer(), update::serve(&session));
    let outgoing = join3(session.send_frames(), session.tell_table_changed(), session.tell(peripheral));
    let guards = join4(
        session.refuse_unknown_key(),
        session.send_strangers_away(),
        session.end_by_button(),
        session.keep_interval(),
    );
    select4(requests, session.events(), outgoing, guards).await;
    session.end().await;
}

impl<'a, B: Board, C: Radio> Session<'a, '_, '_, B, C> {
    // -- events ---------------------------------------------------------------------------------------------

    async fn until_disconnected(&self) {
        while !matches!(self.connection.next().await, GattConnectionEvent::Disconnected { .. }) {}
    }

    async fn events(&self) {
        loop {
            match self.connection.next().await {
                GattConnectionEvent::Disconnected { .. } => return,
                GattConnectionEvent::Gatt { event } => self.attribute_event(event).await,
                GattConnectionEvent::PairingComplete { bond, .. } => bonds::paired(self, bond).await,
                GattConnectionEvent::Encrypted { bond, .. } => self.encrypted(bond).await,
                _ => {}
            }
        }
    }

    async fn attribute_event(&self, event: GattEvent<'_, '_, DefaultPacketPool>) {
        let table = self.table;
        let is = |handle: Option<u16>, other: u16| handle == Some(other);
        let mut command = None;
        let reply = match event {
            GattEvent::Write(write) if write.handle() == table.control.handle => self.requested(write),
            GattEvent::Write(write) if is(table.smp_handle(), write.handle()) => {
                let fragment = write.with_data(|_, data| SmpFragment::from_slice(data));
                let reply = write.accept_unprocessed();
                if let Ok(fragment) = fragment {
                    self.fragments.send(fragment).await;
                }
                reply
            }
            GattEvent::Write(write) if is(table.progressor_control_handle(), write.handle()) => {
                command = write.with_data(|_, data| Command::decode(data));
                write.accept_unprocessed()
            }
            GattEvent::Write(write) if is(table.force.cccd_handle, write.handle()) => {
                let reply = write.accept();
                let queued = self.work.try_send(Work::ForceSubscription);
                ignore(queued, "full only for a client that asks for more than anyone does at once");
                reply
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
        // An app may take no answer to a command before its write is acknowledged; on a full link that one waits, too.
        if let Some(command) = command {
            self.progressor_command(command);
        }
    }

    fn requested<'c>(
        &self,
        write: WriteEvent<'c, '_, DefaultPacketPool>,
    ) -> Result<Reply<'c, DefaultPacketPool>, Error> {
        let arrived_us = self.sensor.time_us();
        let value: Vec<u8, VALUE_MAX> =
            write.with_data(|_, data| data.iter().copied().take(VALUE_MAX).collect());
        if value.len() < 2 {
            return write.reject(AttErrorCode::INVALID_ATTRIBUTE_VALUE_LENGTH);
        }
        if !self.expects_answers() {
            return write.reject(AttErrorCode::CCCD_IMPROPERLY_CONFIGURED);
        }
        let request = Work::Control(ControlWrite { arrived_us, value });
        if self.answering.get() || self.work.try_send(request).is_err() {
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

    fn progressor_command(&self, command: Command) {
        self.progressor.used.set(true);
        let queued = self.work.try_send(Work::Progressor(command));
        ignore(queued, "an app that sends so much faster than it is served waits for no answer");
    }

    // -- security -------------------------------------------------------------------------------------------

    /// A central that asks to encrypt before its connection is accepted, with a bond that the sensor forgot, gets no
    /// answer from the Bluetooth host.
    async fn refuse_unknown_key(&self) {
        Timer::after(KEY_SEARCH).await;
        if let Some(handle) = self.sensor.link_security.key_wanted.take() {
            let refused = self.stack.command(LeLongTermKeyRequestNegativeReply::new(handle)).await;
            ignore(refused.map_err(|_| ()), "the link is gone, which shows as such");
            self.connection.raw().disconnect();
        }
    }

    /// The link belongs to those who encrypt it, and to apps that the owner has let in.
    async fn send_strangers_away(&self) {
        loop {
            Timer::after_micros(B::TIMINGS.grace_us).await;
            let subscribed = |service: &crate::gatt_server::Progressor| {
                self.progressor.used.get() || service.data.should_notify(&self.connection)
            };
            if !self.is_encrypted() && !self.table.progressor.as_ref().is_some_and(subscribed) {
                log::warning!("a stranger is sent away");
                let address = self.peer_address();
                self.sensor.strangers.borrow_mut().dropped(address, self.sensor.now_us());
                self.connection.raw().disconnect();
            }
        }
    }

    /// Whoever holds the sensor decides who is connected to it.
    async fn end_by_button(&self) {
        self.sensor.power.end_link.wait().await;
        self.connection.raw().disconnect();
    }

    async fn encrypted(&self, bond: Option<BondInformation>) {
        log::info!("encrypted; by a bond: {}", bond.is_some());
        bonds::encrypted(self, bond).await;
        // It may have been subscribed to before; else there is nothing to do.
        ignore(self.work.try_send(Work::ForceSubscription), "nothing else is asked for so early");
        update::confirm(self.sensor).await;
    }

    // -- answers --------------------------------------------------------------------------------------------

    async fn answer(&self) {
        loop {
            match self.work.receive().await {
                Work::Control(request) => {
                    let answer = control::handle(self, &request).await;
                    let answered =
                        self.table.control.indicate_raw(&self.connection, answer.as_bytes(), false);
                    let confirmed = answered.await.is_ok();
                    self.answering.set(false);
                    if self.sleep.get() && confirmed {
                        self.connection.raw().disconnect();
                    }
                }
                Work::Progressor(command) => progressor::handle(self, command).await,
                Work::ForceSubscription => streaming::serve_force(self).await,
            }
        }
    }

    // -- what goes out --------------------------------------------------------------------------------------

    async fn send_frames(&self) {
        loop {
            poll_fn(|context| self.sensor.stream.frames.poll_ready_to_receive(context)).await;
            self.send_next_frame().await;
        }
    }

    /// A central that remembers another table has to discover it anew.
    async fn tell_table_changed(&self) {
        loop {
            self.table_changed.wait().await;
            let service_changed = &self.table.service_changed;
            let told = service_changed.indicate_raw(&self.connection, &ALL_HANDLES, false).await;
            // Whoever is gone before that is told when it is back.
            if told.is_ok() {
                self.table_known.set(self.table.digest);
            }
        }
    }

    /// Ask for the connection interval that the traffic needs. A central may refuse: everything then runs at the one that
    /// it chose.
    async fn keep_interval(&self) {
        let mut relaxed = None;
        loop {
            let busy = self.sensor.stream.consumer.get().is_some() || self.uploading.get();
            if !busy {
                let calm = select(Timer::after(IDLE), self.traffic_changed.wait()).await;
                if matches!(calm, Either::Second(())) {
                    continue;
                }
            }
            if relaxed != Some(!busy) {
                relaxed = Some(!busy);
                log::detail!("asks for the connection interval of a link that is busy: {}", busy);
                let wanted = if busy { &STREAMING } else { &RELAXED };
                let asked = self.connection.raw().update_connection_params(self.stack, wanted).await;
                ignore(asked.map_err(|_| ()), "everything runs at any interval");
            }
            if busy && self.uploading.get() {
                // Fragments keep coming, or the upload has ended.
                self.uploading.set(false);
                ignore(with_timeout(IDLE, self.traffic_changed.wait()).await, "then it is idle");
            } else {
                self.traffic_changed.wait().await;
            }
        }
    }

    /// Tell scanners that someone is connected, and the central how the battery does.
    async fn tell(&self, peripheral: &mut Peripheral<'a, C, DefaultPacketPool>) {
        loop {
            let payload = AdvertisingPayload::of(self.sensor);
            let advertising =
                peripheral.advertise(&parameters(WHILE_CONNECTED), payload.only_scannable()).await;
            let Ok(_advertiser) = advertising else {
                select(Timer::after(RETRY), self.wait_for_status()).await;
                continue;
            };
            loop {
                self.wait_for_status().await;
                let payload = AdvertisingPayload::of(self.sensor);
                if peripheral.update_adv_data(payload.only_scannable()).await.is_err() {
                    break;
                }
            }
        }
    }

    async fn wait_for_status(&self) {
        let told = self.sensor.battery_level();
        self.sensor.status_changed.wait().await;
        if self.sensor.state() == State::Off {
            progressor::notify_low_power(self).await;
            self.connection.raw().disconnect();
        }
        self.table.refresh(self.sensor).await;
        let level = self.sensor.battery_level();
        if level != told {
            let sent = self.table.battery_level.notify(&self.connection, &level, false).await;
            ignore(sent, "the level can be read where it could not be told");
        }
    }

    // -- end ------------------------------------------------------------------------------------------------

    async fn end(&self) {
        let sensor = self.sensor;
        sensor.stream.consumer.set(None);
        sensor.request(SamplerCommand::Stop).await;
        sensor.stream.frames.clear();
        self.forget_force();
        bonds::link_ended(self).await;
        if let Some(update) = &sensor.update {
            update.lock().await.disconnected();
        }
        sensor.on(Event::Disconnected);
        if self.sleep.get() {
            sensor.on(Event::SleepAsked);
        }
        if let Some(why) = self.restart.get() {
            sensor.exit.signal(Exit::Restart(why));
        }
    }
}
