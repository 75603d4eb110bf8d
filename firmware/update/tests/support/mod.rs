//! A flash that loses power, and images to put into it.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub mod client;

use bandsense_update::layout::{Layout, Region, Slot};
use bandsense_update::slots::{Floor, Policy, Slots};
use ed25519_dalek::{Signer, SigningKey};
use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use sha2::{Digest, Sha256};

pub const PAGE: u32 = 4096;
pub const SLOT_PAGES: u32 = 3;
pub const BOARD: &str = "test-board";
/// Length of the fields after an image: their heading, hash, key hash, signature.
pub const TRAILER_LEN: usize = 4 + 36 + 36 + 68;

pub const LAYOUT: Layout = Layout {
    journal: [Region { start: 0, len: PAGE }, Region { start: PAGE, len: PAGE }],
    slot: [
        Region { start: 2 * PAGE, len: SLOT_PAGES * PAGE },
        Region { start: (2 + SLOT_PAGES) * PAGE, len: SLOT_PAGES * PAGE },
    ],
    floor: Region { start: (2 + 2 * SLOT_PAGES) * PAGE, len: PAGE },
};
const FLASH_LEN: u32 = (3 + 2 * SLOT_PAGES) * PAGE;

/// The power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerLost;

impl NorFlashError for PowerLost {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// NOR flash with the rules of the nRF52840: erase by page, write words once. Power can be cut in the middle of any
/// single erase or word write, which then is left half done: `torn` decides which bits changed.
#[derive(Clone)]
pub struct Nor {
    pub bytes: Vec<u8>,
    written: Vec<bool>,
    pub operations: u64,
    pub cut_at: Option<u64>,
    dead: bool,
    torn: u64,
}

impl Nor {
    pub fn new() -> Self {
        let len = FLASH_LEN as usize;
        Self {
            bytes: vec![0xff; len],
            written: vec![false; len / 4],
            operations: 0,
            cut_at: None,
            dead: false,
            torn: 1,
        }
    }

    /// Power comes back, and will be cut `after` so many operations.
    pub fn power_on(&mut self, after: Option<u64>, seed: u64) {
        self.dead = false;
        self.operations = 0;
        self.cut_at = after;
        self.torn = seed | 1;
    }

    /// Counts an operation; whether it is the one that the power cut tears.
    fn begin(&mut self) -> Result<bool, PowerLost> {
        if self.dead {
            return Err(PowerLost);
        }
        self.operations += 1;
        self.dead = self.cut_at == Some(self.operations - 1);
        Ok(self.dead)
    }

    /// Random bits (xorshift), all, or none: all are ways to tear.
    fn random(&mut self) -> u8 {
        self.torn ^= self.torn << 13;
        self.torn ^= self.torn >> 7;
        self.torn ^= self.torn << 17;
        match self.torn % 4 {
            0 => 0x00,
            1 => 0xff,
            _ => (self.torn >> 32) as u8,
        }
    }

    /// Put bytes there as a programmer would.
    pub fn program(&mut self, at: u32, bytes: &[u8]) {
        let at = at as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.written[at / 4..(at + bytes.len()).div_ceil(4)].fill(true);
    }
}

impl ErrorType for Nor {
    type Error = PowerLost;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        if self.dead {
            return Err(PowerLost);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..offset as usize + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        assert!(from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE) && from < to && to <= FLASH_LEN);
        for page in (from..to).step_by(PAGE as usize) {
            let torn = self.begin()?;
            for at in page..page + PAGE {
                let gained = if torn { self.random() } else { 0xff };
                self.bytes[at as usize] |= gained;
            }
            let words = page as usize / 4..(page + PAGE) as usize / 4;
            if torn {
                return Err(PowerLost);
            }
            self.written[words].fill(false);
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
        for (i, word) in bytes.chunks_exact(4).enumerate() {
            let at = offset as usize + 4 * i;
            let torn = self.begin()?;
            assert!(!self.written[at / 4], "word at {at:#x} written twice");
            self.written[at / 4] = true;
            for (j, byte) in word.iter().enumerate() {
                let kept = if torn { self.random() } else { 0 };
                self.bytes[at + j] &= byte | kept;
            }
            if torn {
                // Nobody can tell a write that left no trace; the chip allows a word two writes (nWRITE).
                self.written[at / 4] = self.bytes[at..at + 4] != [0xff; 4];
                return Err(PowerLost);
            }
        }
        Ok(())
    }
}

/// Several owners of one flash, as boot loader and application are.
pub struct Shared<'a>(pub &'a mut Nor);

impl ErrorType for Shared<'_> {
    type Error = PowerLost;
}

impl ReadNorFlash for Shared<'_> {
    const READ_SIZE: usize = Nor::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        self.0.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Shared<'_> {
    const WRITE_SIZE: usize = Nor::WRITE_SIZE;
    const ERASE_SIZE: usize = Nor::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        self.0.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        self.0.write(offset, bytes).await
    }
}

/// What to sign.
#[derive(Clone)]
pub struct Recipe {
    pub version: (u8, u8, u16, u32),
    pub slot: Slot,
    pub board: &'static str,
    pub key: [u8; 32],
    pub body_len: usize,
    pub security_counter: Option<u32>,
}

impl Recipe {
    pub fn new(version: (u8, u8, u16, u32), slot: Slot) -> Self {
        Self { version, slot, board: BOARD, key: [7; 32], body_len: 4500, security_counter: None }
    }

    /// A signed image, built from the description of the format and not with the code under test.
    pub fn build(&self) -> Vec<u8> {
        let body: Vec<u8> =
            (0..self.body_len).map(|i| (i * 31 + usize::from(self.version.2)) as u8).collect();
        let mut image = vec![0; 256];
        image[0..4].copy_from_slice(&0x96f3_b83d_u32.to_le_bytes());
        image[4..8].copy_from_slice(&LAYOUT.slot[self.slot.index()].start.to_le_bytes());
        image[8..10].copy_from_slice(&256_u16.to_le_bytes());
        image[12..16].copy_from_slice(&(body.len() as u32).to_le_bytes());
        image[16..20].copy_from_slice(&0x100_u32.to_le_bytes());
        image[20] = self.version.0;
        image[21] = self.version.1;
        image[22..24].copy_from_slice(&self.version.2.to_le_bytes());
        image[24..28].copy_from_slice(&self.version.3.to_le_bytes());
        image[32..36].copy_from_slice(b"BSM1");
        image[36..36 + self.board.len()].copy_from_slice(self.board.as_bytes());
        image.extend(body);
        if let Some(counter) = self.security_counter {
            image[10..12].copy_from_slice(&12_u16.to_le_bytes());
            image.extend([0x08, 0x69, 12, 0, 0x50, 0, 4, 0]);
            image.extend(counter.to_le_bytes());
        }
        let hash: [u8; 32] = Sha256::digest(&image).into();
        let key = SigningKey::from_bytes(&self.key);
        let mut spki = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        spki.extend(key.verifying_key().as_bytes());
        let fields: [(u16, Vec<u8>); 3] = [
            (0x10, hash.to_vec()),
            (0x01, Sha256::digest(&spki).to_vec()),
            (0x24, key.sign(&hash).to_bytes().to_vec()),
        ];
        image.extend(0x6907_u16.to_le_bytes());
        let len: usize = fields.iter().map(|(_, value)| 4 + value.len()).sum();
        image.extend((4 + len as u16).to_le_bytes());
        for (kind, value) in fields {
            image.extend(kind.to_le_bytes());
            image.extend((value.len() as u16).to_le_bytes());
            image.extend(value);
        }
        image
    }
}

pub fn policy() -> Policy {
    Policy { board: BOARD, key: SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes() }
}

pub fn slots(flash: &mut Nor) -> Slots<Shared<'_>> {
    Slots::new(Shared(flash), LAYOUT, policy())
}

/// A sensor as it leaves the bench: version 1.0.0 in slot A, confirmed.
pub fn factory() -> Nor {
    let mut flash = Nor::new();
    flash.program(LAYOUT.slot[0].start, &Recipe::new((1, 0, 0, 0), Slot::A).build());
    let confirmed = 1_u32 << 8 | 3;
    flash.program(LAYOUT.journal[0].start, &confirmed.to_le_bytes());
    flash.program(LAYOUT.journal[0].start + 4, &(!confirmed).to_le_bytes());
    flash
}

/// What the boot loader chooses, with the version of it.
pub fn boot(flash: &mut Nor) -> Option<(Slot, (u8, u8, u16, u32))> {
    let slot = block_on(slots(flash).select(Floor::Kept)).slot?;
    let version = block_on(slots(flash).status(slot)).expect("what boots has an image").image.header.version;
    Some((slot, (version.major, version.minor, version.revision, version.build)))
}
