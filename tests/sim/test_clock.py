from __future__ import annotations

import asyncio
import selectors
import time
from typing import Any

import pytest

from bandsense.sim.clock import run_accelerated


def test_an_hour_passes_in_a_moment_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[tuple[str, float]] = []
    waited_s: list[float | None] = []
    select = selectors.DefaultSelector.select

    def watched(self: selectors.DefaultSelector, timeout: float | None = None) -> Any:
        waited_s.append(timeout)
        return select(self, timeout)

    async def sleeper(name: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        woken.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(sleeper("late", 3600.0), sleeper("early", 0.5), sleeper("middle", 60.0))

    monkeypatch.setattr(selectors.DefaultSelector, "select", watched)
    run_accelerated(main())
    assert len(waited_s) > 3
    assert set(waited_s) == {0}, "it never waits for real time to pass"
    assert [name for name, _ in woken] == ["early", "middle", "late"]
    assert [at_s for _, at_s in woken] == pytest.approx([0.5, 60.0, 3600.0], abs=1e-6)


def test_time_outs_fire_on_the_accelerated_clock() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 1000.0)

    run_accelerated(main())


def test_every_run_is_the_same() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times = []
        for i in range(1, 50):
            await asyncio.sleep(0.1 / i)
            times.append(loop.time())
        return times

    assert run_accelerated(main()) == run_accelerated(main())


def test_a_thread_is_heard_and_speed_bounds_the_leap() -> None:
    async def main() -> str:
        # Half a minute of real time: a busy machine may be slow to start a thread.
        return await asyncio.wait_for(asyncio.to_thread(slow), 600.0)

    def slow() -> str:
        time.sleep(0.05)
        return "done"

    assert run_accelerated(main(), speed=20.0) == "done"
