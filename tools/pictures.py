"""Draw docs/pictures from the product: its own server and pages in Chromium. `make pictures`, then look.

The set is a scripted one (`tests.support.scenes`), the weeks are those of a simulated person
(`tests.support.weeks`); what shows them is what shows a session. `drawn-from.json` keeps what they were
drawn from, so that a test can tell which ones may be out of date.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
KEPT = PICTURES / "drawn-from.json"
SOURCES = (
    "bandsense/web/static/css",
    "bandsense/web/static/js",
    "bandsense/web/templates",
    "bandsense/report",
)
NAMES = ("set.webp", "advice.png", "finished.png", "pair.png", "trends.png", "sides.png", "report.png")

STILL = "performance.now = () => 1000;"
"""The page's own clock stands, so that a frame is the moment that it says it is."""
FRAME_MS, READ_MS = 420, 2600


def sources() -> dict[str, str]:
    """Digest of each file that decides how the pages look."""
    files = sorted(
        path
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".css", ".js", ".html", ".jinja", ".j2", ".py"}
    )
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {path.relative_to(ROOT).as_posix(): digest[:16] for path, digest in digests.items()}


def told() -> list[tuple[Any, int]]:
    """The moments of the moving picture, each with how long it is seen: too hard, 4 cm, again, done."""
    from bandsense.workout.events import SlackAdvised
    from tests.support.scenes import Scene, advice, scene

    def during(reps: float, *, again: bool = False) -> Scene:
        made = Scene()
        made.sample_until(1.0)
        if again:
            made.train(4.95)
            made.end_set(5)
            made.tell(SlackAdvised(made.now_s, advice(), made.now_s))
            made.sample_until(made.now_s + 60.0)
            made.gain = 0.92
        made.train(reps)
        return made

    first = (4.02, 4.13, 4.2, 4.3, 4.45, 4.58, 4.68, 4.8)
    second = (7.02, 7.14, 7.22, 7.34, 7.6, 7.74)
    return [
        (scene("ready"), 900),
        *((during(reps), FRAME_MS) for reps in first),
        (scene("rest"), READ_MS),
        *((during(reps, again=True), FRAME_MS) for reps in second),
        (scene("finished"), READ_MS),
    ]


async def draw_page() -> None:
    """What is seen while training."""
    from PIL import Image

    from tests.support.browser import chromium, tab
    from tests.support.pages import served

    sensors = [
        {"address": "A", "name": "BA5E", "distance": "very near", "bars": 4, "battery_percent": 87},
        {"address": "B", "name": "3C91", "distance": "some metres away", "bars": 2, "battery_percent": 64},
    ]

    async def still(at: Any, opened: Any, each: Any, name: str) -> bytes:
        at.show([each], phase="finished" if each.state.finished else "training", name=name)
        await opened.until(f"window.bandsense?.connection.station.name === '{name}'")
        await opened.screen(each.state.screen.value)
        await opened.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        drawn: bytes = await opened.page.screenshot()
        return drawn

    async def ready(opened: Any) -> None:
        await opened.page.add_init_script(STILL)
        await opened.page.reload()
        await opened.until("window.bandsense !== undefined")
        await opened.page.evaluate("document.fonts.ready")
        await opened.page.evaluate("bandsense.sound.set({muted: true})")

    from tests.support.scenes import scene

    async with chromium() as browser, served() as at:
        async with tab(browser, at.address, "land", "dark") as opened:
            await ready(opened)
            moments = told()
            frames = [
                Image.open(io.BytesIO(await still(at, opened, each, f"frame {number}")))
                for number, (each, _) in enumerate(moments)
            ]
            frames[0].save(
                PICTURES / "set.webp",
                save_all=True,
                append_images=frames[1:],
                duration=[shown_ms for _, shown_ms in moments],
                loop=0,
                quality=80,
                method=6,
            )
        async with tab(browser, at.address, "phone", "light") as opened:
            await ready(opened)
            keep("advice.png", await still(at, opened, scene("rest"), "advice"))
            keep("finished.png", await still(at, opened, scene("finished"), "finished"))
        async with served() as at_rest, tab(browser, at_rest.address, "phone", "light") as opened:
            await opened.until("!document.querySelector('#choose form select')?.hidden")
            await opened.page.click("text=Pair a sensor")
            at_rest.board.post("station", {"sensors": sensors, "looking": True})
            await opened.until("document.querySelectorAll('.found li').length === 2")
            keep("pair.png", await opened.page.screenshot())


@asynccontextmanager
async def serving(store: Path) -> AsyncIterator[str]:
    """`bandsense serve` of a store; gives its address."""
    command = [sys.executable, "-m", "bandsense", "serve", "--port", "0", "--store", str(store)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    output = cast(asyncio.StreamReader, process.stdout)
    try:
        async with asyncio.timeout(120.0):
            while not (found := re.match(rb"open (http://\S+?)/?\s", await output.readline())):
                pass
        yield found[1].decode()
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def draw_history(folder: Path) -> None:
    """What is seen after weeks: trends, left and right, the report."""
    from bandsense.store.store import Store
    from tests.support.browser import chromium
    from tests.support.weeks import eight_weeks, two_sides

    path = folder / "bandsense.sqlite3"
    store = Store.open(path)
    eight_weeks(store)
    sides = two_sides(store)
    number = next(each.id for each in store.sessions() if each.exercise == sides.exercise)
    async with serving(path) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": 960, "height": 860})
        for name, place in (("trends", "trends?exercise=seated-row"), ("sides", f"sessions/{number}/sides")):
            await page.goto(f"{address}/{place}")
            await page.wait_for_load_state("networkidle")
            keep(f"{name}.png", await page.screenshot())
    weeks = ["--weeks", "10", "--exercise", "seated-row", "--anonymous"]
    written = folder / "report.png"
    command = ["bandsense", "report", *weeks, "-o", str(written), "--store", str(path)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, cwd=ROOT)
    if await process.wait():
        raise SystemExit("no report was written")
    keep("report.png", written.read_bytes(), width=900)


def keep(name: str, drawn: bytes, *, width: int | None = None) -> None:
    """Write one picture with a palette, which takes a third of the room."""
    from PIL import Image

    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    if width is not None and picture.width > width:
        picture = picture.resize(
            (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
        )
    picture.quantize(128, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


async def draw() -> None:
    """Draw all of them anew."""
    # By its own path: a package in site-packages is called `tests`, too.
    ours = sys.modules["tests"] = ModuleType("tests")
    ours.__path__ = [str(ROOT / "tests")]
    PICTURES.mkdir(exist_ok=True)
    await draw_page()
    with tempfile.TemporaryDirectory() as folder:
        await draw_history(Path(folder))
    KEPT.write_text(json.dumps({"pictures": NAMES, "sources": sources()}, indent=1) + "\n", encoding="utf-8")
    for name in NAMES:
        print(f"{(PICTURES / name).stat().st_size / 1000:6.0f} kB  docs/pictures/{name}")


if __name__ == "__main__":
    asyncio.run(draw())
