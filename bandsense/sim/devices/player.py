"""Lets a source run on the loop's clock: what a simulated sensor has felt by now, and when the next comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from bandsense.sim.physics.source import SampleSource

__all__ = ["Felt", "Player"]

_US = 1e6


@dataclass(frozen=True, slots=True)
class Felt:
    """One conversion of the source.

    Attributes:
        source_us: microseconds since the source began.
        missed_before: the converter lost conversions just before this one.
    """

    source_us: int
    count: int
    saturated: bool
    missed_before: bool


class Player:
    """A source that runs from the first `begin` on and never waits: who is away misses what passes meanwhile.

    Attributes:
        ahead: conversions already read from the source that are not due yet.
        epoch_s: loop time at which the source began; None before that.
    """

    def __init__(self, source: SampleSource) -> None:
        self.source = source
        self.ahead: deque[Felt] = deque()
        self.epoch_s: float | None = None
        self._skip_until_us = 0.0

    def begin(self, rate_hz: float) -> None:
        """Begin to sample now, at this nominal rate."""
        self.source.set_rate(rate_hz)
        self.ahead.clear()
        now_s = _now_s()
        if self.epoch_s is None:
            self.epoch_s = now_s
        self._skip_until_us = (now_s - self.epoch_s) * _US

    def look_ahead(self, n: int) -> bool:
        """Have the next n conversions at hand, if there are so many; False when the source has ended."""
        while len(self.ahead) < n:
            read = self.source.read(n - len(self.ahead))
            if not len(read):
                break
            fields = (read.device_time_us, read.counts, read.saturated, read.gap_before)
            self.ahead.extend(
                Felt(*values)
                for values in zip(*(field.tolist() for field in fields), strict=True)
                if values[0] >= self._skip_until_us
            )
        return bool(self.ahead)

    def due(self) -> Iterator[Felt]:
        """Take what has been felt by now and was not taken yet."""
        now_us = (_now_s() - (self.epoch_s or 0.0)) * _US + 0.5
        while self.ahead and self.ahead[0].source_us <= now_us:
            yield self.ahead.popleft()

    def loop_time_s(self, source_us: float) -> float:
        """Loop time at which the source is so old."""
        return (self.epoch_s or 0.0) + source_us / _US

    async def until(self, source_us: float) -> None:
        """Wait until the source is so old."""
        await asyncio.sleep(max(0.0, self.loop_time_s(source_us) - _now_s()))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
