//! Clock, button, light and cell of a simulated board.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bandsense_core::hal::{Button, Clock, Colour, Light, Supply, System};
use embassy_time::Instant;

use crate::bench::Bench;

/// Time since the program began.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn now_us(&self) -> u64 {
        Instant::now().as_micros()
    }
}

/// A button that the bench presses.
pub struct SimulatedButton(Arc<Bench>);

impl SimulatedButton {
    pub fn new(bench: &Arc<Bench>) -> Self {
        Self(Arc::clone(bench))
    }

    async fn until(&self, pressed: bool) {
        while self.0.is_pressed() != pressed {
            self.0.button_moved.wait().await;
        }
    }
}

impl Button for SimulatedButton {
    async fn pressed(&mut self) {
        self.until(true).await;
    }

    async fn released(&mut self) {
        self.until(false).await;
    }
}

/// A light that prints its colours.
pub struct SimulatedLight {
    show: bool,
}

impl SimulatedLight {
    pub const fn new(show: bool) -> Self {
        Self { show }
    }
}

impl Light for SimulatedLight {
    fn show(&mut self, colour: Colour) {
        if self.show {
            let Colour { red, green, blue } = colour;
            let name = match (red, green, blue) {
                (false, false, false) => "dark",
                (true, false, false) => "red",
                (false, true, false) => "green",
                (false, false, true) => "blue",
                _ => "white",
            };
            println!("light {name}");
        }
    }
}

/// Cell and voltages that the bench sets.
pub struct SimulatedSystem(Arc<Bench>);

impl SimulatedSystem {
    pub fn new(bench: &Arc<Bench>) -> Self {
        Self(Arc::clone(bench))
    }
}

impl System for SimulatedSystem {
    async fn supply(&mut self) -> Supply {
        let external = self.0.usb.load(Ordering::Relaxed);
        let charging = external && self.0.charging.load(Ordering::Relaxed);
        Supply { cell_mv: self.0.battery_mv.load(Ordering::Relaxed), external, charging }
    }

    async fn excitation_mv(&mut self) -> u16 {
        self.0.excitation_mv.load(Ordering::Relaxed)
    }

    fn feed_watchdog(&mut self) {
        self.0.feed();
    }
}
