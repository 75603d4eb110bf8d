"""What a view shows, built from events alone: the same for the terminal, the web page and the tests.

Every view looks at a `ViewState` and computes nothing that another would lack: which screen it is, the plan,
the repetitions of the set with their peaks, the sets that are done, the rest that is left.
`ViewState.snapshot` is all of it as JSON, and is the truth of the interface for programs.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from bandsense.exercises.model import Breath, Side
from bandsense.language import said, tr
from bandsense.live.formatting import (
    advice_instruction,
    advice_reason,
    advice_text,
    cue_words,
    doubt_words,
    format_notice,
    rep_mark,
    reps_words,
    side_word,
    stopped_words,
    tempo_words,
    tension_words,
)
from bandsense.live.units import force_pair, unit_json
from bandsense.signal.events import (
    DOUBTFUL_BELOW,
    CountJudged,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.metrics import strongest
from bandsense.workout.advice import Advice, Rule
from bandsense.workout.counts import RepCounts
from bandsense.workout.cues import CueSlot
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    ExerciseStopped,
    LinkChanged,
    RestChanged,
    SetCorrected,
    SetDone,
    SetRated,
    SetResult,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    TensionTick,
    fields_json,
    with_sampling,
)
from bandsense.workout.feedback import Scale, StopReason
from bandsense.workout.plan import Plan, TensionZone, measured_tempo
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.tempo import HandTempo

__all__ = ["GOOD_LINK", "TRACE_S", "Done", "Finished", "LastTime", "Peak", "Screen", "ViewState"]

TRACE_S = 20.0
"""How much of the past the trace shows: three to six repetitions."""

GOOD_LINK = ("streaming", "replay")
"""States of the link in which what is shown is of now."""

LOST_LINK = ("lost", "searching", "connecting")
"""States of the link in which the sensor is not heard."""

RETRACTED_S = 3.0
"""How long a repetition that was taken back is still to be seen."""

NOTICE_S = 8.0
"""How long a notice stays: time to finish a repetition and read it."""

NOT_COUNTED_S = 45.0
"""How long it is told that a rhythm was not counted: nearly as long as it can be added."""

READ_S = 4.0
"""How long it stays at least once the repetition in which it came is done."""

TRIED_S = 8.0
"""How long after a first movement the next one is waited for."""

SETTLED_S = 1.0
"""How long the return stays on screen after it: a pause that is shorter would only make the view flicker."""


class Screen(Enum):
    """What a person is in the middle of, and so what a view puts first (see `ViewState.screen`)."""

    READY = "ready"
    """Before the first repetition of a set, and nothing pulls."""
    PULL = "pull"
    HOLD = "hold"
    RETURN = "return"
    VALLEY = "valley"
    """In a set, between two repetitions."""
    REST = "rest"
    SIDES = "sides"
    """Between the two sides of a set."""
    LIMIT = "limit"
    """The band is stretched too far."""
    LOST = "lost"
    """The sensor is not heard."""
    FINISHED = "finished"


_TOLD_AS = {Phase.CONCENTRIC: "concentric_s", Phase.HOLD: "hold_s", Phase.ECCENTRIC: "eccentric_s"}
"""What the duration of a phase is called in `Rep.hidden`."""

_OF_PHASE = {Phase.CONCENTRIC: Screen.PULL, Phase.HOLD: Screen.HOLD, Phase.ECCENTRIC: Screen.RETURN}


@dataclass(frozen=True, slots=True)
class Peak:
    """One repetition of a set as a view draws it.

    Attributes:
        index: of the repetition, as in its events.
        time_s: when it reached its top.
        partial: it stayed short of the set's range.
        unsure: full or partial, nobody can say.
        zone: `below`, `within` or `above` the zone that is aimed at; None without one.
        probability: that it is a repetition at all; a view draws a doubtful one hollow.
        retracted_s: when it was taken back; None while it stands.
    """

    index: int
    time_s: float
    peak_n: float
    partial: bool = False
    zone: str | None = None
    probability: float = 1.0
    retracted_s: float | None = None
    unsure: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether it is drawn hollow."""
        return self.probability < DOUBTFUL_BELOW


@dataclass(slots=True)
class Done:
    """A finished set as a view lists it.

    Attributes:
        number: of the set; half-sets of a pair share it.
        peaks: its repetitions.
        peak_n, peak_uncertainty_n: the greatest of them; `peak_hidden` says why it is only drawn, not told.
        time_under_tension_s: None where it cannot be told.
        hand: measured tempo of the hand; None where it cannot be told.
        slack_cm: how much slack the person changed after it; negative is less.
        chances: P(so many repetitions), by their number.
    """

    number: int
    side: Side | None
    peaks: tuple[Peak, ...]
    peak_n: float
    peak_uncertainty_n: float
    time_under_tension_s: float | None
    hand: HandTempo | None = None
    slack_cm: int | None = None
    peak_hidden: str | None = None
    chances: Mapping[int, float] = field(default_factory=dict)

    @property
    def peak(self) -> str:
        """The greatest tension with its uncertainty, as words; a dash with the reason where it is hidden."""
        if self.peak_hidden is not None:
            return f"– ({said(self.peak_hidden)})"
        return tension_words(self.peak_n, self.peak_uncertainty_n)

    @property
    def tempo(self) -> str | None:
        """Seconds of pull, hold and return, as words; None where they cannot be told."""
        return None if self.hand is None else tempo_words(self.hand)

    @property
    def counts(self) -> RepCounts:
        """Full, partial and unsure repetitions."""
        return RepCounts.of(self.peaks)

    @property
    def doubt(self) -> str:
        """Which other count is likely, beside this one: `8 reps, perhaps 9`; empty where none is."""
        doubt = doubt_words(len(self.peaks), self.chances)
        return f"{reps_words(len(self.peaks))}, {doubt}" if doubt else ""

    @property
    def full_reps(self) -> int:
        """Repetitions over the whole range."""
        return self.counts.full


@dataclass(frozen=True, slots=True)
class LastTime:
    """The last session of the same exercise: what can be set beside today's.

    Attributes:
        reps: of each set, in order; of one side where left and right take turns.
        peak_n: greatest tension; None where band or calibration were others, so that it cannot be compared.
    """

    reps: tuple[int, ...]
    peak_n: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The session is over.

    Attributes:
        session: its number in the store; None where nothing is kept.
        reps: how many there were.
        peak_n, peak_uncertainty_n: the greatest of its sets; None where it cannot be told.
        time_under_tension_s: None where it cannot be told.
        hidden: figures that are not told, with the reason.
        chances: P(so many repetitions), by their number.
        next_time: what the progression makes of it, in words.
        compared: how it stands to the last time, in words; None where nothing can be compared.
    """

    session: int | None
    reps: int
    peak_n: float | None
    peak_uncertainty_n: float
    time_under_tension_s: float | None
    duration_s: float
    next_time: str | None = None
    compared: str | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    chances: Mapping[int, float] = field(default_factory=dict)

    @property
    def doubt(self) -> str:
        """Which other count is likely: `perhaps 9`; empty where none is."""
        return doubt_words(self.reps, self.chances)


@dataclass(slots=True)
class ViewState:
    """The latest of everything; views may look at it whenever they like and miss what was between.

    Attributes:
        title: exercise or sensor, in words.
        about: what else there is to say of the session, where the title is the exercise alone.
        settings: what is trained and planned; None where nobody said.
        sensor_side: the side the sensor is on, where there are two.
        clock: seconds of the view's own clock, by which the age of what is shown is told.
        uncertainty_n: gives the standard uncertainty of a tension, from calibration and zero; None while
            nobody knows it.
        time_s: device time of the latest event.
        trace: time and tension of the last `TRACE_S` seconds.
        side: which arm, where left and right take turns.
        reps: repetitions of the present set that stand.
        more: P(there are so many more than stand), by how many; see `CountJudged`.
        peak_n: greatest tension of the repetition under way or, in between, of the last one.
        counted: what told that peak, with what sampling leaves open of it.
        cues: the latest cue of each slot.
        advice: what was advised last and not answered yet.
        answered: the answer to advice since the last set; None where there was none.
        problem: what stops samples from being stored, in words.
        question: what the person is asked, of this view alone.
        peaks: repetitions of the present set, those just taken back included.
        sets: what is done.
        phases: when each phase of the trace began.
        untold: why the sensor cannot tell how long a phase is, by what `Rep.hidden` calls it; of the
            repetition that was completed last, since the next one is known no better until it is over.
        grey: phases of the trace that have no colour for that reason, by when they began: its name and why.
        rest_planned_s: how long the present rest is to be.
        lost_since_s: when the sensor was lost, on `clock`; None while it is heard.
        last_time: of each side, None where both work: what was done in the last session.
        finished: the end of the session; None while it lasts.
        asks: the scale that the person is asked to score the last set on.
        stopped: the stop rule that ended the exercise for today; None while it may go on.
    """

    title: str = ""
    about: str = ""
    settings: WorkoutSettings | None = None
    sensor_side: Side | None = None
    clock: Callable[[], float] = time.monotonic
    uncertainty_n: Callable[[float], float] | None = None
    time_s: float = 0.0
    tension_n: float = 0.0
    tension_uncertainty_n: float = 0.0
    phase: Phase = Phase.REST
    phase_since_s: float = 0.0
    set_number: int = 0
    side: str | None = None
    reps: int = 0
    more: Mapping[int, float] = field(default_factory=lambda: {0: 1.0})
    peak_n: float | None = None
    last_rep: Rep | None = None
    counted: RepCounted | Rep | None = None
    results: list[SetResult] = field(default_factory=list)
    link: str = ""
    link_message: str = ""
    battery_percent: int | None = None
    noticed: Event | str | None = None
    notice_until_s: float = -math.inf
    cues: dict[CueSlot, CueGiven] = field(default_factory=dict)
    advice: Advice | None = None
    answered: SlackAnswered | None = None
    problem: str | None = None
    question: str = ""
    trace: deque[tuple[float, float]] = field(default_factory=deque)
    peaks: list[Peak] = field(default_factory=list)
    sets: list[Done] = field(default_factory=list)
    phases: deque[tuple[float, Phase]] = field(default_factory=deque)
    untold: Mapping[str, str] = field(default_factory=dict)
    grey: dict[float, tuple[str, str]] = field(default_factory=dict)
    rest_planned_s: float | None = None
    lost_since_s: float | None = None
    last_time: dict[Side | None, LastTime] = field(default_factory=dict)
    finished: Finished | None = None
    heard_s: float | None = None
    asks: Scale | None = None
    stopped: ExerciseStopped | None = None

    @property
    def notice(self) -> str:
        """What the person should read now; empty when there is nothing."""
        if self.time_s >= self.notice_until_s or self.noticed is None:
            return ""
        return said(self.noticed) if isinstance(self.noticed, str) else format_notice(self.noticed) or ""

    @property
    def not_counted(self) -> bool:
        """Whether it is told that movements were not counted, which the person may add."""
        return bool(self.notice) and _says_not_counted(self.noticed)

    @property
    def breath(self) -> str:
        """How to breathe this moment, or next; empty when there is nothing."""
        return self._cue(CueSlot.BREATH)

    @property
    def word(self) -> str:
        """What else there is to say this moment, such as a correction; empty when there is nothing."""
        return self._cue(CueSlot.WORD)

    @property
    def cue(self) -> str:
        """Both in one line."""
        return ". ".join(filter(None, (self.breath, self.word)))

    @property
    def shown_cue(self) -> CueGiven | None:
        """The cue to show where there is room for one: a word goes before a breath."""
        return self._shown(CueSlot.WORD) or self._shown(CueSlot.BREATH)

    def _shown(self, slot: CueSlot) -> CueGiven | None:
        cue = self.cues.get(slot)
        if cue is None or not cue.shown(self.time_s, self.phase):
            return None
        return replace(cue, ahead=False) if cue.phase is self.phase else cue

    def _cue(self, slot: CueSlot) -> str:
        cue = self._shown(slot)
        return "" if cue is None else cue_words(cue)

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
            return tr("before the first set")
        name = tr("set {number}", number=self.set_number)
        return f"{name}, {side_word(self.side)}" if self.side else name

    @property
    def doing(self) -> str:
        """The rest between sets, and which side is next; empty at any other time."""
        if not self.resting:
            return ""
        if self.stopped is not None:
            return tr("over for today")
        minutes, seconds = divmod(int(self.rest_s or 0.0), 60)
        clock = f"{minutes}:{seconds:02}"
        if not self.side:
            return tr("resting {clock}", clock=clock)
        side = side_word("left" if self.side == "right" else "right")
        return tr("resting {clock}, then {side}", clock=clock, side=side)

    def untold_phase(self, phase: Phase) -> str:
        """Say why the sensor cannot tell how long a phase is; empty where it can."""
        return said(self.untold.get(_TOLD_AS.get(phase, ""), ""))

    def peak_words(self, of: RepCounted | Rep | None = None) -> str:
        """Write the peak of a repetition with its uncertainty; of the one that was counted last by itself."""
        rep = of or self.counted or self.last_rep
        if rep is None:
            return ""
        own_n = 0.0 if self.uncertainty_n is None else self.uncertainty_n(rep.peak_n)
        return tension_words(rep.peak_n, with_sampling(own_n, rep))

    @property
    def marks(self) -> str:
        """A dot for each repetition of the set, hollow where it is doubtful."""
        return "".join(rep_mark(peak.probability) for peak in self.peaks if peak.retracted_s is None)

    @property
    def count_words(self) -> str:
        """The count, and which other is likely where the evidence is divided: `8, perhaps 9`."""
        doubt = doubt_words(self.reps, {self.reps + n: p for n, p in self.more.items()})
        return f"{self.reps}, {doubt}" if doubt else f"{self.reps}"

    @property
    def in_set(self) -> bool:
        """Whether a set is under way."""
        return self.set_number > len(self.results)

    # -- what a person is in the middle of ------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Device time of this moment: that of the latest event, and what has passed on the clock since."""
        if self.heard_s is None:
            return self.time_s
        return self.time_s + max(0.0, self.clock() - self.heard_s)

    @property
    def lost_s(self) -> float | None:
        """For how long the sensor has not been heard; None while it is, and before it was."""
        return None if self.lost_since_s is None else max(0.0, self.clock() - self.lost_since_s)

    @property
    def limit(self) -> Advice | None:
        """The advice that says that the band is at its limit, until the repetition is done."""
        advice = self.advice
        if advice is None or not advice.urgent or advice.rule is not Rule.BEYOND_LIMIT or not self.in_set:
            return None
        return advice if self.phase is not Phase.REST else None

    @property
    def screen(self) -> Screen:
        """What the person is in the middle of, the most urgent first."""
        if self.finished is not None:
            return Screen.FINISHED
        if self.lost_s is not None:
            return Screen.LOST
        if self.limit is not None:
            return Screen.LIMIT
        if self.phase is not Phase.REST:
            return _OF_PHASE[self.phase]
        if self.in_set:
            settled = self.now_s >= self.phase_since_s + SETTLED_S
            return Screen.VALLEY if settled or self.breath else Screen.RETURN
        if not self.results:
            return Screen.READY
        return Screen.SIDES if self.between_sides else Screen.REST

    @property
    def tried(self) -> bool:
        """Whether a movement was just made of which it is not certain yet that it is a repetition."""
        if self.in_set or len(self.phases) < 2 or self.now_s > self.phase_since_s + TRIED_S:
            return False
        return self.phases[-1][1] is Phase.REST and self.phases[-2][1] is Phase.ECCENTRIC

    @property
    def takes_turns(self) -> bool:
        """Whether left and right take turns, so that a set is two half-sets."""
        return self.settings is not None and self.settings.first_side is not None

    @property
    def between_sides(self) -> bool:
        """Whether one side of a set is done and the other is not begun."""
        return self.takes_turns and not self.in_set and len(self.results) % 2 == 1

    @property
    def next_side(self) -> Side | None:
        """The side that works, or is next to work; None where both do."""
        if self.settings is None:
            return None
        return self.settings.side(self.set_number if self.in_set else len(self.results) + 1)

    @property
    def side_last(self) -> LastTime | None:
        """What the side that works, or is next to work, did in the last session."""
        return self.last_time.get(self.next_side if self.takes_turns else self.sensor_side)

    @property
    def current_set(self) -> int:
        """Number of the set that is done, or is next; a set of two halves counts once."""
        number = self.set_number if self.in_set else len(self.results) + 1
        return (number + 1) // 2 if self.takes_turns else number

    @property
    def plan(self) -> Plan | None:
        """What is planned; None where no exercise was named."""
        return None if self.settings is None or self.settings.exercise is None else self.settings.plan

    @property
    def zone(self) -> TensionZone | None:
        """The peak tension that is aimed at."""
        return None if self.settings is None else self.settings.plan.zone

    @property
    def rest_left_s(self) -> float | None:
        """How much of the rest is left; negative when it is over, None outside of a rest."""
        if self.screen is not Screen.REST or self.rest_planned_s is None:
            return None
        return self.rest_planned_s - (self.now_s - self.results[-1].end_s)

    @property
    def offered(self) -> str:
        """Keys of the actions that make sense at this moment, the most wanted first."""
        if self.in_set:
            return "yeuaq" if self.advice is not None and self.advice.holds else "euaq"
        return ("yn" if self.to_answer else "") + ("tuaq" if self.results else "taq")

    @property
    def to_answer(self) -> bool:
        """Whether an advice waits for the person's answer."""
        return self.advice is not None and self.advice.waits

    # -- events ---------------------------------------------------------------------------------------------

    def update(self, event: Event) -> None:
        """Take the next event."""
        self.time_s = max(self.time_s, event.detected_s)
        self.heard_s = self.clock()
        if isinstance(event, TensionTick):
            self._level(event)
        elif isinstance(event, PhaseChanged):
            self.phase, self.phase_since_s = event.phase, event.time_s
            if event.phase is Phase.REST:
                self._let_read()
            self.phases.append((event.time_s, event.phase))
            self._colour([self.phases[-1]])
        elif isinstance(event, SetStarted):
            self.set_number, self.side, self.asks = event.number, event.side, None
            self.reps, self.peaks, self.last_rep = 0, [], None
            if self.advice is not None and not self.advice.holds:
                self.advice = None
        elif isinstance(event, RepCounted | RepCompleted | RepRetracted):
            self._rep(event)
        elif isinstance(event, CountJudged):
            self.more = event.more
            for index, probability in event.reps.items():
                self._change(index, probability=probability)
        elif isinstance(event, SetDone):
            self._set_done(event.result)
            self.asks = Scale.EFFORT
        elif isinstance(event, SetCorrected):
            self._correct(event)
        elif isinstance(event, SetRated):
            self.asks = event.asks
        elif isinstance(event, ExerciseStopped):
            self.stopped = None if event.reason is None else event
            if self.stopped is not None and self.stopped.reason is StopReason.PAIN:
                self.advice = None
        elif isinstance(event, LinkChanged):
            self._link(event)
        elif isinstance(event, BatteryChanged):
            self.battery_percent = event.percent
        elif isinstance(event, CueGiven):
            self.cues[event.slot] = event
        elif isinstance(event, RestChanged):
            self.rest_planned_s = event.rest_s
        elif isinstance(event, SlackAdvised):
            self.advice = event.advice
        elif isinstance(event, SlackAnswered):
            self._answered(event)
        if format_notice(event) and not self._follows_correction(event):
            self._show_notice(event)

    def _follows_correction(self, event: Event) -> bool:
        """Tell whether it is advice on a set that was just corrected, which stands on the screen anyway."""
        corrected = isinstance(self.noticed, SetCorrected) and self.noticed.detected_s == event.detected_s
        return corrected and isinstance(event, SlackAdvised)

    def _colour(self, phases: Iterable[tuple[float, Phase]]) -> None:
        """Take the colour from those of these phases whose duration the sensor cannot tell."""
        for since_s, phase in phases:
            name = _TOLD_AS.get(phase, "")
            if name in self.untold:
                self.grey[since_s] = name, self.untold[name]
            else:
                self.grey.pop(since_s, None)

    def _colour_last(self, rep: Rep) -> None:
        """Colour a repetition by what is known of it now that it is over, and what comes as it."""
        self.untold = rep.hidden
        ends_s = [*(since_s for since_s, _ in self.phases), math.inf][1:]
        pulls_s = (
            since_s
            for (since_s, phase), end_s in zip(self.phases, ends_s, strict=True)
            if phase is Phase.CONCENTRIC and end_s > rep.pull_start_s
        )
        began_s = next(pulls_s, math.inf)
        self._colour(each for each in self.phases if each[0] >= began_s)

    def _let_read(self) -> None:
        """Show what came in a repetition after it, too: nobody reads while pulling."""
        began_s = next((at_s for at_s, phase in reversed(self.phases) if phase is Phase.CONCENTRIC), math.inf)
        if self.notice_until_s - NOTICE_S >= began_s:
            self.notice_until_s = max(self.notice_until_s, self.time_s + READ_S)

    def _correct(self, event: SetCorrected) -> None:
        """Put the set in the place of the finished one, which is the last."""
        slack_cm = self.sets.pop().slack_cm
        self.results.pop()
        if event.result is None:
            self.set_number -= 1
            if self.advice is not None and not self.advice.holds:
                self.advice = None
            return
        self.results.append(event.result)
        self.sets.append(self._listed(event.result))
        self.sets[-1].slack_cm = slack_cm

    def _level(self, level: TensionTick) -> None:
        self.tension_n, self.tension_uncertainty_n = level.tension_n, level.tension_uncertainty_n
        self.trace.append((level.time_s, level.tension_n))
        while self.trace[0][0] < level.time_s - TRACE_S:
            self.trace.popleft()
        while len(self.phases) > 1 and self.phases[1][0] < level.time_s - TRACE_S:
            self.grey.pop(self.phases.popleft()[0], None)

    def _rep(self, event: RepCounted | RepCompleted | RepRetracted) -> None:
        if isinstance(event, RepCounted):
            self.reps, self.peak_n, self.counted = event.count, event.peak_n, event
            self.noticed = None if self.not_counted else self.noticed
            zone = self._zone_of(event.peak_n)
            peak = Peak(event.index, event.time_s, event.peak_n, zone=zone, probability=event.probability)
            self.peaks.append(peak)
        elif isinstance(event, RepCompleted):
            rep = event.rep
            self.last_rep, self.peak_n, self.counted = rep, rep.peak_n, rep
            self._colour_last(rep)
            self._change(
                event.index,
                time_s=rep.peak_time_s,
                peak_n=rep.peak_n,
                partial=rep.partial,
                unsure=rep.unsure,
                zone=self._zone_of(rep.peak_n),
                probability=rep.probability,
            )
        else:
            self.reps = event.count
            self._change(event.index, retracted_s=event.detected_s)

    def _change(self, index: int, **changes: Any) -> None:
        self.peaks = [replace(peak, **changes) if peak.index == index else peak for peak in self.peaks]

    def _zone_of(self, peak_n: float) -> str | None:
        return None if self.zone is None else self.zone.zone(peak_n).value

    def _set_done(self, result: SetResult) -> None:
        self.results.append(result)
        self.sets.append(self._listed(result))
        self.answered = None
        self.rest_planned_s = None if self.settings is None else self.settings.plan.rest_s

    def _listed(self, result: SetResult) -> Done:
        number = (result.number + 1) // 2 if self.takes_turns else result.number
        best = strongest(result.rep_metrics)
        hidden = result.metrics.hidden
        tempo = None if hidden.keys() & {"tempo.concentric_s", "tempo.eccentric_s"} else result.hand_tempo
        return Done(
            number=number,
            side=result.side,
            peaks=tuple(
                Peak(
                    rep.index,
                    rep.peak_time_s,
                    rep.peak_n,
                    rep.partial,
                    self._zone_of(rep.peak_n),
                    rep.probability,
                    unsure=rep.unsure,
                )
                for rep in result.reps
            ),
            peak_n=best.peak_n,
            peak_uncertainty_n=best.peak_uncertainty_n or 0.0,
            time_under_tension_s=None
            if "time_under_tension_s" in hidden
            else result.metrics.time_under_tension_s,
            hand=tempo,
            peak_hidden=best.hidden.get("peak_n"),
            chances=result.chances,
        )

    def _link(self, event: LinkChanged) -> None:
        if event.state in GOOD_LINK:
            self.lost_since_s = None
        elif event.state in LOST_LINK and self.lost_since_s is None:
            # Attempts to find a lost sensor follow each other; it has been lost since the first.
            self.lost_since_s = self.clock()
        self.link, self.link_message = event.state, event.message

    def _answered(self, event: SlackAnswered) -> None:
        advice = event.advice or self.advice
        if event.followed and advice is not None and advice.amount_cm and self.sets and not self.in_set:
            self.sets[-1].slack_cm = advice.amount_cm if advice.change_m >= 0.0 else -advice.amount_cm
        self.advice, self.answered = None, event

    def tell(self, text: str) -> None:
        """Show a notice that is of no event, such as of a broker that does not answer."""
        if text:
            self._show_notice(text)

    def _show_notice(self, noticed: Event | str) -> None:
        stays_s = NOT_COUNTED_S if _says_not_counted(noticed) else NOTICE_S
        self.noticed, self.notice_until_s = noticed, self.time_s + stays_s

    # -- as JSON --------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON object, for views in another process; the trace is left to the ticks."""
        return {
            "title": tr(self.title),
            "about": said(self.about),
            "screen": self.screen.value,
            "time_s": self.now_s,
            "tension_n": self.tension_n,
            "tension_uncertainty_n": self.tension_uncertainty_n,
            "unit": unit_json(),
            "phase": self.phase.value,
            "phase_since_s": self.phase_since_s,
            "phases": [[since_s, phase.value] for since_s, phase in self.phases],
            "grey_since": sorted(self.grey),
            "set": self.set_words,
            "set_number": self.current_set,
            "in_set": self.in_set,
            "reps": self.reps if self.in_set else 0,
            "count": self.count_words,
            "marks": self.marks,
            "chances": {str(self.reps + n): p for n, p in self.more.items()},
            "peak_n": self.peak_n,
            "peaks": self._peaks_json(),
            "last_rep": None if self.last_rep is None else fields_json(self.last_rep, self.uncertainty_n),
            "sets": [_done_json(done) for done in self.sets],
            "plan": self._plan_json(),
            "breathing": self._breathing_json(),
            "side": self.side,
            "next_side": self.next_side,
            "sensor_side": self.sensor_side,
            "side_last": None if self.side_last is None else fields_json(self.side_last),
            "rest_planned_s": self.rest_planned_s,
            "rest_left_s": self.rest_left_s,
            "link": self.link,
            "link_message": said(self.link_message),
            "lost_s": self.lost_s,
            "battery_percent": self.battery_percent,
            "notice": self.notice,
            "not_counted": self.not_counted,
            "cue": self.cue,
            "cue_kind": None if self.shown_cue is None else self.shown_cue.kind.value,
            "cue_unsure": self.shown_cue is not None and self.shown_cue.unsure,
            "breath": self.breath,
            "word": self.word,
            "advice": self._advice_json(),
            "stretch": self._stretch(),
            "doing": self.doing,
            "asks": None if self.asks is None else self.asks.value,
            "stopped": None if self.stopped is None else stopped_words(self.stopped),
            "problem": None if self.problem is None else said(self.problem),
            "offered": list(self.offered),
            "finished": self._finished_json(),
        }

    def _finished_json(self) -> dict[str, Any] | None:
        done = self.finished
        if done is None:
            return None
        words = {"next_time": said(done.next_time or ""), "compared": said(done.compared or "")}
        hidden = {name: said(why) for name, why in done.hidden.items()}
        told = fields_json(done) | {name: told or None for name, told in words.items()} | {"hidden": hidden}
        told["doubt"] = done.doubt
        known = "" if done.peak_n is None else force_pair(done.peak_n, done.peak_uncertainty_n)
        told["peak"], _, told["peak_uncertainty"] = known.partition(" ± ")
        return told

    def _peaks_json(self) -> list[dict[str, Any]]:
        if not self.in_set:
            return []
        return [
            _peak_json(peak)
            for peak in self.peaks
            if peak.retracted_s is None or self.time_s < peak.retracted_s + RETRACTED_S
        ]

    def _plan_json(self) -> dict[str, Any] | None:
        plan = self.plan
        if plan is None:
            return None
        return {
            "sets": plan.sets,
            "reps": plan.reps,
            "reps_top": plan.reps_top,
            "rest_s": plan.rest_s,
            "zone": None if plan.zone is None else fields_json(plan.zone),
            "tempo": measured_tempo(plan.tempo).model_dump(),
            "tempo_hand": plan.tempo.model_dump(),
        }

    def _breathing_json(self) -> dict[str, str] | None:
        if self.settings is None or self.settings.exercise is None:
            return None
        breathing = self.settings.exercise.breathing_by_tension
        out = {Breath.EXHALE: "out", Breath.INHALE: "in"}
        return {"concentric": out[breathing.concentric], "eccentric": out[breathing.eccentric]}

    def _advice_json(self) -> dict[str, Any] | None:
        advice = self.advice
        if advice is None:
            return None
        return {
            "action": advice.action.value,
            "rule": advice.rule.value,
            "instruction": advice_instruction(advice),
            "reason": advice_reason(advice),
            "text": advice_text(advice),
            "amount_cm": advice.amount_cm,
            "uncertainty_cm": advice.uncertainty_cm,
            "tension_ratio": advice.tension_ratio,
            "confidence": advice.confidence.value,
            "kind": None if advice.kind is None else advice.kind.value,
            "urgent": advice.urgent,
            "when": advice.when.value,
            "holds": advice.holds,
            "side": advice.side,
            "to_answer": self.to_answer,
            "expected_n": None if self.peak_n is None else advice.tension_ratio * self.peak_n,
        }

    def _stretch(self) -> float | None:
        """Length of the band over its resting length, where it is near its limit."""
        reasons = () if self.advice is None else self.advice.reasons
        near = (reason for reason in reasons if reason.rule in (Rule.BEYOND_LIMIT, Rule.NEAR_LIMIT))
        return next((1.0 + each.numbers["elongation"] for each in near if "elongation" in each.numbers), None)


def _says_not_counted(noticed: Event | str | None) -> bool:
    return isinstance(noticed, SignalWarning) and noticed.kind is WarningKind.NOT_COUNTED


def _done_json(done: Done) -> dict[str, Any]:
    told = fields_json(done)
    del told["hand"]
    return told | {"tempo": done.tempo, "peaks": [_peak_json(peak) for peak in done.peaks]}


def _peak_json(peak: Peak) -> dict[str, Any]:
    """Give a peak with the verdict on it, so that every view draws the same ones hollow."""
    return fields_json(peak) | {"doubtful": peak.doubtful}
