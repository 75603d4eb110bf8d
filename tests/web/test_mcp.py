"""An assistant reads the store and the live session by the protocol's own client, and can do no more."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bandsense.app.archive import open_store
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.pages import served
from tests.support.scenes import scene
from tests.support.weeks import Habit, eight_weeks, train_weeks

require_module("mcp", "bandsense[mcp]")
require_module("uvicorn", "bandsense[web]")
pytestmark = pytest.mark.real_time

from mcp import ClientSession, StdioServerParameters  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "bandsense.sqlite3"
    eight_weeks(Store.open(path))
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@asynccontextmanager
async def assistant(store: Path, live: str = NOWHERE) -> AsyncIterator[ClientSession]:
    """A client that has started the server itself, as assistants do."""
    words = ["-m", "bandsense", "mcp", "--store", str(store), "--live", live]
    parameters = StdioServerParameters(command=sys.executable, args=words)
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
        await client.initialize()
        yield client


async def ask(client: ClientSession, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.isError, answer.content
    (text,) = answer.content
    told: dict[str, Any] = json.loads(text.text)  # type: ignore[union-attr]
    return told


def bare_numbers(told: Any, path: str = "") -> Iterator[str]:
    """Measured numbers that do not stand beside an uncertainty: by name, seconds, newtons, metres, joules."""
    if isinstance(told, dict):
        if {"value", "standard_uncertainty", "unit"} == told.keys():
            assert told["value"] is None or path.endswith("rest_length_m") or told["standard_uncertainty"] > 0
            return
        for name, value in told.items():
            yield from bare_numbers(value, f"{path}.{name}")
    elif isinstance(told, list):
        for each in told:
            yield from bare_numbers(each, path)
    elif (
        isinstance(told, int | float)
        and path.endswith(("_n", "_s", "_m", "_j", "_hz"))
        and not path.endswith("_unix_s")
    ):
        yield path


@pytest.mark.slow
async def test_all_tools_only_read_and_nothing_changes(path: Path) -> None:
    before = digest(path)
    async with assistant(path) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"sessions", "session", "tension", "bands", "history", "live"}
        for tool in tools:
            assert tool.annotations is not None
            assert tool.annotations.readOnlyHint is True
            assert tool.description
            await ask(client, tool.name)
        assert (await client.list_resources()).resources == []
        refused = await client.call_tool("session", {"number": "1; DELETE FROM sessions"})
        assert refused.isError
        assert (await client.call_tool("delete", {"session": 1})).isError
    assert digest(path) == before


@pytest.mark.slow
async def test_every_figure_stands_beside_its_uncertainty_and_is_the_stored_one(path: Path) -> None:
    stored = open_store(path).session("last")
    reps = stored.repetitions()
    async with assistant(path) as client:
        session = await ask(client, "session")
        listed = await ask(client, "sessions", exercise="seated-row", limit=3)
        bands = await ask(client, "bands")
        tension = await ask(client, "tension", points=50, start_s=10, end_s=30)
    for told in (session, listed, bands):
        assert list(bare_numbers(told)) == []
    assert (session["session"], session["rep_count"]) == (stored.number, reps.rows)
    peaks = [rep["figures"]["peak_n"] for each in session["sets"] for rep in each["reps"]]
    assert [round(peak["value"], 2) for peak in peaks] == reps["peak_n"].tolist()
    assert [round(peak["standard_uncertainty"], 2) for peak in peaks] == reps["peak_uncertainty_n"].tolist()
    first = session["sets"][0]
    mean = first["figures"]["mean_peak_n"]
    own = peaks[: first["rep_count"]]
    assert mean["value"] == pytest.approx(sum(peak["value"] for peak in own) / len(own))
    assert mean["standard_uncertainty"] == pytest.approx(
        sum(peak["standard_uncertainty"] for peak in own) / len(own)
    )
    assert sum(first["rep_count_chances"].values()) == pytest.approx(1.0, abs=0.01)
    assert (listed["found"], len(listed["sessions"])) == (8, 3)
    assert bands["bands"][0]["tension_at_twice_its_length_n"]["standard_uncertainty"] == 2.0
    assert tension["columns"] == ["time_s", "tension_n", "tension_uncertainty_n"]
    assert 25 <= len(tension["points"]) <= 50
    assert all(10 <= time_s <= 30 and uncertainty_n > 0 for time_s, _, uncertainty_n in tension["points"])


@pytest.mark.slow
async def test_history_is_comparable_or_says_why_not(path: Path) -> None:
    async with assistant(path) as client:
        told = await ask(client, "history", exercise="seated-row")
        nothing = await ask(client, "history", exercise="squat")
    (peak,) = (trend for trend in told["trends"] if trend["figure"] == "peak_n")
    assert peak["change"]["uncertainty"] > 0
    assert "nothing" in nothing


@pytest.mark.slow
async def test_what_goes_wrong_is_said(path: Path, tmp_path: Path) -> None:
    async with assistant(path) as client:
        for tool, arguments, words in (
            ("session", {"number": 99}, "there is no session 99"),
            ("sessions", {"since": "yesterday"}, "Invalid isoformat"),
            ("tension", {"side": "left"}, "has no side 'left'"),
        ):
            answer = await client.call_tool(tool, arguments)
            assert answer.isError
            assert words in answer.content[0].text  # type: ignore[union-attr]
        told = await ask(client, "live")
        assert (told["live"], "nothing answers" in told["reason"]) == (False, True)
    later = tmp_path / "later.sqlite3"
    async with assistant(later) as client:
        assert (await client.call_tool("sessions", {})).isError
        train_weeks(Store.open(later), Habit(), [90.0])
        assert (await ask(client, "sessions"))["found"] == 1


@pytest.mark.slow
async def test_the_live_session_is_asked_and_never_told_anything(path: Path) -> None:
    async with served() as at:
        made = scene("rest")
        at.board.anew(["main"])
        made.post(at.board)
        port = at.server.port
        async with assistant(path, f"http://127.0.0.1:{port}") as client:
            told = await ask(client, "live")
    assert told["live"] is True
    view = told["views"]["main"]
    assert list(bare_numbers(view)) == []
    assert (view["screen"], view["done"][0]["rep_count"]) == ("rest", len(made.state.sets[0].peaks))
    assert view["done"][0]["peak_n"]["standard_uncertainty"] == made.state.sets[0].peak_uncertainty_n
    assert view["tension_n"]["value"] == pytest.approx(made.state.tension_n, abs=0.1)
    assert view["tension_n"]["standard_uncertainty"] > 0
    assert at.asked == []
