"""`bandsense test`: isometric strength, three trials a side."""

from __future__ import annotations

import argparse
import json
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count, positive, speed
from bandsense.cli.command import add_command, say_at_once
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.cli.tables import table
from bandsense.language import Message, mark, number, said, tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from bandsense.app.environment import Environment
    from bandsense.app.strength_test import StrengthRecord, StrengthSetup
    from bandsense.cli.command import Commands
    from bandsense.exercises.model import Side
    from bandsense.store.store import Store
    from bandsense.workout.strength import StrengthEvent

_SIDES: dict[str, tuple[Side | None, ...]] = {
    "each": ("left", "right"),
    "left": ("left",),
    "right": ("right",),
    "together": (None,),
}
_SIMULATED = {"movement": "seated row", "posture": "as simulated", "position": "as simulated"}
_QUESTIONS = {
    "movement": mark("What is tested, such as knee extension?"),
    "posture": mark("In which posture, such as seated, knee at 90 degrees?"),
    "position": mark("Where is the strap fixed, and how long is it?"),
}


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "test",
        run,
        details="Fix the sensor with a strap that does not give. Sides take turns; each pull is held "
        "for 3 to 5 seconds. Tests are compared only where movement, posture, position, "
        "sensor and calibration are the same. Warm up first, and stop if it hurts.",
        example='bandsense test --movement "knee extension" --posture "seated" --position "ankle, 40 cm"\n'
        "bandsense test                  # as the last time\n"
        "bandsense test list\n"
        "bandsense test --sim --speed 0",
    )
    command.add_argument(
        "action",
        nargs="?",
        choices=("run", "list"),
        default="run",
        help="do a test (the default), or list those that were done",
    )
    command.add_argument("--movement", metavar="TEXT", help="what is tested (default: as the last time)")
    command.add_argument(
        "--posture", metavar="TEXT", help="how you sit, stand or lie (default: as the last time)"
    )
    command.add_argument(
        "--position",
        metavar="TEXT",
        help="where the strap is fixed, and its length (default: as the last time)",
    )
    command.add_argument(
        "--link",
        choices=("strap", "band"),
        default="strap",
        help="what joins hand and anchor (default: strap)",
    )
    command.add_argument(
        "--side", choices=tuple(_SIDES), default="each", help="each in turn (default), one, or both together"
    )
    command.add_argument("--trials", type=count, default=3, metavar="N", help="of each side (default: 3)")
    command.add_argument(
        "--rest-s", type=positive, default=30.0, metavar="S", help="between pulls (default: 30)"
    )
    command.add_argument(
        "--injured",
        choices=("left", "right"),
        help="the injured side, given as a share of the other (default: the weaker)",
    )
    command.add_argument("--person", metavar="NAME", help="who is tested (default: whoever trained last)")
    command.add_argument("--sensor", metavar="NAME", help="its name, the end of it, or its address")
    command.add_argument(
        "--json", action="store_true", help="one JSON object per line; the last is the result"
    )
    command.add_argument("--sim", action="store_true", help="a simulated person with a simulated sensor")
    command.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="another number is another simulated person (default: 1)",
    )
    command.add_argument(
        "--speed", type=speed, metavar="N", help="with --sim: how many times faster; 0: without waiting"
    )
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Do a test, or list those that were done."""
    from bandsense.errors import ConfigError

    if arguments.action == "list":
        _list(open_store(arguments), arguments)
        return 0
    if arguments.speed is not None and not arguments.sim:
        raise ConfigError(Message("--speed needs --sim"))
    if arguments.injured is not None and arguments.side != "each":
        raise ConfigError(Message("--injured needs both sides, each in turn"))
    say_at_once(arguments, mark("starting a simulated sensor ...") if arguments.sim else mark("starting ..."))
    from bandsense.app.environment import run_at_speed

    run_at_speed(1.0 if arguments.speed is None else arguments.speed, _test(arguments))
    return 0


async def _test(arguments: argparse.Namespace) -> None:
    from bandsense.app.known_sensors import resolve_target
    from bandsense.app.strength_test import StrengthOptions, compare, run_test, strength_records
    from bandsense.app.trainee import person_named
    from bandsense.live.units import show_in

    store = open_store(arguments)
    person = person_named(store, arguments.person)
    if not arguments.json:
        show_in(person.unit)
    setup = await _setup(store, person.id, arguments)
    sensor = arguments.sensor if arguments.sim else resolve_target(store, arguments.sensor)
    if not arguments.json:
        print(f"{person.name} · {setup.movement} · {setup.posture} · {setup.position}")
    async with _air(setup, arguments) as air:
        options = StrengthOptions(setup, person.id, sensor)
        record = await run_test(options, air, store, _teller(setup, as_json=arguments.json))
    compared = compare(record, strength_records(store, person.id))
    if arguments.json:
        from bandsense.app.strength_test import record_json

        print(json.dumps({"event": "result"} | record_json(record, compared)))
        return
    _print(record, strength_records(store, person.id))
    print(tr("saved as session {session}: `bandsense show {session}`", session=record.session))


async def _setup(store: Store, person: str, arguments: argparse.Namespace) -> StrengthSetup:
    """Take what was given, else what the person says, else what it was the last time.

    Raises:
        ConfigError: something is not known, and nobody can be asked.
    """
    from bandsense.app.strength_test import StrengthSetup, last_setup
    from bandsense.workout.strength import Link, Protocol

    before = last_setup(store, person, arguments.movement)
    said = {
        name: await _said(name, getattr(arguments, name), getattr(before, name, None), arguments)
        for name in _QUESTIONS
    }
    protocol = Protocol(_SIDES[arguments.side], arguments.trials, arguments.rest_s, Link(arguments.link))
    return StrengthSetup(**said, protocol=protocol, injured=arguments.injured)


async def _said(name: str, given: str | None, before: str | None, arguments: argparse.Namespace) -> str:
    from bandsense.cli.prompts import ask, is_interactive
    from bandsense.errors import ConfigError

    usual = before or (_SIMULATED[name] if arguments.sim else None)
    if given is None and is_interactive() and not arguments.json and not arguments.sim:
        keeps = f" {tr('Enter keeps {usual}.', usual=usual)}" if usual else ""
        given = await ask(f"{tr(_QUESTIONS[name])}{keeps} ")
    told = " ".join((given or usual or "").split())
    if not told:
        raise ConfigError(
            Message("say with --{name} how it is done: only tests done alike can be compared", name=name)
        )
    return told


def _air(setup: StrengthSetup, arguments: argparse.Namespace) -> AbstractAsyncContextManager[Environment]:
    from bandsense.app.environment import real_environment, simulated_environment

    if not arguments.sim:
        return real_environment()
    from bandsense.sim.physics.isometric import isometric_source

    protocol = setup.protocol
    source = isometric_source(protocol.order, arguments.seed, protocol.rest_s + 2.0)
    return simulated_environment(source, "simulator")


def _teller(setup: StrengthSetup, *, as_json: bool) -> Callable[[StrengthEvent | str], None]:
    from bandsense.live.strength_formatting import test_event_words
    from bandsense.workout.events import to_json

    protocol = setup.protocol

    def tell(event: StrengthEvent | str) -> None:
        if as_json:
            data = {"event": "link_changed", "message": event} if isinstance(event, str) else to_json(event)
            print(json.dumps(data), flush=True)
        elif isinstance(event, str):
            print(said(event), flush=True)
        else:
            print(test_event_words(event, protocol.trials, protocol.rest_s), flush=True)

    return tell


def _print(record: StrengthRecord, records: list[StrengthRecord]) -> None:
    from bandsense.app.strength_test import compare
    from bandsense.live.strength_formatting import compared_words, side_words, symmetry_words

    if not record.sides:
        print(tr("no trial was finished"))
    for side in record.sides:
        print(side_words(side))
    if record.symmetry is not None:
        print(symmetry_words(record.symmetry))
    compared = compare(record, records)
    if compared is not None:
        for words in compared_words(compared.day, compared.changes, compared.differences):
            print(words)
    if not record.complete:
        print(tr("(not all trials were done)"))


def print_test(store: Store, session: int) -> None:
    """Print a stored test, for `bandsense show`."""
    from bandsense.app.strength_test import strength_records

    records = strength_records(store)
    for record in records:
        if record.session == session:
            setup = record.setup
            how = f"{setup.posture}, {setup.position} ({setup.protocol.link.value})"
            print(tr("strength test: {movement}, {how}", movement=setup.movement, how=how))
            _print(record, records)


def _list(store: Store, arguments: argparse.Namespace) -> None:
    from bandsense.app.strength_test import compare, record_json, strength_records
    from bandsense.app.trainee import person_named
    from bandsense.live.units import show_in

    records = strength_records(store, arguments.person)
    if arguments.movement is not None:
        records = [each for each in records if each.setup.movement == arguments.movement]
    if arguments.json:
        for record in records:
            print(json.dumps(record_json(record, compare(record, records))))
        return
    if not records:
        print(tr("no test yet; do one with `bandsense test`, or try `bandsense test --sim --speed 0`"))
        return
    show_in(person_named(store, arguments.person or records[-1].person).unit)
    rows = [_row(record, records) for record in reversed(records)]
    print(
        table(
            (
                tr("session"),
                tr("day"),
                tr("person"),
                tr("movement"),
                tr("sides"),
                tr("symmetry"),
                tr("change"),
            ),
            rows,
        )
    )


def _row(record: StrengthRecord, records: list[StrengthRecord]) -> tuple[object, ...]:
    from bandsense.app.strength_test import compare
    from bandsense.live.units import force_words

    sides = "; ".join(
        tr(
            "{side} best {best}, mean {mean}",
            side=tr(each.side or mark("both")),
            best=force_words(each.best_n),
            mean=force_words(each.mean_n),
        )
        for each in record.sides
    )
    index = record.symmetry
    compared = compare(record, records)
    told = [each for each in compared.changes if each.told] if compared else []
    changed = ", ".join(f"{tr(each.side or 'both')} {number(each.share, '+.0%')}" for each in told)
    nothing = (
        "–" if compared is None else tr("not comparable") if compared.differences else tr("none detectable")
    )
    return (
        record.session,
        record.day,
        record.person or "",
        record.setup.movement,
        sides or "no trial",
        "–"
        if index is None
        else f"{index.side} {100.0 * index.index:.0f} ± {100.0 * index.uncertainty:.0f} %",
        changed or nothing,
    )
