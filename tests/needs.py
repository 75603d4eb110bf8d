"""What a test needs from the machine: skipped where it is missing, except in CI, where nothing may be."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("BANDSENSE_CI") == "1"


def missing(what: str, remedy: str) -> NoReturn:
    """Skip on a person's machine, fail in CI; `remedy` is the one command that brings what is missing."""
    message = f"{what} is missing; {remedy}"
    if IN_CI:
        pytest.fail(message)
    pytest.skip(message, allow_module_level=True)


def require_tool(name: str, remedy: str) -> str:
    """Path of a program, also of one meant for root."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/libexec/bluetooth")
    return found if found is not None else missing(name, remedy)


def require_module(name: str, package: str) -> Any:
    """Import a module of an optional package, named as pip installs it; also at the top of a test file."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(package, f"pip install '{package}'")
