"""Tension from a sensor that is clipped onto the band, whose friction makes loading and unloading differ.

As the band stretches it slides through the clip. Friction keeps the stretch within the clip back, so that
the same tension reads less while it grows than while it falls (capstan equation: by e^µφ). When the movement
turns round nothing slides until tension has changed by as much, and the reading stands still meanwhile: it is
the play (backlash) operator of hysteresis theory, which is undone here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bandsense.calibration.curve import Calibration, Grade
from bandsense.errors import CalibrationError
from bandsense.language import Message
from bandsense.samples import BoolArray, FloatArray, Unit

__all__ = [
    "AnyCalibration",
    "ClipFriction",
    "DirectionalCalibration",
    "TensionReader",
    "calibration_from_dict",
]

TURN_N = 1.0
"""How far the reading must go, in newtons, until its direction has changed. A choice: many times the noise of
a sensor, and little against a pull."""

MOST_RATIO = 3.0
"""Of the slopes of the two curves. Fixed posts with a friction of 0.3 reach 2.3 (capstan equation, wrap of
four times 40°). From three on, the unloading curve being the steeper, the play grows faster than the reading.
"""

_VERSION = 2


@dataclass(frozen=True, slots=True)
class DirectionalCalibration:
    """The two calibration curves of one clip on one band.

    Attributes:
        loading: holds while tension grows.
        unloading: holds while it falls.

    Raises:
        CalibrationError: they are not of grade clip-on, or not of one sensor: unit, zero or sign differ; or
            one is `MOST_RATIO` times as steep as the other, or more.
    """

    loading: Calibration
    unloading: Calibration

    def __post_init__(self) -> None:
        up, down = self.loading, self.unloading
        if not up.grade is down.grade is Grade.CLIP_ON:
            raise CalibrationError(
                Message("curves by direction are for a clip-on sensor; an inline one has one")
            )
        if (up.unit, up.zero) != (down.unit, down.zero) or up.newton_per_unit * down.newton_per_unit < 0.0:
            raise CalibrationError(
                Message("the loading and unloading curves are not from the same sensor; calibrate it again")
            )
        if not 1.0 / MOST_RATIO < up.newton_per_unit / down.newton_per_unit < MOST_RATIO:
            raise CalibrationError(
                Message(
                    "loading and unloading differ more than a clip's friction can make them; let "
                    "each mass hang still, see that the band runs freely through the clip, and "
                    "calibrate it again"
                )
            )

    @property
    def unit(self) -> Unit:
        """What readings are."""
        return self.loading.unit

    @property
    def grade(self) -> Grade:
        """How the spans were obtained."""
        return self.loading.grade

    @property
    def zero(self) -> float:
        """Reading with the band slack, in reading units."""
        return self.loading.zero

    @property
    def span_uncertainty(self) -> float:
        """Relative standard uncertainty of everything that grows with tension: of the worse curve."""
        return max(self.loading.span_uncertainty, self.unloading.span_uncertainty)

    @property
    def made_at_s(self) -> int:
        """When it was made, seconds since 1970-01-01 UTC; 0 unknown."""
        return self.loading.made_at_s

    def standard_uncertainty_n(self, tension_n: ArrayLike) -> FloatArray:
        """Return the uncertainty, newtons, of tension on a curve, such as a peak: the worse curve's."""
        return np.maximum(
            self.loading.standard_uncertainty_n(tension_n), self.unloading.standard_uncertainty_n(tension_n)
        )

    def standing_uncertainty_n(self, tension_n: ArrayLike) -> FloatArray:
        """Add, in quadrature, the error of `ClipFriction` at a tension reached by loading and now held."""
        reading = self.loading.zero + self.loading.deflection(tension_n)
        distance_n = np.abs(self.loading.tension_n(reading) - self.unloading.tension_n(reading))
        return np.asarray(distance_n / 3.0**0.5)

    def zero_shift_n(self, temperature_c: float | None) -> float:
        """Return the correction of a tension near zero at this temperature, newtons."""
        return self.loading.zero_shift_n(temperature_c)

    def tared(self, values: ArrayLike, temperature_c: float | None = None) -> DirectionalCalibration:
        """Both curves with their zero where the band is slack now; see `Calibration.tared`."""
        loading = self.loading.tared(values, temperature_c)
        return self.with_zero(loading.zero, temperature_c)

    def with_zero(self, zero: float, temperature_c: float | None = None) -> DirectionalCalibration:
        """Both curves with this zero, taken at this temperature."""
        loading, unloading = (
            replace(curve, zero=zero, reference_temperature_c=temperature_c)
            for curve in (self.loading, self.unloading)
        )
        return DirectionalCalibration(loading, unloading)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and lists, with a version of its own."""
        return {
            "version": _VERSION,
            "loading": self.loading.to_dict(),
            "unloading": self.unloading.to_dict(),
        }


AnyCalibration = Calibration | DirectionalCalibration


def calibration_from_dict(data: Mapping[str, Any]) -> AnyCalibration:
    """Restore a calibration of either kind from what its `to_dict` wrote.

    Raises:
        CalibrationError: it is damaged, or a newer bandsense wrote it.
    """
    if data.get("version") != _VERSION:
        return Calibration.from_dict(data)
    try:
        return DirectionalCalibration(*(Calibration.from_dict(data[k]) for k in ("loading", "unloading")))
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(
            Message("a stored calibration is damaged ({error!r}); calibrate again", error=error)
        ) from error


class ClipFriction:
    """Which way the band slides through the clip, from the readings so far: their play operator.

    With m the mean of what the two curves say, p = min(max(p', m − w), m) follows it with a play of w, and
    (m − p)/w, from 0 (unloading) to 1 (loading), is how far the movement has turned. While p moves, the band
    slides and tension lies on a curve. While it stands, tension may lie anywhere between the curves. w is
    `TURN_N`; where the unloading curve is the higher one (rollers, where the thickness of the band prevails),
    at least their distance, so that tension stays put while the reading crosses from one to the other.
    """

    def __init__(self) -> None:
        self._low_n: float | None = None

    def push(
        self,
        calibration: DirectionalCalibration,
        values: ArrayLike,
        gap_before: ArrayLike | None = None,
        temperature_c: float | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Tension of the next samples.

        Args:
            calibration: of this clip on this band.
            values: float64[n], readings in its unit.
            gap_before: bool[n]; after a gap the direction is not known: tension is halfway between.
            temperature_c: of the sensor, where it is known.

        Returns:
            Tension, newtons, and the standard uncertainty that not knowing where between the curves adds to
            the curves' own: 0 while the band slides; else that of equal chances over the whole distance D as
            seen from the tension told (JCGM 100:2008, 4.3.7 and F.2.4.5), D·√(1/12 + (q − 1/2)²).
        """
        loading_n = calibration.loading.tension_n(values, temperature_c)
        unloading_n = calibration.unloading.tension_n(values, temperature_c)
        gaps = np.zeros(loading_n.size, dtype=np.bool_) if gap_before is None else np.asarray(gap_before)
        width_n = np.maximum(TURN_N, unloading_n - loading_n)
        turned, sliding = self._follow(0.5 * (loading_n + unloading_n), width_n, gaps)
        distance_n = loading_n - unloading_n
        between_n = np.abs(distance_n) * np.sqrt(1.0 / 12.0 + (turned - 0.5) ** 2)
        return unloading_n + turned * distance_n, np.where(sliding, 0.0, between_n)

    def _follow(
        self, mean_n: FloatArray, width_n: FloatArray, gaps: ArrayLike
    ) -> tuple[FloatArray, BoolArray]:
        """Track how far the movement has turned to loading, 0 … 1, and whether the band slides."""
        turned, sliding = np.full(mean_n.size, 0.5), np.zeros(mean_n.size, dtype=np.bool_)
        low_n = self._low_n
        columns = zip(mean_n.tolist(), width_n.tolist(), np.asarray(gaps).tolist(), strict=True)
        for i, (now_n, play_n, gap) in enumerate(columns):
            if gap:
                low_n = None
            if isnan(now_n):
                continue
            before_n = now_n - 0.5 * play_n if low_n is None else low_n
            low_n = min(max(before_n, now_n - play_n), now_n)
            turned[i] = min((now_n - low_n) / play_n, 1.0)
            sliding[i] = low_n != before_n
        self._low_n = low_n
        return turned, sliding


class TensionReader:
    """Tension of one stream by a calibration of either kind; how it is cut into blocks does not matter.

    Attributes:
        between_n: of the samples that were pushed last, what not knowing where between two curves adds to the
            standard uncertainty of each (see `ClipFriction.push`); None where there is one curve.
    """

    def __init__(self) -> None:
        self._friction = ClipFriction()
        self.between_n: FloatArray | None = None

    def push(
        self,
        calibration: AnyCalibration,
        values: ArrayLike,
        gap_before: ArrayLike | None = None,
        temperature_c: float | None = None,
    ) -> FloatArray:
        """Tension of the next samples, newtons.

        Args:
            calibration: may have another zero each time.
            values: float64[n], readings in its unit.
            gap_before: bool[n].
            temperature_c: of the sensor, where it is known.
        """
        if not isinstance(calibration, DirectionalCalibration):
            self.between_n = None
            return calibration.tension_n(values, temperature_c)
        tension_n, self.between_n = self._friction.push(calibration, values, gap_before, temperature_c)
        return tension_n
