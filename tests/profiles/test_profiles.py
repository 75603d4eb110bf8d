"""Profiles: usual values without a question, one JSON file out and in, faults named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bandsense.bands.catalogue import Form
from bandsense.bands.fit import Mark, fit_marks
from bandsense.bands.strand import Strand
from bandsense.bands.wear import WearState
from bandsense.errors import ConfigError
from bandsense.exercises.catalogue import get_exercise, load_exercises
from bandsense.exercises.model import Exercise, SlackMethodKind, Tempo
from bandsense.profiles.band import BandProfile
from bandsense.profiles.library import Profiles
from bandsense.profiles.person import Person, Setup
from bandsense.profiles.sensor import SensorProfile
from bandsense.workout.advice import AdvisorState
from bandsense.workout.advisor import Advisor
from bandsense.workout.plan import Plan, TensionZone

ROW = get_exercise("seated-row")


def full_profiles() -> Profiles:
    setup = Setup(
        exercise="seated-row",
        band="red",
        side="left",
        rest_length_m=0.6,
        start_length_m=0.7,
        stroke_m=0.5,
        anchor="door, at the height of the ribs",
        method=SlackMethodKind.ANCHOR_DISTANCE,
        plan=Plan(sets=2, tempo=Tempo(concentric_s=2.0), zone=TensionZone(40.0, 60.0)),
        advisor=AdvisorState(Strand(0.62, 0.7, 1.2), gain=1.2, gain_uncertainty=0.1, changes_seen=3),
    )
    band = BandProfile(id="red", name="The red one", colour="red").fitted(
        fit_marks(0.6, [Mark(0.9, 20.0), Mark(1.2, 32.0)])
    )
    return Profiles(
        people=(Person(id="ada", name="Ada", setups=(setup,)),),
        bands=(band,),
        sensors=(SensorProfile(id="C0:FF:EE:00:00:01", name="Left", side="left", band="red"),),
    )


@pytest.mark.parametrize("exercise", load_exercises().values(), ids=lambda e: e.id)
def test_a_newcomer_is_asked_nothing(exercise: Exercise) -> None:
    setup = Profiles().person().setup(exercise.id)
    assert setup.plan == Plan()
    state = setup.advisor_state(exercise)
    assert state == AdvisorState.typical(exercise)
    assert not state.strand.measured
    Advisor(exercise, setup.plan, state, setup.method)


def test_an_unknown_sensor_has_usual_settings() -> None:
    sensor = Profiles().sensor("AA:BB")
    assert (sensor.id, sensor.driver, sensor.mount, sensor.side) == ("AA:BB", "bandsense", "inline", None)


def test_out_and_in_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    profiles = full_profiles()
    profiles.write(path)
    assert Profiles.read(path) == profiles
    assert json.loads(path.read_text())["version"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["profiles.json"]


def test_documents_of_the_store_are_read() -> None:
    profiles = full_profiles()
    documents = {
        kind: {entry.id: entry.model_dump(mode="json") for entry in getattr(profiles, kind)}
        for kind in ("people", "bands", "sensors")
    }
    assert Profiles.of_documents(documents) == (profiles, [])
    documents["people"]["x"] = {"nickname": "x"}
    assert Profiles.of_documents(documents) == (profiles, [("people", "x")])


def test_lengths_of_the_person_go_before_typical_ones_and_memory_before_both() -> None:
    measured = Setup(exercise="seated-row", rest_length_m=0.55, stroke_m=0.5).advisor_state(ROW)
    assert measured.strand.measured
    assert (measured.strand.rest_length_m, measured.strand.peak_length_m) == pytest.approx((0.55, 1.05))
    own_rest_only = Setup(exercise="seated-row", rest_length_m=0.6).advisor_state(ROW)
    assert own_rest_only.strand.stroke_m == pytest.approx(ROW.stroke_m)
    setup = full_profiles().person().setups[0]
    assert setup.advisor_state(ROW).gain == 1.2


def test_left_and_right_remember_for_themselves() -> None:
    left, right = AdvisorState.typical(ROW), AdvisorState(Strand(0.62, 0.7, 1.2), gain=1.2)
    setup = Setup(exercise="bent-over-row", advisor=left, advisor_right=right)
    assert setup.advisor_state(ROW, side="left") == left
    assert setup.advisor_state(ROW, side="right") == right
    assert setup.forgetting() == Setup(exercise="bent-over-row")


def test_a_band_measured_later_replaces_its_curve_and_leaves_what_was_learned() -> None:
    setup = full_profiles().person().setups[0]
    band = full_profiles().band("red")
    state = setup.advisor_state(ROW, band)
    assert state.f100_n == pytest.approx(band.f100_n)
    assert state.strand.exponent == band.exponent != setup.advisor_state(ROW).strand.exponent
    assert (state.gain, state.strand.rest_length_m) == (1.2, 0.62)


def test_another_band_begins_from_the_set_up_of_the_last() -> None:
    person = full_profiles().person()
    other = person.setup("seated-row", band="blue")
    assert (other.band, other.side, other.advisor) == ("blue", None, None)
    assert (other.rest_length_m, other.stroke_m, other.plan.sets) == (0.6, 0.5, 2)
    assert person.setup("pull-apart", band="blue") == Setup(exercise="pull-apart", band="blue")
    slow = Plan(tempo=Tempo(hold_s=1.0))
    assert person.setup("pull-apart", plan=slow).plan == slow
    assert person.setup("seated-row", band="red", side="left", plan=slow).plan.sets == 2


@pytest.mark.parametrize(
    ("exercise", "lengths", "says"),
    [
        ("seated-row", {"rest_length_m": 0.6, "stroke_m": 0.5}, None),
        ("seated-row", {"rest_length_m": 0.25}, "a band of 25 cm to 80 cm, beyond three times"),
        ("pull-apart", {"rest_length_m": 0.9, "start_length_m": 0.1}, "not stretched"),
        ("pull-apart", {"method": SlackMethodKind.FOOT}, "cannot be changed by foot, but by: grip"),
    ],
)
def test_lengths_are_held_against_the_exercise(
    exercise: str, lengths: dict[str, Any], says: str | None
) -> None:
    setup = Setup(exercise=exercise, **lengths)
    if says is None:
        setup.check(get_exercise(exercise))
        return
    with pytest.raises(ConfigError, match=says):
        setup.check(get_exercise(exercise))


def test_a_fitted_band_brings_its_curve_and_its_limit() -> None:
    band = full_profiles().band("red")
    state = Setup(exercise="seated-row").advisor_state(ROW, band)
    assert state.strand.exponent == band.exponent != pytest.approx(0.62)
    assert state.strand.exponent_uncertainty < 0.07
    assert state.f100_n == pytest.approx(band.f100_n)
    colour_only = BandProfile(id="blue", colour="blue")
    assert Setup(exercise="seated-row").advisor_state(ROW, colour_only).f100_n is None


def test_a_band_knows_its_law_as_well_as_it_can() -> None:
    assert BandProfile(id="x").law() is None
    assert 20.0 < BandProfile(id="x", colour="blue").law().f100_n < 32.0
    # The maker's figure is that of the whole loop: two strands.
    loop = BandProfile(id="x", colour="medium", form=Form.LOOP)
    assert loop.strands == 2
    assert loop.strands * loop.law().f100_n == pytest.approx(111.2, abs=0.1)
    assert BandProfile(id="x", form=Form.LOOP, strands=4).strands == 4
    assert BandProfile(id="x", colour="blue").strands == 1
    assert full_profiles().band("red").law().f100_n == pytest.approx(32.0, rel=0.02)
    with pytest.raises(ValidationError, match="no published table for a pink flat band"):
        BandProfile(id="x", colour="pink")
    unpublished = BandProfile(id="x", brand="Another", colour="pink")
    assert (unpublished.colour, unpublished.law(), unpublished.published()) == ("pink", None, None)


def test_each_calibration_pull_is_a_measure_of_wear() -> None:
    band = full_profiles().band("red")
    assert band.wear().state is WearState.UNKNOWN
    weaker = band.model_copy(update={"cycles": 200}).fitted(
        fit_marks(0.6, [Mark(0.9, 12.0), Mark(1.2, 20.0)])
    )
    assert weaker.wear().state is WearState.SUDDEN
    assert [reading.cycles for reading in weaker.stiffness] == [0, 200]


def test_a_band_asks_to_be_measured_again_after_long_use() -> None:
    band = full_profiles().band("red")
    assert band.model_copy(update={"cycles": 499}).notice() is None
    assert band.model_copy(update={"cycles": 500}).notice() == (
        "It was measured 500 repetitions ago; measure it again with `bandsense band pull red` "
        "to see whether it wears out."
    )
    assert BandProfile(id="x", cycles=5000).notice() is None, (
        "one that was never measured has nothing to lose"
    )
    weaker = band.fitted(fit_marks(0.6, [Mark(0.9, 12.0), Mark(1.2, 20.0)]))
    assert weaker.notice() == weaker.wear().message


def test_a_setup_is_replaced_by_its_like_only() -> None:
    person = full_profiles().person("ada")
    other = person.with_setup(Setup(exercise="seated-row", band="red", side="right"))
    assert len(other.setups) == 2
    changed = other.with_setup(
        other.setup("seated-row", band="red", side="right").model_copy(update={"anchor": "bar"})
    )
    assert len(changed.setups) == 2
    assert changed.setup("seated-row", band="red", side="right").anchor == "bar"
    assert changed.setup("seated-row", band="red", side="left").anchor == "door, at the height of the ribs"


def test_what_would_be_replaced_is_told() -> None:
    ours = full_profiles()
    theirs = Profiles(bands=(BandProfile(id="red", name="Another"), BandProfile(id="blue")))
    assert ours.clashes(theirs) == ["band red"]
    assert ours.clashes(ours) == Profiles().clashes(ours) == []


def test_unknown_people_and_bands_are_answered_with_the_known_ones() -> None:
    profiles = full_profiles()
    with pytest.raises(ConfigError, match="no person is called 'bob'; there are: ada"):
        profiles.person("bob")
    with pytest.raises(ConfigError, match="no band is called 'red'; there are none yet"):
        Profiles().band("red")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the whole: Input should be an object"),
        ('{"version": 2}', "version: 2 is not known; it can be 1"),
        ('{"people": [{"id": ""}]}', r"people\.0\.id"),
        ('{"people": [{}, {}]}', "two entries for the person me; keep one"),
        ('{"bands": [{"name": "x"}]}', r"bands\.0\.id: is missing"),
        ('{"bands": [{"id": "x", "f100_n": 20}]}', "give both or neither"),
        ('{"bands": [{"id": "x", "colour": "pink"}]}', "no published table for a pink flat band"),
        ('{"people": [{"setups": [{"exercise": "a", "stroke_m": -1}]}]}', r"setups\.0\.stroke_m"),
        ('{"people": [{"setups": [{"exercise": "a", "plan": {"sets": 0}}]}]}', "1 to 10 sets"),
        ('{"people": [{"setups": [{"exercise": "a"}, {"exercise": "a"}]}]}', "two entries for the set-up"),
        (
            '{"people": [{"setups": [{"exercise": "a", "advisor": {"strand": '
            '{"rest_length_m": 1, "start_length_m": 1, "peak_length_m": 1}}}]}]}',
            "not stretched",
        ),
        (
            '{"people": [{"setups": [{"exercise": "a", "rest_length_m": 0.4, "stroke_m": 1.2}]}]}',
            "a band of 40 cm to 160 cm, beyond three times",
        ),
        (
            '{"people": [{"setups": [{"exercise": "a", "rest_length_m": 0.9, "start_length_m": 0.2,'
            ' "stroke_m": 0.5}]}]}',
            "not stretched",
        ),
        ('{"sensors": [{"id": "x", "side": "middle"}]}', r"sensors\.0\.side"),
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "profiles.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as caught:
        Profiles.read(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.json cannot be read"):
        Profiles.read(tmp_path / "missing.json")
    with pytest.raises(ConfigError, match="cannot be written"):
        Profiles().write(tmp_path / "nowhere" / "profiles.json")


def test_profiles_do_not_change_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        full_profiles().people[0].name = "Bob"
