//! The optional Progressor-compatible service: tension in kilogram-force for existing apps.

use core::cell::Cell;

use bandsense_core::power::Event;
use bandsense_core::progressor::{Command, Weights, id, low_power, response};
use bandsense_core::rate::Rate;
use bandsense_core::sampler::Batch;
use trouble_host::prelude::*;

use crate::board::{Board, Radio};
use crate::control::ask_for_streaming_interval;
use crate::session::Session;
use crate::shared::{Consumer, Order, Outcome, Shared};

const RATE: Rate = Rate::Hz80;
const FULL_SCALE_COUNTS: f32 = 8_388_608.0;

/// Zero of the weights and of their time.
#[derive(Debug, Default)]
pub struct Scale {
    started_us: Cell<u32>,
    tare_n: Cell<f32>,
    last_n: Cell<f32>,
}

/// Carry out a command of an app.
pub async fn obey<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, command: Command) {
    let shared = session.shared;
    match command {
        Command::Tare => session.scale.tare_n.set(session.scale.last_n.get()),
        Command::Start => start(session).await,
        Command::Stop => stop(session).await,
        Command::ClearError => {}
        Command::Version => respond(session, &response(shared.identity.firmware_revision.as_bytes())).await,
        Command::ErrorInformation => respond(session, &response(&[])).await,
        Command::Battery => {
            let battery_mv = u32::from(shared.battery_mv.get());
            respond(session, &response(&battery_mv.to_le_bytes())).await;
        }
        Command::Id => respond(session, &id(shared.identity.serial)).await,
        Command::Sleep => {
            session.sleep.set(true);
            session.connection.raw().disconnect();
        }
    }
}

/// Tell an app that the cell is empty, as the genuine device does before it switches off.
pub async fn say_goodbye<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    respond(session, &low_power()).await;
}

async fn respond<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, response: &[u8]) {
    if let Some(service) = &session.table.progressor {
        // An app that did not subscribe hears nothing, and asks again if it cares.
        let _ = service.data.notify_raw(&session.connection, response, false).await;
    }
}

async fn start<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let shared = session.shared;
    if shared.consumer.get().is_some() || shared.battery_is_empty() {
        return;
    }
    shared.consumer.set(Some(Consumer::Progressor));
    session.scale.started_us.set(shared.time_us());
    let room = usize::from(session.connection.raw().att_mtu()).saturating_sub(3 + 2) / 8;
    let samples_per_frame = RATE.samples_per_frame(u16::MAX).min(room.max(1));
    match shared.ask(Order::Start { rate: RATE, samples_per_frame }).await {
        Outcome::Done { .. } => {
            shared.on(Event::StreamStarted);
            ask_for_streaming_interval(session).await;
        }
        _ => shared.consumer.set(None),
    }
}

async fn stop<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let shared = session.shared;
    if shared.consumer.get() == Some(Consumer::Progressor) {
        shared.ask(Order::Stop).await;
        session.send_waiting_frames().await;
        shared.consumer.set(None);
        shared.on(Event::StreamStopped);
    }
}

/// Send a frame as weights.
pub async fn send<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    frame: &Batch,
) -> Result<(), Error> {
    let Some(service) = &session.table.progressor else {
        return Ok(());
    };
    let scale = &session.scale;
    let mut weights = Weights::default();
    for (count, time_us) in frame.counts.iter().zip(frame.sample_times_us()) {
        let tension_n = tension_n(session.shared, *count);
        scale.last_n.set(tension_n);
        // A frame holds no more samples than a notification does.
        weights.push(tension_n - scale.tare_n.get(), time_us.wrapping_sub(scale.started_us.get()));
    }
    service.data.notify_raw(&session.connection, &weights.take(), false).await
}

/// By the stored calibration, else by the nominal full scale.
fn tension_n<B: Board>(shared: &Shared<B>, count: i32) -> f32 {
    match shared.calibration.get() {
        Some(calibration) => calibration.tension_n(count),
        None => count as f32 / FULL_SCALE_COUNTS * shared.identity.full_scale_mn as f32 / 1000.0,
    }
}
