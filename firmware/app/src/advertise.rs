//! Being found: advertising while no one is connected, dozing while no one comes.

use core::convert::Infallible;
use core::pin::pin;

use bandsense_core::advertising::{ADVERTISEMENT_MAX, name, scan_response};
use bandsense_core::power::{Event, Peek, State};
use bandsense_core::progressor;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};
use heapless::Vec;
use trouble_host::prelude::*;

use crate::board::{Board, Exit, Radio};
use crate::session;
use crate::shared::{Order, Outcome, Shared};
use crate::table::Table;

/// Beginning of the advertised name.
const NAME_PREFIX: &str = "bandsense-";
/// Within what Apple's accessory guidelines ask of a device that wants to be found at once.
const FAST: Duration = Duration::from_micros(152_500);
/// One of the intervals that Apple's accessory guidelines recommend for the long run.
const SLOW: Duration = Duration::from_micros(1_022_500);
/// Pause after the controller refused.
const RETRY: Duration = Duration::from_secs(1);
/// A pull that wakes moves the count by at least this much of a 24-bit range: 1 %.
const WAKE_COUNTS: u32 = 1 << 24 >> 7;

/// What goes on the air.
pub struct Beacon {
    advertisement: Vec<u8, ADVERTISEMENT_MAX>,
    scan_response: Vec<u8, ADVERTISEMENT_MAX>,
}

impl Beacon {
    pub fn of<B: Board>(shared: &Shared<B>) -> Self {
        let prefix = if shared.progressor_on.get() { progressor::NAME_PREFIX } else { NAME_PREFIX };
        Self {
            advertisement: shared.service_data().advertisement(),
            scan_response: scan_response(&name(prefix, shared.identity.serial)),
        }
    }

    pub fn connectable(&self) -> Advertisement<'_> {
        Advertisement::ConnectableScannableUndirected {
            adv_data: &self.advertisement,
            scan_data: &self.scan_response,
        }
    }

    pub fn only_scannable(&self) -> Advertisement<'_> {
        Advertisement::NonconnectableScannableUndirected {
            adv_data: &self.advertisement,
            scan_data: &self.scan_response,
        }
    }
}

pub fn parameters(interval: Duration) -> AdvertisementParameters {
    AdvertisementParameters { interval_min: interval, interval_max: interval, ..Default::default() }
}

/// How often to advertise now, if at all.
fn interval<B: Board>(shared: &Shared<B>) -> Option<Duration> {
    match shared.state() {
        State::AdvertisingSlow if !shared.pairing_is_open() => Some(SLOW),
        State::AdvertisingFast | State::AdvertisingSlow => Some(FAST),
        State::Connected | State::Streaming | State::Dozing | State::Off => None,
    }
}

/// The interval while connected: for a second client that wants to know who is in the way.
pub const WHILE_CONNECTED: Duration = SLOW;

/// Advertise, serve who connects, doze, switch off.
pub async fn be_found<'a, B: Board, C: Radio>(
    shared: &'a Shared<B>,
    stack: &'a Stack<'_, C, DefaultPacketPool>,
    table: &'a Table<'_>,
) -> Infallible {
    let mut peripheral = stack.peripheral();
    loop {
        match shared.state() {
            State::Off => {
                shared.exit.signal(Exit::PowerOff);
                core::future::pending::<()>().await;
            }
            State::Dozing => doze(shared).await,
            _ => match wait_for_central(shared, &mut peripheral).await {
                Ok(Some(connection)) => {
                    session::serve(shared, stack, table, &mut peripheral, connection).await;
                }
                Ok(None) => {}
                Err(_) => Timer::after(RETRY).await,
            },
        }
    }
}

/// Advertise until a central connects; `None` when advertising has to begin anew in another way.
async fn wait_for_central<'s, B: Board, C: Radio>(
    shared: &Shared<B>,
    peripheral: &mut Peripheral<'s, C, DefaultPacketPool>,
) -> Result<Option<Connection<'s, DefaultPacketPool>>, BleHostError<C::Error>> {
    let Some(every) = interval(shared) else {
        return Ok(None);
    };
    let beacon = Beacon::of(shared);
    let advertiser = peripheral.advertise(&parameters(every), beacon.connectable()).await?;
    let mut accepted = pin!(advertiser.accept());
    loop {
        match select(&mut accepted, shared.news.wait()).await {
            Either::First(connection) => return Ok(connection.ok()),
            Either::Second(()) if interval(shared) != Some(every) => return Ok(None),
            Either::Second(()) => peripheral.update_adv_data(Beacon::of(shared).connectable()).await?,
        }
    }
}

/// Radio off; look at the tension now and then.
async fn doze<B: Board>(shared: &Shared<B>) {
    let mut peek = Peek::default();
    while shared.state() == State::Dozing {
        if let Outcome::Counts(counts) = shared.ask(Order::Peek).await
            && peek.moved(counts, WAKE_COUNTS)
        {
            shared.on(Event::TensionSeen);
        }
        select(Timer::after_micros(B::TIMINGS.peek_us), shared.news.wait()).await;
    }
}
