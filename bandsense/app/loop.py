"""From the first sample to the summary: what a real sensor, the simulator and a replay have in common."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.view import View
from bandsense.link.sensor import Sensor
from bandsense.samples import SampleBlock
from bandsense.workout.inputs import Input
from bandsense.workout.workout import Summary

__all__ = ["Item", "drawing", "ending", "paced", "show", "stop_conditions", "stop_on_signals"]

Item = SampleBlock | Input
"""What a stream brings: samples, or what happens between them."""


PIECE = 4
"""Samples at a time in a replay: 50 ms at 80 Hz, as often as a view draws."""


async def show(items: AsyncIterator[Item], pipeline: SessionPipeline, view: View) -> Summary:
    """Follow a stream and show it until it ends, in order or by an error, and give its summary."""
    async with drawing(view) as drawn:
        try:
            async for item in items:
                if isinstance(item, SampleBlock):
                    pipeline.push(item)
                else:
                    pipeline.apply(item)
                if drawn.done():
                    await drawn  # a view that cannot be shown is an error, not a reason to train unseen
        finally:
            summary = pipeline.finish()
    return summary


@asynccontextmanager
async def drawing(view: View) -> AsyncIterator[asyncio.Task[None]]:
    """Have a view draw while the body runs; the task ends early only where it fails."""
    task = asyncio.create_task(view.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def stop_conditions(
    stop: asyncio.Event, seconds: float | None, finished: asyncio.Event | None
) -> list[asyncio.Future[Any]]:
    """Start waiting for whatever may end a session: the person, the time, the source. Cancel them after."""
    futures: list[asyncio.Future[Any]] = [asyncio.ensure_future(stop.wait())]
    if seconds is not None:
        futures.append(asyncio.ensure_future(asyncio.sleep(seconds)))
    if finished is not None:
        futures.append(asyncio.ensure_future(finished.wait()))
    return futures


@asynccontextmanager
async def ending(sensor: Sensor, stop: asyncio.Event, finished: asyncio.Event | None) -> AsyncIterator[None]:
    """While the body reads a sensor's stream: end it when `stop` is set or the source has no more."""
    task = asyncio.create_task(_end(sensor, stop_conditions(stop, None, finished)))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _end(sensor: Sensor, conditions: list[asyncio.Future[Any]]) -> None:
    try:
        await asyncio.wait(conditions, return_when=asyncio.FIRST_COMPLETED)
        await sensor.stop()
    finally:
        for condition in conditions:
            condition.cancel()
        sensor.end()


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Have Ctrl-C, a request to end and a closed terminal set `stop`: the session ends in good order."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    try:
        for number in signals:
            loop.add_signal_handler(number, stop.set)
    except NotImplementedError:  # Windows: Ctrl-C cancels the main task instead
        yield
        return
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def paced(items: Iterable[Item], speed: float, stop: asyncio.Event) -> AsyncIterator[Item]:
    """Items at the pace of their device times, `speed` times as fast; as fast as they come with 0.

    Ends early when `stop` is set.
    """
    loop = asyncio.get_running_loop()
    origin: float | None = None
    for item in items:
        for piece in _pieces(item) if speed else (item,):
            if speed and isinstance(piece, SampleBlock):
                due_s = float(piece.time_s[-1]) / speed
                origin = loop.time() - due_s if origin is None else origin
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), max(0.0, origin + due_s - loop.time()))
            if stop.is_set():
                return
            yield piece


def _pieces(item: Item) -> Iterator[Item]:
    """Cut a block into pieces of `PIECE` samples."""
    if not isinstance(item, SampleBlock):
        yield item
        return
    for start in range(0, len(item), PIECE):
        yield item.slice(start, min(start + PIECE, len(item)))
