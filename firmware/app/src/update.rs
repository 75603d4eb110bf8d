//! Carries update requests between the link and the update server.

use core::convert::Infallible;

use bandsense_update::smp::{ANSWER_LEN, Action};
use embassy_time::{Duration, Timer};

use crate::board::{Board, Exit, Radio, Restart};
use crate::connection::{FRAGMENT_MAX, Session};
use crate::ignore;
use crate::sensor_state::SensorState;

/// Time for the last answer to reach the client before the sensor restarts.
const FAREWELL: Duration = Duration::from_millis(300);

/// Answer update requests until the link ends.
pub async fn serve<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let (Some(update), Some(smp)) = (&session.sensor.update, &session.table.smp) else {
        return core::future::pending().await;
    };
    let mut answer = [0; ANSWER_LEN];
    loop {
        let fragment = session.fragments.receive().await;
        if !session.uploading.replace(true) {
            session.traffic_changed.signal(());
        }
        let mut server = update.lock().await;
        let battery_percent = Some(session.sensor.battery_level());
        let Some(length) = server.receive(&fragment, battery_percent, &mut answer).await else {
            continue;
        };
        let action = server.take_action();
        drop(server);
        let room = usize::from(session.connection.raw().att_mtu()).saturating_sub(3).clamp(20, FRAGMENT_MAX);
        for fragment in answer.get(..length).unwrap_or_default().chunks(room) {
            let sent = smp.notify_raw(&session.connection, fragment, false).await;
            ignore(sent, "an answer that does not get through is asked for again");
        }
        if let Some(action) = action {
            restart(session, action).await;
        }
    }
}

/// End the link; the sensor restarts once it has ended.
async fn restart<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, action: Action) {
    Timer::after(FAREWELL).await;
    session.restart.set(Some(match action {
        Action::Restart => Restart::Update,
        Action::RestartToUsb => Restart::ToUsb,
    }));
    session.connection.raw().disconnect();
}

/// Give way to the image before when this one is still on trial after [`Board::TRIAL`].
pub async fn watch_trial<B: Board>(sensor: &SensorState<B>) -> Infallible {
    Timer::after(B::TRIAL).await;
    if let Some(update) = &sensor.update
        && matches!(update.lock().await.is_confirmed().await, Ok(false))
    {
        sensor.exit.signal(Exit::Restart(Restart::Update));
    }
    core::future::pending().await
}

/// A central that holds a bond has connected: the running image has shown that it can be reached and updated.
pub async fn confirm<B: Board>(sensor: &SensorState<B>) {
    if let Some(update) = &sensor.update {
        let confirmed = update.lock().await.confirm().await;
        ignore(confirmed, "the next connection tries again; at worst the old image returns");
    }
}
