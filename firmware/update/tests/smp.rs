//! The SMP server, spoken to in bytes.

mod support;

use bandsense_update::layout::Slot;
use bandsense_update::smp::{Action, REQUEST_LEN, Server};
use embassy_futures::block_on;
use minicbor::data::Type;
use minicbor::decode::Decoder;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::client::{
    Answer, FULL, IMAGE, OS, cbor, decode, exchange, hash_of, packet, piece, request_test, send_piece,
    state_body, upload,
};
use support::{Nor, Recipe, Shared, TRAILER_LEN, boot, factory, slots};

fn server(flash: &mut Nor) -> Server<Shared<'_>> {
    Server::new(slots(flash), Slot::A)
}

fn new_image() -> Vec<u8> {
    Recipe::new((1, 1, 0, 0), Slot::B).build()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn answers_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("smp-vectors.json")).unwrap();
    for vector in vectors["vectors"].as_array().unwrap() {
        let mut flash = factory();
        let mut server = server(&mut flash);
        let battery = vector["battery"].as_u64().map_or(FULL, |percent| Some(percent as u8));
        let answer = exchange(&mut server, &unhex(vector["request_hex"].as_str().unwrap()), battery);
        assert_eq!(answer, Some(unhex(vector["answer_hex"].as_str().unwrap())), "{}", vector["name"]);
    }
}

#[test]
fn an_upload_is_tested_and_confirmed() {
    let mut flash = factory();
    let image = new_image();
    let mut server = server(&mut flash);
    let done = upload(&mut server, &image, 500);
    assert_eq!(done, Answer { off: Some(image.len() as u32), matches: Some(true), ..Answer::default() });
    assert_eq!(request_test(&mut server, &image), Answer::default());
    let reset = exchange(&mut server, &packet(2, OS, 5, &[0xa0]), FULL).unwrap();
    assert_eq!(decode(&reset), Answer::default());
    assert_eq!(server.take_action(), Some(Action::Restart));
    assert_eq!(server.take_action(), None);
    assert_eq!(boot(&mut flash), Some((Slot::B, (1, 1, 0, 0))));
    let mut server = Server::new(slots(&mut flash), Slot::B);
    block_on(server.confirm()).unwrap();
    assert_eq!(boot(&mut flash), Some((Slot::B, (1, 1, 0, 0))));
}

#[test]
fn reset_to_usb_is_told_apart() {
    let mut flash = factory();
    let mut server = server(&mut flash);
    let body = [0xa1, 0x69, b'b', b'o', b'o', b't', b'_', b'm', b'o', b'd', b'e', 1];
    exchange(&mut server, &packet(2, OS, 5, &body), FULL).unwrap();
    assert_eq!(server.take_action(), Some(Action::RestartToUsb));
}

#[test]
fn an_upload_goes_on_after_the_link_was_lost() {
    let mut flash = factory();
    let image = new_image();
    let mut server = server(&mut flash);
    for off in (0..2000).step_by(500) {
        assert_eq!(send_piece(&mut server, &image, off, 500, true).off, Some(off as u32 + 500));
    }
    let half = piece(&image, 2000, 500, true);
    assert_eq!(exchange(&mut server, &half[..100], FULL), None);
    server.disconnected();
    assert_eq!(send_piece(&mut server, &image, 0, 500, true).off, Some(2000));
    let done = upload(&mut server, &image, 500);
    assert_eq!(done.matches, Some(true));
    let again = send_piece(&mut server, &image, 0, 500, true);
    assert_eq!(again, done, "a client that missed the last answer gets it again");
}

#[test]
fn another_file_begins_anew() {
    let mut flash = factory();
    let image = new_image();
    let other = Recipe::new((1, 2, 0, 0), Slot::B).build();
    let mut server = server(&mut flash);
    send_piece(&mut server, &image, 0, 500, true);
    assert_eq!(send_piece(&mut server, &other, 0, 400, true).off, Some(400));
    assert_eq!(upload(&mut server, &other, 400).matches, Some(true));
}

#[test]
fn a_piece_at_the_wrong_place_is_told_the_right_one() {
    let mut flash = factory();
    let image = new_image();
    let mut server = server(&mut flash);
    send_piece(&mut server, &image, 0, 500, true);
    for wrong in [4, 496, 504, 1000] {
        assert_eq!(send_piece(&mut server, &image, wrong, 500, true).off, Some(500));
    }
}

#[test]
fn pieces_of_odd_length_are_taken_as_far_as_flash_can_write() {
    let mut flash = factory();
    let image = new_image();
    let mut server = server(&mut flash);
    assert_eq!(send_piece(&mut server, &image, 0, 67, true).off, Some(64));
    assert_eq!(upload(&mut server, &image, 333).matches, Some(true));
    assert_eq!(request_test(&mut server, &image), Answer::default());
}

#[test]
fn wrong_images_are_refused_at_the_first_piece() {
    let mut flash = factory();
    let refusal = |image: &[u8], upgrade| {
        let mut flash = factory();
        let before = flash.bytes.clone();
        let answer = send_piece(&mut server(&mut flash), image, 0, 500, upgrade);
        assert!(answer.rc.is_none() || flash.bytes == before, "a refusal leaves flash alone");
        (answer.rc, answer.rsn)
    };
    let board = Recipe { board: "other", ..Recipe::new((1, 1, 0, 0), Slot::B) }.build();
    assert_eq!(refusal(&board, true), (Some(3), Some("image is for board other".to_owned())));
    assert_eq!(refusal(&Recipe::new((1, 1, 0, 0), Slot::A).build(), true).0, Some(25));
    for (version, upgrade, rc) in [
        ((0, 9, 0, 0), true, Some(27)),
        ((1, 0, 0, 0), true, Some(27)),
        ((1, 0, 0, 1), true, None),
        ((0, 9, 0, 0), false, None),
    ] {
        assert_eq!(refusal(&Recipe::new(version, Slot::B).build(), upgrade).0, rc, "{version:?} {upgrade}");
    }
    assert_eq!(boot(&mut flash), Some((Slot::A, (1, 0, 0, 0))));
}

#[test]
fn a_bad_signature_is_refused_at_the_end_and_never_boots() {
    let mut flash = factory();
    let forged = Recipe { key: [8; 32], ..Recipe::new((1, 1, 0, 0), Slot::B) }.build();
    let mut server = server(&mut flash);
    let answer = upload(&mut server, &forged, 500);
    assert_eq!(answer.rc, Some(9));
    assert_eq!(answer.rsn.as_deref(), Some("image is signed with an unknown key"));
    assert_eq!(request_test(&mut server, &forged).rc, Some(8), "it is gone");
    assert_eq!(boot(&mut flash), Some((Slot::A, (1, 0, 0, 0))));
}

#[test]
fn a_file_that_changed_on_the_way_does_not_match() {
    let mut flash = factory();
    let image = new_image();
    let mut changed = image.clone();
    changed[3000] ^= 1;
    let mut server = server(&mut flash);
    send_piece(&mut server, &image, 0, 1800, true);
    send_piece(&mut server, &changed, 1800, 1800, true);
    let answer = send_piece(&mut server, &image, 3600, 1900, true);
    assert_eq!(answer.matches, Some(false));
    assert_eq!(request_test(&mut server, &image).rc, Some(8));
}

#[test]
fn more_data_than_announced_is_refused() {
    let mut flash = factory();
    let image = new_image();
    let mut long = image.clone();
    long.extend([0; 8]);
    let mut server = server(&mut flash);
    let mut off = 0;
    while off + 500 < image.len() {
        off = send_piece(&mut server, &image, off, 500, true).off.unwrap() as usize;
    }
    assert_eq!(send_piece(&mut server, &long, off, 1000, true).rc, Some(31));
}

#[test]
fn the_way_back_is_not_overwritten_while_an_image_is_on_trial() {
    let mut flash = factory();
    let image = new_image();
    {
        let mut server = server(&mut flash);
        upload(&mut server, &image, 500);
        request_test(&mut server, &image);
    }
    assert_eq!(boot(&mut flash), Some((Slot::B, (1, 1, 0, 0))));
    let mut server = Server::new(slots(&mut flash), Slot::B);
    let next = Recipe::new((1, 2, 0, 0), Slot::A).build();
    assert_eq!(send_piece(&mut server, &next, 0, 500, true).rc, Some(6));
    assert_eq!(decode(&exchange(&mut server, &packet(2, IMAGE, 5, &[0xa0]), FULL).unwrap()).rc, Some(6));
    block_on(server.confirm()).unwrap();
    assert_eq!(send_piece(&mut server, &next, 0, 500, true).off, Some(500));
}

/// (slot, pending, confirmed, active) of every image that the server tells of.
fn images(server: &mut Server<Shared<'_>>) -> Vec<(u8, bool, bool, bool)> {
    let answer = exchange(server, &packet(0, IMAGE, 0, &[]), FULL).unwrap();
    let mut decoder = Decoder::new(&answer[8..]);
    assert_eq!((decoder.map().unwrap(), decoder.str().unwrap()), (Some(1), "images"));
    assert_eq!(decoder.array().unwrap(), None);
    let mut images = Vec::new();
    while decoder.datatype().unwrap() != Type::Break {
        let mut image = (0, false, false, false);
        for _ in 0..decoder.map().unwrap().unwrap() {
            match decoder.str().unwrap() {
                "slot" => image.0 = decoder.u8().unwrap(),
                "pending" => image.1 = decoder.bool().unwrap(),
                "confirmed" => image.2 = decoder.bool().unwrap(),
                "active" => image.3 = decoder.bool().unwrap(),
                _ => decoder.skip().unwrap(),
            }
        }
        images.push(image);
    }
    images
}

#[test]
fn the_other_image_is_confirmed_only_as_long_as_it_is_the_way_back() {
    let mut flash = factory();
    let image = new_image();
    {
        let mut server = server(&mut flash);
        upload(&mut server, &image, 500);
        assert_eq!(images(&mut server), [(0, false, true, true), (1, false, false, false)]);
        request_test(&mut server, &image);
        assert_eq!(images(&mut server), [(0, false, true, true), (1, true, false, false)]);
    }
    boot(&mut flash);
    let mut server = Server::new(slots(&mut flash), Slot::B);
    assert_eq!(images(&mut server), [(0, false, true, false), (1, false, false, true)]);
    block_on(server.confirm()).unwrap();
    assert_eq!(images(&mut server), [(0, false, false, false), (1, false, true, true)]);
}

#[test]
fn to_confirm_an_uploaded_image_is_to_have_it_tried() {
    let mut flash = factory();
    let image = new_image();
    {
        let mut server = server(&mut flash);
        upload(&mut server, &image, 500);
        let confirm = packet(2, IMAGE, 0, &state_body(&hash_of(&image), true));
        assert_eq!(decode(&exchange(&mut server, &confirm, FULL).unwrap()), Answer::default());
        assert_eq!(images(&mut server)[1], (1, true, false, false));
    }
    assert_eq!(boot(&mut flash), Some((Slot::B, (1, 1, 0, 0))));
    assert_eq!(boot(&mut flash), Some((Slot::A, (1, 0, 0, 0))), "it has not proven itself");
}

#[test]
fn requests_without_a_body_are_understood() {
    for (op, group, command) in
        [(0, IMAGE, 0), (2, OS, 5), (0, OS, 6), (0, OS, 7), (0, OS, 8), (0, IMAGE, 6), (2, IMAGE, 5)]
    {
        let mut flash = factory();
        let mut server = server(&mut flash);
        let answer = exchange(&mut server, &packet(op, group, command, &[]), FULL).unwrap();
        assert_eq!(decode(&answer), Answer::default(), "group {group}, command {command}");
    }
}

#[test]
fn the_number_of_the_image_is_not_looked_at() {
    for image_number in [0_u32, 1, 2] {
        let mut flash = factory();
        let image = new_image();
        let mut server = server(&mut flash);
        let body = cbor(|out| {
            out.map(4)
                .unwrap()
                .str("off")
                .unwrap()
                .u32(0)
                .unwrap()
                .str("image")
                .unwrap()
                .u32(image_number)
                .unwrap();
            out.str("len").unwrap().u32(image.len() as u32).unwrap();
            out.str("data").unwrap().bytes(&image[..400]).unwrap();
        });
        assert_eq!(decode(&exchange(&mut server, &packet(2, IMAGE, 1, &body), FULL).unwrap()).off, Some(400));
    }
}

#[test]
fn boot_loader_application_and_slots_are_told() {
    let mut flash = factory();
    let mut server = server(&mut flash);
    let mut text = |group, command, key: &str, value: &str| {
        let body = cbor(|out| {
            out.map(1).unwrap().str(key).unwrap().str(value).unwrap();
        });
        let answer = exchange(&mut server, &packet(0, group, command, &body), FULL).unwrap();
        let mut decoder = Decoder::new(&answer[8..]);
        decoder.map().unwrap();
        let name = decoder.str().unwrap().to_owned();
        match decoder.datatype().unwrap() {
            Type::String => (name, decoder.str().unwrap().to_owned()),
            Type::U8 => (name, decoder.u8().unwrap().to_string()),
            _ => (name, String::new()),
        }
    };
    assert_eq!(text(OS, 8, "x", ""), ("bootloader".into(), "MCUboot".into()));
    assert_eq!(text(OS, 8, "query", "mode"), ("mode".into(), "5".into()));
    assert_eq!(text(OS, 7, "format", "snr"), ("output".into(), "bandsense test-board 1.0.0".into()));
    let hash: String = hash_of(&Recipe::new((1, 0, 0, 0), Slot::A).build())[..4]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let all = format!("bandsense test-board 1.0.0 {hash} arm cortex-m4 test-board Embassy");
    assert_eq!(text(OS, 7, "format", "a"), ("output".into(), all));
    assert_eq!(text(OS, 7, "format", "sx").0, "err");
    assert_eq!(text(OS, 7, "format", &"n".repeat(60)).0, "err");
    assert_eq!(text(OS, 8, "query", "weather").0, "err");
    assert_eq!(text(IMAGE, 6, "x", "").0, "images");
}

#[test]
fn an_image_below_the_security_counter_is_refused() {
    let mut flash = factory();
    let with = |version, counter, slot| {
        Recipe { security_counter: Some(counter), ..Recipe::new(version, slot) }.build()
    };
    let safe = with((1, 1, 0, 0), 2, Slot::B);
    {
        let mut server = server(&mut flash);
        assert_eq!(upload(&mut server, &safe, 500).matches, Some(true));
        let hash: [u8; 32] = Sha256::digest(&safe[..safe.len() - TRAILER_LEN]).into();
        exchange(&mut server, &packet(2, IMAGE, 0, &state_body(&hash, false)), FULL).unwrap();
    }
    boot(&mut flash);
    block_on(slots(&mut flash).confirm(Slot::B)).unwrap();
    assert_eq!(boot(&mut flash).map(|(slot, _)| slot), Some(Slot::B));
    let mut server = Server::new(slots(&mut flash), Slot::B);
    for (counter, rc) in [(1, Some(6)), (2, None), (3, None)] {
        let answer = upload(&mut server, &with((1, 2, 0, counter), counter, Slot::A), 500);
        assert_eq!((answer.rc, answer.matches), (rc, rc.is_none().then_some(true)), "counter {counter}");
    }
}

#[test]
fn an_upload_whose_check_was_cut_off_is_checked_when_it_is_taken_up() {
    let mut flash = factory();
    let good = new_image();
    let mut forged = Recipe { key: [8; 32], ..Recipe::new((1, 1, 0, 0), Slot::B) }.build();
    forged.truncate(good.len());
    let mut server = server(&mut flash);
    let mut off = 0;
    while off + 500 < forged.len() {
        off = send_piece(&mut server, &forged, off, 500, true).off.unwrap() as usize;
    }
    {
        let last = piece(&forged, off, 500, true);
        let mut answer = [0; bandsense_update::smp::ANSWER_LEN];
        let mut receiving = std::pin::pin!(server.receive(&last, FULL, &mut answer));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(receiving.as_mut().poll(&mut context).is_pending(), "it takes turns");
    }
    server.disconnected();
    assert_eq!(
        send_piece(&mut server, &forged, 0, 500, true).rsn.as_deref(),
        Some("image is signed with an unknown key")
    );
}

#[test]
fn a_request_that_is_too_long_is_refused_and_the_next_one_understood() {
    let mut flash = factory();
    let mut server = server(&mut flash);
    let long = packet(2, OS, 0, &vec![0; REQUEST_LEN]);
    let mut answers: Vec<_> =
        long.chunks(244).filter_map(|piece| exchange(&mut server, piece, FULL)).collect();
    assert_eq!(decode(&answers.pop().unwrap()).rc, Some(7));
    assert!(answers.is_empty());
    let parameters = exchange(&mut server, &packet(0, OS, 6, &[0xa0]), FULL).unwrap();
    assert_eq!(decode(&parameters).rc, None);
}

#[test]
fn responses_and_unknown_commands() {
    let mut flash = factory();
    let mut server = server(&mut flash);
    assert_eq!(exchange(&mut server, &packet(1, OS, 6, &[0xa0]), FULL), None);
    for (group, command) in [(OS, 2), (IMAGE, 3), (8, 0), (64, 1)] {
        assert_eq!(
            decode(&exchange(&mut server, &packet(0, group, command, &[0xa0]), FULL).unwrap()).rc,
            Some(8)
        );
    }
    assert_eq!(decode(&exchange(&mut server, &packet(0, OS, 6, &[0xff]), FULL).unwrap()).rc, Some(3));
}

fn header_state() -> impl Strategy<Value = Vec<u8>> {
    let known = (0_u8..4, 0_u16..3, 0_u8..7, prop::collection::vec(any::<u8>(), 0..60))
        .prop_map(|(op, group, command, body)| packet(op, group, command, &body));
    prop_oneof![known, prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #[test]
    fn cutting_a_request_differently_changes_nothing(cuts in prop::collection::vec(1_usize..400, 1..40)) {
        let mut flash = factory();
        let image = new_image();
        let mut server = server(&mut flash);
        let request = piece(&image, 0, 1800, true);
        let (mut at, mut i, mut answers) = (0, 0, Vec::new());
        while at < request.len() {
            let end = request.len().min(at + cuts[i % cuts.len()]);
            answers.extend(exchange(&mut server, &request[at..end], FULL));
            (at, i) = (end, i + 1);
        }
        prop_assert_eq!(answers.len(), 1);
        prop_assert_eq!(decode(&answers[0]).off, Some(1800));
    }

    #[test]
    fn nothing_that_is_received_makes_it_panic_or_unbootable(packets in prop::collection::vec(header_state(), 1..12)) {
        let mut flash = factory();
        let mut server = server(&mut flash);
        for packet in packets {
            if let Some(answer) = exchange(&mut server, &packet, FULL) {
                let len = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
                prop_assert_eq!(answer.len(), 8 + len);
                prop_assert!(Decoder::new(&answer[8..]).datatype().is_ok_and(|kind| kind == Type::Map));
            }
        }
        prop_assert_eq!(boot(&mut flash).map(|(slot, _)| slot), Some(Slot::A));
    }

    #[test]
    fn any_order_of_pieces_ends_in_the_same_image(offs in prop::collection::vec(0_usize..4896, 0..20), len in 64_usize..1900) {
        let mut flash = factory();
        let image = new_image();
        let mut server = server(&mut flash);
        for off in offs {
            send_piece(&mut server, &image, off.min(image.len() - 1), len, true);
        }
        prop_assert_eq!(upload(&mut server, &image, len).matches, Some(true));
        let start = support::LAYOUT.slot[1].start as usize;
        drop(server);
        prop_assert_eq!(&flash.bytes[start..start + image.len()], &image[..]);
    }
}
