"""How a command presents itself."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from copy import copy
from typing import TYPE_CHECKING, Any, TypeAlias

from bandsense.cli.catalogue import COMMANDS
from bandsense.cli.parser import RawHelp, in_language

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

__all__ = [
    "add_action",
    "add_command",
    "add_json_option",
    "add_output_options",
    "say_at_once",
    "share_with_actions",
    "tell",
    "words_aside",
]

_SHARED = ("--store", "--simulated", "--json")
"""Options that may stand before or after what a command is to do."""

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
    description = textwrap.fill(f"{_sentence(summary)} {in_language(details)}", _HELP_WIDTH)
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"{in_language('example:')}\n{textwrap.indent(example, '  ')}",
        formatter_class=RawHelp,
    )
    command.set_defaults(run=run)
    return command


def add_action(actions: Commands, name: str, summary: str, **defaults: object) -> argparse.ArgumentParser:
    """Add what a command can do, with one line of help; `defaults` are what parsing it sets."""
    action = actions.add_parser(name, help=summary, description=_sentence(summary))
    action.set_defaults(**defaults)
    return action


def _sentence(summary: str) -> str:
    told = in_language(summary)
    return f"{told[0].upper()}{told[1:]}."


def add_output_options(command: argparse.ArgumentParser) -> None:
    """Add the ways to show a session while it runs."""
    command.add_argument(
        "--json", action="store_true", help="one JSON event per line; the last is the summary"
    )
    command.add_argument(
        "--levels", action="store_true", help="with --json: also the tension, 20 times a second"
    )
    command.add_argument("--lines", action="store_true", help="plain lines, as where there is no terminal")


def add_json_option(command: argparse.ArgumentParser, what: str = "one JSON object, for programs") -> None:
    """Add `--json` to a command whose result is told by `tell`, or as that many objects as `what` says."""
    command.add_argument("--json", action="store_true", help=what)


def share_with_actions(command: argparse.ArgumentParser) -> None:
    """Let the options for store and output stand after the name of what a command is to do as well."""
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                for option in command._actions:
                    name = next((each for each in option.option_strings if each in _SHARED), None)
                    if name is not None and name not in inner._option_string_actions:
                        again = inner._add_action(copy(option))
                        again.default = argparse.SUPPRESS  # what stands before is not overruled


def tell(arguments: argparse.Namespace, words: str, **data: Any) -> None:
    """Print a result: a sentence for people, an object with the same in it for programs."""
    print(json.dumps(data, default=str) if arguments.json else words)


def words_aside(arguments: argparse.Namespace) -> AbstractContextManager[Any]:
    """Have what is printed within the body go to standard error where the result is for programs."""
    return redirect_stdout(sys.stderr) if arguments.json else nullcontext()


def say_at_once(arguments: argparse.Namespace, text: str) -> None:
    """Print what is being done before anything heavy is imported, unless the output is for programs."""
    if not arguments.json:
        from bandsense.language import tr

        print(tr(text), flush=True)
