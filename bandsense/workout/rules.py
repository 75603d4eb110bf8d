"""The rules of the slack advice, as a table: what a set shows in, a proposal out.

Two tables hold the rules in the order in which they are asked; the first that has a proposal wins.

    AFTER_A_REP    what should not wait for the end of the set
    BETWEEN_SETS   what is best changed for the next set

A rule is a function of a `SetView`, which is frozen, and has no effect: asking it twice, or not at all,
changes nothing. What changes from set to set is the `AdvisorState` that the advisor keeps, and it is changed
before any rule is asked (`workout.adjustment`, `count_easy_session`).

A rule wants a *ratio* of peak tension, below 1 for an easier set and above 1 for a harder one, and gives
the numbers that it rests on. It says nothing in words: `bandsense.live.formatting` makes the sentences, and
`bandsense.workout.measuring` the centimetres. Which rule is evidence, which is derived and which is
convention is told in docs/coaching.md.

What the rules assume: the repetitions are of one set, one person and one band; near ten repetitions one more
or less is worth about 2.5 % of load; tension is what the person feels, so a ratio of tension is a ratio of
load.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bandsense.bands.band import MAX_ELONGATION, WARN_ELONGATION
from bandsense.exercises.model import SlackMethod
from bandsense.signal.events import Rep
from bandsense.signal.narrator import LARGEST_N
from bandsense.workout.adjustment import CHANGE_BY, MOST_CHANGE, MOST_EASIER
from bandsense.workout.advice import AdvisorState, Reason, Rule, SlackAction
from bandsense.workout.counts import RepCounts
from bandsense.workout.events import SetEnd
from bandsense.workout.plan import Plan, Zone, tolerance_s
from bandsense.workout.set_evidence import (
    LEAST_REPS,
    LetOut,
    SetEvidence,
    band_changed,
    find_slip,
    return_cut,
    way_share,
)
from bandsense.workout.tempo import set_tempo

__all__ = [
    "AFTER_A_REP",
    "BETWEEN_SETS",
    "LEAST_CHANGE",
    "UNLOADED_SHARE",
    "Proposal",
    "SetView",
    "count_easy_session",
    "elongation_at",
    "proposals",
    "too_strong",
    "waiting",
]

LEAST_CHANGE = 0.05
_CHANGE_PER_REP = 0.025
# Near ten repetitions one repetition more or less is worth about 2.5 % of load (slope of Epley's formula,
# load = max / (1 + n/30)). Two repetitions give the smallest step, four the largest.

_FEW_REPS_UNCERTAINTY, _PER_REP_LESS = 0.25, 0.10
# Relative standard uncertainty of how much easier a set must be that ended after fewer than five repetitions:
# the slope of Epley's formula differs so much from person to person (30 +- 8 repetitions), and the fewer were
# done the less is known of why they ended. Priors.

_OUT_OF_PLAN = 0.25
# Part of the repetitions that may be partial, or beside the zone, in a set that went as planned.

_SURPLUS_REPS = 2
_EASY_SESSIONS = 2
_RANGE_LOSS = 0.20
UNLOADED_SHARE = 0.15
"""Part of the movement over which a band may hang slack."""
_RETURN_CUT = 0.25
_RETURN_TENSION = 0.35


@dataclass(frozen=True, slots=True)
class SetView:
    """What the rules may look at.

    Attributes:
        plan: targets.
        state: lengths of the strand now, and what was learned.
        method: how the person changes the slack.
        reps: repetitions of the set so far, or all of them when it is over.
        peak_n: the peak that is held against the band's limit.
        slack: part of the movement over which the band hangs slack; None where too little was seen.
        let_out: weighs that the band was let out between repetitions; see `find_slip`.
        evidence: what the set shows as a whole; only when it is over.
        changed_within: the slack was changed within the set.
        last_of_session: it is the last set that the plan has.
        counted: this set has just counted as the session's easy or not easy one.
        ended_by: what ended the set.
    """

    plan: Plan
    state: AdvisorState
    method: SlackMethod
    reps: Sequence[Rep]
    peak_n: float
    slack: float | None = None
    let_out: LetOut | None = None
    evidence: SetEvidence | None = None
    changed_within: bool = False
    last_of_session: bool = False
    counted: bool = False
    ended_by: SetEnd = SetEnd.REST

    @property
    def counts(self) -> RepCounts:
        """Full, partial and unsure repetitions."""
        return RepCounts() if self.evidence is None else self.evidence.counts


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wanted ratio of peak tension, before it is turned into centimetres.

    Attributes:
        reasons: the rule that it comes from, with its numbers; then what else weighed in.
        ratio: wanted over present peak tension; 1 leaves everything as it is.
        urgent: do not wait for the end of the set.
        doubtful: the sign could mean something else.
        uncertainty: relative standard uncertainty of the wanted change itself.
        action: what to do where the ratio is 1.
    """

    reasons: tuple[Reason, ...]
    ratio: float = 1.0
    urgent: bool = False
    doubtful: bool = False
    uncertainty: float = 0.0
    action: SlackAction = SlackAction.KEEP

    @property
    def rule(self) -> Rule:
        """The rule that it comes from."""
        return self.reasons[-1].rule


RuleFunction = Callable[[SetView], Proposal | None]


def _proposal(rule: Rule, ratio: float = 1.0, **numbers: float) -> Proposal:
    return Proposal((Reason(rule, numbers),), ratio)


def elongation_at(state: AdvisorState, peak_n: float) -> float:
    """Return the relative elongation at a tension, of the lengths told where no band was fitted, else 0."""
    if state.f100_n is None:
        return state.strand.peak_elongation if state.strand.measured else 0.0
    return way_share(peak_n / state.f100_n, state.strand.exponent)


# -- rules ---------------------------------------------------------------------------------------------


_CUT_SHORT = {
    SetEnd.STREAM: Rule.SESSION_ENDED,
    SetEnd.LINK_LOST: Rule.LINK_LOST,
    SetEnd.NOT_STORED: Rule.NOT_STORED,
}


def band_lost(view: SetView) -> Proposal | None:
    """Ask for a check of a band that snapped, slipped off or fell: whatever else the set shows can wait."""
    if view.ended_by is not SetEnd.BAND_LOST:
        return None
    return replace(_proposal(Rule.BAND_LOST, reps=len(view.reps)), action=SlackAction.CHECK)


def wrong_unit(view: SetView) -> Proposal | None:
    """Ask for a check of a sensor that shows more than people pull: its numbers are of another unit."""
    if view.evidence is None or view.evidence.peak_n <= LARGEST_N:
        return None
    return replace(_proposal(Rule.WRONG_UNIT, peak_n=view.evidence.peak_n), action=SlackAction.CHECK)


def unfinished(view: SetView) -> Proposal | None:
    """Give no verdict where the set was ended from outside: who was interrupted did not fail."""
    if view.ended_by.finished or view.counts.at_most_full >= view.plan.reps:
        return None
    rule = _CUT_SHORT.get(view.ended_by)
    if rule is None:
        return None
    return replace(_proposal(rule, reps=len(view.reps)), action=SlackAction.NONE)


def no_reps(view: SetView) -> Proposal | None:
    """No repetition at all."""
    if view.evidence is None or view.evidence.reps:
        return None
    return replace(_proposal(Rule.TOO_FEW_REPS, reps=0.0), action=SlackAction.NONE)


def one_rep(view: SetView) -> Proposal | None:
    """Ask what a single repetition was: a test, a trial, or all there was."""
    if view.evidence is None or view.evidence.reps != 1 or view.plan.reps == 1:
        return None
    return replace(_proposal(Rule.ONE_REP, planned=view.plan.reps), action=SlackAction.ASK)


def beyond_limit(view: SetView) -> Proposal | None:
    """Propose slack where the band is stretched beyond what it bears."""
    elongation = elongation_at(view.state, view.peak_n)
    if elongation <= MAX_ELONGATION:
        return None
    ratio = (MAX_ELONGATION / elongation) ** view.state.strand.exponent
    return replace(_proposal(Rule.BEYOND_LIMIT, ratio, elongation=elongation), urgent=True)


def near_limit(view: SetView) -> Proposal | None:
    """Warn where the band is stretched nearly as far as it bears."""
    elongation = elongation_at(view.state, view.peak_n)
    if not WARN_ELONGATION < elongation <= MAX_ELONGATION:
        return None
    return _proposal(Rule.NEAR_LIMIT, elongation=elongation)


def changed_within(view: SetView) -> Proposal | None:
    """Peaks of before and after a change make no mean: the next set shows what it did."""
    if view.changed_within:
        return _proposal(Rule.WAITING, within_set=1.0)
    pause_s = band_changed(view.reps)
    return None if pause_s is None else _proposal(Rule.WAITING, within_set=1.0, pause_s=pause_s)


def slipped(view: SetView) -> Proposal | None:
    """Tension stepped at once: a grip or clip slipped, or was gripped anew."""
    if len(view.reps) < LEAST_REPS:
        return None
    found = find_slip(view.reps, view.state.strand.exponent, view.let_out)
    if found is None:
        return None
    numbers = {
        "before": found.before,
        "after": found.after,
        "log_ratio": found.log_ratio,
        "at_bottom": float(found.at_bottom),
    }
    return _proposal(Rule.SLIPPED, math.exp(-found.log_ratio), **numbers)


def return_cut_short(view: SetView) -> Proposal | None:
    """Propose slack where the person stops on the way back because the band still pulls hard there."""
    if len(view.reps) < LEAST_REPS:
        return None
    cut, end_n = return_cut(view.reps, view.state.strand.exponent)
    if cut <= _RETURN_CUT or end_n < _RETURN_TENSION * fmean(rep.peak_n for rep in view.reps):
        return None
    found = _proposal(Rule.RETURN_CUT_SHORT, 1.0 - MOST_CHANGE, cut=cut, end_n=end_n)
    return replace(found, urgent=True)


def too_hard(view: SetView) -> Proposal | None:
    """Fewer full repetitions than planned, or a range that shrinks over the set."""
    evidence = view.evidence
    if evidence is None:
        return None
    # Who can go all the way again lacks no strength, and is told so (`short_range`).
    done = evidence.reps if evidence.able else evidence.counts.at_most_full
    shortfall = view.plan.reps - done
    tired = evidence.range_loss > _RANGE_LOSS
    if shortfall <= 0 and not tired:
        return None
    numbers: dict[str, float] = {}
    change = 0.0
    if shortfall > 0:
        numbers |= _counted(evidence.counts) | {"planned": view.plan.reps}
        # One more than the plan's least, so that the next set has one to spare.
        change = min(_CHANGE_PER_REP * (shortfall + 1), MOST_EASIER)
    if tired:
        numbers["range_loss"] = evidence.range_loss
        change = max(change, _step_size(evidence.range_loss / 4.0))
    few = max(0, LEAST_REPS - evidence.reps)
    found = _proposal(Rule.TOO_HARD, 1.0 - change, **numbers)
    return replace(
        found,
        doubtful=few > 0 or (not tired and evidence.steady),
        uncertainty=math.hypot(_FEW_REPS_UNCERTAINTY, _PER_REP_LESS * few) if few else 0.0,
    )


def too_strong(plan: Plan) -> Proposal:
    """Propose the step for a single repetition that was all there was."""
    change = min(_CHANGE_PER_REP * plan.reps, MOST_EASIER)
    found = _proposal(Rule.TOO_HARD, 1.0 - change, **_counted(RepCounts(full=1)), planned=plan.reps)
    few = _PER_REP_LESS * (LEAST_REPS - 1)
    return replace(found, doubtful=True, uncertainty=math.hypot(_FEW_REPS_UNCERTAINTY, few))


def slack_at_bottom(view: SetView) -> Proposal | None:
    """Propose less slack where the band hangs loose over part of the movement and the muscles rest."""
    if len(view.reps) < LEAST_REPS or view.slack is None or view.slack <= UNLOADED_SHARE:
        return None
    strand = view.state.strand
    loaded_m = strand.peak_length_m - strand.rest_length_m
    slack_m = min(view.slack / (1.0 - view.slack) * loaded_m, 0.9 * strand.rest_length_m)
    ratio = strand.ratio_of(-slack_m, CHANGE_BY[view.method.kind])
    return replace(_proposal(Rule.SLACK_AT_BOTTOM, ratio, slack=view.slack), doubtful=True)


def too_easy(view: SetView) -> Proposal | None:
    """More repetitions than the plan has at most; or two sessions running the last set was easy."""
    evidence, plan = view.evidence, view.plan
    if evidence is None:
        return None
    numbers = _counted(evidence.counts) | {"planned": plan.reps, "top": plan.reps_top}
    beyond = evidence.full - plan.reps_top
    if beyond > 0 and _easily_done(evidence) and not _hasty(view):
        return _proposal(Rule.TOO_EASY, 1.0 + _step_size(_CHANGE_PER_REP * (beyond + 1)), **numbers)
    if not view.counted or view.state.easy_sessions < _EASY_SESSIONS:
        return None
    change = _step_size(_CHANGE_PER_REP * (evidence.full - plan.reps))
    return _proposal(Rule.TOO_EASY, 1.0 + change, **numbers, surplus=_SURPLUS_REPS)


def short_range(view: SetView) -> Proposal | None:
    """Enough repetitions, but not all of them went all the way."""
    counts = view.counts
    if not counts.all or (counts.full >= view.plan.reps and counts.partial <= _OUT_OF_PLAN * counts.all):
        return None
    return _proposal(Rule.RANGE, **_counted(counts), planned=view.plan.reps)


def hasty(view: SetView) -> Proposal | None:
    """Most repetitions went faster than planned, back or on the pull; what matters most is the way back."""
    for rule, took_s, target_s in _tempo(view):
        if took_s < target_s - tolerance_s(target_s):
            return _proposal(rule, **_counted(view.counts), took_s=took_s, target_s=target_s)
    return None


def beside_zone(view: SetView) -> Proposal | None:
    """Peaks lie below or above the zone that was planned."""
    zone = view.plan.zone
    if zone is None or not view.reps:
        return None
    where = [zone.zone(rep.peak_n) for rep in view.reps]
    below, above = where.count(Zone.BELOW), where.count(Zone.ABOVE)
    if max(below, above) <= _OUT_OF_PLAN * len(where):
        return None
    rule = Rule.BELOW_ZONE if below > above else Rule.ABOVE_ZONE
    numbers = {"peaks": len(where), "beside": max(below, above), "low_n": zone.low_n, "high_n": zone.high_n}
    ratio = 0.5 * (zone.low_n + zone.high_n) / fmean(rep.peak_n for rep in view.reps)
    if (ratio > 1.0) is not (rule is Rule.BELOW_ZONE):
        ratio = 1.0  # The zone is wide and the peaks scatter: slack would not mend it.
    return _proposal(rule, min(max(ratio, 1.0 - MOST_CHANGE), 1.0 + MOST_CHANGE), **numbers)


def too_slow(view: SetView) -> Proposal | None:
    """Most repetitions took longer than planned."""
    for rule, took_s, target_s in _tempo(view):
        if took_s > target_s + tolerance_s(target_s):
            numbers = _counted(view.counts) | {"took_s": took_s, "target_s": target_s}
            return _proposal(Rule.TOO_SLOW, **numbers, back=rule is Rule.RETURN_FAST)
    return None


def steady(view: SetView) -> Proposal | None:
    """As planned: repetitions, range, tempo and zone."""
    easy = view.state.easy_sessions if view.last_of_session else 0
    return _proposal(Rule.STEADY, **_counted(view.counts), easy_sessions=easy)


AFTER_A_REP: tuple[RuleFunction, ...] = (
    beyond_limit,
    near_limit,
    slipped,  # before the next: a shorter grip keeps the band taut on the way back
    return_cut_short,
    slack_at_bottom,
)
"""What should not wait, the most pressing first."""

BETWEEN_SETS: tuple[RuleFunction, ...] = (
    no_reps,
    band_lost,
    wrong_unit,
    beyond_limit,
    changed_within,
    slipped,
    return_cut_short,
    unfinished,
    one_rep,
    too_hard,
    slack_at_bottom,
    too_easy,
    short_range,
    hasty,
    beside_zone,
    too_slow,
    steady,
)
"""What the next set should be; the last one always has a proposal, and says "as planned" only where nothing
before it had one."""


def proposals(rules: Sequence[RuleFunction], view: SetView) -> list[Proposal]:
    """Return what the rules of a table propose, in its order."""
    return [proposal for rule in rules if (proposal := rule(view)) is not None]


# -- what goes with the rules ---------------------------------------------------------------------------


def count_easy_session(state: AdvisorState, plan: Plan, evidence: SetEvidence) -> AdvisorState:
    """Return the state after the last set of a session: one more easy session in a row, or none."""
    easy = evidence.full - plan.reps >= _SURPLUS_REPS and _easily_done(evidence)
    return replace(state, easy_sessions=state.easy_sessions + 1 if easy else 0)


def waiting(proposal: Proposal) -> Proposal:
    """Put off the same sign once more because the slack was changed not long ago."""
    return Proposal((*proposal.reasons, Reason(Rule.WAITING, {"within_set": 0.0})))


def _easily_done(evidence: SetEvidence) -> bool:
    """Done evenly to the end."""
    return evidence.steady and evidence.range_loss <= _RANGE_LOSS


def _tempo(view: SetView) -> list[tuple[Rule, float, float]]:
    """Of the way back and of the pull: what says that it was fast, median and target, seconds of the hand."""
    took, plan = set_tempo(view.reps, view.state.strand.exponent), view.plan.tempo
    if took is None:
        return []
    told = [
        ("eccentric_s", Rule.RETURN_FAST, took.eccentric_s, plan.eccentric_s),
        ("concentric_s", Rule.PULL_FAST, took.concentric_s, plan.concentric_s),
    ]
    # What the sensor cannot tell well enough is not advised on.
    sure = [phase for phase in told if 2 * sum(phase[0] in rep.hidden for rep in view.reps) <= len(view.reps)]
    return [(rule, took_s, plan_s) for _, rule, took_s, plan_s in sure]


def _hasty(view: SetView) -> bool:
    return hasty(view) is not None


def _counted(counts: RepCounts) -> dict[str, float]:
    """Return the three numbers that add up to all."""
    return {"full": counts.full, "partial": counts.partial, "unsure": counts.unsure}


def _step_size(change: float) -> float:
    return min(max(change, LEAST_CHANGE), MOST_CHANGE)
