"""Memory of a stream that goes on for hours."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from bandsense.signal.detector import RepDetector
from benchmarks.speed import exercise_trace

RATE_HZ, BLOCK = 20.0, 100
TURN_S = 600.0
MOST_KB = 24.0
"""Ticks are dropped an eighth at a time, which moves the total by less than this."""


def held_kb() -> float:
    """Memory that the signal chain holds, spare tuples of the interpreter included."""
    ours = [tracemalloc.Filter(True, "*/bandsense/*"), tracemalloc.Filter(True, "*/scipy/*")]
    found = tracemalloc.take_snapshot().filter_traces(ours)
    return sum(trace.size for trace in found.traces) / 1024.0


@pytest.mark.slow
def test_memory_is_flat_once_its_memories_are_full() -> None:
    detector = RepDetector()
    time_s, tension_n = exercise_trace(TURN_S, RATE_HZ)

    def stream(first: int, last: int) -> None:
        for turn in range(first, last):
            for i in range(0, time_s.size, BLOCK):
                part = slice(i, i + BLOCK)
                detector.push(time_s[part] + turn * TURN_S, tension_n[part])

    gc.collect()
    gc.disable()  # A full collection would empty the interpreter's stores, and hide what fills them.
    tracemalloc.start()
    try:
        stream(0, 3)
        full_kb = held_kb()
        stream(3, 9)
        grown_kb = held_kb() - full_kb
    finally:
        tracemalloc.stop()
        gc.enable()
    assert detector.count > 800
    assert grown_kb < MOST_KB, f"{grown_kb:.0f} kB in an hour"
