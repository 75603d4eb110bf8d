//! Being found: advertising while no one is connected, looking at the tension on standby.

use core::convert::Infallible;
use core::pin::pin;

use bandsense_core::power::{Event, Peek, State};
use embassy_futures::select::{Either, Either4, select, select4};
use embassy_time::Timer;
use trouble_host::prelude::*;

use crate::advertising_payload::{AdvertisingPayload, interval, parameters};
use crate::board::{Board, Exit, Radio};
use crate::gatt_server::GattTable;
use crate::ignore;
use crate::sensor_state::{SamplerCommand, SamplerReply, SensorState};
use crate::session;

/// Pause after the controller refused.
const RETRY: embassy_time::Duration = embassy_time::Duration::from_secs(1);
/// A pull that wakes moves the count by at least this much of a 24-bit range: 1 %.
const WAKE_COUNTS: u32 = 1 << 24 >> 7;

/// Advertise, serve who connects, stand by, switch off.
pub async fn advertise_loop<'a, B: Board, C: Radio>(
    sensor: &'a SensorState<B>,
    stack: &'a Stack<'_, C, DefaultPacketPool>,
    table: &'a GattTable<'_>,
) -> Infallible {
    let mut peripheral = stack.peripheral();
    loop {
        if sensor.state() == State::Off {
            sensor.exit.signal(Exit::PowerOff);
            core::future::pending::<()>().await;
        }
        match wait_for_central(sensor, &mut peripheral).await {
            Ok(Some(connection)) => {
                session::serve(sensor, stack, table, &mut peripheral, connection).await;
            }
            Ok(None) => {}
            Err(_) => Timer::after(RETRY).await,
        }
    }
}

/// Advertise until a central connects; `None` when advertising has to begin anew in another way.
async fn wait_for_central<'s, B: Board, C: Radio>(
    sensor: &SensorState<B>,
    peripheral: &mut Peripheral<'s, C, DefaultPacketPool>,
) -> Result<Option<Connection<'s, DefaultPacketPool>>, BleHostError<C::Error>> {
    let Some(every) = interval(sensor) else {
        return Ok(None);
    };
    let payload = AdvertisingPayload::of(sensor);
    sensor.link_security.ended.reset();
    let advertiser = peripheral.advertise(&parameters(every), payload.connectable()).await?;
    let mut accepted = pin!(advertiser.accept());
    let mut looking = pin!(look_at_tension(sensor));
    loop {
        let link_ended = sensor.link_security.ended.wait();
        match select4(&mut accepted, sensor.status_changed.wait(), &mut looking, link_ended).await {
            Either4::First(connection) => {
                return Ok(connection.ok().inspect(|link| allow_bonds(sensor, link)));
            }
            Either4::Second(()) if interval(sensor) != Some(every) => return Ok(None),
            Either4::Second(()) => {
                let payload = AdvertisingPayload::of(sensor);
                let mut updated = pin!(peripheral.update_adv_data(payload.connectable()));
                // A central that connects meanwhile may ask to pair before the controller has answered.
                match select(&mut accepted, &mut updated).await {
                    Either::First(connection) => {
                        let connection = connection.ok().inspect(|link| allow_bonds(sensor, link));
                        ignore(updated.await, "nobody can connect any more");
                        return Ok(connection);
                    }
                    Either::Second(updated) => updated?,
                }
            }
            // The state has changed, which is told like every change.
            Either4::Third(()) => return Ok(None),
            // It began and ended before it could be accepted: the controller has stopped advertising for it.
            Either4::Fourth(()) => return Ok(None),
        }
    }
}

/// Let the host bond on a link, which a pairing request waits for (`hci_filter`).
fn allow_bonds<B: Board>(sensor: &SensorState<B>, link: &Connection<'_, DefaultPacketPool>) {
    ignore(link.set_bondable(true), "a link that is gone shows as such");
    sensor.link_security.bondable.set(true);
}

/// On standby, look at the tension now and then, until it has changed.
async fn look_at_tension<B: Board>(sensor: &SensorState<B>) {
    if sensor.state() != State::Standby {
        return core::future::pending().await;
    }
    let mut peek = Peek::default();
    loop {
        if let SamplerReply::Counts(counts) = sensor.request(SamplerCommand::Peek).await
            && peek.moved(counts, WAKE_COUNTS)
        {
            sensor.on(Event::TensionSeen);
            return;
        }
        Timer::after_micros(B::TIMINGS.peek_us).await;
    }
}
