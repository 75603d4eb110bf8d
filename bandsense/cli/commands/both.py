"""`bandsense both`: the former name of `bandsense live LEFT RIGHT`, kept for one version."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.commands import live
from bandsense.language import tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "both",
        run,
        details="It will be removed in the next version.",
        example="bandsense both\nbandsense live left right",
    )
    live.add_options(command)


def run(arguments: argparse.Namespace) -> int:
    """Train with the sensors that are named, or those paired as left and right."""
    print(tr("`bandsense both` is now `bandsense live LEFT RIGHT`"), file=sys.stderr)
    arguments.sensors = arguments.sensors or ["left", "right"]
    return live.run(arguments)
