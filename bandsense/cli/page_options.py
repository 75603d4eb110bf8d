"""Where the page is served, as the command line says it; `serve` and `live --web` have it in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.app.paths import home
from bandsense.cli.argument_types import port
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.web.host import PageHost

__all__ = ["add_page_options", "page_options", "show_address"]


def add_page_options(command: argparse.ArgumentParser) -> None:
    """Add `--lan`, `--host`, `--token`, `--port` and what https needs."""
    page = command.add_argument_group("the page")
    page.add_argument(
        "--lan", action="store_true", help="open it to the network, with a token; shows a code to scan"
    )
    page.add_argument(
        "--host",
        metavar="ADDRESS",
        help="address to listen on (default: this computer only; with --lan everywhere)",
    )
    page.add_argument(
        "--token",
        action="store_true",
        help="ask for a token on this computer too, where others have accounts",
    )
    page.add_argument("--port", type=port, default=8321, metavar="N", help="(default: 8321)")
    page.add_argument(
        "--server-name",
        action="append",
        default=[],
        metavar="NAME",
        help="another name by which it is reached; may be repeated",
    )
    page.add_argument(
        "--certificate", type=Path, metavar="FILE", help="serve by https, with this certificate"
    )
    page.add_argument("--key", type=Path, metavar="FILE", help="key of the certificate")


def page_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says, for `PageHost`.

    Raises:
        ConfigError: only one of certificate and key is given.
    """
    from bandsense.errors import ConfigError
    from bandsense.web.server import Certificate

    if (arguments.certificate is None) != (arguments.key is None):
        raise ConfigError(Message("https needs both: --certificate FILE --key FILE"))
    return {
        "host": arguments.host or ("0.0.0.0" if arguments.lan else "127.0.0.1"),  # noqa: S104 - asked for
        "port": arguments.port,
        "names": arguments.server_name,
        "token": arguments.token,
        "links": home() / "page-links.json",
        "certificate": (
            None if arguments.certificate is None else Certificate(arguments.certificate, arguments.key)
        ),
    }


def show_address(host: PageHost, *, with_code: bool = True) -> None:
    """Print where the page is, and the code to scan where it is open to the network."""
    from bandsense.web.host import terminal_qr

    print(tr("open {address}", address=host.address), flush=True)
    if not host.access.open:
        print(tr("to watch only: {watch_address}", watch_address=host.watch_address), flush=True)
        if with_code and sys.stdout.isatty():
            print(terminal_qr(host.address), flush=True)
