"""`bandsense pair`: make a sensor this computer's own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.home import add_store_option, open_store

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.link.drivers import SensorInformation
    from bandsense.link.scanner import SensorSighting
    from bandsense.link.transport import Transport

_BLINK_S = 5


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "pair",
        run,
        summary="pair with a sensor, let it blink, name and remember it",
        details="Press the sensor's button first. A bond that the sensor has forgotten is mended.",
        example="bandsense pair\nbandsense pair 4F2A --name Left --side left",
    )
    command.add_argument("sensor", nargs="?", help="name, end of the name, or address (default: choose)")
    command.add_argument("--name", metavar="NAME", help="what the sensor is to be called; up to 16 letters")
    command.add_argument("--side", choices=("left", "right"), help="where there are two")
    command.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of scanning (default: 5)")
    command.add_argument("--sim", action="store_true", help="a simulated sensor on a virtual radio")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Pair."""
    import asyncio

    information = asyncio.run(_pair(arguments))
    _remember(arguments, information)
    return 0


async def _pair(arguments: argparse.Namespace) -> SensorInformation:
    from contextlib import suppress

    from bandsense.cli.air import person, real_air, simulated_air
    from bandsense.errors import CommandError
    from bandsense.link.pairing import paired

    source = person(1, 1, 1, frozenset())
    async with simulated_air(source, "simulator") if arguments.sim else real_air() as air:
        sighting = await _choose(arguments, air.transport)
        told = paired(sighting, transport=air.transport, on_step=lambda step: print(step.value, flush=True))
        async with told as sensor:
            if arguments.name is not None:
                await sensor.device.set_label(arguments.name)
            with suppress(CommandError):  # some sensors have nothing to blink with
                await sensor.device.identify(_BLINK_S)
                print(f"{sensor.information.name} blinks for {_BLINK_S} seconds", flush=True)
            _print(sensor.information)
            return sensor.information


async def _choose(arguments: argparse.Namespace, transport: Transport) -> SensorSighting:
    """The sensor that was named, the only one there is, or the one that the person picks.

    Raises:
        SensorNotFound: none matches, or there are several and nobody can be asked.
    """
    from bandsense.cli.commands.scan import sensor_table
    from bandsense.errors import SensorNotFound
    from bandsense.link.scanner import discover

    heard = await discover(arguments.seconds, transport=transport)
    matching = [each for each in heard if arguments.sensor is None or each.matches(arguments.sensor)]
    if not matching:
        wanted = arguments.sensor or "a sensor"
        raise SensorNotFound(f"{wanted} is not heard; press its button, bring it nearer, and pair again")
    if len(matching) == 1:
        return matching[0]
    print(sensor_table(matching))
    return _asked(matching)


def _asked(sensors: Sequence[SensorSighting]) -> SensorSighting:
    """The one that the person at the terminal names; nothing else goes on meanwhile."""
    from bandsense.errors import SensorNotFound

    if not sys.stdin.isatty():
        raise SensorNotFound("several sensors are on the air; say which one, by its name or address")
    answer = input(f"which one? 1 to {len(sensors)}: ")
    if not (answer.isdecimal() and 1 <= int(answer) <= len(sensors)):
        raise SensorNotFound(f"{answer!r} is none of them; pair again")
    return sensors[int(answer) - 1]


def _print(information: SensorInformation) -> None:
    shown = {
        "model": information.model,
        "firmware": information.firmware,
        "serial": information.serial,
        "battery": None if information.battery_percent is None else f"{information.battery_percent} %",
    }
    print(", ".join(f"{name} {value}" for name, value in shown.items() if value))


def _remember(arguments: argparse.Namespace, information: SensorInformation) -> None:
    from bandsense.cli.trainee import profiles_of

    store = open_store(arguments)
    known = profiles_of(store).sensor(information.serial or information.address)
    changes = {"name": arguments.name or information.name, "driver": information.driver}
    profile = known.model_copy(update=changes | ({"side": arguments.side} if arguments.side else {}))
    store.sensors.put(profile.id, profile.model_dump(mode="json"))
    print(f"remembered as {profile.name}; train with it: bandsense live")
