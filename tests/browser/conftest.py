from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.needs import require_module, require_tool
from tests.support.browser import PATIENCE_S

PATIENCE_MS = 1000 * PATIENCE_S


class PatientBrowser:
    """A browser of Playwright's whose pages wait as long as a busy machine needs."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_context(self, **options: Any) -> Any:
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        return context

    def new_page(self) -> Any:
        page = self._browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven without asyncio; modules that need that have a browser of their own."""
    playwright = require_module("playwright.sync_api", "playwright")
    path = require_tool("chromium", "install it: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=PATIENCE_MS)
        playwright.expect.set_options(timeout=PATIENCE_MS)
        yield PatientBrowser(started)
        started.close()
