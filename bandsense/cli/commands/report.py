"""`bandsense report`: a session or some weeks on paper."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.errors import ConfigError
from bandsense.language import Message

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.report.document import Report
    from bandsense.store.store import Store

_A4_PX = (794, 1123)
"""A4 at 96 dots an inch."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "report",
        run,
        details="One file that needs nothing beside it: HTML, or with Chromium PDF or PNG, by the ending of "
        "its name. It fits a page of A4.",
        example="bandsense report last\n"
        "bandsense report 12 -o report.pdf --anonymous\n"
        "bandsense report --weeks 8 --exercise seated-row -o weeks.pdf",
    )
    command.add_argument("session", nargs="?", default="last", help="its number, or `last` (the default)")
    command.add_argument(
        "--weeks", type=count, metavar="N", help="over this many weeks, instead of one session"
    )
    command.add_argument(
        "--exercise", metavar="ID", help="with --weeks: which exercise (default: the one done last)"
    )
    command.add_argument(
        "--person", metavar="NAME", help="with --weeks: whose (default: whoever trained last)"
    )
    command.add_argument("--per-week", type=count, metavar="N", help="prescribed sessions per week")
    command.add_argument(
        "--do", action="append", default=[], metavar="TEXT", help="a line of what to do next; may be repeated"
    )
    command.add_argument("--anonymous", action="store_true", help="leave the person's name out")
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="ends in .html, .pdf or .png (default: report-….html)",
    )
    command.add_argument("--plots", type=Path, metavar="DIR", help="also write each chart as PNG there")
    add_json_option(command, "one JSON object per file written")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Make the report and print the names of the files."""
    target: Path = arguments.output or Path(_name(arguments))
    if target.suffix not in (".html", ".pdf", ".png"):
        raise ConfigError(
            Message("{target} ends in none of .html, .pdf and .png; name a file that does", target=target)
        )
    report = _report(open_store(arguments), arguments)
    try:
        _write(report, target)
        tell(arguments, str(target), path=target)
        if arguments.plots is not None:
            for path in _write_plots(report, arguments.plots):
                tell(arguments, str(path), path=path)
    except OSError as error:
        raise ConfigError(
            Message(
                "{filename} cannot be written: {error}; choose another folder",
                filename=error.filename or target,
                error=error,
            )
        ) from error
    return 0


def _name(arguments: argparse.Namespace) -> str:
    return f"report-{arguments.session}.html" if arguments.weeks is None else "report-weeks.html"


def _report(store: Store, arguments: argparse.Namespace) -> Report:
    from bandsense.app.report import report_of_session, report_of_weeks
    from bandsense.app.sessions import session_named
    from bandsense.app.trainee import person_named
    from bandsense.live.units import show_in

    to_do = tuple(arguments.do)
    session = None if arguments.weeks is not None else session_named(store, arguments.session)
    show_in(person_named(store, arguments.person if session is None else session.person).unit)
    if session is None:
        return report_of_weeks(
            store,
            weeks=arguments.weeks,
            person=arguments.person,
            exercise=arguments.exercise,
            anonymous=arguments.anonymous,
            to_do=to_do,
            per_week=arguments.per_week,
        )
    return report_of_session(
        store,
        session,
        anonymous=arguments.anonymous,
        to_do=to_do,
        per_week=arguments.per_week,
    )


def _write(report: Report, target: Path) -> None:
    from bandsense.files import atomic_write
    from bandsense.report.chromium import to_pdf, to_png
    from bandsense.report.document import to_html

    html = to_html(report)
    if target.suffix == ".pdf":
        to_pdf(html, target)
    elif target.suffix == ".png":
        to_png(html, target, width=_A4_PX[0], height=_A4_PX[1])
    else:
        with atomic_write(target) as part:
            part.write_text(html, encoding="utf-8")


def _write_plots(report: Report, folder: Path) -> Iterator[Path]:
    """Write the charts; yields the name of each."""
    from bandsense.report.chromium import to_png
    from bandsense.report.document import plots

    folder.mkdir(parents=True, exist_ok=True)
    for name, page in plots(report):
        path = folder / f"{name}.png"
        to_png(page, path, width=900, height=430)
        yield path
