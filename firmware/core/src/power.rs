//! Power states: what runs when, and what changes it.
//!
//! ```text
//!            button, tension            connected            start
//!   off/stby ───────────────▶ fast ───────────────▶ connected ───────▶ streaming
//!      ▲                     30 s│   ▲  disconnected   │   ▲   stop       │
//!      │     10 min without      ▼   └─────────────────┴───┴──────────────┘
//!      └─────────────────────── slow ──── connected ───▶ connected
//! ```
//!
//! *Off* is the deepest sleep: only the button wakes it. *Standby* is as quiet but looks at the tension every few
//! seconds; after a week without any it switches off.

/// How the sensor spends its current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Advertising often, to be found at once.
    AdvertisingFast,
    /// Advertising seldom.
    AdvertisingSlow,
    /// Connected, the bridge without current.
    Connected,
    /// Connected and measuring.
    Streaming,
    /// Advertising as seldom as is worth it, looking at the tension now and then.
    Standby,
    /// Everything off.
    Off,
}

/// What changes the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The button was pressed.
    Pressed,
    /// A central connected.
    Connected,
    /// The link ended.
    Disconnected,
    /// Measuring began.
    StreamStarted,
    /// Measuring ended.
    StreamStopped,
    /// On standby, the tension had changed.
    TensionSeen,
    /// A client asked for sleep and its link has ended.
    SleepAsked,
    /// The cell is empty.
    CellEmpty,
}

/// How long the states last that end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// Time in *advertising fast* before *advertising slow*, µs.
    pub fast_us: u64,
    /// Time without a connection before sleep, µs.
    pub unconnected_us: u64,
    /// Time on *standby* before *off*, µs.
    pub standby_us: u64,
    /// Time between two looks at the tension on standby, µs.
    pub peek_us: u64,
    /// Time between two looks at the cell, µs.
    pub cell_us: u64,
    /// Time that a central has to encrypt its link, µs.
    pub grace_us: u64,
}

impl Timings {
    /// Those of a sensor in use.
    pub const IN_USE: Self = Self {
        fast_us: 30 * SECOND_US,
        unconnected_us: 10 * 60 * SECOND_US,
        standby_us: 7 * 24 * 3600 * SECOND_US,
        peek_us: 10 * SECOND_US,
        cell_us: 10 * SECOND_US,
        grace_us: 20 * SECOND_US,
    };
}

const SECOND_US: u64 = 1_000_000;

/// The state and when it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    state: State,
    entered_us: u64,
    unconnected_since_us: u64,
    wakes_on_tension: bool,
    timings: Timings,
}

impl Power {
    /// At boot, which the button, a charger or a reset caused: advertising fast.
    #[must_use]
    pub const fn new(now_us: u64, wakes_on_tension: bool, timings: Timings) -> Self {
        Self {
            state: State::AdvertisingFast,
            entered_us: now_us,
            unconnected_since_us: now_us,
            wakes_on_tension,
            timings,
        }
    }

    /// The current state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// When [`tick`](Self::tick) will change the state if nothing happens.
    #[must_use]
    pub const fn deadline_us(&self) -> Option<u64> {
        match self.state {
            State::AdvertisingFast => Some(self.entered_us + self.timings.fast_us),
            State::AdvertisingSlow => Some(self.unconnected_since_us + self.timings.unconnected_us),
            State::Standby => Some(self.entered_us + self.timings.standby_us),
            State::Connected | State::Streaming | State::Off => None,
        }
    }

    /// Time passes. Gives the new state.
    pub fn tick(&mut self, now_us: u64) -> State {
        if self.deadline_us().is_some_and(|deadline_us| now_us >= deadline_us) {
            let next = match self.state {
                State::AdvertisingFast => State::AdvertisingSlow,
                State::AdvertisingSlow if self.wakes_on_tension => State::Standby,
                _ => State::Off,
            };
            self.enter(next, now_us);
        }
        self.state
    }

    /// Something happens. Gives the new state.
    pub fn on(&mut self, event: Event, now_us: u64) -> State {
        use State::{AdvertisingFast, AdvertisingSlow, Connected, Off, Standby, Streaming};
        let next = match (event, self.state) {
            // Nothing but a reset leaves *off*.
            (_, Off) => Off,
            (Event::CellEmpty, _) => Off,
            (Event::Connected, _) => Connected,
            (Event::StreamStarted, Connected) => Streaming,
            (Event::StreamStopped, Streaming) => Connected,
            (Event::SleepAsked, AdvertisingFast | AdvertisingSlow) => Off,
            (Event::Disconnected, Connected | Streaming)
            | (Event::Pressed, AdvertisingFast | AdvertisingSlow | Standby)
            | (Event::TensionSeen, Standby) => {
                self.unconnected_since_us = now_us;
                AdvertisingFast
            }
            (_, state) => return state,
        };
        self.enter(next, now_us);
        next
    }

    fn enter(&mut self, state: State, now_us: u64) {
        self.state = state;
        self.entered_us = now_us;
    }
}

/// Notices a tension that changed while nobody looked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peek {
    baseline: Option<i32>,
}

impl Peek {
    /// A look at the tension; whether it moved by more than `threshold` counts from where it rests. The rest value
    /// follows slowly, so that drift with temperature wakes nobody.
    pub fn moved(&mut self, counts: i32, threshold: u32) -> bool {
        let baseline = *self.baseline.get_or_insert(counts);
        self.baseline = Some(baseline + (counts - baseline) / 8);
        counts.abs_diff(baseline) > threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAST_US: u64 = Timings::IN_USE.fast_us;
    const UNCONNECTED_US: u64 = Timings::IN_USE.unconnected_us;
    const STANDBY_US: u64 = Timings::IN_USE.standby_us;
    const MINUTE_US: u64 = 60 * SECOND_US;

    #[test]
    fn unattended_it_goes_to_sleep() {
        for (wakes_on_tension, asleep) in [(true, State::Standby), (false, State::Off)] {
            let mut power = Power::new(0, wakes_on_tension, Timings::IN_USE);
            assert_eq!(power.tick(FAST_US - 1), State::AdvertisingFast);
            assert_eq!(power.tick(FAST_US), State::AdvertisingSlow);
            assert_eq!(power.tick(10 * MINUTE_US - 1), State::AdvertisingSlow);
            assert_eq!(power.tick(10 * MINUTE_US), asleep);
        }
    }

    #[test]
    fn tension_wakes_a_sensor_on_standby_until_a_week_has_passed() {
        let mut power = Power::new(0, true, Timings::IN_USE);
        power.tick(FAST_US);
        power.tick(UNCONNECTED_US);
        assert_eq!(power.on(Event::TensionSeen, UNCONNECTED_US + 1), State::AdvertisingFast);
        power.tick(2 * UNCONNECTED_US);
        power.tick(3 * UNCONNECTED_US);
        assert_eq!(power.tick(3 * UNCONNECTED_US + STANDBY_US), State::Off);
        assert_eq!(power.on(Event::TensionSeen, 4 * STANDBY_US), State::Off);
    }

    #[test]
    fn a_stream_is_never_cut_by_time() {
        let mut power = Power::new(0, true, Timings::IN_USE);
        power.on(Event::Connected, 1);
        power.on(Event::StreamStarted, 2);
        assert_eq!(power.deadline_us(), None);
        assert_eq!(power.tick(u64::MAX), State::Streaming);
        assert_eq!(power.on(Event::Disconnected, 3 * MINUTE_US), State::AdvertisingFast);
        assert_eq!(power.deadline_us(), Some(3 * MINUTE_US + FAST_US));
    }

    #[test]
    fn an_empty_cell_and_a_wish_switch_off() {
        let mut power = Power::new(0, true, Timings::IN_USE);
        power.on(Event::Connected, 1);
        assert_eq!(power.on(Event::CellEmpty, 2), State::Off);
        let mut power = Power::new(0, true, Timings::IN_USE);
        power.on(Event::Connected, 1);
        assert_eq!(power.on(Event::SleepAsked, 2), State::Connected, "not while the link is up");
        power.on(Event::Disconnected, 3);
        assert_eq!(power.on(Event::SleepAsked, 3), State::Off);
    }

    #[test]
    fn a_pull_is_seen_and_drift_is_not() {
        let mut peek = Peek::default();
        assert!(!peek.moved(500_000, 10_000));
        for step in 0..200 {
            assert!(!peek.moved(500_000 + 500 * step, 10_000));
        }
        assert!(peek.moved(700_000, 10_000));
    }

    proptest! {
        #![proptest_config(crate::vectors::proptest_config())]

        #[test]
        fn measuring_happens_only_while_connected(choices in proptest::collection::vec(0u8..9, 0..60)) {
            let mut power = Power::new(0, true, Timings::IN_USE);
            let mut now_us = 0;
            let mut connected = false;
            for choice in choices {
                now_us += 40 * SECOND_US;
                let event = match choice {
                    0 => Event::Pressed,
                    1 => Event::Connected,
                    2 => Event::Disconnected,
                    3 => Event::StreamStarted,
                    4 => Event::StreamStopped,
                    5 => Event::TensionSeen,
                    6 => Event::SleepAsked,
                    7 => Event::CellEmpty,
                    _ => { power.tick(now_us); continue }
                };
                let before = power.state();
                let state = power.on(event, now_us);
                match event {
                    Event::Connected => connected = state == State::Connected,
                    Event::Disconnected | Event::CellEmpty => connected = false,
                    _ => {}
                }
                prop_assert!(before != State::Off || state == State::Off);
                prop_assert_eq!(matches!(state, State::Connected | State::Streaming), connected);
            }
        }
    }
}
