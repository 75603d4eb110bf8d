"""`bandsense sim`: recordings of simulated people, with the truth about them."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count, positive
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.tables import table
from bandsense.errors import ConfigError
from bandsense.language import Message, said, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.sim.physics.scenario import SimulatedSet


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "sim",
        run,
        details="The same seed gives the same samples. A JSON file beside the trace holds the truth.",
        example="bandsense sim --list\n"
        "bandsense sim -o set.csv --seed 7 --reps 12 --disturb fatigue --disturb partial_reps\n"
        "bandsense live --sim --trace set.csv",
    )
    command.add_argument(
        "--list", action="store_true", help="name exercises, disturbances, controls and faults"
    )
    add_json_option(command, "one JSON object, or one per name that can be simulated")
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="the trace to write")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    command.add_argument("--reps", type=count, default=10, metavar="N", help="default: %(default)s")
    command.add_argument("--exercise", default="seated-row", metavar="NAME", help="default: %(default)s")
    command.add_argument("--rate", type=positive, default=80.0, metavar="HZ", help="default: 80")
    command.add_argument(
        "--disturb", action="append", default=[], metavar="NAME", help="make it harder; may be repeated"
    )
    command.add_argument("--control", metavar="NAME", help="something that is not a set at all")


def run(arguments: argparse.Namespace) -> int:
    """List what can be simulated, or simulate."""
    if arguments.list:
        _list(as_json=arguments.json)
        return 0
    if arguments.output is None:
        raise ConfigError(
            Message("name a file for the trace with -o, or list what can be simulated with --list")
        )
    _write(arguments)
    return 0


def _list(*, as_json: bool) -> None:
    from bandsense.sim.physics.disturbances import CONTROLS, DISTURBANCES
    from bandsense.sim.physics.person import EXERCISES

    if as_json:
        _list_as_json()
        return
    print(
        tr(
            "exercises: {exercises}\ncontrols: {controls}\n",
            exercises=", ".join(EXERCISES),
            controls=", ".join(CONTROLS),
        )
    )
    rows = [(name, tr(each.stage.value), tr(each.description)) for name, each in DISTURBANCES.items()]
    print(table((tr("disturbance"), tr("acts on"), tr("what happens")), rows))
    with suppress(ImportError):  # they act on the air, for which the simulated sensor is needed
        from bandsense.sim.faults import FAULTS

        faults = [(fault.name, said(fault.words)) for fault in FAULTS.values()]
        print(f"\n{table((tr('fault (live --sim --fault)'), tr('what happens')), faults)}")


def _list_as_json() -> None:
    from bandsense.sim.physics.disturbances import CONTROLS, DISTURBANCES
    from bandsense.sim.physics.person import EXERCISES

    found = [{"kind": "exercise", "name": name} for name in EXERCISES]
    found += [{"kind": "control", "name": name} for name in CONTROLS]
    found += [
        {"kind": "disturbance", "name": name, "what": each.description} for name, each in DISTURBANCES.items()
    ]
    with suppress(ImportError):
        from bandsense.sim.faults import FAULTS

        found += [{"kind": "fault", "name": each.name, "what": each.words} for each in FAULTS.values()]
    for each in found:
        print(json.dumps(each))


def _write(arguments: argparse.Namespace) -> None:
    from bandsense.sim.physics.scenario import Scenario

    scenario = Scenario(
        arguments.seed,
        exercise=arguments.exercise,
        reps=arguments.reps,
        disturbances=frozenset(arguments.disturb),
        rate_hz=arguments.rate,
        control=arguments.control,
    )
    simulated = scenario.simulate()
    path: Path = arguments.output
    truth = path.with_name(f"{path.name}-truth.json")
    try:
        path.write_text(_trace(simulated), encoding="utf-8")
        truth.write_text(json.dumps({"reps": [asdict(rep) for rep in simulated.reps]}, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            Message("{path} cannot be written: {error}; choose another file", path=path, error=error)
        ) from error
    tell(arguments, f"{path}\n{truth}", path=path, truth=truth)


def _trace(simulated: SimulatedSet) -> str:
    rows = zip(simulated.time_s.tolist(), simulated.tension_n.tolist(), strict=True)
    return "time_s,tension_n\n" + "".join(f"{time_s:.6f},{tension_n:.4f}\n" for time_s, tension_n in rows)
