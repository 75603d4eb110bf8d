"""Draw the README's moving picture of the page: one repetition, frame by frame, in a real browser.

    .venv/bin/python tools/page_picture.py        writes docs/live-page.webp

Needs Debian's chromium, and Pillow (group `hardware`). The states are those of the browser tests.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAMES_PER_S = 8
PERIOD_S = 5.5
SCALE = 0.62
STILL = "performance.now = () => 1000;"


async def frames() -> list[bytes]:
    """Take a picture of each moment of the fifth repetition."""
    from playwright.async_api import async_playwright

    from tests.support.browser import Tab
    from tests.support.pages import served
    from tests.support.scenes import Scene

    taken = []
    async with served() as at, async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(
            viewport={"width": 390, "height": 844}, color_scheme="dark", device_scale_factor=1
        )
        opened = Tab(page)
        await page.add_init_script(STILL)
        await page.goto(at.address)
        for number in range(int(PERIOD_S * FRAMES_PER_S)):
            going = Scene()
            going.sample_until(1.0)
            going.train(4.0 + (number + 0.5) / (PERIOD_S * FRAMES_PER_S))
            at.show([going], name=number)
            await opened.until(f"window.bandsense.connection.station.name === {number}")
            await page.evaluate(
                "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
            )
            taken.append(await page.screenshot())
        await browser.close()
    return taken


def main() -> None:
    """Write the picture."""
    from PIL import Image

    images = [Image.open(io.BytesIO(each)).convert("RGB") for each in asyncio.run(frames())]
    size = (round(390 * SCALE), round(844 * SCALE))
    small = [image.resize(size, Image.Resampling.LANCZOS) for image in images]
    path = ROOT / "docs" / "live-page.webp"
    small[0].save(
        path,
        save_all=True,
        append_images=small[1:],
        duration=1000 // FRAMES_PER_S,
        loop=0,
        quality=70,
        method=4,
    )
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
