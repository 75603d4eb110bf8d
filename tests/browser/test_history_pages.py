"""The history pages in a real browser: nothing sticks out, everybody can read them, nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bandsense.profiles.person import Person
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.weeks import FIRST, Habit, train_once, train_weeks
from tests.web.test_history import kept_test

require_module("starlette", "bandsense[web]")
axe = require_module("axe_playwright_python.sync_playwright", "axe-playwright-python")
expect = require_module("playwright.sync_api", "playwright").expect

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

PAGES = (
    "sessions",
    "sessions/4",
    "sessions/4/sets/2",
    "sessions/5",
    "sessions/5/sides",
    "sessions/6",
    "trends?exercise=seated-row",
    "bands",
)
VIEWS = (
    (390, 844, "light", "en-GB"),
    (1280, 800, "dark", "en-GB"),
    (360, 640, "light", "de-DE"),
    (320, 640, "light", "en-GB"),
    (320, 640, "dark", "de-DE"),
)
ASIDE = "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
"""How many tables have to be moved sideways."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.support.pages import served_history

    store = Store.open(tmp_path_factory.mktemp("pages") / "bandsense.sqlite3")
    train_weeks(store, Habit(reps=(8, 8)), [90.0, 94.0, 98.0], every=timedelta(days=7))
    train_once(store, Habit(reps=(5, 12)), 8, FIRST + timedelta(days=21), 128.0)
    sides = Habit(exercise="bent-over-row", reps=(6, 6), paired=True)
    train_once(store, sides, 40, FIRST + timedelta(days=22), 97.0)
    kept_test(store, 40, 431.0, trials=3)
    store.people.put("ann", Person(id="ann", name="Ann").model_dump(mode="json", by_alias=True))
    with served_history(store) as address:
        yield address


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_every_screen_and_everybody_can_read_it(browser: Any, address: str, path: str) -> None:
    for width, height, theme, language in VIEWS:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale=language
        )
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
        assert width == 320 or page.evaluate(ASIDE) == 0, language
        assert said == [], "nothing is refused by the policy of the pages"
        if width != 320:
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        context.close()


@pytest.mark.parametrize(
    ("path", "width"), [("sessions/4", 320), ("sessions/6", 390), ("trends?exercise=seated-row", 360)]
)
def test_a_table_of_sets_trials_or_weeks_needs_no_scrolling_on_a_phone(
    browser: Any, address: str, path: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="en")
    page = context.new_page()
    page.goto(f"{address}/{path}")
    table = page.locator(".scroll").first
    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    context.close()


def test_a_page_prints_without_its_buttons(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/sessions/4")
    page.emulate_media(media="print")
    assert not page.locator("header.top").is_visible()
    assert not page.locator(".acts").first.is_visible()
    assert page.locator("svg.c").first.is_visible()
    page.close()


def test_a_note_is_kept_by_the_form_itself_and_undone(browser: Any, address: str) -> None:
    """As a browser sends it, with the origin that it tells."""
    page = browser.new_page()
    page.goto(f"{address}/sessions/5")
    page.get_by_label("Note").fill("left shoulder tight")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url("**/sessions/5#note")
    expect(page.get_by_label("Note")).to_have_value("left shoulder tight")
    page.get_by_label("Note").fill("better today")
    with page.expect_navigation():
        page.get_by_role("button", name="Keep").click()
    expect(page.get_by_label("Note")).to_have_value("better today")
    with page.expect_navigation():
        page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_label("Note")).to_have_value("left shoulder tight")
    page.emulate_media(media="print")
    assert not page.locator(".own form").is_visible()
    assert page.locator(".own .print").is_visible()
    page.close()
