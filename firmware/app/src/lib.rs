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

mod advertise;
mod board;
mod control;
mod duties;
mod gate;
mod progressor;
mod sampling;
mod session;
mod shared;
mod table;
mod update;

pub use board::{Board, Exit, Parts, Radio, Restart};

use bandsense_core::control::OPTION_PROGRESSOR;
use bandsense_core::hal::System;
use bandsense_core::pairing::{Bond, WINDOW_SECONDS};
use bandsense_core::settings::Settings;
use bandsense_core::store::StoreError;
use embassy_futures::join::join5;
use embassy_futures::select::{Either3, select3};
use trouble_host::prelude::*;

use crate::gate::Gate;
use crate::shared::Shared;
use crate::table::{Strings, Table, Values};

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
    // The very first advertisement tells the battery.
    let battery_mv = system.battery_mv().await;
    let shared = Shared::<B>::new(identity, clock, settings, system, battery_mv, update);
    {
        let settings = shared.settings.lock().await;
        if settings.factory_new {
            shared.open_pairing(WINDOW_SECONDS);
        }
        shared.progressor_on.set(cfg!(feature = "progressor") && settings.options & OPTION_PROGRESSOR != 0);
    }

    let gate = Gate::new(controller, || shared.pairing_is_open(), &shared.key_wanted);
    let capabilities = match identity.passkey {
        Some(_) => IoCapabilities::DisplayOnly,
        None => IoCapabilities::NoInputNoOutput,
    };
    let stack = trouble_host::new(gate, resources)
        .set_random_address(Address::random(identity.address))
        .set_io_capabilities(capabilities)
        .set_passkey(identity.passkey)
        .build();
    for kept in shared.settings.lock().await.bonds.iter() {
        // There is room for one more than are kept.
        let _ = stack.add_bond_information(bond_information(&kept.bond));
    }

    let strings = Strings::new(&identity);
    let mut values = Values::default();
    let table = Table::build(&strings, &mut values, &shared);
    let mut runner = stack.runner();
    let work = join5(
        sampling::sample(&shared, adc),
        advertise::be_found(&shared, &stack, &table),
        duties::watch_button(&shared, button),
        duties::show_light(&shared, light),
        duties::keep_house(&shared),
    );
    match select3(runner.run(), work, shared.exit.wait()).await {
        Either3::First(Err(error)) => Err(Failure::Controller(error)),
        Either3::First(Ok(())) => Ok(Exit::Restart(Restart::Plain)),
        Either3::Second((never, ..)) => match never {},
        Either3::Third(exit) => Ok(exit),
    }
}

/// A kept bond as the Bluetooth host wants it.
fn bond_information(bond: &Bond) -> BondInformation {
    let level =
        if bond.authenticated { connection_level::AUTHENTICATED } else { connection_level::ENCRYPTED };
    let kind = AddrKind::new(bond.address_kind);
    let identity = Identity {
        addr: Address::new(kind, BdAddr::new(bond.address)),
        irk: bond.irk.and_then(IdentityResolvingKey::from_le_bytes),
    };
    BondInformation::new(identity, LongTermKey::from_le_bytes(bond.ltk), level, true)
}

/// A new bond as it is kept.
fn kept_bond(bond: &BondInformation) -> Bond {
    Bond {
        address_kind: bond.identity.addr.kind.into_inner() & 1,
        address: bond.identity.addr.addr.into_inner(),
        irk: bond.identity.irk.map(IdentityResolvingKey::to_le_bytes),
        ltk: bond.ltk.to_le_bytes(),
        authenticated: bond.security_level.authenticated(),
    }
}

mod connection_level {
    use trouble_host::connection::SecurityLevel;

    pub const ENCRYPTED: SecurityLevel = SecurityLevel::Encrypted;
    pub const AUTHENTICATED: SecurityLevel = SecurityLevel::EncryptedAuthenticated;
}
