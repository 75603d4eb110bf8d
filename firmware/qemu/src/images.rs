//! Signed images, made from the description of the format, and a client that uploads them.

use alloc::vec;
use alloc::vec::Vec;

use bandsense_update::layout::Slot;
use bandsense_update::layout::xiao_nrf52840::{BOARD, LAYOUT};
use bandsense_update::slots::{Policy, Slots};
use bandsense_update::smp::{ANSWER_LEN, Server};
use ed25519_dalek::{Signer, SigningKey};
use embassy_futures::block_on;
use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

use crate::flash::{Borrowed, Flash};

const SEED: [u8; 32] = [7; 32];
const TRAILER_LEN: usize = 4 + 36 + 36 + 68;
const PIECE_LEN: usize = 1024;

/// Which images the sensor takes.
pub fn policy() -> Policy {
    Policy { board: BOARD, key: SigningKey::from_bytes(&SEED).verifying_key().to_bytes() }
}

/// The slots in `flash`.
pub fn slots(flash: &mut Flash) -> Slots<Borrowed<'_>> {
    Slots::new(Borrowed(flash), LAYOUT, policy())
}

/// A signed image with this version and security counter.
pub fn build(slot: Slot, minor: u8, counter: u32, body: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 256];
    image[0..4].copy_from_slice(&0x96f3_b83d_u32.to_le_bytes());
    image[4..8].copy_from_slice(&LAYOUT.slot[slot.index()].start.to_le_bytes());
    image[8..10].copy_from_slice(&256_u16.to_le_bytes());
    image[10..12].copy_from_slice(&12_u16.to_le_bytes());
    image[12..16].copy_from_slice(&(body.len() as u32).to_le_bytes());
    image[16..20].copy_from_slice(&0x100_u32.to_le_bytes());
    image[20..22].copy_from_slice(&[1, minor]);
    image[32..36].copy_from_slice(b"BSM1");
    image[36..36 + BOARD.len()].copy_from_slice(BOARD.as_bytes());
    image.extend_from_slice(body);
    image.extend([0x08, 0x69, 12, 0, 0x50, 0, 4, 0]);
    image.extend(counter.to_le_bytes());
    let hash: [u8; 32] = Sha256::digest(&image).into();
    let key = SigningKey::from_bytes(&SEED);
    let mut public = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    public.extend(key.verifying_key().as_bytes());
    image.extend([0x07, 0x69]);
    image.extend((TRAILER_LEN as u16).to_le_bytes());
    for (kind, value) in
        [(0x10_u16, &hash[..]), (0x01, &Sha256::digest(&public)[..]), (0x24, &key.sign(&hash).to_bytes()[..])]
    {
        image.extend(kind.to_le_bytes());
        image.extend((value.len() as u16).to_le_bytes());
        image.extend(value);
    }
    image
}

/// A sensor as it leaves the bench: version 1.0 in slot A, confirmed, nothing else.
pub fn factory(body: &[u8]) -> Flash {
    let mut flash = Flash::erased(LAYOUT.slot[1].start + 0x8000);
    flash.program(LAYOUT.slot[0].start, &build(Slot::A, 0, 0, body));
    flash.program(LAYOUT.journal[0].start, &confirmed(1));
    flash
}

/// A journal's entry.
pub fn confirmed(generation: u32) -> [u8; 8] {
    let word = generation << 8 | 3;
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&word.to_le_bytes());
    entry[4..].copy_from_slice(&(!word).to_le_bytes());
    entry
}

fn exchange(server: &mut Server<Borrowed<'_>>, group: u16, command: u8, body: &[u8]) -> Option<Vec<u8>> {
    let mut packet = vec![2 | 1 << 3, 0];
    packet.extend((body.len() as u16).to_be_bytes());
    packet.extend(group.to_be_bytes());
    packet.extend([0, command]);
    packet.extend_from_slice(body);
    let mut answer = [0; ANSWER_LEN];
    let len = block_on(server.receive(&packet, Some(100), &mut answer))?;
    Some(answer[8..len].to_vec())
}

/// Upload an image and have it tried, as a client does; whether the sensor agreed to all of it.
pub fn install(server: &mut Server<Borrowed<'_>>, image: &[u8]) -> bool {
    let mut off = 0;
    while off < image.len() {
        let piece = &image[off..image.len().min(off + PIECE_LEN)];
        let mut request = Encoder::new(Vec::new());
        let built = (|| {
            request.map(3)?.str("off")?.u32(off as u32)?.str("len")?.u32(image.len() as u32)?;
            request.str("data")?.bytes(piece)?.ok()
        })();
        let Some(answer) = built.ok().and_then(|()| exchange(server, 1, 1, request.writer())) else {
            return false;
        };
        let mut decoder = Decoder::new(&answer);
        let next = (|| {
            decoder.map().ok()?;
            (decoder.str().ok()? == "off").then(|| decoder.u32().ok()).flatten()
        })();
        match next {
            Some(next) if next as usize > off => off = next as usize,
            _ => return false,
        }
    }
    let hash: [u8; 32] = Sha256::digest(&image[..image.len() - TRAILER_LEN]).into();
    let mut request = Encoder::new(Vec::new());
    let built = request.map(1).and_then(|map| map.str("hash")?.bytes(&hash)?.ok());
    built.is_ok()
        && exchange(server, 1, 0, request.writer())
            .is_some_and(|answer| Decoder::new(&answer[1..]).str().is_ok_and(|key| key == "images"))
}
