"""The live page in German: its browser asks for it, every word is, and nothing is cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bandsense.exercises.model import Tempo
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


BESIDE = """['.word .act', '.word .pre', '.below', '.clock', '.pacer .lab span'].flatMap((which) => [...document.querySelectorAll(`#live:not([hidden]) .field ${which}`)])
  .filter((e) => e.offsetParent && e.textContent).map((e) => { const told = document.createRange(); told.selectNodeContents(e); return [e.textContent, told.getBoundingClientRect()]; })
  .filter(([, box], i, all) => { const field = document.querySelector('.field').getBoundingClientRect();
    return box.right > field.right - 4 || box.bottom > field.bottom || all.some(([, other], j) => j > i && Math.abs(other.top - box.top) < 4 && other.left < box.right + 2 && other.right > box.left); })
  .map(([words]) => words)"""


@pytest.mark.parametrize("size", ["phone", "laptop", "tv"])
@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
async def test_the_words_of_the_field_stay_in_it_and_beside_each_other(
    browser: Any, at: Served, size: str, language: str
) -> None:
    async with tab(browser, at.address, size, locale=language) as opened:
        for name in ("ready", "pull", "hold", "return", "valley", "limit", "lost"):
            drawn = scene(name)
            assert drawn.state.settings is not None
            quick = replace(drawn.state.settings.plan, tempo=Tempo())  # half a second of hold: little room
            drawn.state.settings = replace(drawn.state.settings, plan=quick)
            await shown(at, opened, name, drawn)
            assert await opened.page.evaluate(BESIDE) == [], name


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
