"""From a proposal to advice: whole centimetres at each place, within all limits, or the reason to keep.

proposal ──ratio──▶ adjustment_for ──▶ less than 1 cm?      KEEP (too small)
                                       not known enough?    KEEP (unsure), but for a set that was too hard
                                       declined today?      KEEP (declined), but for the band's limit
                                       slack at the bottom after it?
                                                            as much as slack can do, or OTHER BAND
                                       too near the limit after it?
                                                            OTHER BAND
                                       else                 ADD or REMOVE so many centimetres
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, replace

from bandsense.bands.band import Stretch, stretch_of
from bandsense.bands.strand import Strand
from bandsense.exercises.model import Side, SlackMethod
from bandsense.language import Message
from bandsense.workout.adjustment import CHANGE_BY, SlackAdjustment, adjustment_for, adjustment_of
from bandsense.workout.advice import (
    Advice,
    AdvisorState,
    Basis,
    Confidence,
    Reason,
    Rule,
    SlackAction,
    When,
)
from bandsense.workout.rules import UNLOADED_SHARE, Proposal

__all__ = ["Measure", "keep", "measured_out"]

_KEEP_CONFIDENCE = {
    Rule.TOO_FEW_REPS: Confidence.LOW,
    Rule.ONE_REP: Confidence.LOW,
    Rule.SESSION_ENDED: Confidence.LOW,
    Rule.LINK_LOST: Confidence.LOW,
    Rule.NOT_STORED: Confidence.LOW,
    Rule.NO_ZERO: Confidence.LOW,
    Rule.UNSURE: Confidence.LOW,
    Rule.WAITING: Confidence.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What an amount is measured out with.

    Attributes:
        state: lengths of the strand, and what was learned.
        method: how the person changes the slack, and the exercise's words for it.
        side: which side is advised, where left and right take turns.
        seen: what was seen of the set.
        peak_uncertainty: standard uncertainty of the mean peak as a part of it.
        declined: what the person will not do today.
        when: when it is to be done.
    """

    state: AdvisorState
    method: SlackMethod
    side: Side | None
    seen: Basis
    peak_uncertainty: float
    declined: Container[SlackAction] = ()
    when: When = When.NEXT_SET


def measured_out(proposal: Proposal, by: Measure) -> Advice:
    """Advice for a proposal: an amount, or to keep the slack."""
    advice = _amount(proposal, by)
    if advice.action in by.declined and advice.rule is not Rule.BEYOND_LIMIT:
        return keep(proposal, by, Reason(Rule.DECLINED))
    return advice


def keep(proposal: Proposal, by: Measure, why: Reason | None = None) -> Advice:
    """Advice to leave the slack as it is: for the proposal's own reason, or for another one besides."""
    reasons = proposal.reasons if why is None else (*proposal.reasons, why)
    rule = reasons[-1].rule
    other_band = rule in (Rule.LIGHTER_BAND, Rule.STRONGER_BAND)
    return Advice(
        SlackAction.CHANGE_BAND if other_band else proposal.action,
        rule,
        reasons,
        confidence=_KEEP_CONFIDENCE.get(rule, Confidence.HIGH),
        basis=by.seen,
        side=by.side,
        when=by.when,
    )


def _amount(proposal: Proposal, by: Measure) -> Advice:
    if proposal.ratio == 1.0:
        return keep(proposal, by)
    amount = adjustment_for(by.state, by.method, proposal.ratio, by.peak_uncertainty)
    if amount.amount_cm == 0:
        return keep(proposal, by, Reason(Rule.TOO_SMALL))
    unsure = math.hypot(amount.relative_uncertainty, proposal.uncertainty)
    amount = replace(amount, relative_uncertainty=unsure)
    if unsure > 1.0 and not (proposal.rule is Rule.TOO_HARD and "full" in proposal.reasons[0].numbers):
        # That a set had too few repetitions is sure, however uncertain the amount.
        return keep(proposal, by, Reason(Rule.UNSURE, {"measured": by.state.strand.measured}))
    after = by.state.strand.changed(amount.change_m, CHANGE_BY[by.method.kind])
    other_band = _needs_other_band(proposal, by, after)
    if other_band is None:
        return _change(proposal, by, amount)
    least = _as_much_as_slack_can_do(by, amount)
    if other_band.rule is Rule.LIGHTER_BAND and least is not None:
        besides = Reason(other_band.rule, other_band.numbers | {"besides": 1.0})
        return _change(replace(proposal, reasons=(*proposal.reasons, besides)), by, least)
    return keep(proposal, by, other_band)


def _as_much_as_slack_can_do(by: Measure, wanted: SlackAdjustment) -> SlackAdjustment | None:
    """Return the most slack that still keeps the band taut enough; None where it is too little."""
    for amount_cm in range(wanted.amount_cm - 1, 0, -1):
        amount = adjustment_of(by.state, by.method, amount_cm, wanted)
        after = by.state.strand.changed(amount.change_m, CHANGE_BY[by.method.kind])
        if after.unloaded_share <= UNLOADED_SHARE:
            return amount if 2 * amount_cm >= wanted.amount_cm else None
    return None


def _change(proposal: Proposal, by: Measure, amount: SlackAdjustment) -> Advice:
    easier = amount.change_m > 0
    sentence = by.method.more_slack if easier else by.method.less_slack
    state = by.state
    return Advice(
        action=SlackAction.ADD if easier else SlackAction.REMOVE,
        rule=proposal.reasons[0].rule if proposal.rule is Rule.LIGHTER_BAND else proposal.rule,
        reasons=proposal.reasons,
        instruction=Message(sentence, cm=amount.amount_cm),
        amount_cm=amount.amount_cm,
        uncertainty_cm=amount.amount_cm * amount.relative_uncertainty,
        tension_ratio=amount.tension_ratio,
        confidence=_confidence(state, amount.relative_uncertainty, doubtful=proposal.doubtful),
        basis=by.seen.with_band(state.strand, fitted=state.f100_n is not None, changes=state.changes_seen),
        kind=by.method.kind,
        change_m=amount.change_m,
        side=by.side,
        when=When.NOW if proposal.urgent else by.when,
    )


def _needs_other_band(proposal: Proposal, by: Measure, after: Strand) -> Reason | None:
    easier = proposal.ratio < 1.0
    forced = proposal.rule in (Rule.BEYOND_LIMIT, Rule.RETURN_CUT_SHORT)
    if easier and after.unloaded_share > UNLOADED_SHARE and not forced:
        return Reason(Rule.LIGHTER_BAND, {"slack": after.unloaded_share})
    fitted = by.state.f100_n is not None
    # One standard uncertainty of its lengths is allowed for, unless the fitted band tells them.
    stretched = stretch_of(after.peak_elongation + (not fitted) * after.peak_elongation_uncertainty)
    if easier or stretched is Stretch.FINE:
        return None
    sure = after.measured or fitted
    most = after.peak_elongation + (not sure) * after.peak_elongation_uncertainty
    return Reason(Rule.STRONGER_BAND, {"elongation": most, "sure": sure})


def _confidence(state: AdvisorState, relative_uncertainty: float, *, doubtful: bool) -> Confidence:
    known = state.strand.measured or state.changes_seen >= 2
    if relative_uncertainty <= 0.35 and known and not doubtful:
        return Confidence.HIGH
    if relative_uncertainty <= 0.6 and (known or not doubtful):
        return Confidence.MEDIUM
    return Confidence.LOW
