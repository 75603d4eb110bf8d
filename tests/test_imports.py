"""The rooms of docs/architecture.md: who may know whom."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "bandsense"

BELOW = {"errors", "samples"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "samples": {"errors", "numpy"},
    "profiles": {*BELOW, "exercises", "pydantic", "signal", "bands", "workout"},
    "wire": {*BELOW, "numpy"},
    "link": {*BELOW, "wire", "numpy", "bleak", "bleak_retry_connector", "dbus_fast", "smpclient", "smp"},
    "signal": {*BELOW, "numpy", "scipy"},
    "bands": {*BELOW, "numpy", "scipy"},
    "exercises": {*BELOW, "pydantic"},
    "workout": {*BELOW, "signal", "bands", "exercises", "numpy", "pydantic"},
    "store": {*BELOW, "numpy"},
    "live": {
        *BELOW,
        "workout",
        "signal",
        "numpy",
        "rich",
        "starlette",
        "uvicorn",
        "websockets",
        "aiomqtt",
        "pylsl",
    },
    "export": {*BELOW, "store", "numpy", "pyarrow", "fit_tool"},
    "sim": {*BELOW, "wire", "numpy", "bumble", "bleak", "cbor2"},
}
"""What a room may import besides itself and the standard library; `cli` may import all."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def imported(path: Path) -> tuple[tuple[int, str], ...]:
    """Line and name of everything a module imports: a room of ours, or the first part of a library's name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple((line, room_of(name)) for line, name in imports(tree))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "bandsense" else [base]
            yield from ((node.lineno, name) for name in names)


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "bandsense" and len(parts) > 1 else parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    own = room(path)
    if own in ("cli", "__init__", "__main__"):
        return
    allowed = ALLOWED[own] | {own} | set(sys.stdlib_module_names)
    wrong = [f"line {line}: {name}" for line, name in imported(path) if name not in allowed]
    assert not wrong, f"{own}/ may not import {', '.join(wrong)}"


def test_bleak_lives_only_in_link_and_in_the_virtual_radio() -> None:
    users = {room(path) for path in modules() if any(name == "bleak" for _, name in imported(path))}
    assert users <= {"link", "sim"}


def test_nothing_but_the_commands_imports_the_simulator() -> None:
    users = {room(path) for path in modules() if any(name == "sim" for _, name in imported(path))}
    assert users <= {"sim", "cli"}


def test_every_room_is_known_to_this_test() -> None:
    assert {room(path) for path in modules()} <= {*ALLOWED, "cli", "__init__", "__main__"}
