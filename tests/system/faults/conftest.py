from __future__ import annotations

from bandsense.sim.clock import AcceleratedLoop


def pytest_asyncio_loop_factories() -> dict[str, type[AcceleratedLoop]]:
    """Faults run on simulated time: quick, and not disturbed by a busy machine."""
    return {"accelerated": AcceleratedLoop}
