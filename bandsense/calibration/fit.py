"""What readings under known masses say about a sensor: its calibration and the budget of its uncertainty.

The budget follows the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import cos, radians, sqrt

import numpy as np

from bandsense.calibration.curve import Calibration, Grade
from bandsense.errors import CalibrationError
from bandsense.samples import BoolArray, FloatArray, Unit

__all__ = [
    "CalibrationReport",
    "Conditions",
    "Contribution",
    "Direction",
    "Point",
    "fit",
]

STANDARD_GRAVITY = 9.80665
"""m/s², exact by definition (CGPM 1901)."""

GRAVITY_HALF_RANGE = 0.026
"""Half of the difference of gravity at sea level between equator (9.780) and poles (9.832), m/s²."""

OFF_AXIS_LOSS = 1.0 - cos(radians(10.0))
"""What a sensor on a swivel that is pulled up to 10° off its axis shows too little, at most: 1.5 %."""

CREEP_PRIOR = 0.0025
HYSTERESIS_PRIOR = 0.0025
REPEATABILITY_PRIOR = 0.0025
TEMPERATURE_PRIOR_N = 0.5
"""Priors where nothing was measured, half widths: shares of the largest tension, and newtons."""

USELESS_SHARE = 0.2
"""Readings that scatter by more than this share of the largest tension belong to other masses."""

FIT = "fit"

SECOND_ORDER_GAIN = 0.5
"""A second order is taken only if it brings the residual down to this share of the first order's."""


class Direction(Enum):
    """Whether a mass was reached from below or from above."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How well the references are known.

    Attributes:
        mass_uncertainty: relative standard uncertainty of the masses; 0.3 % is a bottle weighed to 0.5 %.
        gravity_m_s2: local gravity; None takes the standard value with the spread over the Earth.
        temperature_c: of the sensor; None when unknown.
        newton_per_kelvin: known temperature effect on zero.
        temperature_range_k: how far from the temperature of the last tare the sensor may get in use.
        inline: the sensor carries the whole tension; False for a clip on the band.
        direction: fit only what was reached this way, for one of the two curves of a clip; None fits all.
    """

    mass_uncertainty: float = 0.003
    gravity_m_s2: float | None = None
    temperature_c: float | None = None
    newton_per_kelvin: float | None = None
    temperature_range_k: float = 5.0
    inline: bool = True
    direction: Direction | None = None

    @property
    def gravity(self) -> float:
        """m/s²."""
        return self.gravity_m_s2 if self.gravity_m_s2 is not None else STANDARD_GRAVITY

    @property
    def gravity_uncertainty(self) -> float:
        """Relative standard uncertainty."""
        return 0.0001 if self.gravity_m_s2 is not None else GRAVITY_HALF_RANGE / sqrt(3) / STANDARD_GRAVITY


@dataclass(frozen=True, slots=True)
class Point:
    """A mass that hung still.

    Attributes:
        run: from 0.
        direction: how the mass was reached.
        mass_kg: 0 for the empty sensor.
        reading: mean, in the sensor's unit.
        standard_error: of that mean, from the scatter of half-second means.
    """

    run: int
    direction: Direction
    mass_kg: float
    reading: float
    standard_error: float = 0.0


@dataclass(frozen=True, slots=True)
class Contribution:
    """One line of the uncertainty budget, at the largest calibrated tension.

    Attributes:
        name: where it comes from.
        standard_uncertainty_n: newtons.
        proportional: whether it grows with tension.
        measured: type A, from this calibration's own scatter; else type B, from other knowledge.
    """

    name: str
    standard_uncertainty_n: float
    proportional: bool
    measured: bool


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What a calibration found; shares are of the largest tension.

    Attributes:
        calibration: to be used from now on.
        budget: contributions to its uncertainty.
        order: 1 or 2.
        residual_n: standard deviation of the points about the fit.
        largest_n: largest calibrated tension.
        nonlinearity: largest mean deviation from the best straight line through zero.
        hysteresis: largest difference between the same mass reached from above and from below.
        repeatability: largest spread of the same mass in the same direction between runs.
        zero_return: largest change of the zero over a run.
        creep: change under the largest mass from half a minute to the end of the creep step; None where that
            was not measured.
        notes: what the user should know, in words.
    """

    calibration: Calibration
    budget: tuple[Contribution, ...]
    order: int
    residual_n: float
    largest_n: float
    nonlinearity: float
    hysteresis: float
    repeatability: float
    zero_return: float
    creep: float | None
    notes: tuple[str, ...]

    @property
    def expanded_uncertainty_n(self) -> float:
        """Expanded uncertainty (k = 2) at the largest calibrated tension."""
        return float(self.calibration.expanded_uncertainty_n(self.largest_n))


def fit(
    points: Sequence[Point],
    conditions: Conditions | None = None,
    *,
    unit: Unit = Unit.COUNT,
    creep: float | None = None,
    made_at_s: int = 0,
) -> CalibrationReport:
    """Find the calibration that the points determine.

    Deflections are taken from the zero of their own run, interpolated between its readings before and after,
    and fitted through the origin: first order, or second where that at least halves the residual.

    Args:
        points: in the order of measurement; each run begins, and should end, with the empty sensor.
        conditions: see `Conditions`.
        unit: of the readings.
        creep: relative change under constant load, where it was measured.
        made_at_s: for the record, seconds since 1970-01-01 UTC.

    Raises:
        CalibrationError: a run has no zero, no mass was hung, or the reading does not follow the mass.
    """
    known = conditions if conditions is not None else Conditions()
    loaded = _Loaded.of([point for point in points if _counts(point, known.direction)], known.gravity)
    straight, chosen = _polynomials(loaded)
    found = _Findings.of(loaded, straight, chosen, creep)
    budget = _budget(known, found)
    calibration = Calibration(
        newton_per_unit=chosen.a,
        zero=loaded.zero,
        unit=unit,
        grade=_grade(known, found),
        zero_uncertainty_n=_root_sum_square(c for c in budget if not c.proportional),
        span_uncertainty=_root_sum_square(c for c in budget if c.proportional and c.name != FIT)
        / found.largest_n,
        newton_per_unit2=chosen.b,
        newton_per_kelvin=known.newton_per_kelvin or 0.0,
        reference_temperature_c=known.temperature_c,
        covariance=chosen.covariance,
        made_at_s=made_at_s,
    )
    return CalibrationReport(
        calibration,
        budget,
        2 if chosen.b else 1,
        chosen.residual_n,
        found.largest_n,
        found.nonlinearity_n / found.largest_n,
        found.hysteresis_n / found.largest_n,
        found.repeatability_n / found.largest_n,
        found.zero_return_n / found.largest_n,
        creep,
        _notes(known, found),
    )


def _counts(point: Point, direction: Direction | None) -> bool:
    """Whether a point takes part in a fit; zeros do in any."""
    return direction is None or point.mass_kg == 0.0 or point.direction is direction


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """Points with a mass on, as arrays, and what the empty sensor did.

    Attributes:
        zero: last reading of the empty sensor.
        zero_returns: change of the empty reading over each run that ended with one.
        run, up, deflection, force_n: one entry per point with a mass.
    """

    zero: float
    zero_returns: FloatArray
    run: FloatArray
    up: BoolArray
    deflection: FloatArray
    force_n: FloatArray

    @classmethod
    def of(cls, points: Sequence[Point], gravity: float) -> _Loaded:
        """Deflections from the zeros of their own runs.

        Raises:
            CalibrationError: a run has no zero, or no mass was hung.
        """
        rows: list[tuple[int, bool, float, float]] = []
        returns: list[float] = []
        for run in sorted({point.run for point in points}):
            own = [point for point in points if point.run == run]
            empty = [i for i, point in enumerate(own) if point.mass_kg == 0.0]
            if not empty:
                raise CalibrationError(f"run {run + 1} has no reading of the empty sensor; measure its zero")
            zeros = np.interp(range(len(own)), empty, [own[i].reading for i in empty])
            returns += [float(zeros[-1] - zeros[0])] if len(empty) > 1 else []
            rows += [
                (run, point.direction is Direction.UP, point.reading - float(zero), point.mass_kg * gravity)
                for point, zero in zip(own, zeros, strict=True)
                if point.mass_kg > 0.0
            ]
        if not rows:
            raise CalibrationError("no mass was hung on the sensor; one is the least, two or more are better")
        run_, up, deflection, force_n = zip(*rows, strict=True)
        last = [point.reading for point in points if point.mass_kg == 0.0][-1]
        return cls(
            last,
            np.array(returns),
            np.array(run_, dtype=np.float64),
            np.array(up),
            np.array(deflection),
            np.array(force_n),
        )


@dataclass(frozen=True, slots=True)
class _Polynomial:
    """F = a·d + b·d²."""

    a: float
    b: float
    residual_n: float
    covariance: tuple[float, float, float]

    def force_n(self, deflection: FloatArray) -> FloatArray:
        return self.a * deflection + self.b * deflection**2


def _polynomials(loaded: _Loaded) -> tuple[_Polynomial, _Polynomial]:
    """The straight line, and what is to be used: the line, or a second order that halves the residual."""
    straight = _polynomial(loaded, 1)
    if np.unique(loaded.force_n).size < 3 or straight.residual_n <= 1e-6 * loaded.force_n.max():
        return straight, straight
    curved = _polynomial(loaded, 2)
    return straight, curved if curved.residual_n <= SECOND_ORDER_GAIN * straight.residual_n else straight


def _polynomial(loaded: _Loaded, order: int) -> _Polynomial:
    """Least squares through the origin, on deflections scaled to 1."""
    scale = float(np.abs(loaded.deflection).max())
    if scale == 0.0:
        raise CalibrationError(
            "the reading does not change with the masses; check that they hang on the sensor"
        )
    d = loaded.deflection / scale
    design = np.stack([d ** (k + 1) for k in range(order)], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, loaded.force_n, rcond=None)
    freedom = max(1, d.size - order)
    residual_n = float(np.sqrt(np.sum((design @ coefficients - loaded.force_n) ** 2) / freedom))
    if residual_n > USELESS_SHARE * loaded.force_n.max():
        raise CalibrationError(
            "the readings do not follow the masses; check the order of the masses and that nothing else pulls"
        )
    covariance = residual_n**2 * np.linalg.inv(design.T @ design)
    b, cov_ab, var_b = (
        (float(coefficients[1]), float(covariance[0, 1]), float(covariance[1, 1]))
        if order == 2
        else (0.0, 0.0, 0.0)
    )
    return _Polynomial(
        float(coefficients[0]) / scale,
        b / scale**2,
        residual_n,
        (float(covariance[0, 0]) / scale**2, cov_ab / scale**3, var_b / scale**4),
    )


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the points say about the sensor, in newtons; None where they cannot say."""

    largest_n: float
    masses: int
    runs: int
    both_ways: bool
    fit_n: float
    nonlinearity_n: float
    lack_of_fit_n: float
    hysteresis_n: float
    repeatability_n: float
    scatter_n: float
    zero_return_n: float
    creep: float | None

    @classmethod
    def of(
        cls, loaded: _Loaded, straight: _Polynomial, chosen: _Polynomial, creep: float | None
    ) -> _Findings:
        error_n = chosen.force_n(loaded.deflection) - loaded.force_n
        straight_n = straight.force_n(loaded.deflection) - loaded.force_n
        masses = np.unique(loaded.force_n)
        top = float(np.abs(loaded.deflection).max())
        var_a, cov_ab, var_b = chosen.covariance
        spreads = [
            error_n[(loaded.force_n == mass) & (loaded.up == up)] for mass in masses for up in (True, False)
        ]
        several = [spread for spread in spreads if spread.size > 1]
        freedom = sum(spread.size - 1 for spread in several)
        squares = sum(float(np.sum((spread - spread.mean()) ** 2)) for spread in several)
        return cls(
            largest_n=float(masses[-1]),
            masses=masses.size,
            runs=np.unique(loaded.run).size,
            both_ways=bool(loaded.up.any() and not loaded.up.all()),
            fit_n=sqrt(max(0.0, top**2 * var_a + 2 * top**3 * cov_ab + top**4 * var_b)),
            nonlinearity_n=_largest_mean(loaded, straight_n),
            lack_of_fit_n=_largest_mean(loaded, error_n),
            hysteresis_n=_hysteresis(loaded, error_n),
            repeatability_n=max((float(np.ptp(spread)) for spread in several), default=0.0),
            scatter_n=sqrt(squares / freedom) if freedom else 0.0,
            zero_return_n=float(np.abs(loaded.zero_returns).max(initial=0.0)) * abs(chosen.a),
            creep=creep,
        )


def _largest_mean(loaded: _Loaded, error_n: FloatArray) -> float:
    """Largest mean error of any mass."""
    return max(abs(float(error_n[loaded.force_n == mass].mean())) for mass in np.unique(loaded.force_n))


def _hysteresis(loaded: _Loaded, error_n: FloatArray) -> float:
    """Largest difference of the mean error of a mass between reached from above and from below."""
    differences = [0.0]
    for mass in np.unique(loaded.force_n):
        up = error_n[(loaded.force_n == mass) & loaded.up]
        down = error_n[(loaded.force_n == mass) & ~loaded.up]
        if up.size and down.size:
            differences.append(abs(float(down.mean() - up.mean())))
    return max(differences)


def _budget(known: Conditions, found: _Findings) -> tuple[Contribution, ...]:
    """Standard uncertainties at the largest tension; a half width h of equal chances counts h/√3."""
    largest_n, third = found.largest_n, 1.0 / sqrt(3.0)
    hysteresis_n = found.hysteresis_n / 2 if found.both_ways else HYSTERESIS_PRIOR * largest_n
    scatter_n = found.scatter_n if found.runs > 1 else REPEATABILITY_PRIOR * largest_n * third
    creep = abs(found.creep) if found.creep is not None else CREEP_PRIOR
    temperature_n = (
        abs(known.newton_per_kelvin) * known.temperature_range_k
        if known.newton_per_kelvin is not None
        else TEMPERATURE_PRIOR_N
    )
    lines = [
        Contribution("masses", known.mass_uncertainty * largest_n, True, False),
        Contribution("gravity", known.gravity_uncertainty * largest_n, True, False),
        Contribution("off-axis pull", OFF_AXIS_LOSS * third * largest_n, True, False),
        Contribution("creep", creep * third * largest_n, True, found.creep is not None),
        Contribution(FIT, found.fit_n, True, True),
        Contribution("lack of fit", found.lack_of_fit_n * third, False, True),
        Contribution("hysteresis", hysteresis_n * third, False, found.both_ways),
        Contribution("repeatability", scatter_n, False, found.runs > 1),
        Contribution("zero return", found.zero_return_n * third, False, True),
        Contribution("temperature on zero", temperature_n * third, False, False),
    ]
    if not known.inline:
        clip = Grade.CLIP_ON.typical_span_uncertainty
        lines.append(Contribution("clip geometry and friction", clip * largest_n, True, False))
    return tuple(lines)


def _root_sum_square(lines: Iterable[Contribution]) -> float:
    return sqrt(sum(line.standard_uncertainty_n**2 for line in lines))


def _grade(known: Conditions, found: _Findings) -> Grade:
    if not known.inline:
        return Grade.CLIP_ON
    return Grade.CALIBRATED if found.masses >= 2 else Grade.NOMINAL


def _notes(known: Conditions, found: _Findings) -> tuple[str, ...]:
    notes = []
    if found.masses < 2:
        notes.append("One mass shows the span but not whether it is straight: use two or more masses.")
    if found.runs < 2:
        notes.append("One run cannot show how well a reading repeats: three runs, hung anew, would.")
    if not found.both_ways and known.direction is None:
        notes.append("Masses were only added: taking them off again would show hysteresis.")
    if known.gravity_m_s2 is None:
        notes.append("Local gravity is not known; it matters by up to 0.3 %.")
    if found.hysteresis_n > 0.01 * found.largest_n:
        share = 100 * found.hysteresis_n / found.largest_n
        notes.append(f"Hysteresis is {share:.1f} %: look for something that rubs or gives way.")
    if found.zero_return_n > 0.01 * found.largest_n:
        notes.append("The zero moved by more than 1 % over a run: warm up longer and repeat.")
    return tuple(notes)
