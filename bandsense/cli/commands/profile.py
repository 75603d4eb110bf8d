"""`bandsense profile`: people, bands and how they are set up."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.home import add_store_option, open_store
from bandsense.cli.tables import table

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.profiles import Person, Profiles, Setup
    from bandsense.store.store import Store


def add(commands: Commands) -> None:
    """Add the command and what can be done with profiles."""
    command = add_command(
        commands,
        "profile",
        run,
        summary="show, set, export or import people, bands and set-ups",
        details="Nothing here is needed before the first set; what is known makes the advice surer.",
        example="bandsense profile\n"
        "bandsense profile set --exercise seated-row --rest-length 0.6 --stroke 0.5\n"
        "bandsense profile export mine.json",
    )
    command.set_defaults(action="show")
    add_store_option(command)
    actions = command.add_subparsers(metavar="ACTION")
    show = actions.add_parser("show", help="everything that is known (the default)")
    show.set_defaults(action="show")
    for name, summary in (("export", "write it to a JSON file"), ("import", "take it from a JSON file")):
        action = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        action.set_defaults(action=name)
        action.add_argument("file", type=Path)
    setting = actions.add_parser("set", help="how a person does an exercise")
    setting.set_defaults(action="set")
    setting.add_argument("--person", metavar="NAME", help="default: the first")
    setting.add_argument("--exercise", metavar="ID", help="default: the last")
    setting.add_argument("--rest-length", type=float, metavar="M", help="unstretched band, hand to anchor")
    setting.add_argument("--start-length", type=float, metavar="M", help="that distance in the start pose")
    setting.add_argument("--stroke", type=float, metavar="M", help="how far the hand moves")
    setting.add_argument("--sets", type=int, metavar="N", help="sets to do")
    setting.add_argument("--reps", type=int, metavar="N", help="full repetitions a set should have at least")
    setting.add_argument(
        "--zone-n", type=float, nargs=2, metavar=("LOW", "HIGH"), help="peak tension to aim at, newtons"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    from bandsense.cli.trainee import profiles_of

    store = open_store(arguments)
    if arguments.action == "show":
        _show(profiles_of(store))
    elif arguments.action == "export":
        profiles_of(store).write(arguments.file)
        print(arguments.file)
    elif arguments.action == "import":
        _import(store, arguments.file)
    else:
        _set(store, arguments)
    return 0


def _show(profiles: Profiles) -> None:
    setups = [_row(person, setup) for person in profiles.people for setup in person.setups]
    if not setups:
        print("nothing is known yet; usual values are taken")
    else:
        print(table(("person", "exercise", "band", "rest m", "stroke m", "plan"), setups))
    if profiles.bands:
        rows = [(each.id, each.name, each.colour or "", each.cycles) for each in profiles.bands]
        print("\n" + table(("band", "name", "colour", "reps done"), rows))


def _row(person: Person, setup: Setup) -> tuple[str, ...]:
    lengths = (_m(setup.rest_length_m), _m(setup.stroke_m))
    plan = f"{setup.plan.sets} x {setup.plan.reps}"
    return person.name, setup.exercise, setup.band or "", *lengths, plan


def _m(length_m: float | None) -> str:
    return "–" if length_m is None else f"{length_m:.2f}"


def _import(store: Store, path: Path) -> None:
    from bandsense.profiles import Profiles

    incoming = Profiles.read(path)
    for person in incoming.people:
        store.people.put(person.id, person.model_dump(mode="json", by_alias=True))
    for band in incoming.bands:
        store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    for sensor in incoming.sensors:
        store.sensors.put(sensor.id, sensor.model_dump(mode="json", by_alias=True))
    people, bands, sensors = len(incoming.people), len(incoming.bands), len(incoming.sensors)
    print(f"taken over: {people} people, {bands} bands, {sensors} sensors")


def _set(store: Store, arguments: argparse.Namespace) -> None:
    from pydantic import ValidationError

    from bandsense.cli.trainee import trainee
    from bandsense.errors import ConfigError
    from bandsense.exercises.model import faults_in
    from bandsense.profiles import Setup

    who = trainee(store, arguments.person, arguments.exercise)
    lengths = {
        "rest_length_m": arguments.rest_length,
        "start_length_m": arguments.start_length,
        "stroke_m": arguments.stroke,
    }
    zone = None if arguments.zone_n is None else dict(zip(("low_n", "high_n"), arguments.zone_n, strict=True))
    targets = {"sets": arguments.sets, "reps": arguments.reps, "zone": zone}
    data = who.setup.model_dump(mode="json", by_alias=True)
    data |= {name: value for name, value in lengths.items() if value is not None}
    data["plan"] |= {name: value for name, value in targets.items() if value is not None}
    if any(value is not None for value in lengths.values()):
        data["advisor"] = None  # what was learned rests on the old lengths
    try:
        setup = Setup.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ConfigError(f"this set-up cannot be: {faults_in(error)}") from error
    person = who.person.with_setup(setup)
    store.people.put(person.id, person.model_dump(mode="json", by_alias=True))
    print(f"{person.name}, {who.exercise.name}: kept")
