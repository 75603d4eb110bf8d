//! Who may pair, when, and which bonds are kept (docs/protocol.md section 8).

use heapless::Vec;

use crate::bytes::{Reader, Writer};

/// Bonds that are kept.
pub const BONDS_MAX: usize = 4;
/// How long the button or a factory reset opens the pairing window.
pub const WINDOW_SECONDS: u8 = 60;

/// The time in which pairing is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    open_until_us: u64,
}

impl Window {
    /// Open the window from now on; 0 s closes it.
    pub fn open(&mut self, now_us: u64, seconds: u8) {
        self.open_until_us = if seconds == 0 { 0 } else { now_us + u64::from(seconds) * 1_000_000 };
    }

    /// Close the window.
    pub const fn close(&mut self) {
        self.open_until_us = 0;
    }

    /// Whether pairing is accepted now.
    #[must_use]
    pub const fn is_open(&self, now_us: u64) -> bool {
        now_us < self.open_until_us
    }
}

/// What makes a central known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bond {
    /// Type of the identity address: 0 public, 1 random.
    pub address_kind: u8,
    /// Identity address, least significant byte first.
    pub address: [u8; 6],
    /// Identity resolving key, if the central has one.
    pub irk: Option<[u8; 16]>,
    /// Long-term key.
    pub ltk: [u8; 16],
    /// Paired with a passkey.
    pub authenticated: bool,
}

/// Bytes of a stored bond.
pub const BOND_LENGTH: usize = 1 + 6 + 1 + 16 + 16 + 1 + 4;

impl Bond {
    fn is_same_central(&self, other: &Self) -> bool {
        self.address_kind == other.address_kind && self.address == other.address
    }

    /// The bond and its place in the order of use, as it is stored.
    #[must_use]
    pub fn encode(&self, used: u32) -> Vec<u8, BOND_LENGTH> {
        Writer::new()
            .u8(self.address_kind)
            .bytes(&self.address)
            .u8(u8::from(self.irk.is_some()))
            .bytes(&self.irk.unwrap_or_default())
            .bytes(&self.ltk)
            .u8(u8::from(self.authenticated))
            .u32(used)
            .finish()
    }

    /// A stored bond and its place in the order of use.
    #[must_use]
    pub fn decode(stored: &[u8]) -> Option<(Self, u32)> {
        let mut reader = Reader(stored);
        let address_kind = reader.u8()?;
        let address = reader.array()?;
        let has_irk = reader.u8()? != 0;
        let irk = reader.array()?;
        let bond = Self {
            address_kind,
            address,
            irk: has_irk.then_some(irk),
            ltk: reader.array()?,
            authenticated: reader.u8()? != 0,
        };
        Some((bond, reader.u32()?))
    }
}

/// Most characteristics that a central can subscribe to.
pub const SUBSCRIPTIONS_MAX: usize = 12;

/// What a bonded central subscribed to, which it need not do again (Core Specification 5.4, vol 3, part G, 2.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Which attribute table it saw.
    pub table: [u8; 8],
    /// The low byte of each client characteristic configuration, in the table's order.
    pub configurations: Vec<u8, SUBSCRIPTIONS_MAX>,
}

impl Subscriptions {
    /// Bytes of the longest record.
    pub const LENGTH_MAX: usize = 8 + SUBSCRIPTIONS_MAX;

    /// The record to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, { Self::LENGTH_MAX }> {
        Writer::new().bytes(&self.table).bytes(&self.configurations).finish()
    }

    /// The stored record.
    #[must_use]
    pub fn decode(stored: &[u8]) -> Option<Self> {
        let (table, configurations) = stored.split_first_chunk()?;
        Some(Self { table: *table, configurations: Vec::from_slice(configurations).ok()? })
    }
}

/// A bond with the place where it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which of the [`BONDS_MAX`] places.
    pub place: u8,
    /// Grows with every use of any bond.
    pub used: u32,
    /// The bond.
    pub bond: Bond,
}

/// The bonds that are kept.
#[derive(Debug, Clone, Default)]
pub struct Bonds(Vec<Kept, BONDS_MAX>);

impl Bonds {
    /// Take in a stored bond.
    pub fn restore(&mut self, place: u8, stored: &[u8]) {
        if let Some((bond, used)) = Bond::decode(stored) {
            // There are as many places as the list is long.
            let _ = self.0.push(Kept { place, used, bond });
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.0.iter()
    }

    fn next_use(&self) -> u32 {
        self.0.iter().map(|kept| kept.used).max().map_or(0, |used| used.wrapping_add(1))
    }

    /// Keep a new bond. Gives it with its place, and the bond that had to go for it.
    pub fn add(&mut self, bond: Bond) -> (Kept, Option<Bond>) {
        let used = self.next_use();
        let replaced = self.0.iter().position(|kept| kept.bond.is_same_central(&bond)).or_else(|| {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, kept)| kept.used);
            oldest.filter(|_| self.0.is_full()).map(|(i, _)| i)
        });
        let gone = replaced.map(|i| self.0.swap_remove(i));
        let place = gone.map_or_else(|| self.free_place(), |kept| kept.place);
        let kept = Kept { place, used, bond };
        let _ = self.0.push(kept);
        (kept, gone.map(|kept| kept.bond).filter(|old| !old.is_same_central(&bond)))
    }

    /// A central came back. Gives its bond where the order of use has changed.
    pub fn touch(&mut self, address_kind: u8, address: [u8; 6]) -> Option<Kept> {
        let next_use = self.next_use();
        let kept = self
            .0
            .iter_mut()
            .find(|kept| kept.bond.address_kind == address_kind && kept.bond.address == address)?;
        if kept.used.wrapping_add(1) == next_use {
            return None;
        }
        kept.used = next_use;
        Some(*kept)
    }

    /// Where the bond of a central is kept.
    #[must_use]
    pub fn place_of(&self, address_kind: u8, address: [u8; 6]) -> Option<u8> {
        let is_it = |kept: &&Kept| kept.bond.address_kind == address_kind && kept.bond.address == address;
        self.0.iter().find(is_it).map(|kept| kept.place)
    }

    /// Forget one central. Gives the place that is free now.
    pub fn remove(&mut self, address_kind: u8, address: [u8; 6]) -> Option<Kept> {
        let i = self
            .0
            .iter()
            .position(|kept| kept.bond.address_kind == address_kind && kept.bond.address == address)?;
        Some(self.0.swap_remove(i))
    }

    /// Forget all centrals.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn free_place(&self) -> u8 {
        (0..BONDS_MAX as u8).find(|place| self.0.iter().all(|kept| kept.place != *place)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bond(n: u8) -> Bond {
        Bond {
            address_kind: 1,
            address: [n; 6],
            irk: n.is_multiple_of(2).then_some([n; 16]),
            ltk: [n; 16],
            authenticated: false,
        }
    }

    #[test]
    fn the_window_closes_by_itself() {
        let mut window = Window::default();
        assert!(!window.is_open(0));
        window.open(5, 1);
        assert!(window.is_open(5) && window.is_open(1_000_004) && !window.is_open(1_000_005));
        window.open(5, 0);
        assert!(!window.is_open(5));
    }

    #[test]
    fn bonds_survive_storage() {
        for n in [2, 3] {
            assert_eq!(Bond::decode(&bond(n).encode(7)), Some((bond(n), 7)));
        }
        assert_eq!(Bond::decode(&[0; BOND_LENGTH - 1]), None);
    }

    #[test]
    fn subscriptions_survive_storage() {
        let kept = Subscriptions { table: [7; 8], configurations: Vec::from_slice(&[2, 0, 1]).unwrap() };
        assert_eq!(Subscriptions::decode(&kept.encode()), Some(kept));
        assert_eq!(Subscriptions::decode(&[0; 7]), None);
        assert_eq!(Subscriptions::decode(&[0; Subscriptions::LENGTH_MAX + 1]), None);
    }

    #[test]
    fn a_fifth_bond_replaces_the_one_used_longest_ago() {
        let mut bonds = Bonds::default();
        for n in 0..4 {
            assert_eq!(bonds.add(bond(n)).1, None);
        }
        bonds.touch(1, [0; 6]).unwrap();
        let (kept, gone) = bonds.add(bond(9));
        assert_eq!(gone, Some(bond(1)));
        assert_eq!(bonds.iter().count(), 4);
        assert_eq!(bonds.iter().filter(|other| other.place == kept.place).count(), 1);
    }

    #[test]
    fn a_central_that_pairs_again_keeps_its_place() {
        let mut bonds = Bonds::default();
        let first = bonds.add(bond(1)).0;
        bonds.add(bond(2));
        let (again, gone) = bonds.add(Bond { ltk: [7; 16], ..bond(1) });
        assert_eq!((again.place, gone), (first.place, None));
        assert_eq!(bonds.iter().count(), 2);
        assert_eq!(bonds.place_of(1, [1; 6]), Some(first.place));
        assert_eq!(bonds.place_of(0, [1; 6]), None);
        assert_eq!(bonds.touch(1, [1; 6]), None, "it is the newest already");
        assert_eq!(bonds.remove(1, [1; 6]).unwrap().place, first.place);
        assert_eq!(bonds.add(bond(3)).0.place, first.place);
    }
}
