"""Tindeq Progressor: golden bytes from the public specification and from real notifications."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.errors import CommandError, FrameError
from bandsense.wire import progressor
from bandsense.wire.progressor import (
    Command,
    LowPowerNotification,
    Response,
    WeightNotification,
    decode_notification,
)

finite32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
u32 = st.integers(0, 2**32 - 1)


def test_a_sample_padded_by_an_early_clone() -> None:
    # nRF Connect log in crimpdeq/crimpdeq-firmware pull request 18: length byte 8, four bytes of padding
    weights = decode_notification(bytes.fromhex("01087441 93C276BB C7010000 0000".replace(" ", "")))
    assert isinstance(weights, WeightNotification)
    assert weights.weights_kgf == (pytest.approx(-73.6278, abs=1e-4),)
    assert weights.times_us == (29_866_870,)


def test_every_notification_of_the_recorded_log(recordings: Path) -> None:
    lines = (recordings / "frames" / "notifications_pr18.txt").read_text().splitlines()
    frames = [bytes.fromhex(line.split()[1].replace("-", "")) for line in lines if not line.startswith("#")]
    assert len(frames) >= 7
    stamps: list[int] = []
    for frame in frames:
        weights = decode_notification(frame)
        assert isinstance(weights, WeightNotification)
        assert weights.weights_kgf[0] == pytest.approx(-73.6, abs=0.1)
        stamps += weights.times_us
    assert len(stamps) == len(frames)
    # the HX711 at its slow setting: about ten samples a second
    assert all(80_000 < b - a < 110_000 for a, b in pairwise(stamps))


def test_fifteen_samples_fill_a_notification_of_122_bytes() -> None:
    data = progressor.encode_weights((1.5,) * 15, tuple(range(15)))
    assert len(data) == 122
    assert data[:10].hex() == "01780000c03f00000000"
    assert decode_notification(data) == WeightNotification((1.5,) * 15, tuple(range(15)))


@pytest.mark.parametrize(
    ("hex_bytes", "meaning"),
    [
        ("0004100e0000", Response(bytes.fromhex("100e0000"))),
        ("0000", Response(b"")),
        ("0400", LowPowerNotification()),
        ("0208" + "00" * 8, None),
        ("05040000803f", None),
        ("01080000c07f01000000", WeightNotification((), (), invalid=1)),
    ],
    ids=["battery answer", "empty answer", "low power", "RFD peak", "clone's factor", "not a number"],
)
def test_other_notifications(hex_bytes: str, meaning: object) -> None:
    assert decode_notification(bytes.fromhex(hex_bytes)) == meaning


@pytest.mark.parametrize("hex_bytes", ["", "01", "0108000000", "0100", "0107" + "00" * 7])
def test_torn_notifications_are_refused(hex_bytes: str) -> None:
    with pytest.raises(FrameError):
        decode_notification(bytes.fromhex(hex_bytes))


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_a_frame_error(data: bytes) -> None:
    try:
        decode_notification(data)
    except FrameError:
        return
    assert len(data) >= 2


@given(st.lists(st.tuples(finite32, u32), min_size=1, max_size=31), st.binary(max_size=20))
def test_weights_survive_the_air_and_padding(samples: list[tuple[float, int]], padding: bytes) -> None:
    weights, stamps = tuple(w for w, _ in samples), tuple(t for _, t in samples)
    assert decode_notification(progressor.encode_weights(weights, stamps) + padding) == WeightNotification(
        weights, stamps
    )


def test_more_samples_than_a_length_byte_counts_cannot_be_sent() -> None:
    with pytest.raises(CommandError):
        progressor.encode_weights((0.0,) * 32, (0,) * 32)


def test_answers() -> None:
    assert progressor.decode_battery_mv(bytes.fromhex("100e0000")) == 3600
    assert progressor.decode_version(b"1.2.3.4\0") == "1.2.3.4"
    assert progressor.decode_version(b"\xff") == "�"
    # high zero bytes are dropped (kesyog/hangman gatt_types.rs)
    assert progressor.decode_id(bytes.fromhex("efbe")) == 0xBEEF
    with pytest.raises(FrameError):
        progressor.decode_battery_mv(b"\x01\x02")
    with pytest.raises(FrameError):
        progressor.decode_id(bytes(9))


def test_no_command_can_touch_a_calibration() -> None:
    # 0x69 … 0x6A, 0x71 … 0x76 write, erase or reboot, and differ from firmware to firmware
    allowed = {0x64, 0x65, 0x66, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70}
    assert {command.value for command in Command} == allowed
    assert progressor.encode_command(Command.START) == b"\x65"
