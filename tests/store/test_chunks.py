from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.errors import StoreError
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks


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
    with contextlib.suppress(StoreError):
        chunks.decode(data, Unit.COUNT)


def test_a_hostile_length_takes_no_memory() -> None:
    encoded = bytearray(chunks.encode(SampleBlock(np.arange(3.0), np.zeros(3))))
    encoded[4:8] = b"\xff\xff\xff\xff"
    with pytest.raises(StoreError, match="damaged"):
        chunks.decode(bytes(encoded), Unit.COUNT)


def test_half_a_second_at_80_hz_takes_at_most_twelve_bytes_a_sample() -> None:
    rng = np.random.default_rng(1)
    time_us = 10_000_000 + np.arange(40) * 12_500 + rng.integers(-30, 30, 40)
    counts = np.round(2e5 * np.sin(time_us * 1e-6) ** 2 + rng.normal(0, 60, 40))
    assert len(chunks.encode(SampleBlock(time_us * 1e-6, counts))) <= 12 * 40
