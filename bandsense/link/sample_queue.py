"""The way from the radio to whoever records: it never waits, it never drops, and it is bounded."""

from __future__ import annotations

import asyncio
from collections import deque

from bandsense.errors import LinkError
from bandsense.language import Message
from bandsense.samples import SampleBlock, concatenate

__all__ = ["BlockQueue"]

BACKLOG_LIMIT = 320 * 60 * 10
"""Samples that may wait: ten minutes at the highest rate, 3.5 MB."""


class BlockQueue:
    """Sample blocks between the radio, which cannot wait, and a reader, who may be slow.

    A reader that falls behind gets everything that waits as one block. When more waits than the limit, the
    queue fails aloud: the reader still gets all that came before, then the error. Nothing vanishes silently.

    Args:
        limit: samples that may wait.
    """

    def __init__(self, limit: int = BACKLOG_LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[SampleBlock] = deque()
        self._backlog = 0
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self._ended

    @property
    def backlog(self) -> int:
        """Samples that wait for the reader."""
        return self._backlog

    def put(self, block: SampleBlock) -> None:
        """Append; never waits."""
        if self._ended:
            return
        self._waiting.append(block)
        self._backlog += len(block)
        self._news.set()
        if self._backlog > self._limit:
            self.end(
                LinkError(
                    Message(
                        "samples are not read quickly enough, {backlog} are waiting; recording stopped",
                        backlog=self._backlog,
                    )
                )
            )

    def end(self, error: Exception | None = None) -> None:
        """End it: nothing comes any more, because of this error or because it was asked for."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._news.set()

    async def get(self) -> SampleBlock | None:
        """Wait for samples and return all that are queued as one block; None at the end.

        Raises:
            Exception: the error that the queue ended with, after everything before it was read.
        """
        await self._news.wait()
        if self._waiting:
            blocks = list(self._waiting)
            self._waiting.clear()
            self._backlog = 0
            if not self._ended:
                self._news.clear()
            return blocks[0] if len(blocks) == 1 else concatenate(blocks)
        if self._error is not None:
            raise self._error
        return None
