"""`bandsense bringup`: the first tests of a sensor that somebody has built."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.language import Message, said, tr

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from bandsense.app.bringup import Ask, BringupPlan, Finding
    from bandsense.app.environment import Environment
    from bandsense.cli.command import Commands

_STATES = ("off", "standby", "advertising fast", "advertising slow", "connected", "streaming")


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "bringup",
        run,
        details="Checks what only hardware can show (converter, noise, clocks, range, current, resets, "
        "updates) beside what the models predict. docs/first-board.md goes through it. The report names "
        "neither you nor the sensor; please send it.",
        example="bandsense bringup\nbandsense bringup 4F2A --current streaming=run.ppk2 --update FILE.zip\n"
        "bandsense bringup --sim",
    )
    command.add_argument("sensor", nargs="?", help="name, end of the name, or address (default: the nearest)")
    command.add_argument("--sim", action="store_true", help="a simulated sensor, to see what to expect")
    command.add_argument("--no-hands", action="store_true", help="skip what needs somebody at the sensor")
    command.add_argument(
        "--current",
        action="append",
        default=[],
        metavar="STATE=FILE",
        type=_recording,
        help="a Power Profiler Kit II recording (.ppk2 or .csv) of a power state: "
        "off, standby, advertising fast, advertising slow, connected or streaming",
    )
    command.add_argument("--update", type=Path, metavar="FILE", help="install this firmware several times")
    command.add_argument(
        "--update-cycles", type=int, default=2, metavar="N", help="how many times (default: 2)"
    )
    command.add_argument("--quick", action="store_true", help="a tenth of the time for each check")
    command.add_argument(
        "--report",
        type=Path,
        default=Path("bringup-report.json"),
        metavar="FILE",
        help="default: %(default)s",
    )


def _recording(text: str) -> tuple[str, Path]:
    state, separator, path = text.partition("=")
    if not separator or state not in _STATES:
        raise argparse.ArgumentTypeError(
            tr("STATE=FILE, where STATE is one of: {states}", states=", ".join(_STATES))
        )
    return state, Path(path)


def run(arguments: argparse.Namespace) -> int:
    """Check, print each finding, write the report. The exit status is 1 when anything failed or differs."""
    from bandsense.app.environment import run_at_speed

    return run_at_speed(0.0 if arguments.sim else 1.0, _run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from bandsense import __version__
    from bandsense.app.bringup import Bringup, Outcome

    status = 0
    async with _environment(arguments) as air:
        checks = Bringup(
            arguments.sensor, _plan(arguments), _ask(arguments), transport=air.transport, version=__version__
        )
        async for finding in checks.run():
            _show(finding)
            if finding.outcome in (Outcome.DIFFERENT, Outcome.FAILED):
                status = 1
    arguments.report.write_text(checks.report.to_json(), encoding="utf-8")
    print(tr("wrote {report}; please send it with a new issue", report=arguments.report), file=sys.stderr)
    return status


def _environment(arguments: argparse.Namespace) -> AbstractAsyncContextManager[Environment]:
    from bandsense.app.environment import real_environment, simulated_environment

    if not arguments.sim:
        return real_environment()
    from bandsense.sim.physics.source import SlackSource

    return simulated_environment(SlackSource(), "bringup")


def _plan(arguments: argparse.Namespace) -> BringupPlan:
    from bandsense.app.bringup import BringupPlan

    share = 0.1 if arguments.quick else 1.0
    usual = BringupPlan()
    return BringupPlan(
        noise_s=usual.noise_s * share,
        clock_s=usual.clock_s * share,
        range_s=usual.range_s * share,
        update_file=arguments.update,
        update_cycles=arguments.update_cycles,
        currents=dict(arguments.current),
    )


def _ask(arguments: argparse.Namespace) -> Ask:
    from bandsense.app.bringup import HANDS_OFF
    from bandsense.cli.prompts import ask, is_interactive

    async def by_hand(words: Message) -> bool:
        if arguments.sim or arguments.no_hands or not is_interactive():
            # A simulated band hangs slack and stays where it is.
            return words == HANDS_OFF
        answer = await ask(tr("{words} Press Enter when ready, s to skip this: ", words=words))
        return not answer.lower().startswith("s")

    return by_hand


def _show(finding: Finding) -> None:
    from bandsense.app.bringup import Outcome

    width = max(len(tr(each.value)) for each in Outcome)
    print(f"{tr(finding.outcome.value):<{width}}  {said(finding.check)}", flush=True)
    for name, value in finding.measured.items():
        beside = ""
        if (predicted := finding.predicted.get(name)) is not None:
            beside = "   " + tr("(predicted: {value})", value=predicted)
        print(f"{'':{width}}    {name} {value}{beside}")
    if finding.advice:
        print(f"{'':{width}}    -> {said(finding.advice)}")
