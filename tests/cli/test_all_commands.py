"""What holds for every command there is: help, output for programs, options after actions, exit statuses."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandsense.cli import parser
from tests.cli.conftest import Command

WITHOUT_JSON = {
    "serve": "runs until it is stopped",
    "calibrate": "asks and waits for answers in a terminal",
    "bringup": "writes a report as JSON",
    "completion": "prints a script",
    "mcp": "speaks a protocol of its own",
}
NEED_ARGUMENTS = {
    "both": ["A", "B"],
    "analyze": ["x.csv"],
    "replay": ["last"],
    "import": ["x.csv"],
    "upload": ["last"],
    "reanalyze": ["last"],
    "push": ["postgresql://anna@127.0.0.1:1/clinics"],
    "store init": ["postgresql://anna@127.0.0.1:1/clinics", "--clinic", "north"],
    "edit set": ["1", "--person", "ada"],
    "edit merge": ["1", "2"],
    "edit split": ["1", "--at", "3"],
    "edit delete": ["1"],
    "store backup": ["copy.sqlite3"],
    "store restore": ["copy.sqlite3"],
    "profile export": ["p.json"],
    "profile import": ["p.json"],
    "profile remove": ["ada"],
    "plan import": ["p.toml"],
    "plan dose": ["d.toml"],
    "band add": ["red"],
    "band show": ["red"],
    "band remove": ["red"],
    "band pull": ["red"],
    "sensors info": ["A"],
    "sensors identify": ["A"],
    "sensors rename": ["A", "B"],
    "sensors zero": ["A"],
    "sensors off": ["A"],
    "sensors progressor": ["A", "on"],
    "sensors forget": ["A"],
    "calibrate": ["--masses", "1,2"],
}
READ_NO_STORE = {
    *(
        "plan new",
        "plan key",
        "plan sign",
        "plan schema",
        "store init",
        "analyze",
        "doctor",
        "serve",
        "edit",
        "store",
        "mcp",
    ),
}
"""Commands that take `--store` and do not open it with what they are given here."""


def leaves(
    command: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if path and (not below or "run" in command._defaults):
        yield " ".join(path), command
    for action in below:
        for name, inner in action.choices.items():
            yield from leaves(inner, (*path, name))


COMMANDS = dict(leaves(parser()))
WITH_ACTIONS = {name.partition(" ")[0] for name in COMMANDS if " " in name}


def test_there_are_as_many_as_one_thinks() -> None:
    assert len(COMMANDS) > 60
    assert {"band list", "edit undo", "plan dose", "live"} <= COMMANDS.keys()
    assert {"band", "profile", "sensors", "store", "edit", "plan"} <= WITH_ACTIONS


@pytest.mark.parametrize("name", COMMANDS)
def test_it_explains_itself_and_has_output_for_programs(command: Command, name: str) -> None:
    done = command(*name.split(), "--help")
    assert done.status == 0
    assert f"usage: bandsense {name}" in done.out
    assert ("--json" in done.out) is (name.partition(" ")[0] not in WITHOUT_JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_nearly_right_is_named(command: Command, name: str) -> None:
    known = COMMANDS[name]._option_string_actions
    for option in sorted(known):
        if option.startswith("--") and len(option) > 5:
            wrong = f"{option[:3]}{option[4]}{option[3]}{option[5:]}"  # two letters change places
            if any(each.startswith(wrong) for each in known):
                continue
            done = command(*name.split(), wrong)
            assert done.status == 2, option
            assert "did you mean" in done.err, option
            assert option in done.err, option


@pytest.mark.parametrize("name", [each for each in COMMANDS if " " in each])
def test_options_for_store_and_output_stand_before_or_after_the_action(name: str, tmp_path: Path) -> None:
    outer, inner = name.split()
    given = NEED_ARGUMENTS.get(name) or [
        "x" for action in COMMANDS[name]._actions if action.required and not action.option_strings
    ]
    if name == "plan sign":
        given = ["x", "--key", "k"]
    for option in ("--json", "--simulated", "--store"):
        if option not in COMMANDS[outer]._option_string_actions:
            continue
        words = [option] if option != "--store" else [option, str(tmp_path)]
        before = parser(outer).parse_args([outer, *words, inner, *given])
        after = parser(outer).parse_args([outer, inner, *given, *words])
        assert vars(before) == vars(after), option
        assert getattr(before, option[2:]) not in (None, False)


@pytest.mark.parametrize(
    "name",
    [
        each
        for each, leaf in COMMANDS.items()
        if "--store" in leaf._option_string_actions and each not in READ_NO_STORE
    ],
)
def test_a_file_that_is_no_store_is_status_1_with_one_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "letter.txt"
    store.write_text("Dear store, " * 100)
    for given in ("x.csv", "p.toml", "p.json", "copy.sqlite3"):
        (tmp_path / given).write_text("time_s,force_n\n0.0,1\n0.1,2\n0.2,1\n")
    done = command(*name.split(), *NEED_ARGUMENTS.get(name, []), "--store", store)
    assert done.status == 1, done
    lines = done.err.splitlines()[name == "both" :]  # which first says that it is a former name
    assert [line.partition(": ")[0] for line in lines] == ["bandsense"]
    assert store.read_text().startswith("Dear store")


@pytest.mark.parametrize("name", ["sessions", "profile", "band", "band list --catalogue", "sensors"])
def test_lists_are_json(session: Command, name: str) -> None:
    session("band", "add", "green", "--colour", "green", "--rest-length-cm", "60")
    session("profile", "set", "--exercise", "seated-row", "--rest-length-cm", "60")
    done = session(*name.split(), "--json")
    assert done.status == 0
    for line in done.lines:
        assert isinstance(json.loads(line), dict)
    assert done.lines or name == "sensors"


def test_what_is_done_is_told_to_programs(session: Command, tmp_path: Path) -> None:
    def told(*words: str | Path) -> dict[str, object]:
        done = session(*words, "--json")
        assert done.status == 0, done
        (line,) = done.lines
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    band = told("band", "add", "green", "--colour", "green", "--rest-length-cm", "60")
    assert (band["id"], band["known_from"]) == ("green", "colour")
    assert band["f100_uncertainty_n"] > 0
    assert told("band", "show", "green") == band
    assert told("band", "remove", "green") == {"band": "green", "removed": True}
    kept = told("profile", "set", "--exercise", "seated-row", "--rest-length-cm", "60")
    assert kept["setup"]["rest_length_m"] == 0.6
    assert told("profile")["people"][0]["id"] == kept["person"]
    assert told("rate", "last", "--effort", "7")["effort"] == 7
    changed = told("edit", "set", "last", "--person", "ada")
    assert changed == {"session": 1, "changed": True, "person": "ada"}
    assert told("edit", "undo") == {"undone": "set", "sessions": [1]}
    assert told("exercises", "show", "seated-row")["id"] == "seated-row"
    path = Path(told("export", "last", "--format", "json", "-o", tmp_path)["path"])
    assert path.is_file()
    assert Path(told("store", "backup", tmp_path / "copy.sqlite3")["path"]).is_file()
    assert told("plan", "new", tmp_path / "p.toml")["format"] == "bandsense-prescription"
    assert told("plan", "import", tmp_path / "p.toml")["person"] == "me"
    assert told("plan", "forget") == {"person": "me", "forgotten": True}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("show", "laast"), "last"),
        (("band", "show", "gren"), "green"),
        (("live", "--sim", "--band", "gren"), "green"),
        (("history", "--person", "adda"), "ada"),
        (("sessions", "--person", "adda"), "ada"),
        (("sessions", "--exercise", "seated-rwo"), "seated-row"),
        (("export", "--person", "adda"), "ada"),
        (("report", "--weeks", "8", "--exercise", "seated-rwo"), "seated-row"),
        (("reanalyze", "last", "--band", "gren"), "green"),
    ],
)
def test_a_name_that_is_nearly_right_is_named(session: Command, typed: tuple[str, ...], meant: str) -> None:
    session("band", "add", "green", "--colour", "green", "--rest-length-cm", "60")
    session("edit", "set", "last", "--person", "ada")
    done = session(*typed)
    assert f"did you mean {meant}?" in done.out + done.err


@pytest.mark.parametrize(
    "typed",
    [
        ("analyze", "none"),
        ("replay", "none"),
        ("import", "none"),
        ("firmware", "update", "none"),
        ("contribute", "none", "none"),
    ],
    ids=lambda typed: typed[0],
)
def test_a_file_that_is_not_there_is_called_so(command: Command, typed: tuple[str, ...]) -> None:
    done = command(*typed)
    assert (done.status, done.err) == (1, "bandsense: none: there is no such file\n")


@pytest.mark.parametrize("name", ["plan", "profile"])
def test_what_is_no_text_is_said_in_plain_words(command: Command, tmp_path: Path, name: str) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    done = command(name, "import", picture)
    assert (done.status, done.err) == (1, f"bandsense: {picture} is not a text file\n")
