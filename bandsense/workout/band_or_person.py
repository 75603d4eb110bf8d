"""Whether the band changed or the person did, from the tension at bottom and top of the movement.

Held at the same slack, a band that has softened pulls less by the same part wherever it is stretched: bottom
and top fall alike. A person who pulls less far lets only the top fall; a band that is held longer lets the
bottom fall more than the top, because there the same length is a larger part of the stretch. So with the
logarithms of the tensions, now against a session before,

    band     Δ = k (1, 1)          k    ~ N(0, 0.10²)
    person   Δ = m (1, 0)          m    ~ N(0, 0.10²)
    length   Δ = d (a₁, a₀)        d    ~ N(0, 0.03²) of the resting length,  a = p (1 + ε) / ε  (slack law)
    nothing  Δ = 0

each with the scatter of both measurements added, their evidence is the density of what was seen (Gelman et
al., Bayesian Data Analysis, section 7.4), weighed with how often each happens. The numbers are priors.

Calibration or check pulls before both sessions measure the band itself: the logarithm of their ratio is one
more thing seen, k where the band changed and 0 otherwise, with the uncertainty of both pulls and what a band
loses and wins back from day to day. Where the band is slack at the bottom, the bottom says nothing; then only
pulls can tell, and without them nothing is said.
"""

from __future__ import annotations

import math

import numpy as np

from bandsense.bands.strand import Strand
from bandsense.bands.wear import CONDITIONING_LOSS, Stiffness
from bandsense.samples import FloatArray
from bandsense.workout.advice import LoadingReference, Reason, Rule
from bandsense.workout.set_evidence import LEAST_REPS, SetEvidence
from bandsense.workout.slack_detector import SLACK_TENSION

__all__ = ["SURE", "compared", "reference_of"]

SURE = 0.8
"""Least probability with which one of them is named."""

LEAST_CHANGE = 0.08
"""A smaller change of the top is told by nobody from the form of the day."""

SAME_LENGTH_M = 0.015
"""Resting lengths that differ by no more than they can be measured are the same."""

_BAND, _PERSON, _LENGTH = 0.10, 0.10, 0.03
_OFTEN = {"band": 0.2, "person": 0.3, "length": 0.1, "nothing": 0.4}
_SESSION_SCATTER, _START_SCATTER = 0.04, 0.05
# Of the logarithm of tension from session to session: form and conditioning; at the bottom, where one stands.

_RULES = {"band": Rule.BAND_CHANGED, "person": Rule.PERSON_CHANGED}


def reference_of(
    evidence: SetEvidence, strand: Strand, stiffness: Stiffness | None = None
) -> LoadingReference | None:
    """Take what a set shows for later sessions to be compared with.

    Args:
        evidence: of the first set of a session.
        strand: lengths of the band in it.
        stiffness: the last pull that measured the band; None before any.

    Returns:
        None where too few repetitions were done, or the bottom is slack and no pull measured the band.
    """
    slack = evidence.bottom <= SLACK_TENSION
    if evidence.reps < LEAST_REPS or (slack and stiffness is None):
        return None
    bottom_n = 0.0 if slack else evidence.bottom * evidence.peak_n
    return LoadingReference(
        evidence.peak_n, bottom_n, evidence.peak_uncertainty, strand.rest_length_m, stiffness
    )


def compared(before: LoadingReference | None, now: LoadingReference | None, strand: Strand) -> Reason | None:
    """Say which of band and person changed since, and how surely; None where that cannot be told.

    Numbers: `share`, by which the top is above that of before, `probability`, and where pulls measured the
    band before both, `measured`, by which it is stronger now.
    """
    if before is None or now is None or abs(before.rest_length_m - now.rest_length_m) > SAME_LENGTH_M:
        return None
    higher = math.log(now.peak_n / before.peak_n)
    if abs(higher) < LEAST_CHANGE:
        return None
    top = math.hypot(before.peak_uncertainty, now.peak_uncertainty, _SESSION_SCATTER)
    # What was seen, its variance, and how it goes with the person's shift and that of the length.
    rows = [(higher, top**2, 1.0, _slope(strand, strand.peak_elongation))]
    if before.bottom_n > 0.0 and now.bottom_n > 0.0:
        start = max(0.02, strand.peak_elongation * (now.bottom_n / now.peak_n) ** (1 / strand.exponent))
        start_changed = math.log(now.bottom_n / before.bottom_n)
        rows.append((start_changed, top**2 + _START_SCATTER**2, 0.0, _slope(strand, start)))
    pulls = _between_pulls(before.stiffness, now.stiffness)
    if pulls is not None:
        rows.append((pulls[0], pulls[1] ** 2, 0.0, 0.0))
    if len(rows) == 1:
        return None
    seen, variances, by_person, by_length = np.array(rows).T
    shifts = {
        "band": _BAND * np.ones(len(rows)),
        "person": _PERSON * by_person,
        "length": _LENGTH * by_length,
        "nothing": np.zeros(len(rows)),
    }
    chances = {
        name: _OFTEN[name] * _density(seen, np.diag(variances) + np.outer(shift, shift))
        for name, shift in shifts.items()
    }
    likeliest = max(chances, key=lambda name: chances[name])
    probability = chances[likeliest] / sum(chances.values())
    if likeliest not in _RULES or probability < SURE:
        return None
    numbers = {"share": math.expm1(higher), "probability": probability}
    if pulls is not None:
        numbers["measured"] = math.expm1(pulls[0])
    return Reason(_RULES[likeliest], numbers)


def _slope(strand: Strand, elongation: float) -> float:
    """Change of the logarithm of tension with the share by which the resting length is shorter."""
    return strand.exponent * (1.0 + elongation) / elongation


def _between_pulls(before: Stiffness | None, now: Stiffness | None) -> tuple[float, float] | None:
    """Change of the logarithm of the band's strength and its standard uncertainty; None without two pulls."""
    if before is None or now is None or before == now:
        return None
    parts = (before.uncertainty_n / before.f100_n, now.uncertainty_n / now.f100_n)
    return math.log(now.f100_n / before.f100_n), math.hypot(*parts, CONDITIONING_LOSS)


def _density(seen: FloatArray, spread: FloatArray) -> float:
    """Density of a normal distribution around 0, but for the powers of 2 π that all share."""
    return math.exp(-0.5 * float(seen @ np.linalg.solve(spread, seen))) / math.sqrt(
        float(np.linalg.det(spread))
    )
