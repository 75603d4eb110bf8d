"""The coach of a workout: cues and slack advice from the events of the signal chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from bandsense.exercises.model import Exercise, Load, Side
from bandsense.signal.events import (
    Phase,
    PhaseChanged,
    RepCompleted,
    RepCounted,
    RepRetracted,
    SignalWarning,
    WarningKind,
)
from bandsense.workout.advice import Advice, AdvisorState, Rule
from bandsense.workout.advisor import Advisor
from bandsense.workout.cues import Cue, CueEngine
from bandsense.workout.events import (
    CueGiven,
    Event,
    LinkChanged,
    SetCorrected,
    SetDone,
    SetEnd,
    SetResult,
    SlackAdvised,
    SlackAnswered,
    TensionTick,
)
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.sides import explained

__all__ = ["Coach"]

_OF_THE_BAND = frozenset({Rule.BEYOND_LIMIT, Rule.NEAR_LIMIT, Rule.NO_ZERO, Rule.BAND_LOST, Rule.WRONG_UNIT})

Said = CueGiven | SlackAdvised


@dataclass(frozen=True, slots=True)
class _Judged:
    """A set that was judged, and may be again.

    Attributes:
        number: of the set.
        advisor: as it was before.
        first_half: advice on the other half-set, where the sides take turns.
    """

    number: int
    advisor: Advisor
    first_half: Advice | None


class Coach:
    """Follows the events of a workout and adds what a coach would say.

    Where left and right take turns each side has an advisor of its own: its band is held anew in every
    half-set, and one side may be stronger than the other.

    A set whose count is corrected before the next one begins is judged again, as if the first judgement had
    not been, unless the person has answered it.

    With a band that assists, more slack is harder, which the rules on too hard and too easy do not know: only
    what concerns the band itself is said.

    Args:
        settings: plan, and what the advice remembers.
        exercise: what is trained.
    """

    def __init__(self, settings: WorkoutSettings, exercise: Exercise) -> None:
        self._settings = settings
        self._advisors = {
            side: Advisor(exercise, settings.plan, settings.advisor_of(side), settings.method, side)
            for side in settings.sides
        }
        self._advisor = self._advisors[settings.side(1)]
        self._last_advisor = self._advisor
        self._reminded = False
        self._assists = exercise.load is Load.ASSISTANCE
        self._first_half: Advice | None = None
        self._judged: _Judged | None = None
        back = Phase.CONCENTRIC if self._assists else Phase.ECCENTRIC
        self._cues = CueEngine(
            settings.plan, exercise.breathing_by_tension, settings.other_side(1), back=back
        )

    @property
    def states(self) -> dict[Side | None, AdvisorState]:
        """What the advice is to remember for the next session, by side; None where both work at once."""
        return {side: advisor.state for side, advisor in self._advisors.items()}

    @property
    def to_check(self) -> bool:
        """Whether a lost band is still to be checked."""
        return Rule.BAND_LOST in self._open_rules()

    def tared(self) -> None:
        """Withdraw the advice to set the zero: it was set."""
        self._judged = None
        for advisor in self._advisors.values():
            if advisor.open_advice is not None and advisor.open_advice.rule is Rule.NO_ZERO:
                advisor.withdraw()

    def _open_rules(self) -> set[Rule]:
        advised = (advisor.open_advice for advisor in self._advisors.values())
        return {advice.rule for advice in advised if advice is not None}

    def follow(self, event: Event) -> Iterator[Said]:
        """Return what to say at this event; events come in the order of `detected_s`."""
        now_s = event.detected_s
        if not self._reminded:
            self._reminded = True
            yield from self._reminders(now_s)
        match event:
            case TensionTick():
                self._advisor.tick(event.time_s, event.tension_n)
                yield from _given(self._cues.advance(now_s), now_s)
            case PhaseChanged() | RepCounted() | RepCompleted() | RepRetracted():
                if isinstance(event, RepCounted):
                    self._judged = None
                yield from _given(self._cues.push(event), now_s)
        match event:
            case RepCompleted(rep=rep):
                yield from self._advised(self._advisor.after_rep(rep), now_s)
            case RepRetracted(index=index):
                self._advisor.retract(index)
            case SignalWarning(kind=WarningKind.BAND_LOST):
                self._judged = None
                self._cues.interrupt()
                yield from self._advised(self._advisor.band_lost(), now_s)
            case LinkChanged(state="lost"):
                self._cues.interrupt()
            case SetDone():
                yield from self._after_set(event)
            case SetCorrected(recounted=True):
                yield from self._judge_again(event)

    def answered(self, now_s: float, *, followed: bool) -> Iterator[SlackAnswered | SlackAdvised]:
        """Take the answer to the last advice; nothing when nothing waited for one."""
        advisor = self._last_advisor
        advice = advisor.open_advice
        if advice is None:
            return
        if followed:
            advisor.applied()
        elif not advisor.declined():
            return
        self._judged = None
        yield SlackAnswered(now_s, followed, now_s, advice)
        if not followed and advice.rule is Rule.ONE_REP:
            yield from self._advised(advisor.too_strong(), now_s)

    def change_rest(self, now_s: float, by_s: float) -> float | None:
        """Let the rest under way last longer or shorter; see `CueEngine.change_rest`."""
        return self._cues.change_rest(now_s, by_s)

    def _reminders(self, now_s: float) -> Iterator[SlackAdvised]:
        """Repeat what was left open last time; of the side that begins last, so that it can be answered."""
        for side in reversed(self._settings.sides):
            self._advisor = self._advisors[side]
            yield from self._advised(self._advisor.reminder, now_s)

    def _after_set(self, event: SetDone) -> Iterator[Said]:
        now_s, result = event.detected_s, event.result
        next_number = event.number + 1
        cues = self._cues.end_set(
            now_s, self._settings.other_side(next_number), finished=result.ended_by.finished
        )
        yield from _given(cues, now_s)
        self._judged = _Judged(event.number, deepcopy(self._advisor), self._first_half)
        yield from self._advised(self._judge(result), now_s)
        self._advisor = self._advisors[self._settings.side(next_number)]

    def _judge_again(self, event: SetCorrected) -> Iterator[Said]:
        """Put the advisor back to before the set, and have it judge what the set is now."""
        judged = self._judged
        if judged is None or judged.number != event.number:
            return
        side = self._settings.side(event.number)
        self._advisor = self._advisors[side] = self._last_advisor = deepcopy(judged.advisor)
        self._first_half = judged.first_half
        if event.result is None:
            self._judged = None
            return
        yield from self._advised(self._judge(event.result), event.detected_s)
        self._advisor = self._advisors[self._settings.side(event.number + 1)]

    def _judge(self, result: SetResult) -> Advice:
        """Return what the advisor says to a set."""
        sides = self._settings.sides
        last_sets = result.number > self._settings.half_sets - len(sides)
        last = last_sets or result.ended_by is SetEnd.STREAM
        advice = self._advisor.after_set(result.reps, last_of_session=last, ended_by=result.ended_by)
        if result.number % len(sides) == 0:
            advice = explained(advice, self._first_half)
        self._first_half = advice
        return advice

    def _advised(self, advice: Advice | None, now_s: float) -> Iterator[SlackAdvised]:
        if advice is None:
            return
        if self._assists and advice.rule not in _OF_THE_BAND:
            self._advisor.withdraw()
            return
        self._last_advisor = self._advisor
        yield SlackAdvised(now_s, advice, now_s)


def _given(cues: Iterable[Cue], now_s: float) -> Iterator[CueGiven]:
    return (
        CueGiven(
            cue.time_s,
            cue.kind,
            now_s,
            cue.until_s,
            cue.phase,
            cue.ahead,
            cue.unsure,
            cue.brief,
            cue.side,
            cue.quiet,
        )
        for cue in cues
    )
