//! The optional Progressor-compatible service: tension in kilogram-force for existing apps.

use bandsense_core::progressor::{Command, id, low_power, response};
use bandsense_core::rate::Rate;

use crate::board::{Board, Radio};
use crate::connection::{Session, tension_n};
use crate::ignore;
use crate::sensor_state::{Consumer, SamplerCommand, SamplerReply};
use crate::streaming;

const RATE: Rate = Rate::Hz80;

/// Carry out a command of an app.
pub async fn handle<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, command: Command) {
    let sensor = session.sensor;
    session.progressor.used.set(true);
    match command {
        Command::Tare => tare(session).await,
        Command::Start => start(session).await,
        Command::Stop => stop(session).await,
        Command::ClearError => {}
        Command::Version => respond(session, &response(sensor.identity.firmware_revision.as_bytes())).await,
        Command::ErrorInformation => respond(session, &response(&[])).await,
        Command::Battery => {
            let cell_mv = u32::from(sensor.power.supply.get().cell_mv);
            respond(session, &response(&cell_mv.to_le_bytes())).await;
        }
        Command::Id => respond(session, &id(sensor.identity.serial)).await,
        Command::Sleep => {
            session.sleep.set(true);
            session.connection.raw().disconnect();
        }
    }
}

/// Tell an app that the cell is empty, as the genuine device does before it switches off.
pub async fn notify_low_power<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    respond(session, &low_power()).await;
}

async fn respond<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, response: &[u8]) {
    if let Some(service) = &session.table.progressor {
        let sent = service.data.notify_raw(&session.connection, response, false).await;
        ignore(sent, "an app that did not hear it asks again if it cares");
    }
}

/// Zero is what the sensor feels now: the newest sample of a running stream, else what is weighed for this.
async fn tare<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let (sensor, zero) = (session.sensor, &session.progressor);
    if sensor.stream.consumer.get() == Some(Consumer::Progressor)
        && let Some(last_n) = zero.last_n.get()
    {
        zero.tare_n.set(last_n);
        return;
    }
    if sensor.stream.consumer.get() == Some(Consumer::Measurement) || sensor.power.supply.get().is_empty() {
        return;
    }
    let restart = sensor.stream.consumer.get() == Some(Consumer::Progressor);
    stop(session).await;
    streaming::stop(session, Consumer::Force).await;
    if let SamplerReply::Counts(counts) = sensor.request(SamplerCommand::Weigh).await {
        zero.tare_n.set(tension_n(sensor, counts));
    }
    if restart {
        start(session).await;
    }
    streaming::serve_force(session).await;
}

async fn start<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let sensor = session.sensor;
    let taken = matches!(sensor.stream.consumer.get(), Some(Consumer::Measurement | Consumer::Progressor));
    if taken || sensor.power.supply.get().is_empty() {
        return;
    }
    session.progressor.started_us.set(None);
    session.progressor.last_n.set(None);
    let room = usize::from(session.connection.raw().att_mtu()).saturating_sub(3 + 2) / 8;
    let samples_per_frame = RATE.samples_per_frame(u16::MAX).min(room.max(1));
    let started = streaming::start(session, Consumer::Progressor, RATE, samples_per_frame).await;
    ignore(started, "an app has no way to hear of a converter that does not work; the light tells");
}

async fn stop<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    streaming::stop(session, Consumer::Progressor).await;
    session.progressor.last_n.set(None);
    streaming::serve_force(session).await;
}
