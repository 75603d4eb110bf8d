//! Server of the [Simple Management Protocol](https://docs.zephyrproject.org/latest/services/device_mgmt/smp_protocol.html):
//! image management (upload, state, erase, slot info) and OS management (echo, reset, parameters, application info, boot
//! loader info), as Zephyr answers with MCUboot in direct-XIP mode with revert. Transport is the BLE characteristic: a
//! packet comes in pieces, its header tells its length.
//!
//! In one point it is kinder than MCUboot: *confirm* of an uploaded image that has never run asks for a trial. The image
//! confirms itself once its owner has connected to it; an image that does not work still gives way to the one before.

use core::fmt::Write;

use embedded_storage_async::nor_flash::NorFlash;
use heapless::{String, Vec};
use minicbor::encode::write::{Cursor, EndOfSlice};
use minicbor::encode::{Encoder, Error as EncodeError};

use crate::cbor::Fields;
use crate::image::{Flaw, Header, PREFIX_LEN};
use crate::slots::{Error, Slot, Slots};

/// Longest request, header included; told to clients as `buf_size`.
pub const REQUEST_LEN: usize = 2048;
/// Longest answer, header included.
pub const ANSWER_LEN: usize = 512;
/// Battery charge below which no upload starts, percent.
pub const BATTERY_MIN_PERCENT: u8 = 20;

const HEADER_LEN: usize = 8;
const ECHO_MAX: usize = ANSWER_LEN - HEADER_LEN - 8;
const BOOT_MODE_BOOTLOADER: u32 = 1;
const APPLICATION_MAX: usize = 128;

const OP_READ: u8 = 0;
const OP_WRITE: u8 = 2;
const GROUP_OS: u16 = 0;
const GROUP_IMAGE: u16 = 1;
/// `MCUBOOT_MODE_DIRECT_XIP_WITH_REVERT`: two slots, run in place, and a way back.
const BOOT_LOADER_MODE: u8 = 5;

/// What the device has to do once the answer is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Restart.
    Restart,
    /// Restart into the boot loader that takes files over USB, where the board has one.
    RestartToUsb,
}

/// SMP's own error numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Rc {
    Unknown = 1,
    Invalid = 3,
    BadState = 6,
    TooLong = 7,
    NotSupported = 8,
    Corrupt = 9,
}

/// Error numbers of the image management group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum ImageRc {
    HashNotFound = 8,
    WriteFailed = 12,
    InvalidSlot = 14,
    NoOffset = 20,
    NoLength = 21,
    BadHeader = 22,
    BadMagic = 23,
    BadHash = 24,
    WrongAddress = 25,
    RunningIsNewer = 27,
    TooLarge = 30,
    Overrun = 31,
    TestOfActiveDenied = 33,
}

/// Error numbers of the OS management group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum OsRc {
    InvalidFormat = 2,
    NoAnswer = 3,
}

/// A refusal: the number that SMP has for it, else words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    Image(ImageRc),
    Os(OsRc),
    Smp(Rc, String<64>),
}

impl Refusal {
    fn smp(rc: Rc, why: &str) -> Self {
        let mut text = String::new();
        let _ = text.push_str(why);
        Self::Smp(rc, text)
    }
}

impl From<ImageRc> for Refusal {
    fn from(rc: ImageRc) -> Self {
        Self::Image(rc)
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        let rc = match flaw {
            Flaw::NotAnImage => return ImageRc::BadMagic.into(),
            Flaw::Unsupported => return ImageRc::BadHeader.into(),
            Flaw::WrongAddress => return ImageRc::WrongAddress.into(),
            Flaw::TooLong => return ImageRc::TooLarge.into(),
            Flaw::WrongBoard(_) => Rc::Invalid,
            Flaw::BadTrailer | Flaw::BadHash | Flaw::UnknownKey | Flaw::BadSignature => Rc::Corrupt,
            Flaw::Unreadable => Rc::Unknown,
            Flaw::RolledBack => Rc::BadState,
        };
        let mut text = String::new();
        let _ = write!(text, "{flaw}");
        Self::Smp(rc, text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Flash => ImageRc::WriteFailed.into(),
            Error::Flaw(flaw) => flaw.into(),
            Error::JournalFull => Self::smp(Rc::BadState, "journal full: upload the image again"),
        }
    }
}

/// What an answer says beside success.
enum Reply<'a> {
    Nothing,
    Echo(&'a str),
    Parameters,
    /// The letters that say what is asked for.
    Application(&'a str),
    BootLoader,
    BootLoaderMode,
    Slots,
    Offset(u32),
    Complete {
        len: u32,
        matches: bool,
    },
    State,
}

struct Request<'a> {
    op: u8,
    version: u8,
    group: u16,
    sequence: u8,
    command: u8,
    too_long: bool,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    fn parse(packet: &'a [u8]) -> Self {
        Self {
            op: packet[0] & 7,
            version: packet[0] >> 3 & 3,
            group: u16::from_be_bytes([packet[4], packet[5]]),
            sequence: packet[6],
            command: packet[7],
            too_long: packet_len(packet) > REQUEST_LEN,
            body: &packet[HEADER_LEN..],
        }
    }

    fn answer_header(&self, body_len: usize) -> [u8; HEADER_LEN] {
        let [len_high, len_low] = (body_len as u16).to_be_bytes();
        let [group_high, group_low] = self.group.to_be_bytes();
        let op = self.version << 3 | (self.op + 1);
        [op, 0, len_high, len_low, group_high, group_low, self.sequence, self.command]
    }
}

/// An upload, until the next one begins.
struct Upload {
    sha: Option<[u8; 32]>,
    len: u32,
    off: u32,
    /// Whole, and examined.
    finished: bool,
}

impl Upload {
    fn is_of(&self, fields: &Fields<'_>) -> bool {
        self.sha.is_some()
            && fields.sha == self.sha.as_ref().map(<[u8; 32]>::as_slice)
            && fields.len == Some(self.len)
    }
}

/// Length of the packet that begins with this header.
fn packet_len(header: &[u8]) -> usize {
    HEADER_LEN + usize::from(u16::from_be_bytes([header[2], header[3]]))
}

/// Puts the pieces of a request together.
#[derive(Default)]
struct Inbox {
    packet: Vec<u8, REQUEST_LEN>,
    complete: bool,
    /// What is still to come of a packet that is too long.
    discard: usize,
}

impl Inbox {
    /// Take a piece. Gives the packet once it is whole, or as much of it as fits when it is too long.
    fn push(&mut self, piece: &[u8]) -> Option<&[u8]> {
        if self.complete {
            self.packet.clear();
            self.complete = false;
        }
        let dropped = self.discard.min(piece.len());
        self.discard -= dropped;
        let piece = &piece[dropped..];
        let taken = piece.len().min(REQUEST_LEN - self.packet.len());
        let _ = self.packet.extend_from_slice(&piece[..taken]);
        if self.packet.len() < HEADER_LEN {
            return None;
        }
        let len = packet_len(&self.packet);
        if len > REQUEST_LEN {
            self.discard = len.saturating_sub(self.packet.len() + piece.len() - taken);
        } else if self.packet.len() < len {
            return None;
        }
        self.packet.truncate(len);
        self.complete = true;
        Some(&self.packet)
    }
}

/// The server, and the slots that it writes to.
pub struct Server<F> {
    inbox: Inbox,
    service: Service<F>,
}

impl<F: NorFlash> Server<F> {
    /// A server of a device that runs the image in `running`.
    pub fn new(slots: Slots<F>, running: Slot) -> Self {
        Self { inbox: Inbox::default(), service: Service { slots, running, upload: None, action: None } }
    }

    /// The slots.
    pub fn slots(&mut self) -> &mut Slots<F> {
        &mut self.service.slots
    }

    /// Say that the running image has proven itself. Does nothing when that is known already.
    ///
    /// # Errors
    /// See [`Slots::confirm`].
    pub async fn confirm(&mut self) -> Result<(), Error> {
        self.service.confirm().await
    }

    /// Whether the running image has proven itself.
    ///
    /// # Errors
    /// See [`Slots::is_confirmed`].
    pub async fn is_confirmed(&mut self) -> Result<bool, Error> {
        self.service.slots.is_confirmed(self.service.running).await
    }

    /// Forget a request that came in part. An upload is kept: it can be taken up again.
    pub fn disconnected(&mut self) {
        self.inbox = Inbox::default();
    }

    /// What to do now that the last answer is sent.
    pub fn take_action(&mut self) -> Option<Action> {
        self.service.action.take()
    }

    /// Take a piece of a request. Once it is complete, carry it out and give the length of the answer, which goes back
    /// in pieces as long as the link allows.
    pub async fn receive(
        &mut self,
        piece: &[u8],
        battery_percent: Option<u8>,
        answer: &mut [u8; ANSWER_LEN],
    ) -> Option<usize> {
        let request = Request::parse(self.inbox.push(piece)?);
        match request.op {
            OP_READ | OP_WRITE => Some(self.service.serve(&request, battery_percent, answer).await),
            _ => None,
        }
    }
}

struct Service<F> {
    slots: Slots<F>,
    running: Slot,
    upload: Option<Upload>,
    action: Option<Action>,
}

impl<F: NorFlash> Service<F> {
    async fn confirm(&mut self) -> Result<(), Error> {
        self.slots.confirm(self.running).await
    }

    async fn serve(
        &mut self,
        request: &Request<'_>,
        battery_percent: Option<u8>,
        answer: &mut [u8; ANSWER_LEN],
    ) -> usize {
        let (header, body) = answer.split_at_mut(HEADER_LEN);
        let outcome = match self.carry_out(request, battery_percent).await {
            Ok(reply) => self.write_reply(&reply, body).await,
            Err(refusal) => Err(refusal),
        };
        let len = outcome.or_else(|refusal| write_refusal(&refusal, request.version, body)).unwrap_or(0);
        header.copy_from_slice(&request.answer_header(len));
        HEADER_LEN + len
    }

    async fn carry_out<'a>(
        &mut self,
        request: &Request<'a>,
        battery_percent: Option<u8>,
    ) -> Result<Reply<'a>, Refusal> {
        if request.too_long {
            return Err(Refusal::smp(Rc::TooLong, "request is longer than buf_size"));
        }
        // Some clients send nothing where there is nothing to say.
        let fields = if request.body.is_empty() {
            Fields::default()
        } else {
            Fields::decode(request.body)
                .map_err(|_| Refusal::smp(Rc::Invalid, "request is not a map of known types"))?
        };
        match (request.group, request.command, request.op) {
            (GROUP_OS, 0, _) => match fields.echo {
                Some(text) if text.len() <= ECHO_MAX => Ok(Reply::Echo(text)),
                Some(_) => Err(Refusal::smp(Rc::TooLong, "text is too long to echo")),
                None => Err(Refusal::smp(Rc::Invalid, "no text to echo")),
            },
            (GROUP_OS, 5, OP_WRITE) => {
                let to_usb = fields.boot_mode == Some(BOOT_MODE_BOOTLOADER);
                self.action = Some(if to_usb { Action::RestartToUsb } else { Action::Restart });
                Ok(Reply::Nothing)
            }
            (GROUP_OS, 6, _) => Ok(Reply::Parameters),
            (GROUP_OS, 7, OP_READ) => Ok(Reply::Application(fields.format.unwrap_or("s"))),
            (GROUP_OS, 8, OP_READ) => match fields.query {
                None => Ok(Reply::BootLoader),
                Some("mode") => Ok(Reply::BootLoaderMode),
                Some(_) => Err(Refusal::Os(OsRc::NoAnswer)),
            },
            (GROUP_IMAGE, 0, OP_READ) => Ok(Reply::State),
            (GROUP_IMAGE, 0, OP_WRITE) => self.set_state(&fields).await.map(|()| Reply::State),
            (GROUP_IMAGE, 1, OP_WRITE) => self.upload(&fields, battery_percent).await,
            (GROUP_IMAGE, 5, OP_WRITE) => self.erase(&fields).await.map(|()| Reply::Nothing),
            (GROUP_IMAGE, 6, OP_READ) => Ok(Reply::Slots),
            _ => Err(Refusal::smp(Rc::NotSupported, "command is not supported")),
        }
    }

    async fn set_state(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        let confirm = fields.confirm == Some(true);
        let slot = match fields.hash {
            Some(hash) => self.find(hash).await.ok_or(ImageRc::HashNotFound)?,
            None if confirm => self.running,
            None => return Err(ImageRc::BadHash.into()),
        };
        match (slot == self.running, confirm) {
            (true, true) => Ok(self.confirm().await?),
            (true, false) => Err(ImageRc::TestOfActiveDenied.into()),
            (false, _) => Ok(self.slots.request(slot).await?),
        }
    }

    async fn find(&mut self, hash: &[u8]) -> Option<Slot> {
        for slot in Slot::BOTH {
            if self.slots.status(slot).await.is_ok_and(|status| status.image.hash == hash) {
                return Some(slot);
            }
        }
        None
    }

    async fn erase(&mut self, fields: &Fields<'_>) -> Result<(), Refusal> {
        let target = self.running.other();
        if fields.slot.is_some_and(|slot| slot != target.index() as u32) {
            return Err(ImageRc::InvalidSlot.into());
        }
        self.must_be_confirmed().await?;
        self.upload = None;
        Ok(self.slots.erase(target).await?)
    }

    /// While the running image is on trial, the other slot is the way back.
    async fn must_be_confirmed(&mut self) -> Result<(), Refusal> {
        if self.slots.is_confirmed(self.running).await? {
            return Ok(());
        }
        Err(Refusal::smp(Rc::BadState, "running image is on trial: confirm it first"))
    }

    async fn upload<'a>(
        &mut self,
        fields: &Fields<'a>,
        battery_percent: Option<u8>,
    ) -> Result<Reply<'a>, Refusal> {
        let off = fields.off.ok_or(ImageRc::NoOffset)?;
        let data = fields.data.ok_or_else(|| Refusal::smp(Rc::Invalid, "no data"))?;
        match &self.upload {
            Some(upload) if off == 0 && upload.is_of(fields) => {
                let (len, off, sha) = (upload.len, upload.off, upload.sha);
                if upload.finished {
                    return Ok(Reply::Complete { len, matches: true });
                }
                if off == len {
                    // The link ended while the image was examined.
                    return self.finish(len, sha).await;
                }
                if off > 0 {
                    return Ok(Reply::Offset(off));
                }
            }
            _ if off == 0 => {
                self.upload = None;
                self.begin(fields, data, battery_percent).await?;
            }
            Some(upload) if upload.off != off || off == upload.len => return Ok(Reply::Offset(upload.off)),
            Some(_) => {}
            None => return Ok(Reply::Offset(0)),
        }
        self.append(data).await
    }

    async fn begin(
        &mut self,
        fields: &Fields<'_>,
        data: &[u8],
        battery_percent: Option<u8>,
    ) -> Result<(), Refusal> {
        let len = fields.len.ok_or(ImageRc::NoLength)?;
        // `image` is not looked at, as in Zephyr with one image: the slot that does not run is the only one to write to.
        let target = self.running.other();
        let room = self.slots.region(target);
        if len > room.len {
            return Err(ImageRc::TooLarge.into());
        }
        if let Some(percent) = battery_percent.filter(|percent| *percent < BATTERY_MIN_PERCENT) {
            let mut text = String::new();
            let _ = write!(text, "battery at {percent} %: charge to {BATTERY_MIN_PERCENT} % first");
            return Err(Refusal::Smp(Rc::BadState, text));
        }
        self.must_be_confirmed().await?;
        let prefix = data.first_chunk::<PREFIX_LEN>().ok_or(ImageRc::BadHeader)?;
        let header = Header::parse(prefix)?;
        header.check(self.slots.policy().board, room)?;
        if fields.upgrade == Some(true) {
            let running = self.slots.status(self.running).await.map(|status| status.image.header.version);
            if running.is_ok_and(|running| header.version <= running) {
                return Err(ImageRc::RunningIsNewer.into());
            }
        }
        let sha = fields.sha.and_then(|sha| sha.try_into().ok());
        self.upload = Some(Upload { sha, len, off: 0, finished: false });
        Ok(())
    }

    async fn append<'a>(&mut self, data: &[u8]) -> Result<Reply<'a>, Refusal> {
        let target = self.running.other();
        let Some(upload) = &mut self.upload else { return Ok(Reply::Offset(0)) };
        let left = (upload.len - upload.off) as usize;
        if data.len() > left {
            return Err(ImageRc::Overrun.into());
        }
        let whole = data.len() - data.len() % F::WRITE_SIZE;
        let data = if data.len() == left { data } else { &data[..whole] };
        if data.is_empty() {
            return Err(Refusal::smp(Rc::Invalid, "piece is too short"));
        }
        if let Err(error) = self.slots.write(target, upload.off, data).await {
            self.upload = None;
            return Err(error.into());
        }
        upload.off += data.len() as u32;
        if upload.off < upload.len {
            return Ok(Reply::Offset(upload.off));
        }
        let (len, sha) = (upload.len, upload.sha);
        self.finish(len, sha).await
    }

    /// Check what was uploaded, and whether it is what the client announced. What will not do is erased.
    async fn finish<'a>(&mut self, len: u32, sha: Option<[u8; 32]>) -> Result<Reply<'a>, Refusal> {
        let target = self.running.other();
        let examined = self.examine(target, len, sha).await;
        if matches!(examined, Ok(true)) {
            if let Some(upload) = &mut self.upload {
                upload.finished = true;
            }
        } else {
            self.upload = None;
            self.slots.erase(target).await?;
        }
        examined.map(|matches| Reply::Complete { len, matches })
    }

    async fn examine(&mut self, slot: Slot, len: u32, sha: Option<[u8; 32]>) -> Result<bool, Refusal> {
        let examined = self.slots.examine(slot).await;
        let flaw = match examined {
            Ok((image, file_hash)) if image.len == len => {
                return Ok(sha.is_none_or(|sha| sha == file_hash));
            }
            Ok(_) => Flaw::BadTrailer,
            Err(flaw) => flaw,
        };
        // Damage on the way is told from a file that was bad before.
        if let Some(sha) = sha
            && self.slots.sha256(slot, len).await? != sha
        {
            return Ok(false);
        }
        Err(flaw.into())
    }

    async fn write_reply(&mut self, reply: &Reply<'_>, body: &mut [u8]) -> Result<usize, Refusal> {
        let too_long = |_| Refusal::smp(Rc::TooLong, "answer is too long");
        let mut out = Encoder::new(Cursor::new(body));
        match reply {
            Reply::Nothing => out.map(0).map(drop),
            Reply::Echo(text) => (|| out.map(1)?.str("r")?.str(text)?.ok())(),
            Reply::Parameters => {
                (|| out.map(2)?.str("buf_size")?.u32(REQUEST_LEN as u32)?.str("buf_count")?.u8(1)?.ok())()
            }
            Reply::Offset(off) => (|| out.map(1)?.str("off")?.u32(*off)?.ok())(),
            Reply::Complete { len, matches } => {
                (|| out.map(2)?.str("off")?.u32(*len)?.str("match")?.bool(*matches)?.ok())()
            }
            Reply::State => self.write_state(&mut out).await,
            Reply::Slots => self.write_slots(&mut out),
            Reply::BootLoader => (|| out.map(1)?.str("bootloader")?.str("MCUboot")?.ok())(),
            Reply::BootLoaderMode => (|| out.map(1)?.str("mode")?.u8(BOOT_LOADER_MODE)?.ok())(),
            Reply::Application(format) => {
                let text = self.application(format).await.ok_or(Refusal::Os(OsRc::InvalidFormat))?;
                (|| out.map(1)?.str("output")?.str(&text)?.ok())()
            }
        }
        .map_err(too_long)?;
        Ok(out.writer().position())
    }

    /// What Zephyr answers with `uname`: its letters, in its order. There is no build date: the same source makes the same
    /// image.
    async fn application(&mut self, format: &str) -> Option<String<APPLICATION_MAX>> {
        let mut text = String::new();
        let board = self.slots.policy().board;
        let status = self.slots.status(self.running).await.ok();
        let letters = if format == "a" { "snrvmpio" } else { format };
        for (i, letter) in letters.chars().enumerate() {
            if i > 0 {
                text.push(' ').ok()?;
            }
            match (letter, &status) {
                ('s', _) => text.push_str("bandsense").ok()?,
                ('n' | 'i', _) => text.push_str(board).ok()?,
                ('r', Some(status)) => write!(text, "{}", status.image.header.version).ok()?,
                ('v', Some(status)) => {
                    status.image.hash[..4].iter().try_for_each(|byte| write!(text, "{byte:02x}")).ok()?;
                }
                ('r' | 'v', None) => text.push_str("unknown").ok()?,
                ('m', _) => text.push_str("arm").ok()?,
                ('p', _) => text.push_str("cortex-m4").ok()?,
                ('o', _) => text.push_str("Embassy").ok()?,
                _ => return None,
            }
        }
        Some(text)
    }

    fn write_slots(&self, out: &mut Encoder<Cursor<&mut [u8]>>) -> Result<(), EncodeError<EndOfSlice>> {
        let size = |slot| self.slots.region(slot).len;
        out.map(1)?.str("images")?.array(1)?;
        out.map(3)?.str("image")?.u8(0)?.str("max_image_size")?.u32(size(self.running.other()))?;
        out.str("slots")?.array(2)?;
        for slot in Slot::BOTH {
            let writable = slot != self.running;
            out.map(2 + u64::from(writable))?.str("slot")?.u8(slot as u8)?.str("size")?.u32(size(slot))?;
            if writable {
                out.str("upload_image_id")?.u8(0)?;
            }
        }
        out.ok()
    }

    async fn write_state(
        &mut self,
        out: &mut Encoder<Cursor<&mut [u8]>>,
    ) -> Result<(), EncodeError<EndOfSlice>> {
        // The other slot's image counts as confirmed as long as it is the way back, as with MCUboot.
        let on_trial = !self.slots.is_confirmed(self.running).await.unwrap_or(true);
        out.map(1)?.str("images")?.begin_array()?;
        for slot in Slot::BOTH {
            let Ok(status) = self.slots.status(slot).await else { continue };
            let mut version = String::<32>::new();
            let _ = write!(version, "{}", status.image.header.version);
            out.map(7)?.str("slot")?.u8(slot as u8)?.str("version")?.str(&version)?;
            out.str("hash")?.bytes(&status.image.hash)?;
            out.str("bootable")?.bool(true)?.str("pending")?.bool(status.pending)?;
            let confirmed = status.confirmed && (slot == self.running || on_trial);
            out.str("confirmed")?.bool(confirmed)?.str("active")?.bool(slot == self.running)?;
        }
        out.end()?.ok()
    }
}

fn write_refusal(refusal: &Refusal, version: u8, body: &mut [u8]) -> Result<usize, EncodeError<EndOfSlice>> {
    let mut out = Encoder::new(Cursor::new(body));
    match refusal {
        Refusal::Image(rc) if version > 0 => {
            out.map(1)?.str("err")?.map(2)?.str("group")?.u16(GROUP_IMAGE)?.str("rc")?.u8(*rc as u8)?;
        }
        Refusal::Os(rc) if version > 0 => {
            out.map(1)?.str("err")?.map(2)?.str("group")?.u16(GROUP_OS)?.str("rc")?.u8(*rc as u8)?;
        }
        Refusal::Os(_) => {
            out.map(2)?.str("rc")?.u8(Rc::Invalid as u8)?.str("rsn")?.str("refused by OS management")?;
        }
        Refusal::Image(_) => {
            out.map(2)?.str("rc")?.u8(Rc::Invalid as u8)?.str("rsn")?.str("refused by image management")?;
        }
        Refusal::Smp(rc, why) => {
            out.map(2)?.str("rc")?.u8(*rc as u8)?.str("rsn")?.str(why)?;
        }
    }
    Ok(out.writer().position())
}
