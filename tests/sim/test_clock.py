from __future__ import annotations

import asyncio
import selectors
import time
from contextlib import closing
from typing import Any

import pytest

from bandsense.sim.clock import AcceleratedLoop, run_accelerated


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


def test_work_on_threads_is_waited_for_at_the_end_without_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.13 on a runner gives it 300 s, over which this clock would leap."""
    limits: list[float | None] = []

    async def shutdown(_loop: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109
        limits.append(timeout)

    monkeypatch.setattr(asyncio.BaseEventLoop, "shutdown_default_executor", shutdown)
    with closing(AcceleratedLoop()) as loop:
        loop.run_until_complete(loop.shutdown_default_executor(300.0))
    assert limits == [None]


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


def test_time_goes_no_faster_than_the_walls_while_a_thread_works() -> None:
    """A sensor falls asleep after minutes: these must not pass while a disk is slow."""

    async def main() -> tuple[float, float]:
        async def ticks() -> None:
            while True:
                await asyncio.sleep(0.002)

        ticking = asyncio.create_task(ticks())
        begun_s = time.monotonic()
        await asyncio.to_thread(time.sleep, 0.05)
        passed_s, real_s = asyncio.get_running_loop().time(), time.monotonic() - begun_s
        await asyncio.sleep(60.0)  # it leaps again
        ticking.cancel()
        return passed_s, real_s

    passed_s, real_s = run_accelerated(main())
    assert passed_s <= real_s + 0.005
