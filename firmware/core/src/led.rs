//! The language of the light.
//!
//! | what is seen | what it means |
//! |---|---|
//! | white, four times a second | *identify*: this is the one |
//! | blue, twice a second | pairing is open |
//! | red twice, every 3 s | the converter does not answer |
//! | red once, every 4 s | battery low |
//! | green once, every 2 s | measuring |
//! | green once, every 4 s | connected |
//! | blue once, every 2 s | waiting for a connection |
//! | blue once, every 8 s | still waiting, to save current |
//! | nothing | asleep |

use crate::hal::Colour;
use crate::power::State;

const OFF: Colour = Colour { red: false, green: false, blue: false };
const RED: Colour = Colour { red: true, green: false, blue: false };
const GREEN: Colour = Colour { red: false, green: true, blue: false };
const BLUE: Colour = Colour { red: false, green: false, blue: true };
const WHITE: Colour = Colour { red: true, green: true, blue: true };
/// A flash: seen, but cheap.
const FLASH_MS: u32 = 20;

/// What the light could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedIndication {
    /// A client wants to know which sensor this is.
    pub identify: bool,
    /// The pairing window is open.
    pub pairing_open: bool,
    /// The converter failed.
    pub fault: bool,
    /// The battery is low.
    pub low_battery: bool,
    /// The power state.
    pub state: State,
}

impl LedIndication {
    /// The most important thing to tell, as colours and how long each is shown, ms; it then repeats.
    #[must_use]
    pub const fn pattern(self) -> &'static [(Colour, u32)] {
        match self {
            Self { identify: true, .. } => &[(WHITE, 125), (OFF, 125)],
            Self { state: State::Standby | State::Off, .. } => &[(OFF, 1000)],
            Self { pairing_open: true, .. } => &[(BLUE, 250), (OFF, 250)],
            Self { fault: true, .. } => &[(RED, FLASH_MS), (OFF, 180), (RED, FLASH_MS), (OFF, 2780)],
            Self { low_battery: true, .. } => &[(RED, FLASH_MS), (OFF, 3980)],
            Self { state: State::Streaming, .. } => &[(GREEN, FLASH_MS), (OFF, 1980)],
            Self { state: State::Connected, .. } => &[(GREEN, FLASH_MS), (OFF, 3980)],
            Self { state: State::AdvertisingFast, .. } => &[(BLUE, FLASH_MS), (OFF, 1980)],
            Self { state: State::AdvertisingSlow, .. } => &[(BLUE, FLASH_MS), (OFF, 7980)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] = [
        State::AdvertisingFast,
        State::AdvertisingSlow,
        State::Connected,
        State::Streaming,
        State::Standby,
        State::Off,
    ];

    fn indication(state: State) -> LedIndication {
        LedIndication { identify: false, pairing_open: false, fault: false, low_battery: false, state }
    }

    #[test]
    fn what_is_told_is_ordered_by_importance() {
        let all = LedIndication {
            identify: true,
            pairing_open: true,
            fault: true,
            low_battery: true,
            state: State::Streaming,
        };
        assert_eq!(all.pattern()[0].0, WHITE);
        assert_eq!(LedIndication { identify: false, ..all }.pattern()[0], (BLUE, 250));
        assert_eq!(LedIndication { identify: false, pairing_open: false, ..all }.pattern().len(), 4);
    }

    #[test]
    fn every_state_looks_different_and_sleep_is_dark() {
        let patterns = STATES.map(|state| indication(state).pattern());
        for (i, pattern) in patterns.iter().enumerate().take(4) {
            assert!(patterns.iter().skip(i + 1).all(|other| other != pattern));
        }
        assert!(indication(State::Standby).pattern().iter().all(|(colour, _)| *colour == OFF));
    }

    #[test]
    fn the_light_is_cheap_where_it_stays_on_for_long() {
        for state in STATES {
            let pattern = indication(state).pattern();
            let lit: u32 = pattern.iter().filter(|(colour, _)| *colour != OFF).map(|(_, ms)| ms).sum();
            let all: u32 = pattern.iter().map(|(_, ms)| ms).sum();
            assert!(lit * 100 <= all, "{state:?} is lit more than a hundredth of the time");
        }
    }
}
