"""How a session is shown while it runs: on the screen, as lines, or as JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bandsense.app.pipeline import SessionPipeline
from bandsense.live.actions import Actions
from bandsense.live.formatting import asymmetry_words, format_log_line, summary_words
from bandsense.live.state import ViewState
from bandsense.workout.events import Event, TensionTick, to_json
from bandsense.workout.workout import Summary

if TYPE_CHECKING:
    from bandsense.live.web import WebView
from bandsense.app.view import Output

__all__ = ["JsonOutput", "LineOutput", "ScreenOutput", "make_output"]


def make_output(arguments: argparse.Namespace) -> Output:
    """The screen on a terminal that can draw, plain lines elsewhere, unless the command line says otherwise.

    Raises:
        MissingExtra: a page is asked for, and what serves it is not installed.
    """
    if getattr(arguments, "web", False):
        from bandsense.live.web import require_server

        require_server()
        return PageOutput(arguments.host, arguments.port)
    if arguments.json:
        return JsonOutput(levels=arguments.levels)
    if arguments.lines or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return LineOutput()
    return ScreenOutput()


def say(text: str) -> None:
    """Print a sentence; on a terminal no word is broken at its edge."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    print(textwrap.fill(text, width) if width else text)


async def _never() -> None:
    await asyncio.get_running_loop().create_future()


class JsonOutput:
    """One JSON object a line, for programs."""

    def __init__(self, *, levels: bool = False) -> None:
        self._levels = levels
        self._tracker: SessionPipeline | None = None

    def status(self, state: str, message: str) -> None:
        """See `Output`."""
        self._print({"event": "link_changed", "state": state, "message": message})

    def begin(self, tracker: SessionPipeline, title: str, actions: Actions) -> None:
        """See `Output`."""
        self._tracker = tracker
        tracker.listen(self._event)

    async def run(self) -> None:
        """See `Output`."""
        await _never()

    def problem(self, message: str | None) -> None:
        """See `Output`."""
        self._print({"event": "storage", "problem": message})

    async def try_again(self, problem: str) -> bool:
        """See `Output`."""
        return False

    def end(self, summary: Summary, session: int | None = None, next_time: str | None = None) -> None:
        """See `Output`."""
        self._print({"event": "summary", "session": session, **asdict(summary), "next_time": next_time})

    def _event(self, event: Event) -> None:
        if self._tracker is not None and (self._levels or not isinstance(event, TensionTick)):
            self._print(to_json(event, self._tracker.workout.uncertainty_n))

    def _print(self, data: dict[str, Any]) -> None:
        print(json.dumps(data), flush=True)


class LineOutput:
    """Lines of a log, for people without a terminal."""

    def __init__(self) -> None:
        self._tracker: SessionPipeline | None = None
        self._told: set[str] = set()

    def status(self, state: str, message: str) -> None:
        """See `Output`. Attempts follow each other and say the same; once is enough."""
        if message not in self._told:
            self._told.add(message)
            print(message, flush=True)

    def begin(self, tracker: SessionPipeline, title: str, actions: Actions) -> None:
        """See `Output`."""
        self._tracker = tracker
        if title:
            print(title, flush=True)
        tracker.listen(self._event)

    async def run(self) -> None:
        """See `Output`."""
        await _never()

    def problem(self, message: str | None) -> None:
        """See `Output`."""
        print(f"not saved: {message}" if message else "saved again", flush=True)

    async def try_again(self, problem: str) -> bool:
        """See `Output`."""
        from bandsense.cli.prompts import ask, is_interactive

        if not is_interactive():
            return False
        say(f"not saved yet: {problem}")
        return not (await ask("Enter: try again; q and Enter: give up what waits > ")).startswith("q")

    def end(self, summary: Summary, session: int | None = None, next_time: str | None = None) -> None:
        """See `Output`."""
        say(summary_words(summary))
        if summary.asymmetry is not None:
            say(asymmetry_words(summary.asymmetry))
        if session is not None:
            say(f"saved as session {session}")
        if summary.reps and next_time:
            say(f"next time: {next_time}")

    def _event(self, event: Event) -> None:
        if self._tracker is None:
            return
        workout = self._tracker.workout
        if text := format_log_line(event, workout.uncertainty_n, workout.began_s):
            print(text, flush=True)


class PageOutput(LineOutput):
    """The live view as a web page, beside the lines of a log."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host = host
        self._port = port
        self._state = ViewState()
        self._view: WebView | None = None

    def begin(self, tracker: SessionPipeline, title: str, actions: Actions) -> None:
        """See `Output`."""
        from bandsense.live.web import WebView

        super().begin(tracker, title, actions)
        self._state.title = title
        tracker.listen(self._state.update)
        self._view = WebView(self._state, host=self._host, port=self._port, actions=actions)

    async def run(self) -> None:
        """See `Output`."""
        if self._view is not None:
            await self._view.run(lambda address: print(f"open {address}", flush=True))

    def problem(self, message: str | None) -> None:
        """See `Output`."""
        super().problem(message)
        self._state.problem = message


class ScreenOutput(LineOutput):
    """The live view; before and after it, lines."""

    def __init__(self) -> None:
        super().__init__()
        self._state = ViewState()
        self._actions: Actions = {}

    def begin(self, tracker: SessionPipeline, title: str, actions: Actions) -> None:
        """See `Output`."""
        self._state.title = title
        self._actions = actions
        tracker.listen(self._state.update)

    async def run(self) -> None:
        """See `Output`."""
        from rich.console import Console

        from bandsense.live.keys import keys
        from bandsense.live.terminal import TerminalView

        with keys(self._actions, self._ask) as heard:
            try:
                await TerminalView(self._state, Console(), actions=self._actions if heard else None).run()
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                # The terminal was closed. What ends the session is the signal that comes with it.

    def _ask(self, question: str) -> None:
        self._state.question = question

    def problem(self, message: str | None) -> None:
        """See `Output`."""
        self._state.problem = message

    def end(self, summary: Summary, session: int | None = None, next_time: str | None = None) -> None:
        """See `Output`."""
        from bandsense.live.formatting import set_words

        for result in self._state.results:
            say(set_words(result))
        if self._state.advice is not None:
            say(self._state.advice.text)
        super().end(summary, session, next_time)
