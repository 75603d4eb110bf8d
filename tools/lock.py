"""Write requirements/*.txt: exact versions with the hashes of all their files.

    .venv/bin/python tools/lock.py                   after a change of dependencies in pyproject.toml
    .venv/bin/python tools/lock.py --upgrade         take the newest versions that pyproject.toml allows
    .venv/bin/python tools/lock.py --upgrade NAME …  the same for these only

Versions are resolved together for Linux, macOS and Windows and every Python from the oldest supported one
on, with environment markers where they differ, by `uv pip compile --universal`. No address of an index is
written: pip takes the files from wherever its user has configured, and installs only what matches a hash.
`demo.txt` is what `make demo` needs; `dev.txt` includes it and adds everything else; `hardware.txt` is what
`make hardware` needs, of the same versions; `kicad.txt` and `smpmgr.txt` hold tools without what they would
bring along.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
SETTING_UP = ("pip>=25.1", "editables>=0.5")  # hatchling asks for the second in an editable installation
HEAD = "# Written by tools/lock.py (`make lock`) from pyproject.toml. Install with pip's --require-hashes.\n"

_SELF = re.compile(r"^bandsense\[([\w,\s-]+)\]$")
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)==")


def _expanded(wanted: Iterable[str], extras: Mapping[str, Sequence[str]]) -> list[str]:
    """Replace the package's own extras by what they require."""
    found = []
    for requirement in wanted:
        own = _SELF.match(requirement)
        if own is None:
            found.append(requirement)
        else:
            for extra in own[1].split(","):
                found += _expanded(extras[extra.strip()], extras)
    return found


def requirements(project: Mapping[str, Any], *, dev: bool) -> list[str]:
    """Return what one set-up installs: the package's own requirements, its build backend, pip, and extras.

    Args:
        project: the parsed pyproject.toml.
        dev: whether all extras and the `dev` group belong to it, or only the simulator.
    """
    extras = project["project"]["optional-dependencies"]
    wanted = [
        *SETTING_UP,
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *extras["sim"],
    ]
    if dev:
        wanted += _expanded(project["dependency-groups"]["dev"], extras)
    return list(dict.fromkeys(wanted))


def of_hardware(project: Mapping[str, Any]) -> list[str]:
    """Return what `make hardware` installs beside the package's own requirements."""
    own = [*SETTING_UP, *project["build-system"]["requires"], *project["project"]["dependencies"]]
    return list(dict.fromkeys([*own, *project["dependency-groups"]["hardware"]]))


def normalized(name: str) -> str:
    """Return the name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(text: str) -> dict[str, str]:
    """Return the entries of a requirements file by normalized name, each with the lines of its hashes.

    A name may have several entries, for different environments; they stay together.
    """
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=[^\s#])", text):
        name = _NAME.match(entry)
        if name is not None:
            key = normalized(name[1])
            found[key] = found.get(key, "") + entry.rstrip() + "\n"
    return found


def locked() -> dict[str, str]:
    """Return the entries that are locked now."""
    files = (
        FOLDER / "hardware.txt",
        FOLDER / "kicad.txt",
        FOLDER / "smpmgr.txt",
        FOLDER / "demo.txt",
        FOLDER / "dev.txt",
    )
    return {
        name: entry
        for path in files
        if path.exists()
        for name, entry in entries(path.read_text("utf-8")).items()
    }


def compiled(
    wanted: Sequence[str], python: str, keep: Iterable[str], *, dependencies: bool = True
) -> dict[str, str]:
    """Return the entries of everything that `wanted` needs, of the kept versions where they fit."""
    held = FOLDER / ".keep.txt"
    held.write_text("".join(f"{line}\n" for line in keep), encoding="utf-8")
    command = [
        shutil.which("uv", path=Path(sys.executable).parent) or "uv",
        "pip",
        "compile",
        "-",
        "--universal",
        "--python-version",
        python,
        "--generate-hashes",
    ]
    command += ["--no-header", "--no-annotate", "--quiet", "--constraint", str(held)]
    command += [] if dependencies else ["--no-deps"]
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are this file's own
            command, input="\n".join(wanted), capture_output=True, text=True, check=False, cwd=ROOT
        )
    except FileNotFoundError:
        raise SystemExit("uv is not installed; run `make lock`, or: .venv/bin/pip install uv") from None
    finally:
        held.unlink()
    if done.returncode:
        raise SystemExit(done.stderr)
    return entries(done.stdout)


def main(arguments: Sequence[str]) -> None:
    """Resolve and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--upgrade", nargs="*", metavar="NAME", help="take the newest of these, or of all")
    upgrade = parser.parse_args(arguments).upgrade
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    python = project["project"]["requires-python"].removeprefix(">=")
    fresh = {normalized(name) for name in upgrade or ()}
    keep = [
        line.rstrip(" \\")
        for name, entry in locked().items()
        for line in entry.splitlines()
        if _NAME.match(line) and (upgrade is None or (upgrade and name not in fresh))
    ]
    FOLDER.mkdir(exist_ok=True)
    everything = compiled(requirements(project, dev=True), python, keep)
    demo = compiled(requirements(project, dev=False), python, keep)
    shared = "".join(entry for name, entry in everything.items() if name in demo)
    rest = "".join(entry for name, entry in everything.items() if name not in demo)
    (FOLDER / "demo.txt").write_text(f"{HEAD}{shared}", encoding="utf-8")
    (FOLDER / "dev.txt").write_text(f"{HEAD}-r demo.txt\n{rest}", encoding="utf-8")
    same = [
        line.rstrip(" \\")
        for entry in everything.values()
        for line in entry.splitlines()
        if _NAME.match(line)
    ]
    kept = [line for line in keep if normalized(line.split("==")[0]) not in everything]
    hardware = compiled(of_hardware(project), python, [*same, *kept])
    (FOLDER / "hardware.txt").write_text(f"{HEAD}{''.join(hardware.values())}", encoding="utf-8")
    for tool in ("kicad", "smpmgr"):
        alone = compiled(project["dependency-groups"][tool], python, kept, dependencies=False)
        (FOLDER / f"{tool}.txt").write_text(f"{HEAD}{''.join(alone.values())}", encoding="utf-8")
    print(f"{len(demo)} distributions for make demo, {len(everything)} for everything")


if __name__ == "__main__":
    main(sys.argv[1:])
