"""What a session needs of whatever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bandsense.app.pipeline import SessionPipeline
from bandsense.live.actions import Actions
from bandsense.workout.workout import Summary

if TYPE_CHECKING:
    pass

__all__ = ["Output"]


class Output(Protocol):
    """One of the ways to show a session."""

    def status(self, state: str, message: str) -> None:
        """Tell what happens before there are samples."""

    def begin(self, tracker: SessionPipeline, title: str, actions: Actions) -> None:
        """Show what this tracker tells from now on; the actions may be offered to the person."""

    async def run(self) -> None:
        """Draw until cancelled."""

    def problem(self, message: str | None) -> None:
        """Tell what stops samples from being stored; None when that is over."""

    async def try_again(self, problem: str) -> bool:
        """Whether to try again to store what waits at the end; False where nobody can be asked."""

    def end(self, summary: Summary, session: int | None = None, next_time: str | None = None) -> None:
        """Tell the result: of which session, and what it means for the next."""
