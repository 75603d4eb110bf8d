//! Bonds, and what bonded centrals subscribed to: as they are stored and as the Bluetooth host wants them.

use bandsense_core::pairing::{Bond, Subscriptions};
use trouble_host::connection::SecurityLevel;
use trouble_host::prelude::*;

use crate::board::{Board, Radio};
use crate::connection::{Forget, Session};
use crate::ignore;

/// A stored bond as the Bluetooth host wants it.
pub fn from_stored(bond: &Bond) -> BondInformation {
    let level =
        if bond.authenticated { SecurityLevel::EncryptedAuthenticated } else { SecurityLevel::Encrypted };
    let kind = AddrKind::new(bond.address_kind);
    let identity = Identity {
        addr: Address::new(kind, BdAddr::new(bond.address)),
        irk: bond.irk.and_then(IdentityResolvingKey::from_le_bytes),
    };
    BondInformation::new(identity, LongTermKey::from_le_bytes(bond.ltk), level, true)
}

/// A new bond as it is stored.
pub fn to_stored(bond: &BondInformation) -> Bond {
    Bond {
        address_kind: bond.identity.addr.kind.into_inner() & 1,
        address: bond.identity.addr.addr.into_inner(),
        irk: bond.identity.irk.map(IdentityResolvingKey::to_le_bytes),
        ltk: bond.ltk.to_le_bytes(),
        authenticated: bond.security_level.authenticated(),
    }
}

/// Keep a new bond. A central that does not bond would be a stranger the next time: it is sent away.
pub async fn paired<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>, bond: Option<BondInformation>) {
    session.sensor.open_pairing(0);
    let Some(bond) = bond else {
        session.connection.raw().disconnect();
        return;
    };
    let mut settings = session.sensor.settings.lock().await;
    let (kept, gone) = settings.bonds.add(to_stored(&bond));
    if let Some(gone) = gone {
        ignore(
            session.stack.remove_bond_information(from_stored(&gone).identity),
            "gone from the stack already",
        );
    }
    ignore(settings.save_bond(kept).await, "a bond that cannot be stored serves until the next reset");
    ignore(settings.remove_subscriptions(kept.place).await, "its table's hash tells that they are another's");
}

/// A known central is back: restore what it subscribed to, and have it told when the table has changed since.
pub async fn encrypted<B: Board, C: Radio>(
    session: &Session<'_, '_, '_, B, C>,
    bond: Option<BondInformation>,
) {
    session.sensor.strangers.borrow_mut().forgive(session.peer_address());
    let Some(bond) = bond else { return };
    let bond = to_stored(&bond);
    let mut settings = session.sensor.settings.lock().await;
    if let Some(kept) = settings.bonds.touch(bond.address_kind, bond.address) {
        ignore(settings.save_bond(kept).await, "at worst a bond in use is replaced too early");
    }
    let Some(place) = settings.bonds.place_of(bond.address_kind, bond.address) else { return };
    let Ok(Some(kept)) = settings.subscriptions(place).await else { return };
    drop(settings);
    session.table.restore_subscriptions(&session.connection, &kept);
    if kept.table != session.table.digest {
        session.table_known.set(kept.table);
        session.table_changed.signal(());
    }
}

/// The link has ended: keep what a bonded central subscribed to, or forget whom it was asked to forget.
pub async fn link_ended<B: Board, C: Radio>(session: &Session<'_, '_, '_, B, C>) {
    let mut settings = session.sensor.settings.lock().await;
    let (kind, address) = session.peer_address();
    match session.forget.get() {
        None => {
            let Some(place) = settings.bonds.place_of(kind, address) else { return };
            let subscriptions: Option<Subscriptions> = session.table.subscriptions(&session.connection);
            if let Some(subscriptions) = subscriptions {
                let subscriptions = Subscriptions { table: session.table_known.get(), ..subscriptions };
                let saved = settings.save_subscriptions(place, &subscriptions).await;
                ignore(saved, "the central subscribes again");
            }
        }
        Some(Forget::Caller) => {
            if let Some(kept) = settings.bonds.remove(kind, address) {
                ignore(settings.remove_bond(kept.place).await, "it is gone until the next reset at least");
                ignore(
                    session.stack.remove_bond_information(from_stored(&kept.bond).identity),
                    "gone from the stack already",
                );
            }
        }
        Some(Forget::Everyone) => {
            for kept in settings.bonds.iter() {
                ignore(
                    session.stack.remove_bond_information(from_stored(&kept.bond).identity),
                    "gone from the stack already",
                );
            }
            ignore(settings.clear_bonds().await, "they are gone until the next reset at least");
        }
    }
}
