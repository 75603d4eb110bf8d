"""`bandsense doctor`: what works on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, store_path
from bandsense.language import said, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandsense.app.doctor import Check
    from bandsense.cli.command import Commands


_USUAL_NAMES = ("me", "Me", "Band", "Sensor")
"""What nobody chose tells nothing."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "doctor",
        run,
        details="Looks at the store, the Bluetooth adapter and the optional parts. The exit status is 1 when "
        "something that is needed does not work.",
        example="bandsense doctor\nbandsense doctor --bundle report.zip",
    )
    command.add_argument("--json", action="store_true", help="one JSON object per check")
    command.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="also write a ZIP for a bug report: versions, adapter, logs, last capture; names are masked",
    )
    command.add_argument(
        "--capture", type=Path, metavar="FILE", help="the raw capture to put into it (default: the last one)"
    )
    command.add_argument("--mqtt", metavar="URL", help="also whether this broker can be reached")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Print each check as it is made."""
    from bandsense.app.doctor import Outcome, checks

    status = 0
    width = max(len(tr(each.value)) for each in Outcome)
    found: list[Check] = []
    for check in checks(store_path(arguments), arguments.mqtt):
        found.append(check)
        if check.outcome is Outcome.BAD:
            status = 1
        if arguments.json:
            shown = {"check": check.name, "outcome": check.outcome.name.lower(), "finding": check.finding}
            print(json.dumps(shown), flush=True)
        else:
            outcome = tr(check.outcome.value)
            print(f"{outcome:<{width}}  {said(check.name):<10} {said(check.finding)}", flush=True)
    if arguments.bundle is not None:
        _bundle(arguments, found)
        print(tr("wrote {bundle}; look into it before you send it", bundle=arguments.bundle), file=sys.stderr)
    return status


def _bundle(arguments: argparse.Namespace, found: Sequence[Check]) -> None:
    import asyncio

    from bandsense.app.bug_report import adapter_facts, software_versions, write_bundle
    from bandsense.app.capture_sink import last_capture
    from bandsense.app.log_file import log_files
    from bandsense.app.paths import SIMULATED_STORE_NAME, home

    facts = {
        "software": software_versions(),
        "bluetooth": asyncio.run(adapter_facts()),
        "findings": [{"name": c.name, "outcome": c.outcome.name, "finding": c.finding} for c in found],
    }
    write_bundle(
        arguments.bundle,
        facts,
        logs=log_files(home()),
        capture=arguments.capture or last_capture(),
        names=[
            *_names(store_path(arguments)),
            *_names(home() / SIMULATED_STORE_NAME),
            *(name for check in found for name in check.private),
        ],
    )


def _names(store: Path) -> list[str]:
    """Names that a person gave and that must not be told; none where the store cannot be read."""
    from contextlib import suppress

    from bandsense.app.trainee import profiles_of
    from bandsense.errors import BandsenseError
    from bandsense.store.store import Store

    if not store.exists():
        return []
    with suppress(BandsenseError):
        profiles = profiles_of(Store.open(store))
        people = [text for person in profiles.people for text in (person.id, person.name)]
        bands = [text for band in profiles.bands for text in (band.id, band.name)]
        sensors = [text for sensor in profiles.sensors for text in (sensor.id, sensor.name)]
        return [text for text in (*people, *bands, *sensors) if text not in _USUAL_NAMES]
    return []
