from __future__ import annotations

import asyncio
import contextlib

import pytest
from bleak import BleakClient
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import core, hci
from bumble.device import Connection, Peer
from bumble.pairing import PairingConfig

from bandsense.sim.radio.bleak_backend import client_backend
from bandsense.sim.radio.virtual_radio import Agent, VirtualRadio
from bandsense.wire.bandsense.answers import CalibrationPiece
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Features, Status
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    OpenPairing,
    ReadCalibration,
    SetLabel,
    Start,
    TimeMark,
    WriteCalibration,
    encode_request,
)
from bandsense.wire.bandsense.uuids import CONTROL_UUID, MEASUREMENT_UUID
from tests.firmware.sensor import PATIENCE_S, RESTART, HostSensor, advertised, connected, find

pytestmark = pytest.mark.firmware

INSUFFICIENT_AUTHENTICATION = 0x05
INSUFFICIENT_ENCRYPTION = 0x0F


async def test_strangers_get_nothing_but_the_open_parts(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio, pair=False, prepare=False) as central:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await central.write(encode_request(1, TimeMark()))
        assert refused.value.code == INSUFFICIENT_AUTHENTICATION
        for uuid in (MEASUREMENT_UUID, CONTROL_UUID):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await central.client.start_notify(uuid, lambda *_: None)
            assert refused.value.code == INSUFFICIENT_AUTHENTICATION
        assert (await central.information()).major == 1


async def test_a_bond_survives_power_cuts_on_both_sides_of_the_link(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
    for _ in range(3):
        await sensor.reboot()
        async with connected(radio, pair=False) as central:
            assert (await central.ask(Start(80))).status == Status.SUCCESS


async def test_the_window_closes_after_a_bond_and_opens_with_the_button(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio):
        pass
    with pytest.raises(BleakError, match="PAIRING_NOT_SUPPORTED"):
        async with connected(radio, computer="second"):
            pass
    await sensor.tell("press 50")
    await advertised(radio, "pairing_open")
    async with connected(radio, computer="second") as central:
        assert (await central.ask(TimeMark())).status == Status.SUCCESS


async def test_a_bonded_central_opens_the_window_for_another(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert (await central.ask(OpenPairing(120))).status == Status.SUCCESS
        await advertised(radio, "pairing_open", "second")
    async with connected(radio, computer="second"):
        pass
    async with connected(radio, pair=False) as central:
        await central.ask(OpenPairing(1))
        await asyncio.sleep(1.2)
    with pytest.raises(BleakError, match="PAIRING_NOT_SUPPORTED"):
        async with connected(radio, computer="third"):
            pass


async def test_two_centrals_take_turns(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as first:
        await first.ask(OpenPairing(60))
        heard = await advertised(radio, "connected", "second")
        assert heard.pairing_open
        device, _ = await find(radio, "second")
        adapter = await radio.adapter("second")
        late = BleakClient(device, backend=client_backend(adapter), timeout=0.7)
        with pytest.raises((asyncio.TimeoutError, BleakError)):
            await late.connect()
        assert (await first.ask(TimeMark())).status == Status.SUCCESS
    async with connected(radio, computer="second") as second:
        assert (await second.ask(Start(80))).status == Status.SUCCESS
    async with connected(radio, pair=False) as first:
        assert (await first.ask(Start(80))).status == Status.SUCCESS


async def test_a_fifth_bond_replaces_the_one_used_longest_ago(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async def pair(computer: str) -> None:
        async with connected(radio, computer=computer) as central:
            await central.ask(OpenPairing(120))

    async def comes_back(computer: str) -> bool:
        try:
            async with connected(radio, computer=computer, pair=False) as central:
                return (await central.ask(OpenPairing(120))).status == Status.SUCCESS
        except (BleakError, TimeoutError):
            return False

    for computer in "abcd":
        await pair(computer)
    assert await comes_back("a")
    await pair("e")
    await sensor.reboot()
    assert [await comes_back(computer) for computer in "acde"] == [True] * 4
    assert not await comes_back("b")


async def test_forgetting_takes_effect_when_the_link_ends(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert (await central.ask(ForgetBonds(everyone=False))).status == Status.SUCCESS
        assert (await central.ask(TimeMark())).status == Status.SUCCESS
    with pytest.raises(BleakError):
        async with connected(radio, pair=False):
            pass
    await sensor.reboot()
    with pytest.raises(BleakError):
        async with connected(radio, pair=False):
            pass


async def test_a_known_central_in_clear_is_told_to_encrypt(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    adapter = await radio.adapter()
    await adapter.bonds.delete_all()
    async with connected(radio, pair=False, prepare=False) as central:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await central.write(encode_request(1, TimeMark()))
        assert refused.value.code == INSUFFICIENT_ENCRYPTION
    # Without the window the lost half of the bond cannot be made good.
    with pytest.raises(BleakError, match="PAIRING_NOT_SUPPORTED"):
        async with connected(radio):
            pass
    await sensor.tell("press 50")
    await advertised(radio, "pairing_open")
    async with connected(radio) as central:
        assert (await central.ask(TimeMark())).status == Status.SUCCESS


@pytest.mark.parametrize(("sc", "bonding"), [(False, True), (True, False)], ids=["legacy", "no bond"])
async def test_only_secure_connections_with_a_bond_will_do(
    radio: VirtualRadio, sensor: HostSensor, sc: bool, bonding: bool
) -> None:
    adapter = await radio.adapter("old")
    adapter.device.pairing_config_factory = lambda _: PairingConfig(
        sc=sc, mitm=False, bonding=bonding, delegate=Agent()
    )
    device, _ = await find(radio, "old")
    async with BleakClient(device, backend=client_backend(adapter)) as client:
        with contextlib.suppress(BleakError):
            await client.pair()
        with pytest.raises(BleakError):
            await client.start_notify(CONTROL_UUID, lambda *_: None)
    # Nothing of it is left that could be made use of later.
    with pytest.raises(BleakError):
        async with connected(radio, computer="old", pair=False):
            pass


@pytest.mark.parametrize(("typed", "works"), [(123456, True), (654321, False)])
async def test_a_passkey_on_the_label(
    radio: VirtualRadio, sensor: HostSensor, typed: int, works: bool
) -> None:
    sensor.flash.unlink(missing_ok=True)
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start("--passkey", "123456")
    adapter = await radio.adapter()
    adapter.agent = Agent(typed)
    if works:
        async with connected(radio) as central:
            assert (await central.ask(TimeMark())).status == Status.SUCCESS
            assert Features.FIXED_PASSKEY in (await central.information()).features
    else:
        with pytest.raises(BleakError):
            async with connected(radio):
                pass


async def test_just_works_is_not_enough_where_there_is_a_passkey(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start("--passkey", "123456")
    with pytest.raises(BleakError):
        async with connected(radio):
            pass


@pytest.mark.slow
async def test_holding_the_button_forgets_everything_but_the_calibration(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    record = CalibrationRecord(newton_per_count=1e-4).encode()
    async with connected(radio) as central:
        await central.ask(SetLabel("mine"))
        await central.ask(WriteCalibration(40, 0, record))
    await sensor.tell("press 60000")  # it restarts after ten seconds, while the button is held
    assert await sensor.exit_status() == RESTART
    await sensor.start()
    adapter = await radio.adapter()
    await adapter.bonds.delete_all()
    async with connected(radio) as central:
        assert (await central.information()).label == ""
        piece = (await central.ask(ReadCalibration(0))).result
        assert isinstance(piece, CalibrationPiece)
        assert piece.data == record


async def connect_from_a_new_address(radio: VirtualRadio, sensor_address: str) -> Connection:
    """Connect as a phone does: from a resolvable private address that it has just made."""
    adapter = await radio.adapter("phone")
    device = adapter.device
    address = hci.Address.generate_private_address(device.irk)
    device.random_address = address
    await device.send_command(hci.HCI_LE_Set_Random_Address_Command(random_address=address))
    target = hci.Address(sensor_address, hci.Address.RANDOM_DEVICE_ADDRESS)
    return await device.connect(target, own_address_type=hci.OwnAddressType.RANDOM)


async def test_a_central_that_pairs_the_moment_it_is_connected_is_bonded(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    found, _ = await find(radio, "phone")
    with sensor.at_once():
        await sensor.tell("press 50")  # which the advertisement tells; it waits for the controller just then
        await asyncio.sleep(0.1)
        connection = await connect_from_a_new_address(radio, found.address)
        pairing = asyncio.create_task(connection.pair())
        await asyncio.sleep(0.1)
    await pairing
    peer = Peer(connection)
    await asyncio.wait_for(peer.discover_services(), PATIENCE_S)
    await connection.disconnect()
    again = await connect_from_a_new_address(radio, found.address)
    await again.encrypt()
    assert again.is_encrypted


async def test_a_central_whose_address_changes_is_known_by_its_key(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    found, _ = await find(radio, "phone")
    seen = set()
    for i in range(4):
        if i == 2:
            await sensor.reboot()
        connection = await connect_from_a_new_address(radio, found.address)
        seen.add(str(connection.self_address))
        await (connection.encrypt() if i else connection.pair())
        assert connection.is_encrypted
        peer = Peer(connection)
        await peer.discover_services()
        await peer.discover_characteristics()
        (force,) = peer.get_characteristics_by_uuid(core.UUID.from_16_bits(0x2C07))
        # Only who is encrypted may read it.
        assert await force.read_value() == bytes.fromhex("ffffff7f")
        await connection.disconnect()
    assert len(seen) == 4
