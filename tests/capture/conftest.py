from __future__ import annotations

import asyncio

import pytest

from bandsense.sim.clock import AcceleratedLoop
from tests.support.sensors import adapter, band, journal, radio, transport

__all__ = ["adapter", "band", "journal", "radio", "transport"]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, type[asyncio.SelectorEventLoop]]:
    """Tests of the link run on simulated time: quick, and not disturbed by a busy machine.

    All but those that talk to another process, which are marked `real_time`.
    """
    if item.get_closest_marker("real_time"):
        return {"real": asyncio.SelectorEventLoop}
    return {"accelerated": AcceleratedLoop}
