//! What counts as an image.

mod support;

use bandsense_update::image::{Flaw, Header, Version};
use bandsense_update::layout::Slot;
use embassy_futures::block_on;
use proptest::prelude::*;
use support::{BOARD, LAYOUT, Nor, Recipe, TRAILER_LEN, slots};

fn verify(image: &[u8]) -> Result<Version, Flaw> {
    let mut flash = Nor::new();
    flash.program(LAYOUT.slot[0].start, image);
    block_on(slots(&mut flash).verify(Slot::A)).map(|image| image.header.version)
}

fn recipe() -> Recipe {
    Recipe::new((2, 3, 4, 5), Slot::A)
}

#[test]
fn a_signed_image_passes() {
    let version = verify(&recipe().build()).unwrap();
    assert_eq!(version, Version { major: 2, minor: 3, revision: 4, build: 5 });
    assert_eq!(version.to_string(), "2.3.4.5");
}

#[test]
fn flaws_are_told_apart() {
    let other_board = Recipe { board: "other-board", ..recipe() };
    assert_eq!(verify(&other_board.build()), Err(Flaw::WrongBoard("other-board".parse().unwrap())));
    let other_slot = Recipe { slot: Slot::B, ..recipe() };
    assert_eq!(verify(&other_slot.build()), Err(Flaw::WrongAddress));
    let other_key = Recipe { key: [8; 32], ..recipe() };
    assert_eq!(verify(&other_key.build()), Err(Flaw::UnknownKey));
    let good = recipe().build();
    assert_eq!(verify(&[0xff; 300]), Err(Flaw::NotAnImage));
    assert_eq!(verify(&good[..good.len() - 1]), Err(Flaw::BadSignature));
    assert_eq!(verify(&good[..4000]), Err(Flaw::BadTrailer));
}

#[test]
fn a_signature_made_for_another_image_does_not_pass() {
    let good = recipe().build();
    let mut forged = Recipe { version: (9, 0, 0, 0), key: [8; 32], ..recipe() }.build();
    let key_hash_and_signature = good.len() - 104..good.len();
    forged[key_hash_and_signature.clone()].copy_from_slice(&good[key_hash_and_signature]);
    assert_eq!(verify(&forged), Err(Flaw::BadSignature));
}

#[test]
fn encrypted_and_relocatable_images_are_refused() {
    for flags in [0x104_u32, 0x108, 0x120, 0x000] {
        let mut image = recipe().build();
        image[16..20].copy_from_slice(&flags.to_le_bytes());
        assert_eq!(verify(&image), Err(Flaw::Unsupported));
    }
}

#[test]
fn a_length_beyond_the_slot_is_refused() {
    for len in [LAYOUT.slot[0].len, u32::MAX, u32::MAX - 256] {
        let mut image = recipe().build();
        image[12..16].copy_from_slice(&len.to_le_bytes());
        assert_eq!(verify(&image), Err(Flaw::TooLong));
    }
}

#[test]
fn versions_are_ordered_by_major_minor_revision_build() {
    let of = |major, minor, revision, build| Version { major, minor, revision, build };
    let ordered =
        [of(0, 9, 9, 9), of(1, 0, 0, 0), of(1, 0, 0, 1), of(1, 0, 1, 0), of(1, 1, 0, 0), of(2, 0, 0, 0)];
    assert!(ordered.is_sorted());
    assert_eq!(ordered[1].to_string(), "1.0.0");
}

proptest! {
    #[test]
    fn no_flipped_bit_changes_what_runs(at in 0_usize..4900, bit in 0_u8..8) {
        let good = recipe().build();
        prop_assume!(at < good.len());
        let mut flipped = good.clone();
        flipped[at] ^= 1 << bit;
        let hashed = good.len() - TRAILER_LEN;
        prop_assert!(verify(&flipped).is_err() || at >= hashed, "only an ignored bit of the trailer may change");
    }

    #[test]
    fn no_bytes_make_the_parser_panic(prefix in prop::array::uniform32(any::<u8>()), rest in prop::array::uniform32(any::<u8>())) {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&prefix);
        bytes[32..].copy_from_slice(&rest);
        if let Ok(header) = Header::parse(&bytes) {
            let _ = header.check(BOARD, LAYOUT.slot[0]);
        }
    }

    #[test]
    fn no_trailer_makes_the_parser_panic(trailer in prop::collection::vec(any::<u8>(), 0..200), sane in any::<bool>()) {
        let mut image = recipe().build();
        image.truncate(256 + 4500);
        if sane {
            image.extend([0x07, 0x69, trailer.len() as u8, 0]);
        }
        image.extend(trailer);
        prop_assert!(verify(&image).is_err());
    }
}
