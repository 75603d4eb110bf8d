//! What goes on the air, and how often.

use bandsense_core::advertising::{ADVERTISEMENT_MAX, SERVICE_UUID, SHORTENED_NAME, scan_response};
use bandsense_core::control::OPTION_PROGRESSOR;
use bandsense_core::power::State;
use bandsense_core::progressor;
use embassy_time::Duration;
use heapless::Vec;
use trouble_host::prelude::*;

use crate::board::Board;
use crate::sensor_state::SensorState;

/// Apple's accessory guidelines ask for it in the first 30 s, in which a person waits.
const FAST: Duration = Duration::from_millis(20);
/// While somebody is about to pair, for longer than those 30 s. This and the following are intervals that the same
/// guidelines recommend for the long run.
const PAIRING: Duration = Duration::from_micros(152_500);
const SLOW: Duration = Duration::from_micros(1_022_500);
const STANDBY: Duration = Duration::from_micros(1_285_000);
/// The interval while connected: for a second client that wants to know who is in the way.
pub const WHILE_CONNECTED: Duration = SLOW;

/// Advertising data and scan response.
pub struct AdvertisingPayload {
    advertisement: Vec<u8, ADVERTISEMENT_MAX>,
    scan_response: Vec<u8, ADVERTISEMENT_MAX>,
}

impl AdvertisingPayload {
    pub fn of<B: Board>(sensor: &SensorState<B>) -> Self {
        let progressor_on = sensor.options.get() & OPTION_PROGRESSOR != 0;
        let (service, name) = if progressor_on {
            (progressor::SERVICE_UUID, progressor::NAME_PREFIX)
        } else {
            (SERVICE_UUID, SHORTENED_NAME)
        };
        Self {
            advertisement: sensor.service_data().advertisement(),
            scan_response: scan_response(service, name),
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
pub fn interval<B: Board>(sensor: &SensorState<B>) -> Option<Duration> {
    match sensor.state() {
        State::AdvertisingFast => Some(FAST),
        State::AdvertisingSlow if sensor.pairing_is_open() => Some(PAIRING),
        State::AdvertisingSlow => Some(SLOW),
        State::Standby => Some(STANDBY),
        State::Connected | State::Streaming | State::Off => None,
    }
}
