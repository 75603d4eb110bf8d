"""The slack advice in a closed loop with virtual persons: `python -m benchmarks.coaching [--quick]`.

A person can pull max / (1 + k/d) at the k-th repetition of a set (Epley's formula turned around; d differs
from person to person), less what earlier sets left of fatigue. While that is more than the band needs at
full range, a repetition is full; after that the range shrinks to where the band pulls what is left. Bands
differ in strength, length and curve; lengths are measured with error or not at all; slack is changed with
error. All of that is drawn at random; the advisor sees repetitions only. A person does what is advised,
takes another band if told so, tries for eight repetitions and stops at twelve.

Printed are distributions over persons. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from bandsense.bands.band import MAX_ELONGATION, Band
from bandsense.bands.laws import BandLaw, MooneyRivlin, PowerLaw
from bandsense.bands.strand import Strand
from bandsense.exercises.catalogue import load_exercises
from bandsense.exercises.model import Exercise, SlackMethodKind
from bandsense.samples import FloatArray
from bandsense.signal.events import Rep
from bandsense.workout.advice import Advice, AdvisorState, Rule, SlackAction
from bandsense.workout.advisor import Advisor
from bandsense.workout.plan import Plan

COLOUR_STEP = 0.8
"""From one colour to the next lighter one: 0.78 to 0.81 in the maker's table, yellow to black."""

FULL_RANGE = 0.75
"""A repetition of at least this part of the person's full range counts as full here; the sensor's border for
partial ones lies between 0.6 and 0.75."""

SESSIONS = 8
TARGET = 0.95
PLAN = Plan()


@dataclass
class Person:
    """A virtual person with a virtual band; see the module's description."""

    rng: Generator
    exercise: Exercise
    max_n: float
    divisor: float
    reserve: float
    recovery: float
    fatigue_per_set: float
    law: BandLaw
    rest_length_m: float
    start_length_m: float
    peak_length_m: float
    fatigue: float = 0.0

    @classmethod
    def drawn(cls, rng: Generator, load: float) -> Person:
        """A person whose band pulls `load` times what would let them do ten repetitions."""
        exercise = list(load_exercises().values())[rng.integers(6)]
        rest_m = exercise.rest_length_m * rng.uniform(0.75, 1.3)
        start_m = rest_m * (1.0 + rng.uniform(0.0, 0.3))
        peak_m = start_m + min(exercise.stroke_m * rng.uniform(0.7, 1.15), 1.5 * rest_m)
        law: BandLaw = PowerLaw(1.0, rng.uniform(0.5, 0.75))
        if rng.random() < 0.4:
            c2 = rng.uniform(0.0, 0.5)
            law = MooneyRivlin(1.0 - c2, c2)
        person = cls(
            rng,
            exercise,
            max_n=rng.uniform(40.0, 250.0),
            divisor=rng.uniform(24.0, 40.0),
            reserve=rng.uniform(0.0, 0.06),
            recovery=rng.uniform(0.5, 0.8),
            fatigue_per_set=rng.uniform(0.02, 0.07),
            law=law,
            rest_length_m=rest_m,
            start_length_m=start_m,
            peak_length_m=peak_m,
        )
        person.law = law.scaled(load * person.ten_reps_n / person.needed_n)
        return person

    @property
    def ten_reps_n(self) -> float:
        """Tension with which ten full repetitions are just possible when fresh."""
        return self.max_n / (1.0 + 10.0 / self.divisor)

    @property
    def needed_n(self) -> float:
        """Tension at the end of the full range."""
        return float(self._tension_n(np.ones(1))[0])

    @property
    def _stroke_m(self) -> float:
        return self.peak_length_m - self.start_length_m

    @property
    def stretch(self) -> float:
        """Length of the band in the end pose, in resting lengths."""
        return self.peak_length_m / self.rest_length_m

    def _tension_n(self, way: FloatArray) -> FloatArray:
        """Tension at parts of the way from start to end pose."""
        return Band(self.law, self.rest_length_m).tension_n(self.start_length_m + way * self._stroke_m)

    def _way(self, tension_n: FloatArray) -> FloatArray:
        length_m = Band(self.law, self.rest_length_m).length_m(tension_n)
        return np.asarray((length_m - self.start_length_m) / self._stroke_m)

    def new_session(self) -> None:
        """Rested, a little stronger than last time, and in the form of the day."""
        self.fatigue = float(self.rng.normal(0.0, 0.02))
        self.max_n *= 1.0 + self.rng.normal(0.007, 0.01)

    def possible(self) -> float:
        """Full repetitions that could be done now."""
        return self.divisor * (self.max_n * (1.0 - self.fatigue) / self.needed_n - 1.0)

    def do_set(self) -> tuple[list[Rep], int]:
        """Repetitions as the sensor sees them, and how many were full."""
        form = 1.0 - self.fatigue + self.rng.normal(0.0, 0.015)
        able_n = self.max_n * form / (1.0 + np.arange(1, PLAN.reps_top + 1) / self.divisor)
        reached = np.clip(self._way(able_n), 0.05, 1.0) * self.rng.normal(1.0, 0.03, able_n.size)
        enough = able_n >= (1.0 + self.reserve) * self.needed_n
        ways: list[float] = []
        for k, (way, spare) in enumerate(zip(reached.tolist(), enough.tolist(), strict=True), start=1):
            if (k > PLAN.reps and not spare) or (ways and way < 0.5 * max(ways)):
                break
            ways.append(way)
        effort = len(ways) / max(1.0, self.possible())
        self.fatigue = self.fatigue * self.recovery + self.fatigue_per_set * min(1.5, effort)
        full = sum(way >= FULL_RANGE for way in ways)
        return self._seen(ways), full

    def _seen(self, ways: Sequence[float]) -> list[Rep]:
        reps, at_s = [], 5.0
        bottom_n, *peaks_n = self._tension_n(np.array([0.0, *ways])).tolist()
        times_s = self.rng.normal(1.0, 0.08, (len(ways), 3)) * (0.9, 0.8, 1.5)
        for index, (way, peak_n) in enumerate(zip(ways, peaks_n, strict=True), start=1):
            concentric_s, hold_s, eccentric_s = times_s[index - 1].tolist()
            range_fraction = way / max(ways[:index])
            reps.append(
                Rep(
                    index=index,
                    pull_start_s=at_s,
                    hold_start_s=at_s + concentric_s,
                    return_start_s=at_s + concentric_s + hold_s,
                    end_s=at_s + concentric_s + hold_s + eccentric_s,
                    peak_time_s=at_s + concentric_s + hold_s / 2.0,
                    peak_n=peak_n,
                    start_n=bottom_n,
                    end_n=bottom_n,
                    partial=range_fraction < 0.6,
                    range_fraction=range_fraction,
                )
            )
            at_s += concentric_s + hold_s + eccentric_s + 1.0
        return reps

    def advisor_state(self) -> AdvisorState:
        """What the person told of their lengths: measured with a tape, or nothing."""
        if self.rng.random() < 0.5:
            return AdvisorState.typical(self.exercise)
        rest_m = self.rest_length_m + self.rng.normal(0.0, 0.015)
        start_m = self.start_length_m + self.rng.normal(0.0, 0.02)
        peak_m = self.peak_length_m + self.rng.normal(0.0, 0.03)
        return AdvisorState(Strand(rest_m, start_m, peak_m))

    def follow(self, advisor: Advisor, advice: Advice) -> None:
        """Do what is advised, as exactly as people do."""
        if advice.rule in (Rule.LIGHTER_BAND, Rule.STRONGER_BAND):
            self.law = self.law.scaled(COLOUR_STEP if advice.rule is Rule.LIGHTER_BAND else 1.0 / COLOUR_STEP)
        elif advice.kind is not None:
            done_m = advice.change_m + self.rng.normal(0.0, 0.005)
            if advice.kind is SlackMethodKind.ANCHOR_DISTANCE:
                self.start_length_m -= done_m
                self.peak_length_m -= done_m
            else:
                self.rest_length_m += done_m
            advisor.applied(advice)


@dataclass
class Course:
    """What happened to one person."""

    full: list[int] = field(default_factory=list)
    possible: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    stretch: list[float] = field(default_factory=list)
    measured: bool = False
    other_bands: list[int] = field(default_factory=list)

    @property
    def first_eight(self) -> int | None:
        """Number of the first set with the planned repetitions, from 1."""
        return next((i for i, n in enumerate(self.full, start=1) if n >= PLAN.reps), None)

    @property
    def first_right(self) -> int | None:
        """Number of the first session with at least 8 repetitions in every set, 8 to 12 possible in the
        last."""
        for session in range(len(self.full) // PLAN.sets):
            sets = slice(session * PLAN.sets, (session + 1) * PLAN.sets)
            if min(self.full[sets]) >= PLAN.reps and self.possible[sets][-1] < PLAN.reps_top + 1:
                return session + 1
        return None

    @property
    def overstretched(self) -> bool:
        """Whether the band, fine at the start, came beyond three times its resting length."""
        return max(self.stretch) > 1.0 + MAX_ELONGATION >= self.stretch[0]

    @property
    def reversals(self) -> int:
        """How often slack, or the band, was changed in the direction opposite to the change before."""
        changes = pairwise(self.changes), pairwise(self.other_bands)
        return sum(before * after < 0 for pairs in changes for before, after in pairs)


def train(person: Person, sessions: int, *, following: bool = True) -> Course:
    """Train for some sessions, following the advice or leaving the band as it is."""
    state = person.advisor_state()
    advisor = Advisor(person.exercise, PLAN, state)
    course = Course(measured=state.strand.measured)
    for _ in range(sessions):
        person.new_session()
        advisor.start_session()
        for number in range(1, PLAN.sets + 1):
            course.possible.append(person.possible())
            course.load.append(person.needed_n / person.ten_reps_n)
            course.stretch.append(person.stretch)
            reps, full = person.do_set()
            course.full.append(full)
            for rep in reps:
                advisor.after_rep(rep)
            advice = advisor.after_set(reps, last_of_session=number == PLAN.sets)
            if not following:
                continue
            if advice.action is not SlackAction.KEEP:
                course.changes.append(1 if advice.action is SlackAction.ADD else -1)
            if advice.rule in (Rule.LIGHTER_BAND, Rule.STRONGER_BAND):
                course.other_bands.append(1 if advice.rule is Rule.LIGHTER_BAND else -1)
            person.follow(advisor, advice)
    return course


def trained(persons: int, load: float, seed: int, *, following: bool = True) -> list[Course]:
    """Courses of persons drawn at random whose bands pull `load` times what they should."""
    seeds = np.random.default_rng(seed).spawn(persons)
    return [train(Person.drawn(rng, load), SESSIONS, following=following) for rng in seeds]


def share(values: Iterable[bool]) -> float:
    """Part that is true."""
    return float(np.mean(list(values)))


def within(value: int | None, limit: int) -> bool:
    """Whether something happened, and by then."""
    return value is not None and value <= limit


def _distribution(title: str, values: Iterable[int | None], persons: int) -> None:
    counts = Counter(values)
    print(f"  {title}")
    for value in sorted(counts, key=lambda v: (v is None, v)):
        part = counts[value] / persons
        print(f"    {'never' if value is None else value:>6} {part:7.1%} {'#' * round(50 * part)}")


def _report(title: str, courses: Sequence[Course]) -> None:
    final = np.array([course.load[-1] for course in courses])
    p5, p50, p95 = np.percentile(final, (5, 50, 95))
    print(f"\n{title}, {len(courses)} persons")
    print(
        f"  load after {SESSIONS} sessions, 1 = ten repetitions: median {p50:.2f}, "
        f"5 to 95 % {p5:.2f} to {p95:.2f}"
    )
    print(f"  told to take another band: {share(bool(c.other_bands) for c in courses):.0%}")
    told, untold = (
        share(course.overstretched for course in courses if course.measured is measured)
        for measured in (True, False)
    )
    print(
        f"  brought beyond three times the resting length: {told:.1%} of those who measured, {untold:.1%} of "
        "those who did not"
    )
    _distribution("changes of direction", [c.reversals for c in courses], len(courses))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the distributions; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 persons instead of 1000")
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args(arguments)
    persons = 100 if options.quick else 1000
    hard = trained(persons, 4.0 / 3.0, options.seed)
    easy = trained(persons, 2.0 / 3.0, options.seed + 1)
    right = trained(persons, 1.0, options.seed + 2)
    _report("Starting a third too hard", hard)
    _distribution("first set with at least 8 full repetitions", [c.first_eight for c in hard], persons)
    _report("Starting a third too easy", easy)
    _distribution("first session of 3 sets with 8 to 12 repetitions", [c.first_right for c in easy], persons)
    _report("Starting right", right)
    results = {
        "hard: 8 repetitions within 4 sets": share(within(c.first_eight, 4) for c in hard),
        "easy: 8-12 x 3 within 8 sessions": share(within(c.first_right, SESSIONS) for c in easy),
        "at most one change of direction": share(c.reversals <= 1 for c in hard + easy + right),
    }
    alone_hard = trained(persons, 4.0 / 3.0, options.seed, following=False)
    alone_easy = trained(persons, 2.0 / 3.0, options.seed + 1, following=False)
    alone = [
        f"{share(within(c.first_eight, 4) for c in alone_hard):6.1%}",
        f"{share(within(c.first_right, SESSIONS) for c in alone_easy):6.1%}",
        "",
    ]
    print(f"\n{'':36} advised  target  the same persons left alone")
    for (name, value), without in zip(results.items(), alone, strict=True):
        print(f"{name:36} {value:6.1%}  {'met' if value >= TARGET else 'MISSED':>7} {without:>8}")
    return 0 if min(results.values()) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
