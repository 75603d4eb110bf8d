"""A bundle for a bug report tells what happened and not who it happened to."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path

import pytest

from bandsense.errors import DataError
from bandsense.link.bundle import Mask, adapter_facts, software_versions, write_bundle
from bandsense.link.capture import CaptureWriter, Section, read_capture, replay_capture
from bandsense.link.sensor import open_sensor
from bandsense.link.transport import Transport
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.peripheral import VirtualBand


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
    facts = {"versions": software_versions(), "findings": [{"adapter": band.address}]}
    write_bundle(path, facts, logs=[log], capture=captured, names=["Maria left"])

    with zipfile.ZipFile(path) as bundle:
        assert sorted(bundle.namelist()) == ["facts.json", "last.bandcap", "logs/bandsense.log"]
        everything = b"".join(bundle.read(name) for name in bundle.namelist())
        told = json.loads(bundle.read("facts.json"))
        bundle.extract("last.bandcap", tmp_path / "out")
    for secret in (b"Maria", band.address.encode(), b"5e4500000000ba5e"):
        assert secret not in everything
    assert told["versions"]["bleak"].startswith("3.")
    assert told["findings"] == [{"adapter": "<address 1>"}]

    masked = read_capture(tmp_path / "out" / "last.bandcap")
    section = masked.records[0]
    assert isinstance(section, Section)
    assert section.about["address"] == "<address 1>"
    blocks = [
        concatenate(item for item in replay_capture(one) if isinstance(item, SampleBlock))
        for one in (masked, read_capture(captured))
    ]
    assert len(blocks[0]) > 300
    assert blocks[0] == blocks[1]


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
