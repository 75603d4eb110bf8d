"""The exercises that ship, and what happens to the ones people write."""

from __future__ import annotations

import re
import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from garmin_fit_sdk import Profile
from pydantic import ValidationError

from bandsense.errors import ConfigError
from bandsense.exercises.catalogue import drawing, get_exercise, load_exercises, parse_exercise, render
from bandsense.exercises.model import Anchoring, Breath, FitExercise, Load, Sides, SlackMethodKind, Tempo
from bandsense.language import speaking, tr
from bandsense.sim.physics.person import EXERCISES as SIMULATED

REPOSITORY = Path(__file__).resolve().parents[2]

DATA = REPOSITORY / "bandsense" / "exercises" / "data"
TOOL = runpy.run_path(str(REPOSITORY / "tools" / "draw_exercises.py"))
POSES, STANDING = TOOL["read"]()

FIRST = {
    "seated-row": (Anchoring.ANCHORED, Sides.BOTH),
    "lat-pulldown": (Anchoring.ANCHORED, Sides.BOTH),
    "reverse-flye": (Anchoring.ANCHORED, Sides.BOTH),
    "pull-apart": (Anchoring.BETWEEN_HANDS, Sides.BOTH),
    "overhead-pulldown": (Anchoring.BETWEEN_HANDS, Sides.BOTH),
    "bent-over-row": (Anchoring.FOOT, Sides.PAIRED),
}

BANDED = "banded_exercises"
FIT = {
    "seated-row": (BANDED, "row"),
    "lat-pulldown": (BANDED, "latpull"),
    "reverse-flye": (BANDED, "fly"),
    "pull-apart": (BANDED, "pull_apart"),
    "overhead-pulldown": (BANDED, "latpull"),
    "bent-over-row": (BANDED, "row"),
    "front-raise": (BANDED, "front_raise"),
    "external-rotation": (BANDED, "external_rotation"),
    "internal-rotation": (BANDED, "internal_rotation"),
    "face-pull": (BANDED, "face_pull"),
    "upright-row": (BANDED, "upright_row"),
    "biceps-curl": (BANDED, "curl"),
    "triceps-pressdown": (BANDED, "tricep_extension"),
    "triceps-overhead-extension": (BANDED, "tricep_extension"),
    "chest-press": (BANDED, "chest_press"),
    "shoulder-press": ("shoulder_press", None),
    "squat": (BANDED, "squat"),
    "deadlift": (BANDED, "deadlift"),
    "hip-abduction": (BANDED, "leg_abduction"),
    "hip-extension": (BANDED, "hip_extension"),
    "hip-flexion": (BANDED, None),
    "standing-row": (BANDED, "row"),
    "kneeling-pulldown": (BANDED, "latpull"),
    "pallof-press": ("core", "cable_core_press"),
    "ankle-dorsiflexion": ("warm_up", "ankle_dorsiflexion_with_band"),
    "assisted-pull-up": ("pull_up", "band_assisted_pull_up"),
}

SHIPPED = tuple(load_exercises())

MINIMAL = """
id = "my-pull"
name = "My pull"
summary = "Pull both hands to the face."
anchoring = "anchored"
rest_length_m = 0.7
stroke_m = 0.5
setup = ["Fix the band at face height."]
start_pose = "Arms forward."
end_pose = "Hands beside the ears."
cautions = ["Keep the band out of the line of the eyes."]

[[slack]]
kind = "grip"
more_slack = "Let about {cm} cm out."
less_slack = "Take about {cm} cm in."
"""


def test_the_first_six_come_first_and_the_others_by_id() -> None:
    exercises = load_exercises()
    assert {key: (ex.anchoring, ex.sides) for key, ex in list(exercises.items())[:6]} == FIRST
    assert list(exercises)[:6] == list(FIRST)
    assert list(exercises)[6:] == sorted(FIT.keys() - FIRST)


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_a_shipped_exercise_is_complete_and_safe(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    assert exercise.anchor
    assert exercise.stroke_m <= 1.6 * exercise.rest_length_m, (
        "leaves room below three times the resting length"
    )
    assert len(exercise.setup) >= 2
    assert any(method.kind is SlackMethodKind.GRIP for method in exercise.slack)
    assert not (exercise.sides is Sides.PAIRED) ^ ("in turn" in exercise.summary)


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_breath_goes_out_with_the_effort_and_the_way_back_is_no_quicker(exercise_id: str) -> None:
    breathing, tempo = get_exercise(exercise_id).breathing, get_exercise(exercise_id).tempo
    assert breathing.concentric is Breath.EXHALE
    # A press that is held is no row: it goes out and comes back alike.
    assert tempo.eccentric_s > tempo.concentric_s or tempo.hold_s >= 2.0


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_a_fit_file_names_it_as_the_profile_does(exercise_id: str) -> None:
    types = Profile["types"]
    category, subtype = FIT[exercise_id]
    fit = get_exercise(exercise_id).fit
    assert types["exercise_category"][fit.category] == category
    kin = types[f"{category}_exercise_name"]
    assert (None if fit.subtype is None else kin[fit.subtype]) == subtype
    comment = re.search(r"^fit = .* # (.*)$", (DATA / f"{exercise_id}.toml").read_text(), re.MULTILINE)
    assert comment is not None
    assert comment[1] == ", ".join(filter(None, (category, subtype)))


def test_assistance_is_negative_load() -> None:
    assert {key for key, ex in load_exercises().items() if ex.load is Load.ASSISTANCE} == {"assisted-pull-up"}
    assert [load.sign for load in (Load.RESISTANCE, Load.ASSISTANCE)] == [1, -1]
    text = render(get_exercise("assisted-pull-up"), [3], [2])
    assert "exhale on the way up, inhale on the way down" in text
    assert "Load     negative" in text
    assert "less help), one of" in text
    assert "easier" not in text


def test_tension_of_an_assisting_band_shows_the_way_down_first() -> None:
    exercise = get_exercise("assisted-pull-up").model_copy(
        update={"tempo": Tempo(concentric_s=1.0, hold_s=0.2, eccentric_s=4.0, rest_s=0.7)}
    )
    assert exercise.breathing_by_tension.concentric is Breath.INHALE
    assert exercise.tempo_by_tension == Tempo(concentric_s=4.0, hold_s=0.7, eccentric_s=1.0, rest_s=0.2)
    row = get_exercise("seated-row")
    assert (row.breathing_by_tension, row.tempo_by_tension) == (row.breathing, row.tempo)


def test_the_simulator_uses_the_names_of_the_catalogue() -> None:
    assert SIMULATED.keys() <= set(SHIPPED)


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_its_drawing_is_the_one_that_the_poses_give(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    text = f"1: {exercise.start_pose} 2: {exercise.end_pose}"
    svg = drawing(exercise_id)
    assert svg is not None
    assert svg == TOOL["drawn"](exercise_id, POSES[exercise_id], STANDING, exercise.name, text), (
        "run tools/draw_exercises.py"
    )
    root = ET.fromstring(svg)
    assert exercise.name == root.findtext("{http://www.w3.org/2000/svg}title")
    assert len(svg) < 16_000
    # Nothing is fetched, and several drawings can share a page.
    assert re.sub(r"http://www\.w3\.org/2000/svg", "", svg).find("http") < 0
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert all(each.startswith(f"bd-{exercise_id}-") for each in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(ids)


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_its_drawing_moves_the_band_as_far_as_its_stroke_says(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    start, end, _ = TOOL["panels"](exercise_id, POSES[exercise_id], STANDING)
    stroke_m = exercise.load.sign * (end.length() - start.length())
    assert stroke_m == pytest.approx(exercise.stroke_m, abs=0.12)


def test_a_pose_that_cannot_be_taken_is_refused() -> None:
    with pytest.raises(ValueError, match=r"left hand is 1\.\d+ m away; 0\.61 m can be reached"):
        TOOL["posed"]({**STANDING, "hand": [1.5, 0.2, 1.0]})


def test_a_band_between_the_hands_shares_its_change_between_them() -> None:
    for exercise in load_exercises().values():
        halves = exercise.anchoring is Anchoring.BETWEEN_HANDS
        grips = [method for method in exercise.slack if method.kind is SlackMethodKind.GRIP]
        assert [method.share for method in grips] == [0.5 if halves else 1.0]


SIDEWAYS = {"external-rotation", "internal-rotation", "hip-abduction", "pallof-press"}
STEPPED = sorted(
    key
    for key, exercise in load_exercises().items()
    if any(method.kind is SlackMethodKind.ANCHOR_DISTANCE for method in exercise.slack)
)


@pytest.mark.parametrize("exercise_id", STEPPED)
def test_a_step_counts_for_as_much_of_it_as_goes_along_the_band(exercise_id: str) -> None:
    (share,) = (
        method.share
        for method in get_exercise(exercise_id).slack
        if method.kind is SlackMethodKind.ANCHOR_DISTANCE
    )
    _, end, _ = TOOL["panels"](exercise_id, POSES[exercise_id], STANDING)
    anchor, hand, *_ = end._ends()[0]
    axis = 2 if exercise_id == "lat-pulldown" else int(exercise_id in SIDEWAYS)
    along = abs(anchor - hand)[axis] / np.linalg.norm(anchor - hand)
    assert share == pytest.approx(1.0 / along, abs=0.1)


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_it_reads_as_text(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    ways = range(len(exercise.slack))
    shown = render(exercise, [11 + way for way in ways], [21 + way for way in ways])
    text = " ".join(shown.split())
    assert all(f"about {cm + way} cm" in text for cm in (11, 21) for way in ways)
    assert exercise.name in text
    assert all(step in text for step in (*exercise.setup, *exercise.cautions))
    assert "exhale on the pull" in text or exercise.load is Load.ASSISTANCE
    assert "{" not in text
    assert max(len(line) for line in shown.splitlines()) <= 100


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_it_reads_as_german_text(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    amounts = [11] * len(exercise.slack)
    with speaking("de"):
        shown = render(exercise, amounts, amounts)
        text = " ".join(shown.split())
        assert all(tr(step) in text for step in (*exercise.setup, *exercise.cautions))
    english = render(exercise, amounts, amounts).splitlines()
    kept = {line for line in shown.splitlines() if line} & set(english)
    assert not {line for line in kept if not line.startswith("Tempo")}
    assert "Befestigung   " in shown
    assert "1,5 s, Halten" in shown or "1.5 s, hold" not in " ".join(english)
    assert max(map(len, shown.splitlines())) <= 100


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean seated-row"):
        get_exercise("seated-rows")
    with pytest.raises(ConfigError, match="there are: seated-row, lat-pulldown"):
        get_exercise("xyzzy")


def test_a_file_adds_an_exercise(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINIMAL, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not an exercise", encoding="utf-8")
    exercises = load_exercises([tmp_path, tmp_path / "missing"])
    assert set(exercises) == {*SHIPPED, "my-pull"}
    mine = exercises["my-pull"]
    assert (mine.tempo, mine.load, mine.fit) == (Tempo(), Load.RESISTANCE, FitExercise(category=37))
    assert "Anchor   a fixed point" in render(mine, [1], [1])
    assert drawing("my-pull", [tmp_path]) is None


def test_a_drawing_beside_the_file_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "my-pull.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "squat.svg").write_text("<svg id='mine'/>", encoding="utf-8")
    assert drawing("my-pull", [tmp_path, tmp_path / "missing"]) == "<svg/>"
    assert drawing("squat", [tmp_path]) == "<svg id='mine'/>"
    assert "Squat" in (drawing("squat") or "")


def test_a_file_may_replace_a_shipped_exercise(tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(MINIMAL.replace("my-pull", "seated-row"), encoding="utf-8")
    assert get_exercise("seated-row", [tmp_path]).name == "My pull"
    assert get_exercise("seated-row").name == "Seated row"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("id = ", "id == "), "not valid TOML"),
        (('"my-pull"', '"My pull"'), "id: 'My pull' must consist of lower-case letters, digits and hyphens"),
        (("stroke_m = 0.5", "stroke_m = 1.5"), "three times its resting length"),
        (("stroke_m = 0.5", "stroke_m = -1"), "stroke_m: must be more than 0.05 metres, not -1"),
        (("rest_length_m = 0.7", "rest_length_m = 70"), "rest_length_m: must be at most 5 metres, not 70"),
        (
            ("rest_length_m = 0.7", 'rest_length_m = "70 cm"'),
            "rest_length_m: '70 cm' is not a number of metres",
        ),
        (
            ("rest_length_m = 0.7", "rest_length_cm = 70"),
            "rest_length_cm: is not known; did you mean rest_length_m?",
        ),
        (('"anchored"', '"hanging"'), "anchoring: 'hanging' is not known; it can be 'anchored'"),
        (('"anchored"', '"foot"'), None),
        (('"grip"', '"foot"'), "not anchored there"),
        (("{cm} cm out", "a bit out"), "more_slack must contain {cm} once"),
        (("{cm} cm out", "{cm} cm {out}"), "no other braces"),
        (("{cm} cm out", "{cm} cm out }"), "no other braces"),
        (('kind = "grip"', 'kind = "grip"\nshare = 7'), "slack.0.share: must be at most 2, not 7"),
        (('start_pose = "Arms forward."', ""), "start_pose: is missing"),
        (("summary =", "sumary ="), "sumary: is not known; did you mean summary?"),
        (("[[slack]]", "[breathing]\npull = 'inhale'\nreturn = 'inhale'\n[[slack]]"), "breath must turn"),
        (
            ("[[slack]]", "[tempo]\nconcentric_s = 0.0\n[[slack]]"),
            "tempo.concentric_s: must be at least 0.2 seconds, not 0",
        ),
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace(*change), encoding="utf-8")
    if says is None:
        assert "my-pull" in load_exercises([tmp_path])
        return
    with pytest.raises(ConfigError) as caught:
        load_exercises([tmp_path])
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_fault_within_is_told_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_exercise(MINIMAL.replace("{cm}", "5"), source="mine.toml")
    assert str(caught.value).count(";") == 0


def test_a_band_between_the_hands_has_no_anchor_to_step_to() -> None:
    text = MINIMAL.replace('"anchored"', '"between_hands"').replace('"grip"', '"anchor_distance"')
    with pytest.raises(ConfigError, match="no fixed anchor"):
        parse_exercise(text, source="mine.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"mine\.toml cannot be read as UTF-8"):
        load_exercises([tmp_path])


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(MINIMAL, encoding="utf-8")
    (tmp_path / "b.toml").write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"b\.toml: another file .* 'my-pull'"):
        load_exercises([tmp_path])


def test_an_exercise_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        get_exercise("seated-row").stroke_m = 1.0


def test_the_example_of_the_documentation_is_an_exercise() -> None:
    text = (REPOSITORY / "docs" / "exercises.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    exercise = parse_exercise(example, source="docs/exercises.md")
    assert exercise.id == "wood-chop"
    assert len(exercise.slack) == 2
    assert exercise.id not in SHIPPED


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_the_documentation_lists_it_as_it_is(exercise_id: str) -> None:
    exercise = get_exercise(exercise_id)
    page = (REPOSITORY / "docs" / "exercises.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith("|") and f"`{exercise_id}`" in line)
    drawn, name, anchor, ways, length = (cell.strip() for cell in row.strip("|").split("|"))
    assert f"bandsense/exercises/data/{exercise_id}.svg" in drawn
    assert ("(left, right)" in name) is (exercise.sides is Sides.PAIRED)
    assert anchor == exercise.anchor
    words = {"grip": "grip", "anchor_distance": "distance to the anchor", "foot": "the foot"}
    assert ways == ", ".join(words[method.kind.value] for method in exercise.slack)
    assert length == f"{100 * exercise.rest_length_m:.0f} cm"
