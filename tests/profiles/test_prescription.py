from __future__ import annotations

import base64
import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandsense.errors import ConfigError
from bandsense.exercises.catalogue import get_exercise
from bandsense.profiles.prescription import (
    Dose,
    DoseOfExercise,
    DoseWeek,
    HandTempo,
    PrescribedExercise,
    Prescription,
    Signature,
    Stop,
    read_document,
    write_document,
)
from bandsense.profiles.signing import canonical, check_signature, digest, fingerprint, make_key, sign
from bandsense.workout.feedback import StopRules
from bandsense.workout.plan import TensionZone
from tests.needs import REPOSITORY, require_tool

names = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf")), min_size=1, max_size=40).filter(
    str.strip
)
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf")), max_size=60).map(str.strip)
ids = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
seconds = st.floats(0.0, 30.0)
moving = st.floats(0.2, 30.0)
zones = st.none() | st.tuples(st.floats(0.1, 100.0), st.floats(100.5, 2000.0))


@st.composite
def exercises(draw: st.DrawFn) -> PrescribedExercise:
    reps = draw(st.integers(1, 90))
    return PrescribedExercise(
        exercise=draw(ids),
        sets=draw(st.integers(1, 10)),
        reps=reps,
        reps_top=draw(st.none() | st.integers(reps, 100)),
        days_per_week=draw(st.integers(1, 7)),
        rest_s=draw(st.floats(0.0, 1800.0)),
        tempo=draw(
            st.none() | st.builds(HandTempo, pull_s=moving, hold_s=seconds, return_s=moving, rest_s=seconds)
        ),
        zone_n=draw(zones),
        note=draw(texts),
    )


@st.composite
def prescriptions(draw: st.DrawFn) -> Prescription:
    issued, later = sorted((draw(days), draw(days)))
    return Prescription(
        id=draw(names),
        person=draw(names),
        prescriber=draw(texts),
        issued=issued,
        until=draw(st.none() | st.just(later)),
        note=draw(texts),
        stop=Stop(pain=draw(st.none() | st.integers(1, 10)), snapped_band=draw(st.booleans())),
        exercise=tuple(
            draw(st.lists(exercises(), min_size=1, max_size=4, unique_by=lambda each: each.exercise))
        ),
        signature=draw(st.none() | st.builds(Signature, key=ids, value=ids)),
    )


weeks = st.builds(
    DoseWeek,
    monday=days,
    days=st.integers(0, 7),
    sets=st.floats(0.0, 99.0),
    full_reps=st.floats(0.0, 999.0),
    time_under_tension_s=st.floats(0.0, 1e5),
    worst_pain=st.none() | st.integers(0, 10),
    hardest_effort=st.none() | st.integers(0, 10),
)
done = st.builds(
    DoseOfExercise,
    exercise=ids,
    days_per_week=st.integers(0, 7),
    sets_per_week=st.integers(0, 70),
    reps_per_week=st.integers(0, 7000),
    time_under_tension_s_per_week=st.floats(0.0, 1e5),
    week=st.lists(weeks, max_size=3).map(tuple),
)


@st.composite
def doses(draw: st.DrawFn) -> Dose:
    first, last = sorted((draw(days), draw(days)))
    return Dose(
        prescription=draw(names),
        digest=draw(st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
        person=draw(names),
        first_day=first,
        last_day=last,
        exercise=tuple(draw(st.lists(done, max_size=3))),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prescriptions() | doses(), st.sampled_from(["x.toml", "x.json"]), texts)
def test_what_is_written_reads_back(
    tmp_path: Path, document: Prescription | Dose, name: str, heading: str
) -> None:
    write_document(document, tmp_path / name, heading)
    assert read_document(tmp_path / name) == document


@given(prescriptions())
def test_the_content_does_not_depend_on_what_is_written_out(prescription: Prescription) -> None:
    short = Prescription.model_validate_json(json.dumps(prescription.content(whole=False)))
    assert short == prescription
    assert digest(short) == digest(prescription)
    assert digest(prescription.model_copy(update={"note": prescription.note + "!"})) != digest(prescription)


def a_prescription(**changes: Any) -> Prescription:
    data: dict[str, Any] = {
        "id": "Ada 1",
        "person": "Ada",
        "issued": date(2026, 11, 28),
        "exercise": (PrescribedExercise(exercise="seated-row", reps=10),),
    }
    return Prescription(**data | changes)


@pytest.mark.parametrize(
    ("line", "instead", "reason"),
    [
        ('format = "bandsense-prescription"', "", "is neither a prescription nor a dose"),
        ('format = "bandsense-prescription"', 'format = "recipe"', "not 'recipe'"),
        ("version = 1", "version = 2", "has version 2; update bandsense to read it"),
        ('person = "Ada"', "", "person: is missing"),
        ("issued = ", "issued = 5 #", "issued"),
        ("reps = 10", "reps = 0", "exercise.0.reps: must be at least 1, not 0"),
        ("reps = 10", 'reps = "ten"', "'ten' is not a whole number"),
        ("reps = 10", "reps = 10\nreps_top = 8", "reps_top is 8, less than reps, which is 10"),
        ("reps = 10", "reps = 10\nzone_n = [60, 40]", "the lower one first"),
        ("reps = 10", "reps = 10\nmass = 5", "mass: is not known"),
        (
            'exercise = "seated-row"',
            'exercise = "Seated Row"',
            "must consist of lower-case letters, digits and hyphens",
        ),
        ("[[exercise]]", "[[exercise]", "is neither TOML nor JSON"),
        ("snapped_band = true", "snapped_band = true\npain = 11", "stop.pain: must be at most 10, not 11"),
    ],
)
def test_a_bad_file_is_told_in_plain_words(tmp_path: Path, line: str, instead: str, reason: str) -> None:
    path = tmp_path / "ada.toml"
    path.write_text(
        'format = "bandsense-prescription"\nversion = 1\nid = "1"\nperson = "Ada"\nissued = 2026-11-28\n'
        '[stop]\nsnapped_band = true\n[[exercise]]\nexercise = "seated-row"\nreps = 10\n'
    )
    assert isinstance(read_document(path), Prescription)
    path.write_text(path.read_text().replace(line, instead))
    with pytest.raises(ConfigError) as error:
        read_document(path)
    assert str(path) in str(error.value)
    assert reason in str(error.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_document(path)


@pytest.mark.parametrize("text", ["Ada\x1b[31m", "Ada\x9b2J", "Ada\u202eeoR", "Ada\u2066"])
def test_a_text_cannot_steer_the_terminal_that_shows_it(text: str) -> None:
    for field in ("person", "id", "prescriber", "note"):
        with pytest.raises(ValueError, match="write it as plain text"):
            a_prescription(**{field: text})
    assert a_prescription(note="two\nlines", person="Zoë Çelik 李").note == "two\nlines"


@pytest.mark.parametrize("kind", ['["bandsense-prescription"]', "{}", "1", "true"])
def test_a_format_that_is_no_word_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(f'{{"format": {kind}}}', encoding="utf-8")
    with pytest.raises(ConfigError, match="neither a prescription nor a dose"):
        read_document(path)


def test_a_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_document(tmp_path / "none.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigError, match="too large"):
        read_document(tmp_path / "big.toml")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_document(a_prescription(), tmp_path / "no" / "x.toml")


def test_the_plan_speaks_of_the_hand_and_the_workout_of_tension() -> None:
    asked = PrescribedExercise(
        exercise="seated-row", tempo=HandTempo(pull_s=2.0, return_s=3.0), zone_n=(40.0, 60.0)
    )
    plan = asked.plan(get_exercise("seated-row"), Stop(pain=4, snapped_band=False))
    assert (plan.sets, plan.reps, plan.reps_top) == (3, 8, 12)
    assert (plan.tempo.concentric_s, plan.tempo.eccentric_s) == (2.0, 3.0)
    assert plan.zone == TensionZone(40.0, 60.0)
    assert plan.stop == StopRules(4)
    helped = asked.plan(get_exercise("assisted-pull-up"), Stop())
    assert (helped.tempo.concentric_s, helped.tempo.eccentric_s) == (3.0, 2.0), "tension falls in the pull"
    own = PrescribedExercise(exercise="pull-apart")
    assert own.plan(get_exercise("pull-apart"), Stop()).tempo == get_exercise("pull-apart").tempo_by_tension
    assert own.plan(get_exercise("pull-apart"), Stop(), TensionZone(1.0, 2.0)).zone == TensionZone(1.0, 2.0)


def test_a_prescription_holds_until_its_last_day() -> None:
    until = a_prescription(until=date(2026, 12, 1))
    assert until.prescribed("seated-row", date(2026, 12, 1)) is not None
    assert until.prescribed("seated-row", date(2026, 12, 2)) is None
    assert until.prescribed("squat", date(2026, 12, 1)) is None


# -- signatures --------------------------------------------------------------------------------------------


def test_a_signature_holds_for_the_content_in_either_form(tmp_path: Path) -> None:
    name = make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    signed = sign(a_prescription(), tmp_path / "key.pem")
    assert check_signature(signed) == name
    for file in (tmp_path / "a.toml", tmp_path / "a.json"):
        write_document(signed, file)
        read = read_document(file)
        assert isinstance(read, Prescription)
        assert check_signature(read) == name
    assert check_signature(a_prescription()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"note": "x"},
        {"stop": Stop(pain=9)},
        {"exercise": (PrescribedExercise(exercise="seated-row", reps=11),)},
    ],
)
def test_a_change_after_signing_is_noticed(tmp_path: Path, change: dict[str, Any]) -> None:
    make_key(tmp_path / "key.pem")
    signed = sign(a_prescription(), tmp_path / "key.pem").model_copy(update=change)
    with pytest.raises(ConfigError, match="changed after it was signed"):
        check_signature(signed)


@pytest.mark.parametrize(("field", "value"), [("key", "???"), ("value", "???"), ("key", "AAAA")])
def test_a_damaged_signature_is_told(tmp_path: Path, field: str, value: str) -> None:
    make_key(tmp_path / "key.pem")
    signed = sign(a_prescription(), tmp_path / "key.pem")
    assert signed.signature is not None
    damaged = signed.signature.model_copy(update={field: value})
    with pytest.raises(ConfigError, match="its signature is damaged"):
        check_signature(signed.model_copy(update={"signature": damaged}))


def test_a_key_is_never_overwritten_and_must_be_one(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem")
    with pytest.raises(ConfigError, match="never overwritten"):
        make_key(tmp_path / "key.pem")
    (tmp_path / "no.pem").write_text("no key")
    with pytest.raises(ConfigError, match="holds no key"):
        sign(a_prescription(), tmp_path / "no.pem")


def test_what_is_signed_is_canonical_json() -> None:
    prescription = a_prescription(note="Größe", exercise=(PrescribedExercise(exercise="squat", rest_s=60.0),))
    assert canonical(prescription).decode() == (
        '{"exercise":[{"exercise":"squat","rest_s":60}],"format":"bandsense-prescription","id":"Ada 1",'
        '"issued":"2026-11-28","note":"Größe","person":"Ada","version":1}'
    )


def test_openssl_takes_the_signature_for_good(tmp_path: Path) -> None:
    require_tool("openssl", "install it: apt-get install openssl")
    make_key(tmp_path / "key.pem")
    signed = sign(a_prescription(), tmp_path / "key.pem")
    assert signed.signature is not None
    (tmp_path / "content").write_bytes(canonical(signed))
    (tmp_path / "value").write_bytes(base64.b64decode(signed.signature.value))
    verify = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-inkey",
        "key.pem",
        "-in",
        "content",
        "-sigfile",
        "value",
    ]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True)
    assert "Successfully" in done.stdout, done.stderr
    assert len(fingerprint(signed.signature).split("-")) == 4


@pytest.mark.parametrize(("name", "model"), [("prescription", Prescription), ("dose", Dose)])
def test_the_published_schema_is_that_of_the_code(name: str, model: type[Prescription] | type[Dose]) -> None:
    published = json.loads((REPOSITORY / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert published == model.model_json_schema(), f"bandsense plan schema {name} > docs/{name}.schema.json"


def test_the_example_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "prescriptions.md").read_text(encoding="utf-8")
    for number, kind in enumerate((Prescription, Dose)):
        path = tmp_path / f"{number}.toml"
        path.write_text(page.split("```toml\n")[number + 1].split("```")[0], encoding="utf-8")
        assert isinstance(read_document(path), kind)
