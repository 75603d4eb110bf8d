"""One session shown in several ways at once, such as a terminal and a page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from typing_extensions import override

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.view import SideActions, View
from bandsense.exercises.model import Side

__all__ = ["SeveralViews"]


class SeveralViews(View):
    """Tells everything to each of its views; the first one that cannot be shown ends the session."""

    def __init__(self, views: Sequence[View]) -> None:
        self._views = tuple(views)

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        for view in self._views:
            view.status(state, message, side)

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        for view in self._views:
            view.begin(pipelines, title, actions)

    @override
    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for view in self._views:
                group.create_task(view.run())

    @override
    def problem(self, message: str | None) -> None:
        for view in self._views:
            view.problem(message)

    @override
    async def try_again(self, problem: str) -> bool:
        return await self._views[0].try_again(problem)

    @override
    def end(self, result: SessionResult) -> None:
        for view in self._views:
            view.end(result)
