//! Carries update requests between the link and the update server.

use bandsense_update::smp::{ANSWER_LEN, Action};
use embassy_time::{Duration, Timer};
use heapless::Vec;
use trouble_host::prelude::*;

use crate::board::{Board, Radio, Restart};
use crate::session::Session;
use crate::shared::Shared;

/// Longest value that a write or a notification carries: the Bluetooth host's packets less L2CAP and ATT headers.
const PIECE_MAX: usize = DefaultPacketPool::MTU - 4 - 3;
/// Time for the last answer to reach the client before the sensor restarts.
const FAREWELL: Duration = Duration::from_millis(300);

/// A piece of a request.
pub type Piece = Vec<u8, PIECE_MAX>;

/// Answer update requests until the link ends.
pub async fn serve<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let (Some(update), Some(smp)) = (&session.shared.update, &session.table.smp) else {
        return core::future::pending().await;
    };
    let mut answer = [0; ANSWER_LEN];
    loop {
        let piece = session.pieces.receive().await;
        let mut server = update.lock().await;
        let battery_percent = Some(session.shared.battery_percent());
        let Some(length) = server.receive(&piece, battery_percent, &mut answer).await else {
            continue;
        };
        let action = server.take_action();
        drop(server);
        let room = usize::from(session.connection.raw().att_mtu()).saturating_sub(3).clamp(20, PIECE_MAX);
        for piece in answer.get(..length).unwrap_or_default().chunks(room) {
            // An answer that does not get through is asked for again.
            let _ = smp.notify_raw(&session.connection, piece, false).await;
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

/// A central that holds a bond has connected: the running image has shown that it can be reached and updated.
pub async fn confirm<B: Board>(shared: &Shared<B>) {
    if let Some(update) = &shared.update {
        // Where it cannot be noted, the next connection tries again; at worst the old image returns.
        let _ = update.lock().await.confirm().await;
    }
}
