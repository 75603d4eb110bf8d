"""`bandsense pair`: make a sensor this computer's own."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import positive
from bandsense.cli.command import add_command, add_json_option, words_aside
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, said, tr

if TYPE_CHECKING:
    import asyncio

    from bandsense.cli.command import Commands
    from bandsense.link.ble.adapter import Transport
    from bandsense.link.ble.bluez_agent import AskPasskey
    from bandsense.link.ble.scanner import DiscoveredSensor
    from bandsense.link.drivers.base import SensorInformation
    from bandsense.link.pairing import PairedSensor
    from bandsense.profiles.sensor import SensorProfile

_BLINK_S = 5
_CHOICES = 9
"""As many sensors as there are keys for."""
_LARGEST_PASSKEY = 999_999
_DRAWN_PER_S = 4


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "pair",
        run,
        details="Press the sensor's button first. A bond that the sensor has forgotten is renewed. "
        "In a terminal it lists the sensors in range and asks; elsewhere it asks nothing and "
        "follows the options.",
        example="bandsense pair\nbandsense pair 4F2A --name Left --side left --tare",
    )
    command.add_argument("sensor", nargs="?", help="name, end of the name, or address (default: choose)")
    command.add_argument("--name", metavar="NAME", help="a name for the sensor; up to 16 letters")
    command.add_argument(
        "--side", choices=("left", "right"), help="which side it measures, where there are two"
    )
    command.add_argument("--tare", action="store_true", help="the band is slack: this is its zero")
    command.add_argument("--passkey", metavar="DIGITS", help="on the label of a sensor that asks for one")
    command.add_argument(
        "--seconds", type=positive, default=5.0, metavar="S", help="how long to look for it (default: 5)"
    )
    command.add_argument("--sim", action="store_true", help="a simulated sensor over a virtual radio")
    add_json_option(command, "one JSON object, the sensor; words go to standard error")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Pair."""
    import asyncio

    with words_aside(arguments):
        known = asyncio.run(_pair(arguments))
    if arguments.json:
        print(known.model_dump_json())
    return 0


async def _pair(arguments: argparse.Namespace) -> SensorProfile:
    from bandsense.app.known_sensors import remember_sensor, resolve_target, validate_name
    from bandsense.cli.commands.scan import air_of
    from bandsense.link.pairing import PairingStep, pair

    def tell(step: PairingStep) -> None:
        print(tr(step.value), flush=True)

    store = open_store(arguments)
    if arguments.name is not None:
        validate_name(arguments.name)
    wanted = None if arguments.sensor is None else resolve_target(store, arguments.sensor)
    passkey = _passkey(arguments)
    async with air_of(arguments) as air:
        sighting = await _choose(wanted, arguments.seconds, air.transport)
        async with pair(sighting, transport=air.transport, on_step=tell, ask_passkey=passkey) as sensor:
            _print(sensor.information)
            await _blink(sensor)
            name = await _named(arguments, sensor)
        known = remember_sensor(store, sensor.information, name, arguments.side)
        await _tared(arguments, sighting, air.transport)
    train = "bandsense live --sim" if arguments.sim else "bandsense live"
    print(tr("remembered as {known}; train with it: {train}", known=known.name, train=train))
    return known


# -- which one -----------------------------------------------------------------------------------------------


async def _choose(wanted: str | None, seconds: float, transport: Transport) -> DiscoveredSensor:
    """Return the sensor that was named, the one that the person picks, or the only one there is.

    Raises:
        SensorNotFound: it is not heard, or there are several and nobody can be asked.
    """
    from bandsense.cli.prompts import is_interactive
    from bandsense.errors import SensorNotFound
    from bandsense.link.ble.scanner import discover, find_sensor

    heard: tuple[DiscoveredSensor, ...]
    if wanted is not None:
        named = await find_sensor(lambda sighting: sighting.matches(wanted), transport, seconds)
        heard = () if named is None else (named,)
    elif is_interactive():
        return await _picked(transport)
    else:
        heard = await discover(seconds, transport=transport)
    if not heard:
        what = wanted or Message("a sensor")
        raise SensorNotFound(
            Message("{what} cannot be heard; press its button, bring it nearer, and pair again", what=what)
        )
    if len(heard) > 1:
        names = ", ".join(f"{each.name} ({each.address})" for each in heard)
        raise SensorNotFound(Message("several sensors are in range: {names}; name one of them", names=names))
    return heard[0]


async def _picked(transport: Transport) -> DiscoveredSensor:
    """Let the person pick from a list that follows what is on the air.

    Raises:
        SensorNotFound: the person gives up.
    """
    import asyncio

    from rich.console import Console
    from rich.live import Live

    from bandsense.errors import SensorNotFound
    from bandsense.link.ble.scanner import scan
    from bandsense.live.actions import Action
    from bandsense.live.keys import keys

    heard: dict[str, DiscoveredSensor] = {}
    picked: asyncio.Future[DiscoveredSensor | None] = asyncio.get_running_loop().create_future()

    def on_sighting(sighting: DiscoveredSensor) -> None:
        if sighting.address in heard or len(heard) < _CHOICES:
            heard[sighting.address] = sighting

    actions = {
        str(n + 1): Action(f"sensor {n + 1}", partial(_pick, heard, picked, n)) for n in range(_CHOICES)
    }
    actions |= {"\n": actions["1"], "q": Action("end", lambda: _settle(picked, None))}
    with (
        Live(console=Console(), refresh_per_second=_DRAWN_PER_S, get_renderable=lambda: _offer(heard)),
        keys(actions) as listening,
    ):
        async with scan(on_sighting, transport):
            chosen = await picked if listening else await _asked(heard)
    if chosen is None:
        raise SensorNotFound(Message("no sensor was chosen; press its button and pair again"))
    return chosen


def _settle(picked: asyncio.Future[DiscoveredSensor | None], choice: DiscoveredSensor | None) -> None:
    if not picked.done():
        picked.set_result(choice)


def _pick(
    heard: dict[str, DiscoveredSensor], picked: asyncio.Future[DiscoveredSensor | None], number: int
) -> None:
    if number < len(heard):
        _settle(picked, list(heard.values())[number])


async def _asked(heard: dict[str, DiscoveredSensor]) -> DiscoveredSensor | None:
    """Let the person type a number, where single keys cannot be read."""
    from bandsense.cli.prompts import ask

    while (answer := await ask("")) != "q":
        if answer.isdecimal() and 1 <= int(answer) <= len(heard):
            return list(heard.values())[int(answer) - 1]
    return None


def _offer(heard: dict[str, DiscoveredSensor]) -> str:
    from bandsense.cli.commands.scan import sensor_table

    if not heard:
        none = tr("no sensor heard yet; press its button or pull the band to wake it, and bring it nearer")
        return f"{none}\n{tr('q ends')}"
    how = tr("press the number of yours, or q to end")
    return f"{sensor_table(list(heard.values()), numbered=True)}\n{how}"


# -- what to do with it --------------------------------------------------------------------------------------


def _passkey(arguments: argparse.Namespace) -> AskPasskey | None:
    """Get the six digits that a sensor wants from the command line or the person; None from neither.

    Raises:
        ConfigError: what the command line gives is no passkey.
    """
    from bandsense.cli.prompts import ask, is_interactive

    given = None if arguments.passkey is None else _digits(arguments.passkey)

    async def answer() -> int | None:
        if given is not None:
            return given
        text = await ask(tr("the six digits on the sensor's label: "))
        return int(text) if text.isdecimal() and int(text) <= _LARGEST_PASSKEY else None

    return answer if given is not None or is_interactive() else None


def _digits(text: str) -> int:
    from bandsense.errors import ConfigError

    if not text.isdecimal() or int(text) > _LARGEST_PASSKEY:
        raise ConfigError(
            Message("{text!r} is not a passkey; it is the six digits on the sensor's label", text=text)
        )
    return int(text)


async def _blink(sensor: PairedSensor) -> None:
    from contextlib import suppress

    from bandsense.errors import CommandError

    with suppress(CommandError):  # some sensors have nothing to blink with
        await sensor.device.identify(_BLINK_S)
        print(
            tr(
                "{information} blinks for {blink_s} seconds",
                information=sensor.information.name,
                blink_s=_BLINK_S,
            ),
            flush=True,
        )


async def _named(arguments: argparse.Namespace, sensor: PairedSensor) -> str | None:
    """Give it the name that the command line or the person says; None where it keeps its own."""
    from bandsense.errors import CommandError

    name: str | None = arguments.name or await _asked_name(sensor.information.name)
    if name is not None:
        try:
            await sensor.device.set_label(name)
        except CommandError as error:
            print(tr("{error}; this computer remembers the name instead", error=error))
    return name


async def _asked_name(now: str) -> str | None:
    from bandsense.app.known_sensors import validate_name
    from bandsense.cli.prompts import ask, is_interactive
    from bandsense.errors import ConfigError

    while is_interactive() and (
        answer := await ask(tr("what should it be called? Enter keeps {now}: ", now=now))
    ):
        try:
            return validate_name(answer)
        except ConfigError as error:
            print(said(error))
    return None


async def _tared(arguments: argparse.Namespace, sighting: DiscoveredSensor, transport: Transport) -> None:
    """Set its zero, where the command line or the person says that the band is slack now."""
    from bandsense.cli.prompts import is_interactive
    from bandsense.errors import CalibrationError

    if arguments.tare:
        await _tare(sighting, transport)
    elif is_interactive():
        while await _is_slack():
            try:
                await _tare(sighting, transport)
            except CalibrationError as error:
                print(said(error))
            else:
                break


async def _is_slack() -> bool:
    from bandsense.cli.prompts import ask

    return await ask(tr("zero: let the band hang slack and still, then press Enter; s skips it: ")) != "s"


async def _tare(sighting: DiscoveredSensor, transport: Transport) -> None:
    from bandsense.app.tare import tare, zero_words
    from bandsense.cli.prompts import confirm, is_interactive
    from bandsense.errors import CommandError

    def tell(words: str) -> None:
        print(said(words))

    try:
        zero = await tare(sighting, transport, tell, confirm=confirm if is_interactive() else None)
    except CommandError as error:
        print(said(error))
    else:
        print(zero_words(zero))


def _print(information: SensorInformation) -> None:
    shown = {
        "model": information.model,
        "firmware": information.firmware,
        "serial": information.serial,
        "battery": None if information.battery_percent is None else f"{information.battery_percent} %",
    }
    print(", ".join(f"{name} {value}" for name, value in shown.items() if value))
