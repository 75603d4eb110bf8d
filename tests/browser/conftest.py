from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.needs import require_module, require_tool
from tests.support.browser import PATIENCE_S


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven without asyncio; modules that need that have a browser of their own."""
    playwright = require_module("playwright.sync_api", "playwright")
    path = require_tool("chromium", "install it: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        patience_ms = 1000 * PATIENCE_S
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=patience_ms)
        playwright.expect.set_options(timeout=patience_ms)
        yield started
        started.close()
