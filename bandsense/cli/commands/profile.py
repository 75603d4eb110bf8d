"""`bandsense profile`: people, bands and how they are set up."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import centimetres
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, left_aside, open_store
from bandsense.cli.tables import table
from bandsense.language import Message, tr, trn

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.profiles.library import Profiles
    from bandsense.profiles.person import Person, Setup
    from bandsense.samples import ForceUnit
    from bandsense.store.store import Store
    from bandsense.workout.plan import TensionZone

_USUAL_RANGE = 4
"""Repetitions from the least of a set to where it is ended, unless told otherwise: 8 to 12."""


def add(commands: Commands) -> None:
    """Add the command and what can be done with profiles."""
    command = add_command(
        commands,
        "profile",
        run,
        details="Nothing here is needed before the first set; what is known makes the advice surer.",
        example="bandsense profile\n"
        "bandsense profile set --exercise seated-row --rest-length-cm 60 --stroke-cm 50\n"
        "bandsense profile set --sets 2 --reps 8 --tempo-s 2 1 3 0.5\n"
        "bandsense profile export mine.json",
    )
    command.set_defaults(action="show")
    add_json_option(command)
    add_store_option(command, sessions=True)
    actions = command.add_subparsers(metavar="ACTION")
    show = actions.add_parser("show", help="everything that is known (the default)")
    show.set_defaults(action="show")
    export = actions.add_parser("export", help="write it to a JSON file")
    export.set_defaults(action="export")
    export.add_argument("file", type=Path)
    taking = actions.add_parser("import", help="import it from a JSON file")
    taking.set_defaults(action="import")
    taking.add_argument("file", type=Path)
    taking.add_argument(
        "--replace", action="store_true", help="also replace what is known here already under the same name"
    )
    removing = actions.add_parser(
        "remove",
        help="remove a person for good, with all their sessions",
        description="Nothing of it can be undone. Copies stay where you put them: exports, reports, backups "
        "and a clinic's database.",
    )
    removing.set_defaults(action="remove")
    removing.add_argument("person", metavar="NAME", help="who; `bandsense profile` lists them")
    removing.add_argument("--yes", action="store_true", help="do not ask")
    _add_set(actions)


def _add_set(actions: Commands) -> None:
    setting = actions.add_parser(
        "set",
        help="how a person does an exercise",
        description="What is not given stays as it was. New lengths count as newly measured: what the "
        "slack advice had learned is forgotten.",
    )
    setting.set_defaults(action="set")
    setting.add_argument("--person", metavar="NAME", help="default: whoever trained last")
    setting.add_argument("--exercise", metavar="ID", help="default: the last")
    setting.add_argument(
        "--unit",
        choices=("N", "kgf", "lbf"),
        help="the unit in which this person sees forces; files stay in newtons",
    )
    setting.add_argument(
        "--band", metavar="NAME", help="the set-up with this band; `bandsense band` lists them"
    )
    lengths = setting.add_argument_group("lengths")
    lengths.add_argument(
        "--rest-length-cm", type=centimetres, metavar="CM", help="unstretched band, hand to anchor"
    )
    lengths.add_argument(
        "--start-length-cm", type=centimetres, metavar="CM", help="that distance in the start pose"
    )
    lengths.add_argument("--stroke-cm", type=centimetres, metavar="CM", help="how far the hand moves")
    lengths.add_argument("--anchor", metavar="TEXT", help="where the band is fixed, to find it again")
    lengths.add_argument(
        "--method", choices=("grip", "anchor_distance", "foot"), help="how you like to change the slack"
    )
    targets = setting.add_argument_group("targets")
    targets.add_argument("--sets", type=int, metavar="N", help="sets to do")
    targets.add_argument("--reps", type=int, metavar="N", help="full repetitions a set should have at least")
    targets.add_argument("--reps-top", type=int, metavar="N", help="repetitions at which a set ends")
    targets.add_argument(
        "--tempo-s",
        type=float,
        nargs=4,
        metavar=("PULL", "HOLD", "RETURN", "REST"),
        help="seconds for each phase of a repetition",
    )
    targets.add_argument(
        "--stop-pain",
        type=int,
        metavar="N",
        help="pain of N of 10 after a set ends the exercise for the day; 0 for never",
    )
    targets.add_argument("--rest-s", type=float, metavar="S", help="rest between sets")
    targets.add_argument(
        "--zone",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="peak tension to aim at, in your own unit of force; 0 0 for none",
    )
    targets.add_argument(
        "--zone-n",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="the same in newtons",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    from bandsense.app.trainee import profiles_of

    store = open_store(arguments)
    if arguments.action == "show":
        if arguments.json:
            print(profiles_of(store).model_dump_json(by_alias=True, exclude_none=True))
        else:
            _show(profiles_of(store))
    elif arguments.action == "export":
        profiles_of(store).write(arguments.file)
        tell(arguments, str(arguments.file), path=arguments.file)
    elif arguments.action == "import":
        _import(store, arguments)
    elif arguments.action == "remove":
        _remove(store, arguments)
    else:
        _set(store, arguments)
    return 0


def _show(profiles: Profiles) -> None:
    setups = [_row(person, setup) for person in profiles.people for setup in person.setups]
    if not setups:
        print(tr("nothing is known yet; usual values are used"))
    else:
        heads = (
            tr("person"),
            tr("exercise"),
            tr("band"),
            tr("rest cm"),
            tr("start cm"),
            tr("stroke cm"),
            tr("plan"),
            tr("tempo s"),
            tr("rest s"),
        )
        print(table((*heads, tr("zone"), tr("anchor")), setups))
    if profiles.bands:
        rows = [(each.id, each.name, each.colour or "", each.cycles) for each in profiles.bands]
        print("\n" + table((tr("band"), tr("name"), tr("colour"), tr("reps done")), rows))


def _row(person: Person, setup: Setup) -> tuple[str, ...]:
    plan = setup.plan
    tempo = plan.tempo
    return (
        person.name,
        setup.exercise,
        setup.band or "",
        _rest_cm(setup),
        _cm(setup.start_length_m),
        _cm(setup.stroke_m),
        f"{plan.sets} x {plan.reps}-{plan.reps_top}",
        f"{tempo.concentric_s:g}-{tempo.hold_s:g}-{tempo.eccentric_s:g}-{tempo.rest_s:g}",
        f"{plan.rest_s:g}",
        "" if plan.zone is None else _zone(plan.zone, person.unit),
        setup.anchor,
    )


def _zone(zone: TensionZone, unit: ForceUnit) -> str:
    """Return each person's zone in their own unit."""
    return f"{zone.low_n / unit.newtons:.4g}-{zone.high_n / unit.newtons:.4g} {unit.value}"


def _rest_cm(setup: Setup) -> str:
    """Return the length as entered, and what followed advice has made of it since."""
    told = _cm(setup.rest_length_m)
    if setup.advisor is None or not setup.advisor.strand.measured:
        return told
    now = _cm(setup.advisor.strand.rest_length_m)
    return told if now == told else f"{told}, now {now}"


def _cm(length_m: float | None) -> str:
    return "–" if length_m is None else f"{100 * length_m:.0f}"


def _import(store: Store, arguments: argparse.Namespace) -> None:
    from bandsense.app.trainee import profiles_of
    from bandsense.errors import ConfigError
    from bandsense.profiles.library import Profiles

    path: Path = arguments.file
    incoming = Profiles.read(path)
    clashes = profiles_of(store).clashes(incoming)
    if clashes and not arguments.replace:
        raise ConfigError(
            Message(
                "{path} would replace what is known here about {clashes}, so nothing was imported. "
                "Import it with --replace, or export first",
                path=path,
                clashes=", ".join(clashes),
            )
        )
    for shelf, entries in (
        (store.people, incoming.people),
        (store.bands, incoming.bands),
        (store.sensors, incoming.sensors),
    ):
        for entry in entries:
            shelf.put(entry.id, entry.model_dump(mode="json", by_alias=True))
    people = trn("{n} person", "{n} people", len(incoming.people))
    bands = trn("{n} band", "{n} bands", len(incoming.bands))
    sensors = trn("{n} sensor", "{n} sensors", len(incoming.sensors))
    taken = {kind: [entry.id for entry in getattr(incoming, kind)] for kind in ("people", "bands", "sensors")}
    tell(
        arguments,
        tr("imported: {people}, {bands}, {sensors}", people=people, bands=bands, sensors=sensors),
        **taken,
    )


def _remove(store: Store, arguments: argparse.Namespace) -> None:
    """Remove a person from the store, and from that of the simulator, which has a copy of each profile."""
    import asyncio

    from bandsense.app.log_file import leave_out_of_log
    from bandsense.app.paths import SIMULATED_STORE_NAME, home
    from bandsense.app.trainee import profiles_of
    from bandsense.cli.prompts import confirm
    from bandsense.errors import ConfigError
    from bandsense.store.edits import Edits
    from bandsense.store.model import SessionFilter
    from bandsense.store.store import Store

    who = arguments.person
    stores = [store]
    if left_aside(arguments):
        stores.append(Store.open(home() / SIMULATED_STORE_NAME))
    sessions = sum(
        len(each.sessions(SessionFilter(person=who, binned=binned)))
        for each in stores
        for binned in (False, True)
    )
    if not sessions and all(each.people.get(who) is None for each in stores):
        profiles_of(store).person(who)  # it says who there is
    much = trn("{n} session", "{n} sessions", sessions)
    question = tr(
        "remove {person} for good, with {much}? Nothing of it can be undone.", person=who, much=much
    )
    if not arguments.yes and not asyncio.run(confirm(question)):
        raise ConfigError(Message("nothing was removed; --yes removes {person} without asking", person=who))
    removed = sum(Edits(each.database).remove_person(who) for each in stores)
    leave_out_of_log(home(), who)
    told = tr(
        "{person} and {much} are removed for good; exports, reports and backups stay where you put them",
        person=who,
        much=trn("{n} session", "{n} sessions", removed),
    )
    copies = sorted(str(path) for each in stores for path in _copies(each))
    if copies:
        told += "\n" + tr("earlier copies of the store are left, too: {copies}", copies=", ".join(copies))
    tell(arguments, told, person=who, removed=removed, copies=copies)


def _copies(store: Store) -> list[Path]:
    """Return earlier states of the store that lie beside it: before an update, a rescue, a restore."""
    local = store.database.local
    return [path for path in local.parent.glob(f"{local.name}.*") if path.is_file()]


def _set(store: Store, arguments: argparse.Namespace) -> None:
    from pydantic import ValidationError

    from bandsense.app.trainee import load_trainee
    from bandsense.errors import ConfigError
    from bandsense.exercises.model import faults_in
    from bandsense.profiles.person import Setup
    from bandsense.samples import ForceUnit

    who = load_trainee(store, arguments.person, arguments.exercise, arguments.band)
    unit = who.person.unit if arguments.unit is None else ForceUnit(arguments.unit)
    lengths, targets = _lengths(arguments), _targets(arguments, unit)
    person = who.person.model_copy(update={"unit": unit})
    texts = {name: value for name in ("anchor", "method") if (value := getattr(arguments, name)) is not None}
    if arguments.unit is not None and not (
        lengths or targets or texts or arguments.exercise or arguments.band
    ):
        _keep(store, person)
        told = tr("{person}: forces are shown in {plural}", person=person.name, plural=unit.plural)
        tell(arguments, told, person=person.id, unit=unit.value)
        return
    known = who.setup.forgetting() if lengths else who.setup
    data = known.model_dump(mode="json", by_alias=True) | lengths
    data |= texts
    data["plan"] |= targets
    try:
        setup = Setup.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ConfigError(
            Message("this set-up is not possible: {faults}", faults=faults_in(error))
        ) from error
    setup.check(who.exercise)
    _keep(store, person.with_setup(setup))
    kept = {"unit": unit.value, "setup": setup.model_dump(mode="json", by_alias=True)}
    tell(
        arguments,
        tr("{person}, {exercise}: saved", person=person.name, exercise=who.exercise.name),
        person=person.id,
        **kept,
    )


def _keep(store: Store, person: Person) -> None:
    store.people.put(person.id, person.model_dump(mode="json", by_alias=True))


def _lengths(arguments: argparse.Namespace) -> dict[str, float]:
    """Collect the lengths that were given, in metres."""
    given_cm = {
        "rest_length_m": arguments.rest_length_cm,
        "start_length_m": arguments.start_length_cm,
        "stroke_m": arguments.stroke_cm,
    }
    return {name: length_cm / 100.0 for name, length_cm in given_cm.items() if length_cm is not None}


def _targets(arguments: argparse.Namespace, unit: ForceUnit) -> dict[str, object]:
    """Collect the parts of the plan that were given."""
    names = ("sets", "reps", "reps_top", "rest_s")
    targets = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    if arguments.reps is not None and arguments.reps_top is None:
        targets["reps_top"] = arguments.reps + _USUAL_RANGE
    if arguments.tempo_s is not None:
        phases = ("concentric_s", "hold_s", "eccentric_s", "rest_s")
        targets["tempo"] = dict(zip(phases, arguments.tempo_s, strict=True))
    zone_n = arguments.zone_n or [unit.newtons * value for value in arguments.zone or ()]
    if zone_n:
        low_n, high_n = zone_n
        targets["zone"] = None if low_n == high_n == 0.0 else {"low_n": low_n, "high_n": high_n}
    if arguments.stop_pain is not None:
        targets["stop"] = {"pain": arguments.stop_pain or None}
    return targets
