//! The bench around the sensor: what a person or a test does to it, one command a line on standard input. Each is
//! answered with `done` and the line, once it holds.
//!
//! | command | what happens |
//! |---|---|
//! | `press MS` | the button is held for so long |
//! | `battery MV` | the cell has this voltage |
//! | `usb off`, `on`, `charging` | there is no power from outside, there is, it charges the cell |
//! | `temperature CENTI` | the sensor is this warm, 0.01 °C |
//! | `late on`, `off` | the stamps of conversions are late |
//! | `load COUNTS` | this is added to every conversion |
//! | `overrun N` | the next N conversions are not collected |
//! | `converter ok`, `absent`, `silent`, `hung` | the converter works, does not answer, stops converting, or its driver hangs |
//! | `excitation MV` | the bridge has this voltage |

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, AtomicI16, AtomicI32, AtomicU8, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{process, thread};

use bandsense_update::layout::xiao_nrf52840::WATCHDOG_SECONDS;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;

/// How often the watchdog looks. It counts looks instead of reading a clock: a machine that stands still for a while, and
/// this program with it, is no program that hangs.
const LOOK: Duration = Duration::from_millis(100);
/// As long as on the chip (update/src/layout.rs).
const LOOKS: u32 = WATCHDOG_SECONDS * 10;
/// Exit status when the watchdog was not fed.
const BITTEN: i32 = 12;

/// How the converter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Converter {
    Works,
    Absent,
    Silent,
    Hung,
}

/// The state of the bench.
pub struct Bench {
    pub battery_mv: AtomicU16,
    pub excitation_mv: AtomicU16,
    pub usb: AtomicBool,
    pub charging: AtomicBool,
    pub temperature_centi_c: AtomicI16,
    pub late_stamps: AtomicBool,
    looks_since_fed: AtomicU32,
    pub load: AtomicI32,
    pub overruns: AtomicU32,
    pub button_moved: Signal<CriticalSectionRawMutex, ()>,
    converter: AtomicU8,
    pressed_until: Mutex<Option<Instant>>,
}

impl Bench {
    /// A bench that follows standard input; at its end everything stays as it is.
    pub fn listen(battery_mv: u16) -> Arc<Self> {
        let bench = Arc::new(Self {
            battery_mv: AtomicU16::new(battery_mv),
            excitation_mv: AtomicU16::new(3000),
            usb: AtomicBool::new(false),
            charging: AtomicBool::new(false),
            temperature_centi_c: AtomicI16::new(2350),
            late_stamps: AtomicBool::new(false),
            looks_since_fed: AtomicU32::new(0),
            load: AtomicI32::new(0),
            overruns: AtomicU32::new(0),
            button_moved: Signal::new(),
            converter: AtomicU8::new(Converter::Works as u8),
            pressed_until: Mutex::new(None),
        });
        let watched = Arc::clone(&bench);
        thread::spawn(move || watched.watch());
        let commanded = Arc::clone(&bench);
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                match commanded.handle(&line) {
                    Some(()) => println!("done {line}"),
                    None => eprintln!("bandsense-host: not a command: {line}"),
                }
            }
        });
        bench
    }

    fn handle(self: &Arc<Self>, line: &str) -> Option<()> {
        let (command, value) = line.trim().split_once(' ')?;
        match command {
            "press" => self.press(Duration::from_millis(value.parse().ok()?)),
            "battery" => self.battery_mv.store(value.parse().ok()?, Ordering::Relaxed),
            "excitation" => self.excitation_mv.store(value.parse().ok()?, Ordering::Relaxed),
            "temperature" => self.temperature_centi_c.store(value.parse().ok()?, Ordering::Relaxed),
            "late" => self.late_stamps.store(value == "on", Ordering::Relaxed),
            "usb" => {
                self.usb.store(value != "off", Ordering::Relaxed);
                self.charging.store(value == "charging", Ordering::Relaxed);
            }
            "load" => self.load.store(value.parse().ok()?, Ordering::Relaxed),
            "overrun" => self.overruns.store(value.parse().ok()?, Ordering::Relaxed),
            "converter" => self.converter.store(converter_state(value)? as u8, Ordering::Relaxed),
            _ => return None,
        }
        Some(())
    }

    /// The watchdog is fed.
    pub fn feed(&self) {
        self.looks_since_fed.store(0, Ordering::Relaxed);
    }

    /// Be the watchdog: end the program when nobody feeds it.
    fn watch(&self) {
        while self.looks_since_fed.fetch_add(1, Ordering::Relaxed) < LOOKS {
            thread::sleep(LOOK);
        }
        println!("watchdog");
        process::exit(BITTEN);
    }

    fn press(self: &Arc<Self>, hold: Duration) {
        if let Ok(mut until) = self.pressed_until.lock() {
            *until = Some(Instant::now() + hold);
        }
        self.button_moved.signal(());
        let bench = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(hold);
            bench.button_moved.signal(());
        });
    }

    /// Whether the button is down.
    pub fn is_pressed(&self) -> bool {
        let until = self.pressed_until.lock().ok().and_then(|until| *until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// How the converter does.
    pub fn converter(&self) -> Converter {
        match self.converter.load(Ordering::Relaxed) {
            1 => Converter::Absent,
            2 => Converter::Silent,
            3 => Converter::Hung,
            _ => Converter::Works,
        }
    }
}

fn converter_state(name: &str) -> Option<Converter> {
    Some(match name {
        "ok" => Converter::Works,
        "absent" => Converter::Absent,
        "silent" => Converter::Silent,
        "hung" => Converter::Hung,
        _ => return None,
    })
}
