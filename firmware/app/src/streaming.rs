//! Who gets the stream: *start* at the control point and Progressor apps exclude each other; *Force* takes what there is,
//! and has the converter run where nobody else does.

use bandsense_core::force::ForceMeter;
use bandsense_core::power::Event;
use bandsense_core::rate::Rate;

use crate::board::{Board, Radio};
use crate::connection::Session;
use crate::ignore;
use crate::sensor_state::{Consumer, SamplerCommand, SamplerReply};

/// The rate at which *Force* is measured when nobody else measures.
const FORCE_RATE: Rate = Rate::Hz20;

/// The converter does not work.
pub struct HardwareFailure;

/// Have the converter run for `consumer`. Gives the number that the next sample will get. The caller has made sure that
/// the stream is free for it and the cell is not empty.
pub async fn start<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    consumer: Consumer,
    rate: Rate,
    samples_per_frame: usize,
) -> Result<u16, HardwareFailure> {
    let stream = &session.sensor.stream;
    if stream.consumer.get() == Some(Consumer::Force) && consumer != Consumer::Force {
        // What is on its way belongs to nobody but *Force*.
        session.sensor.request(SamplerCommand::Stop).await;
        session.send_waiting_frames().await;
    }
    stream.consumer.set(Some(consumer));
    stream.rate.set(rate);
    session.force.set(ForceMeter::new(rate));
    let command = SamplerCommand::Start { rate, samples_per_frame };
    let SamplerReply::Done { next_sequence } = session.sensor.request(command).await else {
        stream.consumer.set(None);
        session.sensor.on(Event::StreamStopped);
        session.traffic_changed.signal(());
        return Err(HardwareFailure);
    };
    session.sensor.on(Event::StreamStarted);
    session.traffic_changed.signal(());
    Ok(next_sequence)
}

/// Stop the stream if `consumer` has it. Gives the number that the next sample will get.
pub async fn stop<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, consumer: Consumer) -> u16 {
    let stream = &session.sensor.stream;
    let mut next_sequence = stream.next_sequence.get();
    if stream.consumer.get() == Some(consumer) {
        if let SamplerReply::Done { next_sequence: next } = session.sensor.request(SamplerCommand::Stop).await
        {
            next_sequence = next;
        }
        session.send_waiting_frames().await;
        stream.consumer.set(None);
        session.sensor.on(Event::StreamStopped);
        session.traffic_changed.signal(());
    }
    next_sequence
}

/// Have the converter run for *Force* where it is subscribed to and the converter is free, and stop it where it is not.
pub async fn serve_force<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let wanted = session.table.force.should_notify(&session.connection);
    match session.sensor.stream.consumer.get() {
        None if wanted && !session.sensor.power.supply.get().is_empty() => {
            let samples_per_frame = FORCE_RATE.samples_per_frame(u16::MAX);
            let started = start(session, Consumer::Force, FORCE_RATE, samples_per_frame).await;
            ignore(started, "the light tells of a converter that does not work; the value stays unknown");
        }
        Some(Consumer::Force) if !wanted => {
            stop(session, Consumer::Force).await;
        }
        _ => {}
    }
    if session.sensor.stream.consumer.get().is_none() {
        session.forget_force();
    }
}
