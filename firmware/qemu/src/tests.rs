//! Tests on the processor: the golden vectors, storage and updates under power cuts, the boot loader's every way out.

use bandsense_boot::{Next, OVERRIDE_HOLD_MS, boot};
use bandsense_core::calibration::Calibration;
use bandsense_core::control;
use bandsense_core::measurement::Frame;
use bandsense_core::store::{Key, Store};
use bandsense_update::image::HEADER_LEN;
use bandsense_update::layout::xiao_nrf52840::{LAYOUT, PROTECTED, STORAGE};
use bandsense_update::slots::{Floor, Slot};
use bandsense_update::smp::Server;
use cortex_m_semihosting::hprintln;
use embassy_futures::block_on;

use crate::chip::Stub;
use crate::flash::{Borrowed, Flash};
use crate::images::{build, confirmed, factory, install, slots};

#[allow(missing_docs, reason = "made by build.rs")]
mod vectors {
    include!(concat!(env!("OUT_DIR"), "/vectors.rs"));
}

const BODY: [u8; 4500] = [0x5a; 4500];
/// Every so many steps of an update the power is cut: all of them would take minutes.
const CUT_EVERY: u32 = 67;

/// Run all, and print a line each. A failure is a panic.
pub fn run() {
    for (name, test) in [
        ("golden vectors: measurements", measurements as fn()),
        ("golden vectors: requests", requests),
        ("golden vectors: calibrations", calibrations),
        ("storage survives a power cut at every step", storage_power_cuts),
        ("an update survives power cuts", update_power_cuts),
        ("the boot loader locks, starts the watchdog and chooses", boot_chooses),
        ("the boot loader without an image", boot_without_image),
        ("a rolled-back image needs the button", boot_rolled_back),
        ("an image that was never confirmed gives way", trial),
    ] {
        test();
        hprintln!("ok {}", name);
    }
}

fn measurements() {
    for (name, bytes) in vectors::MEASUREMENT {
        let frame = Frame::decode(bytes).unwrap_or_else(|| panic!("{name}"));
        let again = frame.encode();
        assert_eq!((&again[..2], &again[3..]), (&bytes[..2], &bytes[3..]), "{name}");
        assert_eq!(Frame::decode(&again), Some(frame), "{name}");
    }
    for (name, bytes) in vectors::MEASUREMENT_INVALID {
        assert_eq!(Frame::decode(bytes), None, "{name}");
    }
}

fn requests() {
    for (name, bytes) in vectors::CONTROL_REQUEST {
        assert!(control::decode(bytes).is_ok_and(|(_, request)| request.is_ok()), "{name}");
    }
    for (name, bytes) in vectors::CONTROL_REQUEST_INVALID {
        assert!(!control::decode(bytes).is_ok_and(|(_, request)| request.is_ok()), "{name}");
    }
}

fn calibrations() {
    for (name, bytes) in vectors::CALIBRATION {
        let calibration = Calibration::decode(bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(calibration.encode().as_slice(), bytes, "{name}");
    }
    for (name, bytes) in vectors::CALIBRATION_INVALID {
        assert!(Calibration::decode(bytes).is_err(), "{name}");
    }
}

fn storage_power_cuts() {
    const KEY: Key = Key { kind: 1, index: 0 };
    /// More than a page of them, so that one compaction is among what is cut.
    const WRITES: u8 = 70;
    /// Write value after value; the last that was kept, and whether the power lasted.
    fn write(flash: &mut Flash, written: &mut u8) -> Option<()> {
        let (mut store, _) = block_on(Store::open(Borrowed(flash), STORAGE.start)).ok()?;
        for value in 1..=WRITES {
            block_on(store.set(KEY, &[value])).ok()?;
            *written = value;
        }
        Some(())
    }
    let whole = STORAGE.start + STORAGE.len;
    let mut flash = Flash::erased(whole);
    write(&mut flash, &mut 0).expect("power lasts");
    let steps = flash.steps();
    assert!(steps > 1000, "every word is a step");
    for cut in (0..steps).step_by(7) {
        Flash::erased(whole);
        let mut written = 0;
        assert!(
            write(&mut Flash::cut_at(cut, cut * 7 + 3), &mut written).is_none(),
            "power was cut at {cut}"
        );
        let mut flash = Flash::powered();
        let (mut store, _) = block_on(Store::open(Borrowed(&mut flash), STORAGE.start)).expect("it opens");
        let value = block_on(store.get(KEY)).expect("it reads");
        let value = value.map_or(0, |value| value[0]);
        assert!(value == written || value == written + 1, "cut at {cut}: {value} after {written}");
    }
}

fn booted(flash: &mut Flash) -> Option<Slot> {
    block_on(slots(flash).select(Floor::Kept)).slot
}

/// From a client's first request to the confirmation, or to the power cut.
fn update(flash: &mut Flash, image: &[u8]) -> Option<()> {
    let slot = booted(flash)?;
    block_on(slots(flash).confirm(slot)).ok()?;
    if slot == Slot::B {
        return Some(());
    }
    if !install(&mut Server::new(slots(flash), slot), image) {
        return None;
    }
    let slot = booted(flash)?;
    block_on(slots(flash).confirm(slot)).ok()
}

fn update_power_cuts() {
    let image = build(Slot::B, 1, 0, &BODY);
    let mut flash = factory(&BODY);
    update(&mut flash, &image).expect("power lasts");
    assert_eq!(booted(&mut flash), Some(Slot::B));
    let steps = flash.steps();
    for cut in (0..steps).step_by(CUT_EVERY as usize).chain(steps - 4..steps) {
        factory(&BODY);
        assert!(update(&mut Flash::cut_at(cut, cut * 5 + 1), &image).is_none(), "power was cut at {cut}");
        let mut flash = Flash::powered();
        assert!(booted(&mut flash).is_some(), "something boots after a cut at {cut}");
        update(&mut flash, &image).expect("the update can be done after all");
        assert_eq!(booted(&mut flash), Some(Slot::B));
    }
}

fn vector_table(slot: Slot) -> Next {
    Next::Image(LAYOUT.slot[slot.index()].start + HEADER_LEN)
}

fn boot_chooses() {
    let mut flash = factory(&BODY);
    let mut chip = Stub::default();
    assert_eq!(boot(&mut chip, &mut slots(&mut flash), &PROTECTED), vector_table(Slot::A));
    assert_eq!(chip.protected, PROTECTED);
    assert!(chip.watchdog_runs && chip.blinks == 0 && chip.waited_ms == 0);
    flash.program(LAYOUT.slot[1].start, &build(Slot::B, 1, 0, &BODY));
    flash.program(LAYOUT.journal[1].start, &confirmed(2));
    assert_eq!(boot(&mut Stub::default(), &mut slots(&mut flash), &PROTECTED), vector_table(Slot::B));
    flash.program(LAYOUT.slot[1].start + 1000, &[0]);
    assert_eq!(boot(&mut Stub::default(), &mut slots(&mut flash), &PROTECTED), vector_table(Slot::A));
}

fn boot_without_image() {
    let mut flash = factory(&BODY);
    flash.program(LAYOUT.slot[0].start + 1000, &[0]);
    for (usb, next) in [(true, Next::Usb), (false, Next::Sleep)] {
        let mut chip = Stub { usb, ..Stub::default() };
        assert_eq!(boot(&mut chip, &mut slots(&mut flash), &PROTECTED), next);
        assert!(!chip.watchdog_runs && chip.protected.is_empty() && chip.blinks == 3 && !chip.red_is_on);
    }
}

fn boot_rolled_back() {
    let mut flash = factory(&BODY);
    flash.program(LAYOUT.slot[1].start, &build(Slot::B, 1, 3, &BODY));
    flash.program(LAYOUT.journal[1].start, &confirmed(2));
    let next = |flash: &mut Flash, button_held_ms| {
        boot(&mut Stub { button_held_ms, ..Stub::default() }, &mut slots(flash), &PROTECTED)
    };
    assert_eq!(next(&mut flash, 0), vector_table(Slot::B));
    flash.program(LAYOUT.journal[0].start + 8, &confirmed(3));
    assert_eq!(
        next(&mut flash, 0),
        vector_table(Slot::B),
        "slot A is newer in the journal, older in its counter"
    );
    assert_eq!(next(&mut flash, OVERRIDE_HOLD_MS - 100), vector_table(Slot::B), "let go too early");
    assert_eq!(next(&mut flash, OVERRIDE_HOLD_MS), vector_table(Slot::A));
    assert_eq!(next(&mut flash, 0), vector_table(Slot::A), "for good");
}

fn trial() {
    let mut flash = factory(&BODY);
    assert!(install(&mut Server::new(slots(&mut flash), Slot::A), &build(Slot::B, 1, 0, &BODY)));
    assert_eq!(booted(&mut flash), Some(Slot::B));
    assert_eq!(booted(&mut flash), Some(Slot::A));
}
