"""With the core dependencies alone every command works, or names the one line that installs the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.needs import REPOSITORY

_EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]

_MODULES = {
    "web": ("starlette", "uvicorn", "segno", "websockets"),
    "completion": ("shtab",),
    "fit": ("fit_tool",),
    "parquet": ("pyarrow",),
    "lsl": ("pylsl",),
    "mqtt": ("aiomqtt",),
    "sim": ("bumble", "cbor2"),
    "update": ("smpclient",),
    "sign": ("cryptography",),
    "postgres": ("psycopg",),
    "keyring": ("keyring",),
    "mcp": ("mcp",),
    "cluster": ("distributed",),
}

_NEEDS = {
    "serve": "web",
    "serve --sim": "web",
    "live --web --sim": "web",
    "live --sim --lines": "sim",
    "demo": "sim",
    "test --sim": "sim",
    "bringup --sim --quick --no-hands": "sim",
    "mcp": "mcp",
    "push postgresql://anna@localhost/clinics": "postgres",
    "sessions --store postgresql://anna@localhost/clinics": "postgres",
    "plan key key.pem": "sign",
    "firmware update new.zip": "update",
    "completion bash": "completion",
    "live --mqtt mqtt://localhost": "mqtt",
    "export --format fit": "fit",
    "export --format parquet": "parquet",
}

_RUN = """
import contextlib, importlib.util, io, json, sys

gone = set(json.loads(sys.argv[1]))
for name in gone:
    sys.modules[name] = None
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in gone else find_spec(name, package)
from bandsense.cli import main

told = {}
for line in json.loads(sys.argv[2]):
    words = io.StringIO()
    with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
        status = main(line.split())
    told[line] = [status, words.getvalue()]
print(json.dumps(told))
"""


def _without(gone: list[str], lines: list[str], folder: Path) -> dict[str, tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(gone), json.dumps(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=os.environ | {"BANDSENSE_HOME": str(folder / "home")},
    )
    told: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return told


def test_every_extra_is_looked_at() -> None:
    assert set(_MODULES) == set(_EXTRAS) - {"all"}


def test_without_any_extra_each_command_names_the_one_it_needs(tmp_path: Path) -> None:
    trace = tmp_path / "set.csv"
    trace.write_text("time_s,tension_n\n" + "".join(f"{n / 80:.4f},{n % 160 / 4}\n" for n in range(800)))
    gone = [module for modules in _MODULES.values() for module in modules]
    told = _without(gone, ["import set.csv", "doctor", *_NEEDS], tmp_path)
    assert told.pop("import set.csv")[0] == 0
    _status, findings = told.pop("doctor")
    for extra in set(_MODULES) - {"cluster"}:  # it is for archives that one machine cannot hold
        assert f"bandsense[{extra}]'" in findings, extra
    for line, (status, words) in told.items():
        assert words.rstrip().endswith(f"pip install 'bandsense[{_NEEDS[line]}]'"), (line, words)
        assert status == 1
    assert not (tmp_path / "demo-output").exists(), "no folder for what could not begin"


@pytest.mark.parametrize("command", ["serve --sim", "live --web --sim"])
def test_the_page_without_the_simulator_says_so_before_it_is_there(command: str, tmp_path: Path) -> None:
    ((status, words),) = _without(list(_MODULES["sim"]), [command], tmp_path).values()
    assert status == 1
    assert words.rstrip().endswith("pip install 'bandsense[sim]'")
