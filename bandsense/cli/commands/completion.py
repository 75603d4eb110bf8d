"""`bandsense completion`: have the shell complete commands and options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.language import Message

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "completion",
        run,
        details="Load it in the shell's start file.",
        example="bandsense completion bash > ~/.local/share/bash-completion/completions/bandsense\n"
        'bandsense completion zsh > "${fpath[1]}/_bandsense"\n'
        "bandsense completion fish > ~/.config/fish/completions/bandsense.fish",
    )
    command.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from bandsense.cli import parser
    from bandsense.errors import MissingExtra

    try:
        import shtab
    except ImportError as error:
        raise MissingExtra(Message("completion"), "completion") from error
    print(shtab.complete(parser(), arguments.shell))
    return 0
