"""The journey of docs/at-home.md on a phone: a first session, a second with the slack that was changed, a trend.

The person of `tests.support.advised_page` is not scripted: as strong as the band lets them be, and the band is
another one only where the page was told so.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bandsense.store.store import Store
from tests.browser.test_workout import answer, page_of
from tests.support.browser import Tab, chromium, tab

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.timeout(400)]


SCREEN = "document.querySelector('main:not([hidden])')?.dataset.screen"


async def train(opened: Tab) -> list[str]:
    """Choose, train to the end and follow every advice; gives what was followed."""
    await opened.until("document.querySelector('#choose form') !== null")
    await opened.page.select_option("select[name=exercise]", "seated-row")
    await opened.page.select_option("select[name=band]", "demo")
    await opened.page.click("text=Start")
    await opened.until(f"{SCREEN} !== 'finished'")  # that of the session before
    followed = []
    async with asyncio.timeout(150.0):
        while await opened.page.evaluate(SCREEN) != "finished":
            if (shown := await answer(opened)) is not None:
                followed.append(shown)
            await asyncio.sleep(0.05)
    return followed


def lengths_m(store: Store) -> float:
    """The length of the band at the start of a pull, as it is remembered."""
    (person,) = store.people.all().values()
    (setup,) = person["setups"]
    return float(setup["start_length_m"])


async def test_two_sessions_on_the_phone_and_what_became_of_them(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    async with (
        page_of("tests.support.advised_page", str(path)) as (address, _),
        chromium() as browser,
        tab(browser, address, "phone") as opened,
    ):
        (advice,) = await train(opened)
        assert re.search(r"4 cm.*You did 5 full repetitions", advice, re.DOTALL)
        assert re.search(r"4 cm out", await opened.page.inner_text("#rest"))
        before_m = lengths_m(Store.open(path))
        await opened.page.click("text=Again")
        assert await train(opened) == []  # what fits is kept
        assert "All two sets done" in await opened.page.inner_text("#rest")
        await opened.page.click("text=See the session")
        await opened.until(
            "document.querySelector('h1') !== null && location.pathname.startsWith('/sessions/')"
        )
        compared = await opened.page.inner_text("main")
        assert re.search("16 full repetitions, 13 (earlier|on)", compared)  # at midnight, on the day before
        assert "4 cm more slack than then." in compared
        await opened.page.goto(f"{address.rstrip('/')}/trends?exercise=seated-row")
        trends = await opened.page.inner_text("main")
        assert "2 comparable sessions" in trends
        assert "4 cm, from 0. Less slack is harder." in trends
        assert await opened.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert opened.faults == []
    second, first = Store.open(path).sessions()
    assert (first.summary or {})["full_reps"] == [5, 8]
    assert (second.summary or {})["full_reps"] == [8, 8], "the slack of the first session"
    assert lengths_m(Store.open(path)) == before_m
