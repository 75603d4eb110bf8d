"""`bandsense mcp`: the store and the live session for assistants, to read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, chosen_store
from bandsense.language import Message

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "mcp",
        run,
        details="It speaks over standard input and output; an assistant starts it. The store is opened for "
        "reading, and nothing can be changed. What the assistant reads goes where the assistant runs.",
        example="bandsense mcp\nbandsense mcp --simulated --live http://127.0.0.1:8321",
    )
    command.add_argument(
        "--live",
        default="http://127.0.0.1:8321",
        metavar="URL",
        help="address of the live page, with its token if it has one (default: %(default)s)",
    )
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Serve until standard input ends."""
    from bandsense.app.archive import open_store
    from bandsense.errors import ConfigError
    from bandsense.web.mcp_server import serve_mcp

    if not arguments.live.startswith(("http://", "https://")):
        raise ConfigError(
            Message(
                "{live!r} is not the address of a page; it must begin with http:// or https://",
                live=arguments.live,
            )
        )
    path = chosen_store(arguments)
    serve_mcp(lambda: open_store(path), arguments.live)
    return 0
