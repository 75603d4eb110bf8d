"""Install the wheel as a stranger does, on every Python, with and without each extra: `make package-check`.

Each installation is a fresh environment made by uv. Checked are a silent import (`-W error`), the help, that
what an extra is for can be imported (and, without it, says what to install), and that mypy and pyright see
the types from outside. What cannot be tried here is named, not passed over.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

RIGHT = """\
import bandsense

found = bandsense.analyze([0.0, 0.1, 0.2], [1.0, 2.0, 1.0])
peaks: list[float] = [rep.peak_n for rep in found.reps]
let_out_cm: float = 100 * bandsense.slack_change(1.2, 2.4, 0.9).let_out_m
"""
WRONG = """\
import bandsense

peaks: str = bandsense.analyze([0.0, 0.1], [1.0, 2.0]).reps
"""

USE = {
    "web": "import bandsense.web.server, uvicorn, segno; from bandsense.web.application import create_app",
    "completion": "import shtab; from bandsense.cli import main; main(['completion', 'bash'])",
    "fit": "import bandsense.export.fit, fit_tool",
    "parquet": "import bandsense.export.parquet, pyarrow.parquet",
    "lsl": "import bandsense.live.lsl, importlib.util; assert importlib.util.find_spec('pylsl')",
    "mqtt": "import bandsense.live.mqtt, aiomqtt",
    "sim": "import bandsense.sim.devices.virtual_band",
    "update": "import bandsense.link.dfu.update, smpclient",
    "sign": "import bandsense.profiles.signing, cryptography.hazmat.primitives.asymmetric.ed25519",
    "all": "import bandsense.sim.devices.virtual_band, bandsense.web.server",
}
"""What must work with an extra; one that is not here is only installed."""


def run(
    *command: str | Path, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command quietly."""
    return subprocess.run(  # noqa: S603
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | environment,
    )


def at_hand(python: str) -> str | None:
    """Return an interpreter of this version: uv finds those on the path, of uv and of pyenv."""
    found = run("uv", "python", "find", "--no-python-downloads", python)
    path = found.stdout.strip()
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))
    if found.returncode == 0 and run(path, "-c", "import ssl, sqlite3").returncode == 0:
        return path
    return str(pyenv[-1]) if pyenv else None


def install(folder: Path, python: str, wheel: Path, extra: str) -> tuple[Path, str]:
    """Make an environment with the wheel; gives its interpreter and what went wrong."""
    place = folder / f"{Path(python).name}-{extra or 'plain'}"
    made = run("uv", "venv", "--quiet", "--python", python, place)
    interpreter = place / "bin" / "python"
    wanted = f"bandsense{f'[{extra}]' if extra else ''} @ {wheel.as_uri()}"
    if made.returncode == 0:
        made = run("uv", "pip", "install", "--quiet", "--python", interpreter, wanted)
    return interpreter, "" if made.returncode == 0 else made.stderr.strip()


def faults(folder: Path, python: str, wheel: Path, extra: str) -> Iterator[str]:
    """Install and try; gives a line for each thing that fails."""
    interpreter, problem = install(folder, python, wheel, extra)
    if problem:
        yield f"cannot be installed: {problem}"
        return
    tried = [
        ("import", ["-W", "error", "-c", "import bandsense; bandsense.analyze; bandsense.Workout"]),
        ("help", ["-m", "bandsense", "--help"]),
    ]
    if extra in USE:
        tried.append((f"use of {extra}", ["-c", USE[extra]]))
    if not extra:
        tried.append(("doctor", ["-m", "bandsense", "doctor"]))
    for name, arguments in tried:
        done = run(interpreter, *arguments, BANDSENSE_HOME=str(folder / "home"))
        if done.returncode and (name != "doctor" or "Traceback" in done.stderr):
            yield f"{name} fails: {done.stderr.strip()[-300:]}"
    if not extra:
        done = run(interpreter, "-m", "bandsense", "demo", BANDSENSE_HOME=str(folder / "home"))
        if "bandsense[sim]" not in done.stderr or "Traceback" in done.stderr:
            yield f"without an extra it is not said what to install: {done.stderr.strip()[-300:]}"


def type_faults(folder: Path, python: str, wheel: Path) -> Iterator[str]:
    """See whether type checkers find our types from outside, and a wrong use of them."""
    interpreter, problem = install(folder, python, wheel, "")
    if problem:
        yield problem
        return
    for name, text, fine in (("right.py", RIGHT, True), ("wrong.py", WRONG, False)):
        (folder / name).write_text(text, encoding="utf-8")
        tools: Sequence[tuple[str, list[str | Path]]] = (
            ("mypy", ["mypy", "--strict", "--no-incremental", "--python-executable", interpreter]),
            ("pyright", ["pyright", "--pythonpath", interpreter]),
        )
        for tool, command in tools:
            # Not in the repository, where they would find its own files.
            done = run(sys.executable, "-m", *command, folder / name, folder=folder)
            if (done.returncode == 0) is not fine:
                yield f"{tool} is wrong about {name}: {(done.stdout + done.stderr).strip()[-400:]}"


def main() -> int:
    """Check all of it; 1 if something fails."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("uv") is None:
        print("uv is not installed: pip install --group package")
        return 1
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist")
        if done.returncode:
            print(done.stderr)
            return 1
        [wheel] = (folder / "dist").glob("*.whl")
        for python in PYTHONS:
            found = at_hand(python)
            if found is None:
                print(f"Python {python}: none at hand; `uv python install {python}` fetches one")
                continue
            for extra in ("", *extras):
                told = list(faults(folder / python, found, wheel, extra))
                failed |= bool(told)
                said = "\n  ".join(told) or "fine"
                print(f"Python {python}, {f'[{extra}]' if extra else 'without an extra'}: {said}", flush=True)
                shutil.rmtree(folder / python, ignore_errors=True)
        told = list(type_faults(folder, sys.executable, wheel))
        failed |= bool(told)
        print("types from outside:", "\n  ".join(told) or "mypy and pyright see them")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
