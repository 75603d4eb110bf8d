"""An event loop whose time is not the wall clock's: simulated hours in seconds, and the same every run.

While nothing is ready to run, the loop's clock is set forward to the next timer instead of waiting for it.
Everything that takes its time from the loop (`asyncio.sleep`, time-outs, `loop.time()`, the virtual radio)
runs accelerated without knowing. While a thread works for the loop (`asyncio.to_thread`), its clock goes no
faster than the wall's: how long a disk takes must not decide how many simulated minutes pass meanwhile.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["AcceleratedLoop", "run_accelerated"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _LeapingSelector(selectors.DefaultSelector):
    """A selector that, asked to wait for a time, lets the loop's clock leap over that time.

    Attributes:
        leapt_s: the sum of what was leapt over.
        threads: how many pieces of work the loop waits for that real time alone brings on.
    """

    def __init__(self, speed: float | None) -> None:
        super().__init__()
        self.speed = speed
        self.leapt_s = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> Any:
        """Wait for files for `timeout / speed` real seconds, while threads work for all of it; then leap."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        speed = 1.0 if self.threads else self.speed
        ready = super().select(timeout / speed if speed else 0)
        if not ready:
            self.leapt_s += timeout
        return ready


class AcceleratedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock starts at 0 and leaps from timer to timer.

    Args:
        speed: loop seconds per real second while waiting; None for as fast as the machine can.
    """

    def __init__(self, speed: float | None = None) -> None:
        self._leaping = _LeapingSelector(speed)
        super().__init__(self._leaping)

    @property
    def speed(self) -> float | None:
        """Loop seconds per real second while waiting; a change counts from the next wait on."""
        return self._leaping.speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        self._leaping.speed = speed

    def time(self) -> float:
        """Seconds on the accelerated clock: the sum of what was leapt over."""
        return self._leaping.leapt_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Begin work on a thread, at whose side time passes as on the wall."""
        working = super().run_in_executor(executor, func, *args)
        self._leaping.threads += 1
        working.add_done_callback(self._worked)
        return working

    def _worked(self, _working: asyncio.Future[Any]) -> None:
        self._leaping.threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        """Wait for the work on threads, however long: a time-out on this clock would be over at once."""
        await super().shutdown_default_executor()


def run_accelerated(main: Coroutine[Any, Any, T], *, speed: float | None = None) -> T:
    """Run as `asyncio.run` does, on an accelerated loop."""
    with asyncio.Runner(loop_factory=lambda: AcceleratedLoop(speed)) as runner:
        return runner.run(main)
