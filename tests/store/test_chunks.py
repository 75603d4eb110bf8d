from __future__ import annotations

import contextlib
import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.errors import StoreError
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks
from bandsense.store.store import Store


@st.composite
def blocks(draw: st.DrawFn) -> SampleBlock:
    n = draw(st.integers(0, 60))
    steps = draw(st.lists(st.floats(1e-4, 10.0), min_size=n, max_size=n))
    values = draw(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=n, max_size=n))
    flags = st.lists(st.booleans(), min_size=n, max_size=n)
    unit = draw(st.sampled_from(Unit))
    return SampleBlock(np.cumsum(steps), np.array(values), unit, np.array(draw(flags)), np.array(draw(flags)))


@settings(max_examples=50)
@given(blocks())
def test_a_block_comes_back_bit_for_bit(block: SampleBlock) -> None:
    back = chunks.decode(chunks.encode(block), block.unit)
    assert back == block
    assert back.values.tobytes() == block.values.tobytes()  # −0.0 stays −0.0


@settings(max_examples=60)
@given(blocks(), st.data())
def test_no_damage_goes_unnoticed(block: SampleBlock, data: st.DataObject) -> None:
    encoded = bytearray(chunks.encode(block))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        back = chunks.decode(bytes(encoded), block.unit)
    except StoreError:
        return
    assert back == block  # a bit that carries nothing: padding, or compression's own redundancy


@given(st.binary(max_size=200))
def test_any_bytes_give_a_block_or_the_documented_error(data: bytes) -> None:
    try:
        block = chunks.decode(data, Unit.COUNT)
    except StoreError:
        return
    assert len(block) == int.from_bytes(data[4:8], "little")


def test_a_hostile_length_takes_no_memory() -> None:
    encoded = bytearray(chunks.encode(SampleBlock(np.arange(3.0), np.zeros(3))))
    encoded[4:8] = b"\xff\xff\xff\xff"
    with pytest.raises(StoreError, match="damaged"):
        chunks.decode(bytes(encoded), Unit.COUNT)


def test_noise_takes_at_most_six_bytes_a_sample() -> None:
    rng = np.random.default_rng(1)
    time_us = 10_000_000 + np.arange(40) * 12_500 + rng.integers(-30, 30, 40)
    counts = np.round(2e5 * np.sin(time_us * 1e-6) ** 2 + rng.normal(0, 60, 40))
    assert len(chunks.encode(SampleBlock(time_us / 1e6, counts))) <= 6 * 40


@pytest.mark.parametrize(("rate_hz", "most_mb"), [(80, 1.5), (320, 4.0)])
def test_an_hour_of_raw_data_takes_no_more_than_is_said(tmp_path: Path, rate_hz: int, most_mb: float) -> None:
    """A quarter of an hour as the recorder writes it: a piece every half second; times four."""
    rng = np.random.default_rng(1)
    n, piece = rate_hz * 900, rate_hz // 2
    time_us = (1e7 + np.arange(n) * (1e6 / rate_hz) + rng.integers(-30, 30, n)).astype(np.int64)
    counts = np.round(2e5 * np.sin(time_us * 1.5e-6) ** 2 + rng.normal(0, 60, n))
    path = tmp_path / "store.sqlite3"
    Store.open(path)
    empty = path.stat().st_size
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO sessions VALUES (1, 0, 0, 'open', '', '', '', '', '', '', NULL, 'a')")
        connection.execute("INSERT INTO streams VALUES (1, 1, '', '', 'count', '{}', 'a')")
        for number, at in enumerate(range(0, n, piece)):
            time_s = time_us[at : at + piece] / 1e6
            data = chunks.encode(SampleBlock(time_s, counts[at : at + piece]))
            row = (1, number, piece, float(time_s[0]), float(time_s[-1]), 1.7e9 + number / 3, data)
            connection.execute("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    assert 4 * (path.stat().st_size - empty) / 1e6 <= most_mb


def test_what_is_no_whole_number_takes_twelve_bytes_a_sample_and_is_exact() -> None:
    rng = np.random.default_rng(1)
    block = SampleBlock(np.arange(40) / 80.0 + 1e-9, rng.normal(size=40), Unit.NEWTON)
    encoded = chunks.encode(block)
    assert encoded[0] == 1
    assert chunks.decode(encoded, Unit.NEWTON) == block


def test_pieces_of_0_1_0_are_read() -> None:
    block = SampleBlock(np.arange(5) / 80.0, np.arange(5.0), gap_before=np.arange(5) == 3)
    body = chunks._planes(block.time_s) + chunks._planes(block.values) + bytes([0, 0, 0, 1, 0])
    packed = struct.pack("<BxxxII", 1, 5, zlib.crc32(body)) + zlib.compress(body, level=1)
    assert chunks.decode(packed, Unit.COUNT) == block


@st.composite
def whole_blocks(draw: st.DrawFn) -> SampleBlock:
    """As sensors send them: microseconds and counts, of any size."""
    n = draw(st.integers(1, 80))
    steps = draw(st.lists(st.integers(1, 2**40) | st.integers(12_490, 12_510), min_size=n, max_size=n))
    values = draw(st.lists(st.integers(-(2**52), 2**52) | st.integers(-300, 300), min_size=n, max_size=n))
    marks = st.lists(st.booleans(), min_size=n, max_size=n)
    time_s = np.cumsum(steps) / 1e6
    return SampleBlock(
        time_s, np.array(values, float), Unit.COUNT, np.array(draw(marks)), np.array(draw(marks))
    )


@settings(max_examples=100)
@given(whole_blocks(), st.data())
def test_counts_come_back_bit_for_bit_and_no_damage_goes_unnoticed(
    block: SampleBlock, data: st.DataObject
) -> None:
    encoded = bytearray(chunks.encode(block))
    assert chunks.decode(bytes(encoded), Unit.COUNT) == block
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(StoreError):
        assert chunks.decode(bytes(encoded), Unit.COUNT) == block  # padding of the header
