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
from collections.abc import Sequence
from functools import partial
from typing import Any

from typing_extensions import override

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.view import SideActions, View
from bandsense.cli.store_option import is_simulated
from bandsense.exercises.model import Side
from bandsense.language import Message, said, tr
from bandsense.live.actions import Action, Actions, together
from bandsense.live.formatting import (
    advice_text,
    asymmetry_words,
    cue_words,
    event_json,
    format_log_line,
    lag_words,
    later_peak_words,
    side_word,
    silent_words,
    summary_words,
)
from bandsense.live.state import ViewState
from bandsense.signal.events import RepCompleted, RepCounted
from bandsense.workout.cues import CueSlot
from bandsense.workout.events import CueGiven, Event, TensionTick

__all__ = ["JsonOutput", "LineOutput", "ScreenOutput", "make_output"]


def make_output(arguments: argparse.Namespace, own: Actions | None = None) -> View:
    """Choose the screen on a terminal that can draw, else plain lines, unless told otherwise.

    Args:
        arguments: of the command.
        own: keys for the terminal alone.
    """
    if arguments.json:
        return JsonOutput(levels=arguments.levels)
    output = _lines_or_screen(arguments, own)
    output.simulated = is_simulated(arguments)
    return output


def _lines_or_screen(arguments: argparse.Namespace, own: Actions | None) -> LineOutput:
    if arguments.lines or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return LineOutput()
    return ScreenOutput(own)


def say(text: str) -> None:
    """Print a sentence; on a terminal no word is broken at its edge."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    print(textwrap.fill(text, width) if width else text)


class _EventOutput(View):
    """Prints events as they come, with nothing to draw between them."""

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        for pipeline in pipelines:
            pipeline.listen(partial(self._event, pipeline))

    @override
    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    def _event(self, pipeline: SessionPipeline, event: Event) -> None:
        raise NotImplementedError


class JsonOutput(_EventOutput):
    """One JSON object a line, for programs; with two sensors each event says its side."""

    def __init__(self, *, levels: bool = False) -> None:
        self._levels = levels

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        self._print({"event": "link_changed", "state": state, "message": message}, side)

    @override
    def problem(self, message: str | None) -> None:
        self._print({"event": "storage", "problem": message})

    @override
    async def try_again(self, problem: str) -> bool:
        return False

    @override
    def end(self, result: SessionResult) -> None:
        told = {"session": result.session, **result.summary(), "next_time": result.next_time}
        self._print({"event": "summary", **told})

    @override
    def _event(self, pipeline: SessionPipeline, event: Event) -> None:
        if self._levels or not isinstance(event, TensionTick):
            self._print(event_json(event, pipeline.workout.uncertainty_n), pipeline.side)

    def _print(self, data: dict[str, Any], side: Side | None = None) -> None:
        print(json.dumps(data if side is None else data | {"side": side}), flush=True)


class LineOutput(_EventOutput):
    """Lines of a log, for people without a terminal; with two sensors each line begins with its side.

    Attributes:
        simulated: the session goes to the store of simulated ones.
        breaths: tell when to breathe as well, which fills a log.
    """

    simulated = False
    breaths = False

    def __init__(self) -> None:
        self._told: set[tuple[Side | None, str]] = set()
        self._counted: dict[tuple[Side | None, int], RepCounted] = {}

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        # Attempts follow each other and say the same; once is enough.
        if (side, message) not in self._told:
            self._told.add((side, message))
            self._line(said(message), side)

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        if title:
            print(said(title), flush=True)
        super().begin(pipelines, title, actions)

    @override
    def problem(self, message: str | None) -> None:
        print(tr("not saved: {problem}", problem=message) if message else tr("saved again"), flush=True)

    @override
    async def try_again(self, problem: str) -> bool:
        from bandsense.cli.prompts import ask, is_interactive

        if not is_interactive():
            return False
        say(tr("not saved yet: {problem}", problem=problem))
        question = tr("Enter: try again; q and Enter: discard what is waiting")
        return not (await ask(f"{question} > ")).startswith("q")

    @override
    def end(self, result: SessionResult) -> None:
        if not result.samples:
            say(tr("no samples arrived, so nothing was saved; switch the sensor off and on, and test again"))
            return
        for side, summary in result.summaries.items():
            say(_sided(summary_words(summary), side))
        if (asymmetry := result.asymmetry) is not None:
            say(asymmetry_words(asymmetry))
        for side in result.silent:
            say(silent_words(side))
        if result.lag is not None:
            say(lag_words(result.lag))
        if result.compared is not None:
            say(said(result.compared))
        if result.session is not None:
            say(_saved_words(result.session, simulated=self.simulated))
        if result.reps and result.next_time:
            say(tr("next time: {what}", what=result.next_time))

    @override
    def _event(self, pipeline: SessionPipeline, event: Event) -> None:
        workout = pipeline.workout
        text = format_log_line(event, workout.uncertainty_n, workout.began_s)
        if isinstance(event, RepCounted):
            self._counted[pipeline.side, event.index] = event
        elif isinstance(event, RepCompleted) and (pipeline.side, event.index) in self._counted:
            told = self._counted.pop((pipeline.side, event.index))
            later = later_peak_words(told, event.rep, workout.uncertainty_n)
            text = ", ".join(filter(None, (text, later)))
        if self.breaths and isinstance(event, CueGiven) and event.slot is CueSlot.BREATH:
            text = f"{' ' * 19}{cue_words(event)}"
        for line in (text or "").splitlines():
            self._line(line, pipeline.side)

    def _line(self, text: str, side: Side | None) -> None:
        print(_sided(text, side), flush=True)


def _saved_words(session: int, *, simulated: bool) -> str:
    if not simulated:
        return tr("saved as session {session}", session=session)
    return tr("saved as simulated session {session} (`bandsense show {session}`)", session=session)


def _sided(text: str, side: Side | None) -> str:
    return text if side is None else f"{side_word(side):<5}  {text}"


class ScreenOutput(LineOutput):
    """The live view; before and after it, lines.

    Args:
        own: keys for the terminal alone, such as to mute it.
    """

    def __init__(self, own: Actions | None = None) -> None:
        super().__init__()
        self._own = own or {}
        self._states: list[ViewState] = []
        self._sides: list[Side | None] = []
        self._actions: Actions = {}
        self._shown = False

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        if self._shown:
            for each in self._states:
                each.tell(message)
        else:
            super().status(state, message, side)

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        self._states = [_watch(pipeline, title) for pipeline in pipelines]
        self._sides = [pipeline.side for pipeline in pipelines]
        self._actions = {**together(list(actions.values())), **self._own}

    @override
    async def run(self) -> None:
        from rich.console import Console

        from bandsense.live.keys import keys
        from bandsense.live.terminal import TerminalView

        self._shown = True
        view = TerminalView(self._states, Console())

        def show_keys() -> None:
            view.keys_shown = not view.keys_shown

        self._actions = {**self._actions, "?": Action(Message("keys"), show_keys)}
        with keys(self._actions, self._ask) as heard:
            try:
                view.actions = self._actions if heard else None
                await view.run()
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                # The terminal was closed. What ends the session is the signal that comes with it.
            finally:
                self._shown = False

    def _ask(self, question: str) -> None:
        for state in self._states:
            state.question = question

    @override
    def problem(self, message: str | None) -> None:
        for state in self._states:
            state.problem = message

    @override
    def end(self, result: SessionResult) -> None:
        from bandsense.live.formatting import set_words, stopped_words

        for side, state in zip(self._sides, self._states, strict=True):
            for done in state.results:
                say(_sided(set_words(done), side))
            if state.stopped is not None:
                say(_sided(stopped_words(state.stopped), side))
            elif state.advice is not None:
                say(_sided(advice_text(state.advice), side))
        super().end(result)


def _watch(pipeline: SessionPipeline, title: str) -> ViewState:
    """Make a view's state that follows a pipeline."""
    side = pipeline.side
    state = ViewState(
        title=title,
        settings=pipeline.workout.settings,
        sensor_side=side,
        clock=asyncio.get_running_loop().time,
        uncertainty_n=pipeline.workout.uncertainty_n,
        last_time=pipeline.last_time,
    )
    pipeline.listen(state.update)
    return state
