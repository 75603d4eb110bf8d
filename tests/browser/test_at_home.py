"""The journey of docs/at-home.md on a phone: a first session, a second with the slack that was changed, a trend."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from bandsense.store.store import Store
from tests.browser.test_workout import serving
from tests.support.browser import Tab, chromium, tab

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.timeout(400)]


async def command(store: Path, *words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bandsense", *words, "--store", str(store), env=os.environ
    )
    assert await process.wait() == 0


async def train(opened: Tab) -> int:
    """Choose, train to the end and follow every advice; gives how many were followed."""
    await opened.until("document.querySelector('#choose form') !== null", 30.0)
    await opened.page.select_option("select[name=exercise]", "seated-row")
    await opened.page.select_option("select[name=band]", "green")
    await opened.page.click("text=Start")
    followed = 0
    async with asyncio.timeout(150.0):
        while (
            await opened.page.evaluate("document.querySelector('main:not([hidden])')?.dataset.screen")
            != "finished"
        ):
            if await opened.page.evaluate("document.querySelector('[data-act=y]') !== null"):
                await opened.page.click("[data-act=y]")
                await opened.until("document.querySelector('[data-act=y]') === null", 30.0)
                followed += 1
            await asyncio.sleep(0.05)
    return followed


async def test_two_sessions_on_the_phone_and_what_became_of_them(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite3"
    await command(store, "band", "add", "green", "--colour", "green", "--rest-length-cm", "75")
    async with (
        serving(store, "--reps", "5", "--sets", "2", "--speed", "20") as (address, _),
        chromium() as browser,
        tab(browser, address, "phone") as opened,
    ):
        followed = await train(opened)
        assert followed >= 1
        first = await opened.page.inner_text("#rest")
        assert re.search(r"\d+ cm out", first)
        await opened.page.click("text=Again")
        await train(opened)
        second = await opened.page.inner_text("#rest")
        assert "sets done" in second
        await opened.page.click("text=See the session")
        await opened.page.wait_for_load_state("networkidle")
        assert "Seated row" in await opened.page.inner_text("h1")
        await opened.page.goto(f"{address.rstrip('/')}/trends?exercise=seated-row")
        trends = await opened.page.inner_text("main")
        assert "Seated row" in trends
        assert "2 comparable sessions" in trends
        assert await opened.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert opened.faults == []
    sessions = Store.open(store).sessions()
    assert [(each.band, (each.summary or {})["sets"]) for each in sessions] == [("green", 2), ("green", 2)]
