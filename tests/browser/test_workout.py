"""The whole road in a real browser: a simulated sensor, a session begun from the page, three sets and their end."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bandsense.store.store import Store
from tests.support.browser import PATIENCE_S, Tab, chromium, tab

pytestmark = [pytest.mark.slow, pytest.mark.real_time]


@asynccontextmanager
async def serving(store: Path, *options: str) -> AsyncIterator[tuple[str, Any]]:
    """`bandsense serve --sim`; gives its address and the process, which ends in good order."""
    command = ("bandsense", "serve", "--sim", "--port", "0", "--store", str(store), *options)
    async with page_of(*command) as opened:
        yield opened


@asynccontextmanager
async def page_of(*module: str) -> AsyncIterator[tuple[str, Any]]:
    """A program that serves the page, by its module and arguments."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.match(rb"open (http://\S+)", await process.stdout.readline())):
                pass
        yield found[1].decode(), process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def choose(opened: Tab, exercise: str = "seated-row") -> None:
    await opened.until("document.querySelector('#choose form') !== null")
    await opened.page.select_option("select[name=exercise]", exercise)
    await opened.page.click("text=Start")


# Every screen that was drawn, kept by the page itself: a phase may be over before a test looks again.
WATCH = """(() => {
  window.screens = new Set();
  const look = () => screens.add(document.querySelector('main:not([hidden])')?.dataset.screen);
  new MutationObserver(look).observe(document.body, {attributes: true, subtree: true});
})()"""


async def answer(opened: Tab) -> str | None:
    """Say yes to the advice if there is one now, and give what was shown.

    Looked at and pressed at once, as the next set withdraws it.
    """
    press = """(() => {
      const yes = document.querySelector('[data-act=y]');
      if (!yes?.checkVisibility()) return null;
      const shown = document.querySelector('main:not([hidden])').innerText;
      yes.click();
      return shown;
    })()"""
    shown: str | None = await opened.page.evaluate(press)
    if shown is not None:
        await opened.until("document.querySelector('[data-act=y]') === null")
    return shown


async def test_three_sets_with_the_advice_followed(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite3"
    options = ("--reps", "5", "--sets", "3", "--speed", "10")
    async with (
        serving(store, *options) as (address, _),
        chromium() as browser,
        tab(browser, address) as opened,
    ):
        await opened.page.evaluate(WATCH)
        await choose(opened)
        answered = 0
        async with asyncio.timeout(300.0):
            while not await opened.page.evaluate("screens.has('finished')"):
                answered += await answer(opened) is not None
                await asyncio.sleep(0.05)
        assert {"pull", "hold", "return", "rest"} <= set(await opened.page.evaluate("[...screens]"))
        assert answered >= 1
        told = await opened.page.inner_text("#rest")
        assert "sets done" in told
        assert re.search(r"\d+ cm out", told)
        assert await opened.page.is_visible("text=See the session")
        assert opened.faults == []
        # The page outlives the session: the next one begins from it.
        await opened.page.click("text=Again")
        await choose(opened)
        await opened.until("document.querySelector('main:not([hidden])')?.id === 'live'")
    (session, *_) = reversed(Store.open(store).sessions())
    assert (session.exercise, (session.summary or {}).get("sets")) == ("seated-row", 3)


async def test_what_a_person_corrects_holds_after_a_reload_and_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite3"
    state = "window.bandsense?.connection.views.get('main')?.state"
    options = ("--reps", "6", "--sets", "2", "--speed", "4")
    async with (
        serving(store, *options) as (address, _),
        chromium() as browser,
        tab(browser, address) as opened,
    ):
        await choose(opened)
        await opened.until(f"{state}?.reps === 3")
        await opened.page.click("[data-act=u]")
        await opened.until(f"{state}.notice.includes('you took it back')")
        assert await opened.page.evaluate(f"{state}.reps") == 2
        await opened.page.reload()
        await opened.until(f"{state}?.sets.length === 1")
        assert await opened.page.evaluate(f"{state}.sets[0].peaks.length") == 5
        await opened.page.keyboard.press("a")
        await opened.until(f"{state}.sets[0].peaks.length === 6")
        await opened.until("document.querySelector('#rest .told').textContent === 'Corrected: 6 reps'")
        assert await opened.page.evaluate(f"{state}.sets[0].doubt") == ""
        assert "You did 6" in await opened.page.inner_text("#rest .adv")
        await opened.until(f"{state}.screen === 'finished'")
        await opened.page.click("text=See the session")
        await opened.page.wait_for_selector("h1")
        told = await opened.page.inner_text("main")
        assert "12 repetitions in 2 sets" in told
        assert "5 full" not in told, "the advice is on the set as it is"
        assert opened.faults == []
    kept = Store.open(store)
    (stream,) = kept.session("last").streams
    assert [len(each["reps"]) for each in kept.sets(stream)] == [6, 6]
    assert [each.kind for each in kept.inputs(stream) if each.kind.endswith("_rep")] == [
        "undo_rep",
        "add_rep",
    ]


async def test_a_link_that_is_lost_in_mid_set_keeps_the_count_and_comes_back(tmp_path: Path) -> None:
    options = ("--reps", "10", "--sets", "1", "--speed", "3", "--fault", "repeated-link-loss")
    async with (
        serving(tmp_path / "s.sqlite3", *options) as (address, _),
        chromium() as browser,
        tab(browser, address) as opened,
    ):
        # Kept by the page itself: the link may be back before a test looks again.
        await opened.page.evaluate(
            """(() => {
              window.lost = [];
              const shown = ['#live .reps .num', '#live .tens .lit', '#live .below'];
              const look = () => {
                if (document.querySelector('main:not([hidden])#live')?.dataset.screen !== 'lost') return;
                const told = shown.map((each) => document.querySelector(each)?.innerText);
                if (Number(told[0]) > 0) lost.push(told);
              };
              new MutationObserver(look).observe(document.body, {attributes: true, childList: true, subtree: true, characterData: true});
            })()"""
        )
        await choose(opened)
        await opened.until("lost.length > 0")
        kept, tension, below = await opened.page.evaluate("lost[0]")
        assert tension == "–––"
        assert f"Your {kept} rep" in below
        await opened.until("document.querySelector('#live').dataset.screen !== 'lost'")
        await opened.until(f"Number(document.querySelector('#live .reps .num').textContent) >= {kept}")


async def test_it_ends_in_the_middle_of_a_set_and_keeps_it(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite3"
    async with (
        serving(store, "--speed", "4") as (address, process),
        chromium() as browser,
        tab(browser, address) as opened,
    ):
        await choose(opened)
        await opened.until("Number(document.querySelector('#live .reps .num')?.textContent) >= 2")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
        await opened.until("document.querySelector('#banner').textContent.includes('does not answer')")
    (session,) = Store.open(store).sessions()
    assert (session.summary or {})["reps"] >= 1  # what was under way when it ended may be missing
