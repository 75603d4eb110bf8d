"""The page in a real browser, driven over the Chrome DevTools Protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bandsense.calibration.curve import Calibration
from bandsense.live.actions import Action
from bandsense.live.state import ViewState
from bandsense.live.web import Panel, WebView
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.inputs import LinkChange
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.needs import require_tool

websockets = pytest.importorskip("websockets", reason="pip install 'bandsense[web]'")
pytestmark = pytest.mark.slow


class Browser:
    """One tab; `exceptions` collects what its scripts raise and what its console complains about."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.exceptions: list[str] = []

    async def command(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self._socket.recv())
            if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.exceptions.append(json.dumps(message["params"]))
            if message.get("id") == number:
                return message["result"]

    async def evaluate(self, expression: str) -> Any:
        return (await self.command("Runtime.evaluate", expression=expression))["result"].get("value")

    async def until(self, expression: str) -> None:
        async with asyncio.timeout(20.0):
            while not await self.evaluate(expression):
                await asyncio.sleep(0.1)


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    chromium = require_tool("chromium", "install it: apt-get install chromium")
    process = await asyncio.create_subprocess_exec(
        chromium,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"),
        *(f"--user-data-dir={profile}", "about:blank"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    port_file = profile / "DevToolsActivePort"
    try:
        async with asyncio.timeout(60.0):
            while not port_file.exists() or "\n" not in port_file.read_text():
                await asyncio.sleep(0.1)
        port, path = port_file.read_text().split()
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as root:
            target = await Browser(root).command("Target.createTarget", url="about:blank")
        tab = f"ws://127.0.0.1:{port}/devtools/page/{target['targetId']}"
        async with websockets.connect(tab, max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()


async def test_the_page_shows_the_set_and_offers_what_can_be_asked(
    tmp_path: Path, set_of_three: SampleBlock
) -> None:
    state = ViewState(title="Seated row")
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    for event in workout.push(set_of_three) + workout.apply(LinkChange("streaming", "")):
        state.update(event)
    asked = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    quitted: list[str] = []
    actions = {
        "e": Action("end set", asked.set),
        "t": Action("tare", print),
        "q": Action("quit", lambda: quitted.append("q"), "End the session?"),
    }
    view = WebView({None: Panel(state, actions)}, port=0)
    serving = asyncio.create_task(view.run(ready.set_result))
    async with browser(tmp_path) as tab:
        await tab.command("Runtime.enable")
        await tab.command("Log.enable")
        await tab.command("Page.navigate", url=await ready)
        await tab.until("document.getElementById('reps')?.textContent === '3'")
        assert await tab.evaluate("document.getElementById('tension').textContent") == "3"
        assert await tab.evaluate("document.getElementById('title').textContent") == "Seated row"
        assert "pull 0." in await tab.evaluate("document.getElementById('last').textContent")
        await tab.until(
            "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"
            "(document.getElementById('trace'))"
        )
        shown = "[...document.querySelectorAll('nav button')].filter(b => !b.hidden).map(b => b.textContent)"
        assert await tab.evaluate(f"{shown}.join()") == "end set,quit"  # within a set, no tare
        assert await tab.evaluate("document.querySelector('nav button').getBoundingClientRect().height >= 44")
        await tab.evaluate("document.querySelector('nav button').click()")
        await asyncio.wait_for(asked.wait(), 10.0)
        await tab.evaluate("window.confirm = question => { window.asked = question; return false; }")
        await tab.evaluate("document.querySelector('[data-key=q]').click()")
        assert await tab.evaluate("window.asked") == "End the session?"
        assert quitted == []
        for event in workout.finish():
            state.update(event)
        await tab.until("document.getElementById('last').textContent === 'done: 3 reps'")
        assert await tab.evaluate(f"{shown}.join()") == "tare,quit"
        assert "resting 0:" in await tab.evaluate("document.getElementById('phase').textContent")
        serving.cancel()
        await tab.until("document.getElementById('link').textContent === 'the session is over'")
        assert await tab.evaluate("document.querySelectorAll('nav button').length") == 0
        assert [fault for fault in tab.exceptions if "favicon" not in fault] == []
