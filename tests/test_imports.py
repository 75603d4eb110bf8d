"""The rooms of docs/architecture.md keep to the contract in pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.needs import REPOSITORY

CHECK = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

BREACHES = {
    "wire/decoder.py": "from bandsense.link import sensor",
    "bands/laws.py": "from bandsense.bands import fit",
    "signal/zero.py": "from bandsense.store import store",
    "live/state.py": "from bandsense.wire import decoder",
    "workout/plan.py": "import bleak",
    "app/tare.py": "import argparse",
}
BROKEN = [
    "Each room knows only the rooms below it",
    "No circle, not even inside a room",
    "What computes and shows does not know the radio",
    "What computes does not know the store",
    "bleak lives only in link and behind the virtual radio",
    "Only cli parses a command line",
]


def broken_contracts(folder: Path) -> list[str]:
    """Names of the contracts that the package in this folder breaks."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    broken = re.findall(r"^(.*) BROKEN$", done.stdout, flags=re.MULTILINE)
    assert bool(broken) == bool(done.returncode), done.stdout + done.stderr
    return broken


def test_the_rooms_keep_to_their_contract() -> None:
    assert broken_contracts(REPOSITORY) == []


def test_a_breach_of_each_contract_is_seen(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "bandsense", tmp_path / "bandsense")
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for module, line in BREACHES.items():
        path = tmp_path / "bandsense" / module
        path.write_text(path.read_text().replace("import annotations\n", f"import annotations\n{line}\n", 1))
    assert broken_contracts(tmp_path) == BROKEN


CRATES = ("app", "boot", "core", "host", "nrf52840", "update")


def uses(source: str) -> set[str]:
    """Modules of its own crate that a Rust module names, its tests aside."""
    own = source.partition("#[cfg(test)]")[0]
    lists = re.findall(r"crate::\{([^}]*)\}", own)
    return {*re.findall(r"crate::(\w+)", own), *(name for each in lists for name in re.findall(r"\w+", each))}


def order_of(modules: dict[str, str]) -> list[str]:
    """Modules, by name, so that each comes after those that it uses.

    Raises:
        CycleError: there is a circle.
    """
    used = {name: (uses(source) & modules.keys()) - {name} for name, source in modules.items()}
    return list(TopologicalSorter(used).static_order())


@pytest.mark.parametrize("crate", CRATES)
def test_no_circle_in_the_firmware(crate: str) -> None:
    folder = REPOSITORY / "firmware" / crate / "src"
    modules = {
        path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.rs") if path.stem != "lib"
    }
    assert modules
    order_of(modules)


def test_a_circle_in_the_firmware_is_seen() -> None:
    modules = {
        "session": "use crate::{bonds::Bond, log};",
        "bonds": "use crate::session::Session;",
        "log": "",
    }
    with pytest.raises(CycleError):
        order_of(modules)
    assert order_of(modules | {"bonds": "#[cfg(test)]\nuse crate::session::Session;"})[-1] == "session"
