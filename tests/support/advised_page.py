"""The pages with a simulated person who does what the answers on the page say.

    python -m tests.support.advised_page STORE

As `bandsense serve --sim`, whose person is scripted. Here the strength is limited and the band is another one
once the page was told that it was let out. The clock goes twenty times as fast.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from typing_extensions import override

from bandsense.app.demonstration import introduce
from bandsense.app.environment import Environment, run_at_speed, simulated_environment
from bandsense.app.loop import stop_on_signals
from bandsense.app.pipeline import SessionPipeline
from bandsense.app.several_views import SeveralViews
from bandsense.app.station import Choice
from bandsense.app.view import SideActions
from bandsense.sim.physics.advised import AdvisedPerson
from bandsense.sim.physics.source import PersonSource
from bandsense.store.store import Store
from bandsense.web.host import PageHost
from bandsense.workout.advice import SlackAction
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, SetDone, SlackAdvised, SlackAnswered

SPEED = 20.0
SETS = 2
_READ_S = 20.0


class Hands(SeveralViews):
    """The person at the band: pulls when a rest is over and the advice answered, lets out what was answered.

    Ends after all sets. A slow browser may take longer for its answer than the rest.
    """

    def __init__(self, person: AdvisedPerson) -> None:
        super().__init__([])
        self._person = person
        self._asked = self._rested = False

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        self._person.recover(fully=True)
        (pipeline,) = pipelines
        self._end = actions[pipeline.side]["q"].run
        pipeline.listen(self._hear)
        asyncio.get_running_loop().call_later(_READ_S, self._pull)

    def _hear(self, event: Event) -> None:
        if isinstance(event, SlackAdvised):
            self._asked = event.advice.action is not SlackAction.KEEP
        elif isinstance(event, SlackAnswered):
            self._asked = False
            if event.followed and event.advice is not None:
                self._person.let_out(event.advice.change_m)
            self._go_on()
        elif isinstance(event, SetDone) and event.number == SETS:
            asyncio.get_running_loop().call_later(_READ_S, self._end)
        elif isinstance(event, CueGiven) and event.kind is CueKind.REST_OVER:
            self._rested = True
            self._go_on()

    def _go_on(self) -> None:
        if self._rested and not self._asked:
            self._rested = False
            self._person.recover()
            self._pull()

    def _pull(self) -> None:
        self._person.resting = False


async def serve(path: Path) -> None:
    person = AdvisedPerson()
    store = Store.open(path)
    introduce(store, "Ada", person)

    @asynccontextmanager
    async def air(_: Choice) -> AsyncIterator[Environment]:
        async with simulated_environment(PersonSource(person.acts()), "simulator") as environment:
            yield environment

    stop = asyncio.Event()
    host = PageHost((store, lambda: store), air, port=0, views=[Hands(person)])
    with stop_on_signals(stop):
        async with host:
            print(f"open {host.address}", flush=True)
            await stop.wait()


if __name__ == "__main__":
    run_at_speed(SPEED, serve(Path(sys.argv[1])))
