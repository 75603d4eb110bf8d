"""What a session needs of whatever shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.exercises.model import Side
from bandsense.live.actions import Actions

__all__ = ["SideActions", "View"]

SideActions = Mapping[Side | None, Actions]
"""What a person may ask for, by the side whose sensor is asked; under None where there is one sensor."""


class View(Protocol):
    """One of the ways to show a session."""

    def status(self, state: str, message: str, side: Side | None = None) -> None:
        """Tell what happens before there are samples."""

    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        """Show what these pipelines tell from now on; the actions may be offered to the person."""

    async def run(self) -> None:
        """Draw until cancelled."""

    def problem(self, message: str | None) -> None:
        """Tell what stops samples from being stored; None when that is over."""

    async def try_again(self, problem: str) -> bool:
        """Ask whether to try again to store what waits at the end; False where nobody can be asked."""

    def end(self, result: SessionResult) -> None:
        """Tell the result."""
