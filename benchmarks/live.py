"""How long a sample takes from the pipeline to the screen, and what the server costs, beside a bare page.

    python -m benchmarks.live

A sample carries the moment at which it was made; the page says, in the frame that shows it, which sample it
shows. The floor is the least that can be done: a Starlette WebSocket that sends each sample, and a page that
draws it with uPlot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np

from benchmarks.tables import Table

RATE_HZ = 80.0
SECONDS = 12.0

# In each frame: which sample is shown, and when. The frame is painted right after its callbacks.
WATCH = """
window.frames_seen = [];
const look = () => {
  const drawn = window.bandsense ? window.bandsense.drawn_s : 0;
  const last = window.frames_seen[window.frames_seen.length - 1];
  if (!last || last[0] !== drawn)
    new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); })
      .then(() => window.frames_seen.push([drawn, Date.now() / 1000]));
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""

FLOOR = """<!doctype html><title>floor</title><link rel="stylesheet" href="/uplot.css"><div id="plot"></div>
<script src="/uplot.js"></script><script>
window.bandsense = {drawn_s: 0};
const x = [], y = [];
const plot = new uPlot({width: 360, height: 200, series: [{}, {stroke: 'red'}], scales: {x: {time: false}}}, [x, y], document.querySelector('#plot'));
let due = false;
new WebSocket(`ws://${location.host}/live`).onmessage = (event) => {
  for (const [t, n] of JSON.parse(event.data)) { x.push(t); y.push(n); }
  if (x.length > 1600) { x.splice(0, x.length - 1600); y.splice(0, y.length - 1600); }
  if (!due) { due = true; requestAnimationFrame(() => { due = false; plot.setData([x, y]); window.bandsense.drawn_s = x[x.length - 1]; }); }
};
</script>"""


class Floor:
    """A bare Starlette page and its WebSocket."""

    def __init__(self) -> None:
        from starlette.applications import Starlette
        from starlette.responses import HTMLResponse, Response
        from starlette.routing import Route, WebSocketRoute
        from starlette.websockets import WebSocket

        from bandsense.web.server import PageServer

        folder = resources.files("bandsense.web") / "static" / "vendor" / "uplot"
        self._queues: list[asyncio.Queue[str]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

        async def live(page: WebSocket) -> None:
            self._loop = asyncio.get_running_loop()
            await page.accept()
            queue: asyncio.Queue[str] = asyncio.Queue()
            self._queues.append(queue)
            while True:
                await page.send_text(await queue.get())

        async def page(_: Any) -> Response:
            return HTMLResponse(FLOOR)

        def file(name: str, kind: str) -> Callable[[Any], Any]:
            async def serve(_: Any) -> Response:
                return Response((folder / name).read_bytes(), media_type=kind)

            return serve

        routes = [
            Route("/", page),
            Route("/uplot.js", file("uPlot.iife.min.js", "text/javascript")),
            Route("/uplot.css", file("uPlot.min.css", "text/css")),
            WebSocketRoute("/live", live),
        ]
        self.server = PageServer(Starlette(routes=routes), "127.0.0.1", 0)
        self.server.start()
        self.address = f"http://127.0.0.1:{self.server.port}/"

    def post(self, time_s: float, tension_n: float) -> None:
        if self._loop is None:
            return
        text = json.dumps([[time_s, tension_n]])
        for queue in self._queues:
            self._loop.call_soon_threadsafe(queue.put_nowait, text)


class Ours:
    """The page of bandsense, fed as a session feeds it: a `Follower` of samples and ticks."""

    def __init__(self) -> None:
        from bandsense.live.state import ViewState
        from bandsense.web.access import Access
        from bandsense.web.application import Hosted, create_app
        from bandsense.web.board import Board
        from bandsense.web.page_view import Follower
        from bandsense.web.server import PageServer

        board = Board()

        async def nothing(_: Any = None) -> Any:
            return {}

        hosted = Hosted(
            board=board,
            access=Access("127.0.0.1"),
            choices=nothing,
            begin=nothing,
            end=nothing,
            look=nothing,
            blink=nothing,
            pair=nothing,
            act=lambda *_: None,
            port=lambda: 0,
        )
        self.server = PageServer(create_app(hosted), "127.0.0.1", 0)
        self.server.start()
        self.address = f"http://127.0.0.1:{self.server.port}/"
        self._state = ViewState(title="Seated row", settings=_settings(), link="streaming")
        self._follower = Follower(board, self._state)
        self._ticks = 0
        board.anew(["main"])
        board.post("station", {"phase": "training"})
        self._follower.post()

    def post(self, time_s: float, tension_n: float) -> None:
        from bandsense.workout.events import TensionTick

        self._follower.samples(np.array([time_s]), np.array([tension_n]))
        self._ticks += 1
        if self._ticks % 4 == 0:  # as often as a session ticks and looks
            self._follower.event(TensionTick(time_s, tension_n, 4.0))
            self._follower.post()


def _settings() -> Any:
    from bandsense.calibration.curve import Calibration
    from bandsense.exercises.catalogue import get_exercise
    from bandsense.samples import Unit
    from bandsense.workout.settings import WorkoutSettings

    return WorkoutSettings(Calibration.identity(Unit.NEWTON), get_exercise("seated-row"))


def _thread_seconds(name: str) -> float:
    """Processor seconds of the server's thread."""
    for thread in threading.enumerate():
        if thread.name == name and thread.native_id is not None:
            clock = time.pthread_getcpuclockid(thread.ident or 0)
            return time.clock_gettime(clock)
    return 0.0


async def measured(served: Floor | Ours, pages: int, seconds: float) -> dict[str, float]:
    """Latencies in ms, and what the server's thread and the session's loop take of a core."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        watched = await browser.new_page(viewport={"width": 390, "height": 844})
        await watched.add_init_script(WATCH)
        await watched.goto(served.address)
        await _read_along(served, pages - 1)
        made: dict[float, float] = {}
        server_s, own_s, began = _thread_seconds("bandsense page"), time.thread_time(), time.monotonic()
        while (since_s := time.monotonic() - began) < seconds:
            time_s = round(100.0 + since_s, 3)
            made[time_s] = time.time()
            served.post(time_s, 60.0 + 40.0 * np.sin(1.2 * since_s))
            await asyncio.sleep(1 / RATE_HZ - (time.monotonic() - began - since_s))
        server_s, own_s = _thread_seconds("bandsense page") - server_s, time.thread_time() - own_s
        seen = await watched.evaluate("window.frames_seen")
        await browser.close()
    latencies_ms = [1000 * (at - made[drawn]) for drawn, at in seen if drawn in made]
    return {
        "p50_ms": float(np.percentile(latencies_ms, 50)),
        "p95_ms": float(np.percentile(latencies_ms, 95)),
        "frames": len(latencies_ms) / seconds,
        "server_percent": 100 * server_s / seconds,
        "session_percent": 100 * own_s / seconds,
    }


async def _read_along(served: Floor | Ours, count: int) -> None:
    """Further pages, as far as the server can tell: in threads, so that reading costs the session nothing."""
    import websockets

    path = "live" if isinstance(served, Floor) else "api/v1/live"
    address = served.address.replace("http", "ws") + path

    def read() -> None:
        async def forever() -> None:
            async with websockets.connect(address) as stream:
                async for _ in stream:
                    pass

        try:
            asyncio.run(forever())
        except Exception:  # the server ended
            return

    for _ in range(count):
        threading.Thread(target=read, daemon=True).start()
    await asyncio.sleep(1.0)


async def run(seconds: float) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, make, pages in (
        ("bare Starlette + uPlot, 1 page", Floor, 1),
        ("bandsense, 1 page", Ours, 1),
        ("bandsense, 10 pages", Ours, 10),
    ):
        served = make()
        found = await measured(served, pages, seconds)
        await served.server.stop()
        rows.append(
            (
                name,
                f"{found['p50_ms']:.0f}",
                f"{found['p95_ms']:.0f}",
                f"{found['frames']:.0f}",
                f"{found['server_percent']:.1f}",
                f"{found['session_percent']:.1f}",
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    rows = asyncio.run(run(parser.parse_args().seconds))
    head = ("", "p50, ms", "p95, ms", "frames/s", "server, % of a core", "session, %")
    print(Table("From the sample to the screen", head, tuple(rows)).text())


if __name__ == "__main__":
    main()
