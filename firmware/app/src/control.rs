//! Carries out what the control point is asked for.

use bandsense_core::battery::supply_page;
use bandsense_core::calibration::{Calibration, RecordError};
use bandsense_core::control::{Answer, Head, Request, Status, decode};
use bandsense_core::rate::Rate;
use bandsense_core::statistics::{Counters, Page, SelfTest};
use heapless::String;

use crate::board::{Board, Radio};
use crate::connection::{ControlWrite, Forget, Session};
use crate::sensor_state::{Consumer, SamplerCommand, SamplerReply};
use crate::streaming;

/// Carry out a request.
pub async fn handle<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, asked: &ControlWrite) -> Answer {
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
    let sensor = session.sensor;
    match request {
        Request::Start(rate) => return start(session, head, rate).await,
        Request::Stop => return Ok(stop(session, head).await),
        Request::TimeMark => {
            let boot_number = sensor.settings.lock().await.boot_number;
            return Ok(Answer::time_mark(head, arrived_us, sensor.stream.next_sequence.get(), boot_number));
        }
        Request::ReadStatistics(page) => return Ok(statistics(session, head, page).await),
        Request::ReadCalibration { offset } => {
            let record = sensor.settings.lock().await.calibration;
            let record = record.as_ref().map_or(&[][..], |record| record);
            return Answer::calibration(head, record, offset, session.connection.raw().att_mtu());
        }
        Request::Identify { seconds } => sensor.identify(seconds),
        Request::Sleep => session.sleep.set(true),
        Request::SetLabel(label) => set_label(session, label).await?,
        Request::WriteCalibration { offset, data, .. } => write_calibration(session, offset, data).await?,
        Request::OpenPairing { seconds } => sensor.open_pairing(seconds),
        Request::ForgetBonds { everyone } => {
            session.forget.set(Some(if everyone { Forget::Everyone } else { Forget::Caller }));
        }
        Request::SelfTest => self_test(session).await?,
        Request::SetOptions(options) => {
            require_no_stream(session)?;
            let mut settings = sensor.settings.lock().await;
            settings.set_options(options).await.map_err(|_| Status::StorageFailure)?;
            drop(settings);
            session.table.refresh(sensor).await;
        }
    }
    Ok(Answer::done(head))
}

async fn start<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    head: Head,
    rate: Rate,
) -> Result<Answer, Status> {
    let sensor = session.sensor;
    if sensor.stream.consumer.get() == Some(Consumer::Progressor) {
        return Err(Status::WrongState);
    }
    if sensor.power.supply.get().is_empty() {
        return Err(Status::BatteryTooLow);
    }
    let samples_per_frame = rate.samples_per_frame(session.connection.raw().att_mtu());
    let started = streaming::start(session, Consumer::Measurement, rate, samples_per_frame).await;
    let next_sequence = started.map_err(|_| Status::HardwareFailure)?;
    let boot_number = sensor.settings.lock().await.boot_number;
    Ok(Answer::started(head, rate.hz(), sensor.time_us(), next_sequence, boot_number))
}

async fn stop<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, head: Head) -> Answer {
    let next_sequence = streaming::stop(session, Consumer::Measurement).await;
    let answer = Answer::stopped(head, session.sensor.time_us(), next_sequence);
    streaming::serve_force(session).await;
    answer
}

/// What would write flash, or needs the converter for itself, waits until the stream is stopped: a sample that is late or
/// lost is flagged, but better not made.
fn require_no_stream<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) -> Result<(), Status> {
    match session.sensor.stream.consumer.get() {
        None | Some(Consumer::Force) => Ok(()),
        Some(Consumer::Measurement | Consumer::Progressor) => Err(Status::WrongState),
    }
}

async fn statistics<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    head: Head,
    page: Page,
) -> Answer {
    let sensor = session.sensor;
    let settings = sensor.settings.lock().await;
    match page {
        Page::Counters => {
            let counters = Counters {
                uptime_s: (sensor.now_us() / 1_000_000) as u32,
                overruns: sensor.stream.overruns.get(),
                notifications_dropped: sensor.stream.notifications_dropped.get(),
                boot_number: settings.boot_number,
                reset_cause: sensor.identity.reset_cause as u8,
            };
            Answer::statistics(head, &counters.encode())
        }
        Page::SelfTest => {
            let not_run = SelfTest::not_run(sensor.power.supply.get().cell_mv);
            Answer::statistics(head, &sensor.self_test.get().unwrap_or(not_run).encode())
        }
        Page::Crash => Answer::statistics(head, &settings.crash.encode()),
        Page::Supply => {
            let power = &sensor.power;
            Answer::statistics(head, &supply_page(power.supply.get(), power.temperature_centi_c.get()))
        }
    }
}

async fn set_label<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    label: &str,
) -> Result<(), Status> {
    require_no_stream(session)?;
    let label = String::try_from(label).map_err(|_| Status::WrongLength)?;
    let mut settings = session.sensor.settings.lock().await;
    settings.set_label(label).await.map_err(|_| Status::StorageFailure)?;
    drop(settings);
    session.table.refresh(session.sensor).await;
    Ok(())
}

async fn write_calibration<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    offset: u8,
    data: &[u8],
) -> Result<(), Status> {
    let sensor = session.sensor;
    require_no_stream(session)?;
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
    let mut settings = sensor.settings.lock().await;
    settings.set_calibration(record).await.map_err(|_| Status::StorageFailure)?;
    sensor.stream.calibration.set(Some(calibration));
    Ok(())
}

async fn self_test<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) -> Result<(), Status> {
    let sensor = session.sensor;
    require_no_stream(session)?;
    if sensor.power.supply.get().is_empty() {
        return Err(Status::BatteryTooLow);
    }
    streaming::stop(session, Consumer::Force).await;
    if let SamplerReply::Tested(result) = sensor.request(SamplerCommand::SelfTest).await {
        sensor.self_test.set(Some(result));
    }
    streaming::serve_force(session).await;
    Ok(())
}
