"""The live page in German: its browser asks for it, every word is, and nothing is cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.test_screens import CUT, OUT_OF_VIEW, shown
from tests.support.browser import chromium, tab
from tests.support.pages import Served, served
from tests.support.scenes import SCENES, scene

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Any]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def at() -> AsyncIterator[Served]:
    async with served() as server:
        yield server


@pytest.mark.parametrize("size", ["small", "phone", "tv"])
async def test_nothing_is_cut_in_german(browser: Any, at: Served, size: str) -> None:
    async with tab(browser, at.address, size, locale="de-DE") as opened:
        await opened.until("document.querySelector('#choose form') !== null")
        assert await opened.page.evaluate("document.documentElement.lang") == "de"
        assert await opened.page.evaluate("document.querySelector('#station nav a').textContent") == "Üben"
        assert await opened.page.evaluate(CUT) == []
        for name in SCENES:
            await shown(at, opened, name)
            across = await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert across <= 0, name
            assert await opened.page.evaluate(CUT) == [], name
            assert await opened.page.evaluate(OUT_OF_VIEW) == [], name
        sides = (scene("hold", sensor_side=side) for side in ("left", "right"))
        await shown(at, opened, "two", *sides)
        assert await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await opened.page.evaluate(OUT_OF_VIEW) == []
        assert opened.faults == []


async def test_two_pages_read_the_same_session_in_their_languages(browser: Any, at: Served) -> None:
    act = "document.querySelector('#live .act').textContent"
    async with tab(browser, at.address, locale="de-DE") as german, tab(browser, at.address) as english:
        going = scene("pull")
        await shown(at, german, "pull", going)
        await english.screen("pull")
        at.show((going,), phase="training", name="pull")
        await german.until(f"{act} === 'Aus'")
        await english.until(f"{act} === 'Out'")
        # What is chosen on the page goes before what the browser asks for.
        await english.page.keyboard.press("?")
        await english.page.click("text=Deutsch")
        await english.until("document.documentElement.lang === 'de'")
