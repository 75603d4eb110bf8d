//! What a client of the update service sends, and what it makes of the answers.

use bandsense_update::smp::{ANSWER_LEN, Server};
use embassy_futures::block_on;
use minicbor::Encoder;
use minicbor::decode::Decoder;
use minicbor::encode::write::Cursor;
use sha2::{Digest, Sha256};

use super::{Shared, TRAILER_LEN};

pub const FULL: Option<u8> = Some(100);
pub const OS: u16 = 0;
pub const IMAGE: u16 = 1;

pub fn exchange(server: &mut Server<Shared<'_>>, request: &[u8], battery: Option<u8>) -> Option<Vec<u8>> {
    let mut answer = [0; ANSWER_LEN];
    let len = block_on(server.receive(request, battery, &mut answer))?;
    Some(answer[..len].to_vec())
}

pub fn packet(op: u8, group: u16, command: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![op | 1 << 3, 0];
    packet.extend((body.len() as u16).to_be_bytes());
    packet.extend(group.to_be_bytes());
    packet.extend([9, command]);
    packet.extend(body);
    packet
}

/// An answer: offset, or the error's number (of SMP or of image management), and whether hashes match.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    pub off: Option<u32>,
    pub matches: Option<bool>,
    pub rc: Option<u32>,
    pub rsn: Option<String>,
}

pub fn decode(answer: &[u8]) -> Answer {
    let mut decoded = Answer::default();
    let mut decoder = Decoder::new(&answer[8..]);
    let mut left = decoder.map().unwrap().unwrap();
    while left > 0 {
        match decoder.str().unwrap() {
            "off" => decoded.off = Some(decoder.u32().unwrap()),
            "match" => decoded.matches = Some(decoder.bool().unwrap()),
            "rc" => decoded.rc = Some(decoder.u32().unwrap()),
            "rsn" => decoded.rsn = Some(decoder.str().unwrap().to_owned()),
            "err" => left += decoder.map().unwrap().unwrap(),
            _ => decoder.skip().unwrap(),
        }
        left -= 1;
    }
    decoded
}

type Out = Encoder<Cursor<[u8; 4096]>>;

pub fn cbor(build: impl FnOnce(&mut Out)) -> Vec<u8> {
    let mut out = Encoder::new(Cursor::new([0; 4096]));
    build(&mut out);
    let written = out.into_writer();
    let len = written.position();
    written.into_inner()[..len].to_vec()
}

pub fn state_body(hash: &[u8; 32], confirm: bool) -> Vec<u8> {
    cbor(|out| {
        out.map(2).unwrap().str("hash").unwrap().bytes(hash).unwrap();
        out.str("confirm").unwrap().bool(confirm).unwrap();
    })
}

/// What a client sends of an image from some offset on.
pub fn piece(image: &[u8], off: usize, len: usize, upgrade: bool) -> Vec<u8> {
    let data = &image[off..image.len().min(off + len)];
    let body = cbor(|out| {
        out.map(if off == 0 { 5 } else { 2 }).unwrap();
        out.str("off").unwrap().u32(off as u32).unwrap();
        out.str("data").unwrap().bytes(data).unwrap();
        if off == 0 {
            out.str("len").unwrap().u32(image.len() as u32).unwrap();
            out.str("sha").unwrap().bytes(&Sha256::digest(image)).unwrap();
            out.str("upgrade").unwrap().bool(upgrade).unwrap();
        }
    });
    packet(2, IMAGE, 1, &body)
}

pub fn send_piece(
    server: &mut Server<Shared<'_>>,
    image: &[u8],
    off: usize,
    len: usize,
    upgrade: bool,
) -> Answer {
    decode(&exchange(server, &piece(image, off, len, upgrade), FULL).expect("an answer"))
}

/// Follow the offsets that the server gives, as clients do.
pub fn upload(server: &mut Server<Shared<'_>>, image: &[u8], len: usize) -> Answer {
    let mut answer = send_piece(server, image, 0, len, true);
    while let Some(off) = answer.off.filter(|off| *off < image.len() as u32) {
        answer = send_piece(server, image, off as usize, len, true);
    }
    answer
}

pub fn hash_of(image: &[u8]) -> [u8; 32] {
    Sha256::digest(&image[..image.len() - TRAILER_LEN]).into()
}

pub fn request_test(server: &mut Server<Shared<'_>>, image: &[u8]) -> Answer {
    decode(&exchange(server, &packet(2, IMAGE, 0, &state_body(&hash_of(image), false)), FULL).unwrap())
}
