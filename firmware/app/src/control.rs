//! Carries out what the control point is asked for.

use bandsense_core::battery;
use bandsense_core::calibration::{Calibration, RecordError};
use bandsense_core::control::{Answer, Head, Request, Status, decode};
use bandsense_core::power::Event;
use bandsense_core::rate::Rate;
use bandsense_core::statistics::{Counters, Page, SelfTest};
use embassy_time::Duration;
use heapless::String;
use trouble_host::prelude::*;

use crate::board::{Board, Radio};
use crate::session::{Asked, Forget, Session};
use crate::shared::{Consumer, Order, Outcome};

/// What the profile asks for while streaming.
const STREAMING: RequestedConnParams = RequestedConnParams {
    min_connection_interval: Duration::from_millis(15),
    max_connection_interval: Duration::from_millis(30),
    max_latency: 0,
    min_event_length: Duration::from_ticks(0),
    max_event_length: Duration::from_ticks(0),
    supervision_timeout: Duration::from_secs(4),
};

/// Carry out a request.
pub async fn obey<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, asked: &Asked) -> Answer {
    let Ok((head, request)) = decode(&asked.value) else {
        // Too short a value was refused when it was written.
        return Answer::refused(Head { id: 0, opcode: 0 }, Status::WrongLength);
    };
    let answer = match request {
        Ok(request) => carry_out(session, head, request, asked.arrived_us).await,
        Err(status) => Err(status),
    };
    answer.unwrap_or_else(|status| Answer::refused(head, status))
}

async fn carry_out<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    head: Head,
    request: Request<'_>,
    arrived_us: u32,
) -> Result<Answer, Status> {
    let shared = session.shared;
    match request {
        Request::Start(rate) => return start(session, head, rate).await,
        Request::Stop => return Ok(stop(session, head).await),
        Request::TimeMark => {
            let boot_number = shared.settings.lock().await.boot_number;
            return Ok(Answer::time_mark(head, arrived_us, shared.next_sequence.get(), boot_number));
        }
        Request::ReadStatistics(page) => return Ok(statistics(session, head, page).await),
        Request::ReadCalibration { offset } => {
            let record = shared.settings.lock().await.calibration;
            let record = record.as_ref().map_or(&[][..], |record| record);
            return Answer::calibration(head, record, offset, session.connection.raw().att_mtu());
        }
        Request::Identify { seconds } => shared.identify(seconds),
        Request::Sleep => session.sleep.set(true),
        Request::SetLabel(label) => set_label(session, label).await?,
        Request::WriteCalibration { offset, data, .. } => write_calibration(session, offset, data).await?,
        Request::OpenPairing { seconds } => shared.open_pairing(seconds),
        Request::ForgetBonds { everyone } => {
            session.forget.set(Some(if everyone { Forget::Everyone } else { Forget::Caller }));
        }
        Request::SelfTest => self_test(session).await?,
        Request::SetOptions(options) => {
            let mut settings = shared.settings.lock().await;
            settings.set_options(options).await.map_err(|_| Status::StorageFailure)?;
            drop(settings);
            session.table.refresh(shared).await;
        }
    }
    Ok(Answer::done(head))
}

async fn start<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    head: Head,
    rate: Rate,
) -> Result<Answer, Status> {
    let shared = session.shared;
    if shared.consumer.get() == Some(Consumer::Progressor) {
        return Err(Status::WrongState);
    }
    if shared.battery_is_empty() {
        return Err(Status::BatteryTooLow);
    }
    let samples_per_frame = rate.samples_per_frame(session.connection.raw().att_mtu());
    let was_streaming = shared.consumer.replace(Some(Consumer::Measurement)).is_some();
    let Outcome::Done { next_sequence } = shared.ask(Order::Start { rate, samples_per_frame }).await else {
        shared.consumer.set(None);
        shared.on(Event::StreamStopped);
        return Err(Status::HardwareFailure);
    };
    shared.on(Event::StreamStarted);
    if !was_streaming {
        ask_for_streaming_interval(session).await;
    }
    let boot_number = shared.settings.lock().await.boot_number;
    Ok(Answer::started(head, rate.hz(), shared.time_us(), next_sequence, boot_number))
}

/// A central may refuse; the stream then runs at the interval that it chose.
pub async fn ask_for_streaming_interval<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let _ = session.connection.raw().update_connection_params(session.stack, &STREAMING).await;
}

async fn stop<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, head: Head) -> Answer {
    let shared = session.shared;
    let mut next_sequence = shared.next_sequence.get();
    if shared.consumer.get() == Some(Consumer::Measurement) {
        if let Outcome::Done { next_sequence: next } = shared.ask(Order::Stop).await {
            next_sequence = next;
        }
        session.send_waiting_frames().await;
        shared.consumer.set(None);
        shared.on(Event::StreamStopped);
    }
    Answer::stopped(head, shared.time_us(), next_sequence)
}

async fn statistics<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    head: Head,
    page: Page,
) -> Answer {
    let shared = session.shared;
    let settings = shared.settings.lock().await;
    match page {
        Page::Counters => {
            let counters = Counters {
                uptime_s: (shared.now_us() / 1_000_000) as u32,
                overruns: shared.overruns.get(),
                notifications_dropped: shared.notifications_dropped.get(),
                boot_number: settings.boot_number,
                reset_cause: shared.identity.reset_cause as u8,
            };
            Answer::statistics(head, &counters.encode())
        }
        Page::SelfTest => {
            let not_run = SelfTest::not_run(shared.battery_mv.get());
            Answer::statistics(head, &shared.self_test.get().unwrap_or(not_run).encode())
        }
        Page::Crash => Answer::statistics(head, &settings.crash.encode()),
    }
}

async fn set_label<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    label: &str,
) -> Result<(), Status> {
    let label = String::try_from(label).map_err(|_| Status::WrongLength)?;
    let mut settings = session.shared.settings.lock().await;
    settings.set_label(label).await.map_err(|_| Status::StorageFailure)?;
    drop(settings);
    session.table.refresh(session.shared).await;
    Ok(())
}

async fn write_calibration<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    offset: u8,
    data: &[u8],
) -> Result<(), Status> {
    let shared = session.shared;
    if shared.consumer.get().is_some() {
        return Err(Status::WrongState);
    }
    let piece = session.assembly.borrow_mut().add(offset, data);
    let Some(record) = piece? else {
        return Ok(());
    };
    let calibration = Calibration::decode(&record).map_err(|error| match error {
        RecordError::Crc => Status::CrcMismatch,
        RecordError::Version => Status::VersionNotSupported,
        RecordError::Length | RecordError::Value => Status::OutOfRange,
    })?;
    let record = record.into_array().map_err(|_| Status::OutOfRange)?;
    let mut settings = shared.settings.lock().await;
    settings.set_calibration(record).await.map_err(|_| Status::StorageFailure)?;
    shared.calibration.set(Some(calibration));
    Ok(())
}

async fn self_test<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) -> Result<(), Status> {
    let shared = session.shared;
    if shared.consumer.get().is_some() {
        return Err(Status::WrongState);
    }
    if shared.battery_mv.get() < battery::EMPTY_MV {
        return Err(Status::BatteryTooLow);
    }
    if let Outcome::Tested(result) = shared.ask(Order::SelfTest).await {
        shared.self_test.set(Some(result));
    }
    Ok(())
}
