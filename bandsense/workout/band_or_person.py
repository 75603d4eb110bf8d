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
al., Bayesian Data Analysis, section 7.4), weighed with how often each happens. The numbers are priors. Where
the band is slack at the bottom, the bottom says nothing, and nothing is said: only a check pull can tell.
"""

from __future__ import annotations

import math

import numpy as np

from bandsense.bands.strand import Strand
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


def reference_of(evidence: SetEvidence, strand: Strand) -> LoadingReference | None:
    """Take what a set shows for later sessions to be compared with; None where the bottom is slack."""
    if evidence.reps < LEAST_REPS or evidence.bottom <= SLACK_TENSION:
        return None
    return LoadingReference(
        evidence.peak_n, evidence.bottom * evidence.peak_n, evidence.peak_uncertainty, strand.rest_length_m
    )


def compared(before: LoadingReference | None, evidence: SetEvidence, strand: Strand) -> Reason | None:
    """Say which of band and person changed since, and how surely; None where that cannot be told.

    Numbers: `share`, by which the top is above that of before, and `probability`.
    """
    now = reference_of(evidence, strand)
    if before is None or now is None or abs(before.rest_length_m - now.rest_length_m) > SAME_LENGTH_M:
        return None
    seen = np.log([now.peak_n / before.peak_n, now.bottom_n / before.bottom_n])
    if abs(seen[0]) < LEAST_CHANGE:
        return None
    top = math.hypot(before.peak_uncertainty, now.peak_uncertainty, _SESSION_SCATTER)
    scatter = np.diag([top**2, top**2 + _START_SCATTER**2])
    ends = (
        strand.peak_elongation,
        max(0.02, strand.peak_elongation * evidence.bottom ** (1 / strand.exponent)),
    )
    slopes = np.array([strand.exponent * (1.0 + end) / end for end in ends])
    shifts = {
        "band": _BAND**2 * np.ones((2, 2)),
        "person": _PERSON**2 * np.diag([1.0, 0.0]),
        "length": _LENGTH**2 * np.outer(slopes, slopes),
        "nothing": np.zeros((2, 2)),
    }
    chances = {}
    for name, shift in shifts.items():
        spread = scatter + shift
        distance = float(seen @ np.linalg.solve(spread, seen))
        chances[name] = _OFTEN[name] * math.exp(-0.5 * distance) / math.sqrt(float(np.linalg.det(spread)))
    likeliest = max(chances, key=lambda name: chances[name])
    probability = chances[likeliest] / sum(chances.values())
    if likeliest not in _RULES or probability < SURE:
        return None
    return Reason(_RULES[likeliest], {"share": math.expm1(float(seen[0])), "probability": probability})
