"""`bandsense demo`: the whole road with a simulated sensor."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.paths import SIMULATED_STORE_NAME, home
from bandsense.cli.argument_types import speed
from bandsense.cli.command import add_command, add_output_options

if TYPE_CHECKING:
    from bandsense.app.environment import Environment
    from bandsense.app.view import View
    from bandsense.cli.command import Commands
    from bandsense.store.store import Store

_PERSON = "Demo"
_SEED = 4
_REPS = 8
_SCAN_S = 1.0
_SPEED_WITHOUT_TERMINAL = 8.0


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "demo",
        run,
        details="A simulated person trains with a simulated sensor on a virtual radio, through the same "
        "code as a real one. It ends by itself; its session is kept with the simulated ones, your own are "
        "not touched.",
        example="bandsense demo\nbandsense demo --speed 4 -o demo-output",
    )
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="DIR",
        help="for its exports (default: %(default)s)",
    )
    command.add_argument("--speed", type=speed, metavar="N", help="so many times faster; 0: at once")
    add_output_options(command)
    command.set_defaults(simulated=True)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration."""
    from bandsense.app.environment import run_at_speed
    from bandsense.cli.output import ScreenOutput, make_output
    from bandsense.store.store import Store

    output = make_output(arguments)
    pace = arguments.speed
    if pace is None:
        pace = 1.0 if isinstance(output, ScreenOutput) else _SPEED_WITHOUT_TERMINAL
    folder: Path = arguments.output
    # What is said besides must not stand between the lines of JSON.
    print("a simulated sensor on a virtual radio, reached through bleak like a real one", file=sys.stderr)
    store = Store.open(home() / SIMULATED_STORE_NAME)
    store.people.remove(_PERSON)  # each demonstration begins with a newcomer
    session = run_at_speed(pace, _train(store, output))
    if session is None:
        return 1
    for path in _export(store, session, folder):
        print(f"exported {path}", file=sys.stderr)
    for prefix, command in (("look again:", "show"), ("           ", "replay")):
        line = [_program(), command, str(session), "--simulated"]
        print(prefix, shlex.join(line), file=sys.stderr)
    return 0


def _program() -> str:
    """Return what a person types to run bandsense from here: after `make demo` it is not on their path."""
    return "bandsense" if shutil.which("bandsense") else str(Path(sys.executable).with_name("bandsense"))


async def _train(store: Store, output: View) -> int | None:
    from bandsense.app.environment import person, simulated_environment
    from bandsense.app.train import TrainingOptions, train

    async with simulated_environment(person(_SEED, 1, _REPS, frozenset()), "demonstration") as air:
        await _pair(air, output)
        options = TrainingOptions(exercise="seated-row", person=_PERSON)
        return (await train(options, air, store, output)).session


async def _pair(air: Environment, output: View) -> None:
    """Make the sensor this computer's own, as `bandsense pair` does; what follows needs the bond."""
    from bandsense.link.ble.scanner import discover
    from bandsense.link.pairing import PairingStep, pair

    def tell(step: PairingStep) -> None:
        if step is not PairingStep.SEARCHING:
            output.status("pairing", f"{step.value}: {sighting.name}")

    (sighting,) = await discover(_SCAN_S, transport=air.transport)
    async with pair(sighting, transport=air.transport, on_step=tell):
        pass


def _export(store: Store, session: int, folder: Path) -> list[Path]:
    from bandsense.app.replay import session_table
    from bandsense.export.formats import write

    table = session_table(store, store.session(session))
    return [*write(table, "csv", folder), *write(table, "json", folder)]
