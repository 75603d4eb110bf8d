"""Which slack: what should be changed, by how much, and why.

Pure: repetitions in, advice out. Which rule is evidence, which is derived and which is convention is told
in `docs/coaching.md`. An advisor follows one exercise of one person with one band; for one-armed exercises
take one advisor for each side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bandsense.bands.band import MAX_ELONGATION, WARN_ELONGATION, Stretch, stretch_of
from bandsense.bands.strand import Strand
from bandsense.exercises.model import Exercise, Side, SlackMethodKind
from bandsense.signal.events import Rep
from bandsense.workout.adjustment import (
    CHANGE_BY,
    MOST_CHANGE,
    SlackAdjustment,
    adjustment_for,
    after_change,
    after_set,
)
from bandsense.workout.advice import Advice, AdvisorState, Confidence, Rule, SlackAction
from bandsense.workout.plan import Plan
from bandsense.workout.set_evidence import LEAST_REPS, SetEvidence, find_slip, return_cut, way_share
from bandsense.workout.slack_detector import SLACK_TENSION, SlackDetector

__all__ = ["Advisor"]

_LEAST_CHANGE = 0.05
_CHANGE_PER_REP = 0.025
# Near ten repetitions one repetition more or less is worth about 2.5 % of load (slope of Epley's formula,
# load = max / (1 + n/30)). Two repetitions give the smallest step, four the largest.

_SURPLUS_REPS = 2
_EASY_SESSIONS = 2
_RANGE_LOSS = 0.20
_UNLOADED_SHARE = 0.15
_RETURN_CUT = 0.25
_RETURN_TENSION = 0.35

_REVERSAL_SETS = 6
_SEVERE_SHORTFALL = 3
# A change is given six sets (two sessions) before its opposite is advised on one set alone; three repetitions
# missing are enough at once.

_IMPLAUSIBLE_ELONGATION = 3.0
# Beyond four times the resting length it is not the band that was fitted, and tells no lengths.

_NO_ZERO = (
    "At the top of a repetition the sensor shows no pull at all, so its zero is wrong. "
    "Let the band hang slack and tare (key t); the next set can be advised on."
)

_KEEP_CONFIDENCE = {
    Rule.TOO_FEW_REPS: Confidence.LOW,
    Rule.NO_ZERO: Confidence.LOW,
    Rule.UNSURE: Confidence.LOW,
    Rule.WAITING: Confidence.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A wanted ratio of peak tension with its reason, before it is turned into centimetres."""

    ground: Rule
    ratio: float
    reason: str
    urgent: bool = False
    doubtful: bool = False


class Advisor:
    """Gives slack advice within and between sets, and learns what a change does to this person's tension.

    Args:
        exercise: how slack is changed on it, and the words for it.
        plan: the least number of repetitions, and how many sets.
        state: from `Advisor.state` of the last session; typical lengths for a newcomer.
        method: how this person changes the slack; the exercise's preferred way if not given.
        side: which side this one advises, where left and right take turns.
    """

    def __init__(
        self,
        exercise: Exercise,
        plan: Plan | None = None,
        state: AdvisorState | None = None,
        method: SlackMethodKind | None = None,
        side: Side | None = None,
    ) -> None:
        self._plan = plan or Plan()
        self._state = state or AdvisorState.typical(exercise)
        self._method = next((m for m in exercise.slack if m.kind is method), exercise.slack[0])
        self._side = side
        self._evidence: SetEvidence | None = None
        self._declined: set[SlackAction] = set()
        self._last = self._state.unanswered
        self._session_counted = False
        self._start_set()

    def _start_set(self) -> None:
        self._reps: list[Rep] = []
        self._bottom = SlackDetector()
        self._told: set[Rule] = set()
        self._changed_within = False

    @property
    def state(self) -> AdvisorState:
        """What to keep for the next session."""
        return self._state

    def start_session(self) -> None:
        """A new session: advice that was declined may be given again."""
        self._declined.clear()
        self._session_counted = False

    def level(self, time_s: float, tension_n: float) -> None:
        """Take the tension of the moment, some twenty times a second.

        With it the advisor sees how fast the hand is where the band goes slack; without it a slack band at
        the bottom is not noticed.
        """
        self._bottom.level(time_s, tension_n)

    def after_rep(self, rep: Rep) -> Advice | None:
        """Take a finished repetition; advice only where it should not wait for the end of the set."""
        if rep.peak_n <= 0.0:
            return None
        self._reps.append(rep)
        self._bottom.add(rep, self._state.strand.exponent)
        self._see_peak(rep.peak_n)
        for proposal in self._within_set(rep):
            if proposal.ground not in self._told:
                self._told.add(proposal.ground)
                advice = self._advice(proposal)
                if advice.flag is not SlackAction.KEEP or advice.ground is Rule.NEAR_LIMIT:
                    self._last = advice
                    return advice
        return None

    def retract(self, index: int) -> None:
        """A repetition that was counted is taken back."""
        self._reps = [rep for rep in self._reps if rep.index != index]
        self._bottom.retract(index)

    def after_set(self, reps: Sequence[Rep], *, last_of_session: bool) -> Advice:
        """Advice for the next set, from the repetitions of the finished one, partial ones included."""
        if any(rep.peak_n <= 0.0 for rep in reps):
            return self._without_zero()
        evidence = SetEvidence.of(reps, self._state.strand.exponent)
        self._state = after_set(self._state, evidence)
        if evidence.reps >= LEAST_REPS:
            self._see_peak(evidence.peak_n)
            self._see_start(evidence)
            # Peaks of before and after a change make no mean that a later one could be compared with.
            peak_n = 0.0 if self._changed_within else evidence.peak_n
            self._state = replace(self._state, peak_n=peak_n, peak_uncertainty=evidence.peak_uncertainty)
        self._evidence, self._reps = evidence, []
        proposal = self._settled(self._between_sets(evidence, reps, last_of_session), evidence)
        advice = self._advice(replace(proposal, urgent=False))
        self._state = replace(
            self._state,
            sets_since_change=self._state.sets_since_change + 1,
            unanswered=None if advice.flag is SlackAction.KEEP else advice,
        )
        self._start_set()
        self._last = advice
        return advice

    def _without_zero(self) -> Advice:
        """Ratios of tension mean nothing, so the set is not looked at and nothing is learned from it."""
        self._evidence = None
        self._start_set()
        self._last = self._keep(_Proposal(Rule.NO_ZERO, 1.0, _NO_ZERO), Rule.NO_ZERO)
        return self._last

    @property
    def reminder(self) -> Advice | None:
        """A change advised at the end of the last session that the person neither made nor declined."""
        left = self._state.unanswered
        return None if left is None else replace(left, reason=f"Left open last time: {left.reason}")

    def applied(self, advice: Advice | None = None) -> None:
        """The person did what was advised last (or the advice given); said twice, it counts once."""
        advice, self._last = advice or self._last, None
        if advice is not None and advice.kind is not None:
            self.changed(advice.change_m, advice.kind)

    def changed(self, change_m: float, kind: SlackMethodKind) -> None:
        """The person changed the slack of one strand, advised or not; positive is easier.

        Raises:
            BandModelError: the band would not be stretched any more at the peak.
        """
        within_set = bool(self._reps)
        self._state = after_change(self._state, kind, change_m, within_set=within_set)
        self._changed_within = self._changed_within or within_set

    def declined(self) -> None:
        """The person will not do what was advised last; it is not repeated in this session unless urgent."""
        if self._last is not None and self._last.flag is not SlackAction.KEEP:
            self._declined.add(self._last.flag)
            self._state = replace(self._state, unanswered=None)

    def _within_set(self, rep: Rep) -> Iterator[_Proposal]:
        """What should not wait, the most pressing first."""
        rules = [self._beyond_limit(rep.peak_n), self._near_limit(rep.peak_n)]
        if len(self._reps) >= LEAST_REPS:
            rules += [
                self._slipped(
                    self._reps
                ),  # before the next: a shorter grip keeps the band taut on the way back
                self._return_cut_short(self._reps),
                self._slack_at_bottom(),
            ]
        return (proposal for proposal in rules if proposal is not None)

    def _elongation(self, peak_n: float) -> float:
        """Relative elongation at a tension, of the lengths told where the band was not fitted, else 0."""
        if self._state.f100_n is None:
            return self._state.strand.peak_elongation if self._state.strand.measured else 0.0
        return way_share(peak_n / self._state.f100_n, self._state.strand.exponent)

    def _beyond_limit(self, peak_n: float) -> _Proposal | None:
        elongation = self._elongation(peak_n)
        if elongation <= MAX_ELONGATION:
            return None
        ratio = (MAX_ELONGATION / elongation) ** self._state.strand.exponent
        return _Proposal(Rule.BEYOND_LIMIT, ratio, _stretched(elongation), urgent=True)

    def _near_limit(self, peak_n: float) -> _Proposal | None:
        elongation = self._elongation(peak_n)
        if not WARN_ELONGATION < elongation <= MAX_ELONGATION:
            return None
        return _Proposal(Rule.NEAR_LIMIT, 1.0, f"{_stretched(elongation)} Go no further.")

    def _return_cut_short(self, reps: Sequence[Rep]) -> _Proposal | None:
        """The person stops on the way back because the band still pulls hard there."""
        cut, end_n = return_cut(reps, self._state.strand.exponent)
        if cut <= _RETURN_CUT or end_n < _RETURN_TENSION * fmean(rep.peak_n for rep in reps):
            return None
        return _Proposal(
            Rule.RETURN_CUT_SHORT,
            1.0 - MOST_CHANGE,
            f"You come back only {1 - cut:.0%} of the way, and the band still pulls {end_n:.0f} N there.",
            urgent=True,
        )

    def _slipped(self, reps: Sequence[Rep]) -> _Proposal | None:
        found = find_slip(reps, self._state.strand.exponent)
        if found is None:
            return None
        fell = found.log_ratio < 0.0
        return _Proposal(
            Rule.SLIPPED,
            math.exp(-found.log_ratio),
            f"From repetition {found.before} to {found.after} the tension {'fell' if fell else 'rose'} by "
            f"{abs(math.expm1(found.log_ratio)):.0%}, at the top and at the bottom alike, as if the band had "
            f"{'slipped: check grip and anchor first' if fell else 'been gripped shorter'}.",
        )

    def _slack_at_bottom(self) -> _Proposal | None:
        share, strand = self._bottom.share, self._state.strand
        if share is None or share <= _UNLOADED_SHARE:
            return None
        loaded_m = strand.peak_length_m - strand.rest_length_m
        slack_m = min(share / (1.0 - share) * loaded_m, 0.9 * strand.rest_length_m)
        return _Proposal(
            Rule.SLACK_AT_BOTTOM,
            strand.ratio_of(-slack_m, CHANGE_BY[self._method.kind]),
            f"The band hangs slack over about {share:.0%} of your movement, so the muscles rest there.",
            doubtful=True,
        )

    def _between_sets(self, evidence: SetEvidence, reps: Sequence[Rep], last_of_session: bool) -> _Proposal:
        if evidence.reps < LEAST_REPS:
            return _Proposal(Rule.TOO_FEW_REPS, 1.0, self._too_few(evidence))
        beyond = self._beyond_limit(max(rep.peak_n for rep in reps))
        if self._changed_within:
            return beyond or _Proposal(
                Rule.WAITING,
                1.0,
                "The slack was changed within this set; the next one shows what that did.",
            )
        easy = self._count_easy(evidence, last_of_session)
        return (
            beyond
            or self._slipped(reps)
            or self._return_cut_short(reps)
            or self._too_hard(evidence)
            or self._slack_at_bottom()
            or easy
            or self._steady(evidence, last_of_session)
        )

    def _too_few(self, evidence: SetEvidence) -> str:
        verb = "is" if evidence.reps == 1 else "are"
        lighter = " If you cannot do more, take a lighter band." if evidence.full < self._plan.reps else ""
        return (
            f"{_counted(evidence.reps, 'repetition')} {verb} too few to advise on; it takes at least "
            f"{LEAST_REPS}.{lighter}"
        )

    def _too_hard(self, evidence: SetEvidence) -> _Proposal | None:
        shortfall = self._plan.reps - evidence.full
        tired = evidence.range_loss > _RANGE_LOSS
        if shortfall <= 0 and not tired:
            return None
        reasons = []
        if shortfall > 0:
            done = _counted(evidence.full, "full repetition")
            reasons.append(f"You did {done}; the plan asks for at least {self._plan.reps}.")
        if tired:
            reasons.append(f"Your range shrank by {evidence.range_loss:.0%} over the set.")
        change = _step_size(max(_CHANGE_PER_REP * shortfall, evidence.range_loss / 4.0 if tired else 0.0))
        return _Proposal(
            Rule.TOO_HARD,
            1.0 - change,
            " ".join(reasons),
            doubtful=not tired and evidence.steady,
        )

    def _count_easy(self, evidence: SetEvidence, last_of_session: bool) -> _Proposal | None:
        """Count sessions with an easy last set; a proposal when there are two running.

        Sets beyond the plan are not counted again.
        """
        if not last_of_session or self._session_counted:
            return None
        self._session_counted = True
        surplus = evidence.full - self._plan.reps
        easy = surplus >= _SURPLUS_REPS and evidence.steady and evidence.range_loss <= _RANGE_LOSS
        self._state = replace(self._state, easy_sessions=self._state.easy_sessions + 1 if easy else 0)
        if self._state.easy_sessions < _EASY_SESSIONS:
            return None
        return _Proposal(
            Rule.TOO_EASY,
            1.0 + _step_size(_CHANGE_PER_REP * surplus),
            f"Two sessions running, your last set had at least {self._plan.reps + _SURPLUS_REPS} full, even "
            f"repetitions; {self._plan.reps} are asked for.",
        )

    def _steady(self, evidence: SetEvidence, last_of_session: bool) -> _Proposal:
        easy = last_of_session and self._state.easy_sessions
        more = " If the last set of the next session is as easy, it is time for less slack." if easy else ""
        return _Proposal(
            Rule.STEADY, 1.0, f"You did {_counted(evidence.full, 'full repetition')} as planned.{more}"
        )

    def _settled(self, proposal: _Proposal, evidence: SetEvidence) -> _Proposal:
        """Hysteresis: the opposite of a recent change needs a second sign, and then a small step."""
        direction = (proposal.ratio < 1.0) - (proposal.ratio > 1.0)
        opposed = direction * self._state.last_change < 0 and self._state.sets_since_change < _REVERSAL_SETS
        if not opposed or proposal.ground is not Rule.TOO_HARD:
            self._state = replace(self._state, opposed=0)
            return proposal
        self._state = replace(self._state, opposed=self._state.opposed + 1)
        if self._state.opposed < 2 and self._plan.reps - evidence.full < _SEVERE_SHORTFALL:
            return _Proposal(
                Rule.WAITING,
                1.0,
                f"{proposal.reason} The slack was changed not long ago; if the next set says the same, "
                "some of that change is undone.",
            )
        return replace(proposal, ratio=1.0 - _LEAST_CHANGE)

    def _see_peak(self, peak_n: float) -> None:
        """How far the hand goes, from the tension there, where the band was fitted."""
        strand, elongation = self._state.strand, self._elongation(peak_n)
        if self._state.f100_n is None or not 0.0 < elongation <= _IMPLAUSIBLE_ELONGATION:
            return
        peak_m = strand.rest_length_m * (1.0 + elongation)
        start_m = min(strand.start_length_m, 0.95 * peak_m)
        self._state = replace(
            self._state, strand=replace(strand, peak_length_m=peak_m, start_length_m=start_m)
        )

    def _see_start(self, evidence: SetEvidence) -> None:
        """Where the hand starts, from the tension there."""
        strand, unloaded = self._state.strand, self._bottom.share
        if evidence.bottom > SLACK_TENSION:
            elongation = strand.peak_elongation * way_share(min(evidence.bottom, 0.95), strand.exponent)
            start_m = strand.rest_length_m * (1.0 + elongation)
        elif unloaded is not None:
            share = min(unloaded, 0.6)
            start_m = (strand.rest_length_m - share * strand.peak_length_m) / (1.0 - share)
            start_m = max(start_m, 0.1 * strand.rest_length_m)
        else:
            start_m = min(strand.start_length_m, strand.rest_length_m)
        self._state = replace(self._state, strand=replace(strand, start_length_m=start_m))

    def _advice(self, proposal: _Proposal) -> Advice:
        advice = self._measured_out(proposal)
        if advice.flag in self._declined and advice.ground is not Rule.BEYOND_LIMIT:
            return self._keep(proposal, Rule.DECLINED, "You chose to leave the slack for today.")
        return advice

    def _measured_out(self, proposal: _Proposal) -> Advice:
        """Turn a ratio into whole centimetres at each place, within all limits."""
        if proposal.ratio == 1.0:
            return self._keep(proposal, proposal.ground)
        scatter = self._evidence.peak_uncertainty if self._evidence is not None else 0.0
        amount = adjustment_for(self._state, self._method, proposal.ratio, scatter)
        if amount.amount_cm == 0:
            return self._keep(proposal, Rule.TOO_SMALL, "The change would be less than a centimetre.")
        if amount.relative_uncertainty > 1.0:
            measure = "" if self._state.strand.measured else "measure the unstretched band in use, and "
            return self._keep(
                proposal,
                Rule.UNSURE,
                f"How much to change is not known well enough; {measure}do a more even set.",
            )
        after = self._state.strand.changed(amount.change_m, CHANGE_BY[self._method.kind])
        return self._needs_other_band(proposal, after) or self._change(proposal, amount)

    def _change(self, proposal: _Proposal, amount: SlackAdjustment) -> Advice:
        easier = amount.change_m > 0
        sentence = self._method.more_slack if easier else self._method.less_slack
        return Advice(
            flag=SlackAction.ADD if easier else SlackAction.REMOVE,
            ground=proposal.ground,
            reason=proposal.reason,
            instruction=sentence.format(cm=amount.amount_cm),
            amount_cm=amount.amount_cm,
            uncertainty_cm=amount.amount_cm * amount.relative_uncertainty,
            tension_ratio=amount.tension_ratio,
            confidence=self._confidence(amount.relative_uncertainty, proposal.doubtful),
            rests_on=(*self._seen(), *self._known()),
            urgent=proposal.urgent,
            kind=self._method.kind,
            change_m=amount.change_m,
            side=self._side,
        )

    def _keep(self, proposal: _Proposal, ground: Rule, why: str = "") -> Advice:
        return Advice(
            SlackAction.KEEP,
            ground,
            " ".join(filter(None, (proposal.reason, why))),
            confidence=_KEEP_CONFIDENCE.get(ground, Confidence.HIGH),
            rests_on=self._seen(),
            side=self._side,
        )

    def _needs_other_band(self, proposal: _Proposal, after: Strand) -> Advice | None:
        easier = proposal.ratio < 1.0
        forced = proposal.ground in (Rule.BEYOND_LIMIT, Rule.RETURN_CUT_SHORT)
        if easier and after.unloaded_share > _UNLOADED_SHARE and not forced:
            return self._keep(
                proposal,
                Rule.LIGHTER_BAND,
                f"More slack would leave the band hanging over {after.unloaded_share:.0%} of the movement: "
                "take the next lighter band.",
            )
        if not easier and self._most_stretch(after) is not Stretch.FINE:
            return self._keep(proposal, Rule.STRONGER_BAND, self._too_far(after))
        return None

    def _most_stretch(self, strand: Strand) -> Stretch:
        """How far a strand may be stretched at the peak, with one standard uncertainty of its lengths."""
        fitted = self._state.f100_n is not None
        return stretch_of(strand.peak_elongation + (not fitted) * strand.peak_elongation_uncertainty)

    def _too_far(self, after: Strand) -> str:
        stronger = "take a stronger band, with more slack at first, or a second one beside it."
        if after.measured or self._state.f100_n is not None:
            return (
                f"Less slack would stretch the band to {1 + after.peak_elongation:.1f} times its resting "
                f"length, too near its limit of three times: {stronger}"
            )
        most = 1 + after.peak_elongation + after.peak_elongation_uncertainty
        return (
            f"Less slack might stretch the band to {most:.1f} times its resting length, too near its limit "
            "of three times, and nobody measured your lengths: measure the unstretched band in use, or "
            f"{stronger}"
        )

    def _confidence(self, relative_uncertainty: float, doubtful: bool) -> Confidence:
        known = self._state.strand.measured or self._state.changes_seen >= 2
        if relative_uncertainty <= 0.35 and known and not doubtful:
            return Confidence.HIGH
        if relative_uncertainty <= 0.6 and (known or not doubtful):
            return Confidence.MEDIUM
        return Confidence.LOW

    def _seen(self) -> tuple[str, ...]:
        """What advice rests on of the set: the one under way, or the one just done."""
        if self._reps:
            return (f"{_counted(len(self._reps), 'repetition')} of this set",)
        evidence = self._evidence
        if evidence is None or not evidence.reps:
            return ()
        return (f"{_counted(evidence.reps, 'repetition')} with a mean peak of {evidence.peak_n:.0f} N",)

    def _known(self) -> tuple[str, ...]:
        """What an amount rests on besides: lengths, the band's curve, earlier changes."""
        strand, changes = self._state.strand, self._state.changes_seen
        whose = "your" if strand.measured else "a typical"
        curve = "the usual curve of bands" if self._state.f100_n is None else "your band's own curve"
        lengths = (
            f"{whose} band length of {100 * strand.rest_length_m:.0f} cm, "
            f"stretched to {100 * strand.peak_length_m:.0f} cm",
            f"{curve} (tension grows as elongation to the power {strand.exponent:.2f})",
        )
        if not changes:
            return lengths
        return (*lengths, f"what {_counted(changes, 'earlier change')} did to your tension")


def _stretched(elongation: float) -> str:
    limit = "times its resting length; three times is its limit."
    if elongation <= _IMPLAUSIBLE_ELONGATION:
        return f"The band is stretched to {1 + elongation:.2f} {limit}"
    return (
        f"The tension is that of your band at {1 + elongation:.1f} {limit} If this is another band, name it."
    )


def _step_size(change: float) -> float:
    return min(max(change, _LEAST_CHANGE), MOST_CHANGE)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
