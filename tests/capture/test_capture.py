"""Raw captures: the same samples again, whatever happened to the file."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.capture.format import (
    MAGIC,
    CaptureWriter,
    LinkRecord,
    SectionRecord,
    ValueRecord,
    is_capture,
    read_capture,
)
from bandsense.capture.replay import replay_capture
from bandsense.errors import ConfigError, DataError, FileFormatError
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.registry import decoder_named
from bandsense.link.sensor import open_sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.devices.whc06 import ScaleTwin
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.uuids import INFORMATION_UUID, MEASUREMENT_UUID
from tests.support.sensors import ramp


async def test_a_replay_gives_the_same_blocks(
    radio: VirtualRadio, band: VirtualBand, transport: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "set.bandcap"
    live: list[SampleBlock] = []
    with CaptureWriter(path, {"version": "1"}) as capture:
        async with open_sensor(transport=transport, capture=capture) as sensor:

            async def read() -> None:
                live.extend([block async for block in sensor.stream(80)])

            reader = asyncio.create_task(read())
            await asyncio.sleep(3)
            radio.silence("band")
            await asyncio.sleep(2)
            radio.unsilence("band")
            await asyncio.sleep(5)
            await band.reboot()
            await asyncio.sleep(8)
        await reader
    captured = read_capture(path)
    assert captured.damage is None
    replayed = list(replay_capture(captured, decoder_named))
    again = [item for item in replayed if isinstance(item, SampleBlock)]
    assert concatenate(again) == concatenate(live)
    section = replayed[0]
    assert isinstance(section, SectionRecord)
    about = dict(section.about)
    assert abs(about.pop("unix_s") - time.time()) < 600
    assert about == {
        "version": "1",
        "driver": "bandsense",
        "address": band.address,
        "name": "bandsense-BA5E",
    }
    notes = [item.event["state"] for item in replayed if isinstance(item, LinkRecord)]
    assert notes.count("streaming") == 3
    arrivals = [record.arrival_s for record in captured.records]
    assert arrivals == sorted(arrivals)


async def test_what_nobody_read_is_not_replayed(
    radio: VirtualRadio, transport: Transport, tmp_path: Path
) -> None:
    """A scale goes on sending when the stream was stopped."""
    path = tmp_path / "scale.bandcap"
    live: list[SampleBlock] = []
    scale = ScaleTwin(radio, ramp(rate_hz=10.0))
    with CaptureWriter(path) as capture:
        async with scale, open_sensor(scale.address, transport=transport, capture=capture) as sensor:

            async def read() -> None:
                live.extend([block async for block in sensor.stream()])

            for _ in range(2):
                reader = asyncio.create_task(read())
                await asyncio.sleep(4)
                await sensor.stop()
                await reader
                await asyncio.sleep(4)
    captured = read_capture(path)
    again = [item for item in replay_capture(captured, decoder_named) if isinstance(item, SampleBlock)]
    assert concatenate(again) == concatenate(live)
    assert sum(isinstance(record, ValueRecord) for record in captured.records) > len(concatenate(live))


async def test_a_capture_is_compact(band: VirtualBand, transport: Transport, tmp_path: Path) -> None:
    path = tmp_path / "set.bandcap"
    with CaptureWriter(path) as capture:
        async with open_sensor(transport=transport, capture=capture) as sensor:
            await sensor.start(80)
            await asyncio.sleep(20)
    # a frame of three samples has 20 bytes; a record adds kind, time, length, number and check
    assert path.stat().st_size < 20 * 80 / 3 * (20 + 9) + 4000


def written(path: Path, values: list[bytes]) -> bytes:
    with CaptureWriter(path) as capture:
        capture.section(5.0, {"driver": "bandsense"})
        for i, value in enumerate(values):
            capture.received(5.0 + i * 0.0375, MEASUREMENT_UUID, value)
        capture.interrupted(9.0)
    return path.read_bytes()


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=40), max_size=12), st.data())
def test_a_file_cut_anywhere_gives_what_came_before(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("capture") / "cut.bandcap"
    whole = written(path, values)
    all_values = [r.data for r in read_capture(path).records if isinstance(r, ValueRecord)]
    assert all_values == values
    cut = data.draw(st.integers(len(MAGIC), len(whole)))
    path.write_bytes(whole[:cut])
    capture = read_capture(path)
    kept = [r.data for r in capture.records if isinstance(r, ValueRecord)]
    assert kept == values[: len(kept)]
    assert (capture.damage is None) == (capture.good_bytes == cut)
    # what is cut off is at most one record: its payload and some framing
    assert cut - capture.good_bytes < 100


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.data())
def test_a_damaged_byte_is_noticed_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("capture") / "damaged.bandcap"
    whole = bytearray(written(path, values))
    at = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    capture = read_capture(path)
    kept = [r.data for r in capture.records if isinstance(r, ValueRecord)]
    assert kept == values[: len(kept)]
    assert capture.damage is not None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_crash(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.mktemp("capture") / "any.bandcap"
    path.write_bytes(MAGIC + tail)
    capture = read_capture(path)
    assert capture.records == ()
    assert (capture.damage is not None) is bool(tail)


def test_a_second_section_follows_a_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "twice.bandcap"
    whole = written(path, [b"one", b"two"])
    path.write_bytes(whole[:-3])
    written(path, [b"three"])
    capture = read_capture(path)
    assert capture.damage is None
    assert [r.data for r in capture.records if isinstance(r, ValueRecord)] == [b"one", b"two", b"three"]
    assert sum(isinstance(r, SectionRecord) for r in capture.records) == 2


def test_other_files_are_left_alone_and_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a capture")
    assert not is_capture(path)
    with pytest.raises(FileFormatError, match=r"notes\.txt"):
        CaptureWriter(path)
    with pytest.raises(FileFormatError, match="not a capture"):
        read_capture(path)
    assert path.read_text() == "not a capture"
    path.write_bytes(MAGIC[:-1] + b"\x02")
    with pytest.raises(FileFormatError, match="version 2"):
        read_capture(path)
    with pytest.raises(DataError):
        read_capture(tmp_path / "missing")
    with pytest.raises(DataError, match="cannot be written"):
        CaptureWriter(tmp_path / "no" / "folder")


def test_a_capture_of_an_unknown_driver_says_so(tmp_path: Path) -> None:
    path = tmp_path / "other.bandcap"
    with CaptureWriter(path) as capture:
        capture.section(0.0, {"driver": "acme"})
    with pytest.raises(ConfigError, match="acme"):
        list(replay_capture(read_capture(path), decoder_named))


def test_a_full_disk_is_told_at_the_end(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is a Linux device")
    capture = CaptureWriter(tmp_path / "full.bandcap")
    capture._file.close()
    capture._file = full.open("ab", buffering=0)
    capture.received(0.0, INFORMATION_UUID, b"x")
    with pytest.raises(DataError, match="incomplete"):
        capture.close()
