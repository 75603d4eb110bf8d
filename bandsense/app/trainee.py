"""Who trains what: taken from the stored profiles, with usual values for all that nobody has said yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches

from bandsense.app.paths import home
from bandsense.app.session_result import SessionResult
from bandsense.calibration.clip_on import AnyCalibration
from bandsense.errors import ConfigError, StoreError
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import Exercise, Side, Sides
from bandsense.language import Message, did_you_mean, mark, said, tr, trn
from bandsense.live.formatting import next_time_words, sets_words
from bandsense.live.session_title import SessionTitle
from bandsense.profiles.band import BandProfile
from bandsense.profiles.library import Profiles
from bandsense.profiles.person import Person, Setup
from bandsense.profiles.prescription import PrescribedExercise
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.workout.advice import AdvisorState
from bandsense.workout.plan import Plan
from bandsense.workout.progression import NextTime, Progression, SessionRecord, next_plan
from bandsense.workout.settings import WorkoutSettings

__all__ = [
    "Trainee",
    "as_known",
    "last_person",
    "load_trainee",
    "new_session",
    "next_time_of",
    "person_named",
    "profiles_of",
    "save_progress",
]

FIRST_EXERCISE = "seated-row"
"""What a newcomer is taken to train who did not name an exercise."""

_FIRST = {"left": mark("{exercise}, left first"), "right": mark("{exercise}, right first")}


@dataclass(frozen=True, slots=True)
class Trainee:
    """A person, the exercise, and how they do it; the plan is the prescribed one where there is one.

    Attributes:
        newcomer: what is to be said of a name that is new beside others, since it may be a slip; else None.
    """

    person: Person
    exercise: Exercise
    setup: Setup
    band: BandProfile | None = None
    prescribed: PrescribedExercise | None = None
    newcomer: str | None = None

    def first_side(self, wanted: Side | None) -> Side | None:
        """Return the side that begins where left and right take turns: the one wanted, else left.

        Raises:
            ConfigError: a side is wanted where both work together.
        """
        if self.exercise.sides is Sides.PAIRED:
            return wanted or "left"
        if wanted is not None:
            raise ConfigError(
                Message(
                    "{exercise} is done with both sides at once; leave out --side",
                    exercise=self.exercise.name,
                )
            )
        return None

    def settings(
        self,
        calibration: AnyCalibration,
        *,
        pre_stretched: bool = False,
        first_side: Side | None = None,
        sensor_side: Side | None = None,
    ) -> WorkoutSettings:
        """Return settings for a workout with a sensor that is read by this calibration.

        Args:
            calibration: from readings to tension.
            pre_stretched: the band is stretched at the start already.
            first_side: the one that begins where left and right take turns with one sensor.
            sensor_side: where this sensor is, where there are two: the advice remembers each side.
        """
        taking_turns = first_side is not None
        return WorkoutSettings(
            calibration=calibration,
            exercise=self.exercise,
            plan=self.setup.plan,
            advisor=self.setup.advisor_state(self.exercise, self.band, sensor_side),
            method=self.setup.method,
            pre_stretched=pre_stretched,
            first_side=first_side,
            advisor_right=(
                self.setup.advisor_state(self.exercise, self.band, "right") if taking_turns else None
            ),
            band=None if self.band is None else self.band.measured(),
        )

    def prescription_words(self) -> str | None:
        """Say what is prescribed of this exercise, or that a prescription has ended; None without one."""
        prescription = self.person.prescription
        if prescription is None or all(each.exercise != self.exercise.id for each in prescription.exercise):
            return None
        if self.prescribed is None:
            return tr("your prescription ended on {day}; your own plan applies again", day=prescription.until)
        amount, by = _amount_words(self.prescribed), prescription.prescriber
        if by:
            words = tr("prescribed by {by}: {amount}.", by=by, amount=amount)
        else:
            words = tr("prescribed: {amount}.", amount=amount)
        return f"{words} {self.prescribed.note}" if self.prescribed.note else words

    def title(self, first_side: Side | None = None, *, simulated: bool = False) -> SessionTitle:
        """Say who trains what, with which band, for the head of a view."""
        exercise = Message(self.exercise.name)
        if first_side is not None:
            exercise = Message(_FIRST[first_side], exercise=exercise)
        further = [] if self.band is None else [Message("band {name}", name=self.band.name)]
        further += [Message("simulated")] if simulated else []
        return SessionTitle(exercise, person=self.person.name, further=further)

    def session(self, source: str, streams: Sequence[NewStream]) -> NewSession:
        """Begin a session of this person now, of these streams from this source.

        The settings of each stream also keep what a later comparison needs: the band and its length.
        """
        setup = {"band": self.setup.band, "rest_length_m": self.setup.rest_length_m}
        streams = [replace(each, settings={**each.settings, "setup": setup}) for each in streams]
        band = None if self.band is None else self.band.id
        return new_session(source, streams, person=self.person.id, exercise=self.exercise.id, band=band)


def new_session(
    source: str,
    streams: Sequence[NewStream],
    *,
    person: str | None,
    exercise: str | None = None,
    band: str | None = None,
) -> NewSession:
    """Begin a session now, recorded by this software."""
    from bandsense import __version__

    return NewSession(
        source=source,
        started_unix_s=time.time(),
        streams=tuple(streams),
        software=f"bandsense {__version__}",
        person=person,
        exercise=exercise,
        band=band,
    )


def profiles_of(store: Store) -> Profiles:
    """Return everything that is kept about people, bands and sensors.

    What makes no sense is set aside in the store, and said each time it is opened: one damaged text is no
    reason not to train.
    """
    tables = {"people": store.people, "bands": store.bands, "sensors": store.sensors}
    documents = {kind: table.all() for kind, table in tables.items()}
    profiles, faulty = Profiles.of_documents(documents)
    for kind, key in faulty:
        with suppress(StoreError):  # a store that is only read keeps it as it is
            tables[kind].set_aside(key)
    return profiles


def load_trainee(store: Store, person: str | None, exercise: str | None, band: str | None = None) -> Trainee:
    """Load the named person at the named exercise; by default whoever trained last, at what they did last.

    A person who is not known yet is a newcomer by that name. Without a band it is the one that the exercise
    was done with last; if that is not known any more, it is an unknown band.

    Raises:
        ConfigError: there is no such exercise or band.
    """
    profiles = profiles_of(store)
    who = last_person(store, profiles) if person is None else _person(profiles, person)
    last = who.setups[-1] if who.setups else None
    doing = get_exercise(exercise or (last.exercise if last else FIRST_EXERCISE), (home() / "exercises",))
    if band is not None:
        profiles.band(band)  # one that is named must be known
    else:
        band = next((setup.band for setup in reversed(who.setups) if setup.exercise == doing.id), None)
    with_band = next((each for each in profiles.bands if each.id == band), None)
    setup = who.setup(doing.id, band=band, plan=Plan(tempo=doing.tempo_by_tension))
    prescription = who.prescription
    prescribed = None if prescription is None else prescription.prescribed(doing.id, date.today())
    if prescription is not None and prescribed is not None:
        plan = prescribed.plan(doing, prescription.stop, setup.plan.zone)
        setup = setup.model_copy(update={"plan": plan})
    return Trainee(who, doing, setup, with_band, prescribed, _newcomer_words(profiles, who))


def _newcomer_words(profiles: Profiles, who: Person) -> str | None:
    known = [each.name for each in profiles.people]
    if not known or any(each.id == who.id for each in profiles.people):
        return None
    near = get_close_matches(who.name, known, n=2)
    if not near:
        return tr("{person} is new here", person=who.name)
    return tr(
        "{person} is new here; {did_you_mean} `bandsense edit set SESSION --person NAME` gives a session to "
        "somebody else",
        person=who.name,
        did_you_mean=said(did_you_mean(near)),
    )


def last_person(store: Store, profiles: Profiles | None = None) -> Person:
    """Find who trained last; before any session the first person, or a newcomer.

    Sessions of the simulator count in a store that has no others.
    """
    profiles = profiles_of(store) if profiles is None else profiles
    trained = [session for session in store.sessions() if session.person is not None]
    last = next((session for session in trained if not session.simulated), trained[0] if trained else None)
    return profiles.person() if last is None else _person(profiles, str(last.person))


def person_named(store: Store, name: str | None) -> Person:
    """Find the person of this name, or a newcomer by it; without a name whoever trained last."""
    profiles = profiles_of(store)
    return last_person(store, profiles) if name is None else _person(profiles, name)


def _person(profiles: Profiles, name: str) -> Person:
    known = profiles.person_called(name)
    if known is not None:
        return known
    return Person() if name.strip().casefold() == Person().id else Person.called(name)


def as_known(store: Store, name: str) -> str:
    """Return a person's identity as the store spells it: `ada` is Ada; a name that nobody has stays as it is.

    Profiles count first, then whoever trained without one, as in a store that was imported.
    """
    known = profiles_of(store).person_called(name)
    if known is not None:
        return known.id
    trained = {session.person for session in store.sessions() if session.person is not None}
    near = [each for each in trained if each.casefold() == name.strip().casefold()]
    return near[0] if len(near) == 1 and name not in trained else name


def save_progress(store: Store, who: Trainee, result: SessionResult) -> Progression:
    """Keep what the slack advice learned, what the band has done, and the plan for next time, which is given.

    The finished session must be in the store already.
    """
    advisors = _advisor_states(result)
    if who.prescribed is None:
        done = next_plan(
            who.setup.plan,
            _records(store, who),
            less_slack=any(state.slack_was_reduced for state in advisors.values()),
            more_slack=any(state.slack_was_added for state in advisors.values()),
            to_check=any(workout.to_check for workout in result.workouts.values()),
        )
    else:  # how much is done next is the clinician's to say
        done = Progression(who.setup.plan, NextTime.PRESCRIBED)
    left = advisors.get(None, advisors.get("left"))
    learned = {"advisor": left, "advisor_right": advisors.get("right")}
    setup = who.setup.model_copy(update={**learned, "plan": done.plan})
    # Put at the end, so that the last one is what was done last.
    person = who.person.with_setup(setup)
    store.people.put(person.id, person.model_dump(mode="json", by_alias=True))
    if who.band is not None:
        band = who.band.model_copy(update={"cycles": who.band.cycles + result.reps})
        store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    return done


def next_time_of(who: Trainee, done: Progression) -> str:
    """Describe what comes next session: what the prescription says, else the progression."""
    return next_time_words(done) if who.prescribed is None else prescribed_words(who.prescribed)


def prescribed_words(prescribed: PrescribedExercise) -> str:
    """Say what is asked for next time."""
    return tr("As prescribed: {amount}.", amount=_amount_words(prescribed))


def _amount_words(prescribed: PrescribedExercise) -> str:
    return tr(
        "{sets} of {reps} to {most}, {often}",
        sets=sets_words(prescribed.sets),
        reps=prescribed.reps,
        most=prescribed.most_reps,
        often=trn("once a week", "{n} times a week", prescribed.days_per_week),
    )


def _advisor_states(result: SessionResult) -> dict[Side | None, AdvisorState]:
    """Return what the advice is to remember, by side; None where one sensor measures both at once."""
    if None in result.workouts:
        return result.workouts[None].advisor_states
    return {
        side: state for side, workout in result.workouts.items() for state in workout.advisor_states.values()
    }


def _records(store: Store, who: Trainee) -> list[SessionRecord]:
    """Earlier sessions of this person and exercise, oldest first; simulated ones only after one of these."""
    wanted = (who.person.id, who.exercise.id)
    records = []
    sessions = store.sessions()
    for session in reversed(sessions):
        if session.simulated and not sessions[0].simulated:
            continue
        summary = session.summary or {}
        if (session.person, session.exercise) == wanted and summary.get("full_reps"):
            records.append(SessionRecord(tuple(summary["full_reps"]), summary["planned_sets"]))
    return records
