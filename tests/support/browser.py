"""Debian's Chromium, driven by Playwright; one browser for each test module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.needs import require_module, require_tool

__all__ = ["PATIENCE_S", "SIZES", "Tab", "chromium", "tab"]

PATIENCE_S = 120.0
"""How long a browser on a busy machine may take for anything."""

SIZES = {
    "phone": (390, 844),
    "land": (844, 390),
    "small": (360, 640),
    "laptop": (1280, 800),
    "tv": (1920, 1080),
}


class Tab:
    """A page, and everything that went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Service Worker registration blocked" not in message.text:
            self.faults.append(message.text)

    def _request(self, request: Any) -> None:
        if "//127.0.0.1:" not in request.url and not request.url.startswith(("data:", "blob:")):
            self.faults.append(f"asked {request.url}")

    async def until(self, expression: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until an expression is true; asked again and again, as the page's policy forbids `eval`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self.page.evaluate(expression):
                    await asyncio.sleep(0.03)
        except TimeoutError:
            raise AssertionError(f"never true within {timeout_s} s: {expression}") from None

    async def screen(self, name: str) -> None:
        """Wait until this screen is drawn."""
        await self.until(f"document.querySelector('main:not([hidden])')?.dataset.screen === '{name}'")


@asynccontextmanager
async def chromium(*more: str) -> AsyncIterator[Any]:
    path = require_tool("chromium", "install it: apt-get install chromium")
    playwright = require_module("playwright.async_api", "playwright")
    async with playwright.async_playwright() as driver:
        arguments = ["--no-sandbox", "--autoplay-policy=user-gesture-required", "--disable-gpu", *more]
        browser = await driver.chromium.launch(
            executable_path=path, args=arguments, timeout=1000 * PATIENCE_S
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(
    browser: Any, address: str, size: str = "phone", theme: str = "light", **options: Any
) -> AsyncIterator[Tab]:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        service_workers=options.pop("service_workers", "block"),
        **options,
    )
    context.set_default_timeout(1000 * PATIENCE_S)
    try:
        opened = Tab(await context.new_page())
        await opened.page.goto(address)
        # The live page is there once it has fetched its words.
        await opened.until("window.bandsense || !document.querySelector('script[src$=\"/main.js\"]')")
        yield opened
    finally:
        await context.close()
