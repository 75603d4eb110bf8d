//! Button, light, and what has to be done now and then.

use core::convert::Infallible;

use bandsense_core::hal::{Button, Light, System};
use bandsense_core::pairing::WINDOW_SECONDS;
use bandsense_core::power::Event;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Ticker, Timer};

use crate::board::{Board, Exit, Restart};
use crate::sensor_state::SensorState;

/// Holding the button for this long resets to the factory state.
const FACTORY_RESET_HOLD: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_secs(1);
/// The cell has to be found empty this often in a row: a radio burst pulls a weak one down for a moment.
const EMPTY_READINGS: u8 = 3;

/// The button wakes, ends the link, opens the pairing window and, held, resets to the factory state.
pub async fn watch_button<B: Board>(sensor: &SensorState<B>, mut button: B::Button) -> Infallible {
    loop {
        button.pressed().await;
        sensor.on(Event::Pressed);
        sensor.power.end_link.signal(());
        sensor.open_pairing(WINDOW_SECONDS);
        if let Either::Second(()) = select(button.released(), Timer::after(FACTORY_RESET_HOLD)).await {
            let done = sensor.settings.lock().await.factory_reset().await;
            if done.is_ok() {
                sensor.exit.signal(Exit::Restart(Restart::FactoryReset));
            }
            button.released().await;
        }
    }
}

/// The light tells what the sensor does.
pub async fn show_light<B: Board>(sensor: &SensorState<B>, mut light: B::Light) -> Infallible {
    loop {
        let indication = sensor.indication();
        for (colour, ms) in indication.pattern() {
            light.show(*colour);
            let waited = select(Timer::after_millis(u64::from(*ms)), sensor.power.light_changed.wait()).await;
            if matches!(waited, Either::Second(())) && sensor.indication() != indication {
                break;
            }
        }
    }
}

/// Once a second: the watchdog, which a sampler that hangs starves, the power states, the pairing window; more seldom the cell.
pub async fn housekeeping<B: Board>(sensor: &SensorState<B>) -> Infallible {
    let mut rounds = Ticker::every(ROUND);
    // It was measured at boot.
    let mut measured_us = sensor.now_us();
    let mut empty_readings = 0;
    let mut told = sensor.service_data();
    loop {
        if !sensor.sampler.hangs(sensor.now_us()) {
            sensor.system.lock().await.feed_watchdog();
        }
        if sensor.now_us() - measured_us >= B::TIMINGS.cell_us {
            measured_us = sensor.now_us();
            empty_readings = look_at_supply(sensor, empty_readings).await;
        }
        sensor.tick();
        let now = sensor.service_data();
        if now != told {
            told = now;
            sensor.notify_status();
        }
        rounds.next().await;
    }
}

async fn look_at_supply<B: Board>(sensor: &SensorState<B>, empty_readings: u8) -> u8 {
    let supply = sensor.system.lock().await.supply().await;
    sensor.power.supply.set(supply);
    if !supply.is_empty() {
        return 0;
    }
    if empty_readings + 1 >= EMPTY_READINGS {
        sensor.on(Event::CellEmpty);
    }
    empty_readings.saturating_add(1)
}
