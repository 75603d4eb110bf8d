"""What is handed out: complete, the same bytes each time, silent on import, and typed for others."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

NOT_AT_HOME = {"cluster"}  # extras for servers, which `all` leaves out


def run(*command: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def built(folder: Path, source: Path = ROOT) -> dict[str, str]:
    command = ("-m", "hatchling", "build", "--directory", str(folder))
    run(*command, folder=source, SOURCE_DATE_EPOCH="1700000000").check_returncode()
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("dist")
    return folder, built(folder)


def test_a_second_build_has_the_same_bytes(dist: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    assert dist[1] == built(tmp_path)
    assert [Path(name).suffix for name in dist[1]] == [".whl", ".gz"]


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(dist: tuple[Path, dict[str, str]]) -> None:
    [wheel] = dist[0].glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "bandsense"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert packed == {name for name in listed if (ROOT / name).exists()}
    assert "bandsense/py.typed" in packed
    told = set(zipfile.ZipFile(wheel).namelist())
    licences = {name for name in packed if "LICEN" in name}
    assert len(licences) == 3, "of uPlot and of two fonts"
    assert {f"bandsense-{PROJECT['version']}.dist-info/licenses/{name}" for name in licences} <= told


def test_the_sdist_builds_the_wheel(dist: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    [sdist] = dist[0].glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    assert built(tmp_path / "out", source) == dist[1]


def test_all_is_every_extra_for_home() -> None:
    extras = PROJECT["optional-dependencies"]
    [everything] = extras["all"]
    named = set(everything.removeprefix("bandsense[").removesuffix("]").split(","))
    assert named == set(extras) - {"all"} - NOT_AT_HOME


def test_every_dependency_has_an_allowed_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import audit

    found = audit.dependencies("bandsense", "all")
    assert {"bleak", "scipy", "starlette", "markdown-it-py"} <= set(found)  # direct, of an extra, far removed
    assert list(audit.refused(found)) == []
    monkeypatch.setattr(audit, "ALLOWED", audit.ALLOWED - {"MIT", "BSD-3-Clause"})
    refused = [line.split()[0] for line in audit.refused(found)]
    assert "bleak" in refused
    assert "cryptography" not in refused  # Apache-2.0 OR BSD-3-Clause


def test_importing_warns_of_nothing() -> None:
    code = "import bandsense, bandsense.cli; [getattr(bandsense, name) for name in bandsense.__all__]"
    done = run("-W", "error", "-c", f"{code}; bandsense.cli.parser()")
    assert (done.returncode, done.stderr) == (0, "")


def test_types_are_seen_from_outside(dist: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    [wheel] = dist[0].glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "client.py").write_text(
        "import bandsense\n"
        "recording = bandsense.read_recording('trace.csv')\n"
        "found = bandsense.analyze(recording.block.time_s, recording.block.values)\n"
        "count: str = len(found.reps)\n"
        "peak: str = found.reps[0].peak_n\n"
    )
    command = ("-m", "mypy", "--strict", "--no-incremental", "client.py")
    said = run(*command, folder=tmp_path, MYPYPATH=str(tmp_path / "site")).stdout
    assert said.count("Incompatible types in assignment") == 2
    assert "Found 2 errors in 1 file" in said


def test_the_man_page_names_every_command(tmp_path: Path) -> None:
    from bandsense.cli.catalogue import COMMANDS

    page = tmp_path / "bandsense.1"
    command = (
        "-c",
        "from argparse_manpage.cli import main; main()",
        "--module",
        "bandsense.cli",
        "--function",
        "parser",
    )
    run(*command, "--project-name", "bandsense", "--output", str(page)).check_returncode()
    text = page.read_text().replace("\\-", "-")
    assert [name for name in COMMANDS if f"\\fI\\,{name}\\/\\fR" not in text] == []
