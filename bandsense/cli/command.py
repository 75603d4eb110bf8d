"""How a command presents itself."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bandsense.cli.catalogue import COMMANDS

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

__all__ = ["add_command", "add_output_options", "say_at_once"]

_HELP_WIDTH = 78


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    example: str,
    details: str = "",
) -> argparse.ArgumentParser:
    """Add a command with its help: its line in `COMMANDS`, more about it, and an example.

    Args:
        commands: where it is added.
        name: what a person types.
        run: called with the parsed arguments; gives the exit status.
        example: lines to try.
        details: sentences that follow that line.
    """
    summary = COMMANDS[name]
    description = textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {details}", _HELP_WIDTH)
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog="example:\n" + textwrap.indent(example, "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def add_output_options(command: argparse.ArgumentParser) -> None:
    """Add the ways to show a session while it runs."""
    command.add_argument("--json", action="store_true", help="one JSON event a line; the last is the summary")
    command.add_argument(
        "--levels", action="store_true", help="with --json: also the tension, 20 times a second"
    )
    command.add_argument("--lines", action="store_true", help="plain lines, as where there is no terminal")


def say_at_once(arguments: argparse.Namespace, text: str) -> None:
    """Print what is being done before anything heavy is imported, unless the output is for programs."""
    if not arguments.json:
        print(text, flush=True)
