from __future__ import annotations

import asyncio
import time

import pytest

from bandsense.sim.clock import run_accelerated


def test_an_hour_passes_in_a_moment_and_in_order() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        woken.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(sleeper("late", 3600.0), sleeper("early", 0.5), sleeper("middle", 60.0))

    began = time.monotonic()
    run_accelerated(main())
    assert time.monotonic() - began < 2.0
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
        return await asyncio.wait_for(asyncio.to_thread(slow), 10.0)

    def slow() -> str:
        time.sleep(0.05)
        return "done"

    assert run_accelerated(main(), speed=20.0) == "done"
