"""The page for a trace from a file, in a real browser: dropped, analysed, read by everybody, kept by nobody."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandsense.sim.physics.scenario import Scenario
from bandsense.store.store import Store
from tests.needs import require_module

require_module("starlette", "bandsense[web]")
axe = require_module("axe_playwright_python.sync_playwright", "axe-playwright-python")
expect = require_module("playwright.sync_api", "playwright").expect

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

VIEWS = (
    (390, 844, "light"),
    (1280, 800, "dark"),
    (390, 844, "dark"),
    (1280, 800, "light"),
    (320, 640, "light"),
)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    done = Scenario(seed=7, reps=6).simulate()
    rows = np.column_stack([done.time_s, done.tension_n])
    path = tmp_path_factory.mktemp("trace") / "my rows.csv"
    np.savetxt(path, rows, delimiter=",", header="time_s,tension_n", comments="", fmt="%.4f")
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.support.pages import served_history

    store = Store.open(tmp_path_factory.mktemp("pages") / "bandsense.sqlite3")
    here = tmp_path_factory.mktemp("temporary")  # in the system's own folder other tests leave theirs
    with pytest.MonkeyPatch.context() as patch, served_history(store) as address:
        patch.setattr(tempfile, "tempdir", str(here))
        yield address
        assert store.sessions() == []
        assert list(here.iterdir()) == []


def test_a_file_is_analysed_on_every_screen(browser: Any, address: str, trace: Path, tmp_path: Path) -> None:
    for width, height, theme in VIEWS:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(f"{address}/sessions")
        page.get_by_role("link", name="Analyze a file").click()
        page.get_by_label("Drop a CSV file here").set_input_files(trace)
        page.get_by_role("button", name="Analyze").click()
        expect(page.locator("h1")).to_have_text("my rows.csv")
        expect(page.locator(".sub")).to_contain_text("6 reps")
        expect(page.locator("tbody tr")).to_have_count(6)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
        assert said == [], "nothing is refused by the policy of the pages"
        assert all(url.startswith(address) for url in asked), "nothing leaves this machine"
        page.screenshot(path=tmp_path / f"trace-{width}-{theme}.png", full_page=True)
        if width != 320:
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        context.close()


def test_a_file_that_is_dropped_onto_the_field_is_chosen(browser: Any, address: str, trace: Path) -> None:
    """The field itself takes it, as the browser does: no script of ours has a hand in it."""
    page = browser.new_page()
    page.goto(f"{address}/analyze")
    box = page.locator("#file").bounding_box()
    session = page.context.new_cdp_session(page)
    place = {"x": box["x"] + 40, "y": box["y"] + 20}
    data = {"items": [], "files": [str(trace)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    page.get_by_role("button", name="Analyze").click()
    expect(page.locator("h1")).to_have_text("my rows.csv")
    page.close()


def test_what_cannot_be_read_is_said_with_what_to_do(browser: Any, address: str, tmp_path: Path) -> None:
    wrong = tmp_path / "list.csv"
    wrong.write_text("name;age\nAda;36\n", encoding="utf-8")
    page = browser.new_page()
    page.goto(f"{address}/analyze")
    page.locator("#file").set_input_files(wrong)
    page.get_by_role("button", name="Analyze").click()
    expect(page.get_by_role("alert")).to_contain_text("list.csv, line 1: no header")
    page.screenshot(path=tmp_path / "trace-wrong.png", full_page=True)
    page.close()
