//! What the Bluetooth host leaves open in security: a controller that keeps strangers out.
//!
//! *Pairing.* The host accepts any pairing request. Outside the window a *Pairing Request* reaches the host as a
//! command that does not exist, and the host's refusal of that leaves as *Pairing Failed, Pairing Not Supported* (Core
//! Specification 5.4, vol 3, part H, 3.5.5). Every packet is still the host's own, so its count of the controller's
//! buffers stays right.
//!
//! *Early requests.* A link bonds only once the sensor has said so to the host, which it can when the link is served. A
//! *Pairing Request* that arrives before waits here until then, and what follows it behind: else it leads to a pairing
//! without a bond, after which the central is sent away.
//!
//! *Malformed requests.* The host takes attribute requests apart without looking at their length, and stops for good at
//! one that is too short. Such a request reaches it as one with an unknown code, which it knows to refuse.
//!
//! *Lost bonds.* To a central whose key it does not have the host only says goodbye. The controller is told first that
//! there is no key, so that the central learns the reason: *PIN or Key Missing* (vol 4, part E, 7.8.26).
//!
//! *Refusals without consequence.* The host stops for good when the controller refuses what has to do with private
//! addresses. Where none are used they are of no consequence, and where they are the sensor can be found all the same.
//!
//! *Lost links.* The host stops for good when a link ends just before it hands over that link's key. It is told that the
//! key was taken; the disconnection follows.

use core::cell::Cell;

use bt_hci::cmd::le::{
    LeAddDeviceToResolvingList, LeClearResolvingList, LeLongTermKeyRequestNegativeReply,
    LeLongTermKeyRequestReply, LeRemoveDeviceFromResolvingList, LeSetAddrResolutionEnable, LeSetPrivacyMode,
    LeSetResolvablePrivateAddrTimeout,
};
use bt_hci::cmd::link_control::Disconnect;
use bt_hci::cmd::{self, AsyncCmd, Cmd, Opcode, SyncCmd};
use bt_hci::controller::{Controller, ControllerCmdAsync, ControllerCmdSync};
use bt_hci::data::{AclPacket, AclPacketBoundary, IsoPacket, SyncPacket};
use bt_hci::event::{EventKind, EventPacket};
use bt_hci::param::{ConnHandle, Error as HciError};
use bt_hci::{ControllerToHostPacket, FromHciBytes};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer, with_timeout};
use embedded_io::ErrorType;

use crate::ignore;

/// The fixed channels, little-endian as on the air (vol 3, part A, 2.1).
const ATTRIBUTES: [u8; 2] = 4u16.to_le_bytes();
const SECURITY_MANAGER: [u8; 2] = 6u16.to_le_bytes();
const PAIRING_REQUEST: u8 = 0x01;
const PAIRING_REQUEST_LENGTH: usize = 7;
const PAIRING_FAILED: u8 = 0x05;
const PAIRING_NOT_SUPPORTED: u8 = 0x05;
const L2CAP_HEADER: usize = 4;
/// Subevent code of *LE Long Term Key Request* (vol 4, part E, 7.7.65.5).
const LONG_TERM_KEY_REQUEST: u8 = 0x05;

/// Bits of an attribute code: what a server says, and what is not answered.
const ANSWER: u8 = 1;
const COMMAND: u8 = 1 << 6;
const ATT_MTU_MIN: u16 = 23;
/// Attribute packets with codes that are reserved for future use; the first kind is answered.
const UNKNOWN_ATTRIBUTE_REQUEST: [u8; 5] = [1, 0, 4, 0, 0x3E];
const UNKNOWN_ATTRIBUTE_COMMAND: [u8; 5] = [1, 0, 4, 0, 0x7E];
/// A security manager command with a code that is reserved for future use.
const UNKNOWN_COMMAND: [u8; 6] = [2, 0, 6, 0, 0xFF, 0];
const REFUSAL: [u8; 6] = [2, 0, 6, 0, PAIRING_FAILED, PAIRING_NOT_SUPPORTED];

/// Commands whose refusal is of no consequence.
const CAN_BE_REFUSED: [Opcode; 6] = [
    LeSetResolvablePrivateAddrTimeout::OPCODE,
    LeClearResolvingList::OPCODE,
    LeSetAddrResolutionEnable::OPCODE,
    LeAddDeviceToResolvingList::OPCODE,
    LeRemoveDeviceFromResolvingList::OPCODE,
    LeSetPrivacyMode::OPCODE,
];

/// How long a pairing request waits for its link to be served, and how often it looks. At the end it goes on as it is.
const UNTIL_SERVED: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(1);

/// What the filter and the sensor tell each other about the link.
#[derive(Default)]
pub struct LinkSecurity {
    /// The link whose central waits for the sensor to find the key of their bond.
    pub key_wanted: Cell<Option<ConnHandle>>,
    /// Whether the host bonds on this link.
    pub bondable: Cell<bool>,
    /// A link has ended, served or not.
    pub ended: Signal<NoopRawMutex, ()>,
}

/// A controller behind the filter.
pub struct HciFilter<'a, C, F> {
    controller: C,
    is_open: F,
    refused: Cell<bool>,
    link: &'a LinkSecurity,
}

impl<'a, C, F: Fn() -> bool> HciFilter<'a, C, F> {
    /// `controller`, through which pairing is possible while `is_open`.
    pub const fn new(controller: C, is_open: F, link: &'a LinkSecurity) -> Self {
        Self { controller, is_open, refused: Cell::new(false), link }
    }

    async fn wait_until_served(&self, packet: &AclPacket<'_>) {
        if (self.is_open)() && asks_to_pair(packet.boundary_flag(), packet.data()) {
            let served = async {
                while !self.link.bondable.get() {
                    Timer::after(LOOK).await;
                }
            };
            ignore(
                with_timeout(UNTIL_SERVED, served).await,
                "the link has ended meanwhile, or is not to be served",
            );
        }
    }

    fn inspect<'p>(&self, packet: AclPacket<'p>) -> AclPacket<'p> {
        let (boundary, data) = (packet.boundary_flag(), packet.data());
        let data = if let Some(instead) = malformed_attribute_request(boundary, data) {
            instead
        } else if !(self.is_open)() && asks_to_pair(boundary, data) {
            self.refused.set(true);
            &UNKNOWN_COMMAND
        } else {
            return packet;
        };
        AclPacket::new(packet.handle(), boundary, packet.broadcast_flag(), data)
    }

    fn notice(&self, event: &EventPacket<'_>) {
        match (event.kind, event.data) {
            (EventKind::Le, [LONG_TERM_KEY_REQUEST, low, high, ..]) => {
                self.link.key_wanted.set(Some(ConnHandle::new(u16::from_le_bytes([*low, *high]))));
            }
            (EventKind::DisconnectionComplete, _) => {
                self.link.key_wanted.set(None);
                self.link.bondable.set(false);
                self.link.ended.signal(());
            }
            _ => {}
        }
    }
}

/// What the host gets instead of an attribute packet that it could not bear.
fn malformed_attribute_request(boundary: AclPacketBoundary, data: &[u8]) -> Option<&'static [u8]> {
    if boundary == AclPacketBoundary::Continuing {
        return None;
    }
    let Some(([length_low, length_high, channel @ ..], body)) = data.split_first_chunk::<L2CAP_HEADER>()
    else {
        return Some(&UNKNOWN_ATTRIBUTE_COMMAND);
    };
    if *channel != ATTRIBUTES {
        return None;
    }
    let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
    match body.first() {
        Some(&code) if is_well_formed(code, length, body) => None,
        Some(code) if code & (ANSWER | COMMAND) == 0 => Some(&UNKNOWN_ATTRIBUTE_REQUEST),
        _ => Some(&UNKNOWN_ATTRIBUTE_COMMAND),
    }
}

/// Whether a client may send this code with this length (vol 3, part F, 3.4). `body` is as much of the packet as its
/// first fragment holds.
fn is_well_formed(code: u8, length: usize, body: &[u8]) -> bool {
    match code {
        // Exchange MTU: at least 23.
        0x02 => {
            matches!(body, [_, low, high] if length == 3 && u16::from_le_bytes([*low, *high]) >= ATT_MTU_MIN)
        }
        // Find Information, Read Blob.
        0x04 | 0x0C => length == 5,
        // Find By Type Value.
        0x06 => length >= 7,
        // Read By Type, of a 16-bit or a 128-bit type.
        0x08 => length == 7 || length == 21,
        // Read.
        0x0A => length == 3,
        // Read Multiple: two handles or more.
        0x0E => length >= 5 && !length.is_multiple_of(2),
        // Read By Group Type: no group has a 128-bit type.
        0x10 => length == 7,
        // Write, with and without response.
        0x12 | 0x52 => length >= 3,
        // Prepare Write.
        0x16 => length >= 5,
        // Execute Write.
        0x18 => length == 2,
        // Confirmation.
        0x1E => length == 1,
        _ => false,
    }
}

/// Whether this packet begins a pairing, or hides what it begins by being cut in an unusual place.
fn asks_to_pair(boundary: AclPacketBoundary, data: &[u8]) -> bool {
    if boundary == AclPacketBoundary::Continuing {
        return false;
    }
    let Some((header, body)) = data.split_first_chunk::<L2CAP_HEADER>() else {
        return true;
    };
    let [length_low, length_high, channel @ ..] = *header;
    let length = usize::from(u16::from_le_bytes([length_low, length_high]));
    let fits_one_packet = length <= PAIRING_REQUEST_LENGTH;
    channel == SECURITY_MANAGER
        && (body.first() == Some(&PAIRING_REQUEST) || fits_one_packet && body.len() < length)
}

impl<C: ErrorType, F> ErrorType for HciFilter<'_, C, F> {
    type Error = C::Error;
}

impl<C: Controller, F: Fn() -> bool> Controller for HciFilter<'_, C, F> {
    type Buffer<'b> = C::Buffer<'b>;

    fn alloc_buf(&self) -> Result<Self::Buffer<'_>, Self::Error> {
        self.controller.alloc_buf()
    }

    async fn write_acl_data(&self, packet: &AclPacket<'_>) -> Result<(), Self::Error> {
        let fails_pairing = matches!(packet.data(), [2, 0, 6, 0, PAIRING_FAILED, _]);
        if fails_pairing && self.refused.take() {
            let refusal =
                AclPacket::new(packet.handle(), packet.boundary_flag(), packet.broadcast_flag(), &REFUSAL);
            return self.controller.write_acl_data(&refusal).await;
        }
        self.controller.write_acl_data(packet).await
    }

    async fn write_sync_data(&self, packet: &SyncPacket<'_>) -> Result<(), Self::Error> {
        self.controller.write_sync_data(packet).await
    }

    async fn write_iso_data(&self, packet: &IsoPacket<'_>) -> Result<(), Self::Error> {
        self.controller.write_iso_data(packet).await
    }

    async fn read<'a>(
        &self,
        buf: &'a mut Self::Buffer<'_>,
    ) -> Result<ControllerToHostPacket<'a>, Self::Error> {
        Ok(match self.controller.read(buf).await? {
            ControllerToHostPacket::Acl(packet) => {
                self.wait_until_served(&packet).await;
                ControllerToHostPacket::Acl(self.inspect(packet))
            }
            ControllerToHostPacket::Event(event) => {
                self.notice(&event);
                ControllerToHostPacket::Event(event)
            }
            other => other,
        })
    }
}

impl<C, F: Fn() -> bool, Q: SyncCmd> ControllerCmdSync<Q> for HciFilter<'_, C, F>
where
    C: ControllerCmdSync<Q> + ControllerCmdSync<LeLongTermKeyRequestNegativeReply>,
{
    async fn exec(&self, command: &Q) -> Result<Q::Return, cmd::Error<Self::Error>> {
        if Q::OPCODE == Disconnect::OPCODE
            && let Some(handle) = self.link.key_wanted.take()
        {
            let refused = self.controller.exec(&LeLongTermKeyRequestNegativeReply::new(handle)).await;
            ignore(refused, "the link is gone, which the disconnection finds out as well");
        }
        let answered =
            if Q::OPCODE == LeLongTermKeyRequestReply::OPCODE { self.link.key_wanted.take() } else { None };
        match (self.controller.exec(command).await, answered) {
            (Err(cmd::Error::Hci(error)), _) if CAN_BE_REFUSED.contains(&Q::OPCODE) => {
                Q::Return::from_hci_bytes_complete(&[]).map_err(|_| cmd::Error::Hci(error))
            }
            (Err(cmd::Error::Hci(error)), Some(handle)) if error == HciError::UNKNOWN_CONN_IDENTIFIER => {
                let returned = handle.raw().to_le_bytes();
                Q::Return::from_hci_bytes_complete(&returned).map_err(|_| cmd::Error::Hci(error))
            }
            (result, _) => result,
        }
    }
}

impl<C: ControllerCmdAsync<Q>, F: Fn() -> bool, Q: AsyncCmd> ControllerCmdAsync<Q> for HciFilter<'_, C, F> {
    async fn exec(&self, command: &Q) -> Result<(), cmd::Error<Self::Error>> {
        self.controller.exec(command).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    const FIRST: AclPacketBoundary = AclPacketBoundary::FirstFlushable;

    #[test]
    fn a_pairing_request_is_seen_however_it_is_cut() {
        let request = [7, 0, 6, 0, 1, 3, 0, 0x2D, 16, 0x0F, 0x0F];
        for cut in 1..=request.len() {
            assert!(asks_to_pair(FIRST, request.get(..cut).unwrap_or(&[])), "cut at {cut}");
        }
    }

    fn attribute_packet(body: &[u8]) -> std::vec::Vec<u8> {
        [&[body.len() as u8, 0, 4, 0], body].concat()
    }

    #[test]
    fn attribute_packets_of_no_use_are_replaced() {
        for body in [
            &[][..],
            &[0x02, 22, 0],
            &[0x02, 0xF7],
            &[0x0A, 1],
            &[0x12, 1],
            &[0x18],
            &[0x52],
            &[0x0B, 1, 2],
            &[0x1D, 1, 0, 9],
            &[0x08, 1, 0, 255, 255, 0],
            &[0x10; 21],
            &[0xD2; 20],
        ] {
            let packet = attribute_packet(body);
            let instead = malformed_attribute_request(FIRST, &packet).expect("a replacement");
            let answered = body.first().is_some_and(|code| code & 0x41 == 0);
            assert_eq!(instead[4] == 0x3E, answered, "{body:02x?}");
        }
        assert!(malformed_attribute_request(FIRST, &[3, 0, 4]).is_some());
    }

    #[test]
    fn attribute_packets_in_use_pass() {
        for body in [
            &[0x02, 0xF7, 0][..],
            &[0x04, 1, 0, 255, 255],
            &[0x06, 1, 0, 255, 255, 0, 0x28],
            &[0x08, 1, 0, 255, 255, 3, 0x28],
            &[0x0A, 1, 0],
            &[0x0C, 1, 0, 22, 0],
            &[0x10, 1, 0, 255, 255, 0, 0x28],
            &[0x12, 1, 0, 1, 0],
            &[0x1E],
            &[0x52, 1, 0],
        ] {
            assert_eq!(malformed_attribute_request(FIRST, &attribute_packet(body)), None, "{body:02x?}");
        }
        // The rest of a long write comes in further fragments.
        assert_eq!(malformed_attribute_request(FIRST, &[200, 0, 4, 0, 0x52, 1, 0, 9]), None);
        assert_eq!(malformed_attribute_request(AclPacketBoundary::Continuing, &[0; 3]), None);
    }

    #[test]
    fn other_traffic_passes() {
        let public_key_piece = [65, 0, 6, 0, 0x0C, 1, 2, 3];
        let confirm = [17, 0, 6, 0, 0x03, 9];
        let attribute_request = [7, 0, 4, 0, 0x0A, 1];
        for data in [&public_key_piece[..], &confirm, &attribute_request] {
            assert!(!asks_to_pair(FIRST, data));
        }
        assert!(!asks_to_pair(AclPacketBoundary::Continuing, &[7, 0, 6, 0, 1]));
    }
}
