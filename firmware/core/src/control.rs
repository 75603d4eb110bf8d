//! Control point: requests in, answers out (docs/protocol.md section 4).

use heapless::Vec;

use crate::bytes::{Reader, Writer};
use crate::calibration::RECORD_LENGTH;
use crate::rate::Rate;
use crate::statistics::Page;

/// Bytes of the longest label.
pub const LABEL_MAX: usize = 16;
/// Longest time for which a client may open the pairing window, s.
pub const PAIRING_SECONDS_MAX: u8 = 120;
/// Bytes of the longest request.
pub const REQUEST_MAX: usize = 2 + 2 + RECORD_LENGTH;
/// Bytes of the longest answer.
pub const ANSWER_MAX: usize = 3 + 2 + RECORD_LENGTH;
/// Option bit: the Progressor-compatible service is switched on.
pub const OPTION_PROGRESSOR: u8 = 1;
/// Option bit: the sensor's address changes and only bonded centrals can tell whose it is.
pub const OPTION_PRIVATE_ADDRESS: u8 = 1 << 1;
const OPTIONS: u8 = OPTION_PROGRESSOR | OPTION_PRIVATE_ADDRESS;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants are the table of the profile")]
pub enum Opcode {
    Start = 0x01,
    Stop = 0x02,
    Identify = 0x03,
    Sleep = 0x04,
    SetLabel = 0x05,
    ReadStatistics = 0x06,
    ReadCalibration = 0x07,
    WriteCalibration = 0x08,
    OpenPairing = 0x09,
    ForgetBonds = 0x0A,
    TimeMark = 0x0B,
    SelfTest = 0x0C,
    SetOptions = 0x0D,
}

impl Opcode {
    const ALL: [Self; 13] = [
        Self::Start,
        Self::Stop,
        Self::Identify,
        Self::Sleep,
        Self::SetLabel,
        Self::ReadStatistics,
        Self::ReadCalibration,
        Self::WriteCalibration,
        Self::OpenPairing,
        Self::ForgetBonds,
        Self::TimeMark,
        Self::SelfTest,
        Self::SetOptions,
    ];

    /// The opcode of a byte, if the profile has it.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|opcode| *opcode as u8 == byte)
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants are the table of the profile")]
pub enum Status {
    Success = 0,
    UnknownOpcode = 1,
    WrongLength = 2,
    OutOfRange = 3,
    WrongState = 4,
    NotPermitted = 5,
    CrcMismatch = 6,
    VersionNotSupported = 7,
    HardwareFailure = 8,
    StorageFailure = 9,
    BatteryTooLow = 10,
}

impl Status {
    const ALL: [Self; 11] = [
        Self::Success,
        Self::UnknownOpcode,
        Self::WrongLength,
        Self::OutOfRange,
        Self::WrongState,
        Self::NotPermitted,
        Self::CrcMismatch,
        Self::VersionNotSupported,
        Self::HardwareFailure,
        Self::StorageFailure,
        Self::BatteryTooLow,
    ];

    /// The status of a byte, if the profile has it.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as u8 == byte)
    }
}

/// What an answer repeats of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Chosen by the client.
    pub id: u8,
    /// As sent, known or not.
    pub opcode: u8,
}

/// A request, its parameters checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the table of the profile")]
pub enum Request<'a> {
    Start(Rate),
    Stop,
    Identify { seconds: u8 },
    Sleep,
    SetLabel(&'a str),
    ReadStatistics(Page),
    ReadCalibration { offset: u8 },
    WriteCalibration { total: u8, offset: u8, data: &'a [u8] },
    OpenPairing { seconds: u8 },
    ForgetBonds { everyone: bool },
    TimeMark,
    SelfTest,
    SetOptions(u8),
}

/// Shorter than an id and an opcode: refused by the write itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Take a written value apart.
///
/// # Errors
/// [`Malformed`] for a value without id and opcode; inside, the status with which to answer.
pub fn decode(value: &[u8]) -> Result<(Head, Result<Request<'_>, Status>), Malformed> {
    let mut reader = Reader(value);
    let (Some(id), Some(opcode)) = (reader.u8(), reader.u8()) else {
        return Err(Malformed);
    };
    let request = Opcode::from_byte(opcode)
        .ok_or(Status::UnknownOpcode)
        .and_then(|opcode| decode_parameters(opcode, reader));
    Ok((Head { id, opcode }, request))
}

fn decode_parameters(opcode: Opcode, mut reader: Reader<'_>) -> Result<Request<'_>, Status> {
    match opcode {
        Opcode::Start => {
            let hz = only(reader.u16(), reader)?;
            Rate::from_hz(hz).map(Request::Start).ok_or(Status::OutOfRange)
        }
        Opcode::Stop => only(Some(Request::Stop), reader),
        Opcode::Identify => {
            let seconds = only(reader.u8(), reader)?;
            Ok(Request::Identify { seconds })
        }
        Opcode::Sleep => only(Some(Request::Sleep), reader),
        Opcode::SetLabel if reader.rest().len() > LABEL_MAX => Err(Status::WrongLength),
        Opcode::SetLabel => {
            core::str::from_utf8(reader.rest()).map(Request::SetLabel).map_err(|_| Status::OutOfRange)
        }
        Opcode::ReadStatistics => {
            let page = only(reader.u8(), reader)?;
            Page::from_byte(page).map(Request::ReadStatistics).ok_or(Status::OutOfRange)
        }
        Opcode::ReadCalibration => {
            let offset = only(reader.u8(), reader)?;
            Ok(Request::ReadCalibration { offset })
        }
        Opcode::WriteCalibration => decode_piece(reader),
        Opcode::OpenPairing => match only(reader.u8(), reader)? {
            seconds @ 0..=PAIRING_SECONDS_MAX => Ok(Request::OpenPairing { seconds }),
            _ => Err(Status::OutOfRange),
        },
        Opcode::ForgetBonds => match only(reader.u8(), reader)? {
            whose @ 0..=1 => Ok(Request::ForgetBonds { everyone: whose == 1 }),
            _ => Err(Status::OutOfRange),
        },
        Opcode::TimeMark => only(Some(Request::TimeMark), reader),
        Opcode::SelfTest => only(Some(Request::SelfTest), reader),
        Opcode::SetOptions => {
            let options = only(reader.u8(), reader)?;
            Ok(Request::SetOptions(options & OPTIONS))
        }
    }
}

/// `value`, if it is there and nothing follows it.
fn only<T>(value: Option<T>, reader: Reader<'_>) -> Result<T, Status> {
    value.filter(|_| reader.rest().is_empty()).ok_or(Status::WrongLength)
}

fn decode_piece(mut reader: Reader<'_>) -> Result<Request<'_>, Status> {
    let (Some(total), Some(offset)) = (reader.u8(), reader.u8()) else {
        return Err(Status::WrongLength);
    };
    let data = reader.rest();
    if data.is_empty() {
        return Err(Status::WrongLength);
    }
    if usize::from(total) != RECORD_LENGTH || usize::from(offset) + data.len() > RECORD_LENGTH {
        return Err(Status::OutOfRange);
    }
    Ok(Request::WriteCalibration { total, offset, data })
}

/// The bytes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(Vec<u8, ANSWER_MAX>);

impl Answer {
    fn success(head: Head) -> Writer<ANSWER_MAX> {
        Self::with_status(head, Status::Success)
    }

    fn with_status(head: Head, status: Status) -> Writer<ANSWER_MAX> {
        Writer::new().u8(head.id).u8(head.opcode).u8(status as u8)
    }

    /// The value to indicate.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Done, nothing to tell.
    #[must_use]
    pub fn done(head: Head) -> Self {
        Self(Self::success(head).finish())
    }

    /// Not done, and why.
    #[must_use]
    pub fn refused(head: Head, status: Status) -> Self {
        Self(Self::with_status(head, status).finish())
    }

    /// The stream runs.
    #[must_use]
    pub fn started(head: Head, rate_hz: u16, time_us: u32, next_sequence: u16, boot_number: u16) -> Self {
        let answer = Self::success(head).u16(rate_hz).u32(time_us);
        Self(answer.u16(next_sequence).u16(boot_number).finish())
    }

    /// The stream has ended.
    #[must_use]
    pub fn stopped(head: Head, time_us: u32, next_sequence: u16) -> Self {
        Self(Self::success(head).u32(time_us).u16(next_sequence).finish())
    }

    /// When the request arrived.
    #[must_use]
    pub fn time_mark(head: Head, time_us: u32, next_sequence: u16, boot_number: u16) -> Self {
        let answer = Self::success(head).u32(time_us);
        Self(answer.u16(next_sequence).u16(boot_number).finish())
    }

    /// A statistics page: its number and content.
    #[must_use]
    pub fn statistics(head: Head, page: &[u8]) -> Self {
        Self(Self::success(head).bytes(page).finish())
    }

    /// As much of the stored `record` from `offset` as an indication at `att_mtu` holds.
    ///
    /// # Errors
    /// `OutOfRange` for an offset beyond the record.
    pub fn calibration(head: Head, record: &[u8], offset: u8, att_mtu: u16) -> Result<Self, Status> {
        let left = record.get(usize::from(offset)..).ok_or(Status::OutOfRange)?;
        let room = usize::from(att_mtu).saturating_sub(3 + 5);
        let piece = left.get(..room).unwrap_or(left);
        let answer = Self::success(head).u8(record.len() as u8).u8(offset);
        Ok(Self(answer.bytes(piece).finish()))
    }
}

/// Pieces of a calibration record on their way to becoming whole.
#[derive(Debug, Clone, Default)]
pub struct Assembly(Vec<u8, RECORD_LENGTH>);

impl Assembly {
    /// Add a piece. Gives the record when this piece completes it.
    ///
    /// # Errors
    /// `OutOfRange` for a piece out of order; assembly then starts over.
    pub fn add(&mut self, offset: u8, data: &[u8]) -> Result<Option<Vec<u8, RECORD_LENGTH>>, Status> {
        if offset == 0 {
            self.0.clear();
        }
        if usize::from(offset) != self.0.len() || self.0.extend_from_slice(data).is_err() {
            self.0.clear();
            return Err(Status::OutOfRange);
        }
        Ok(self.0.is_full().then(|| core::mem::take(&mut self.0)))
    }

    /// Forget what has arrived.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: Head = Head { id: 9, opcode: 7 };

    #[test]
    fn a_record_is_read_in_pieces_that_fit() {
        let record: [u8; RECORD_LENGTH] = core::array::from_fn(|i| i as u8);
        let mut read = std::vec![];
        loop {
            let answer = Answer::calibration(HEAD, &record, read.len() as u8, 23).unwrap();
            assert!(answer.as_bytes().len() <= 20);
            let piece = &answer.as_bytes()[5..];
            if piece.is_empty() {
                break;
            }
            read.extend_from_slice(piece);
        }
        assert_eq!(read, record);
        assert_eq!(Answer::calibration(HEAD, &record, 41, 23), Err(Status::OutOfRange));
    }

    #[test]
    fn a_piece_out_of_order_starts_over() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(0, &[1; 16]), Ok(None));
        assert_eq!(assembly.add(20, &[1; 16]), Err(Status::OutOfRange));
        assert_eq!(assembly.add(16, &[1; 16]), Err(Status::OutOfRange));
        assert_eq!(assembly.add(0, &[2; 16]), Ok(None));
        assert_eq!(assembly.add(16, &[2; 16]), Ok(None));
        assert_eq!(assembly.add(32, &[2; 8]).unwrap().unwrap(), [2; 40]);
        assert_eq!(assembly.add(0, &[3; 40]).unwrap().unwrap(), [3; 40]);
    }

    proptest! {
        #![proptest_config(crate::vectors::proptest_config())]

        #[test]
        fn every_write_is_answered(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(decode(&value).is_err(), value.len() < 2);
        }
    }
}
