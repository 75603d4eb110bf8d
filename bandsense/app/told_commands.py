"""Commands that a message tells, as they have to be typed by somebody who uses another store.

A message names a command between backticks, as `bandsense show 12`. Whoever keeps sessions in a store of
their own, or looks at simulated ones, would be led to another store by it: here the option is added.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from bandsense.app.paths import SIMULATED_STORE_NAME, home

if TYPE_CHECKING:
    from bandsense.store.store import Store

__all__ = ["SIMULATE", "TAKE_SIMULATED", "TAKE_STORE", "naming_simulated", "naming_store", "quoted"]

TAKE_SIMULATED = frozenset(
    (
        *("analyze", "band", "edit", "export", "history", "mcp", "plan", "profile", "push", "rate"),
        *("reanalyze", "replay", "report", "sensors", "sessions", "show", "store", "test", "upload"),
    )
)
"""Commands that look at simulated sessions when they are asked to, by `--simulated`."""
SIMULATE = frozenset(["both", "live", "pair", "serve"])
"""Commands that make simulated sessions, by `--sim`, and take no `--simulated`."""
TAKE_STORE = TAKE_SIMULATED | SIMULATE | frozenset(["calibrate", "doctor", "import"])
"""Commands that take `--store`."""

_COMMAND = re.compile(r"`bandsense ([a-z]+)([^`]*)`")
_HINT = re.compile(r" \([^()`]*--simulated\)")
"""How a message tells those who see no session that there may be simulated ones."""


def naming_store(store: str | None, *, simulated: bool) -> Callable[[str], str]:
    """Return what adds the store to the commands in a text; adding it again changes nothing.

    Args:
        store: what `--store` names; None where it is not used.
        simulated: simulated sessions are meant.
    """

    def option(command: str, rest: str) -> str:
        makes = command in SIMULATE or (command, rest.split()[:1]) in (("test", []), ("band", ["pull"]))
        if makes and simulated and "--sim" not in rest:
            rest += " --sim"
        if command == "store" and "init" in rest.split():  # it is given the server's address itself
            return rest
        if store is not None:
            return rest if "--store" in rest or command not in TAKE_STORE else f"{rest} --store {named}"
        shown = simulated and not makes and command in TAKE_SIMULATED
        return f"{rest} --simulated" if shown and "--sim" not in rest else rest

    def add(text: str) -> str:
        if simulated or store is not None:
            text = _HINT.sub("", text)
        return _COMMAND.sub(lambda found: f"`bandsense {found[1]}{option(found[1], found[2])}`", text)

    named = "" if store is None else quoted(store)
    return add


def quoted(word: str) -> str:
    """Write a word as this computer's shell takes it."""
    if sys.platform != "win32":
        return shlex.quote(word)
    return f'"{word}"' if " " in word else word


def naming_simulated(store: Store) -> Callable[[str], str]:
    """Return the same for a store of simulated sessions, which may lie beside a store that was named."""
    usual = store.path == home() / SIMULATED_STORE_NAME
    return naming_store(None if usual else str(store.path), simulated=True)
