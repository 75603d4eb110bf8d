"""Weeks of training with a simulated person, stored as if they had happened: a store with a history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from bandsense.app.pipeline import SessionPipeline
from bandsense.bands.displacement import FittedBand
from bandsense.bands.wear import Stiffness
from bandsense.calibration.curve import Calibration, Grade
from bandsense.exercises.catalogue import get_exercise
from bandsense.profiles.band import BandProfile
from bandsense.profiles.person import Person, Setup
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.sim.physics.scenario import Scenario
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.workout.advice import SlackAction
from bandsense.workout.events import SlackAdvised
from bandsense.workout.feedback import StopRules
from bandsense.workout.inputs import SlackAnswer
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

CALIBRATED = Calibration(1.0, 0.0, Unit.NEWTON, Grade.CALIBRATED, 0.25, 0.02, made_at_s=1_793_000_000)
FIRST = datetime(2026, 10, 5, 16, 2, tzinfo=UTC)
"""A Monday."""
RATE_HZ = 80.0
ZONE = TensionZone(90.0, 110.0)


@dataclass(frozen=True)
class Habit:
    """What a simulated person does, and with what.

    `peaks_n` is what the strongest pulls are scaled to, one number a session.
    """

    exercise: str = "seated-row"
    person: str = "ann"
    band: str | None = "green"
    sensor: str = "5e4500000000ba5e"
    seed: int = 3
    reps: tuple[int, ...] = (9, 9, 8)
    rest_length_m: float | None = 0.75
    zone: TensionZone | None = ZONE
    calibration: Calibration = CALIBRATED
    paired: bool = False
    source: str = "sensor"
    stop_pain: int | None = None


def _traces(habit: Habit, number: int, peak_n: float) -> Iterator[FloatArray]:
    rng = np.random.default_rng([habit.seed, number])
    day = rng.normal(1.0, 0.015)
    for index, reps in enumerate(habit.reps):
        simulated = Scenario(
            habit.seed, exercise=habit.exercise, reps=reps, set_index=100 * number + index
        ).simulate()
        tension_n = simulated.tension_n - np.median(simulated.tension_n[:20])
        strength = peak_n * day / np.percentile(tension_n, 99)
        if habit.paired and index % 2:
            strength *= 1.08
        rest = np.full(round(18.0 * RATE_HZ), tension_n[-1] * strength)
        rest = rest * np.minimum(1.0, np.linspace(3.0, 0.0, rest.size)) + rng.normal(0.0, 0.03, rest.size)
        yield tension_n * strength
        yield rest


def train_once(store: Store, habit: Habit, number: int, begun: datetime, peak_n: float) -> int:
    """Record one session; gives its number."""
    exercise = get_exercise(habit.exercise)
    settings = WorkoutSettings(
        habit.calibration,
        exercise,
        Plan(
            sets=len(habit.reps) // (2 if habit.paired else 1),
            zone=habit.zone,
            tempo=exercise.tempo,
            stop=StopRules(habit.stop_pain),
        ),
        first_side="left" if habit.paired else None,
        band=_band(habit),
    )
    document = settings.to_dict() | {"setup": {"band": habit.band, "rest_length_m": habit.rest_length_m}}
    began_s = begun.timestamp()
    recorder = store.record(
        NewSession(
            habit.source,
            began_s,
            (NewStream(habit.sensor, Unit.NEWTON, document),),
            "bandsense test",
            habit.person,
            habit.exercise,
        )
    )
    workout = Workout(settings)
    pipeline = SessionPipeline(workout, sinks=[recorder])
    advised: list[SlackAdvised] = []
    pipeline.listen(lambda event: advised.append(event) if isinstance(event, SlackAdvised) else None)
    tension_n = np.concatenate([np.zeros(160), *_traces(habit, number, peak_n)])
    time_s = np.arange(tension_n.size) / RATE_HZ
    for start in range(0, tension_n.size, 400):
        cut = slice(start, start + 400)
        pipeline.push(SampleBlock(time_s[cut], tension_n[cut], Unit.NEWTON))
        if advised and advised[-1].advice.action is not SlackAction.KEEP:
            pipeline.apply(SlackAnswer(followed=True))
        advised.clear()
    summary = pipeline.finish()
    recorder.close(ended_unix_s=began_s + float(time_s[-1]), summary=asdict(summary))
    return recorder.session


def _band(habit: Habit) -> FittedBand | None:
    if habit.band is None or habit.rest_length_m is None:
        return None
    return FittedBand(140.0, 0.62, habit.rest_length_m)


def train_weeks(
    store: Store, habit: Habit, peaks_n: Sequence[float], *, every: timedelta = timedelta(days=3.5)
) -> list[int]:
    """One session after the other from `FIRST` on; gives their numbers."""
    return [
        train_once(store, habit, number, FIRST + number * every, peak_n)
        for number, peak_n in enumerate(peaks_n)
    ]


def eight_weeks(store: Store) -> Habit:
    """A session a week for eight weeks, getting 14 % stronger, with a band that is measured and wears.

    The last one begins with a set that is too hard, and slack is let out as advised.
    """
    habit = Habit()
    peaks_n = np.linspace(92.0, 105.0, 8).tolist()
    train_weeks(store, habit, peaks_n[:-1], every=timedelta(days=7))
    last = replace(habit, reps=(5, 8, 10))
    train_once(store, last, 8, FIRST + timedelta(days=49), peaks_n[-1])
    store.people.put(
        "ann",
        Person(
            id="ann",
            name="Ann Example",
            setups=(Setup(exercise="seated-row", band="green", rest_length_m=0.75),),
        ).model_dump(mode="json", by_alias=True),
    )
    band = BandProfile(
        id="green",
        name="Green",
        rest_length_m=0.75,
        f100_n=140.0,
        exponent=0.62,
        cycles=3120,
        stiffness=(Stiffness(0, 140.0, 2.0), Stiffness(1200, 134.0, 2.0), Stiffness(2600, 129.0, 2.0)),
    )
    store.bands.put("green", band.model_dump(mode="json", by_alias=True))
    return habit


def two_sides(store: Store) -> Habit:
    """One session in which left and right took turns, the right 8 % stronger."""
    habit = replace(Habit(), exercise="bent-over-row", reps=(8, 8, 8, 8), paired=True, zone=None)
    train_once(store, habit, 40, FIRST + timedelta(days=51), 97.0)
    return habit
