"""What is heard at a terminal: its bell, and the system's voice where there is one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

from typing_extensions import override

from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.view import SideActions, View
from bandsense.errors import MissingProgram
from bandsense.exercises.model import Side
from bandsense.language import Message
from bandsense.live.sound import Sound, SoundPlan
from bandsense.live.state import ViewState
from bandsense.workout.events import Event, TensionTick

__all__ = ["SpokenOutput", "SystemVoice"]

_VOICES = (("spd-say", "--wait"), ("espeak-ng", "-v", "en"), ("espeak", "-v", "en"), ("say",))
"""Programs that speak what they are given, the first that is there."""

_TICK_S = 0.1
_BELL = "\a"


class SystemVoice:
    """Speaks one thing at a time; what is less important than what is being said is dropped.

    Raises:
        MissingProgram: this system has no voice.
    """

    def __init__(self) -> None:
        found = next((each for each in _VOICES if shutil.which(each[0])), None)
        if found is None:
            raise MissingProgram(Message("no voice is installed; on Debian: apt-get install espeak-ng"))
        self._command = found
        self._speaking: subprocess.Popen[bytes] | None = None
        self._priority = 0

    def __call__(self, sound: Sound) -> None:
        """Say what goes with a sound; returns at once."""
        if not sound.say:
            return
        if self._speaking is not None and self._speaking.poll() is None:
            if sound.priority <= self._priority:
                return
            self._speaking.terminate()
        self._priority = int(sound.priority)
        self._speaking = subprocess.Popen(  # noqa: S603 - the program is one of `_VOICES`
            [*self._command, sound.say], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def ring(sound: Sound) -> None:
    """Ring the terminal's bell for what has a tone and is no breath, which would ring all the time."""
    if sound.tones and sound.kind not in ("breathe out", "breathe in", "hold"):
        sys.stdout.write(_BELL)
        sys.stdout.flush()


class SpokenOutput(View):
    """Is heard and shows nothing; goes beside another view.

    Attributes:
        muted: nothing is heard until it is taken back.
    """

    muted = False

    def __init__(self, hear: Callable[[Sound], None]) -> None:
        self._hear = hear
        self._plans: list[SoundPlan] = []

    @override
    def status(self, state: str, message: str, side: Side | None = None) -> None:
        pass

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        for pipeline in pipelines:
            state = ViewState(
                title=title,
                settings=pipeline.workout.settings,
                sensor_side=pipeline.side,
                clock=asyncio.get_running_loop().time,
            )
            plan = SoundPlan(state)
            self._plans.append(plan)
            pipeline.listen(partial(self._event, state, plan))

    def _event(self, state: ViewState, plan: SoundPlan, event: Event) -> None:
        state.update(event)
        if not isinstance(event, TensionTick):
            self._play(plan.hear([event]))

    def _play(self, sounds: Sequence[Sound]) -> None:
        for sound in sounds:
            if sound.delay_ms:
                asyncio.get_running_loop().call_later(sound.delay_ms / 1000, self._sound, sound)
            else:
                self._sound(sound)

    def _sound(self, sound: Sound) -> None:
        if not self.muted:
            self._hear(sound)

    @override
    async def run(self) -> None:
        while True:
            for plan in self._plans:
                self._play(plan.tick())
            await asyncio.sleep(_TICK_S)

    @override
    def problem(self, message: str | None) -> None:
        pass

    @override
    async def try_again(self, problem: str) -> bool:
        return False

    @override
    def end(self, result: SessionResult) -> None:
        pass
