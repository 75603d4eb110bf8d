"""States of the page that are the same at every run: a set that is done exactly as planned, stopped where
one likes.

The events are those of a workout in which a person pulls 105 N at a tempo of 1.5-1-2.5-0.5 s; the view made
of them goes through the same code as that of a session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import Side, SlackMethodKind, Tempo
from bandsense.language import Message
from bandsense.live.sound import SoundPlan
from bandsense.live.state import Finished, LastTime, ViewState
from bandsense.samples import Unit
from bandsense.signal.events import (
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.metrics import rep_metrics, set_metrics
from bandsense.web.board import Board
from bandsense.web.page_view import post_state, view_name
from bandsense.workout.advice import Advice, Basis, Reason, Rule, SlackAction, When
from bandsense.workout.counts import chances_of_all
from bandsense.workout.cues import CueKind
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    LinkChanged,
    SetDone,
    SetEnd,
    SetResult,
    SetStarted,
    SlackAdvised,
    TensionTick,
)
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from tests.support.traces import minimum_jerk

__all__ = ["SCENES", "Scene", "scene"]

TEMPO = Tempo(concentric_s=1.5, hold_s=1.0, eccentric_s=2.5, rest_s=0.5)
PERIOD_S = 5.5
RATE_HZ = 80
PEAKS_N = (104.0, 106.0, 105.0, 107.0, 105.0, 104.0, 103.0, 102.0, 101.0, 98.0, 88.0, 84.0)
ZONE = TensionZone(90.0, 110.0)
CALIBRATION = Calibration.identity(Unit.NEWTON)

NOT_COUNTED = Message(
    "{count} movements of about {swing:.1f} N, {interval:.1f} s apart, were taken for steps and not "
    "counted; if they were repetitions, add them while training",
    count=12,
    swing=4.3,
    interval=0.4,
)

SCENES = (
    "ready",
    "not-counted",
    "pull",
    "hold",
    "return",
    "valley",
    "rest",
    "rest-over",
    "limit",
    "lost",
    "sides",
    "finished",
)


class Scene:
    """A view, its samples, and the events that made it; time stands where it was stopped."""

    def __init__(
        self,
        *,
        exercise: str = "seated-row",
        zone: TensionZone | None = ZONE,
        first_side: Side | None = None,
        sensor_side: Side | None = None,
        gain: float = 1.0,
        hidden: Mapping[str, str] | None = None,
        chances: Mapping[int, float] | None = None,
    ) -> None:
        plan = Plan(sets=3, reps=8, reps_top=12, tempo=TEMPO, zone=zone)
        settings = WorkoutSettings(CALIBRATION, get_exercise(exercise), plan, first_side=first_side)
        self.now_s = 0.0
        self.gain = gain
        self.hidden = hidden or {}
        """What cannot be told of each repetition, as `Rep.hidden`."""
        self.chances = chances or {}
        """P(so many repetitions more) of each set."""
        self.state = ViewState(
            title=get_exercise(exercise).name,
            settings=settings,
            sensor_side=sensor_side,
            clock=lambda: self.now_s,
        )
        self.levels: list[tuple[float, float]] = []
        self.sounds = SoundPlan(self.state)
        self.number = 0
        self._told = 0
        self.tell(LinkChanged(0.0, "streaming", "", 0.0), BatteryChanged(0.0, 87, 0.0))

    def tell(self, *events: Event) -> None:
        for event in events:
            self.now_s = max(self.now_s, event.detected_s)
            self.state.update(event)

    def sample_until(self, end_s: float, tension_n: float | None = 0.0) -> None:
        """Samples of a still band, or of the person's movement where no tension is given."""
        start_s = self.levels[-1][0] + 1 / RATE_HZ if self.levels else 0.0
        for time_s in np.arange(start_s, end_s, 1 / RATE_HZ):
            value = self._moved(float(time_s)) if tension_n is None else tension_n
            self.levels.append((float(time_s), value + 0.4 * np.sin(31.0 * float(time_s))))
        time_s, tension = self.levels[-1]
        self.tell(TensionTick(time_s, tension, max(0.3, 0.045 * tension)))

    def _moved(self, time_s: float) -> float:
        part, at_s = divmod(time_s - self.began_s, PERIOD_S)
        peak_n = PEAKS_N[int(part) % len(PEAKS_N)] * self.gain
        up, hold, down = TEMPO.concentric_s, TEMPO.hold_s, TEMPO.eccentric_s
        if at_s < up:
            level = float(minimum_jerk(at_s / up))
        elif at_s < up + hold:
            level = 1.0
        else:
            level = 1.0 - float(minimum_jerk(min(1.0, (at_s - up - hold) / down)))
        return 9.0 + (peak_n - 9.0) * level

    def rep(self, index: int, peak_n: float) -> Rep:
        start_s = self.began_s + (index - 1) * PERIOD_S
        return Rep(
            index=index,
            pull_start_s=start_s + 0.38,
            hold_start_s=start_s + 1.12,
            return_start_s=start_s + 3.1,
            end_s=start_s + 4.4,
            peak_time_s=start_s + 1.5,
            peak_n=peak_n,
            start_n=9.0,
            end_n=9.0,
            hidden=self.hidden,
        )

    def train(self, reps: float, *, side: Side | None = None) -> None:
        """A set of so many repetitions from here, the last one as far as the fraction says."""
        self.number += 1
        self.began_s = self.now_s + 1.0
        end_s = self.began_s + reps * PERIOD_S
        happened = sorted(self._happening(int(reps) + 1, side), key=lambda event: event.detected_s)
        for event in happened:
            if event.detected_s > end_s:
                break
            self.sample_until(event.detected_s, None)
            self.tell(event)
        self.sample_until(end_s, None)

    def _happening(self, reps: int, side: Side | None) -> Iterator[Event]:
        for index in range(1, reps + 1):
            rep = self.rep(index, PEAKS_N[index - 1] * self.gain)
            start_s = rep.pull_start_s
            yield PhaseChanged(start_s, Phase.CONCENTRIC, start_s + 0.05)
            yield CueGiven(start_s, CueKind.EXHALE, start_s + 0.05, phase=Phase.CONCENTRIC)
            top_s = rep.hold_start_s
            yield PhaseChanged(top_s, Phase.HOLD, top_s + 0.05)
            if index == 1:
                yield SetStarted(top_s, self.number, top_s + 0.2, side)
            yield RepCounted(rep.peak_time_s, index, rep.peak_n, top_s + 0.2, index)
            yield PhaseChanged(rep.return_start_s, Phase.ECCENTRIC, rep.return_start_s + 0.1)
            inhale_s = rep.return_start_s + 0.1
            yield CueGiven(rep.return_start_s, CueKind.INHALE, inhale_s, phase=Phase.ECCENTRIC)
            yield PhaseChanged(rep.end_s, Phase.REST, rep.end_s + 0.1)
            yield RepCompleted(rep.end_s, index, rep, rep.end_s + 0.1)

    def end_set(self, reps: int, *, side: Side | None = None) -> None:
        """The set is over, and a moment has passed."""
        self.sample_until(self.now_s + 2.0, 0.0)
        done = tuple(
            replace(self.rep(n + 1, PEAKS_N[n] * self.gain), partial=PEAKS_N[n] < 86.0) for n in range(reps)
        )
        time_s, tension_n = (np.array(column) for column in zip(*self.levels, strict=True))
        metrics = rep_metrics(done, time_s, tension_n, calibration=CALIBRATION, band=None, zero_doubt_n=4.7)
        result = SetResult(
            number=self.number,
            start_s=done[0].pull_start_s,
            end_s=done[-1].end_s,
            reps=done,
            live_reps=done,
            rep_metrics=metrics,
            metrics=set_metrics(metrics),
            ended_by=SetEnd.ASKED,
            side=side,
            zone=self.state.zone,
            chances={reps + more: p for more, p in self.chances.items()},
        )
        self.tell(SetDone(result.end_s, self.number, result, self.now_s))

    def post(self, board: Board) -> None:
        """What is new since the last time, to the board."""
        levels, self._told = self.levels[self._told :], len(self.levels)
        post_state(board, view_name(self.state.sensor_side), self.state, levels=levels)


def advice(action: SlackAction = SlackAction.ADD, cm: int = 4, **more: object) -> Advice:
    what = {
        SlackAction.ADD: Message("Let about {cm} cm of band out of each hand.", cm=cm),
        SlackAction.REMOVE: Message("Take about {cm} cm more of the band into each hand.", cm=cm),
        SlackAction.KEEP: "",
    }
    too_hard = Reason(Rule.TOO_HARD, {"full": 5.0, "planned": 8.0})
    given: dict[str, object] = {
        "instruction": what[action],
        "amount_cm": 0 if action is SlackAction.KEEP else cm,
        "uncertainty_cm": 1.0,
        "tension_ratio": 0.89,
        "change_m": 0.08,
        "kind": SlackMethodKind.GRIP,
        "basis": Basis(5, 104.0),
    }
    return Advice(action, Rule.TOO_HARD, (too_hard,), **given | more)  # type: ignore[arg-type]


def scene(name: str, **options: object) -> Scene:
    """The state of this name (`SCENES`)."""
    if name == "sides":
        options = {"exercise": "bent-over-row", "first_side": "right"} | options
    made = Scene(**options)  # type: ignore[arg-type]
    if name in ("ready", "not-counted"):
        made.sample_until(3.0)
        if name == "not-counted":
            made.tell(SignalWarning(1.0, WarningKind.NOT_COUNTED, NOT_COUNTED, 3.0))
        return made
    made.sample_until(1.0)
    if name == "sides":
        return _sides(made)
    if name in ("rest", "rest-over", "finished"):
        return _rested(made, name)
    # The pull of the fifth repetition, the hold, and so on.
    into = {"pull": 0.16, "hold": 0.29, "return": 0.71, "valley": 0.99, "limit": 0.29, "lost": 0.29}[name]
    made.train(4.0 + into)
    if name == "valley":
        made.now_s += 0.9
        made.sample_until(made.now_s, 9.0)
        made.now_s += 1.2
    if name == "limit":
        reason = Reason(Rule.BEYOND_LIMIT, {"elongation": 1.9})
        over = advice(cm=6, when=When.NOW)
        over = replace(over, rule=Rule.BEYOND_LIMIT, reasons=(reason,))
        made.tell(SlackAdvised(made.now_s, over, made.now_s))
    if name == "lost":
        made.tell(LinkChanged(made.now_s, "lost", "the sensor is out of range", made.now_s))
        made.now_s += 5.3
    return made


def _sides(made: Scene) -> Scene:
    made.state.last_time = {"left": LastTime((8, 8, 7), 99.0)}
    made.train(7.95, side="right")
    made.end_set(8, side="right")
    return made


def _rested(made: Scene, name: str) -> Scene:
    made.train(4.95)
    made.end_set(5)
    if name == "finished":
        made.state.sets[-1].slack_cm = 4
        for reps in (8, 11):
            made.sample_until(made.now_s + 6.0)
            made.gain = 0.92
            made.train(reps - 0.05)
            made.end_set(reps)
        made.state.last_time = {None: LastTime((8, 8, 7), 101.0)}
        next_time = "3 sets again, with this slack."
        peak_n, uncertainty_n = max((done.peak_n, done.peak_uncertainty_n) for done in made.state.sets)
        compared = f"Last time 8 + 8 + 7 reps, today 5 + 8 + 11. Peak 101 N then, {peak_n:.0f} N today."
        chances = chances_of_all((len(each.reps), each.chances) for each in made.state.results)
        made.state.finished = Finished(
            7, 24, peak_n, uncertainty_n, 122.0, 372.0, next_time, compared, chances=chances
        )
        return made
    made.tell(SlackAdvised(made.now_s, advice(), made.now_s))
    rested_s = made.state.results[-1].end_s
    made.sample_until(rested_s + (59.0 if name == "rest" else 94.6), 0.0)
    made.now_s = made.levels[-1][0]
    return made
