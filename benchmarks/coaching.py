"""The slack advice in a closed loop with virtual persons: `python -m benchmarks.coaching [--quick]`.

A person can pull max / (1 + k/d) at the k-th repetition of a set (Epley's formula turned around; d differs
from person to person), less what earlier sets left of fatigue. While that is more than the band needs at
full range, a repetition is full; after that the range shrinks to where the band pulls what is left. Bands
differ in strength, length and curve; lengths are measured with error or not at all; slack is changed with
error. All of that is drawn at random; the advisor sees repetitions only. A person does what is advised,
takes another band if told so, tries for eight repetitions and stops at twelve.

Not everybody does. Five more kinds of people start with a band that is right or not, and are looked at for
what they are told rather than for where they get to:

    ignores    changes nothing, whatever is advised
    overdoes   goes on to the last repetition there is, in a hurry, and takes out twice the slack advised
    in pain    breaks sets off before the eighth repetition, and says so; the plan stops at 4 of 10
    mixes      takes another band to every third session, without a word
    hasty      comes back too fast, and heeds one correction in two

Of all: the share of sets with an urgent word that was not needed, which must be 0; of the sets that were seen
to be clearly too hard or too easy, the share in which the advice came; and the spoken words a repetition,
counts and breaths included.

Printed are distributions over persons. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from bandsense.bands.band import MAX_ELONGATION, WARN_ELONGATION, Band
from bandsense.bands.laws import BandLaw, MooneyRivlin, PowerLaw
from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.bands.strand import Strand
from bandsense.exercises.catalogue import load_exercises
from bandsense.exercises.model import Exercise, SlackMethodKind
from bandsense.live.formatting import cue_spoken
from bandsense.samples import FloatArray
from bandsense.signal.events import Event, Phase, PhaseChanged, Rep, RepCompleted, RepCounted
from bandsense.workout.advice import Advice, AdvisorState, Rule, SlackAction
from bandsense.workout.advisor import Advisor
from bandsense.workout.cues import Cue, CueEngine, CueKind, CueSlot
from bandsense.workout.events import CueGiven
from bandsense.workout.feedback import Feedback, FeedbackBook, StopRules
from bandsense.workout.plan import Plan
from bandsense.workout.set_evidence import SetEvidence

COLOUR_STEP = 0.8
"""From one colour to the next lighter one: 0.78 to 0.81 in the maker's table, yellow to black."""

FULL_RANGE = 0.75
"""A repetition of at least this part of the person's full range counts as full here; the sensor's border for
partial ones lies between 0.6 and 0.75."""

SESSIONS = 8
TARGET = 0.95
PLAN = Plan()
PAIN_STOPS = 4
MOST_WORDS = 4.0
"""Spoken words a repetition on average, at most."""

CLEAR_RANGE_LOSS = 0.25
"""Range lost over a set that is clearly too hard."""

LATE_S = 0.2
"""From a movement to its being certain; of the detector, about."""


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
    kind: str = "follows"

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
        most = 30 if self.kind == "overdoes" else PLAN.reps_top
        able_n = self.max_n * form / (1.0 + np.arange(1, most + 1) / self.divisor)
        reached = np.clip(self._way(able_n), 0.05, 1.0) * self.rng.normal(1.0, 0.03, able_n.size)
        enough = able_n >= (1.0 + self.reserve) * self.needed_n
        ways: list[float] = []
        for k, (way, spare) in enumerate(zip(reached.tolist(), enough.tolist(), strict=True), start=1):
            if (k > PLAN.reps and not spare) or (ways and way < 0.5 * max(ways)):
                break
            if self.kind == "in pain" and k > 3 and self.rng.random() < 0.15:
                break
            ways.append(way)
        effort = len(ways) / max(1.0, self.possible())
        self.fatigue = self.fatigue * self.recovery + self.fatigue_per_set * min(1.5, effort)
        full = sum(way >= FULL_RANGE for way in ways)
        return self._seen(ways), full

    def _seen(self, ways: Sequence[float]) -> list[Rep]:
        reps, at_s = [], 5.0
        bottom_n, *peaks_n = self._tension_n(np.array([0.0, *ways])).tolist()
        back_s = 1.0 if self.kind == "overdoes" else 1.5
        times_s = self.rng.normal(1.0, 0.08, (len(ways), 3)) * (0.9, 0.8, back_s)
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
            twice = 2.0 if self.kind == "overdoes" and advice.action is SlackAction.REMOVE else 1.0
            done_m = twice * advice.change_m + self.rng.normal(0.0, 0.005)
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
    needless: list[bool] = field(default_factory=list)
    due: list[bool] = field(default_factory=list)
    after_stop: int = 0
    words: int = 0
    reps: int = 0
    most_corrections: int = 0

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
    colour = person.law
    for session in range(sessions):
        person.new_session()
        advisor.start_session()
        book = FeedbackBook(StopRules(pain=PAIN_STOPS))
        engine, at_s = CueEngine(PLAN, person.exercise.breathing_by_tension), 5.0
        if person.kind == "mixes":
            other = session % 3 == 2
            person.law = colour.scaled(COLOUR_STEP if other else 1.0)
        for number in range(1, PLAN.sets + 1):
            course.possible.append(person.possible())
            course.load.append(person.needed_n / person.ten_reps_n)
            course.stretch.append(person.stretch)
            reps, full = person.do_set()
            course.full.append(full)
            within = [advisor.after_rep(rep) for rep in reps]
            advice = advisor.after_set(reps, last_of_session=number == PLAN.sets)
            at_s = _listen(course, person, reps, engine, at_s) + PLAN.rest_s
            urgent = [each for each in [*within, advice] if each is not None and _urgent(each)]
            course.needless.append(bool(urgent) and person.stretch <= 1.0 + WARN_ELONGATION)
            _note_due(course, advice, reps)
            if person.kind == "in pain":
                book.set_done(number)
                book.take(Feedback(pain=round(min(10.0, 6.0 * max(0.0, PLAN.reps - full) / PLAN.reps))))
                if book.stopped is not None:
                    advisor.withdraw()
                    course.after_stop += advisor.open_advice is not None
                    break
            if not following or person.kind == "ignores":
                continue
            if advice.kind is not None:
                course.changes.append(1 if advice.action is SlackAction.ADD else -1)
            if advice.rule in (Rule.LIGHTER_BAND, Rule.STRONGER_BAND):
                course.other_bands.append(1 if advice.rule is Rule.LIGHTER_BAND else -1)
            person.follow(advisor, advice)
    return course


def _urgent(advice: Advice) -> bool:
    """Do it in the middle of the set, or look at the band before the next pull."""
    return advice.urgent or advice.action is SlackAction.CHECK


def _note_due(course: Course, advice: Advice, reps: Sequence[Rep]) -> None:
    """Note whether the advice came to a set that was seen to be clearly too hard, or clearly too easy."""
    evidence = SetEvidence.of(reps, EXPONENT_PRIOR)
    full = evidence.full
    easier = (SlackAction.ADD, SlackAction.CHANGE_BAND)
    harder = (SlackAction.REMOVE, SlackAction.CHANGE_BAND)
    if 2 <= full <= PLAN.reps - 3 or evidence.range_loss > CLEAR_RANGE_LOSS:
        course.due.append(advice.action in easier)
    elif full >= PLAN.reps_top + 3 and advice.rule not in (Rule.RETURN_FAST, Rule.PULL_FAST, Rule.TOO_HARD):
        course.due.append(advice.action in harder)


def _listen(course: Course, person: Person, reps: Sequence[Rep], engine: CueEngine, at_s: float) -> float:
    """Count what a voice says in a set: counts, breaths and words. Give the time at which it is over."""
    said = 0
    for number, rep in enumerate(reps, 1):
        hasty = person.kind in ("hasty", "overdoes")
        start_s, top_s = at_s, at_s + rep.concentric_s
        return_s = top_s + rep.hold_s
        cues = engine.push(PhaseChanged(start_s, Phase.CONCENTRIC, start_s + LATE_S))
        cues += engine.push(PhaseChanged(top_s, Phase.HOLD, top_s + LATE_S))
        at_top = engine.push(RepCounted(top_s, number, rep.peak_n, top_s + LATE_S, number))
        # A word goes before the number.
        counted = not any(cue.kind.slot is CueSlot.WORD and _words(cue) for cue in at_top)
        cues += [*at_top, *engine.push(PhaseChanged(return_s, Phase.ECCENTRIC, return_s + LATE_S))]
        told = any(cue.kind is CueKind.SLOWER for cue in cues)
        hasty = hasty and not (told and person.rng.random() < 0.5)
        back_s = 0.5 if hasty else rep.eccentric_s
        end_s = return_s + back_s
        seen = replace(
            rep,
            index=number,
            pull_start_s=start_s,
            hold_start_s=top_s,
            return_start_s=return_s,
            end_s=end_s,
        )
        rest: list[Event] = [
            PhaseChanged(end_s, Phase.REST, end_s + LATE_S),
            RepCompleted(end_s, number, seen, end_s + LATE_S),
        ]
        at_s = end_s + 1.0
        cues += [cue for event in rest for cue in engine.push(event)] + engine.advance(at_s)
        said += counted + sum(map(_words, cues))
        corrections = sum(cue.kind in (CueKind.SLOWER, CueKind.FULL_RANGE) for cue in cues)
        course.most_corrections = max(course.most_corrections, corrections)
    course.words += said + sum(map(_words, engine.end_set(at_s + 15.0)))
    course.reps += len(reps)
    return at_s


def _words(cue: Cue) -> int:
    given = CueGiven(cue.time_s, cue.kind, cue.time_s, unsure=cue.unsure, brief=cue.brief, side=cue.side)
    return len(cue_spoken(replace(given, quiet=cue.quiet)).split())


def trained(
    persons: int, load: float, seed: int, *, following: bool = True, kind: str = "follows"
) -> list[Course]:
    """Courses of persons drawn at random whose bands pull `load` times what they should."""
    seeds = np.random.default_rng(seed).spawn(persons)
    drawn = (Person.drawn(rng, load) for rng in seeds)
    return [train(replace(each, kind=kind), SESSIONS, following=following) for each in drawn]


OTHERS = ("ignores", "overdoes", "in pain", "mixes", "hasty")


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
    groups = {"follows": hard + easy + right} | {
        kind: [
            course
            for offset, load in enumerate((4.0 / 3.0, 2.0 / 3.0, 1.0))
            for course in trained(max(1, persons // 4), load, options.seed + 10 + offset, kind=kind)
        ]
        for kind in OTHERS
    }
    met = _told(groups)
    return 0 if met and min(results.values()) >= TARGET else 1


def _told(groups: dict[str, list[Course]]) -> bool:
    """Print what each kind of people is told; False if a target is missed."""
    print(f"\n{'':10} {'sets':>6} {'needless urgent':>16} {'due advice came':>17} {'words a rep':>12}")
    for kind, courses in (*groups.items(), ("all", [each for group in groups.values() for each in group])):
        due = [each for course in courses for each in course.due]
        sets = [each for course in courses for each in course.needless]
        words = sum(course.words for course in courses) / sum(course.reps for course in courses)
        came = share(due) if due else 1.0
        print(f"{kind:10} {len(sets):6} {share(sets):16.2%} {came:8.1%} of {len(due):5} {words:12.2f}")
    fine = {
        "no needless urgent word": not any(sets),
        "due advice": came >= TARGET,
        "words": words <= MOST_WORDS,
        "one correction in a repetition": max(course.most_corrections for course in courses) <= 1,
        "none after a stop": not any(course.after_stop for course in courses),
    }
    print(", ".join(f"{name}: {'met' if met else 'MISSED'}" for name, met in fine.items()))
    return all(fine.values())


if __name__ == "__main__":
    sys.exit(main())
