//! The Bluetooth application of a bandsense sensor, for any controller and any board.
//!
//! [`run`] is the whole sensor: it advertises, pairs, measures and answers until it is to sleep or to restart. A board
//! brings its parts as a [`Board`]; the host program brings simulated ones and is otherwise the same.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo
)]

#[cfg(test)]
extern crate std;

// In strata, each of which knows those before it: what everybody shares; the connection; its handlers; its life; being
// found.
mod board;
mod hci_filter;
mod log;
mod sensor_state;

mod advertising_payload;
mod connection;
mod gatt_server;

mod bonds;
mod control;
mod progressor;
mod sampling;
mod streaming;
mod tasks;
mod update;

mod session;

mod advertise;

mod remote_adc;

pub use board::{Board, Exit, Parts, Radio, Restart};
pub use remote_adc::{AdcLink, RemoteAdc};

use bandsense_core::hal::System;
use bandsense_core::pairing::WINDOW_SECONDS;
use bandsense_core::settings::Settings;
use bandsense_core::store::StoreError;
use embassy_futures::join::{join, join5};
use embassy_futures::select::{Either3, select3};
use trouble_host::prelude::*;

use crate::gatt_server::{GattTable, Strings, Values};
use crate::hci_filter::HciFilter;
use crate::sensor_state::SensorState;

/// Connections at a time: one central.
const CONNECTIONS: usize = 1;
/// L2CAP channels: signalling and attributes.
const CHANNELS: usize = 2;
const ADVERTISING_SETS: usize = 1;
/// One more than is kept: a fifth bond exists until the oldest is dropped.
const BONDS: usize = bandsense_core::pairing::BONDS_MAX + 1;

/// Memory of the Bluetooth host.
pub type Resources = HostResources<DefaultPacketPool, CONNECTIONS, CHANNELS, ADVERTISING_SETS, BONDS>;

/// Why the sensor stopped without being asked.
#[derive(Debug)]
pub enum Failure<E> {
    /// The settings could not be read or written at boot.
    Storage(StoreError),
    /// The controller is gone.
    Controller(BleHostError<E>),
}

/// Be a sensor.
///
/// # Errors
/// When the flash does not work at boot, or the controller stops working. The board then resets.
pub async fn run<B: Board, C>(
    controller: C,
    resources: &mut Resources,
    parts: Parts<B>,
) -> Result<Exit, Failure<C::Error>>
where
    C: Radio,
{
    let Parts { identity, flash, settings_base, adc, clock, button, light, mut system, update } = parts;
    let settings = Settings::load(flash, settings_base, identity.crash).await.map_err(Failure::Storage)?;
    // The very first advertisement tells of the battery.
    let supply = system.supply().await;
    let sensor = SensorState::<B>::new(identity, clock, settings, system, supply, update);
    if sensor.settings.lock().await.factory_new {
        sensor.open_pairing(WINDOW_SECONDS);
    }

    let filter = HciFilter::new(controller, || sensor.pairing_is_open(), &sensor.link_security);
    let capabilities = match identity.passkey {
        Some(_) => IoCapabilities::DisplayOnly,
        None => IoCapabilities::NoInputNoOutput,
    };
    let stack = trouble_host::new(filter, resources)
        .set_random_address(Address::random(identity.address))
        .set_io_capabilities(capabilities)
        .set_passkey(identity.passkey);
    let stack =
        match identity.irk.filter(|_| sensor.is_private()).and_then(IdentityResolvingKey::from_le_bytes) {
            Some(irk) => stack.enable_privacy(irk),
            None => stack,
        };
    let stack = stack.build();
    for kept in sensor.settings.lock().await.bonds.iter() {
        let added = stack.add_bond_information(bonds::from_stored(&kept.bond));
        ignore(added, "there is room for one more than are kept");
    }

    let strings = Strings::new(&identity);
    let mut values = Values::default();
    let table = GattTable::build(&strings, &mut values, &sensor);
    let mut runner = stack.runner();
    let work = join(
        update::watch_trial(&sensor),
        join5(
            sampling::sample(&sensor, adc),
            advertise::advertise_loop(&sensor, &stack, &table),
            tasks::watch_button(&sensor, button),
            tasks::show_light(&sensor, light),
            tasks::housekeeping(&sensor),
        ),
    );
    match select3(runner.run(), work, sensor.exit.wait()).await {
        Either3::First(Err(error)) => {
            log::warning!("the controller refused or stopped");
            Err(Failure::Controller(error))
        }
        Either3::First(Ok(())) => Ok(Exit::Restart(Restart::Plain)),
        Either3::Second((never, ..)) => match never {},
        Either3::Third(exit) => Ok(exit),
    }
}

/// Pass over a failure, for the reason given.
fn ignore<T, E>(outcome: Result<T, E>, _reason: &'static str) {
    drop(outcome);
}
