//! Button, light, and what has to be done now and then.

use core::convert::Infallible;

use bandsense_core::hal::{Button, Light, System};
use bandsense_core::pairing::WINDOW_SECONDS;
use bandsense_core::power::Event;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Ticker, Timer};

use crate::board::{Board, Exit, Restart};
use crate::shared::Shared;

/// Holding the button for this long resets to the factory state.
const FACTORY_RESET_HOLD: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_secs(1);
/// The cell has to be found empty this often in a row: a radio burst pulls a weak one down for a moment.
const EMPTY_READINGS: u8 = 3;

/// The button wakes, opens the pairing window and, held, resets to the factory state.
pub async fn watch_button<B: Board>(shared: &Shared<B>, mut button: B::Button) -> Infallible {
    loop {
        button.pressed().await;
        shared.on(Event::Pressed);
        shared.open_pairing(WINDOW_SECONDS);
        if let Either::Second(()) = select(button.released(), Timer::after(FACTORY_RESET_HOLD)).await {
            let done = shared.settings.lock().await.factory_reset().await;
            if done.is_ok() {
                shared.exit.signal(Exit::Restart(Restart::FactoryReset));
            }
            button.released().await;
        }
    }
}

/// The light tells what the sensor does.
pub async fn show_light<B: Board>(shared: &Shared<B>, mut light: B::Light) -> Infallible {
    loop {
        let mood = shared.mood();
        for (colour, ms) in mood.pattern() {
            light.show(*colour);
            let waited = select(Timer::after_millis(u64::from(*ms)), shared.light_changed.wait()).await;
            if matches!(waited, Either::Second(())) && shared.mood() != mood {
                break;
            }
        }
    }
}

/// Once a second: the watchdog, the power states, the pairing window; more seldom the cell.
pub async fn keep_house<B: Board>(shared: &Shared<B>) -> Infallible {
    let mut rounds = Ticker::every(ROUND);
    // It was measured at boot.
    let mut measured_us = shared.now_us();
    let mut empty_readings = 0;
    let mut told = shared.service_data();
    loop {
        shared.system.lock().await.feed_watchdog();
        if shared.now_us() - measured_us >= B::TIMINGS.cell_us {
            measured_us = shared.now_us();
            empty_readings = measure_battery(shared, empty_readings).await;
        }
        shared.tick();
        let now = shared.service_data();
        if now != told {
            told = now;
            shared.announce();
        }
        rounds.next().await;
    }
}

async fn measure_battery<B: Board>(shared: &Shared<B>, empty_readings: u8) -> u8 {
    let battery_mv = shared.system.lock().await.battery_mv().await;
    shared.battery_mv.set(battery_mv);
    if !shared.battery_is_empty() {
        return 0;
    }
    if empty_readings + 1 >= EMPTY_READINGS {
        shared.on(Event::CellEmpty);
    }
    empty_readings.saturating_add(1)
}
