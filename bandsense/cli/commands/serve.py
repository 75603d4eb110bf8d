"""`bandsense serve`: the page, before, during and after every session."""

from __future__ import annotations

import argparse
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count, speed
from bandsense.cli.command import add_command, say_at_once
from bandsense.cli.page_options import add_page_options, page_options, show_address
from bandsense.cli.store_option import add_store_option, open_store, store_path
from bandsense.language import Message, mark

if TYPE_CHECKING:
    from bandsense.app.environment import Environment
    from bandsense.app.station import Choice
    from bandsense.cli.command import Commands
    from bandsense.store.store import Store


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "serve",
        run,
        details="One page that is there before the sensor is and after the session ends. This computer alone "
        "sees it; --lan opens it to a phone or a television by a code to scan. Ctrl-C ends it; a session "
        "under way is stored.",
        example="bandsense serve\nbandsense serve --lan\n"
        "bandsense serve --lan --certificate fullchain.pem --key privkey.pem",
    )
    add_page_options(command)
    command.add_argument(
        "--mqtt",
        metavar="URL",
        help="send events to the broker mqtt://[user@]host[:port][/topic]; password: BANDSENSE_MQTT_PASSWORD",
    )
    add_store_option(command)
    simulation = command.add_argument_group("simulated sensors, over a virtual radio")
    simulation.add_argument("--sim", action="store_true", help="every sensor is a simulated one")
    simulation.add_argument("--sets", type=count, default=3, metavar="N", help="sets to do (default: 3)")
    simulation.add_argument("--reps", type=count, default=10, metavar="N", help="reps a set (default: 10)")
    simulation.add_argument(
        "--fault", metavar="NAME", help="what goes wrong with the sensor or the link; `bandsense sim --list`"
    )
    simulation.add_argument(
        "--speed", type=speed, default=1.0, metavar="N", help="how many times faster (default: 1)"
    )
    command.set_defaults(json=False)


def run(arguments: argparse.Namespace) -> int:
    """Serve until asked to end."""
    from bandsense.errors import ConfigError

    if arguments.speed != 1.0 and not arguments.sim:
        raise ConfigError(Message("--speed needs --sim"))
    say_at_once(arguments, mark("starting the page ..."))
    from bandsense.app.environment import run_at_speed

    run_at_speed(arguments.speed, _serve(arguments))
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    import asyncio

    from bandsense.app.loop import stop_on_signals
    from bandsense.app.publish import Publishing
    from bandsense.app.train import TrainingOptions
    from bandsense.errors import MissingExtra
    from bandsense.web.server import require_server

    require_server()
    if arguments.sim and not can_simulate():
        raise MissingExtra(Message("the simulated sensor"), "sim")
    from bandsense.web.host import PageHost

    store = open_store(arguments)
    stop = asyncio.Event()
    publishing = Publishing(arguments.mqtt)
    publishing.check()
    host = PageHost(
        (store, lambda: store if arguments.sim else simulated_store(arguments)),
        SessionAir(arguments.sets, arguments.reps, arguments.fault, simulated=arguments.sim),
        simulator=can_simulate(),
        options=TrainingOptions(publishing=publishing),
        **page_options(arguments),
    )
    with stop_on_signals(stop):
        async with host:
            show_address(host)
            await stop.wait()


def simulated_store(arguments: argparse.Namespace) -> Store:
    """Open the store of simulated sessions, which lie apart from a person's own."""
    from bandsense.app.paths import SIMULATED_STORE_NAME
    from bandsense.app.simulated_store import open_simulated

    return open_simulated(store_path(arguments).with_name(SIMULATED_STORE_NAME))


def can_simulate() -> bool:
    """Return whether the simulated sensor is installed."""
    from importlib.util import find_spec

    return find_spec("bumble") is not None


class SessionAir:
    """Where the sensors of a choice are: on this computer's Bluetooth, or simulated."""

    def __init__(self, sets: int = 3, reps: int = 10, fault: str | None = None, *, simulated: bool) -> None:
        self._sets, self._reps, self._fault = sets, reps, fault
        self._simulated = simulated
        self._person = 0

    def __call__(self, choice: Choice) -> AbstractAsyncContextManager[Environment]:
        """Return it; each simulated session is another person's."""
        from bandsense.app.environment import person, real_environment, simulated_environment, simulated_pair

        if not (self._simulated or choice.simulated):
            return real_environment()
        self._person += 1
        exercise = choice.exercise or "seated-row"
        left, right = (
            person(self._person + arm, self._sets, self._reps, frozenset(), exercise) for arm in (0, 1)
        )
        if len(choice.sensors) == 2:
            return simulated_pair(left, right, "simulator", self._fault)
        return simulated_environment(left, "simulator", self._fault)
