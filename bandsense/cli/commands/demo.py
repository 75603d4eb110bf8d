"""`bandsense demo`: the whole road with a simulated sensor, in about two minutes."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.paths import SIMULATED_STORE_NAME, home
from bandsense.cli.argument_types import speed
from bandsense.cli.command import add_command, add_output_options
from bandsense.errors import ConfigError
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.app.demonstration import Moment
    from bandsense.cli.command import Commands
    from bandsense.store.store import Store

_PERSON = "Demo"


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "demo",
        run,
        details="A simulated person pairs a simulated sensor on a virtual radio and trains on two days, "
        "through the same code as with a real one: a first set that is too hard, advice, a second set that "
        "fits, and the next session beside it. Rests are shortened. It ends by itself; its sessions are kept "
        "with the simulated ones, your own are not touched.",
        example="bandsense demo\nbandsense demo --speed 4 -o demo-output",
    )
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="DIR",
        help="for report, picture and samples (default: %(default)s)",
    )
    command.add_argument(
        "--speed", type=speed, metavar="N", help="how many times faster, rests too; 0: without waiting"
    )
    add_output_options(command)
    command.set_defaults(simulated=True)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration."""
    # What is said besides must not stand between the lines of JSON.
    _say(tr("A simulated person, band and sensor on a virtual radio, two minutes, with shortened rests."))
    _say(
        tr("Nothing is scripted: what is advised is done, and what is done is measured. Ctrl-C ends it.")
        + "\n"
    )
    from tempfile import TemporaryFile

    from bandsense.app.demonstration import demonstrate
    from bandsense.cli.output import LineOutput, ScreenOutput, make_output
    from bandsense.store.store import Store

    folder = arguments.output
    with _writing(
        folder
    ):  # said now, not after two minutes; the folder is made when there is something for it
        TemporaryFile(dir=next((each for each in (folder, *folder.parents) if each.exists()), folder)).close()
    output = make_output(arguments)
    if isinstance(output, LineOutput):
        output.breaths = True
    store = Store.open(home() / SIMULATED_STORE_NAME)
    pace = _Pace(arguments.speed, on_screen=isinstance(output, ScreenOutput))
    sessions = demonstrate(store, output, _PERSON, pace)
    if not sessions:
        return 1
    _show(*_write(store, sessions, folder))
    for prefix, words in (
        ("look again: ", ["show", str(sessions[-1]), "--simulated"]),
        ("train along:", ["serve", "--sim"]),
    ):
        _say(f"{prefix} {shlex.join([_program(), *words])}")
    return 0


def _say(text: str) -> None:
    sys.stdout.flush()  # so that in a pipe, too, what was said before comes before
    print(text, file=sys.stderr, flush=True)


class _Pace:
    """How fast time runs: sets as in life, rests ten times faster, the second day faster than the first."""

    def __init__(self, wanted: float | None, *, on_screen: bool) -> None:
        self._wanted = wanted
        self._set, self._rest = (1.0, 10.0) if on_screen else (4.0, 40.0)

    def __call__(self, moment: Moment) -> float:
        """Tell what comes, where that cannot be seen, and give the speed for it; 0 is at once."""
        if moment.value == "another day":
            self._set *= 4.0
            _say("\n" + tr("The same person, band and slack the next time, four times faster:") + "\n")
        if self._wanted is not None:
            return self._wanted
        return self._set if moment.value == "set" else self._rest


def _program() -> str:
    """Return what a person types to run bandsense from here: after `make demo` it is not on their path."""
    return "bandsense" if shutil.which("bandsense") else str(Path(sys.executable).with_name("bandsense"))


def _write(store: Store, sessions: list[int], folder: Path) -> list[Path]:
    """Write a report of the last session, a picture of the first, and the samples."""
    from bandsense.app.replay import session_table
    from bandsense.app.report import picture_of_session, report_of_session
    from bandsense.export.formats import write
    from bandsense.files import atomic_write
    from bandsense.report.document import to_html

    first, last = store.session(sessions[0]), store.session(sessions[-1])
    texts = {
        folder / "report.html": to_html(report_of_session(store, last)),
        folder / "first-session.svg": picture_of_session(store, first),
    }
    table = session_table(store, last)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with atomic_write(path) as part:
                part.write_text(text, encoding="utf-8")
        samples = write(table, "csv", folder)
    return [*texts, *samples]


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tell what cannot be written there."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            Message(
                "{folder} cannot be written to: {error}; choose another folder with -o",
                folder=folder,
                error=error,
            )
        ) from error


def _show(report: Path, picture: Path, samples: Path, *_: Path) -> None:
    """Name what was written, and open report and picture where somebody looks at a screen."""
    _say(
        "\n"
        + tr(
            "report:  {report}\npicture: {picture}\nsamples: {samples}",
            report=report,
            picture=picture,
            samples=samples,
        )
    )
    if _has_screen():
        for path in (picture, report):
            webbrowser.open(path.resolve().as_uri())


def _has_screen() -> bool:
    """Return whether this is a person's desktop, where a browser window can open."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("BANDSENSE_CI"):
        return False
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
