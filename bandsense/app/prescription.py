"""Prescriptions: take one over, and tell what was done of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bandsense.app.feedback import feedback_of
from bandsense.app.history import read_history
from bandsense.app.paths import home
from bandsense.app.trainee import last_person, person_named, profiles_of
from bandsense.errors import BandsenseError, ConfigError
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import Exercise
from bandsense.history.records import SetRecord
from bandsense.language import Message
from bandsense.profiles.person import Person
from bandsense.profiles.prescription import (
    Dose,
    DoseOfExercise,
    DoseWeek,
    PrescribedExercise,
    Prescription,
)
from bandsense.profiles.signing import check_signature, digest
from bandsense.store.model import is_simulated_source
from bandsense.store.store import Store
from bandsense.workout.feedback import Feedback
from bandsense.workout.plan import measured_tempo

__all__ = ["dose_of", "exercise_named", "forget_prescription", "import_prescription", "prescription_of"]

SaidOfSets = Mapping[tuple[int, int], Feedback]
"""What was said, by session and number of the set."""


def exercise_named(exercise: str) -> Exercise:
    """Find an exercise, one of the person's own included.

    Raises:
        ConfigError: there is none.
    """
    return get_exercise(exercise, (home() / "exercises",))


def import_prescription(
    store: Store, prescription: Prescription, person: str | None = None, *, new_key: bool = False
) -> Person:
    """Keep a prescription as the one that a person follows from now on.

    Args:
        store: where the person is.
        prescription: it takes the place of the one before.
        person: id; None for the one of the prescription's name, else who trained last.
        new_key: whether one may follow that is not signed with the key of the one before.

    Raises:
        ConfigError: an exercise is not known here, the signature does not fit, or the key is another one.
        MissingExtra: it is signed, and what checks signatures is not installed.
    """
    check_signature(prescription)
    for each in prescription.exercise:
        setup_plan = each.plan(exercise_named(each.exercise), prescription.stop)
        del setup_plan  # it must be one that can be trained; `live` makes it anew
    who = _recipient(store, prescription, person)
    _require_same_key(who.prescription, prescription, new_key=new_key)
    updated = who.model_copy(update={"prescription": prescription})
    for each in reversed(prescription.exercise):  # the first one is what `live` then begins with
        exercise = exercise_named(each.exercise)
        setup = next((s for s in reversed(who.setups) if s.exercise == each.exercise), None)
        setup = setup or who.setup(each.exercise)
        plan = each.plan(exercise, prescription.stop, setup.plan.zone)
        updated = updated.with_setup(setup.model_copy(update={"plan": plan}))
    store.people.put(updated.id, updated.model_dump(mode="json", by_alias=True))
    return updated


def _recipient(store: Store, prescription: Prescription, person: str | None) -> Person:
    if person is not None:
        return person_named(store, person)
    profiles = profiles_of(store)
    if (known := profiles.person_called(prescription.person)) is not None:
        return known
    if len(profiles.people) > 1:  # it would be a guess, and the wrong person's pain would stop nothing
        raise ConfigError(
            Message(
                "it is for {wanted}, and nobody is called so here; say who follows it with --person "
                "(there are: {known})",
                wanted=prescription.person,
                known=", ".join(sorted(each.name for each in profiles.people)),
            )
        )
    return last_person(store, profiles)


def _require_same_key(before: Prescription | None, now: Prescription, *, new_key: bool) -> None:
    if before is None or before.signature is None or new_key:
        return
    if now.signature is None or now.signature.key != before.signature.key:
        how = Message("is not signed") if now.signature is None else Message("is signed with another key")
        raise ConfigError(
            Message(
                "the previous prescription was signed, and this one {how}; ask whoever sent it, and "
                "if it is genuine, import it with --new-key",
                how=how,
            )
        )


def prescription_of(person: Person) -> Prescription:
    """Get the prescription that a person follows.

    Raises:
        ConfigError: there is none.
    """
    if person.prescription is None:
        raise ConfigError(
            Message(
                "no prescription was imported for {person}; import one with `bandsense plan import FILE`",
                person=person.name,
            )
        )
    return person.prescription


def forget_prescription(store: Store, person: Person) -> None:
    """Let a person follow their own plans again; the targets stay as they were prescribed."""
    left = person.model_copy(update={"prescription": None})
    store.people.put(left.id, left.model_dump(mode="json", by_alias=True))


# -- dose --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """One set, or half of one, that counts towards a dose."""

    record: SetRecord
    said: Feedback

    @property
    def weight(self) -> float:
        """What one side of two does counts half."""
        return 1.0 if self.record.conditions.side is None else 0.5


def dose_of(store: Store, person: Person, today: date, *, simulated: bool = False) -> Dose:
    """Tell what a person did of their prescription, from its first day to today, or to its last.

    Simulated sessions count only where they are asked for, and then nothing else does; the dose says so.
    Nothing is computed anew from raw samples.

    Raises:
        ConfigError: there is no prescription.
    """
    prescription = prescription_of(person)
    last = min(today, prescription.until or today)
    days = (prescription.issued, max(prescription.issued, last))
    history = read_history(store)
    records = [
        each
        for each in history.of(person.id)
        if days[0] <= each.day <= days[1] and is_simulated_source(each.conditions.source) is simulated
    ]
    said = _said(store, {each.session for each in records})
    parts = [_Part(each, said.get((each.session, each.number), Feedback())) for each in records]
    return Dose(
        prescription=prescription.id,
        digest=digest(prescription),
        person=prescription.person,
        first_day=days[0],
        last_day=days[1],
        simulated=simulated,
        exercise=tuple(_of_exercise(each, parts, days) for each in prescription.exercise),
    )


def _said(store: Store, sessions: Iterable[int]) -> SaidOfSets:
    found: dict[tuple[int, int], Feedback] = {}
    for number in sessions:
        for stream in store.session(number).streams:
            for of_set, said in feedback_of(store, stream).items():
                found[number, of_set] = said
    return found


def _of_exercise(
    prescribed: PrescribedExercise, parts: Iterable[_Part], days: tuple[date, date]
) -> DoseOfExercise:
    mine = [part for part in parts if part.record.conditions.exercise == prescribed.exercise]
    sets = prescribed.sets * prescribed.days_per_week
    weeks: list[DoseWeek] = []
    monday = days[0] - timedelta(days=days[0].weekday())
    while monday <= days[1]:
        weeks.append(_week(monday, [part for part in mine if part.record.week == monday]))
        monday += timedelta(days=7)
    return DoseOfExercise(
        exercise=prescribed.exercise,
        days_per_week=prescribed.days_per_week,
        sets_per_week=sets,
        reps_per_week=sets * prescribed.reps,
        time_under_tension_s_per_week=round(sets * prescribed.reps * _rep_under_tension_s(prescribed), 1),
        week=tuple(weeks),
    )


def _rep_under_tension_s(prescribed: PrescribedExercise) -> float:
    """Seconds between the 10 % crossings of one repetition at the prescribed tempo (docs/metrics.md)."""
    try:
        exercise = exercise_named(prescribed.exercise)
    except BandsenseError:  # an own exercise that is here no more
        return 0.0
    tempo = measured_tempo(prescribed.tempo_of(exercise))
    return tempo.concentric_s + tempo.hold_s + tempo.eccentric_s


def _week(monday: date, parts: list[_Part]) -> DoseWeek:
    pains = [part.said.pain for part in parts if part.said.pain is not None]
    efforts = [part.said.effort for part in parts if part.said.effort is not None]
    timed = [
        part.weight * part.record.time_under_tension_s
        for part in parts
        if part.record.time_under_tension_s is not None
    ]
    untimed = sum(part.weight for part in parts if part.record.time_under_tension_s is None)
    return DoseWeek(
        monday=monday,
        days=len({part.record.day for part in parts}),
        sets=sum(part.weight for part in parts),
        full_reps=sum(part.weight * len(part.record.full) for part in parts),
        time_under_tension_s=round(sum(timed), 1) if timed or not parts else None,
        untimed_sets=untimed or None,
        worst_pain=max(pains, default=None),
        hardest_effort=max(efforts, default=None),
    )
