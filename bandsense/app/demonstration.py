"""A simulated person who trains as a real one would: pairs, pulls, reads the advice, follows it, comes again.

Nothing of it is scripted. The person (`sim.physics.advised`) pulls as often as their strength allows; what is
advised comes from the workout, and goes back as a change of the band and as the answer at the keyboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum

from typing_extensions import override

from bandsense.app.environment import Environment, simulated_environment
from bandsense.app.pipeline import SessionPipeline
from bandsense.app.several_views import SeveralViews
from bandsense.app.train import TrainingOptions, train
from bandsense.app.view import SideActions, View
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.actions import Actions
from bandsense.profiles.band import BandProfile
from bandsense.profiles.person import Person, Setup
from bandsense.sim.physics.advised import AdvisedPerson
from bandsense.sim.physics.source import PersonSource
from bandsense.store.store import Store
from bandsense.workout.advice import Advice, When
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, SetDone, SetStarted, SlackAdvised
from bandsense.workout.plan import Plan

__all__ = ["DEMONSTRATION", "Moment", "demonstrate", "introduce"]

DEMONSTRATION = "demonstration"
"""What its sessions are stored as."""

EXERCISE = "seated-row"

_SETS, _DAYS = 2, 2

_SCAN_S = 1.0
_READ_S = 20.0
"""Until the person has read the screen and takes the band up; half of it until the slack is changed."""


class Moment(Enum):
    """What is seen now, for whoever sets the pace."""

    SET = "set"
    REST = "rest"
    AGAIN = "another day"


def demonstrate(store: Store, view: View, person: str, pace: Callable[[Moment], float]) -> list[int]:
    """Pair a simulated sensor and train twice with it; gives the numbers of the sessions.

    Args:
        store: where the sessions are kept.
        view: shows them.
        person: who trains; a newcomer, whatever the store knows of one by this name.
        pace: told what comes next, gives how many times faster than the clock on the wall that goes; 0 is as
            fast as the machine can.

    Raises:
        MissingExtra: the simulated sensor cannot be had.
        LinkError, StoreError, DataError: as `train` does.
    """
    from bandsense.sim.clock import AcceleratedLoop

    loop = AcceleratedLoop()

    def moment(what: Moment) -> None:
        loop.speed = pace(what) or None

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        moment(Moment.SET)
        return runner.run(_demonstrate(store, view, person, moment))


async def _demonstrate(store: Store, view: View, person: str, moment: Callable[[Moment], None]) -> list[int]:
    trainee = AdvisedPerson()
    source = PersonSource(trainee.acts())
    options = TrainingOptions(exercise=EXERCISE, person=person, band=introduce(store, person, trainee))
    sessions = []
    async with simulated_environment(source, DEMONSTRATION) as air:
        await _pair(air, view)
        for day in range(_DAYS):
            if day:
                moment(Moment.AGAIN)
                trainee.recover(fully=True)
            hands = _Hands(view, trainee, moment)
            done = await train(options, air, store, hands)
            if done.session is not None:
                sessions.append(done.session)
            if not hands.done:  # whoever looks on ended it
                break
    return sessions


def introduce(store: Store, name: str, trainee: AdvisedPerson) -> str:
    """Make person and band known, with lengths as a tape measures them; gives the band."""
    exercise = get_exercise(EXERCISE)
    band = BandProfile(id="demo", name="demo", rest_length_m=trainee.band.rest_length_m)
    setup = Setup(
        exercise=exercise.id,
        band=band.id,
        rest_length_m=band.rest_length_m,
        start_length_m=trainee.band.rest_length_m - trainee.band.slack_m,
        stroke_m=trainee.stroke_m,
        plan=Plan(tempo=exercise.tempo_by_tension, sets=_SETS),
    )
    known = Person(id=name, name=name, setups=(setup,))
    store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    store.people.put(known.id, known.model_dump(mode="json", by_alias=True))
    return band.id


async def _pair(air: Environment, view: View) -> None:
    """Make the sensor this computer's own, as `bandsense pair` does; what follows needs the bond."""
    from bandsense.link.ble.scanner import discover
    from bandsense.link.pairing import PairingStep, pair

    def tell(step: PairingStep) -> None:
        if step is not PairingStep.SEARCHING:
            view.status("pairing", f"{step.value}: {sighting.name}")

    (sighting,) = await discover(_SCAN_S, transport=air.transport)
    async with pair(sighting, transport=air.transport, on_step=tell):
        pass


class _Hands(SeveralViews):
    """A view whose person does what the advice says, and answers as at the keyboard.

    Attributes:
        done: the session had all its sets.
    """

    done = False

    def __init__(self, view: View, person: AdvisedPerson, moment: Callable[[Moment], None]) -> None:
        super().__init__([view])
        self._person = person
        self._moment = moment
        self._keys: Actions = {}

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        super().begin(pipelines, title, actions)
        self._moment(Moment.REST)
        (pipeline,) = pipelines
        self._keys = actions[pipeline.side]
        pipeline.listen(self._hear)
        asyncio.get_running_loop().call_later(_READ_S, self._begin)

    def _hear(self, event: Event) -> None:
        if isinstance(event, SetStarted):
            self._moment(Moment.SET)
        elif isinstance(event, SetDone):
            self._moment(Moment.REST)
            if event.number == _SETS:
                self.done = True
                self._keys["q"].run()
        elif isinstance(event, CueGiven) and event.kind is CueKind.REST_OVER:
            self._person.recover()
            self._begin()
        elif isinstance(event, SlackAdvised) and _to_follow(event.advice):
            asyncio.get_running_loop().call_later(_READ_S / 2.0, self._follow, event.advice)

    def _begin(self) -> None:
        self._person.resting = False
        self._moment(Moment.SET)

    def _follow(self, advice: Advice) -> None:
        self._person.let_out(advice.change_m)
        self._keys["y"].run()


def _to_follow(advice: Advice) -> bool:
    """Tell whether it is for now; what is for the next session is told again when that begins."""
    return advice.kind is not None and advice.when in (When.NEXT_SET, When.FIRST)
