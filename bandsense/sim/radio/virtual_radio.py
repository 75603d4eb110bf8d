"""A virtual piece of air: Bluetooth LE controllers and hosts that hear each other inside one process.

Built on Bumble's `LocalLink`, with the corrections that Bumble 0.0.236 needs to behave like air and like a
controller (docs/testing-without-a-radio.md lists them). Bluetooth section numbers refer to the Core
Specification 5.4.

The radio is lossless unless told otherwise, as a Bluetooth connection is: what is lost on the air is sent
again until the supervision time-out. Loss of samples is therefore a property of a sensor or of a host and is
simulated there (`bandsense.sim.faults`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, cast

from bumble import att, core, hci, ll, pairing
from bumble import controller as bumble_controller
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.keys import KeyStore, MemoryKeyStore
from bumble.link import LocalLink

__all__ = ["Adapter", "AdapterState", "Agent", "RadioController", "VirtualRadio"]

SUPERVISION_TIMEOUT_S = 0.42
"""What BlueZ asks for by default: 420 ms without a packet and the link counts as lost."""

ADVERTISING_INTERVAL_UNIT_S = 0.625e-3
MINIMUM_ADVERTISING_INTERVAL_S = 0.02
"""Vol 6, part B, 4.4.2.2: connectable advertising is not faster than every 20 ms."""

ROUNDING_S = 1e-6
"""A connection event that is less than this away is the present one."""

DATA_LENGTH = 251
"""Largest link-layer payload (data length extension): an ATT packet travels in one piece."""

SERVER_MTU = 247
"""What small sensors offer (251 less the L2CAP header). Bumble's own 517 lets a client write 514 bytes, more
than the 512 an attribute may hold (vol 3, part F, 3.2.9), which Bumble then drops."""

_NOTIFICATION = att.ATT_CID.to_bytes(2, "little") + bytes([att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION])

_HIDDEN_FEATURES = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
"""With these announced Linux expects enhanced events, which Bumble's controller does not send."""

_ADVERTISING_TYPE = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
_REPORT_TYPE = hci.HCI_LE_Advertising_Report_Event.EventType
_REPORT_OF = {
    _ADVERTISING_TYPE.ADV_IND: _REPORT_TYPE.ADV_IND,
    _ADVERTISING_TYPE.ADV_SCAN_IND: _REPORT_TYPE.ADV_SCAN_IND,
    _ADVERTISING_TYPE.ADV_NONCONN_IND: _REPORT_TYPE.ADV_NONCONN_IND,
}
_SCANNABLE = (_REPORT_TYPE.ADV_IND, _REPORT_TYPE.ADV_SCAN_IND)


@dataclass
class _Advert(ll.AdvInd):
    """An advertisement as it is heard: with its kind, its scan response and its strength."""

    scan_response: bytes = b""
    kind: int = _REPORT_TYPE.ADV_IND
    rssi_dbm: int = 0


class _Advertiser(bumble_controller.LegacyAdvertiser):
    """Bumble's advertiser with the interval in the right unit, and able to broadcast."""

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        interval_s = self.advertising_interval_min * ADVERTISING_INTERVAL_UNIT_S
        self.timer_handle = asyncio.get_running_loop().call_later(
            max(interval_s, MINIMUM_ADVERTISING_INTERVAL_S), self._on_timer_fired
        )

    def send_advertising_data(self) -> None:
        kind = _REPORT_OF.get(_ADVERTISING_TYPE(self.advertising_type))
        if not self.enabled or kind is None:
            return
        self.controller.send_advertising_pdu(
            _Advert(
                advertiser_address=self.address,
                data=self.advertising_data,
                scan_response=self.scan_response_data if kind in _SCANNABLE else b"",
                kind=kind,
            )
        )


class _RadioHost(Host):
    """A host whose data go to and from its controller directly; only commands and events pass as HCI packets.

    A notification is handed to its subscribers at once. Bumble's own way would render it as text for a log
    several times, which costs more than all the rest.
    """

    def __init__(self, controller: RadioController) -> None:
        super().__init__(controller, controller)
        self._own = controller
        self.device: Device | None = None

    def send_acl_sdu(self, connection_handle: int, sdu: bytes) -> None:
        """Send over the air."""
        connection = self._own.find_le_connection_by_handle(connection_handle)
        if connection is not None:
            connection.on_acl_pdu(sdu)

    def on_acl_sdu(self, connection_handle: int, sdu: bytes) -> None:
        """Received over the air: an L2CAP packet of `length, channel, payload`."""
        if sdu[2:5] == _NOTIFICATION:
            self._on_notification(connection_handle, int.from_bytes(sdu[5:7], "little"), sdu[7:])
        elif connection := self.connections.get(connection_handle):
            connection.on_acl_pdu(sdu)

    def _on_notification(self, connection_handle: int, attribute_handle: int, value: bytes) -> None:
        connection = self.device.connections.get(connection_handle) if self.device else None
        if connection is None:
            return
        client = connection.gatt_client
        client.cache_value(attribute_handle, value)
        for subscriber in tuple(client.notification_subscribers.get(attribute_handle, ())):
            if callable(subscriber):
                subscriber(value)
            else:
                subscriber.emit(subscriber.EVENT_UPDATE, value)


class RadioController(bumble_controller.Controller):
    """A Bumble controller that keeps to the HCI specification where a real host relies on it."""

    link: _Air

    def __init__(self, name: str, air: _Air, public_address: hci.Address | None = None) -> None:
        super().__init__(name, link=air, public_address=public_address)
        self.le_features &= ~_HIDDEN_FEATURES
        self.le_acl_data_packet_length = DATA_LENGTH
        self.le_legacy_advertiser = _Advertiser(self)
        self.rssi_dbm = -60
        """How strongly others hear this controller."""

    def on_hci_command_packet(self, command: hci.HCI_Command) -> None:
        """Dispatch a command; *Host Number Of Completed Packets* has no answer (vol 4, part E, 7.3.40)."""
        if command.op_code != hci.HCI_HOST_NUMBER_OF_COMPLETED_PACKETS_COMMAND:
            super().on_hci_command_packet(command)

    def on_hci_command(self, command: hci.HCI_Command) -> Any:
        """Refuse an unknown command in the form its sender waits for: complete or status."""
        if isinstance(command, hci.HCI_AsyncCommand):
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR, command.op_code)
            return None
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the host. Bumble's own renders every packet as text for a log nobody reads."""
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Forget the pending request and report it as failed (vol 4, part E, 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_advertising_pdu(self, pdu: Any) -> None:
        """Report an advertisement, and its scan response when scanning actively; then connect if asked to."""
        if self.le_scan_enable:
            self._report(pdu.kind, pdu.advertiser_address, pdu.data, pdu.rssi_dbm)
            if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING and (
                pdu.kind in _SCANNABLE
            ):
                self._report(_REPORT_TYPE.SCAN_RSP, pdu.advertiser_address, pdu.scan_response, pdu.rssi_dbm)
        pending = self.pending_le_connection
        if (
            pending
            and pdu.kind == _REPORT_TYPE.ADV_IND
            and pending.peer_address == pdu.advertiser_address
            and pdu.advertiser_address not in self.le_connections
            and self.link.still_advertises(pdu.advertiser_address, self)
        ):
            self.create_le_connection(pdu.advertiser_address)

    def on_link_acl_data(self, sender_address: hci.Address, transport: Any, data: bytes) -> None:
        """Hand received data to the host, unless the connection ended while they were on the way."""
        connection = self.le_connections.get(sender_address)
        if connection is None:
            return
        if isinstance(self.host, _RadioHost):
            asyncio.get_running_loop().call_soon(self.host.on_acl_sdu, connection.handle, data)
        else:
            super().on_link_acl_data(sender_address, transport, data)

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        """Act on a link-layer packet, unless its connection ended while it was on the way."""
        if sender_address in self.le_connections:
            super().on_ll_control_pdu(sender_address, packet)

    def lose_connections(self, reason: int) -> None:
        """End every connection as a supervision time-out does: without a word to the other side."""
        for connection in tuple(self.le_connections.values()):
            self.on_le_disconnected(connection, reason)

    def _report(self, kind: int, address: hci.Address, data: bytes, rssi_dbm: int) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=rssi_dbm
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))


class _Lane:
    """One direction of one connection: in order, at connection events, and waiting while out of range."""

    def __init__(self, radio: VirtualRadio, sender: RadioController, receiver: RadioController) -> None:
        self.radio = radio
        self.sender = sender
        self.receiver = receiver
        self.waiting: deque[Callable[[], None]] = deque()
        self.event: asyncio.Handle | None = None

    def push(self, deliver: Callable[[], None]) -> None:
        self.waiting.append(deliver)
        self.schedule()

    def schedule(self) -> None:
        if self.event is not None or not self.waiting:
            return
        loop = asyncio.get_running_loop()
        delay_s = self.radio.delay_to_next_event_s()
        self.event = loop.call_later(delay_s, self.flush) if delay_s > 0 else loop.call_soon(self.flush)

    def flush(self) -> None:
        self.event = None
        if not self.radio.in_range(self.sender, self.receiver):
            return
        waiting, self.waiting = self.waiting, deque()
        for deliver in waiting:
            deliver()


class _Controllers(list[RadioController]):
    """The controllers in order of arrival: Bumble keeps a set, whose order changes from run to run."""

    def add(self, controller: RadioController) -> None:
        self.append(controller)


class _Air(LocalLink):
    """`LocalLink` with range, signal strength, connection events and addresses that are right."""

    def __init__(self, radio: VirtualRadio) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.radio = radio
        self.members = _Controllers()
        self.controllers = self.members  # type: ignore[assignment]
        self.lanes: dict[tuple[str, str], _Lane] = {}
        self.feature_exchange_delay_s = 0.0

    def find_le_controller(self, address: hci.Address) -> RadioController | None:
        """Whoever uses this address on a connection, else whoever owns it."""
        for member in self.members:
            if any(link.self_address == address for link in member.le_connections.values()):
                return member
        for member in self.members:
            if address in (member.random_address, member.public_address):
                return member
        return None

    def still_advertises(self, address: hci.Address, to: RadioController) -> bool:
        """Return whether whoever sent an advertisement would take up a link with `to`."""
        return any(
            member.le_legacy_advertiser.enabled
            and member.le_legacy_advertiser.address == address
            and self.radio.in_range(member, to)
            for member in self.members
        )

    def send_advertising_pdu(
        self, sender_controller: bumble_controller.Controller, packet: ll.AdvertisingPdu
    ) -> None:
        sender = cast(RadioController, sender_controller)
        if sender not in self.members:
            # A host advertises anew when its link is lost, also when that is because it was switched off.
            return
        if isinstance(packet, ll.ConnectInd):
            # Answers an advertisement within its own event (vol 6, part B, 4.4.2.3): nothing comes between.
            for member in self.members:
                member.on_ll_advertising_pdu(packet)
            return
        if isinstance(packet, _Advert):
            packet.rssi_dbm = sender.rssi_dbm
        for other in self.members:
            if other is not sender and self.radio.in_range(sender, other):
                asyncio.get_running_loop().call_soon(other.on_ll_advertising_pdu, packet)

    def send_acl_data(
        self,
        sender_controller: bumble_controller.Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        sender = cast(RadioController, sender_controller)
        connection = sender.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None:
            return
        source = connection.self_address
        self.lane(sender, receiver).push(lambda: receiver.on_link_acl_data(source, transport, data))

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        sender = self.find_le_controller(sender_address)
        receiver = self.find_le_controller(receiver_address)
        if sender is None or receiver is None:
            return

        def deliver() -> None:
            receiver.on_ll_control_pdu(sender_address, packet)

        if self.feature_exchange_delay_s and isinstance(packet, ll.FeatureReq | ll.PeripheralFeatureReq):
            asyncio.get_running_loop().call_later(self.feature_exchange_delay_s, deliver)
        else:
            self.lane(sender, receiver).push(deliver)

    def lane(self, sender: RadioController, receiver: RadioController) -> _Lane:
        key = (sender.name, receiver.name)
        if key not in self.lanes:
            self.lanes[key] = _Lane(self.radio, sender, receiver)
        return self.lanes[key]

    def forget(self, controller: RadioController) -> None:
        """Take a controller off the air, with its lanes."""
        self.members.remove(controller)
        self.lanes = {key: lane for key, lane in self.lanes.items() if controller.name not in key}

    def resume(self) -> None:
        for lane in self.lanes.values():
            lane.schedule()


class AdapterState(Enum):
    """Whether a computer's Bluetooth can be used, and if not, why."""

    ON = "on"
    OFF = "switched off"
    ABSENT = "not there"
    DENIED = "not permitted"


class Agent(pairing.PairingDelegate):
    """The person at the computer while pairing: accepts, and types the passkey that the sensor shows.

    Args:
        passkey: what is typed when asked; None where the computer can neither show nor ask
            (pairing is then *Just Works*).
        accepts: whether the person agrees to pair at all.
    """

    def __init__(self, passkey: int | None = None, *, accepts: bool = True) -> None:
        capability = self.NO_OUTPUT_NO_INPUT if passkey is None else self.KEYBOARD_INPUT_ONLY
        super().__init__(io_capability=capability)
        self.passkey = passkey
        self.accepts = accepts

    async def accept(self) -> bool:
        """Answer a request as the person does."""
        return self.accepts

    async def confirm(self, auto: bool = False) -> bool:
        """Answer a request that shows nothing to compare, as the person does."""
        return self.accepts

    async def get_number(self) -> int | None:
        """Return what the person types."""
        return self.passkey


class Adapter:
    """A computer's (or phone's) Bluetooth: one controller and host that all its programs share.

    Attributes:
        agent: answers pairing questions; None as on a Linux machine without a D-Bus agent.
        state: whether programs may use it; see `switch_off`.
    """

    def __init__(self, radio: VirtualRadio, device: Device, controller: RadioController) -> None:
        self.radio = radio
        self.device = device
        self.controller = controller
        self.agent: Agent | None = Agent()
        self.state = AdapterState.ON
        self.scanners = 0
        self._connecting = asyncio.Lock()
        self._changing_scan = asyncio.Lock()
        self.on_state: list[Callable[[AdapterState], None]] = []
        device.pairing_config_factory = self._pairing_config

    @property
    def name(self) -> str:
        """Name of this adapter on its radio."""
        return self.controller.name

    @property
    def bonds(self) -> KeyStore:
        """The keys of the sensors this computer is bonded with."""
        return cast(KeyStore, self.device.keystore)

    async def connect(self, address: hci.Address) -> Connection:
        """Return the link to a sensor: the one this computer already has, or a new one.

        One attempt at a time, each to its end: a caller that gives up in the middle leaves neither a request
        nor a link that nobody owns, for which the sensor would turn everybody else away.

        Raises:
            ConnectionError: Bumble's, when there is no link to be had.
        """
        given_up = asyncio.Event()
        connecting = asyncio.ensure_future(self._connect(address, given_up))
        try:
            connection, _ = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            given_up.set()
            connecting.add_done_callback(_end_unowned)
            raise
        return connection

    async def _connect(self, address: hci.Address, given_up: asyncio.Event) -> tuple[Connection, bool]:
        """Return the link, and whether it is a new one."""
        async with self._connecting:
            if standing := self.connection_to(address.to_string(False)):
                return standing, False
            asked = self.device.connect_le(address, own_address_type=hci.OwnAddressType.PUBLIC, timeout=None)
            asking = asyncio.ensure_future(asked)
            giving_up = asyncio.ensure_future(given_up.wait())
            await asyncio.wait({asking, giving_up}, return_when=asyncio.FIRST_COMPLETED)
            giving_up.cancel()
            if not asking.done():
                with contextlib.suppress(hci.HCI_Error):  # refused when the link is on its way already
                    await self.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
            return await asking, True

    async def switch_off(self, state: AdapterState = AdapterState.OFF) -> None:
        """Make the adapter unusable: links end, scans hear nothing, programs are told why."""
        self.state = state
        for connection in tuple(self.device.connections.values()):
            await connection.disconnect(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)
        self.controller.on_hci_le_create_connection_cancel_command(
            hci.HCI_LE_Create_Connection_Cancel_Command()
        )
        self.radio.silence(self.name)
        self._tell()

    def switch_on(self) -> None:
        """Make the adapter usable again."""
        self.state = AdapterState.ON
        self.radio.unsilence(self.name)
        self._tell()

    async def listen(self) -> None:
        """Scan actively for as long as at least one scanner wants to hear."""
        self.scanners += 1
        await self._scan_as_wanted()

    async def unlisten(self) -> None:
        """End what `listen` began."""
        self.scanners -= 1
        await self._scan_as_wanted()

    async def _scan_as_wanted(self) -> None:
        """Bring the controller to what the scanners want: one change at a time, each to its end.

        Starting and stopping take several commands; the controller refuses a start whose stop is still on
        its way, and a caller that gives up in the middle must leave nothing half done.
        """

        async def change() -> None:
            async with self._changing_scan:
                wanted = self.scanners > 0
                if wanted and not self.device.scanning:
                    await self.device.start_scanning(active=True)
                elif not wanted and self.device.scanning:
                    await self.device.stop_scanning()

        await asyncio.shield(asyncio.ensure_future(change()))

    def connection_to(self, address: str) -> Connection | None:
        """Return the link to a sensor, if there is one."""
        for connection in self.device.connections.values():
            if connection.peer_address.to_string(False) == address.upper():
                return connection
        return None

    def _pairing_config(self, _connection: Connection) -> pairing.PairingConfig:
        return pairing.PairingConfig(
            sc=True,
            mitm=self.agent is not None and self.agent.passkey is not None,
            bonding=True,
            delegate=self.agent or Agent(accepts=False),
            identity_address_type=pairing.PairingConfig.AddressType.PUBLIC,
        )

    def _tell(self) -> None:
        for callback in tuple(self.on_state):
            callback(self.state)


_ENDING: set[asyncio.Future[None]] = set()
"""Links that end: a task that nobody holds may be collected before it is done."""


def _end_unowned(connecting: asyncio.Future[tuple[Connection, bool]]) -> None:
    """End the link that was made for a caller who has given up, if it came about."""
    if connecting.cancelled() or connecting.exception() is not None:
        return
    connection, new = connecting.result()
    if new:
        ending = asyncio.ensure_future(connection.disconnect())
        _ENDING.add(ending)
        ending.add_done_callback(_ENDING.discard)


class VirtualRadio:
    """Everything within earshot: adapters (computers) and devices (sensors), created by name.

    Use it as an async context manager, inside the event loop that will run it.

    Args:
        connection_interval_s: data pass at multiples of this time, as on air (7.5–50 ms on common systems);
            0 delivers at once.
        jitter_s: up to this much is added to the delivery of each connection event, drawn at random,
            in order; stands for a busy host.
        supervision_timeout_s: how long a peer may be out of range before the link is lost (reason 0x08).
        seed: of everything random on this radio.
    """

    def __init__(
        self,
        *,
        connection_interval_s: float = 0.0,
        jitter_s: float = 0.0,
        supervision_timeout_s: float = SUPERVISION_TIMEOUT_S,
        seed: int = 0,
    ) -> None:
        self.connection_interval_s = connection_interval_s
        self.jitter_s = jitter_s
        self.supervision_timeout_s = supervision_timeout_s
        self.air = _Air(self)
        self._random = random.Random(seed)
        self._silent: set[str] = set()
        self._supervision: dict[str, asyncio.TimerHandle] = {}
        self._adapters: dict[str, Adapter] = {}
        self._devices: dict[str, Device] = {}

    async def __aenter__(self) -> VirtualRadio:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Switch everything off and let what is under way end."""
        for timer in self._supervision.values():
            timer.cancel()
        for controller in self.air.members:
            controller.le_legacy_advertiser.stop()
            controller.lose_connections(hci.HCI_CONNECTION_TIMEOUT_ERROR)
        for device in self._devices.values():
            await device.power_off()
        await asyncio.sleep(0)
        self.air.members.clear()

    def add_controller(self, name: str, public_address: str | None = None) -> RadioController:
        """Add a controller without a host, for a host of another kind (BlueZ, firmware) to be attached to."""
        if name in (member.name for member in self.air.members):
            raise ValueError(f"there is already a {name!r} on this radio")
        address = (
            None if public_address is None else hci.Address(public_address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        )
        return RadioController(name, self.air, address)

    async def add_device(
        self, name: str, *, address: str | None = None, keystore: KeyStore | None = None
    ) -> Device:
        """Add a powered Bumble device on a controller of its own.

        Args:
            name: unique on this radio.
            address: static random address (two most significant bits set); derived from the order of
                creation when not given.
            keystore: where its bonds live; in memory when not given.
        """
        own = hci.Address(address or self._next_address())
        config = DeviceConfiguration(name=name, address=own, irk=(bytes(own) * 3)[:16])
        device = self._host(self.add_controller(name), config)
        device.keystore = keystore or MemoryKeyStore()
        device.gatt_server.max_mtu = SERVER_MTU
        await self._power_on(device)
        return device

    async def remove_device(self, name: str) -> None:
        """Take a device off the air for good, as a battery that is pulled out does."""
        self.lose_link(name)
        device = self._devices.pop(name)
        controller = self.controller(name)
        controller.le_legacy_advertiser.stop()
        self.air.forget(controller)
        await asyncio.sleep(0)  # its host is told that the link is lost before it forgets all links
        await device.power_off()

    async def adapter(self, name: str = "computer") -> Adapter:
        """Return the named computer's Bluetooth, created at the first call."""
        if name not in self._adapters:
            number = len(self._adapters)
            address = f"00:1A:7D:00:00:{number + 1:02X}"
            controller = self.add_controller(name, address)
            public = pairing.PairingConfig.AddressType.PUBLIC
            device = self._host(
                controller,
                DeviceConfiguration(
                    name=name,
                    address=hci.Address(f"F0:1A:7D:00:00:{number + 1:02X}"),
                    identity_address_type=int(public),
                    irk=bytes([number + 1] * 16),
                ),
            )
            device.keystore = MemoryKeyStore()
            await self._power_on(device)
            self._adapters[name] = Adapter(self, device, controller)
        return self._adapters[name]

    def controller(self, name: str) -> RadioController:
        """Return the controller of that name.

        Raises:
            KeyError: nothing of that name is on this radio.
        """
        for member in self.air.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def in_range(self, one: RadioController, other: RadioController) -> bool:
        """Return whether the two can hear each other."""
        return one.name not in self._silent and other.name not in self._silent

    def silence(self, name: str) -> None:
        """Put a controller out of range; its links are lost after the supervision time-out."""
        if name in self._silent:
            return
        self._silent.add(name)
        self._supervision[name] = asyncio.get_running_loop().call_later(
            self.supervision_timeout_s, self.lose_link, name
        )

    def unsilence(self, name: str) -> None:
        """Bring a controller back into range; what waited on a link that still stands is delivered."""
        self._silent.discard(name)
        if timer := self._supervision.pop(name, None):
            timer.cancel()
        self.air.resume()

    def lose_link(self, name: str, reason: int = hci.HCI_CONNECTION_TIMEOUT_ERROR) -> None:
        """Lose every link of a controller now, on both sides, with what was on the way."""
        controller = self.controller(name)
        for lane in self.air.lanes.values():
            if controller in (lane.sender, lane.receiver):
                lane.waiting.clear()
        own = (controller.public_address, controller.random_address)
        for member in self.air.members:
            for connection in tuple(member.le_connections.values()):
                if member is controller or connection.peer_address in own:
                    member.on_le_disconnected(connection, reason)

    def delay_to_next_event_s(self) -> float:
        """Time until the next connection event, plus this event's share of jitter."""
        delay_s = 0.0
        if self.connection_interval_s > 0:
            now_s = asyncio.get_running_loop().time()
            delay_s = self.connection_interval_s - now_s % self.connection_interval_s
            if delay_s < ROUNDING_S:  # the event of now: what is sent in it waits for the next
                delay_s += self.connection_interval_s
        if self.jitter_s > 0:
            delay_s += self._random.uniform(0.0, self.jitter_s)
        return delay_s

    def _host(self, controller: RadioController, config: DeviceConfiguration) -> Device:
        host = _RadioHost(controller)
        host.device = Device(config=config, host=host)
        return host.device

    async def _power_on(self, device: Device) -> None:
        def on_connection(connection: Connection) -> None:
            # Bumble keeps the session of a failed pairing, and a second attempt would go to that one.
            connection.on(
                connection.EVENT_PAIRING_FAILURE,
                lambda _reason: device.smp_manager.sessions.pop(connection.handle, None),
            )

        device.on(device.EVENT_CONNECTION, on_connection)
        await device.power_on()
        self._devices[device.name] = device

    def _next_address(self) -> str:
        return f"C0:BA:5E:00:00:{len(self._devices) + 1:02X}"
