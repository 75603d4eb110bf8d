"""A program with one sensor that speaks the bandsense profile by hand, over any client of bleak."""

from __future__ import annotations

import asyncio
import itertools

from bleak import BleakClient

from bandsense.wire.bandsense.answers import Answer, decode_answer
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.requests import Request, encode_request
from bandsense.wire.bandsense.uuids import CONTROL_UUID, MEASUREMENT_UUID


class ProfileHost:
    """Remembers what it heard."""

    patience_s = 3.0

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.frames: list[tuple[float, MeasurementFrame]] = []
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.ids = itertools.count(1)

    async def prepare(self) -> None:
        """Subscribe to answers and measurements."""
        loop = asyncio.get_running_loop()
        await self.client.start_notify(
            CONTROL_UUID, lambda _, data: self.answers.put_nowait(decode_answer(bytes(data)))
        )
        await self.client.start_notify(
            MEASUREMENT_UUID,
            lambda _, data: self.frames.append((loop.time(), MeasurementFrame.decode(bytes(data)))),
        )

    async def ask(self, request: Request) -> Answer:
        """Write a request and wait for its answer."""
        request_id = next(self.ids) % 256
        await self.write(encode_request(request_id, request))
        answer = await self.answer()
        assert answer.request_id == request_id
        return answer

    async def write(self, data: bytes) -> None:
        await self.client.write_gatt_char(CONTROL_UUID, data, response=True)

    async def answer(self) -> Answer:
        return await asyncio.wait_for(self.answers.get(), self.patience_s)
