"""What readings under known masses say about a sensor: its calibration and the budget of its uncertainty.

The budget follows the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008).

With d the deflection and F the force of the mass that was said to hang, the model is

    F·(1 + e) = a·d + b·d² + ε,    e ~ N(0, u²) once per mass,    ε ~ N(0, σ²) once per reading.

Generalised least squares with the covariance V = σ²·1 + (u·F)² between readings of one mass gives a, and
what an error of the masses does to it; no number of readings averages that away. The part of the masses'
error that all share moves no residual and is added to the uncertainty of the span.

A straight line is used unless b is `BELIEVED_Z` standard errors from 0 with the masses' errors counted in: a
wrong mass is never taken for curvature. The line then carries what it may have left out: b·d² with a prior of
`STRAIGHTNESS` of the largest force, which also makes it less sure beyond the largest mass.

Masses that scatter by more than they should (χ² per degree of freedom above 1) widen V by as much (Birge
1932); whether one mistake explains it is asked: see `reference_masses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import cos, radians, sqrt

import numpy as np

from bandsense.calibration.curve import Calibration, Grade
from bandsense.calibration.reference_masses import BELIEVED_Z, MassKind, Suspicion, find_suspicion
from bandsense.errors import CalibrationError
from bandsense.language import Message, mark
from bandsense.samples import BoolArray, FloatArray, Unit

__all__ = [
    "CalibrationReport",
    "Conditions",
    "Contribution",
    "Direction",
    "Point",
    "corrected",
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

STRAIGHTNESS = 0.003
"""Prior: standard deviation of a sensor's departure b·d² from a straight line, as a share of the largest
force."""

PRIOR_FREEDOM = 2
"""The scatter of readings counts as if so many had shown `REPEATABILITY_PRIOR` before: few of them say
little."""

CLIP_Z = 1.0
"""A clip is curved: its second order is used as soon as it is better known than not."""

TOGETHER, APART = mark("masses, together"), mark("masses, each")
SCATTER, STRAIGHT = mark("fit"), mark("straightness")
IN_FIT = frozenset({APART, SCATTER, STRAIGHT})
"""Contributions that the covariance of a and b holds."""


class Direction(Enum):
    """Whether a mass was reached from below or from above."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How well the references are known.

    Attributes:
        masses: where the numbers of the masses come from.
        division_kg: step in which they were read off a scale; 0 where they were not.
        gravity_m_s2: local gravity; None takes the standard value with the spread over the Earth.
        temperature_c: of the sensor; None when unknown.
        newton_per_kelvin: known temperature effect on zero.
        temperature_range_k: how far from the temperature of the last tare the sensor may get in use.
        inline: the sensor carries the whole tension; False for a clip on the band.
        direction: fit only what was reached this way, for one of the two curves of a clip; None fits all.
    """

    masses: MassKind = MassKind.TYPED
    division_kg: float = 0.0
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
        suspicion: a mistake that explains the residuals, to be asked about; None where there is none.
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
    suspicion: Suspicion | None = None

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
    and fitted through the origin.

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
    curve, suspicion = _curve(loaded, known)
    found = _Findings.of(loaded, curve, creep)
    budget = _budget(known, found, curve)
    calibration = Calibration(
        newton_per_unit=curve.a,
        zero=loaded.zero,
        unit=unit,
        grade=_grade(known, found),
        zero_uncertainty_n=_root_sum_square(c for c in budget if not c.proportional),
        span_uncertainty=_root_sum_square(c for c in budget if c.proportional and c.name not in IN_FIT)
        / found.largest_n,
        newton_per_unit2=curve.b,
        newton_per_kelvin=known.newton_per_kelvin or 0.0,
        reference_temperature_c=known.temperature_c,
        covariance=curve.covariance,
        made_at_s=made_at_s,
    )
    return CalibrationReport(
        calibration,
        budget,
        2 if curve.b else 1,
        curve.residual_n,
        found.largest_n,
        found.nonlinearity_n / found.largest_n,
        found.hysteresis_n / found.largest_n,
        found.repeatability_n / found.largest_n,
        found.zero_return_n / found.largest_n,
        creep,
        _notes(known, found),
        suspicion,
    )


def corrected(
    points: Iterable[Point], masses_kg: Mapping[float, float | None], strap_kg: float = 0.0
) -> list[Point]:
    """Return the points with the masses corrected by what is now known of them.

    Args:
        points: as measured.
        masses_kg: what a mass that was taken for the key weighs; None leaves its points out.
        strap_kg: what hung with every mass and was not counted.
    """
    return [
        replace(point, mass_kg=mass_kg + strap_kg) if point.mass_kg else point
        for point in points
        if (mass_kg := masses_kg.get(point.mass_kg, point.mass_kg)) is not None
    ]


def _counts(point: Point, direction: Direction | None) -> bool:
    """Return whether a point takes part in a fit; zeros take part in any."""
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
                raise CalibrationError(
                    Message("run {run} has no reading of the empty sensor; measure its zero", run=run + 1)
                )
            zeros = np.interp(range(len(own)), empty, [own[i].reading for i in empty])
            returns += [float(zeros[-1] - zeros[0])] if len(empty) > 1 else []
            rows += [
                (run, point.direction is Direction.UP, point.reading - float(zero), point.mass_kg * gravity)
                for point, zero in zip(own, zeros, strict=True)
                if point.mass_kg > 0.0
            ]
        if not rows:
            raise CalibrationError(
                Message("no mass was hung on the sensor; hang at least one, better two or more")
            )
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
class _Curve:
    """F = a·d + b·d², with the covariances of a and b by cause; their sum is `covariance`."""

    a: float
    b: float
    residual_n: float
    by_cause: Mapping[str, tuple[float, float, float]]

    @property
    def covariance(self) -> tuple[float, float, float]:
        var_a, cov_ab, var_b = (sum(part) for part in zip(*self.by_cause.values(), strict=True))
        return var_a, cov_ab, var_b

    def force_n(self, deflection: FloatArray) -> FloatArray:
        return self.a * deflection + self.b * deflection**2

    def uncertainty_n(self, cause: str, deflection: float) -> float:
        """Return the standard uncertainty of the force at a deflection from one cause."""
        var_a, cov_ab, var_b = self.by_cause[cause]
        return sqrt(max(0.0, deflection**2 * var_a + 2 * deflection**3 * cov_ab + deflection**4 * var_b))


def _curve(loaded: _Loaded, known: Conditions) -> tuple[_Curve, Suspicion | None]:
    """Fit the line or the second order by generalised least squares; report what the residuals make suspect.

    It is fitted to one mean reading per mass: readings of one mass differ by an error of the reading, which a
    regression of force on reading would take for a flatter slope.

    Raises:
        CalibrationError: the reading does not follow the masses.
    """
    scale = float(np.abs(loaded.deflection).max())
    if scale == 0.0:
        raise CalibrationError(
            Message("the reading does not change with the masses; check that they hang on the sensor")
        )
    means = _Means.of(loaded, known, scale)
    d, force_n, largest_n = means.d, means.force_n, float(means.force_n[-1])
    scatter, apart = np.diag(means.scatter_n2), np.diag(means.apart_n2)
    suspicion = find_suspicion(force_n, d, apart + scatter, known.gravity, curves=not known.inline)
    second = force_n.size > 2 and suspicion is None and _curved(d, force_n, apart + scatter, known)
    prior_n = STRAIGHTNESS * largest_n
    design = np.stack((d, d**2), axis=1) if second else d[:, np.newaxis]
    covariance = apart + scatter + (0.0 if second else prior_n**2 * np.outer(d**2, d**2))
    weights = _weights(design, covariance)
    coefficients = weights @ force_n
    all_d = loaded.deflection / scale
    fitted_n = coefficients[0] * all_d + (coefficients[1] * all_d**2 if second else 0.0)
    residual_n = float(np.sqrt(np.sum((fitted_n - loaded.force_n) ** 2) / max(1, all_d.size - 1 - second)))
    explained = suspicion is not None and bool(np.all(np.diff(d * np.sign(d[-1])) > 0.0))
    if residual_n > USELESS_SHARE * largest_n and not explained:
        raise CalibrationError(
            Message(
                "the readings do not follow the masses; check the order of the masses and "
                "that nothing else pulls"
            )
        )
    error_n, free = force_n - design @ coefficients, force_n.size - 1 - second
    if free > 0:
        apart = apart * max(1.0, float(error_n @ np.linalg.solve(covariance, error_n)) / free)
    by_cause = {
        APART: _propagated(weights, apart, scale),
        SCATTER: _propagated(weights, scatter, scale),
        STRAIGHT: (0.0, 0.0, 0.0) if second else _left_out(float(weights[0] @ d**2), prior_n, scale),
    }
    b = float(coefficients[1]) / scale**2 if second else 0.0
    return _Curve(float(coefficients[0]) / scale, b, residual_n, by_cause), suspicion


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """One mean per mass, lightest first.

    Attributes:
        force_n: what the mass was said to pull.
        d: mean deflection of both ways of reaching it, as a share of the largest.
        scatter_n2: variance of that mean from the scatter of readings.
        apart_n2: variance of what belongs to the mass: its own error, its being read off in steps, and half
            the gap between both ways.
    """

    force_n: FloatArray
    d: FloatArray
    scatter_n2: FloatArray
    apart_n2: FloatArray

    @classmethod
    def of(cls, loaded: _Loaded, known: Conditions, scale: float) -> _Means:
        forces_n = np.unique(loaded.force_n)
        all_d = loaded.deflection / scale
        newton_per_d = float(all_d @ loaded.force_n) / float(all_d @ all_d)
        squares, freedom, gap_n = 0.0, 0, 0.0
        d, counts = [], []
        for force_n in forces_n.tolist():
            ways = [all_d[(loaded.force_n == force_n) & (loaded.up == up)] for up in (True, False)]
            ways = [way for way in ways if way.size]
            squares += sum(float(np.sum((way - way.mean()) ** 2)) for way in ways) * newton_per_d**2
            freedom += sum(way.size - 1 for way in ways)
            middles = [float(way.mean()) for way in ways]
            gap_n = max(gap_n, abs(middles[0] - middles[-1]) * abs(newton_per_d))
            d.append(sum(middles) / len(middles))
            counts.append(sum(way.size for way in ways))
        prior_n = REPEATABILITY_PRIOR * float(forces_n[-1]) / sqrt(3.0)
        scatter_n2 = (squares + PRIOR_FREEDOM * prior_n**2) / (freedom + PRIOR_FREEDOM)
        division_n2 = (known.division_kg * known.gravity) ** 2 / 12.0
        apart_n2 = (known.masses.apart * forces_n) ** 2 + division_n2 + (gap_n / 2.0) ** 2 / 3.0
        return cls(forces_n, np.array(d), scatter_n2 / np.array(counts), apart_n2)


def _weights(design: FloatArray, covariance: FloatArray) -> FloatArray:
    """Rows that turn forces into coefficients: (XᵀV⁻¹X)⁻¹·XᵀV⁻¹."""
    solved = np.linalg.solve(covariance, design)
    weights: FloatArray = np.linalg.solve(design.T @ solved, solved.T)
    return weights


def _curved(d: FloatArray, force_n: FloatArray, covariance: FloatArray, known: Conditions) -> bool:
    """Test whether the coefficient of d² differs from 0 by more than the masses may be wrong."""
    weights = _weights(np.stack((d, d**2), axis=1), covariance)
    z = BELIEVED_Z if known.inline else CLIP_Z
    return bool((weights[1] @ force_n) ** 2 > z**2 * (weights[1] @ covariance @ weights[1]))


def _propagated(weights: FloatArray, covariance: FloatArray, scale: float) -> tuple[float, float, float]:
    """Covariance of a and b, in reading units, from that of the forces."""
    own = weights @ covariance @ weights.T
    if own.shape == (1, 1):
        return float(own[0, 0]) / scale**2, 0.0, 0.0
    return float(own[0, 0]) / scale**2, float(own[0, 1]) / scale**3, float(own[1, 1]) / scale**4


def _left_out(pull: float, prior_n: float, scale: float) -> tuple[float, float, float]:
    """Return the b·d² that a line leaves out: `pull` of it goes into a, so a and b err together."""
    return (
        (pull * prior_n) ** 2 / scale**2,
        -pull * prior_n**2 / scale**3,
        prior_n**2 / scale**4,
    )


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the points say about the sensor, in newtons; None where they cannot say."""

    largest_n: float
    masses: int
    runs: int
    both_ways: bool
    nonlinearity_n: float
    hysteresis_n: float
    repeatability_n: float
    scatter_n: float
    zero_return_n: float
    creep: float | None

    @classmethod
    def of(cls, loaded: _Loaded, curve: _Curve, creep: float | None) -> _Findings:
        error_n = curve.force_n(loaded.deflection) - loaded.force_n
        d = loaded.deflection
        straight_n = d * (float(d @ loaded.force_n) / float(d @ d)) - loaded.force_n
        masses = np.unique(loaded.force_n)
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
            nonlinearity_n=_largest_mean(loaded, straight_n),
            hysteresis_n=_hysteresis(loaded, error_n),
            repeatability_n=max((float(np.ptp(spread)) for spread in several), default=0.0),
            scatter_n=sqrt(squares / freedom) if freedom else 0.0,
            zero_return_n=float(np.abs(loaded.zero_returns).max(initial=0.0)) * abs(curve.a),
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


def _budget(known: Conditions, found: _Findings, curve: _Curve) -> tuple[Contribution, ...]:
    """Return standard uncertainties at the largest tension; a half width h of equal chances counts h/√3."""
    largest_n, third = found.largest_n, 1.0 / sqrt(3.0)
    hysteresis_n = found.hysteresis_n / 2 if found.both_ways else HYSTERESIS_PRIOR * largest_n
    scatter_n = found.scatter_n if found.runs > 1 else REPEATABILITY_PRIOR * largest_n * third
    creep = abs(found.creep) if found.creep is not None else CREEP_PRIOR
    temperature_n = (
        abs(known.newton_per_kelvin) * known.temperature_range_k
        if known.newton_per_kelvin is not None
        else TEMPERATURE_PRIOR_N
    )
    # Where the calibration's own curve reaches the largest tension, as `Calibration` counts it.
    top = float(Calibration(curve.a, newton_per_unit2=curve.b).deflection(largest_n))
    lines = [
        Contribution(TOGETHER, known.masses.common * largest_n, True, False),
        Contribution(APART, curve.uncertainty_n(APART, top), True, False),
        Contribution(mark("gravity"), known.gravity_uncertainty * largest_n, True, False),
        Contribution(mark("off-axis pull"), OFF_AXIS_LOSS * third * largest_n, True, False),
        Contribution(mark("creep"), creep * third * largest_n, True, found.creep is not None),
        Contribution(SCATTER, curve.uncertainty_n(SCATTER, top), True, True),
        Contribution(STRAIGHT, curve.uncertainty_n(STRAIGHT, top), True, False),
        Contribution(mark("hysteresis"), hysteresis_n * third, False, found.both_ways),
        Contribution(mark("repeatability"), scatter_n, False, found.runs > 1),
        Contribution(mark("zero return"), found.zero_return_n * third, False, True),
        Contribution(mark("temperature on zero"), temperature_n * third, False, False),
    ]
    if not known.inline:
        clip = Grade.CLIP_ON.typical_span_uncertainty
        lines.append(Contribution(mark("clip geometry and friction"), clip * largest_n, True, False))
    return tuple(lines)


def _root_sum_square(lines: Iterable[Contribution]) -> float:
    return sqrt(sum(line.standard_uncertainty_n**2 for line in lines))


def _grade(known: Conditions, found: _Findings) -> Grade:
    if not known.inline:
        return Grade.CLIP_ON
    return Grade.CALIBRATED if found.masses >= 2 else Grade.NOMINAL


def _notes(known: Conditions, found: _Findings) -> tuple[str, ...]:
    notes: list[str] = []
    if known.masses is not MassKind.WEIGHED:
        notes.append(Message("Weighed masses would make it surer: most of the uncertainty is theirs."))
    if found.masses < 2:
        notes.append(
            Message("One mass shows the span but not whether it is straight: use two or more masses.")
        )
    if found.runs < 2:
        notes.append(
            Message(
                "One run cannot show how well a reading repeats: three runs, hung up again each time, would."
            )
        )
    if not found.both_ways and known.direction is None:
        notes.append(Message("Masses were only added: taking them off again would show hysteresis."))
    if known.gravity_m_s2 is None:
        notes.append(Message("Local gravity is not known; it matters by up to 0.3 %."))
    if found.hysteresis_n > 0.01 * found.largest_n:
        share = found.hysteresis_n / found.largest_n
        notes.append(
            Message("Hysteresis is {share:.1%}: look for something that rubs or gives way.", share=share)
        )
    if found.zero_return_n > 0.01 * found.largest_n:
        notes.append(Message("The zero moved by more than 1 % over a run: warm up longer and repeat."))
    return tuple(notes)
