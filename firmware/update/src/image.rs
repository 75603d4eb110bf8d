//! Images: the [MCUboot image format](https://docs.mcuboot.com/design.html#image-format), with a SHA-256 and an Ed25519
//! signature of it as `imgtool` writes them, linked for a fixed address (`IMAGE_F_ROM_FIXED`). The header is padded to
//! 256 bytes; the first 32 bytes of the padding say which board the image is made for, so that the first piece of an
//! upload suffices to refuse it. A protected field holds the security counter, as `imgtool --security-counter` puts it.

use core::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use embassy_futures::yield_now;
use embedded_storage_async::nor_flash::ReadNorFlash;
use heapless::String;
use sha2::{Digest, Sha256};

use crate::layout::Region;

/// Length of the header with its padding: the vector table follows, aligned as the processor wants it.
pub const HEADER_LEN: u32 = 256;
/// How much of an image tells what it is.
pub const PREFIX_LEN: usize = 64;
/// Longest name of a board.
pub const BOARD_LEN: usize = 16;

const MAGIC: u32 = 0x96f3_b83d;
const FLAG_ROM_FIXED: u32 = 0x100;
const MANIFEST_AT: usize = 32;
const MANIFEST_MAGIC: &[u8; 4] = b"BSM1";
const MANIFEST_DEVELOPMENT: u32 = 1;
const TLV_MAGIC: u16 = 0x6907;
const PROTECTED_TLV_MAGIC: u16 = 0x6908;
const TLV_KEY_HASH: u16 = 0x01;
const TLV_SHA256: u16 = 0x10;
const TLV_ED25519: u16 = 0x24;
const TLV_SECURITY_COUNTER: u16 = 0x50;
const TLV_AREA_MAX: u32 = 1024;
/// Bytes that are hashed before others have a turn: about 5 ms of the nRF52840.
const HASHED_AT_ONCE: u32 = 4096;
/// `SubjectPublicKeyInfo` of an Ed25519 key up to the key itself (RFC 8410): MCUboot hashes the whole.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Version of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Incompatible changes.
    pub major: u8,
    /// Additions.
    pub minor: u8,
    /// Corrections.
    pub revision: u16,
    /// Build number.
    pub build: u32,
}

impl fmt::Display for Version {
    /// `major.minor.revision`, and `.build` where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.revision)?;
        if self.build != 0 {
            write!(f, ".{}", self.build)?;
        }
        Ok(())
    }
}

/// What is wrong with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is no MCUboot image, or none with this project's manifest.
    NotAnImage,
    /// Encrypted, compressed or otherwise beyond this loader.
    Unsupported,
    /// Made for another board.
    WrongBoard(String<BOARD_LEN>),
    /// Linked for another address than that of the slot.
    WrongAddress,
    /// Longer than a slot.
    TooLong,
    /// The fields after the image are damaged, or one that must be there is missing.
    BadTrailer,
    /// The bytes are not those that the signer saw.
    BadHash,
    /// Signed with a key that this sensor does not know.
    UnknownKey,
    /// The signature is not that of the known key.
    BadSignature,
    /// Its security counter is below the one that this sensor has reached.
    RolledBack,
    /// Flash could not be read.
    Unreadable,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnImage => f.write_str("not a firmware image"),
            Self::Unsupported => f.write_str("image uses features this loader lacks"),
            Self::WrongBoard(board) => write!(f, "image is for board {board}"),
            Self::WrongAddress => f.write_str("image is linked for the other slot"),
            Self::TooLong => f.write_str("image is longer than a slot"),
            Self::BadTrailer => f.write_str("image is damaged at its end"),
            Self::BadHash => f.write_str("image is damaged"),
            Self::UnknownKey => f.write_str("image is signed with an unknown key"),
            Self::BadSignature => f.write_str("signature is not valid"),
            Self::RolledBack => f.write_str("image was withdrawn for its security: take a newer one"),
            Self::Unreadable => f.write_str("flash cannot be read"),
        }
    }
}

/// The first bytes of an image, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Version of the image.
    pub version: Version,
    /// Board that the image is made for.
    pub board: String<BOARD_LEN>,
    /// Signed with a development key, whose private half anyone may have.
    pub development: bool,
    load_address: u32,
    /// Header, body and protected fields: what the hash covers.
    hashed_len: u32,
    protected_len: u32,
}

impl Header {
    /// Decode the first bytes of an image.
    ///
    /// # Errors
    /// [`Flaw::NotAnImage`], [`Flaw::Unsupported`], [`Flaw::TooLong`].
    pub fn parse(prefix: &[u8; PREFIX_LEN]) -> Result<Self, Flaw> {
        let (mcuboot, manifest) = prefix.split_at(MANIFEST_AT);
        if u32_at(mcuboot, 0) != MAGIC || &manifest[..4] != MANIFEST_MAGIC {
            return Err(Flaw::NotAnImage);
        }
        let header_len = u32::from(u16_at(mcuboot, 8));
        if header_len != HEADER_LEN || u32_at(mcuboot, 16) != FLAG_ROM_FIXED {
            return Err(Flaw::Unsupported);
        }
        let protected_len = u32::from(u16_at(mcuboot, 10));
        let hashed_len =
            (header_len + protected_len).checked_add(u32_at(mcuboot, 12)).ok_or(Flaw::TooLong)?;
        Ok(Self {
            version: Version {
                major: mcuboot[20],
                minor: mcuboot[21],
                revision: u16_at(mcuboot, 22),
                build: u32_at(mcuboot, 24),
            },
            board: board_name(&manifest[4..4 + BOARD_LEN])?,
            development: u32_at(manifest, 4 + BOARD_LEN) & MANIFEST_DEVELOPMENT != 0,
            load_address: u32_at(mcuboot, 4),
            hashed_len,
            protected_len,
        })
    }

    /// Check that the image fits a slot of a board.
    ///
    /// # Errors
    /// [`Flaw::WrongBoard`], [`Flaw::WrongAddress`], [`Flaw::TooLong`].
    pub fn check(&self, board: &str, slot: Region) -> Result<(), Flaw> {
        if self.board != board {
            return Err(Flaw::WrongBoard(self.board.clone()));
        }
        if self.load_address != slot.start {
            return Err(Flaw::WrongAddress);
        }
        if self.hashed_len > slot.len {
            return Err(Flaw::TooLong);
        }
        Ok(())
    }
}

/// An image whose hash and signature were found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What its first bytes say.
    pub header: Header,
    /// SHA-256 of header, body and protected fields: the image's name in SMP.
    pub hash: [u8; 32],
    /// Raised by a release that mends a hole: images below the highest confirmed one are not started. 0 without the field.
    pub security_counter: u32,
    /// Length of the image with all its fields.
    pub len: u32,
}

/// Which images a sensor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The board's name, as in the manifest.
    pub board: &'static str,
    /// Ed25519 public key of whoever may sign.
    pub key: [u8; 32],
}

/// Read the header and the trailer of the image at `slot`; nothing is hashed.
///
/// # Errors
/// See [`Flaw`].
pub async fn inspect<F: ReadNorFlash>(flash: &mut F, slot: Region, policy: &Policy) -> Result<Image, Flaw> {
    Ok(parts(flash, slot, policy).await?.0)
}

/// Read the image at `slot`, once; check its hash and its signature. Gives the SHA-256 of the whole file too, the image with
/// all its fields. Others have their turn every few milliseconds while it is hashed; the signature takes the nRF52840 some
/// 35 ms without a break (1.7 million instructions).
///
/// # Errors
/// See [`Flaw`].
pub async fn verify<F: ReadNorFlash>(
    flash: &mut F,
    slot: Region,
    policy: &Policy,
) -> Result<(Image, [u8; 32]), Flaw> {
    let (image, trailer) = parts(flash, slot, policy).await?;
    let hashed_len = image.header.hashed_len;
    let mut hasher = Sha256::new();
    feed(flash, &mut hasher, slot.start, hashed_len).await?;
    let hash: [u8; 32] = hasher.clone().finalize().into();
    feed(flash, &mut hasher, slot.start + hashed_len, trailer.len).await?;
    if hash != trailer.hash {
        return Err(Flaw::BadHash);
    }
    if trailer.key_hash != key_hash(&policy.key) {
        return Err(Flaw::UnknownKey);
    }
    yield_now().await;
    VerifyingKey::from_bytes(&policy.key)
        .and_then(|key| key.verify_strict(&hash, &Signature::from_bytes(&trailer.signature)))
        .map_err(|_| Flaw::BadSignature)?;
    yield_now().await;
    Ok((image, hasher.finalize().into()))
}

/// SHA-256 of a stretch of flash.
///
/// # Errors
/// [`Flaw::Unreadable`].
pub async fn sha256<F: ReadNorFlash>(flash: &mut F, start: u32, len: u32) -> Result<[u8; 32], Flaw> {
    let mut hasher = Sha256::new();
    feed(flash, &mut hasher, start, len).await?;
    Ok(hasher.finalize().into())
}

async fn feed<F: ReadNorFlash>(flash: &mut F, hasher: &mut Sha256, start: u32, len: u32) -> Result<(), Flaw> {
    let mut block = [0; 256];
    let mut at = 0;
    while at < len {
        let piece = &mut block[..(len - at).min(256) as usize];
        flash.read(start + at, piece).await.map_err(|_| Flaw::Unreadable)?;
        hasher.update(&*piece);
        at += piece.len() as u32;
        if at.is_multiple_of(HASHED_AT_ONCE) {
            yield_now().await;
        }
    }
    Ok(())
}

struct Trailer {
    hash: [u8; 32],
    key_hash: [u8; 32],
    signature: [u8; 64],
    len: u32,
}

async fn parts<F: ReadNorFlash>(
    flash: &mut F,
    slot: Region,
    policy: &Policy,
) -> Result<(Image, Trailer), Flaw> {
    let mut prefix = [0; PREFIX_LEN];
    flash.read(slot.start, &mut prefix).await.map_err(|_| Flaw::Unreadable)?;
    let header = Header::parse(&prefix)?;
    header.check(policy.board, slot)?;
    let security_counter = read_security_counter(flash, slot, &header).await?;
    let start = slot.start + header.hashed_len;
    let trailer = read_trailer(flash, Region { start, len: slot.end() - start }).await?;
    let len = header.hashed_len + trailer.len;
    Ok((Image { header, hash: trailer.hash, security_counter, len }, trailer))
}

/// The field of the protected area, which is hashed with the image.
async fn read_security_counter<F: ReadNorFlash>(
    flash: &mut F,
    slot: Region,
    header: &Header,
) -> Result<u32, Flaw> {
    let len = header.protected_len;
    if len == 0 {
        return Ok(0);
    }
    let room = Region { start: slot.start + header.hashed_len - len, len };
    let mut counter = 0;
    let fields = Fields::open(flash, room, PROTECTED_TLV_MAGIC).await?;
    if fields.len != len {
        return Err(Flaw::BadTrailer);
    }
    let mut at = Fields::HEADING_LEN;
    while let Some(field) = fields.at(flash, at).await? {
        if (field.kind, field.len) == (TLV_SECURITY_COUNTER, 4) {
            counter = u32::from_le_bytes(fields.value(flash, &field).await?);
        }
        at = field.end();
    }
    Ok(counter)
}

async fn read_trailer<F: ReadNorFlash>(flash: &mut F, room: Region) -> Result<Trailer, Flaw> {
    let fields = Fields::open(flash, room, TLV_MAGIC).await?;
    let (mut hash, mut key_hash, mut signature) = (None, None, None);
    let mut at = Fields::HEADING_LEN;
    while let Some(field) = fields.at(flash, at).await? {
        match (field.kind, field.len) {
            (TLV_SHA256, 32) => hash = Some(fields.value(flash, &field).await?),
            (TLV_KEY_HASH, 32) => key_hash = Some(fields.value(flash, &field).await?),
            (TLV_ED25519, 64) => signature = Some(fields.value(flash, &field).await?),
            _ => {}
        }
        at = field.end();
    }
    match (hash, key_hash, signature) {
        (Some(hash), Some(key_hash), Some(signature)) => {
            Ok(Trailer { hash, key_hash, signature, len: fields.len })
        }
        _ => Err(Flaw::BadTrailer),
    }
}

/// An area of MCUboot's type-length-value fields.
struct Fields {
    room: Region,
    /// With the heading.
    len: u32,
}

/// One of them, without its value.
struct Field {
    kind: u16,
    len: u32,
    /// Where the value begins, from the start of the area.
    value_at: u32,
}

impl Field {
    fn end(&self) -> u32 {
        self.value_at + self.len
    }
}

impl Fields {
    const HEADING_LEN: u32 = 4;

    async fn open<F: ReadNorFlash>(flash: &mut F, room: Region, magic: u16) -> Result<Self, Flaw> {
        let mut heading = [0; Self::HEADING_LEN as usize];
        read(flash, room, 0, &mut heading).await?;
        let len = u32::from(u16_at(&heading, 2));
        if u16_at(&heading, 0) != magic || len > room.len.min(TLV_AREA_MAX) {
            return Err(Flaw::BadTrailer);
        }
        Ok(Self { room, len })
    }

    /// The field that begins at `at`, `None` at the end.
    async fn at<F: ReadNorFlash>(&self, flash: &mut F, at: u32) -> Result<Option<Field>, Flaw> {
        if at >= self.len {
            return Ok(None);
        }
        let mut head = [0; 4];
        read(flash, self.room, at, &mut head).await?;
        let field = Field { kind: u16_at(&head, 0), len: u32::from(u16_at(&head, 2)), value_at: at + 4 };
        if field.end() > self.len {
            return Err(Flaw::BadTrailer);
        }
        Ok(Some(field))
    }

    /// The field's value, which is `N` bytes long.
    async fn value<const N: usize, F: ReadNorFlash>(
        &self,
        flash: &mut F,
        field: &Field,
    ) -> Result<[u8; N], Flaw> {
        let mut bytes = [0; N];
        read(flash, self.room, field.value_at, &mut bytes).await?;
        Ok(bytes)
    }
}

async fn read<F: ReadNorFlash>(flash: &mut F, room: Region, at: u32, bytes: &mut [u8]) -> Result<(), Flaw> {
    if at + bytes.len() as u32 > room.len {
        return Err(Flaw::BadTrailer);
    }
    flash.read(room.start + at, bytes).await.map_err(|_| Flaw::Unreadable)
}

fn key_hash(key: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(SPKI_PREFIX).chain_update(key).finalize().into()
}

fn board_name(bytes: &[u8]) -> Result<String<BOARD_LEN>, Flaw> {
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    core::str::from_utf8(&bytes[..len]).ok().and_then(|name| name.parse().ok()).ok_or(Flaw::NotAnImage)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
