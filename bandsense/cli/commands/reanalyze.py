"""`bandsense reanalyze`: compute stored sessions anew from their raw samples."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.app.sessions import session_named
from bandsense.cli.argument_types import count
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store

if TYPE_CHECKING:
    from bandsense.app.reanalysis import Outcome
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "reanalyze",
        run,
        details="What was seen live stays; the new result is kept beside it. What was computed so already is "
        "passed over, so that it can be interrupted and gone on with.",
        example="bandsense reanalyze last\nbandsense reanalyze 12 --band red\n"
        "bandsense reanalyze --all --jobs 4\nbandsense reanalyze 12 --calibration-of 20",
    )
    command.add_argument("sessions", nargs="*", metavar="SESSION", help="numbers, or `last`")
    command.add_argument("--all", action="store_true", help="every session")
    command.add_argument("--band", metavar="ID", help="with the model that this band has now")
    calibration = command.add_mutually_exclusive_group()
    calibration.add_argument(
        "--calibration", type=Path, metavar="FILE", help="with the calibration in this JSON file"
    )
    calibration.add_argument(
        "--calibration-of", metavar="SESSION", help="with the one that another session was recorded with"
    )
    command.add_argument(
        "--jobs", type=count, default=os.cpu_count() or 1, metavar="N", help="processes (default: one a core)"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a sensor and session")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Compute, keep, and say how it differs from what was seen live; 1 where something could not be."""
    from bandsense.app.reanalysis import Change, reanalyze
    from bandsense.cli.progress import progress
    from bandsense.errors import ConfigError

    store = open_store(arguments)
    if arguments.all == bool(arguments.sessions):
        raise ConfigError("name sessions, or --all")
    sessions = [session_named(store, name) for name in arguments.sessions] or store.sessions()
    change = Change(_calibration(arguments, store), arguments.band)
    status = 0
    with progress("computing", sum(len(session.streams) for session in sessions)) as done:
        for outcome in reanalyze(store, sessions, change, arguments.jobs):
            done()
            status = status or int(outcome.problem is not None)
            print(json.dumps(asdict(outcome)) if arguments.json else _words(outcome))
    return status


def _calibration(arguments: argparse.Namespace, store: Any) -> dict[str, Any] | None:
    from bandsense.calibration.clip_on import calibration_from_dict
    from bandsense.errors import ConfigError

    if arguments.calibration_of is not None:
        settings = session_named(store, arguments.calibration_of).streams[0].settings
        return dict(settings.get("calibration") or {})
    if arguments.calibration is None:
        return None
    try:
        data: dict[str, Any] = json.loads(arguments.calibration.read_text(encoding="utf-8"))
        calibration_from_dict(data)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{arguments.calibration} cannot be read: {error}") from error
    return data


def _words(outcome: Outcome) -> str:
    name = f"session {outcome.session}{f' {outcome.side}' if outcome.side else ''}"
    if outcome.problem is not None:
        return f"{name}: {outcome.problem}"
    live, again = (
        ", ".join(f"{reps} × {peak:.1f} N" for reps, peak in sets) for sets in (outcome.live, outcome.again)
    )
    return f"{name}: live {live or 'no set'}; now {again or 'no set'}{'' if outcome.new else ' (as before)'}"
