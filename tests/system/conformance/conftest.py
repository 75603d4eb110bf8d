from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bandsense.sim.clock import AcceleratedLoop
from tests.system.conformance.worlds import WORLDS, Report, World

WORLD = os.environ.get("BANDSENSE_WORLD", "virtual")


def pytest_asyncio_loop_factories() -> dict[str, type[asyncio.AbstractEventLoop]]:
    if WORLD == "virtual":
        return {WORLD: AcceleratedLoop}
    return {WORLD: asyncio.SelectorEventLoop}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def open_world() -> AsyncIterator[World]:
    world = await WORLDS[WORLD].open()
    yield world
    await world.close()


@pytest.fixture
def world(open_world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    open_world.report = Report()
    open_world.answer_with(None)
    yield open_world
    request.node.stash[REPORT] = open_world.report


REPORT = pytest.StashKey[Report]()


@dataclass
class Row:
    check: str
    outcome: str
    duration_s: float
    pairing_attempts: int
    notes: tuple[str, ...]


ROWS: list[Row] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    result = yield
    if result.when == "call" or result.failed:
        report = item.stash.get(REPORT, None)
        if result.when == "call":
            report = item.funcargs["world"].report  # type: ignore[attr-defined]
        ROWS.append(
            Row(
                item.originalname.removeprefix("test_").replace("_", " "),  # type: ignore[attr-defined]
                result.outcome,
                result.duration,
                report.pairing_attempts if report else 0,
                tuple(report.notes) if report else (),
            )
        )
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROWS:
        return
    allowed = WORLDS[WORLD].pairing_attempts
    say = terminalreporter.write_line
    say("")
    say(f"Conformance in the world: {WORLDS[WORLD].name} ({time.strftime('%Y-%m-%d')})")
    say(f"| {'check':<66} | outcome | {'s':>5} | pairing attempts |")
    say(f"|{'-' * 68}|---------|-------|------------------|")
    for row in ROWS:
        attempts = f"{row.pairing_attempts} of {allowed}" if row.pairing_attempts else "–"
        say(f"| {row.check:<66} | {row.outcome:<7} | {row.duration_s:5.1f} | {attempts:>16} |")
    for row in ROWS:
        for note in row.notes:
            say(f"{row.check}: {note}")
