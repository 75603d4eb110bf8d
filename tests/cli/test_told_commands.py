"""A command that a message tells works as it stands, for whoever uses a store of their own as well."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bandsense.app.told_commands import SIMULATE, TAKE_SIMULATED, TAKE_STORE, naming_store
from bandsense.cli import parser
from bandsense.language import Message as Told
from bandsense.language import program_telling_commands, said, tr
from bandsense.store.store import Store
from tests.cli.conftest import Command, Done
from tools.messages import found_messages

OTHER = "my sessions/of 2026.sqlite3"
GENERAL = frozenset(("bandsense COMMAND --help", "bandsense analyze", "bandsense plan key"))
"""What a help text calls by its name alone."""
FILLED = {"session": "3", "which": "3", "side": "left"}
"""What stands in for a value that has to be one of a kind; for all others a word does."""


@pytest.fixture(scope="module")
def commands() -> argparse.ArgumentParser:
    return parser()


def choices(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = (each for each in of._actions if isinstance(each, argparse._SubParsersAction))
    return dict(next(found).choices)


def told_commands() -> Iterator[str]:
    """Every command that a message names between backticks, its values filled in."""
    for _, message in found_messages():
        for text in message if isinstance(message, tuple) else (message,):
            for command in re.findall(r"`(bandsense [^`]*)`", text):
                filled = re.sub(r"\{(\w+)[^}]*\}", lambda each: FILLED.get(each[1], "x"), command)
                yield filled.replace(" CM", " 60")


def taking(commands: argparse.ArgumentParser, option: str) -> set[str]:
    return {name for name, each in choices(commands).items() if option in each._option_string_actions}


def test_which_commands_take_the_store_is_known(commands: argparse.ArgumentParser) -> None:
    assert taking(commands, "--store") == TAKE_STORE
    assert taking(commands, "--simulated") == TAKE_SIMULATED
    assert taking(commands, "--sim") >= SIMULATE
    assert not SIMULATE & TAKE_SIMULATED


@pytest.mark.parametrize(
    "complete",
    [
        str,
        naming_store(OTHER, simulated=False),
        naming_store(None, simulated=True),
        naming_store(OTHER, simulated=True),
    ],
    ids=["plain", "store", "simulated", "both"],
)
def test_every_told_command_is_one(commands: argparse.ArgumentParser, complete: Callable[[str], str]) -> None:
    wanted = sorted(set(told_commands()) - GENERAL)
    assert len(wanted) > 30
    refused = []
    for each in wanted:
        told = complete(f"`{each}`").strip("`")
        assert complete(f"`{told}`") == f"`{told}`", "twice is as once"
        try:
            commands.parse_args(shlex.split(told)[1:])
        except SystemExit:
            refused.append(told)
    assert refused == []


def test_a_command_in_any_message_names_the_store() -> None:
    message = Told("look there: {what}", what=Told("there is no session 7; `bandsense sessions` lists them"))
    with program_telling_commands(naming_store(OTHER, simulated=False)):
        assert said(message) == (
            f"look there: there is no session 7; `bandsense sessions --store '{OTHER}'` lists them"
        )
        assert tr("from `bandsense plan key`").endswith(f" --store '{OTHER}'`")
        assert tr("look with `bandsense exercises`") == "look with `bandsense exercises`"
        assert str(message).endswith("`bandsense sessions` lists them"), "for programs it stays as it was"
    assert said(message).endswith("`bandsense sessions` lists them")
    hint = "train with `bandsense live` (simulated ones: --simulated)"
    with program_telling_commands(naming_store(None, simulated=True)):
        assert tr(hint) == "train with `bandsense live --sim`"
    assert tr(hint) == hint


def told(done: Done) -> list[str]:
    (command,) = re.findall(r"`bandsense ([^`]*)`", done.err + done.out)
    return shlex.split(command)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = b"\x5a" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize("where", ["own", "store", "simulated"])
def test_what_is_told_of_a_damaged_store_rescues_that_one(
    session: Command, tmp_path: Path, where: str
) -> None:
    own = tmp_path / "home" / "bandsense.sqlite3"
    path = {"own": own, "store": tmp_path / OTHER, "simulated": own.with_name("simulated.sqlite3")}[where]
    if path != own:
        path.parent.mkdir(exist_ok=True)
        shutil.copy(own, path)
    damage(path)
    options = {"own": (), "store": ("--store", path), "simulated": ("--simulated",)}[where]
    failed = session("sessions", *options)
    assert failed.status == 1
    rescued = session(*told(failed))
    assert rescued.status == 0
    assert session(*told(rescued)).status == 0
    assert session("sessions", *options).status == 0
    assert Store.open(path).session("last").samples > 0
    assert list(path.parent.glob("*.damaged-*"))
