//! Centrals that held the link without ever encrypting it. Each finds the link closed for a while when it comes back, so
//! that one that reconnects for ever does not keep the owner out.

use heapless::Vec;

/// How long the first one dropped stays out; twice as long each further time.
const FIRST_US: u64 = 30_000_000;
const DOUBLINGS_MAX: u8 = 4;
const STRANGERS_MAX: usize = 8;

/// A Bluetooth address and its kind.
pub type PeerAddress = (u8, [u8; 6]);

#[derive(Debug, Clone, Copy)]
struct Stranger {
    address: PeerAddress,
    doublings: u8,
    until_us: u64,
}

/// Who is kept out, and until when.
#[derive(Debug, Clone, Default)]
pub struct Strangers(Vec<Stranger, STRANGERS_MAX>);

impl Strangers {
    /// A central was dropped because it did not encrypt its link.
    pub fn dropped(&mut self, address: PeerAddress, now_us: u64) {
        let known = self.0.iter().position(|stranger| stranger.address == address);
        let doublings = known
            .map(|i| self.0.swap_remove(i))
            .map_or(0, |stranger| (stranger.doublings + 1).min(DOUBLINGS_MAX));
        if self.0.is_full()
            && let Some((i, _)) = self.0.iter().enumerate().min_by_key(|(_, stranger)| stranger.until_us)
        {
            self.0.swap_remove(i);
        }
        let until_us = now_us + (FIRST_US << doublings);
        // There is room by now.
        let _ = self.0.push(Stranger { address, doublings, until_us });
    }

    /// Whether a central that just connected is to be sent away at once.
    #[must_use]
    pub fn keeps_out(&self, address: PeerAddress, now_us: u64) -> bool {
        self.0.iter().any(|stranger| stranger.address == address && now_us < stranger.until_us)
    }

    /// A central has encrypted its link.
    pub fn forgive(&mut self, address: PeerAddress) {
        self.0.retain(|stranger| stranger.address != address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    fn address(n: u8) -> PeerAddress {
        (1, [n; 6])
    }

    #[test]
    fn who_comes_back_again_and_again_stays_out_longer() {
        let mut strangers = Strangers::default();
        assert!(!strangers.keeps_out(address(1), 0));
        let mut now_us = 0;
        let mut waits_s = std::vec![];
        for _ in 0..7 {
            strangers.dropped(address(1), now_us);
            let out_s = (1..).find(|s| !strangers.keeps_out(address(1), now_us + s * SECOND_US)).unwrap();
            waits_s.push(out_s);
            now_us += out_s * SECOND_US;
        }
        assert_eq!(waits_s, [30, 60, 120, 240, 480, 480, 480]);
        assert!(!strangers.keeps_out(address(2), now_us - SECOND_US));
        strangers.forgive(address(1));
        assert!(!strangers.keeps_out(address(1), now_us - SECOND_US));
    }

    #[test]
    fn a_crowd_pushes_out_those_who_are_free_soonest() {
        let mut strangers = Strangers::default();
        for n in 0..=STRANGERS_MAX as u8 {
            strangers.dropped(address(n), u64::from(n));
        }
        assert!(!strangers.keeps_out(address(0), 1));
        assert!((1..=STRANGERS_MAX as u8).all(|n| strangers.keeps_out(address(n), 100)));
    }
}
