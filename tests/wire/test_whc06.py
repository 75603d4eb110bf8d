"""WH-C06 crane scale: bytes as its advertisements carry them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.errors import FrameError
from bandsense.wire.whc06 import Reading, decode_advertisement, encode_advertisement, without_prefix

# prefix and layout as in hammockman/wh-c06-logger wh_c06.py: weight at 10, state and unit at 14
PREFIX = bytes.fromhex("0203112ac0191122e201")


@pytest.mark.parametrize(
    ("tail", "reading"),
    [
        ("0000000001", Reading(0.0, False)),
        ("04d2000011", Reading(12.34, True)),
        ("ffff000001", Reading(655.35, False)),
        ("04d20000012233", Reading(12.34, False)),
    ],
)
@pytest.mark.parametrize("company", [b"", b"\x00\x01"], ids=["id stripped", "id in front"])
def test_both_offsets(tail: str, reading: Reading, company: bytes) -> None:
    assert decode_advertisement(company + PREFIX + bytes.fromhex(tail)) == reading


@pytest.mark.parametrize("company", [b"", b"\x00\x01"], ids=["id stripped", "id in front"])
def test_without_its_prefix_a_reading_stays(company: bytes) -> None:
    data = company + PREFIX + bytes.fromhex("04d2000011")
    blotted = without_prefix(data)
    assert PREFIX not in blotted
    assert len(blotted) == len(data)
    assert decode_advertisement(blotted) == Reading(12.34, True)


@pytest.mark.parametrize("tail", ["04d2000002", "04d2000000", "04d20000", ""])
def test_other_units_and_torn_readings_are_refused(tail: str) -> None:
    with pytest.raises(FrameError):
        decode_advertisement(PREFIX + bytes.fromhex(tail))


@given(st.binary(max_size=40))
def test_any_bytes_decode_or_raise_a_frame_error(data: bytes) -> None:
    try:
        reading = decode_advertisement(data)
    except FrameError:
        return
    assert 0 <= reading.weight_kgf <= 655.35


@given(st.integers(0, 0xFFFF), st.booleans())
def test_a_reading_survives_the_air(centi: int, stable: bool) -> None:
    reading = Reading(centi / 100, stable)
    assert decode_advertisement(encode_advertisement(reading)) == reading


def test_a_weight_that_no_scale_shows_cannot_be_sent() -> None:
    with pytest.raises(FrameError):
        encode_advertisement(Reading(-1.0, True))
