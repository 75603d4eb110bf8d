from __future__ import annotations

from tests.support.sensors import adapter, band, journal, pytest_asyncio_loop_factories, radio, transport

__all__ = ["adapter", "band", "journal", "pytest_asyncio_loop_factories", "radio", "transport"]
