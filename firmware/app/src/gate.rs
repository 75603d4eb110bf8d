//! What the Bluetooth host leaves open in security: a controller that keeps strangers out.
//!
//! *Pairing.* The host accepts any pairing request. Outside the window a *Pairing Request* reaches the host as a
//! command that does not exist, and the host's refusal of that leaves as *Pairing Failed, Pairing Not Supported* (Core
//! Specification 5.4, vol 3, part H, 3.5.5). Every packet is still the host's own, so its count of the controller's
//! buffers stays right.
//!
//! *Lost bonds.* To a central whose key it does not have the host only says goodbye. The controller is told first that
//! there is no key, so that the central learns the reason: *PIN or Key Missing* (vol 4, part E, 7.8.26).

use core::cell::Cell;

use bt_hci::ControllerToHostPacket;
use bt_hci::cmd::le::{LeLongTermKeyRequestNegativeReply, LeLongTermKeyRequestReply};
use bt_hci::cmd::link_control::Disconnect;
use bt_hci::cmd::{self, AsyncCmd, Cmd, SyncCmd};
use bt_hci::controller::{Controller, ControllerCmdAsync, ControllerCmdSync};
use bt_hci::data::{AclPacket, AclPacketBoundary, IsoPacket, SyncPacket};
use bt_hci::event::{EventKind, EventPacket};
use bt_hci::param::ConnHandle;
use embedded_io::ErrorType;

/// The security manager's channel, little-endian as on the air (vol 3, part A, 2.1).
const SECURITY_MANAGER: [u8; 2] = 6u16.to_le_bytes();
const PAIRING_REQUEST: u8 = 0x01;
const PAIRING_REQUEST_LENGTH: usize = 7;
const PAIRING_FAILED: u8 = 0x05;
const PAIRING_NOT_SUPPORTED: u8 = 0x05;
const L2CAP_HEADER: usize = 4;
/// Subevent code of *LE Long Term Key Request* (vol 4, part E, 7.7.65.5).
const LONG_TERM_KEY_REQUEST: u8 = 0x05;

/// A security manager command with a code that is reserved for future use.
const UNKNOWN_COMMAND: [u8; 6] = [2, 0, 6, 0, 0xFF, 0];
const REFUSAL: [u8; 6] = [2, 0, 6, 0, PAIRING_FAILED, PAIRING_NOT_SUPPORTED];

/// A controller behind the gate.
pub struct Gate<'a, C, F> {
    controller: C,
    is_open: F,
    refused: Cell<bool>,
    key_wanted: &'a Cell<Option<ConnHandle>>,
}

impl<'a, C, F: Fn() -> bool> Gate<'a, C, F> {
    /// `controller`, through which pairing is possible while `is_open`. `key_wanted` is the link whose central waits
    /// for the sensor to find the key of their bond.
    pub const fn new(controller: C, is_open: F, key_wanted: &'a Cell<Option<ConnHandle>>) -> Self {
        Self { controller, is_open, refused: Cell::new(false), key_wanted }
    }

    fn inspect<'p>(&self, packet: AclPacket<'p>) -> AclPacket<'p> {
        if (self.is_open)() || !asks_to_pair(packet.boundary_flag(), packet.data()) {
            return packet;
        }
        self.refused.set(true);
        AclPacket::new(packet.handle(), packet.boundary_flag(), packet.broadcast_flag(), &UNKNOWN_COMMAND)
    }

    fn notice(&self, event: &EventPacket<'_>) {
        if let (EventKind::Le, [LONG_TERM_KEY_REQUEST, low, high, ..]) = (event.kind, event.data) {
            self.key_wanted.set(Some(ConnHandle::new(u16::from_le_bytes([*low, *high]))));
        }
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

impl<C: ErrorType, F> ErrorType for Gate<'_, C, F> {
    type Error = C::Error;
}

impl<C: Controller, F: Fn() -> bool> Controller for Gate<'_, C, F> {
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
            ControllerToHostPacket::Acl(packet) => ControllerToHostPacket::Acl(self.inspect(packet)),
            ControllerToHostPacket::Event(event) => {
                self.notice(&event);
                ControllerToHostPacket::Event(event)
            }
            other => other,
        })
    }
}

impl<C, F: Fn() -> bool, Q: SyncCmd> ControllerCmdSync<Q> for Gate<'_, C, F>
where
    C: ControllerCmdSync<Q> + ControllerCmdSync<LeLongTermKeyRequestNegativeReply>,
{
    async fn exec(&self, command: &Q) -> Result<Q::Return, cmd::Error<Self::Error>> {
        if Q::OPCODE == LeLongTermKeyRequestReply::OPCODE {
            self.key_wanted.set(None);
        }
        if Q::OPCODE == Disconnect::OPCODE
            && let Some(handle) = self.key_wanted.take()
        {
            // Fails for a link that is gone, which the disconnection finds out as well.
            let _ = self.controller.exec(&LeLongTermKeyRequestNegativeReply::new(handle)).await;
        }
        self.controller.exec(command).await
    }
}

impl<C: ControllerCmdAsync<Q>, F: Fn() -> bool, Q: AsyncCmd> ControllerCmdAsync<Q> for Gate<'_, C, F> {
    async fn exec(&self, command: &Q) -> Result<(), cmd::Error<Self::Error>> {
        self.controller.exec(command).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: AclPacketBoundary = AclPacketBoundary::FirstFlushable;

    #[test]
    fn a_pairing_request_is_seen_however_it_is_cut() {
        let request = [7, 0, 6, 0, 1, 3, 0, 0x2D, 16, 0x0F, 0x0F];
        for cut in 1..=request.len() {
            assert!(asks_to_pair(FIRST, request.get(..cut).unwrap_or(&[])), "cut at {cut}");
        }
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
