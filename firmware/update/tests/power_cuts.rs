//! Power cut in the middle of every single flash operation of an update, from a client's first request to the new
//! image's confirmation: the sensor boots something that works, and the update can be done after all.

mod support;

use bandsense_update::layout::Slot;
use bandsense_update::slots::{Error, Floor, Selection};
use bandsense_update::smp::Server;
use embassy_futures::block_on;
use proptest::prelude::*;
use support::client::{request_test, upload};
use support::{Nor, PowerLost, Recipe, boot, factory, slots};

type Version = (u8, u8, u16, u32);

const OLD: Version = (1, 0, 0, 0);
const NEW: Version = (1, 1, 0, 0);
const PIECE_LEN: usize = 640;

/// Upload and ask for it, as a client does.
fn install(flash: &mut Nor, running: Slot, version: Version) -> Result<(), PowerLost> {
    let image = Recipe::new(version, running.other()).build();
    let mut server = Server::new(slots(flash), running);
    let uploaded = upload(&mut server, &image, PIECE_LEN).matches == Some(true);
    let requested = uploaded && request_test(&mut server, &image).rc.is_none();
    if requested { Ok(()) } else { Err(PowerLost) }
}

fn confirm(flash: &mut Nor, running: Slot) -> Result<(), PowerLost> {
    block_on(slots(flash).confirm(running)).map_err(|_| PowerLost)
}

/// The whole life of an update until the power goes, `Ok` when it does not.
fn update(flash: &mut Nor) -> Result<(), PowerLost> {
    let (slot, version) = boot(flash).ok_or(PowerLost)?;
    confirm(flash, slot)?;
    if version == NEW {
        return Ok(());
    }
    install(flash, slot, NEW)?;
    let (slot, version) = boot(flash).ok_or(PowerLost)?;
    assert_eq!(version, NEW, "what was asked for is booted");
    confirm(flash, slot)
}

fn operations_of_an_update() -> u64 {
    let mut flash = factory();
    update(&mut flash).expect("nothing is in the way");
    flash.operations
}

#[test]
fn an_update_runs_on_trial_and_then_for_good() {
    let mut flash = factory();
    assert_eq!(boot(&mut flash), Some((Slot::A, OLD)));
    install(&mut flash, Slot::A, NEW).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::B, NEW)));
    block_on(slots(&mut flash).confirm(Slot::B)).unwrap();
    for _ in 0..3 {
        assert_eq!(boot(&mut flash), Some((Slot::B, NEW)));
    }
}

#[test]
fn an_image_that_does_not_prove_itself_gives_way_to_the_old_one() {
    let mut flash = factory();
    install(&mut flash, Slot::A, NEW).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::B, NEW)));
    for _ in 0..3 {
        assert_eq!(boot(&mut flash), Some((Slot::A, OLD)));
    }
}

#[test]
fn the_old_image_can_be_asked_for_again() {
    let mut flash = factory();
    update(&mut flash).unwrap();
    block_on(slots(&mut flash).request(Slot::A)).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::A, OLD)));
    assert_eq!(boot(&mut flash), Some((Slot::B, NEW)), "a way back is on trial too");
}

#[test]
fn asking_twice_is_asking_once() {
    let mut flash = factory();
    install(&mut flash, Slot::A, NEW).unwrap();
    let before = flash.bytes.clone();
    block_on(slots(&mut flash).request(Slot::B)).unwrap();
    assert_eq!(flash.bytes, before);
}

#[test]
fn a_full_journal_refuses_but_does_not_harm() {
    let mut flash = factory();
    update(&mut flash).unwrap();
    let refused = (0..1000).find_map(|_| {
        let outcome = block_on(slots(&mut flash).request(Slot::A));
        assert!(boot(&mut flash).is_some());
        outcome.err()
    });
    assert_eq!(refused, Some(Error::JournalFull));
    assert_eq!(boot(&mut flash), Some((Slot::B, NEW)));
    install(&mut flash, Slot::B, (1, 2, 0, 0)).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::A, (1, 2, 0, 0))));
}

/// Version 2 with security counter 1 in slot B, confirmed and booted once more, over a factory image with counter 0.
fn after_a_hole_was_mended() -> Nor {
    let mut flash = factory();
    let mended = Recipe { security_counter: Some(1), ..Recipe::new((2, 0, 0, 0), Slot::B) };
    flash.program(support::LAYOUT.slot[1].start, &mended.build());
    block_on(slots(&mut flash).request(Slot::B)).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::B, (2, 0, 0, 0))));
    confirm(&mut flash, Slot::B).unwrap();
    assert_eq!(block_on(slots(&mut flash).floor()), 0, "until it boots confirmed, the way back is open");
    assert_eq!(boot(&mut flash), Some((Slot::B, (2, 0, 0, 0))));
    flash
}

#[test]
fn an_image_with_a_lower_security_counter_is_not_started() {
    let mut flash = after_a_hole_was_mended();
    assert_eq!(block_on(slots(&mut flash).floor()), 1);
    // Someone with the key of an old release writes the journal, or takes the new image away: it makes no difference.
    let entry = 9_u32 << 8 | 3;
    let place = support::LAYOUT.journal[0].start + 8;
    flash.program(place, &entry.to_le_bytes());
    flash.program(place + 4, &(!entry).to_le_bytes());
    let choice = block_on(slots(&mut flash).select(Floor::Kept));
    assert_eq!(choice, Selection { slot: Some(Slot::B), rolled_back: true });
    flash.bytes[support::LAYOUT.slot[1].start as usize + 1000] ^= 1;
    assert_eq!(block_on(slots(&mut flash).select(Floor::Kept)), Selection { slot: None, rolled_back: true });
}

#[test]
fn who_holds_the_button_starts_it_and_it_stays() {
    let mut flash = after_a_hole_was_mended();
    let entry = 9_u32 << 8 | 3;
    let place = support::LAYOUT.journal[0].start + 8;
    flash.program(place, &entry.to_le_bytes());
    flash.program(place + 4, &(!entry).to_le_bytes());
    assert_eq!(block_on(slots(&mut flash).select(Floor::Lowered)).slot, Some(Slot::A));
    assert_eq!(boot(&mut flash), Some((Slot::A, OLD)));
    assert_eq!(block_on(slots(&mut flash).floor()), 0);
}

#[test]
fn an_image_on_trial_does_not_close_the_way_back() {
    let mut flash = factory();
    let mended = Recipe { security_counter: Some(1), ..Recipe::new(NEW, Slot::B) };
    flash.program(support::LAYOUT.slot[1].start, &mended.build());
    block_on(slots(&mut flash).request(Slot::B)).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::B, NEW)));
    assert_eq!(boot(&mut flash), Some((Slot::A, OLD)));
}

#[test]
fn power_cut_while_the_security_counter_is_raised() {
    for seed in 0..40 {
        let mut flash = after_a_hole_was_mended();
        let next = Recipe { security_counter: Some(6), ..Recipe::new((3, 0, 0, 0), Slot::A) };
        flash.program(support::LAYOUT.slot[0].start, &next.build());
        block_on(slots(&mut flash).request(Slot::A)).unwrap();
        boot(&mut flash);
        confirm(&mut flash, Slot::A).unwrap();
        flash.power_on(Some(seed % 2), seed);
        block_on(slots(&mut flash).select(Floor::Kept));
        flash.power_on(None, 1);
        let floor = block_on(slots(&mut flash).floor());
        assert!(floor == 1 || floor == 6, "neither lost nor another: {floor}");
        assert_eq!(boot(&mut flash), Some((Slot::A, (3, 0, 0, 0))));
        assert_eq!(block_on(slots(&mut flash).floor()), 6);
    }
}

#[test]
fn power_cut_at_every_operation() {
    let operations = operations_of_an_update();
    assert!(operations > 1000, "every word counts as an operation");
    for cut in 0..operations {
        for seed in [3, 5] {
            let mut flash = factory();
            flash.power_on(Some(cut), cut * 7 + seed);
            assert!(update(&mut flash).is_err(), "power was cut");
            flash.power_on(None, 1);
            let (slot, version) = boot(&mut flash).expect("something boots");
            assert!(version == OLD || version == NEW);
            block_on(slots(&mut flash).verify(slot)).expect("what boots is whole");
            if version == OLD {
                update(&mut flash).expect("the update can be done after all");
                assert_eq!(boot(&mut flash).map(|(_, version)| version), Some(NEW));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn power_cut_again_and_again(cuts in prop::collection::vec(0_u64..1400, 1..12), seed in any::<u64>()) {
        let mut flash = factory();
        for (i, cut) in cuts.iter().enumerate() {
            flash.power_on(Some(*cut), seed.wrapping_add(i as u64));
            let _ = update(&mut flash);
            flash.power_on(None, 1);
            let mut copy = flash.clone();
            prop_assert!(boot(&mut copy).is_some(), "something boots");
        }
        flash.power_on(None, 1);
        update(&mut flash).expect("nothing is in the way any more");
        prop_assert_eq!(boot(&mut flash).map(|(_, version)| version), Some(NEW));
    }

    #[test]
    fn damage_in_the_new_image_boots_the_old_one(at in 0_usize..4700, bit in 0_u8..8) {
        let mut flash = factory();
        install(&mut flash, Slot::A, NEW).unwrap();
        let start = support::LAYOUT.slot[1].start as usize;
        flash.bytes[start + at] ^= 1 << bit;
        let booted = boot(&mut flash);
        let whole = Recipe::new(NEW, Slot::B).build();
        let hashed = 256 + 4500;
        prop_assert_eq!(booted.is_some_and(|(slot, _)| slot == Slot::A), at < hashed, "at {} of {}", at, whole.len());
    }
}
