"""The coach of a workout: cues and slack advice from the events of the signal chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bandsense.exercises.model import Exercise
from bandsense.signal.events import PhaseChanged, RepDone, RepRetracted, RepTop
from bandsense.workout.advice import Advice, AdvisorState
from bandsense.workout.advisor import Advisor
from bandsense.workout.cues import Cue, CueEngine
from bandsense.workout.events import CueGiven, Event, Level, SetDone, SetEnd, SlackAdvised
from bandsense.workout.settings import WorkoutSettings

__all__ = ["Coach"]


class Coach:
    """Follows the events of a workout and adds what a coach would say.

    Args:
        settings: plan, and what the advice remembers.
        exercise: what is trained.
    """

    def __init__(self, settings: WorkoutSettings, exercise: Exercise) -> None:
        self._half_sets = settings.half_sets
        self._advisor = Advisor(exercise, settings.plan, settings.advisor, settings.method)
        self._advisor.start_session()
        self._cues = CueEngine(settings.plan, exercise.breathing)

    @property
    def state(self) -> AdvisorState:
        """What the advice is to remember for the next session."""
        return self._advisor.state

    def follow(self, event: Event) -> Iterator[CueGiven | SlackAdvised]:
        """What is to be said at this event; events come in the order of `detected_s`."""
        now_s = event.detected_s
        if isinstance(event, Level):
            self._advisor.level(event.time_s, event.tension_n)
            yield from _given(self._cues.advance(now_s), now_s)
        elif isinstance(event, PhaseChanged | RepTop | RepDone | RepRetracted):
            yield from _given(self._cues.push(event), now_s)
        if isinstance(event, RepDone):
            yield from _advised(self._advisor.after_rep(event.rep), now_s)
        elif isinstance(event, RepRetracted):
            self._advisor.retract(event.index)
        elif isinstance(event, SetDone):
            yield from self._after_set(event)

    def answered(self, *, followed: bool) -> None:
        """The person did what was advised last, or will not."""
        if followed:
            self._advisor.applied()
        else:
            self._advisor.declined()

    def _after_set(self, event: SetDone) -> Iterator[CueGiven | SlackAdvised]:
        now_s = event.detected_s
        yield from _given(self._cues.end_set(now_s), now_s)
        last = event.number >= self._half_sets or event.result.ended_by is SetEnd.STREAM
        yield from _advised(self._advisor.after_set(event.result.seen, last_of_session=last), now_s)


def _given(cues: Iterable[Cue], now_s: float) -> Iterator[CueGiven]:
    return (CueGiven(cue.time_s, cue.kind, cue.text, cue.unsure, now_s) for cue in cues)


def _advised(advice: Advice | None, now_s: float) -> Iterator[SlackAdvised]:
    if advice is not None:
        yield SlackAdvised(now_s, advice, now_s)
