"""`bandsense scan`: which sensors are on the air."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import positive
from bandsense.cli.command import add_command
from bandsense.cli.tables import table
from bandsense.language import mark, said, tr

if TYPE_CHECKING:
    from bandsense.app.environment import Environment
    from bandsense.cli.command import Commands
    from bandsense.link.ble.scanner import DiscoveredSensor

_HEAD = (
    mark("name"),
    mark("kind"),
    mark("signal dBm"),
    mark("battery"),
    mark("pairing"),
    mark("connected"),
    mark("address"),
)
_PAIRING = {True: mark("open"), False: mark("closed"), None: mark("not needed")}
_CONNECTED = {True: mark("yes"), False: mark("no"), None: "–"}


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "scan",
        run,
        example="bandsense scan\nbandsense scan --seconds 10 --json",
    )
    command.add_argument("--seconds", type=positive, default=5.0, metavar="S", help="how long (default: 5)")
    command.add_argument("--json", action="store_true", help="one JSON object per sensor")
    command.add_argument("--sim", action="store_true", help="over a virtual radio with one simulated sensor")


def run(arguments: argparse.Namespace) -> int:
    """Scan and list; 1 when there is none."""
    import asyncio

    if sys.stderr.isatty():
        print(tr("listening for {seconds:g} s", seconds=arguments.seconds), file=sys.stderr)
    sightings = asyncio.run(_scan(arguments))
    if arguments.json:
        for sighting in sightings:
            print(json.dumps(_as_json(sighting)))
    elif sightings:
        print(sensor_table(sightings))
    else:
        print(
            tr("no sensor heard; press its button or pull the band to wake it, and bring it nearer"),
            file=sys.stderr,
        )
    return 0 if sightings else 1


async def _scan(arguments: argparse.Namespace) -> tuple[DiscoveredSensor, ...]:
    from bandsense.link.ble.scanner import discover

    async with air_of(arguments) as air:
        return await discover(arguments.seconds, transport=air.transport)


def air_of(arguments: argparse.Namespace) -> AbstractAsyncContextManager[Environment]:
    """Return the air around: the real one, or with `--sim` one with a single simulated sensor."""
    from bandsense.app.environment import person, real_environment, simulated_environment

    return (
        simulated_environment(person(1, 1, 1, frozenset()), "simulator")
        if arguments.sim
        else real_environment()
    )


def sensor_table(sightings: Sequence[DiscoveredSensor], *, numbered: bool = False) -> str:
    """Sensors as a table, in the order given; with numbers, to choose by."""
    if not numbered:
        return table(tuple(map(tr, _HEAD)), map(_row, sightings))
    return table(("", *map(tr, _HEAD)), [(number, *_row(each)) for number, each in enumerate(sightings, 1)])


def _as_json(sighting: DiscoveredSensor) -> dict[str, object]:
    return {
        "name": sighting.name,
        "driver": sighting.driver.name,
        "address": sighting.address,
        "rssi_dbm": sighting.rssi_dbm,
        "battery_percent": sighting.battery_percent,
        "pairing_open": sighting.pairing_open,
        "connected": sighting.connected,
    }


def _row(sighting: DiscoveredSensor) -> tuple[object, ...]:
    return (
        sighting.name,
        said(sighting.driver.title),
        sighting.rssi_dbm,
        "–" if sighting.battery_percent is None else f"{sighting.battery_percent} %",
        tr(_PAIRING[sighting.pairing_open]),
        tr(_CONNECTED[sighting.connected]),
        sighting.address,
    )
