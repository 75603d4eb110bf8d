"""Compile the signal chain with mypyc: the same sources and the same results, in half the time.

    make compiled                                       in place, for this checkout; `make clean` removes it
    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip install .   install it so
    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel .     a wheel for this Python and this kind of machine

It is a build hook of hatchling, off unless asked for: what is built otherwise is one wheel for all. Where a
compiled module and its source lie side by side, Python takes the compiled one; the sources stay in the wheel
for tracebacks and for whoever reads them.

Compiled is the way from samples to events (`MODULES`). What others hold in their hands, events and results,
stays plain Python.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[1]
ROOM = "bandsense/signal"
MODULES = (
    "announcer",
    "band_loss",
    "boundaries",
    "converter",
    "corrections",
    "detector",
    "direction",
    "explanation",
    "explanations",
    "filters",
    "history",
    "laws/densities",
    "laws/dips",
    "laws/handling",
    "laws/movement",
    "laws/numbers",
    "laws/priors",
    "laws/repetitions",
    "laws/ripples",
    "laws/series",
    "laws/steps",
    "laws/tempo",
    "measures",
    "metric_contract",
    "narrator",
    "peaks",
    "ranges",
    "refine",
    "sample_times",
    "sense_checks",
    "surroundings",
    "ticks",
    "told",
    "turning_points",
    "uncounted",
    "weighing",
    "windows",
    "zero_drift",
    "zero_jumps",
)
SHARED = "bandsense"
"""All of them become one library, `bandsense__mypyc`, so that they call each other directly; a module's own
file only hands that out."""

OPTIONS = ("--config-file=", "--follow-imports=silent", "--ignore-missing-imports")
"""Only these modules are looked at here: `make types` looks at all, with all that they import."""

NO_MYPYC = "mypyc is missing; install it: pip install 'mypy>=2.4' 'setuptools>=77'"
NO_COMPILER = "no C compiler with Python's headers; on Debian: sudo apt-get install gcc libc6-dev python3-dev"


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    """Work in a folder: mypyc names modules by their paths from here."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def compiled(source: Path, into: Path) -> list[Path]:
    """Compile the modules of the package in `source`; give the files, which lie below `into`.

    Raises:
        SystemExit: mypyc or a C compiler is missing, in one sentence; or the sources do not pass mypy.
    """
    try:
        from mypyc.build import mypycify
        from setuptools import Extension
        from setuptools.errors import BaseError, CompileError, LinkError
    except ImportError:
        sys.exit(NO_MYPYC)
    with tempfile.TemporaryDirectory() as scratch, _within(source):
        probe = Path(scratch, "probe.c")
        probe.write_text("#include <Python.h>\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n")
        try:
            _built([Extension("probe", [str(probe)])], Path(scratch), Path(scratch))
        except (BaseError, CompileError, LinkError):
            sys.exit(NO_COMPILER)
        modules = mypycify(
            [*OPTIONS, *(f"{ROOM}/{name}.py" for name in MODULES)],
            opt_level="3",
            debug_level="0",
            target_dir=scratch,
            group_name=SHARED,
        )
        return _built(modules, into, Path(scratch))


def _built(modules: list[Any], into: Path, scratch: Path) -> list[Path]:
    """Have setuptools compile extension modules, and nothing else."""
    from setuptools import Distribution

    build: Any = Distribution({"name": SHARED, "ext_modules": modules}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(into), str(scratch)
    build.ensure_finalized()
    build.run()
    return sorted(map(Path, build.get_outputs()))


class CompiledBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Put the compiled modules into a wheel, and its kind of machine into its name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is written; an editable one is of sources."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp())
        for path in compiled(Path(self.root), self._folder):
            build_data["force_include"][str(path)] = str(path.relative_to(self._folder))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Forget the files that are in the wheel now."""
        if version != "editable":
            shutil.rmtree(self._folder)


if __name__ == "__main__":
    for written in compiled(ROOT, ROOT):
        print(written.relative_to(ROOT))
