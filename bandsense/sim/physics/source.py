"""What a simulated sensor feels, sample by sample: the seam between the physics and the virtual radio.

A source is pulled: `read(n)` gives the next n conversions with the device time of each, so that whoever
serves them decides whether they go out in real or in accelerated time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.sim.physics.scenario import Performance
from bandsense.sim.physics.sensor import (
    COUNT_MAX,
    COUNT_MIN,
    NEWTON_PER_COUNT,
    Conversions,
    SimulatedSensor,
)

__all__ = [
    "TRACE_NEWTON_PER_COUNT",
    "Act",
    "Conversions",
    "PersonSource",
    "SampleSource",
    "SlackSource",
    "TraceSource",
]

TRACE_NEWTON_PER_COUNT = 1e-4
"""Of a recording that is played: a decimal, so that the values it was printed with come back exactly."""

_GAP_INTERVALS = 2.5
"""An interval of more median intervals than this is a gap; two make a sensor that skips one sample."""


class SampleSource(Protocol):
    """Something a simulated sensor can sample."""

    @property
    def newton_per_count(self) -> float:
        """Nominal span, as the sensor's own calibration record states it."""

    @property
    def zero_count(self) -> int:
        """Nominal count with the band slack, as the sensor's own calibration record states it."""

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate."""

    def set_rate(self, rate_hz: float) -> None:
        """Sample at another nominal rate from here on; a recording keeps its own times and ignores this."""

    def read(self, n: int) -> Conversions:
        """Read the next n conversions; fewer, in the end none, only when the source has ended."""


class TraceSource:
    """Plays a recorded force trace as if the sensor felt it: every sample, at the recording's own times.

    `(counts − zero_count) · newton_per_count`, rounded to the decimals the recording was printed with (up to
    three), is the recorded value exactly.

    Args:
        time_s: float[n], strictly increasing; the first sample becomes device time 0.
        tension_n: float[n], newtons.

    Raises:
        DataError: shapes differ, there is no sample, or times are not finite or do not increase by at least
            1 µs.
    """

    def __init__(
        self,
        time_s: ArrayLike,
        tension_n: ArrayLike,
        *,
        newton_per_count: float = TRACE_NEWTON_PER_COUNT,
        zero_count: int = 0,
    ) -> None:
        time = np.asarray(time_s, dtype=np.float64)
        tension = np.asarray(tension_n, dtype=np.float64)
        if time.ndim != 1 or time.shape != tension.shape or not time.size:
            raise DataError(
                Message(
                    "a trace needs as many tensions as times, got {tensions} and {times}",
                    tensions=tension.shape,
                    times=time.shape,
                )
            )
        if not (np.isfinite(time).all() and np.isfinite(tension).all()):
            raise DataError(Message("a trace must hold finite times and tensions only"))
        device_time_us = np.rint((time - time[0]) * 1e6).astype(np.int64)
        interval_us = np.diff(device_time_us)
        if (interval_us <= 0).any():
            raise DataError(
                Message("the times of a trace must increase by at least 1 µs; sort it or drop duplicates")
            )
        ideal = np.rint(tension / newton_per_count) + zero_count
        counts = np.clip(ideal, COUNT_MIN, COUNT_MAX)
        gap_before = np.zeros(time.size, dtype=np.bool_)
        if interval_us.size:
            gap_before[1:] = interval_us > _GAP_INTERVALS * np.median(interval_us)
        self._conversions = Conversions(
            device_time_us,
            counts.astype(np.int32),
            (ideal >= COUNT_MAX) | (ideal <= COUNT_MIN),
            gap_before,
        )
        self._next = 0
        self._newton_per_count = newton_per_count
        self._zero_count = zero_count
        self._rate_hz = 1e6 / float(np.median(interval_us)) if interval_us.size else 80.0

    @property
    def newton_per_count(self) -> float:
        """Newtons per count."""
        return self._newton_per_count

    @property
    def zero_count(self) -> int:
        """Count at no tension."""
        return self._zero_count

    @property
    def rate_hz(self) -> float:
        """The recording's own median rate."""
        return self._rate_hz

    def set_rate(self, rate_hz: float) -> None:
        """Do nothing: a recording keeps its own times."""

    def read(self, n: int) -> Conversions:
        """Read the next n samples of the recording; fewer at its end."""
        start = self._next
        self._next = min(start + n, len(self._conversions))
        return self._conversions.slice(start, self._next)


class Act(Protocol):
    """Something that a person does: a `Scenario`, or what is decided only when it begins."""

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate."""

    @property
    def perform(self) -> Callable[[], Performance]:
        """Carry it out."""


class PersonSource:
    """A person doing scenario after scenario.

    Args:
        scenarios: one, or several in order; an endless iterable makes an endless source. The next is asked
            for when the one before is over.
        pause_s: between two of them, during which the sensor feels nothing.
    """

    def __init__(self, scenarios: Act | Iterable[Act], *, pause_s: float = 0.0) -> None:
        self._scenarios = iter(scenarios if isinstance(scenarios, Iterable) else (scenarios,))
        self._pause_s = pause_s
        self._rate_hz: float | None = None
        self._performance: Performance | None = None
        self._pending = Conversions.joined()
        self._start_us = 0
        self._last_us = -1
        self._advance()

    @property
    def newton_per_count(self) -> float:
        """Newtons per count."""
        return NEWTON_PER_COUNT

    @property
    def zero_count(self) -> int:
        """Count at no tension."""
        return 0

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate: the first scenario's until it is set."""
        return self._rate_hz if self._rate_hz is not None else 80.0

    @property
    def performance(self) -> Performance | None:
        """What physically happens in the present scenario; None after the last."""
        return self._performance

    def set_rate(self, rate_hz: float) -> None:
        """Sample at another nominal rate from the next read on."""
        self._rate_hz = rate_hz
        if self._performance is not None:
            self._convert(self._performance)

    def read(self, n: int) -> Conversions:
        """Read the next n conversions; fewer only after the last scenario."""
        parts = []
        while n > 0 and self._performance is not None:
            part = self._pending.slice(0, n)
            self._pending = self._pending.slice(n, len(self._pending))
            parts.append(part)
            n -= len(part)
            if not len(self._pending):
                self._advance()
        read = Conversions.joined(*parts)
        self._last_us = int(read.device_time_us[-1]) if len(read) else self._last_us
        return read

    def _advance(self) -> None:
        """Begin the next scenario, after the pause."""
        if self._performance is not None:
            self._start_us += round((float(self._performance.time_s[-1]) + self._pause_s) * 1e6)
        scenario = next(self._scenarios, None)
        if scenario is None:
            self._performance, self._pending = None, Conversions.joined()
            return
        if self._rate_hz is None:
            self._rate_hz = scenario.rate_hz
        self._performance = scenario.perform()
        self._convert(self._performance)

    def _convert(self, performance: Performance) -> None:
        made = performance.convert(self.rate_hz)
        device_time_us = made.device_time_us + self._start_us
        first = int(np.searchsorted(device_time_us, self._last_us, side="right"))
        later = Conversions(device_time_us, made.counts, made.saturated, made.gap_before)
        self._pending = later.slice(first, len(later))


class SlackSource:
    """A sensor on a band that hangs slack, for ever, at whatever rate: noise and nothing else.

    Args:
        sensor: whose white noise and rate error.
        seed: of the noise.
    """

    zero_count = 0

    def __init__(self, sensor: SimulatedSensor | None = None, *, seed: int = 0) -> None:
        self._sensor = sensor or SimulatedSensor()
        self._random = np.random.default_rng(seed)
        self._rate_hz = 80.0
        self._last_us = 0.0

    @property
    def newton_per_count(self) -> float:
        """Newtons per count."""
        return self._sensor.newton_per_count

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate."""
        return self._rate_hz

    def set_rate(self, rate_hz: float) -> None:
        """Sample at another nominal rate from the next read on."""
        self._rate_hz = rate_hz

    def read(self, n: int) -> Conversions:
        """Read the next n conversions."""
        interval_us = 1e6 / (self._rate_hz * (1.0 + self._sensor.rate_error))
        time_us = self._last_us + interval_us * np.arange(1, n + 1)
        self._last_us = float(time_us[-1]) if n else self._last_us
        noise = self._sensor.noise_n / self.newton_per_count * self._random.standard_normal(n)
        none = np.zeros(n, dtype=np.bool_)
        return Conversions(
            np.rint(time_us).astype(np.int64), np.rint(noise).astype(np.int32), none, none.copy()
        )
