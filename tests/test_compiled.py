"""The compiled build (`tools/compiled.py`): compiled indeed, the same bit for bit, and quicker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.needs import REPOSITORY, missing, require_module

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compiled"), pytest.mark.timeout(600)]


def run(*command: str, folder: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def said(folder: Path, *packages: Path, cost: bool = False) -> dict[str, Any]:
    """Run what both builds are compared by, with packages found in these folders first."""
    command = ("-m", "tests.support.both_builds", *(["--cost"] if cost else []))
    done = run(*command, folder=folder, PYTHONPATH=os.pathsep.join(map(str, (*packages, REPOSITORY))))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled wheel, unpacked, as built from the source archive."""
    require_module("mypyc", "mypy")
    require_module("setuptools", "setuptools")
    folder = tmp_path_factory.mktemp("compiled")
    run("-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)).check_returncode()
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    [source] = folder.glob("bandsense-*/")
    command = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    done = run(*command, folder=source, HATCH_BUILD_HOOK_ENABLE_CUSTOM="true")
    if "no C compiler" in done.stderr:
        missing("a C compiler", "sudo apt-get install gcc libc6-dev python3-dev")
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    assert not wheel.name.endswith("-any.whl"), "it is for one kind of machine"
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def compiled(site: Path) -> dict[str, Any]:
    return said(site, site)


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return said(tmp_path_factory.mktemp("pure"))


def test_the_inner_loops_are_compiled_and_what_they_give_is_not(compiled: dict[str, Any]) -> None:
    suffixes = {name.rpartition(".")[2]: suffix for name, suffix in compiled["suffixes"].items()}
    assert {suffixes.pop("repetitions"), suffixes.pop("explanations")} <= {".so", ".pyd"}
    assert suffixes == {"analysis": ".py", "events": ".py"}


def test_the_doctor_tells_them_apart(compiled: dict[str, Any], pure: dict[str, Any]) -> None:
    assert "(mypyc) on Python" in compiled["program"]
    assert "mypyc" not in pure["program"]


def test_both_say_the_same_bit_for_bit(compiled: dict[str, Any], pure: dict[str, Any]) -> None:
    assert set(pure["suffixes"].values()) == {".py"}
    assert len(pure["said"]) >= 40
    assert "RepRetracted" in "".join(pure["said"].values())
    assert [name for name in pure["said"] if compiled["said"].get(name) != pure["said"][name]] == []


def test_real_people_are_among_them(recordings: Path, pure: dict[str, Any]) -> None:
    assert sum(name.startswith(("splice/", "recording/")) for name in pure["said"]) >= 20


def test_both_refuse_the_same_in_the_same_words(compiled: dict[str, Any], pure: dict[str, Any]) -> None:
    assert all(fault.startswith("DataError: ") for fault in pure["faults"])
    assert compiled["faults"] == pure["faults"]


def test_both_can_be_pickled(compiled: dict[str, Any], pure: dict[str, Any]) -> None:
    assert compiled["kept"] == pure["kept"] == [True, True]


def test_an_hour_takes_less_than_two_thirds_of_the_time(site: Path, tmp_path: Path) -> None:
    """In turns: who else works here slows both alike. `benchmarks.speed` holds it against the textbook."""
    compiled_s, pure_s = [], []
    for _ in range(3):
        compiled_s.append(said(site, site, cost=True)["analyze_s"])
        pure_s.append(said(tmp_path, cost=True)["analyze_s"])
    assert min(compiled_s) < 0.67 * min(pure_s)


def test_without_a_compiler_one_sentence_says_what_to_install() -> None:
    require_module("mypyc", "mypy")
    done = run("tools/compiled.py", CC="/no/compiler")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("no C compiler with Python's headers; ")
    assert "Traceback" not in done.stderr


def test_without_mypyc_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "mypyc.py").write_text("raise ImportError")
    done = run("tools/compiled.py", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr.strip()) == (
        1, "mypyc is missing; install it: pip install 'mypy>=2.4' 'setuptools>=77'",
    )  # fmt: skip
