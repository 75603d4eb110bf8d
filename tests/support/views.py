"""A view that keeps what it is told, for tests of what a person can do without a command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from typing_extensions import override

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.view import SideActions, View
from bandsense.exercises.model import Side
from bandsense.workout.events import Event, TensionTick


class EventLog(View):
    """Keeps every event by side, what is told before, and the result.

    Args:
        happens: called for every event with its side and the actions, so that a test can act in between.
    """

    def __init__(self, happens: Callable[[Side | None, Event, SideActions], None] | None = None) -> None:
        self.events: dict[Side | None, list[Event]] = {}
        self.told: list[tuple[Side | None, str]] = []
        self.problems: list[str | None] = []
        self.result: SessionResult | None = None
        self.title = ""
        self.tries = 0
        self._happens = happens
        self._actions: SideActions = {}

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        self.told.append((side, message))

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        self.title, self._actions = title, actions
        for pipeline in pipelines:
            self.events[pipeline.side] = []
            pipeline.listen(partial(self._event, pipeline.side))

    def _event(self, side: Side | None, event: Event) -> None:
        self.events[side].append(event)
        if self._happens is not None:
            self._happens(side, event, self._actions)

    def without_ticks(self, side: Side | None = None) -> list[Event]:
        return [event for event in self.events[side] if not isinstance(event, TensionTick)]

    @override
    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    @override
    def problem(self, message: str | None) -> None:
        self.problems.append(message)

    @override
    async def try_again(self, problem: str) -> bool:
        self.tries += 1
        return False

    @override
    def end(self, result: SessionResult) -> None:
        self.result = result
