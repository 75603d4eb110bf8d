"""Which slack: what should be changed, by how much, and why.

Pure: repetitions in, advice out. An advisor follows one exercise of one person with one band; for one-armed
exercises take one advisor for each side.

    rep ──▶ after_rep ──▶ AFTER_A_REP   ─┐
    set ──▶ after_set ──▶ what the last change did, lengths, easy sessions    (the state)
                     └──▶ BETWEEN_SETS  ─┤
                          hysteresis     ├──▶ measured_out ──▶ Advice
                                         ─┘
    applied / declined ──▶ the state, and no advice is open any more

The parts: `rules` is the table of what a set shows, `measuring` turns a wanted ratio into centimetres,
`adjustment` learns what a change did, `live.formatting` makes the sentences. Here is what holds them
together: the state from set to set, and which advice is open.

Hysteresis: a change is given six sets, which are two sessions, before its opposite is advised on the sign of
one set; then a second set must say the same, or three repetitions must be missing, and the step back is
small. This keeps the advice from following the noise of a single set to and fro.

Advice is *open* from when it is given until it is answered or other advice takes its place (`open_advice`,
the one place that knows). What is open after a set is remembered in the state, and told again in the next
session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bandsense.exercises.model import Exercise, Side, SlackMethodKind
from bandsense.signal.events import Rep
from bandsense.workout.adjustment import after_change, after_set
from bandsense.workout.advice import Advice, AdvisorState, Basis, Reason, Rule, SlackAction, When
from bandsense.workout.band_or_person import compared, reference_of
from bandsense.workout.events import SetEnd
from bandsense.workout.measuring import Measure, keep, measured_out
from bandsense.workout.plan import Plan
from bandsense.workout.rules import (
    AFTER_A_REP,
    BETWEEN_SETS,
    LEAST_CHANGE,
    Proposal,
    SetView,
    count_easy_session,
    elongation_at,
    proposals,
    too_strong,
    waiting,
)
from bandsense.workout.set_evidence import LEAST_REPS, SetEvidence, band_changed, way_share
from bandsense.workout.slack_detector import SLACK_TENSION, SlackDetector

__all__ = ["Advisor"]

_REVERSAL_SETS = 6
_SEVERE_SHORTFALL = 3
_SEVERE_RANGE_LOSS = 0.25
# A change is given six sets (two sessions) before its opposite is advised on one set alone; three repetitions
# missing, or a quarter of the range lost within the set, are enough at once.

_REVERSIBLE = (Rule.TOO_HARD, Rule.TOO_EASY, Rule.BELOW_ZONE, Rule.ABOVE_ZONE)
# What rests on the signs of a set, which scatter.

_IMPLAUSIBLE_ELONGATION = 3.0
# Beyond four times the resting length it is not the band that was fitted, and tells no lengths.


@dataclass(slots=True)
class _SetUnderWay:
    """What belongs to one set alone."""

    reps: list[Rep] = field(default_factory=list)
    slack: SlackDetector = field(default_factory=SlackDetector)
    told: set[Rule] = field(default_factory=set)
    changed: bool = False


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
        self._open = self._state.unanswered
        self._session_counted = False
        self._compared = False
        self._set = _SetUnderWay()

    @property
    def state(self) -> AdvisorState:
        """What to keep for the next session."""
        return self._state

    @property
    def open_advice(self) -> Advice | None:
        """The change that was advised last and is not answered; None where nothing waits for an answer."""
        return self._open

    @property
    def reminder(self) -> Advice | None:
        """A change advised at the end of the last session that the person neither made nor declined."""
        left = self._state.unanswered
        return None if left is None else replace(left, when=When.FIRST)

    def start_session(self) -> None:
        """Begin a session: advice that was declined may be given again."""
        self._declined.clear()
        self._session_counted = self._compared = False
        if self._open is not None:
            self._open = replace(self._open, when=When.FIRST)

    def tick(self, time_s: float, tension_n: float) -> None:
        """Take the tension of the moment, `ANALYSIS_HZ` times a second.

        With it the advisor sees how fast the hand is where the band goes slack; without it a slack band at
        the bottom is not noticed.
        """
        self._set.slack.tick(time_s, tension_n)

    def after_rep(self, rep: Rep) -> Advice | None:
        """Take a finished repetition; advice only where it should not wait for the end of the set."""
        if rep.peak_n <= 0.0:
            return None
        self._set.reps.append(rep)
        self._set.slack.add(rep, self._state.strand.exponent)
        self._see_peak(rep.peak_n)
        for proposal in proposals(AFTER_A_REP, self._view(self._set.reps, rep.peak_n)):
            if proposal.rule not in self._set.told:
                self._set.told.add(proposal.rule)
                advice = measured_out(proposal, self._measure())
                if advice.action is not SlackAction.KEEP or advice.rule is Rule.NEAR_LIMIT:
                    return self._given(advice)
        return None

    def retract(self, index: int) -> None:
        """Take back a repetition that was counted."""
        self._set.reps = [rep for rep in self._set.reps if rep.index != index]
        self._set.slack.retract(index)

    def band_lost(self) -> Advice:
        """Ask for a check of a band that snapped, slipped off or fell."""
        found = Proposal((Reason(Rule.BAND_LOST, {"reps": len(self._set.reps)}),), action=SlackAction.CHECK)
        return self._given(keep(found, self._measure(When.NOW)))

    def too_strong(self) -> Advice:
        """Take a single repetition for all there was."""
        advice = measured_out(too_strong(self._plan), self._measure())
        self._state = replace(self._state, unanswered=None if advice.kind is None else advice)
        return self._given(advice)

    def after_set(
        self, reps: Sequence[Rep], *, last_of_session: bool, ended_by: SetEnd = SetEnd.REST
    ) -> Advice:
        """Advice for the next set, from the repetitions of the finished one, partial ones included.

        Advice that holds (`Advice.holds`) and was not answered is given again, whatever the set shows.
        """
        if any(rep.peak_n <= 0.0 for rep in reps):
            return self._without_zero()
        if self._open is not None and self._open.rule is Rule.BAND_LOST:
            self._set = _SetUnderWay()
            return replace(self._open, when=When.NEXT_SET)
        evidence = SetEvidence.of(reps, self._state.strand.exponent)
        said_changed = self._set.changed
        self._set.changed = said_changed or band_changed(reps) is not None
        since = self._since_last_session(evidence)
        self._learn(evidence)
        counted = self._count_session(evidence, last_of_session=last_of_session)
        view = replace(
            self._view(reps, max((rep.peak_n for rep in reps), default=0.0)),
            evidence=evidence,
            changed_within=said_changed,
            last_of_session=last_of_session,
            counted=counted,
            ended_by=ended_by,
        )
        proposal = self._settled(proposals(BETWEEN_SETS, view)[0], evidence)
        self._set = _SetUnderWay()
        when = When.NEXT_TIME if last_of_session else When.NEXT_SET
        advice = measured_out(replace(proposal, urgent=False), self._measure(when))
        if since is not None:
            advice = replace(advice, reasons=(*advice.reasons, since))
        held = self._open if self._open is not None and self._open.holds else None
        if held is not None and not advice.holds:
            advice = replace(held, when=when)
        self._state = replace(
            self._state,
            sets_since_change=self._state.sets_since_change + 1,
            unanswered=None if advice.kind is None else advice,
        )
        return self._given(advice)

    def applied(self, advice: Advice | None = None) -> None:
        """Note that the person did what is open (or the advice given); said twice, it counts once."""
        advice, self._open = advice or self._open, None
        if advice is not None and advice.kind is not None:
            self.changed(advice.change_m, advice.kind)

    def changed(self, change_m: float, kind: SlackMethodKind) -> None:
        """Note that the person changed the slack of one strand, advised or not; positive is easier.

        Raises:
            BandModelError: the band would not be stretched any more at the peak.
        """
        within_set = bool(self._set.reps)
        self._state = after_change(self._state, kind, change_m, within_set=within_set)
        self._set.changed = self._set.changed or within_set

    def declined(self) -> bool:
        """Note that the person will not do it; it is not repeated in this session unless urgent.

        Return False where nothing is open, or what is open cannot be declined: a check is done, or it waits.
        """
        if self._open is None or self._open.action is SlackAction.CHECK:
            return False
        if self._open.kind is not None:
            self._declined.add(self._open.action)
        self._open = None
        self._state = replace(self._state, unanswered=None)
        return True

    def withdraw(self) -> None:
        """Withdraw open advice that was never shown, so that nobody can answer it."""
        self._open = None
        self._state = replace(self._state, unanswered=None)

    # -- what the rules look at ---------------------------------------------------------------------------

    def _view(self, reps: Sequence[Rep], peak_n: float) -> SetView:
        slack = self._set.slack
        return SetView(self._plan, self._state, self._method, reps, peak_n, slack.share, slack.let_out)

    def _measure(self, when: When = When.NEXT_SET) -> Measure:
        scatter = self._evidence.peak_uncertainty if self._evidence is not None else 0.0
        return Measure(
            self._state,
            self._method,
            self._side,
            _seen(self._set.reps, self._evidence),
            scatter,
            self._declined,
            when,
        )

    def _given(self, advice: Advice) -> Advice:
        self._open = advice if advice.waits else None
        return advice

    # -- what changes from set to set ---------------------------------------------------------------------

    def _without_zero(self) -> Advice:
        """Ratios of tension mean nothing, so the set is not looked at and nothing is learned from it."""
        self._evidence = None
        self._set = _SetUnderWay()
        found = Proposal((Reason(Rule.NO_ZERO),), action=SlackAction.CHECK)
        return self._given(keep(found, self._measure()))

    def _since_last_session(self, evidence: SetEvidence) -> Reason | None:
        """Compare the session's first set with that of the last one, and keep it for the next."""
        if self._compared or self._set.changed or evidence.reps < LEAST_REPS:
            return None
        self._compared = True
        before, strand = self._state.reference, self._state.strand
        now = reference_of(evidence, strand, self._state.stiffness)
        self._state = replace(self._state, reference=now)
        return compared(before, now, strand)

    def _learn(self, evidence: SetEvidence) -> None:
        """Learn what the last change did, and where the hand starts and turns."""
        self._evidence = evidence
        self._state = after_set(self._state, evidence)
        if evidence.reps >= LEAST_REPS:
            self._see_peak(evidence.peak_n)
            self._see_start(evidence)
            # Peaks of before and after a change make no mean that a later one could be compared with.
            peak_n = 0.0 if self._set.changed else evidence.peak_n
            self._state = replace(self._state, peak_n=peak_n, peak_uncertainty=evidence.peak_uncertainty)

    def _count_session(self, evidence: SetEvidence, *, last_of_session: bool) -> bool:
        """Count the session by its last set, once; sets beyond the plan do not count again."""
        if not last_of_session or self._session_counted:
            return False
        if evidence.reps < LEAST_REPS or self._set.changed:
            return False
        self._session_counted = True
        self._state = count_easy_session(self._state, self._plan, evidence)
        return True

    def _settled(self, proposal: Proposal, evidence: SetEvidence) -> Proposal:
        """Hysteresis: the opposite of a recent change needs a second sign, and then a small step."""
        direction = (proposal.ratio < 1.0) - (proposal.ratio > 1.0)
        opposed = direction * self._state.last_change < 0 and self._state.sets_since_change < _REVERSAL_SETS
        # Two easy sessions running are a second sign already.
        if not opposed or proposal.rule not in _REVERSIBLE or "surplus" in proposal.reasons[0].numbers:
            self._state = replace(self._state, opposed=0)
            return proposal
        self._state = replace(self._state, opposed=self._state.opposed + 1)
        short, beyond = self._plan.reps - evidence.counts.at_most_full, evidence.full - self._plan.reps_top
        severe = max(short, beyond) >= _SEVERE_SHORTFALL or evidence.range_loss > _SEVERE_RANGE_LOSS
        if self._state.opposed < 2 and not severe:
            return waiting(proposal)
        return replace(proposal, ratio=1.0 - direction * LEAST_CHANGE)

    def _see_peak(self, peak_n: float) -> None:
        """Infer how far the hand goes, from the tension there, where the band was fitted."""
        strand, elongation = self._state.strand, elongation_at(self._state, peak_n)
        if self._state.f100_n is None or not 0.0 < elongation <= _IMPLAUSIBLE_ELONGATION:
            return
        peak_m = strand.rest_length_m * (1.0 + elongation)
        start_m = min(strand.start_length_m, 0.95 * peak_m)
        self._state = replace(
            self._state, strand=replace(strand, peak_length_m=peak_m, start_length_m=start_m)
        )

    def _see_start(self, evidence: SetEvidence) -> None:
        """Infer where the hand starts, from the tension there."""
        strand, unloaded = self._state.strand, self._set.slack.share
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


def _seen(under_way: Sequence[Rep], done: SetEvidence | None) -> Basis:
    """Return what advice rests on of the set: the one under way, or the one just done."""
    if under_way:
        return Basis(reps=len(under_way))
    if done is None or not done.reps:
        return Basis()
    return Basis(reps=done.reps, mean_peak_n=done.peak_n)
