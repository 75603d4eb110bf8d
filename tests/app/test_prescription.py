from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bandsense.app.history import History
from bandsense.app.prescription import dose_of, import_prescription
from bandsense.app.trainee import load_trainee, profiles_of
from bandsense.errors import ConfigError
from bandsense.history.records import SetRecord
from bandsense.profiles.person import Person
from bandsense.profiles.prescription import PrescribedExercise, Prescription, Stop
from bandsense.store.store import Store
from bandsense.workout.feedback import StopRules
from bandsense.workout.plan import Plan
from tests.support.set_records import a_set

TODAY = date(2028, 2, 29)


class ThatDay(date):
    """A day that does not end while a test runs."""

    @classmethod
    def today(cls) -> ThatDay:
        return cls(TODAY.year, TODAY.month, TODAY.day)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandsense.app.trainee.date", ThatDay)


def a_prescription(**changes: object) -> Prescription:
    row = PrescribedExercise(exercise="seated-row", sets=2, reps=6, days_per_week=2)
    fields = {"id": "1", "person": "Ada", "issued": TODAY, "stop": Stop(pain=4), "exercise": (row,)}
    return Prescription.model_validate(fields | changes)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "s.sqlite3")


def test_what_is_prescribed_goes_before_ones_own_plan_while_it_holds(store: Store) -> None:
    ada = import_prescription(store, a_prescription(until=TODAY), "Ada")
    own = ada.setups[-1].model_copy(update={"plan": Plan(sets=5)})
    store.people.put("Ada", ada.with_setup(own).model_dump(mode="json", by_alias=True))
    who = load_trainee(store, "Ada", None)
    assert (who.exercise.id, who.setup.plan.sets, who.setup.plan.reps) == ("seated-row", 2, 6)
    assert who.setup.plan.stop == StopRules(4, band_lost=True)
    assert load_trainee(store, "Ada", "pull-apart").prescribed is None

    before = TODAY - timedelta(days=3)
    import_prescription(store, a_prescription(issued=before, until=TODAY - timedelta(days=1)), "Ada")
    person = profiles_of(store).person("Ada")
    changed = person.with_setup(person.setups[-1].model_copy(update={"plan": Plan(sets=5)}))
    store.people.put("Ada", changed.model_dump(mode="json", by_alias=True))
    assert load_trainee(store, "Ada", None).setup.plan.sets == 5, "it is over"
    assert str(load_trainee(store, "Ada", None).prescription_words()).startswith(
        "your prescription ended on "
    )
    assert load_trainee(store, "Ada", "pull-apart").prescription_words() is None


def test_it_is_kept_for_whom_it_names_or_who_trained_last(store: Store) -> None:
    store.people.put("ada", Person(id="ada", name="Ada").model_dump(mode="json"))
    assert import_prescription(store, a_prescription()).id == "ada"
    assert import_prescription(store, a_prescription(person="Patient 7")).id == "ada"
    assert import_prescription(store, a_prescription(person="Patient 7"), "Zoe").id == "Zoe"
    with pytest.raises(ConfigError, match=r"for Patient 7, and nobody is called so .*Ada, Zoe"):
        import_prescription(store, a_prescription(person="Patient 7"))
    assert import_prescription(store, a_prescription(person="Patient 7"), "ADA").id == "ada"
    with pytest.raises(ConfigError, match="no exercise is called"):
        import_prescription(store, a_prescription(exercise=(PrescribedExercise(exercise="rowing"),)))


def the_dose(
    store: Store, records: list[SetRecord], monkeypatch: pytest.MonkeyPatch, *, simulated: bool = False
) -> tuple[float, float, float]:
    monkeypatch.setattr("bandsense.app.prescription.read_history", lambda _store: History(tuple(records)))
    monkeypatch.setattr("bandsense.app.prescription._said", lambda *_: {})
    person = Person(id="Ada", name="Ada", prescription=a_prescription())
    dose = dose_of(store, person, TODAY, simulated=simulated)
    assert dose.simulated is simulated
    (row,) = dose.exercise
    (week,) = row.week
    return week.sets, week.full_reps, week.time_under_tension_s


def test_one_side_counts_half(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = records_of(side=None)
    halves = [*records_of(side="left"), *records_of(side="right")]
    assert the_dose(store, halves, monkeypatch) == the_dose(store, whole, monkeypatch)


def test_simulated_sessions_and_other_people_do_not_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, simulated = records_of(), records_of(source="simulator")
    others = [replace(each, person="Zoe") for each in real]
    earlier = [replace(each, day=TODAY - timedelta(days=30)) for each in real]
    told = the_dose(store, real, monkeypatch)
    assert told[0] == 1.0
    assert the_dose(store, [*real, *simulated, *others, *earlier], monkeypatch) == told
    assert the_dose(store, simulated, monkeypatch) == (0.0, 0.0, 0.0), "nor where there are no others"
    assert the_dose(store, [*real, *simulated], monkeypatch, simulated=True) == told, "unless asked for"
    assert the_dose(store, records_of(source="left.csv"), monkeypatch) == told, "what was imported counts"


def records_of(side: str | None = None, source: str = "sensor") -> list[SetRecord]:
    """One set of Ada's seated row today."""
    made = a_set()
    conditions = replace(made.conditions, exercise="seated-row", side=side, source=source)
    return [replace(made, conditions=conditions, person="Ada", day=TODAY)]
