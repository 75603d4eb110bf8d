"""Collect every sentence that a person can meet, and keep the catalogues and docs/messages.md up to date.

    python tools/messages.py        (make messages)

Sentences are found where they are written: in calls of `tr`, `trn`, `mark`, `mark_plural` and `Message`
(bandsense.language) in Python, templates and scripts, in the page's own HTML, and in the exercises. Every
`bandsense/locale/*.po` then has all of them; new ones wait there without a translation, with a proposal
(marked fuzzy, and not used) where an old sentence was much like it.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bandsense"
LOCALES = PACKAGE / "locale"
PAGE = ROOT / "docs" / "messages.md"

KEYWORDS = {
    "tr": None,
    "trn": (1, 2),
    "mark": None,
    "mark_plural": (1, 2),
    "Message": None,
    "in_language": None,
}

Found = tuple[str, str | tuple[str, str]]
"""A file, and the sentence in it; of a plural one singular and plural."""


def found_messages() -> list[Found]:
    """Collect every sentence, in the order of files and lines."""
    found: list[Found] = []
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if "/vendor/" not in name:
            found += [(name, each) for each in _in_file(path)]
    return found


def _in_file(path: Path) -> Iterator[str | tuple[str, str]]:
    if path.suffix == ".py":
        text = path.read_text(encoding="utf-8")
        if "bandsense.language" in text or path.name == "language.py" or path.is_relative_to(PACKAGE / "cli"):
            yield from _in_python(ast.parse(text))
        if path.is_relative_to(PACKAGE / "cli"):
            yield from _in_help(ast.parse(text))
    elif path.suffix == ".js":
        yield from _in_script(path.read_text(encoding="utf-8"))
    elif path.suffix == ".html":
        if path.parent.name == "templates":
            yield from _in_template(path)
        else:
            parser = _Texts()
            parser.feed(path.read_text(encoding="utf-8"))
            yield from parser.found
    elif path.suffix == ".toml" and path.parent.name == "data" and path.parent.parent.name == "exercises":
        yield from _in_exercise(tomllib.loads(path.read_text(encoding="utf-8")))


_HELP = ("help", "description", "epilog", "details", "title", "what")
"""Keywords that give argparse, or what adds to it, a text."""
_HELP_PLACES = {"add_action": 2, "add_json_option": 1, "add_argument_group": 0}
_HELP_TABLES = ("COMMANDS", "OF_ARGPARSE", "_SUMMARIES")


def _in_help(tree: ast.Module) -> Iterator[str]:
    """Find what `--help` says, in the order of the lines: it is looked up where it is written out."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [each.value for each in node.keywords if each.arg in _HELP]
            place = _HELP_PLACES.get(ast.unparse(node.func).rpartition(".")[2], len(node.args))
            found += node.args[place : place + 1]
        elif isinstance(node, ast.FunctionDef):
            found += [each for each in node.args.defaults if isinstance(each, ast.Constant)]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in _HELP_TABLES:
            found += node.value.values if isinstance(node.value, ast.Dict) else node.value.elts  # type: ignore[attr-defined]
    constants = [each for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    named = [
        node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    ]
    tables = {name for each in found if isinstance(each, ast.Name) for name in (each.id,)}
    constants += [node.value for node in named if ast.unparse(node.targets[0]) in tables]  # type: ignore[misc]
    for each in sorted(constants, key=lambda node: (node.lineno, node.col_offset)):
        if each.value and each.value != argparse.SUPPRESS:
            yield str(each.value)


def _in_python(tree: ast.Module) -> Iterator[str | tuple[str, str]]:
    """Find marked sentences; unlike Babel's own reader also within f-strings, in any version of Python."""
    calls = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS
    )
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        texts = [
            each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        wanted = 2 if isinstance(call.func, ast.Name) and KEYWORDS[call.func.id] else 1
        if texts and len(texts) >= wanted and texts[0]:
            yield texts[0] if wanted == 1 else (texts[0], texts[1])


_STRING = r'"((?:[^"\\]|\\.)*)"'
_IN_SCRIPT = re.compile(rf"\b(?:tr\({_STRING}|trn\({_STRING}, {_STRING})")


def _in_script(text: str) -> Iterator[str | tuple[str, str]]:
    """Find what a script says, within template literals too; its strings are in double quotes."""
    for found in _IN_SCRIPT.finditer(text):
        one, singular, plural = (None if each is None else json.loads(f'"{each}"') for each in found.groups())
        yield one if singular is None else (singular, plural)


def _in_template(path: Path) -> Iterator[str | tuple[str, str]]:
    with path.open("rb") as file:
        for _, sentence, _, _ in extract("jinja2.ext:babel_extract", file, keywords=KEYWORDS):
            if sentence:
                yield sentence if isinstance(sentence, str) else (sentence[0], sentence[1])


def _in_exercise(exercise: Mapping[str, object]) -> Iterator[str]:
    """Give what a person reads of an exercise."""
    for name in ("name", "summary", "anchor", "setup", "start_pose", "end_pose", "cautions"):
        told = exercise.get(name, ())
        yield from [told] if isinstance(told, str) else told  # type: ignore[misc]
    for method in exercise["slack"]:  # type: ignore[attr-defined]
        yield from (method["more_slack"], method["less_slack"])


class _Texts(HTMLParser):
    """Collects what is read of a page: its texts, and the names of its parts for a screen reader."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.found += [value for name, value in attrs if name == "aria-label" and value]

    def handle_data(self, data: str) -> None:
        text = re.sub(r"\s+", " ", data).strip()
        if text == "bandsense" or re.fullmatch(r"(\{\w+\})+", text):  # a name; what is filled in
            return
        if text and self._within not in ("title", "style", "script"):
            self.found.append(text)


def template() -> Catalog:
    """Make a catalogue without translations."""
    catalogue = Catalog(project="bandsense", fuzzy=False)
    for name, sentence in found_messages():
        catalogue.add(sentence, locations=[(name, 0)], flags=())
    for message in catalogue:
        message.flags.discard("python-format")
        message.flags.discard("python-brace-format")
    return catalogue


def read(path: Path) -> Catalog:
    """Read a catalogue."""
    with path.open("rb") as file:
        return read_po(file)


def updated(path: Path) -> str:
    """Return a catalogue's text with all sentences that there are, and no other."""
    catalogue = read(path)
    catalogue.update(template(), update_creation_date=False)
    for message in catalogue:
        message.flags.discard("python-format")
        message.flags.discard("python-brace-format")
        message.previous_id = ()
    written = io.BytesIO()
    write_po(written, catalogue, width=110, ignore_obsolete=True, include_lineno=False, sort_by_file=False)
    text = written.getvalue().decode()
    own = path.read_text(encoding="utf-8").partition("\n\n")[0]
    return f"{own}\n\n{text.partition(chr(10) * 2)[2].strip()}\n"


HEAD = """# Every message

What bandsense says to people, file by file, with its translations. `make messages` writes this page, and
`tests/test_language.py` holds it to the source. In braces stands what is filled in. How to mend a sentence
or add a language: [translating](translating.md).
"""


def page() -> str:
    """Write the list of all sentences."""
    catalogues = {path.stem: read(path) for path in sorted(LOCALES.glob("*.po"))}
    parts = [HEAD]
    before = ""
    seen: set[str | tuple[str, str]] = set()
    for name, sentence in found_messages():
        if sentence in seen:
            continue
        seen.add(sentence)
        if name != before:
            before = name
            heads = " | ".join(["en", *catalogues])
            parts.append(
                f"\n## {name.removeprefix('bandsense/')}\n\n| {heads} |\n|{'---|' * (1 + len(catalogues))}"
            )
        cells = [_cell(sentence)]
        for catalogue in catalogues.values():
            message = catalogue.get(sentence[0] if isinstance(sentence, tuple) else sentence)
            cells.append(_cell(message.string) if message is not None and not message.fuzzy else "")
        parts.append(f"| {' | '.join(cells)} |")
    return "\n".join(parts) + "\n"


def _cell(sentence: str | tuple[str, ...]) -> str:
    text = " / ".join(sentence) if isinstance(sentence, list | tuple) else sentence
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;").replace("{", "\\{")


def main() -> None:
    """Write catalogues and page."""
    for path in sorted(LOCALES.glob("*.po")):
        path.write_text(updated(path), encoding="utf-8")
        missing = [message for message in read(path) if message.id and (message.fuzzy or not message.string)]
        print(f"{path.relative_to(ROOT)}: {len(missing)} sentences wait for a translation")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
