"""From a wanted change of tension to whole centimetres, and what such a change did to this person."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bandsense.bands.strand import ChangeBy
from bandsense.exercises.model import SlackMethod, SlackMethodKind
from bandsense.workout.advice import AdvisorState, PendingChange
from bandsense.workout.set_evidence import SetEvidence

__all__ = [
    "CHANGE_BY",
    "MOST_CHANGE",
    "MOST_EASIER",
    "SlackAdjustment",
    "adjustment_for",
    "adjustment_of",
    "after_change",
    "after_set",
]

MOST_CHANGE = 0.10
"""Largest change of peak tension in one step, but for a set that was much too hard."""

MOST_EASIER = 0.20
"""Largest step towards an easier set; so far the slack law holds within 2.5 % for bands of any curve."""

CHANGE_BY = {
    SlackMethodKind.GRIP: ChangeBy.GRIP,
    SlackMethodKind.FOOT: ChangeBy.GRIP,
    SlackMethodKind.ANCHOR_DISTANCE: ChangeBy.STEP,
}

_SET_TO_SET_UNCERTAINTY = 0.04
# Of the logarithm of tension: fatigue and form from one set to the next. A prior.

_APPLIED_UNCERTAINTY_M = 0.005
# How exactly people change what they are told. A prior.

_LEAST_GAIN, _MOST_GAIN = 0.5, 2.0
_LEAST_GAIN_UNCERTAINTY = 0.05


MOST_AT_ONCE_CM = 35
"""About an arm's length of band at one place; the next set shows whether it was enough."""


@dataclass(frozen=True, slots=True)
class SlackAdjustment:
    """An amount of slack, measured out.

    Attributes:
        amount_cm: whole centimetres at each place that changes; 0 where less than one is wanted.
        change_m: the change of one strand that they make; positive is easier.
        relative_uncertainty: standard uncertainty of the wanted amount as a part of it.
        tension_ratio: peak tension expected after the change, over that of now.
    """

    amount_cm: int
    change_m: float
    relative_uncertainty: float
    tension_ratio: float


def adjustment_for(
    state: AdvisorState, method: SlackMethod, ratio: float, peak_uncertainty: float
) -> SlackAdjustment:
    """Whole centimetres that multiply the peak tension by about `ratio`.

    They change it by no more than a tenth upwards and a fifth downwards.

    Args:
        state: lengths of the strand, and what was learned of this person.
        method: how the slack is changed.
        ratio: wanted over present peak tension; not 1.
        peak_uncertainty: standard uncertainty of the present peak tension as a part of it.
    """
    by, strand, gain = CHANGE_BY[method.kind], state.strand, state.gain
    most = MOST_EASIER if ratio < 1.0 - MOST_CHANGE else MOST_CHANGE
    log_ratio = math.log(_capped(ratio, most))
    wanted_m, uncertainty_m = strand.change_for(_capped(math.exp(log_ratio / gain), most), by)
    known = uncertainty_m / abs(wanted_m)
    if state.gain_uncertainty is not None:
        known = min(known, state.gain_uncertainty / gain)
    if by is ChangeBy.STEP:
        # Nobody can step nearer than the anchor.
        wanted_m = min(wanted_m, 0.5 * strand.start_length_m)
    amount_cm = round(abs(wanted_m) * 100.0 * method.share)
    if by is ChangeBy.GRIP:
        amount_cm = min(amount_cm, MOST_AT_ONCE_CM)
    return _whole(
        state, method, wanted_m, amount_cm, most, math.hypot(known, peak_uncertainty / abs(log_ratio))
    )


def adjustment_of(
    state: AdvisorState, method: SlackMethod, amount_cm: int, like: SlackAdjustment
) -> SlackAdjustment:
    """Another amount, in the direction and as exact as `like`."""
    return _whole(state, method, like.change_m, amount_cm, MOST_EASIER, like.relative_uncertainty)


def _whole(
    state: AdvisorState,
    method: SlackMethod,
    towards_m: float,
    amount_cm: int,
    most: float,
    relative_uncertainty: float,
) -> SlackAdjustment:
    """So many centimetres, or as many as change the tension by no more than `most`."""
    by, strand, gain = CHANGE_BY[method.kind], state.strand, state.gain
    while True:
        change_m = math.copysign(amount_cm / 100.0 / method.share, towards_m)
        law_ratio = strand.ratio_of(change_m, by)
        if max(abs(law_ratio - 1.0), abs(law_ratio**gain - 1.0)) <= most + 1e-9:
            break
        amount_cm -= 1
    return SlackAdjustment(amount_cm, change_m, relative_uncertainty, float(law_ratio**gain))


def after_change(
    state: AdvisorState, kind: SlackMethodKind, change_m: float, *, within_set: bool = False
) -> AdvisorState:
    """Return the state after a change of one strand.

    Its effect will be seen by comparing the next set with the last, unless it was made within a set: that
    one is then neither of before nor of after.

    Raises:
        BandModelError: the band would not be stretched any more at the peak.
    """
    by, strand = CHANGE_BY[kind], state.strand
    pending = None
    if state.peak_n and change_m and not within_set:
        law_ratio = strand.ratio_of(change_m, by)
        wanted_m, uncertainty_m = strand.change_for(law_ratio, by)
        pending = PendingChange(
            change_m=change_m,
            law_log_ratio=math.log(law_ratio),
            law_uncertainty=uncertainty_m / abs(wanted_m),
            peak_n=state.peak_n,
            peak_uncertainty=state.peak_uncertainty,
        )
    return replace(
        state,
        strand=strand.changed(change_m, by),
        pending=pending,
        last_change=(change_m > 0) - (change_m < 0),
        sets_since_change=0,
        opposed=0,
        easy_sessions=0 if change_m > 0 else state.easy_sessions,
        unanswered=None,
    )


def after_set(state: AdvisorState, after: SetEvidence) -> AdvisorState:
    """Return the state after the set that shows what the pending change did.

    The gain is drawn towards what was seen as far as both are sure (a scalar Kalman filter). What lies more
    than three standard uncertainties from what was expected had another cause, and teaches nothing.
    """
    pending = state.pending
    if pending is None or after.reps < 3:
        return state
    seen = math.log(after.peak_n / pending.peak_n) / pending.law_log_ratio
    u_log = math.hypot(pending.peak_uncertainty, after.peak_uncertainty, _SET_TO_SET_UNCERTAINTY)
    u_seen = math.hypot(u_log / pending.law_log_ratio, _APPLIED_UNCERTAINTY_M / pending.change_m)
    prior = state.gain_uncertainty or pending.law_uncertainty
    if abs(seen - state.gain) > 3.0 * math.hypot(prior, u_seen):
        return replace(state, pending=None)
    weight = prior**2 / (prior**2 + u_seen**2)
    return replace(
        state,
        pending=None,
        gain=min(max(state.gain + weight * (seen - state.gain), _LEAST_GAIN), _MOST_GAIN),
        gain_uncertainty=max(prior * math.sqrt(1.0 - weight), _LEAST_GAIN_UNCERTAINTY),
        changes_seen=state.changes_seen + 1,
    )


def _capped(ratio: float, most: float) -> float:
    return min(max(ratio, 1.0 - most), 1.0 + most)
