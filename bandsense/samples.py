"""`SampleBlock`: the one currency between the link (or a file, or the simulator) and the signal chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bandsense.errors import DataError
from bandsense.language import Message

__all__ = ["KGF_N", "LBF_N", "FloatArray", "ForceUnit", "SampleBlock", "Unit", "concatenate"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

KGF_N = 9.80665
"""One kilogram-force in newtons: standard gravity, exact by definition (CGPM 1901; ISO 80000-4)."""

LBF_N = 4.4482216152605
"""One pound-force in newtons: 0.45359237 kg of standard gravity, exact (ISO 80000-4, international pound)."""


class Unit(Enum):
    """What the values of a block are."""

    COUNT = "count"
    """Raw analogue-to-digital converter counts, signed."""
    NEWTON = "N"
    KILOGRAM_FORCE = "kgf"


class ForceUnit(Enum):
    """A unit of force that people read, by its symbol; inside and in files there are newtons alone."""

    NEWTON = "N"
    KILOGRAM_FORCE = "kgf"
    POUND_FORCE = "lbf"

    @property
    def newtons(self) -> float:
        """Size of the unit in newtons."""
        return {"N": 1.0, "kgf": KGF_N, "lbf": LBF_N}[self.value]

    @property
    def plural(self) -> str:
        """Name of the unit for many of it."""
        return {"N": "newtons", "kgf": "kilograms-force", "lbf": "pounds-force"}[self.value]


def _frozen(values: ArrayLike, dtype: type, name: str, size: int | None = None) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype=dtype)
    if array.ndim != 1:
        raise DataError(
            Message("{name} must be one-dimensional, not of shape {shape}", name=name, shape=array.shape)
        )
    if size is not None and array.size != size:
        raise DataError(
            Message(
                "{name} holds {values} values for {size} sample times",
                name=name,
                values=array.size,
                size=size,
            )
        )
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Consecutive samples of one sensor, immutable.

    Attributes:
        time_s: device time in seconds, float64[n], strictly increasing, also from block to block of a
            stream: clock wraps and sensor resets are already unwrapped.
        values: readings, float64[n], in `unit`. Raw counts are exact: 24 bits fit a float64.
        unit: what `values` are.
        gap_before: bool[n]; True where samples are missing between this one and the one before it
            (of this block or of the block before). A gap is marked and never filled.
        saturated: bool[n]; True where the converter was at the end of its range.

    Raises:
        DataError: shapes differ, times are not finite or do not increase, or values are not finite.
    """

    time_s: FloatArray
    values: FloatArray
    unit: Unit = Unit.COUNT
    gap_before: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    saturated: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        time_s = _frozen(self.time_s, np.float64, "time_s")
        n = time_s.size
        values = _frozen(self.values, np.float64, "values", n)
        gap = self.gap_before if np.size(self.gap_before) or not n else np.zeros(n, dtype=np.bool_)
        saturated = self.saturated if np.size(self.saturated) or not n else np.zeros(n, dtype=np.bool_)
        object.__setattr__(self, "time_s", time_s)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "gap_before", _frozen(gap, np.bool_, "gap_before", n))
        object.__setattr__(self, "saturated", _frozen(saturated, np.bool_, "saturated", n))
        if not np.isfinite(time_s).all():
            raise DataError(Message("sample times must be finite"))
        if n > 1 and not (np.diff(time_s) > 0).all():
            first = int(np.argmax(np.diff(time_s) <= 0)) + 1
            raise DataError(
                Message(
                    "sample times must increase; sample {first} does not follow the one before it",
                    first=first,
                )
            )
        if not np.isfinite(values).all():
            raise DataError(Message("sample values must be finite"))

    def __len__(self) -> int:
        return int(self.time_s.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SampleBlock):
            return NotImplemented
        return (
            self.unit is other.unit
            and np.array_equal(self.time_s, other.time_s)
            and np.array_equal(self.values, other.values)
            and np.array_equal(self.gap_before, other.gap_before)
            and np.array_equal(self.saturated, other.saturated)
        )

    __hash__ = None  # type: ignore[assignment]

    def slice(self, start: int, stop: int) -> SampleBlock:
        """Return samples `start` up to, not including, `stop`, as a block of their own."""
        part = slice(start, stop)
        return SampleBlock(
            self.time_s[part], self.values[part], self.unit, self.gap_before[part], self.saturated[part]
        )


def concatenate(blocks: Iterable[SampleBlock]) -> SampleBlock:
    """Join consecutive blocks of one stream into one.

    Raises:
        DataError: units differ, or times do not increase from block to block.
    """
    parts = [block for block in blocks if len(block)]
    if not parts:
        return SampleBlock(np.zeros(0), np.zeros(0))
    units = {block.unit for block in parts}
    if len(units) > 1:
        raise DataError(
            Message(
                "blocks of different units cannot be joined: {sorted}", sorted=sorted(u.value for u in units)
            )
        )
    return SampleBlock(
        np.concatenate([b.time_s for b in parts]),
        np.concatenate([b.values for b in parts]),
        parts[0].unit,
        np.concatenate([b.gap_before for b in parts]),
        np.concatenate([b.saturated for b in parts]),
    )
