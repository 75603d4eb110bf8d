"""The place where people train: what can be asked for before, during and after a session, from a page.

    idle ──begin──▶ connecting ──▶ training ──end, or the stream ends──▶ finished ──begin──▶ …
      │                  └──────────── failed ◀────┘                        │
      └──look for sensors──▶ looking ──pair──▶ pairing ──▶ idle             └──▶ the same as idle

One session at a time. What goes wrong is told in words and leaves the station as it was before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from typing_extensions import override

from bandsense.app.environment import Environment
from bandsense.app.known_sensors import known_sensor, remember_sensor, resolve_targets
from bandsense.app.paths import home
from bandsense.app.pipeline import SessionPipeline
from bandsense.app.session_result import SessionResult
from bandsense.app.several_views import SeveralViews
from bandsense.app.train import TrainingOptions, train
from bandsense.app.trainee import FIRST_EXERCISE, last_person, person_named, profiles_of
from bandsense.app.view import SideActions, View
from bandsense.errors import BandsenseError, CommandError, ConfigError
from bandsense.exercises.catalogue import load_exercises
from bandsense.exercises.model import Side
from bandsense.language import Message, mark, message_of
from bandsense.link.ble.scanner import DiscoveredSensor, scan
from bandsense.link.pairing import PairingStep, identify, pair
from bandsense.live.units import show_in
from bandsense.store.store import Store

logger = logging.getLogger(__name__)

__all__ = ["Choice", "OpenEnvironment", "Station"]

BLINK_S = 5
LOOK_S = 120.0
"""How long sensors are looked for before it is left alone, so that no forgotten page drains anything."""

_VERY_NEAR, _NEAR, _FAR = mark("very near"), mark("near"), mark("some metres away")
_OUR_FAULT = mark(
    "something went wrong: {error}; send what `bandsense doctor --bundle FILE` writes, and start again"
)
VERY_NEAR_DBM = -55
NEAR_DBM = -70


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to train, and with what.

    Attributes:
        sensors: one or two names; empty for the one that is known, or the nearest.
        simulated: a simulated person does it, on a simulated sensor, in a store apart.
    """

    person: str | None = None
    exercise: str | None = None
    band: str | None = None
    side: Side | None = None
    sensors: tuple[str, ...] = ()
    pre_stretched: bool = False
    simulated: bool = False


OpenEnvironment = Callable[[Choice], AbstractAsyncContextManager[Environment]]
"""Where the sensors of a choice are reached."""


@dataclass(slots=True)
class _Doing:
    """What is under way: one thing at a time."""

    task: asyncio.Task[None] | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    begun: bool = False

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


class Station:
    """Runs sessions one after the other, and pairs sensors between them.

    Args:
        stores: the store of real sessions, and of simulated ones. air: where sensors are. view: shows the
        sessions. tell: called with every change of `phase`, `message`, `error`, `choice`, `session`,
        `sensors`, `looking`
            or `pairing`.
        options: what every session is to have besides the choice, such as where it is published.
    """

    def __init__(
        self,
        stores: tuple[Store, Callable[[], Store]],
        air: OpenEnvironment,
        view: View,
        tell: Callable[[Mapping[str, Any]], None],
        options: TrainingOptions | None = None,
    ) -> None:
        self._store, self._simulated_store = stores
        self._air = air
        self._view = view
        self._tell = tell
        self._options = options or TrainingOptions()
        self._doing = _Doing()
        self._looking = _Doing()
        self._heard: dict[str, DiscoveredSensor] = {}
        self._say("idle", error=None, message="", choice=None, session=None, sensors=[], pairing=None)

    # -- what there is to choose from ------------------------------------------------------------------------

    def choices(self) -> dict[str, Any]:
        """Return the people, exercises, bands and sensors there are, and what was chosen last."""
        profiles = profiles_of(self._store)
        person = last_person(self._store, profiles) if profiles.people else None
        last = person.setups[-1] if person is not None and person.setups else None
        return {
            "people": [{"id": each.id, "name": each.name} for each in profiles.people],
            "exercises": [
                {"id": each.id, "name": each.name, "sides": each.sides.value}
                for each in load_exercises((home() / "exercises",)).values()
            ],
            "bands": [{"id": each.id, "name": each.name} for each in profiles.bands],
            "sensors": [
                {"id": each.id, "name": each.name or each.id, "side": each.side} for each in profiles.sensors
            ],
            "last": {
                "person": None if person is None else person.id,
                "exercise": FIRST_EXERCISE if last is None else last.exercise,
                "band": None if last is None else last.band,
            },
        }

    # -- sessions --------------------------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        """Whether a session is under way or about to be."""
        return self._doing.busy

    async def begin(self, choice: Choice) -> None:
        """Begin a session; one that is under way is ended first.

        Raises:
            ConfigError: the choice cannot be.
        """
        await self.end()
        await self.look(on=False)
        if len(choice.sensors) > 2:
            raise ConfigError(Message("choose one sensor, or two: the left and the right one"))
        self._doing = _Doing()
        self._say_looking(choice=asdict(choice))
        self._doing.task = asyncio.create_task(self._train(choice, self._doing.stop))

    async def end(self) -> None:
        """End the session under way in good order, and wait until it is stored."""
        if self._doing.busy and self._doing.task is not None:
            self._doing.stop.set()
            if not self._doing.begun:  # the search for a sensor has nothing to bring to an end
                self._doing.task.cancel()
                await asyncio.wait({self._doing.task})
                self._say("idle", message="")
            else:
                await asyncio.wait({self._doing.task})

    async def _train(self, choice: Choice, stop: asyncio.Event) -> None:
        store = self._simulated_store() if choice.simulated else self._store
        try:
            async with self._air(choice) as environment:
                options = replace(
                    self._options,
                    sensors=_sensors(store, choice),
                    exercise=choice.exercise,
                    person=choice.person,
                    band=choice.band,
                    side=choice.side,
                    pre_stretched=choice.pre_stretched,
                )
                await self.train(options, environment, store, stop)
        except BandsenseError as error:
            self._say("idle", error=message_of(error), message="")
        except Exception as error:  # a fault of ours ends the session, not the station
            logger.exception("a session failed")
            self._say("idle", error=Message(_OUR_FAULT, error=repr(error)))

    async def train(
        self, options: TrainingOptions, environment: Environment, store: Store, stop: asyncio.Event
    ) -> SessionResult:
        """Run one session to its end, shown as those that are begun from a page; errors are raised.

        Raises:
            BandsenseError: see `bandsense.app.train.train`.
        """
        show_in(person_named(store, options.person).unit)  # for this task, and so for this session's views
        self._say_looking()
        result = await train(options, environment, store, _Begun(self._view, self._begun), stop)
        self._say("finished", session=result.session, message="", compared=result.compared)
        return result

    def _begun(self) -> None:
        self._doing.begun = True
        self._say("training", message="")

    # -- sensors ---------------------------------------------------------------------------------------------

    async def look(self, *, on: bool) -> None:
        """Look for sensors on the air, or leave it."""
        if on and not self._looking.busy:
            self._heard.clear()
            self._looking = _Doing()
            self._looking.task = asyncio.create_task(self._look(self._looking.stop))
        elif not on and self._looking.busy and self._looking.task is not None:
            self._looking.stop.set()
            await asyncio.wait({self._looking.task})

    async def _look(self, stop: asyncio.Event) -> None:
        self._say(looking=True, error=None, sensors=[])
        try:
            async with self._air(Choice()) as environment, scan(self._sighted, environment.transport):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await stop.wait()
        except BandsenseError as error:
            self._say(error=message_of(error))
        finally:
            self._say(looking=False)

    def _sighted(self, sighting: DiscoveredSensor) -> None:
        self._heard[sighting.address] = sighting
        nearest = sorted(self._heard.values(), key=lambda each: -each.rssi_dbm)
        self._say(sensors=[_sighting_json(each) for each in nearest])

    async def blink(self, address: str) -> None:
        """Let a sensor blink.

        Raises:
            BandsenseError: it cannot be reached, or cannot blink.
        """
        async with self._air(Choice()) as environment:
            await identify(self._sighting(address), seconds=BLINK_S, transport=environment.transport)

    async def pair(self, address: str, name: str | None = None, side: Side | None = None) -> None:
        """Pair with a sensor that was heard, and remember it; the steps are told as `pairing`.

        Raises:
            BandsenseError: it could not be paired.
        """
        sighting = self._sighting(address)
        await self.look(on=False)
        try:
            async with (
                self._air(Choice()) as environment,
                pair(sighting, transport=environment.transport, on_step=self._step) as sensor,
            ):
                with contextlib.suppress(CommandError):
                    await sensor.device.identify(BLINK_S)
                remember_sensor(self._store, sensor.information, name, side)
        finally:
            self._say(pairing=None)

    def _step(self, step: PairingStep) -> None:
        self._say(pairing=step.value)

    def _sighting(self, address: str) -> str | DiscoveredSensor:
        known = known_sensor(self._store, address)
        return self._heard.get(address) or (address if known is None else known.address or address)

    def _say_looking(self, **more: Any) -> None:
        looking = Message("Looking for the sensor")
        told = {"error": None, "message": looking, "session": None, "compared": None}
        self._say("connecting", **told, **more)

    def _say(self, phase: str | None = None, **what: Any) -> None:
        self._tell(what if phase is None else {"phase": phase, **what})

    async def close(self) -> None:
        """End everything in good order."""
        await self.look(on=False)
        await self.end()


class _Begun(SeveralViews):
    """A view that says besides when the session begins."""

    def __init__(self, view: View, begun: Callable[[], None]) -> None:
        super().__init__([view])
        self._begun = begun

    @override
    def begin(self, pipelines: Sequence[SessionPipeline], title: str, actions: SideActions) -> None:
        self._begun()
        super().begin(pipelines, title, actions)


def _sensors(store: Store, choice: Choice) -> tuple[str | None, ...]:
    if not choice.simulated:
        return resolve_targets(store, choice.sensors)
    from bandsense.app.environment import LEFT_SENSOR, RIGHT_SENSOR

    return (LEFT_SENSOR, RIGHT_SENSOR) if len(choice.sensors) == 2 else (None,)


def _sighting_json(sighting: DiscoveredSensor) -> dict[str, Any]:
    near = sighting.rssi_dbm
    words = _VERY_NEAR if near >= VERY_NEAR_DBM else _NEAR if near >= NEAR_DBM else _FAR
    return {
        "address": sighting.address,
        "name": sighting.name.removeprefix("bandsense-"),
        "distance": words,
        "bars": 4 if near >= VERY_NEAR_DBM else 3 if near >= NEAR_DBM else 2,
        "battery_percent": sighting.battery_percent,
        "connected": bool(sighting.connected),
    }
