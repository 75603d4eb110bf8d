"""A bundle for a bug report tells what happened and not who it happened to."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path

import pytest

from bandsense.app.bug_report import (
    Mask,
    adapter_facts,
    masked_capture,
    nameless,
    software_versions,
    write_bundle,
)
from bandsense.capture.format import CaptureWriter, SectionRecord, read_capture
from bandsense.capture.replay import replay_capture
from bandsense.errors import DataError, FileFormatError
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.registry import decoder_named
from bandsense.link.sensor import open_sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.devices.whc06 import ScaleTwin
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.support.sensors import ramp

SCALE_PREFIX = bytes.fromhex("0203112ac0191122e201")  # hammockman/wh-c06-logger


def test_addresses_and_names_become_numbers() -> None:
    mask = Mask(["Maria's band", "Maria"])
    text = mask.text(
        "C0:BA:5E:00:BA:5E and dev_C0_BA_5E_00_BA_5E, 0A1B2C3D-0000-4000-8000-0123456789AB: "
        "bandsense-BA5E of Maria, Maria's band, Marianne"
    )
    assert text == (
        "<address 1> and dev_<address 1>, <address 2>: bandsense-<sensor 1> of <name 2>, <name 1>, Marianne"
    )
    assert mask.text("service b5e50001-3c1f-4f0e-9a57-6d2b41c7e8a0") == (
        "service b5e50001-3c1f-4f0e-9a57-6d2b41c7e8a0"
    )


async def test_a_bundle(band: VirtualBand, transport: Transport, tmp_path: Path) -> None:
    captured = tmp_path / "set.bandcap"
    band.memory.label = "Maria left"
    with CaptureWriter(captured, {"version": "1"}) as capture:
        async with open_sensor(transport=transport, capture=capture) as sensor:
            await sensor.start(80)
            await asyncio.sleep(5)
    log = tmp_path / "bandsense.log"
    log.write_text(f"connected to Maria left at {band.address}\n")
    path = tmp_path / "bundle.zip"
    log.write_text(log.read_text() + "serial 5E4500000000BA5E of MARIA LEFT\n")
    facts = {"versions": software_versions(), "findings": [{"adapter": band.address}]}
    write_bundle(path, facts, logs=[log], capture=captured)

    with zipfile.ZipFile(path) as bundle:
        assert sorted(bundle.namelist()) == ["facts.json", "last.bandcap", "logs/bandsense.log"]
        everything = b"".join(bundle.read(name) for name in bundle.namelist())
        told = json.loads(bundle.read("facts.json"))
        logged = bundle.read("logs/bandsense.log").decode()
        bundle.extract("last.bandcap", tmp_path / "out")
    raw = bytes.fromhex("5e4500000000ba5e")
    (serial,) = (each for each in (raw, raw[::-1]) if each in captured.read_bytes())
    for secret in (
        b"Maria",
        b"MARIA",
        band.address.encode(),
        b"5e4500000000ba5e",
        b"5E4500000000BA5E",
        serial,
    ):
        assert secret not in everything
    assert logged == "connected to <name 1> at <address 1>\nserial <serial 1> of <name 1>\n"
    assert told["versions"]["bleak"].startswith("3.")
    assert told["findings"] == [{"adapter": "<address 1>"}]

    masked = read_capture(tmp_path / "out" / "last.bandcap")
    section = masked.records[0]
    assert isinstance(section, SectionRecord)
    assert section.about["address"] == "<address 1>"
    blocks = [
        concatenate(item for item in replay_capture(one, decoder_named) if isinstance(item, SampleBlock))
        for one in (masked, read_capture(captured))
    ]
    assert len(blocks[0]) > 300
    assert blocks[0] == blocks[1]


async def test_sensors_of_others_are_masked_and_replay_the_same(
    radio: VirtualRadio, transport: Transport, tmp_path: Path
) -> None:
    captured = tmp_path / "set.bandcap"
    scale = ScaleTwin(radio, ramp(rate_hz=10.0))
    async with ProgressorTwin(radio, ramp()) as progressor, scale:
        with CaptureWriter(captured) as capture:
            for address in (progressor.address, scale.address):
                async with open_sensor(address, transport=transport, capture=capture) as sensor:
                    await sensor.start()
                    await asyncio.sleep(5)
    serial = progressor.serial.to_bytes(8, "little").rstrip(b"\0")
    masked = tmp_path / "masked.bandcap"
    masked_capture(read_capture(captured), masked, Mask())
    assert serial in captured.read_bytes()
    names = (b"Progressor_7125", progressor.address.encode(), scale.address.encode())
    for secret in (serial, SCALE_PREFIX, *names):
        assert secret not in masked.read_bytes()
    assert b"1.2.3.4" in masked.read_bytes()
    before, after = (
        [item for item in replay_capture(read_capture(path), decoder_named) if isinstance(item, SampleBlock)]
        for path in (captured, masked)
    )
    assert len(before) > 20
    assert before == after


@pytest.mark.parametrize(
    ("text", "secrets", "kept"),
    [
        ("/home/ada/My sets/ada set.csv, line 3: no header", ("ada", "My sets"), ".csv, line 3: no header"),
        ("the store /srv/ada/x.sqlite3: it is damaged", ("ada", "srv"), ".sqlite3: it is damaged"),
        ('"C:\\Users\\Ada\\set.csv" cannot be read', ("Ada", "Users"), '.csv" cannot be read'),
        ("~/Ada/set.csv: empty", ("Ada",), ".csv: empty"),
        ("out/ada/session-1.csv cannot be written", ("ada",), ".csv cannot be written"),
        ("note: adas-set.bandcap: a line is missing", ("ada",), ".bandcap: a line is missing"),
        (
            'File "/x/ada/lib/python3.11/site-packages/bandsense/store/store.py", line 3',
            ("ada",),
            "store/store.py",
        ),
        (
            "/org/bluez/hci0 is off; N/A; mqtt://broker/topic",
            (),
            "/org/bluez/hci0 is off; N/A; mqtt://broker/topic",
        ),
        ("wrote session-12.csv, bandsense.sqlite3", (), "wrote session-12.csv, bandsense.sqlite3"),
    ],
)
def test_paths_are_not_told(text: str, secrets: tuple[str, ...], kept: str) -> None:
    masked = Mask().text(text)
    assert kept in masked
    for secret in secrets:
        assert secret not in masked


def test_names_that_are_no_text_do_not_stop_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    log = tmp_path / "bandsense.log"
    log.write_bytes(b"\xff\xfe of nobody\n")
    write_bundle(path, {"finding": "file \udce4 of \ud800", "\udc80": [1]}, logs=[log])
    with zipfile.ZipFile(path) as bundle:
        assert json.loads(bundle.read("facts.json"))["finding"] == "file \udce4 of \ud800"
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_adapter_is_told_without_its_name() -> None:
    adapter = {"Address": "00:1A:7D:00:00:01", "Name": "maria-pc", "Alias": "Maria's", "Powered": True}
    assert Mask().value(nameless(adapter)) == {"Address": "<address 1>", "Powered": True}


def test_what_is_no_capture_leaves_no_bundle_behind(tmp_path: Path) -> None:
    path, wrong = tmp_path / "bundle.zip", tmp_path / "wrong.bandcap"
    wrong.write_text("no capture")
    with pytest.raises(FileFormatError, match="is not a capture"):
        write_bundle(path, {}, capture=wrong)
    assert not path.exists()


def test_a_bundle_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    write_bundle(path, {})
    with pytest.raises(DataError, match="exists already"):
        write_bundle(path, {})
    with pytest.raises(DataError, match="cannot be written"):
        write_bundle(tmp_path / "no" / "bundle.zip", {})


@pytest.mark.real_time
async def test_a_machine_without_bluetooth_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    facts = await adapter_facts()
    assert "D-Bus" in facts["adapters"] or "not told" in facts["adapters"]
