"""Leading a person through a calibration: instructions out, readings in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from bandsense.calibration.procedure import CalibrationProcedure, Instruction
from bandsense.errors import CalibrationError
from bandsense.language import Message, message_of
from bandsense.samples import SampleBlock

__all__ = ["guide"]

Ask = Callable[[Instruction], Awaitable[bool]]
"""Shows an instruction and waits until the person has done it (True), or wants to leave it out (False)."""


async def guide(
    procedure: CalibrationProcedure,
    blocks: AsyncIterator[SampleBlock],
    ask: Ask,
    tell: Callable[[str], None],
) -> None:
    """Lead through the whole procedure while samples come in; those between two steps are passed over.

    Raises:
        CalibrationError: the stream ended before the procedure did, or the sensor is at its limit.
    """
    reading = asyncio.create_task(_read(procedure, blocks))
    try:
        while not procedure.finished:
            answer = asyncio.ensure_future(ask(procedure.instruction))
            await asyncio.wait({answer, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                answer.cancel()
                await reading
                raise CalibrationError(Message("the stream ended before the calibration did; start again"))
            if not await answer:
                _leave_out(procedure, tell)
                continue
            procedure.confirm()
            await _measured(procedure, reading)
    finally:
        reading.cancel()


def _leave_out(procedure: CalibrationProcedure, tell: Callable[[str], None]) -> None:
    try:
        procedure.skip()
    except CalibrationError as error:
        tell(message_of(error))


async def _read(procedure: CalibrationProcedure, blocks: AsyncIterator[SampleBlock]) -> None:
    async for block in blocks:
        procedure.push(block.time_s, block.values, block.saturated)


async def _measured(procedure: CalibrationProcedure, reading: asyncio.Task[None]) -> None:
    """Wait until the present step has its readings."""
    while procedure.measuring:
        await asyncio.wait({reading}, timeout=0.2)
        if reading.done():
            await reading
            raise CalibrationError(Message("the stream ended before the calibration did; start again"))
