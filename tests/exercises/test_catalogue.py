"""The exercises that ship, and what happens to the ones people write."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from bandsense.errors import ConfigError
from bandsense.exercises.catalogue import get_exercise, load_exercises, parse_exercise, render
from bandsense.exercises.model import Anchoring, Breath, Sides, SlackMethodKind, Tempo

REPOSITORY = Path(__file__).resolve().parents[2]

SHIPPED = {
    "seated-row": (Anchoring.ANCHORED, Sides.BOTH),
    "lat-pulldown": (Anchoring.ANCHORED, Sides.BOTH),
    "reverse-flye": (Anchoring.ANCHORED, Sides.BOTH),
    "pull-apart": (Anchoring.BETWEEN_HANDS, Sides.BOTH),
    "overhead-pulldown": (Anchoring.BETWEEN_HANDS, Sides.BOTH),
    "bent-over-row": (Anchoring.FOOT, Sides.PAIRED),
}

MINIMAL = """
id = "face-pull"
name = "Face pull"
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


def test_the_six_exercises_ship():
    exercises = load_exercises()
    assert {key: (ex.anchoring, ex.sides) for key, ex in exercises.items()} == SHIPPED


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_a_shipped_exercise_is_complete_and_safe(exercise_id):
    exercise = get_exercise(exercise_id)
    assert exercise.breathing.concentric is Breath.EXHALE
    assert exercise.tempo.eccentric_s > exercise.tempo.concentric_s, "the return is the slow part"
    assert exercise.stroke_m <= 1.6 * exercise.rest_length_m, (
        "leaves room below three times the resting length"
    )
    assert len(exercise.setup) >= 2
    assert any(method.kind is SlackMethodKind.GRIP for method in exercise.slack)


def test_a_band_between_the_hands_shares_its_change_between_them():
    for exercise in load_exercises().values():
        halves = exercise.anchoring is Anchoring.BETWEEN_HANDS
        grips = [method for method in exercise.slack if method.kind is SlackMethodKind.GRIP]
        assert [method.share for method in grips] == [0.5 if halves else 1.0]


def test_a_step_across_the_band_takes_more_than_one_along_it():
    shares = {
        key: method.share
        for key, exercise in load_exercises().items()
        for method in exercise.slack
        if method.kind is SlackMethodKind.ANCHOR_DISTANCE
    }
    # The arms open by some 0.85 m at 1.4 m from the anchor.
    along = 1.4 / math.hypot(1.4, 0.85)
    assert shares.pop("reverse-flye") == pytest.approx(1.0 / along, abs=0.03)
    assert set(shares.values()) == {1.0}


@pytest.mark.parametrize("exercise_id", SHIPPED)
def test_it_reads_as_text(exercise_id):
    exercise = get_exercise(exercise_id)
    ways = range(len(exercise.slack))
    text = render(exercise, [11 + way for way in ways], [21 + way for way in ways])
    assert all(f"about {cm + way} cm" in text for cm in (11, 21) for way in ways)
    assert exercise.name in text
    assert all(step in text for step in (*exercise.setup, *exercise.cautions))
    assert "exhale on the pull" in text
    assert "{" not in text
    assert max(len(line) for line in text.splitlines()) < 160


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean seated-row"):
        get_exercise("seated-rows")
    with pytest.raises(ConfigError, match="there are: bent-over-row"):
        get_exercise("xyzzy")


def test_a_file_adds_an_exercise(tmp_path):
    (tmp_path / "mine.toml").write_text(MINIMAL, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not an exercise", encoding="utf-8")
    exercises = load_exercises([tmp_path, tmp_path / "missing"])
    assert set(exercises) == {*SHIPPED, "face-pull"}
    assert exercises["face-pull"].tempo == Tempo()


def test_a_file_may_replace_a_shipped_exercise(tmp_path):
    (tmp_path / "row.toml").write_text(MINIMAL.replace("face-pull", "seated-row"), encoding="utf-8")
    assert get_exercise("seated-row", [tmp_path]).name == "Face pull"
    assert get_exercise("seated-row").name == "Seated row"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("id = ", "id == "), "not valid TOML"),
        (('"face-pull"', '"Face pull"'), "id: 'Face pull' must be small letters, digits and hyphens"),
        (("stroke_m = 0.5", "stroke_m = 1.5"), "three times its resting length"),
        (("stroke_m = 0.5", "stroke_m = -1"), "stroke_m: must be more than 0.05 metres, not -1"),
        (("rest_length_m = 0.7", "rest_length_m = 70"), "rest_length_m: must be at most 5 metres, not 70"),
        (
            ("rest_length_m = 0.7", 'rest_length_m = "70 cm"'),
            "rest_length_m: '70 cm' is not a number of metres",
        ),
        (
            ("rest_length_m = 0.7", "rest_length_cm = 70"),
            "rest_length_cm: is not known; is rest_length_m meant?",
        ),
        (('"anchored"', '"hanging"'), "anchoring: 'hanging' is not known; it can be 'anchored'"),
        (('"anchored"', '"foot"'), None),
        (('"grip"', '"foot"'), "not anchored there"),
        (("{cm} cm out", "a bit out"), "more_slack must contain {cm} once"),
        (("{cm} cm out", "{cm} cm {out}"), "no other braces"),
        (("{cm} cm out", "{cm} cm out }"), "no other braces"),
        (('kind = "grip"', 'kind = "grip"\nshare = 7'), "slack.0.share: must be at most 2, not 7"),
        (('start_pose = "Arms forward."', ""), "start_pose: is missing"),
        (("summary =", "sumary ="), "sumary: is not known; is summary meant?"),
        (("[[slack]]", "[breathing]\npull = 'inhale'\nreturn = 'inhale'\n[[slack]]"), "breath must turn"),
        (
            ("[[slack]]", "[tempo]\nconcentric_s = 0.0\n[[slack]]"),
            "tempo.concentric_s: must be at least 0.2 seconds, not 0",
        ),
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path, change, says):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace(*change), encoding="utf-8")
    if says is None:
        assert "face-pull" in load_exercises([tmp_path])
        return
    with pytest.raises(ConfigError) as caught:
        load_exercises([tmp_path])
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_fault_within_is_told_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        parse_exercise(MINIMAL.replace("{cm}", "5"), source="mine.toml")
    assert str(caught.value).count(";") == 0


def test_a_band_between_the_hands_has_no_anchor_to_step_to():
    text = MINIMAL.replace('"anchored"', '"between_hands"').replace('"grip"', '"anchor_distance"')
    with pytest.raises(ConfigError, match="no fixed anchor"):
        parse_exercise(text, source="mine.toml")


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"mine\.toml cannot be read as UTF-8"):
        load_exercises([tmp_path])


def test_two_files_with_one_id_are_refused(tmp_path):
    (tmp_path / "a.toml").write_text(MINIMAL, encoding="utf-8")
    (tmp_path / "b.toml").write_text(MINIMAL, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"b\.toml: another file .* 'face-pull'"):
        load_exercises([tmp_path])


def test_an_exercise_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        get_exercise("seated-row").stroke_m = 1.0


def test_the_example_of_the_documentation_is_an_exercise():
    text = (REPOSITORY / "docs" / "exercises.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    exercise = parse_exercise(example, source="docs/exercises.md")
    assert exercise.id == "face-pull"
    assert len(exercise.slack) == 2
