"""`bandsense sensors`: look after the sensors that are paired."""

from __future__ import annotations

import argparse
import json
from collections.abc import Coroutine
from dataclasses import fields, is_dataclass
from enum import Enum, Flag, IntEnum
from typing import TYPE_CHECKING, Any

from bandsense.cli.command import add_action, add_command, add_json_option, words_aside
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.cli.tables import table
from bandsense.language import said, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.store.store import Store


_SUMMARIES = {
    "list": "those that were paired (the default)",
    "info": "everything that a sensor says about itself",
    "identify": "make it blink",
    "rename": "give it a name that it keeps",
    "zero": "the band is slack: set its zero, which it keeps",
    "off": "switch it off; its button switches it on again",
    "progressor": "let apps for the Tindeq Progressor read it, or no longer",
    "forget": "undo the pairing, on both sides",
}


def add(commands: Commands) -> None:
    """Add the command and what can be done with a sensor."""
    command = add_command(
        commands,
        "sensors",
        run,
        example="bandsense sensors\nbandsense sensors info 4F2A --self-test\n"
        "bandsense sensors rename 4F2A Left",
    )
    command.set_defaults(action="list")
    add_json_option(command, "one JSON object per sensor; words go to standard error")
    add_store_option(command, sessions=True)
    actions = command.add_subparsers(metavar="ACTION")
    for name, summary in _SUMMARIES.items():
        action = add_action(actions, name, summary, action=name)
        if name == "list":
            continue
        action.add_argument("sensor", help="name, side, end of the name, serial number or address")
        if name == "info":
            action.add_argument("--self-test", action="store_true", help="with the band slack: test it first")
        elif name == "rename":
            action.add_argument("name", help="up to 16 letters")
        elif name == "progressor":
            action.add_argument("switch", choices=("on", "off"), help="anyone in range can read it while on")
        elif name == "zero":
            action.add_argument(
                "--temperature",
                action="store_true",
                help="nothing but its temperature changed since the last zero, by 3 K or more: learn from it",
            )
        elif name == "identify":
            action.add_argument("--seconds", type=int, default=5, metavar="S", help="default: 5")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    import asyncio

    from bandsense.app.known_sensors import resolve_target

    if arguments.action == "list":
        return _list(arguments)
    store = open_store(arguments)
    target = resolve_target(store, arguments.sensor) or arguments.sensor
    if arguments.action == "info":
        asyncio.run(_info(arguments, store, target))
        return 0
    work: Coroutine[Any, Any, None] = _ACTIONS[arguments.action](arguments, store, target)
    with words_aside(arguments):
        asyncio.run(work)
    if arguments.json:
        print(json.dumps({"sensor": target, "done": arguments.action}))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from bandsense.app.trainee import profiles_of

    sensors = profiles_of(open_store(arguments)).sensors
    if arguments.json:
        for each in sensors:
            print(each.model_dump_json())
        return 0
    if not sensors:
        print(tr("no sensor yet; make one yours with `bandsense pair`"))
        return 0
    rows = [(each.name, each.id, each.driver, each.mount, each.side or "") for each in sensors]
    print(table((tr("name"), tr("serial or address"), tr("kind"), tr("mount"), tr("side")), rows))
    return 0


async def _info(arguments: argparse.Namespace, _store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.link.pairing import inspect
    from bandsense.workout.events import fields_json

    async with real_environment() as air:
        report = await inspect(target, transport=air.transport, self_test=arguments.self_test)
    if arguments.json:
        print(json.dumps(fields_json(report), default=str))
        return
    print(table((tr("item"), tr("value")), _rows(report)))


def _rows(record: Any, of: str = "") -> list[tuple[str, str]]:
    """List the fields of a record that are known; those of a record in it under both names."""
    rows: list[tuple[str, str]] = []
    for each in fields(record):
        value = getattr(record, each.name)
        name = f"{of} {each.name}".strip()
        if is_dataclass(value):
            rows += _rows(value, "" if each.name == "information" else name)
        elif value is not None:
            rows.append((name, _in_words(each.name, value)))
    return rows


def _in_words(name: str, value: Any) -> str:
    """Write a value as a person reads it; a code that tools ask for keeps its number."""
    from bandsense.wire.bandsense.codes import CrashKind

    if name == "kind" and value in set(CrashKind):
        value = CrashKind(value)
    if isinstance(value, Flag):
        return ", ".join(_words(bit) for bit in type(value) if bit & value) or "none"
    if isinstance(value, IntEnum):
        return f"{_words(value)} ({value.value})"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if name in ("program_counter", "detail"):
        return hex(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _words(member: Enum) -> str:
    return str(member.name).lower().replace("_", " ")


async def _identify(arguments: argparse.Namespace, _store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.link.pairing import identify

    async with real_environment() as air:
        await identify(target, seconds=arguments.seconds, transport=air.transport)


async def _rename(arguments: argparse.Namespace, store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.app.known_sensors import known_sensor, validate_name
    from bandsense.errors import CommandError
    from bandsense.link.pairing import rename

    name = validate_name(arguments.name)
    known = known_sensor(store, arguments.sensor)
    try:
        async with real_environment() as air:
            await rename(target, name, transport=air.transport)
    except CommandError as error:
        if known is None:
            raise
        print(tr("{error}; this computer remembers the name instead", error=error))
    if known is not None:
        renamed = known.model_copy(update={"name": name})
        store.sensors.put(known.id, renamed.model_dump(mode="json"))
    print(tr("it is called {name} now", name=name))


async def _zero(arguments: argparse.Namespace, _store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.app.tare import tare, zero_words
    from bandsense.cli.prompts import confirm, is_interactive

    async with real_environment() as air:
        zero = await tare(
            target,
            air.transport,
            lambda words: print(said(words)),
            learn_temperature=arguments.temperature,
            confirm=confirm if is_interactive() else None,
        )
    print(zero_words(zero))


async def _off(arguments: argparse.Namespace, _store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.link.pairing import switch_off

    async with real_environment() as air:
        await switch_off(target, transport=air.transport)
    print(tr("it is off; press its button to switch it on"))


async def _progressor(arguments: argparse.Namespace, _store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.link.pairing import offer_progressor

    on = arguments.switch == "on"
    async with real_environment() as air:
        await offer_progressor(target, on=on, transport=air.transport)
    print(
        tr(
            "switch it off with `bandsense sensors off {sensor}` and on with its button: from then on it "
            "offers itself to apps for the Progressor, and anyone in range can read it",
            sensor=arguments.sensor,
        )
        if on
        else tr(
            "switch it off with `bandsense sensors off {sensor}` and on with its button: from then on it no "
            "longer offers itself to them",
            sensor=arguments.sensor,
        )
    )


async def _forget(arguments: argparse.Namespace, store: Store, target: str) -> None:
    from bandsense.app.environment import real_environment
    from bandsense.app.known_sensors import forget_sensor
    from bandsense.errors import SensorNotFound
    from bandsense.link.pairing import unpair

    try:
        async with real_environment() as air:
            told = await unpair(target, transport=air.transport)
    except SensorNotFound:
        if not forget_sensor(store, arguments.sensor):
            raise
        print(
            tr(
                "forgotten here; it is not in range, so a bond with it stays: remove it in the "
                "computer's Bluetooth settings, and hold the sensor's button for 10 s when you find "
                "it"
            )
        )
        return
    forget_sensor(store, arguments.sensor)
    print(
        tr("forgotten on both sides")
        if told
        else tr("forgotten here; the sensor still remembers this computer")
    )


_ACTIONS = {
    "identify": _identify,
    "rename": _rename,
    "zero": _zero,
    "off": _off,
    "progressor": _progressor,
    "forget": _forget,
}
