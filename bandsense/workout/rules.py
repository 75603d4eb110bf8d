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
from bandsense.workout.adjustment import CHANGE_BY, MOST_CHANGE
from bandsense.workout.advice import AdvisorState, Reason, Rule
from bandsense.workout.plan import Plan
from bandsense.workout.set_evidence import LEAST_REPS, SetEvidence, find_slip, return_cut, way_share

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
    "waiting",
]

LEAST_CHANGE = 0.05
_CHANGE_PER_REP = 0.025
# Near ten repetitions one repetition more or less is worth about 2.5 % of load (slope of Epley's formula,
# load = max / (1 + n/30)). Two repetitions give the smallest step, four the largest.

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
        evidence: what the set shows as a whole; only when it is over.
        changed_within: the slack was changed within the set.
        last_of_session: it is the last set that the plan has.
        counted: this set has just counted as the session's easy or not easy one.
    """

    plan: Plan
    state: AdvisorState
    method: SlackMethod
    reps: Sequence[Rep]
    peak_n: float
    slack: float | None = None
    evidence: SetEvidence | None = None
    changed_within: bool = False
    last_of_session: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wanted ratio of peak tension, before it is turned into centimetres.

    Attributes:
        reasons: the rule that it comes from, with its numbers; then what else weighed in.
        ratio: wanted over present peak tension; 1 leaves everything as it is.
        urgent: do not wait for the end of the set.
        doubtful: the sign could mean something else.
    """

    reasons: tuple[Reason, ...]
    ratio: float = 1.0
    urgent: bool = False
    doubtful: bool = False

    @property
    def rule(self) -> Rule:
        """The rule that it comes from."""
        return self.reasons[-1].rule


RuleFunction = Callable[[SetView], Proposal | None]


def _proposal(rule: Rule, ratio: float = 1.0, **numbers: float) -> Proposal:
    return Proposal((Reason(rule, numbers),), ratio)


def elongation_at(state: AdvisorState, peak_n: float) -> float:
    """Relative elongation at a tension, of the lengths told where the band was not fitted, else 0."""
    if state.f100_n is None:
        return state.strand.peak_elongation if state.strand.measured else 0.0
    return way_share(peak_n / state.f100_n, state.strand.exponent)


# -- rules ---------------------------------------------------------------------------------------------


def too_few_reps(view: SetView) -> Proposal | None:
    """Hold back after so few repetitions that their mean peak is not known well enough."""
    evidence = view.evidence
    if evidence is None or evidence.reps >= LEAST_REPS:
        return None
    few = evidence.full < view.plan.reps
    return _proposal(Rule.TOO_FEW_REPS, reps=evidence.reps, least=LEAST_REPS, below_plan=few)


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
    return _proposal(Rule.WAITING, within_set=1.0) if view.changed_within else None


def slipped(view: SetView) -> Proposal | None:
    """Tension stepped at once: a grip or clip slipped, or was gripped anew."""
    if len(view.reps) < LEAST_REPS:
        return None
    found = find_slip(view.reps, view.state.strand.exponent)
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
    shortfall = view.plan.reps - evidence.full
    tired = evidence.range_loss > _RANGE_LOSS
    if shortfall <= 0 and not tired:
        return None
    numbers: dict[str, float] = {}
    if shortfall > 0:
        numbers |= {"full": evidence.full, "planned": view.plan.reps}
    if tired:
        numbers["range_loss"] = evidence.range_loss
    change = _step_size(max(_CHANGE_PER_REP * shortfall, evidence.range_loss / 4.0 if tired else 0.0))
    found = _proposal(Rule.TOO_HARD, 1.0 - change, **numbers)
    return replace(found, doubtful=not tired and evidence.steady)


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
    """Two sessions running the last set was easy."""
    if not view.counted or view.evidence is None or view.state.easy_sessions < _EASY_SESSIONS:
        return None
    change = _step_size(_CHANGE_PER_REP * (view.evidence.full - view.plan.reps))
    numbers = {"planned": view.plan.reps, "surplus": _SURPLUS_REPS}
    return _proposal(Rule.TOO_EASY, 1.0 + change, **numbers)


def steady(view: SetView) -> Proposal | None:
    """As planned."""
    full = 0 if view.evidence is None else view.evidence.full
    easy = view.state.easy_sessions if view.last_of_session else 0
    return _proposal(Rule.STEADY, full=full, easy_sessions=easy)


AFTER_A_REP: tuple[RuleFunction, ...] = (
    beyond_limit,
    near_limit,
    slipped,  # before the next: a shorter grip keeps the band taut on the way back
    return_cut_short,
    slack_at_bottom,
)
"""What should not wait, the most pressing first."""

BETWEEN_SETS: tuple[RuleFunction, ...] = (
    too_few_reps,
    beyond_limit,
    changed_within,
    slipped,
    return_cut_short,
    too_hard,
    slack_at_bottom,
    too_easy,
    steady,
)
"""What the next set should be; the last one always has a proposal."""


def proposals(rules: Sequence[RuleFunction], view: SetView) -> list[Proposal]:
    """Return what the rules of a table propose, in its order."""
    return [proposal for rule in rules if (proposal := rule(view)) is not None]


# -- what goes with the rules ---------------------------------------------------------------------------


def count_easy_session(state: AdvisorState, plan: Plan, evidence: SetEvidence) -> AdvisorState:
    """Return the state after the last set of a session: one more easy session in a row, or none."""
    surplus = evidence.full - plan.reps
    easy = surplus >= _SURPLUS_REPS and evidence.steady and evidence.range_loss <= _RANGE_LOSS
    return replace(state, easy_sessions=state.easy_sessions + 1 if easy else 0)


def waiting(proposal: Proposal) -> Proposal:
    """Put off the same sign once more because the slack was changed not long ago."""
    return Proposal((*proposal.reasons, Reason(Rule.WAITING, {"within_set": 0.0})))


def _step_size(change: float) -> float:
    return min(max(change, LEAST_CHANGE), MOST_CHANGE)
