"""What a view shows, built from events alone: the same for the terminal, the web page and the tests."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bandsense.live.formatting import advice_text, count_words, format_notice, rep_mark
from bandsense.signal.events import (
    CountJudged,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
)
from bandsense.workout.advice import Advice, SlackAction
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    LinkChanged,
    SetCorrected,
    SetDone,
    SetResult,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    TensionTick,
    fields_json,
)

__all__ = ["TRACE_S", "ViewState"]

TRACE_S = 12.0
"""How much of the past the trace shows: two to four repetitions."""

NOTICE_S = 8.0
"""How long a notice stays: time to finish a repetition and read it."""

CUE_S = 1.5
"""How long a cue stays; then it is too late to follow it."""


@dataclass(slots=True)
class ViewState:
    """The latest of everything; views may look at it whenever they like and miss what was between.

    Attributes:
        title: exercise or sensor, in words.
        time_s: device time of the latest event.
        trace: time and tension of the last `TRACE_S` seconds.
        side: which arm, where left and right take turns.
        reps: repetitions of the present set that stand.
        probabilities: of each of them, by its index.
        more: P(there are so many more than stand), by how many; see `CountJudged`.
        peak_n: greatest tension of the repetition under way or, in between, of the last one.
        advice: what was advised last and not answered yet.
        problem: what stops samples from being stored, in words.
        question: what the person is asked, of this view alone.
    """

    title: str = ""
    time_s: float = 0.0
    tension_n: float = 0.0
    tension_uncertainty_n: float = 0.0
    phase: Phase = Phase.REST
    phase_since_s: float = 0.0
    set_number: int = 0
    side: str | None = None
    reps: int = 0
    probabilities: dict[int, float] = field(default_factory=dict)
    more: Mapping[int, float] = field(default_factory=lambda: {0: 1.0})
    peak_n: float | None = None
    last_rep: Rep | None = None
    results: list[SetResult] = field(default_factory=list)
    link: str = ""
    link_message: str = ""
    battery_percent: int | None = None
    notice_text: str = ""
    notice_until_s: float = -math.inf
    cue_text: str = ""
    cue_until_s: float = -math.inf
    advice: Advice | None = None
    problem: str | None = None
    question: str = ""
    trace: deque[tuple[float, float]] = field(default_factory=deque)

    @property
    def notice(self) -> str:
        """What the person should read now; empty when there is nothing."""
        return self.notice_text if self.time_s < self.notice_until_s else ""

    @property
    def cue(self) -> str:
        """What the person is to do this moment; empty when there is nothing."""
        return self.cue_text if self.time_s < self.cue_until_s else ""

    @property
    def rest_s(self) -> float | None:
        """How long the person has rested since the last set; None within a set and before the first."""
        return None if self.in_set or not self.results else max(0.0, self.time_s - self.results[-1].end_s)

    @property
    def resting(self) -> bool:
        """Whether the person has done a set and nothing is pulled."""
        return self.rest_s is not None and self.phase is Phase.REST

    @property
    def set_words(self) -> str:
        """Which set it is, and of which side."""
        if not self.set_number:
            return "before the first set"
        return f"set {self.set_number}" + (f", {self.side}" if self.side else "")

    @property
    def doing(self) -> str:
        """The rest between sets, and which side is next; empty at any other time."""
        if not self.resting:
            return ""
        minutes, seconds = divmod(int(self.rest_s or 0.0), 60)
        then = f", then {'left' if self.side == 'right' else 'right'}" if self.side else ""
        return f"resting {minutes}:{seconds:02}{then}"

    @property
    def marks(self) -> str:
        """A dot for each repetition of the set, hollow where it is doubtful."""
        return "".join(rep_mark(probability) for probability in self.probabilities.values())

    @property
    def count_words(self) -> str:
        """The count, and which other is likely where the evidence is divided: `8, perhaps 9`."""
        return count_words(self.reps, {self.reps + n: p for n, p in self.more.items()})

    @property
    def in_set(self) -> bool:
        """Whether a set is under way."""
        return self.set_number > len(self.results)

    @property
    def offered(self) -> str:
        """Keys of the actions that make sense at this moment, the most wanted first."""
        if self.in_set:
            return "euaq"
        to_answer = self.advice is not None and self.advice.action is not SlackAction.KEEP
        return ("yn" if to_answer else "") + ("tuaq" if self.results else "taq")

    def update(self, event: Event) -> None:
        """Take the next event."""
        self.time_s = max(self.time_s, event.detected_s)
        if isinstance(event, TensionTick):
            self._level(event)
        elif isinstance(event, PhaseChanged):
            self.phase, self.phase_since_s = event.phase, event.time_s
        elif isinstance(event, SetStarted):
            self.set_number, self.side = event.number, event.side
            self.reps = 0
            self.probabilities = {}
            self.advice = None
        elif isinstance(event, RepCounted):
            self.reps, self.peak_n = event.count, event.peak_n
            self.probabilities[event.index] = event.probability
        elif isinstance(event, CountJudged):
            self.more = event.more
            self.probabilities |= {i: p for i, p in event.reps.items() if i in self.probabilities}
        elif isinstance(event, RepCompleted):
            self.last_rep, self.peak_n = event.rep, event.rep.peak_n
        elif isinstance(event, RepRetracted):
            self.reps = event.count
            self.probabilities.pop(event.index, None)
        elif isinstance(event, SetDone):
            self.results.append(event.result)
        elif isinstance(event, SetCorrected):
            self._correct(event)
        elif isinstance(event, LinkChanged):
            self.link, self.link_message = event.state, event.message
        elif isinstance(event, BatteryChanged):
            self.battery_percent = event.percent
        elif isinstance(event, CueGiven):
            self.cue_text, self.cue_until_s = event.text, event.detected_s + CUE_S
        elif isinstance(event, SlackAdvised):
            self.advice = event.advice
        elif isinstance(event, SlackAnswered):
            self.advice = None
        self._show_notice(format_notice(event))

    def _correct(self, event: SetCorrected) -> None:
        self.results = [result for result in self.results if result.number != event.number]
        if event.result is None:
            self.set_number -= 1
        else:
            self.results.append(event.result)

    def _level(self, level: TensionTick) -> None:
        self.tension_n, self.tension_uncertainty_n = level.tension_n, level.tension_uncertainty_n
        self.trace.append((level.time_s, level.tension_n))
        while self.trace[0][0] < level.time_s - TRACE_S:
            self.trace.popleft()

    def _show_notice(self, text: str | None) -> None:
        if text:
            self.notice_text, self.notice_until_s = text, self.time_s + NOTICE_S

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON object, for views in another process; the trace is left to the level events."""
        return {
            "title": self.title,
            "time_s": self.time_s,
            "tension_n": self.tension_n,
            "tension_uncertainty_n": self.tension_uncertainty_n,
            "phase": self.phase.value,
            "phase_since_s": self.phase_since_s,
            "set": self.set_words,
            "in_set": self.in_set,
            "reps": self.reps,
            "count": self.count_words,
            "marks": self.marks,
            "chances": {str(self.reps + n): p for n, p in self.more.items()},
            "peak_n": self.peak_n,
            "last_rep": None if self.last_rep is None else fields_json(self.last_rep),
            "sets": [len(result.reps) for result in self.results],
            "link": self.link,
            "link_message": self.link_message,
            "battery_percent": self.battery_percent,
            "notice": self.notice,
            "cue": self.cue,
            "advice": None if self.advice is None else advice_text(self.advice),
            "doing": self.doing,
            "problem": self.problem,
            "offered": list(self.offered),
        }
