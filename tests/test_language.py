"""One catalogue a language: nothing is missing, nothing by-passes it, and programs never see it."""

from __future__ import annotations

import argparse
import ast
import copy
import io
import json
import math
import os
import pickle
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from bandsense import errors, language
from bandsense.language import Message, accepted, languages, number, said, speaking, tr, trn
from bandsense.live.formatting import event_json
from bandsense.live.units import in_shown_unit
from bandsense.store.store import Store
from bandsense.workout.events import SlackAdvised
from tests.support.scenes import advice
from tests.support.weeks import Habit, train_weeks
from tests.workout.situations import SECTIONS
from tools import messages

ROOT = Path(__file__).resolve().parents[1]
CATALOGUES = sorted(messages.LOCALES.glob("*.po"))
MAKE = "run `make messages`, then translate what is new in bandsense/locale/*.po (docs/translating.md)"


@cache
def found() -> list[messages.Found]:
    return messages.found_messages()


def ids(catalogue: Catalog) -> set[str | tuple[str, ...]]:
    return {each.id if isinstance(each.id, str) else tuple(each.id) for each in catalogue if each.id}


def strings(message: Any) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def fields(sentence: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(sentence) if name})


# -- the catalogues ------------------------------------------------------------------------------------------


def test_every_sentence_is_marked_once_as_one_or_as_many() -> None:
    one = {sentence for _, sentence in found() if isinstance(sentence, str)}
    many = {sentence[0] for _, sentence in found() if isinstance(sentence, tuple)}
    assert not one & many, "a sentence is looked up by its singular: word one of the two otherwise"
    assert len(one) > 400


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_every_sentence_and_no_other(path: Path) -> None:
    have = {key if isinstance(key, str) else key[0] for key in ids(messages.read(path))}
    want = {sentence if isinstance(sentence, str) else sentence[0] for _, sentence in found()}
    assert have == want, f"{MAKE}: new {sorted(want - have)}, gone {sorted(have - want)}"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_no_text_is_missing(path: Path) -> None:
    missing = [each.id for each in messages.read(path) if each.id and (each.fuzzy or not all(strings(each)))]
    assert not missing, f"{MAKE}: {missing}"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_placeholders_agree(path: Path) -> None:
    wrong = []
    for each in messages.read(path):
        if not each.id or each.fuzzy or not all(strings(each)):
            continue
        wanted = fields(each.id if isinstance(each.id, str) else each.id[1])
        told = strings(each)
        if not isinstance(each.id, str) and "n" not in fields(told[0]):
            told = told[1:]  # of one there may be a word, as in "one more week"
        wrong += [one for one in told if set(fields(one)) != set(wanted) - UNSAID.get(each.id, set())]
    assert not wrong


UNSAID = {
    "the {last} pulls {apart:.0f} ± {spread:.0f} ms after the {first} ({n} reps of both; {bound})": {"first"}
}
"""Placeholders that a translation may leave out."""


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_read_as_gettext_reads_it(path: Path) -> None:
    read = language._catalogue(path.stem)
    for each in messages.read(path):
        if each.id and not each.fuzzy and all(strings(each)):
            assert list(read.sentences[each.id if isinstance(each.id, str) else each.id[0]]) == strings(each)
    assert [read.form(n) for n in (0, 1, 2, 21)] == [1, 0, 1, 1]


def test_the_page_of_all_messages_is_up_to_date() -> None:
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page(), "run `make messages`"


# -- saying --------------------------------------------------------------------------------------------------


def test_numbers_are_written_as_the_language_writes_them() -> None:
    told = "{seconds:.1f} s under tension"
    assert tr(told, seconds=20.25) == "20.2 s under tension"
    with speaking("de"):
        assert tr(told, seconds=20.25) == "20,2 s unter Spannung"
        assert (number(0.125, ".0%"), number(-1.5, "+.1f"), number(7.0, ".0f")) == ("12 %", "-1,5", "7")
        assert trn("{n} set", "{n} sets", 1) == "1 Satz"
        assert trn("{n} set", "{n} sets", 3) == "3 Sätze"
    assert trn("{n} set", "{n} sets", 1) == "1 set"


def test_what_is_not_translated_is_said_in_english() -> None:
    with speaking("de"):
        assert tr("Nobody translated {what:.1f}.", what=1.5) == "Nobody translated 1,5."
        assert trn("{n} cow", "{n} cows", 2) == "2 cows"
        assert said("plain") == "plain"


def test_a_message_is_english_until_it_is_said() -> None:
    inner = Message("Set {number}", number=2)
    message = Message("then {set}", set=inner)
    with speaking("de"):
        assert (
            json.dumps({"text": message, "line": f"{message}"})
            == '{"text": "then Set 2", "line": "then Set 2"}'
        )
        assert said(message) == "dann Satz 2"
        assert said(ValueError(message)) == "dann Satz 2"
        for kept in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
            assert (kept, said(kept)) == ("then Set 2", "dann Satz 2")
    assert said(message) == "then Set 2"


def test_a_warning_of_the_signal_is_kept_in_english_and_shown_in_german() -> None:
    from bandsense.live.formatting import format_notice
    from bandsense.signal.analysis import analyze

    at_s = [n / 80 for n in range(2400)]
    pulls_n = [max(0.0, 4000 * math.sin(each * 2)) for each in at_s]
    warning = analyze(at_s, pulls_n).warnings[0]
    assert json.loads(json.dumps(event_json(warning)))["message"].endswith(
        "N is more than people pull; check the unit and the calibration"
    )
    with speaking("de"):
        assert format_notice(warning).endswith(
            "N sind mehr, als Menschen ziehen; prüf Einheit und Kalibrierung"
        )


def test_a_language_that_there_is_not_is_refused() -> None:
    assert languages() == ("en", "de")
    with pytest.raises(ValueError, match="it speaks en, de"), speaking("tlh"):
        pass


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.5,de;q=0.7", "de"),
        ("en-GB,de", "en"),
        ("fr", None),
        ("de;q=0", None),
        ("", None),
        ("de;q=nonsense,en", "en"),
    ],
)
def test_the_language_of_a_browser(header: str, chosen: str | None) -> None:
    assert accepted(header) == chosen


def test_a_german_sentence_is_shown_in_the_unit_that_is_chosen() -> None:
    from bandsense.live.units import show_in
    from bandsense.samples import ForceUnit

    show_in(ForceUnit.KILOGRAM_FORCE)
    try:
        with speaking("de"):
            assert in_shown_unit("der Sensor zeigt +98,1 N") == "der Sensor zeigt +10,00 kgf"
    finally:
        show_in(ForceUnit.NEWTON)


# -- nothing by-passes the catalogue -------------------------------------------------------------------------

SENTENCE_ROOM = (
    "bandsense/live/formatting.py",
    "bandsense/live/history_formatting.py",
    "bandsense/live/plan_formatting.py",
    "bandsense/live/screen_words.py",
    "bandsense/live/sound.py",
    "bandsense/live/strength_formatting.py",
    "bandsense/live/terminal.py",
    "bandsense/live/units.py",
)
"""Where sentences are made."""

SAYING = set(messages.KEYWORDS)

NOT_SAID = {
    "bold", "dim", "green", "none", "ellipsis", "crop", "not bold", "default",
    "bold red", "bold reverse", "bold reverse yellow", "bold reverse cyan", "bold reverse bright_yellow",
    "Stop. ", "STOP - ", "shown unit of force", "bold ", " cm", ", cm", "target reached", "set full",
}  # fmt: skip
"""Styles, and words that only programs see."""

WORDS = re.compile(r"[A-Za-z]{2,} +[A-Za-z]{2,}|[A-Za-z]{3,}[.:;,] |^ ?[a-z]{3,} $| [a-z]{2,}$")
"""Looks like a part of a sentence."""


def by_passing(tree: ast.Module) -> Iterator[str]:
    """Literals that look like words and are not looked up."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    docstrings |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    arguments = [each for node in calls if node.func.id in SAYING for each in node.args]
    arguments += [node.args[0] for node in calls if node.func.id == "Sound"]  # its kind, for programs
    looked_up = {id(each) for argument in arguments for each in ast.walk(argument)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings | looked_up
            and node.value not in NOT_SAID
            and WORDS.search(node.value)
        ):
            yield node.value


@pytest.mark.parametrize("name", SENTENCE_ROOM)
def test_no_words_reach_a_person_past_the_catalogue(name: str) -> None:
    found = list(by_passing(ast.parse((ROOT / name).read_text(encoding="utf-8"))))
    assert not found, f"say it by `tr` (bandsense.language), whole sentences with named placeholders: {found}"


def unfilled(tree: ast.Module) -> Iterator[str]:
    """Sentences with a placeholder that nothing is given for where they are said."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("tr", "trn", "Message")
            and None not in {each.arg for each in node.keywords}
        ):
            given = {each.arg for each in node.keywords} | ({"n"} if node.func.id == "trn" else set())
            for each in node.args:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield from (each.value for name in fields(each.value) if name not in given)


def test_every_placeholder_is_filled_in() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {sentence}"
        for path in sorted(messages.PACKAGE.rglob("*.py"))
        for sentence in unfilled(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
    assert list(unfilled(ast.parse('tr("{a} of {b}", a=1); trn("{n} of {m}", "", 2)'))) == [
        "{a} of {b}",
        "{n} of {m}",
    ]


def errors_of_our_own() -> set[str]:
    """Names of the errors of bandsense but that of broken bytes, and of argparse's for a value."""
    named = {name for name in vars(errors) if isinstance(getattr(errors, name), type)}
    return named - {"FrameError"} | {"ArgumentTypeError"}


def unsaid_errors(tree: ast.Module) -> Iterator[str]:
    """Errors that are given plain words, which no catalogue has."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in errors_of_our_own():
            yield from (ast.unparse(each) for each in node.args if is_plain(each))


def is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    )


def test_every_error_that_a_person_can_meet_is_from_the_catalogue() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {words}"
        for path in sorted(messages.PACKAGE.rglob("*.py"))
        if not path.is_relative_to(messages.PACKAGE / "wire")  # details of a protocol, for a log
        and not path.is_relative_to(messages.PACKAGE / "sim")
        for words in unsaid_errors(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "raise it with a `Message` (bandsense.language)"


def test_an_error_in_plain_words_is_found() -> None:
    source = 'raise StoreError(f"no {name}")\nraise ConfigError(Message("no such thing"))'
    assert list(unsaid_errors(ast.parse(source))) == ["f'no {name}'"]


def test_an_error_is_said_in_german_with_all_that_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandsense.cli import main

    def refused(*words: str) -> str:
        assert main([*words, "--language", "de"]) == 1
        return capsys.readouterr().err.strip()

    store = ("--store", str(tmp_path / "bandsense.sqlite3"))
    gone = tmp_path / "trace.csv"
    assert refused("analyze", str(gone)) == f"bandsense: {gone}: diese Datei gibt es nicht"
    assert refused("exercises", "show", "seated-rov") == (
        "bandsense: keine Übung heißt 'seated-rov'; meintest du seated-row?"
    )
    train_weeks(Store.open(tmp_path / "bandsense.sqlite3"), Habit(reps=(3,)), [90.0], every=timedelta(days=7))
    assert (
        refused("show", "7", *store)
        == f"bandsense: es gibt kein Training 7; `bandsense sessions --store {store[1]}` listet sie auf"
    )
    gone.write_text("time_s,tension_n\n0,1\n1,x\n", encoding="utf-8")
    assert refused("analyze", str(gone)).startswith(f"bandsense: {gone}, Zeile 3: erwartet: ")


def test_an_error_keeps_its_english_for_logs_and_its_message_through_a_process() -> None:
    try:
        Path("/no/such/file").read_text(encoding="utf-8")
    except OSError as error:
        told = errors.StoreError(Message("{path} cannot be read: {error}", path=Path("a.db"), error=error))
    kept = pickle.loads(pickle.dumps(told))
    assert str(kept) == "a.db cannot be read: No such file or directory"
    with speaking("de"):
        assert said(kept) == "a.db lässt sich nicht lesen: Datei oder Ordner gibt es nicht"


PRINTING = {"print", "say", "tell", "_say", "ask", "confirm", "_answer"}
"""What shows a person at the command line its words."""


def printed_plainly(tree: ast.Module) -> Iterator[str]:
    """Words of the language, not only names and signs, that are printed without being looked up."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PRINTING:
            for each in node.args:
                parts = each.values if isinstance(each, ast.JoinedStr) else [each]
                words = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                if re.search(r"[a-z]{3,}", words.replace("bandsense", "")):
                    yield words


def test_no_command_prints_words_past_the_catalogue() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {words}"
        for path in sorted((messages.PACKAGE / "cli").rglob("*.py"))
        for words in printed_plainly(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "say it by `tr` (bandsense.language)"
    assert list(printed_plainly(ast.parse('print(f"{n} kept"); print(tr("kept"))'))) == [" kept"]


FOR_PROGRAMS = {
    "warning", "info", "debug", "error", "exception", "ValueError", "TypeError", "RuntimeError", "KeyError",
    "LookupError", "AssertionError", "Column", "Field",
}  # fmt: skip
"""What takes words for a log, a programmer or a document."""
FOR_ANOTHER_READER = {
    "bandsense/app/bug_report.py": "whoever mends bandsense",
    "bandsense/app/log_file.py": "whoever mends bandsense",
    "bandsense/cli/__init__.py": "the note under a traceback",
}
ENGLISH_THERE = {
    "What was done of a prescription, by bandsense; see: bandsense plan show FILE",  # in a file
    "A prescription for bandsense. Times are seconds of the hand",
    " -m pip install 'bandsense[",
    "something hung with every mass that was not counted",
    "one mass is not what it was said to be",
    "the masses do not fit each other",
    '\r\nContent-Disposition: form-data; name="file"; filename="',
}
"""Names of values, and what other programs read."""


def unsaid(tree: ast.Module) -> Iterator[str]:
    """Three words and more in a row of the language that no catalogue has."""
    known = {words for _, each in found() for words in ([each] if isinstance(each, str) else each)}
    apart: set[int] = set()
    for node in ast.walk(tree):
        within: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            within = [node.value]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in FOR_PROGRAMS:
            within = [*node.args, *(each.value for each in node.keywords)]
        elif isinstance(node, ast.keyword) and node.arg in ("example", "metavar"):
            within = [node.value]
        apart |= {id(inner) for each in within for inner in ast.walk(each)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            words = re.findall(r"(?<![\w./-])[a-z]{2,}(?![\w(./-])", node.value)
            begins = node.value.startswith(tuple(ENGLISH_THERE))
            if len(words) >= 3 and not begins and node.value not in known:
                yield node.value


def test_what_rooms_say_to_people_is_in_the_catalogue() -> None:
    found = [
        f"{name}: {words}"
        for room in ("app", "calibration", "cli")
        for path in sorted((messages.PACKAGE / room).rglob("*.py"))
        if (name := path.relative_to(ROOT).as_posix()) not in FOR_ANOTHER_READER
        for words in unsaid(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "say it by `tr` or a `Message` (bandsense.language)"
    assert list(
        unsaid(ast.parse('def f(n):\n    """Do this at once."""\n    return f"{n} kept with it"'))
    ) == [" kept with it"]


def test_words_past_the_catalogue_are_found() -> None:
    source = 'def f(n):\n    """Do it at once."""\n    return f"{n} sets done" + tr("All right then")'
    assert list(by_passing(ast.parse(source))) == [" sets done"]


# -- in German -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_coach_says_nothing_in_english_in_any_situation(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: set[str] = set()
    catalogue = language._catalogue("de")
    look_up, look_up_plural = language._Catalogue.look_up, language._Catalogue.look_up_plural

    def seen(own: Any, sentence: str) -> str:
        if own is catalogue and sentence not in own.sentences:
            missing.add(sentence)
        return look_up(own, sentence)

    def seen_plural(own: Any, singular: str, plural: str, n: int) -> str:
        if own is catalogue and singular not in own.sentences:
            missing.add(singular)
        return look_up_plural(own, singular, plural, n)

    monkeypatch.setattr(language._Catalogue, "look_up", seen)
    monkeypatch.setattr(language._Catalogue, "look_up_plural", seen_plural)
    with speaking("de"):
        told = [
            line.words
            for section in SECTIONS.values()
            for situation in section
            for line in situation.play().lines
        ]
    assert not missing
    assert "Ausatmen" in told
    assert len(told) > 500


def test_a_terminal_of_80_columns_shows_a_session_in_german() -> None:
    from rich.console import Console

    from bandsense.live.terminal import framed
    from tests.support.scenes import SCENES, scene

    shown: dict[str, str] = {}
    with speaking("de"):
        for name in SCENES:
            console = Console(width=80, height=24, force_terminal=False, record=True, file=io.StringIO())
            console.print(framed([scene(name).state], "", 80, 24))
            shown[name] = console.export_text()
    for name, text in shown.items():
        assert max(map(len, text.splitlines())) == 80, name
    assert "EINATMEN" not in shown["return"]
    assert "▼ EIN" in shown["return"]
    assert "▬ HALTEN" in shown["hold"]
    assert "Lass an jeder Hand etwa 4 cm Band nach." in shown["rest"]
    assert "⚠ LOCKERN" in shown["limit"]
    assert "104,8" in shown["hold"] or "105" in shown["hold"]


def test_tables_are_in_german_with_numbers_to_the_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandsense.cli import main

    path = tmp_path / "bandsense.sqlite3"
    train_weeks(Store.open(path), Habit(reps=(6, 5)), [90.0, 94.0], every=timedelta(days=7))

    def told(*words: str) -> list[str]:
        assert main([*words, "--store", str(path), "--language", "de"]) == 0
        return capsys.readouterr().out.splitlines()

    history = told("history")
    assert history[1] == "vergleichbar        2 Trainings, 5. Oktober bis 12. Oktober"
    assert [line.split()[0] for line in history[-3:]] == ["letztes", "Bestwert", "gemacht"]
    assert told("sessions")[0].split()[:5] == ["Training", "begonnen", "Dauer", "Wdh.", "Sätze"]
    head, first, *_ = (line for line in told("show", "1") if line.startswith(("Wdh.", "   1 ")))
    assert head.startswith("Wdh.  Beginn s  Zug s  Halten s  Rückweg s ")
    for name in ("Beginn s", "Zug s", "Halten s", "Rückweg s"):
        end = head.index(name) + len(name)
        assert re.fullmatch(r" *\d+,\d+", first[:end][-len(name) :]), name


def all_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from all_parsers(inner)


def test_the_catalogue_has_every_line_of_the_help() -> None:
    from bandsense.cli import parser

    known = {sentence for _, sentence in found() if isinstance(sentence, str)}
    said_in_help = {
        action.help
        for each in all_parsers(parser())
        for action in (
            *each._actions,
            *(inner for outer in each._actions for inner in getattr(outer, "_choices_actions", ())),
        )
        if action.help and action.help != argparse.SUPPRESS
    }
    said_in_help |= {
        group.title for each in all_parsers(parser()) for group in each._action_groups if group.title
    }
    assert len(said_in_help) > 250
    assert said_in_help <= known, f"tools/messages.py does not find: {said_in_help - known}"


def test_help_and_what_is_wrong_with_a_command_line_are_in_german(capsys: pytest.CaptureFixture[str]) -> None:
    from bandsense.cli import main

    def told(*words: str) -> str:
        with pytest.raises(SystemExit):
            main([*words, "--language", "de"])
        captured = capsys.readouterr()
        return captured.out + captured.err

    whole = told("--help")
    assert whole.startswith("Aufruf: bandsense [-h]")
    assert "\nOptionen:\n  -h, --help       diese Hilfe zeigen und enden\n" in whole
    assert "\nBefehle:\n" in whole
    pull = told("band", "pull", "--help")
    assert "Ein Band messen: es an markierten Längen halten." in pull
    assert "Beispiel:\n  bandsense band" in told("band", "--help")
    assert told("liv").endswith("Fehler: Argument COMMAND: ungültige Auswahl: 'liv'; meintest du live?\n")
    assert told("live", "--capturr", "3").endswith("Fehler: unbekannt: --capturr; meintest du --capture?\n")
    assert told("live", "--sets", "x").endswith("Fehler: Argument --sets: 'x' ist keine ganze Zahl\n")
    assert told("exercises", "show").endswith("Fehler: es fehlt: ID\n")


def test_the_help_is_english_unless_another_language_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    from bandsense.cli import main

    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith("usage: bandsense [-h]")


# -- programs never see it -----------------------------------------------------------------------------------


def test_what_programs_read_is_the_same_in_any_language_and_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandsense.cli import main

    trace = tmp_path / "trace.csv"
    lines = (f"{n / 80:.4f},{max(0.0, 60 * math.sin(n / 40)):.3f}" for n in range(2400))
    trace.write_text("time_s,tension_n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    told = []
    for code, locale in (("en", "C.UTF-8"), ("de", "de_DE.UTF-8")):
        monkeypatch.setenv("LC_ALL", locale)
        monkeypatch.setenv("LANG", locale)
        assert main(["analyze", str(trace), "--json", "--language", code]) == 0
        told.append(capsys.readouterr().out)
        with speaking(code):
            told[-1] += json.dumps(event_json(SlackAdvised(1.0, advice(), 1.0)))
    assert told[0] == told[1]
    assert "Let about 4 cm of band out of each hand." in told[0]


def test_a_session_for_programs_is_in_english_in_any_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandsense.cli import main

    command = ["live", "--sim", "--reps", "2", "--sets", "1", "--speed", "0", "--language", "de"]
    told = {}
    for kind in ("--json", "--lines"):
        monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / kind))
        assert main([*command, kind]) == 0
        told[kind] = capsys.readouterr().out
    summary = json.loads(told["--json"].splitlines()[-1])
    assert summary["next_time"].startswith("Aim for 3 sets of 8.")
    assert "looking for a sensor" in told["--json"]
    lines = told["--lines"].splitlines()
    assert lines[:5] == [
        "ein simulierter Sensor wird gestartet ...",
        "suche einen Sensor",
        "verbinde mit bandsense-BA5E",
        "verbunden mit bandsense-BA5E",
        "Me · Rudern im Sitzen · simuliert",
    ]
    assert lines[-2] == "gespeichert als simuliertes Training 1 (`bandsense show 1 --simulated`)"
    assert lines[-1].startswith("nächstes Mal: Ziel: 3 Sätze zu 8.")


def test_a_language_is_chosen_by_option_or_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bandsense.cli import main

    heard: list[str] = []
    monkeypatch.setattr("bandsense.cli._guarded", lambda arguments: heard.append(language.language()) or 0)
    main(["--language", "de", "live"])
    main(["live", "--language=de"])
    main(["live"])
    monkeypatch.setenv("BANDSENSE_LANGUAGE", "de")
    main(["live"])
    main(["live", "--language", "en"])
    assert heard == ["de", "de", "en", "de", "en"]
    assert main(["live", "--language", "tlh"]) == 2
    assert "it speaks en, de" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.UTF-8", "tr_TR.UTF-8"])
def test_a_locale_changes_neither_numbers_nor_files(locale: str, tmp_path: Path) -> None:
    """Of a computer that has it; one that has it not takes C, which must do as well."""
    code = (
        "import contextlib, locale, sys\n"
        "with contextlib.suppress(locale.Error):\n"
        "    locale.setlocale(locale.LC_ALL, '')\n"
        "from bandsense.cli import main\n"
        "main(['sim', '--reps', '3', '-o', 'trace.csv'])\n"
        "sys.exit(main(['analyze', 'trace.csv', *sys.argv[1:]]))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environment |= {"LC_ALL": locale, "BANDSENSE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, "--language", "de"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    told = done.stdout.decode(errors="replace")
    rows = (tmp_path / "trace.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "time_s,tension_n"
    assert all(re.fullmatch(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?", row) for row in rows[1:])
    assert re.search(r"^ +1 +\d+,\d\d ", told, re.MULTILINE), "a German table, wherever it is read"
