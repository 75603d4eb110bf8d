"""`bandsense doctor`: what works on this machine."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.home import add_store_option, store_path

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "doctor",
        run,
        summary="say what works on this machine, and what to do about what does not",
        details="Looks at the store, the Bluetooth adapter and the optional parts. The exit status is 1 when "
        "something that is needed does not work.",
        example="bandsense doctor\nbandsense doctor --json",
    )
    command.add_argument("--json", action="store_true", help="one JSON object a check")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Print each check as it is made."""
    from bandsense.cli.checks import Outcome, checks

    status = 0
    for check in checks(store_path(arguments)):
        if check.outcome is Outcome.BAD:
            status = 1
        if arguments.json:
            shown = {"check": check.name, "outcome": check.outcome.name.lower(), "finding": check.finding}
            print(json.dumps(shown), flush=True)
        else:
            print(f"{check.outcome.value}  {check.name:<10} {check.finding}", flush=True)
    return status
