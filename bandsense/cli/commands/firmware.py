"""`bandsense firmware`: bring new firmware to a sensor."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.language import mark, number, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.link.dfu.update import UpdateProgress, UpdateResult


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "firmware",
        run,
        details="The sensor checks what it gets, starts it on trial, and goes back to what it had unless "
        "this computer can connect to it again. A link that is lost is taken up where it broke; so is an "
        "update that you stop, when you start it again.",
        example="bandsense firmware update bandsense-1.1.0.zip\nbandsense firmware update FILE 4F2A --force",
    )
    add_json_option(command)
    actions = command.add_subparsers(metavar="update FILE", required=True)
    update = actions.add_parser("update", help="install firmware from a file")
    update.add_argument("file", type=Path, help="the .zip that `make firmware` makes")
    update.add_argument("sensor", nargs="?", help="name, end of the name, or address (default: the nearest)")
    update.add_argument("--force", action="store_true", help="also the same version or an older one")


def run(arguments: argparse.Namespace) -> int:
    """Update, and tell how it goes."""
    import asyncio

    result = asyncio.run(_update(arguments))
    words = tr(
        "{result} runs {new_version} now; it ran {old_version} before",
        result=result.name,
        new_version=result.new_version,
        old_version=result.old_version,
    )
    versions = {"version": result.new_version, "before": result.old_version}
    tell(arguments, words, sensor=result.name, **versions, development_key=result.development)
    if result.development:
        print(
            tr("signed with a development key: for the bench, not for a sensor that is given away"),
            file=sys.stderr,
        )
    return 0


async def _update(arguments: argparse.Namespace) -> UpdateResult:
    from bandsense.app.environment import real_environment
    from bandsense.link.dfu.update import update_firmware

    with _Shown() as shown:
        async with real_environment() as air:
            return await update_firmware(
                arguments.file,
                arguments.sensor,
                transport=air.transport,
                force=arguments.force,
                on_progress=shown,
            )


_STAGES = {
    "connecting": mark("connecting"),
    "uploading": mark("uploading"),
    "restarting": mark("restarting"),
    "proving": mark("on trial"),
    "done": mark("done"),
}


class _Shown:
    """Progress on standard error: a line that changes on a terminal, one line per stage elsewhere."""

    def __init__(self) -> None:
        self._last = ""
        self._on_terminal = sys.stderr.isatty()

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_terminal and self._last:
            print(file=sys.stderr)

    def __call__(self, progress: UpdateProgress) -> None:
        text = tr(_STAGES[progress.stage.value])
        if self._on_terminal:
            share = (
                " " + number(progress.sent_bytes / progress.total_bytes, ".0%") if progress.sent_bytes else ""
            )
            print(f"\r{text}{share}".ljust(40), end="", file=sys.stderr, flush=True)
        elif text != self._last:
            print(text, file=sys.stderr, flush=True)
        self._last = text
