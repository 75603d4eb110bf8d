"""A session as pages see it: each sensor's view state, posted to the board as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from typing_extensions import override

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.view import SideActions, View
from bandsense.exercises.model import Side
from bandsense.language import ENGLISH, Message, languages, mark, said, speaking
from bandsense.live.actions import Action
from bandsense.live.screen_words import done_words, screen_words
from bandsense.live.session_title import SessionTitle
from bandsense.live.sound import Sound, SoundPlan
from bandsense.live.state import Finished, ViewState
from bandsense.samples import FloatArray
from bandsense.web.board import Board, ByLanguage
from bandsense.workout.events import Event, TensionTick

__all__ = ["NOW", "Follower", "PageView", "post_state"]

REFRESH_S = 0.05
"""How often the words of a screen are looked at; samples and events go out at once."""

STORAGE_RETRY_S = 3.0
STORAGE_TRIES = 3

NOW = frozenset({"time_s", "tension_n", "tension_uncertainty_n", "rest_left_s", "lost_s"})
"""Keys of a snapshot that change all the time; see `Board.post`."""


def view_name(side: Side | None) -> str:
    """Return the name of a view: its sensor's side, or `main` where there is one sensor."""
    return side or "main"


def post_state(
    board: Board,
    name: str,
    state: ViewState,
    *,
    levels: Sequence[tuple[float, float]] = (),
    sounds: Sequence[Sound] = (),
) -> None:
    """Post what a view shows now."""
    by_language = {}
    for code in board.languages:
        with speaking(code):
            by_language[code] = _told(state)
    told: dict[str, Any] = by_language[ENGLISH]
    now = {key: told.pop(key) for key in NOW}
    for key in told:
        values = ByLanguage((code, each[key]) for code, each in by_language.items())
        if any(value != told[key] for value in values.values()):
            told[key] = values
    board.post(name, told, now=now, levels=levels, sounds=[_in_each(board, sound) for sound in sounds])


def _told(state: ViewState) -> dict[str, Any]:
    """Return the state with its words, in the language that is spoken."""
    told = state.snapshot()
    told["words"] = asdict(screen_words(state))
    for set_told, done in zip(told["sets"], state.sets, strict=True):
        set_told |= {
            "full_reps": done.full_reps,
            "peak": done.peak,
            "doubt": done.doubt,
            "words": done_words(done),
        }
    return told


def _in_each(board: Board, sound: Sound) -> ByLanguage:
    by_language = ByLanguage()
    for code in board.languages:
        with speaking(code):
            by_language[code] = sound_json(sound)
    return by_language


def sound_json(sound: Sound) -> dict[str, Any]:
    """Return a sound as JSON object, in the language that is spoken."""
    told = asdict(replace(sound, words=str))
    del told["words"]
    return told | {"priority": int(sound.priority), "say": sound.say}


class Follower:
    """Follows one sensor's pipeline and posts its view to the board.

    Events are posted once those that come with them are there, so that what is heard is chosen among them.
    """

    def __init__(self, board: Board, state: ViewState) -> None:
        self.state = state
        self._board = board
        self._name = view_name(state.sensor_side)
        self._sound = SoundPlan(state)
        self._events: list[Event] = []
        self._levels: list[tuple[float, float]] = []

    def event(self, event: Event) -> None:
        """Take the next event."""
        self.state.update(event)
        if not isinstance(event, TensionTick):
            if not self._events:
                asyncio.get_running_loop().call_soon(self.post)
            self._events.append(event)

    def samples(self, time_s: FloatArray, tension_n: FloatArray) -> None:
        """Take the next samples."""
        if not self._levels:
            asyncio.get_running_loop().call_soon(self._post_levels)
        self._levels.extend(zip(time_s.tolist(), tension_n.tolist(), strict=True))

    def _post_levels(self) -> None:
        if self._levels:
            levels, self._levels = self._levels, []
            time_s, tension_n = levels[-1]
            now = {
                "time_s": time_s,
                "tension_n": tension_n,
                "tension_uncertainty_n": self.state.tension_uncertainty_n,
                "rest_left_s": self.state.rest_left_s,
                "lost_s": self.state.lost_s,
            }
            self._board.post(self._name, now=now, levels=levels)

    def post(self) -> None:
        """Post all that is new."""
        events, self._events = self._events, []
        levels, self._levels = self._levels, []
        sounds = [*self._sound.hear(events), *self._sound.tick()]
        post_state(self._board, self._name, self.state, levels=levels, sounds=sounds)


_SIDED: dict[Side, str] = {"left": mark("left: {message}"), "right": mark("right: {message}")}


class PageView(View):
    """Shows a session on the pages that read a board.

    Args:
        board: where it is posted.
    """

    def __init__(self, board: Board) -> None:
        self.actions: dict[str, dict[str, Action]] = {}
        self._board = board
        self._followers: list[Follower] = []
        self._tries = 0

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        told = message if side is None else Message(_SIDED[side], message=message)
        self._board.post("station", {"message": told})

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        clock = asyncio.get_running_loop().time
        self._followers = []
        self._board.anew(view_name(pipeline.side) for pipeline in pipelines)
        for pipeline in pipelines:
            settings = pipeline.workout.settings
            state = ViewState(
                title=title if settings.exercise is None else settings.exercise.name,
                about=title.about if isinstance(title, SessionTitle) else "",
                settings=settings,
                sensor_side=pipeline.side,
                clock=clock,
                uncertainty_n=pipeline.workout.uncertainty_n,
                last_time=pipeline.last_time,
            )
            follower = Follower(self._board, state)
            pipeline.listen(follower.event)
            pipeline.listen_to_samples(follower.samples)
            self._followers.append(follower)
            self.actions[view_name(pipeline.side)] = dict(actions[pipeline.side])
            follower.post()
        offered = next(iter(actions.values()))
        labels = {}
        for code in languages():
            with speaking(code):
                labels[code] = {key: said(each.label) for key, each in offered.items()}
        self._board.post("station", {"actions": ByLanguage(labels)})

    @override
    async def run(self) -> None:
        while True:
            for follower in self._followers:
                follower.post()
            await asyncio.sleep(REFRESH_S)

    @override
    def problem(self, message: str | None) -> None:
        for follower in self._followers:
            follower.state.problem = message
            follower.post()

    @override
    async def try_again(self, problem: str) -> bool:
        self.problem(problem)
        self._tries += 1
        await asyncio.sleep(STORAGE_RETRY_S)
        return self._tries < STORAGE_TRIES

    @override
    def end(self, result: SessionResult) -> None:
        for follower in self._followers:
            summary = result.summaries[follower.state.sensor_side]
            follower.state.finished = Finished(
                session=result.session,
                reps=summary.reps,
                peak_n=summary.peak_n,
                peak_uncertainty_n=summary.peak_uncertainty_n,
                time_under_tension_s=summary.time_under_tension_s,
                duration_s=summary.duration_s,
                next_time=result.next_time if summary.reps else None,
                compared=result.compared,
                hidden=summary.hidden,
                chances=summary.chances,
            )
            follower.post()
        self.actions.clear()
        self._board.post("station", {"actions": {}})
