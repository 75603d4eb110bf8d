"""`bandsense replay`: see a recording or a stored session again."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.argument_types import speed
from bandsense.cli.command import add_command, add_output_options
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message

if TYPE_CHECKING:
    from bandsense.app.loop import Item
    from bandsense.app.view import View
    from bandsense.cli.command import Commands
    from bandsense.store.model import Session, Stream
    from bandsense.store.store import Store
    from bandsense.workout.settings import WorkoutSettings


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "replay",
        run,
        details="It goes through the same code as live samples and gives the same events. Without a "
        "terminal, and with --json, it runs without waiting.",
        example="bandsense replay last\nbandsense replay 12 --speed 4\nbandsense replay set.csv --json",
    )
    command.add_argument(
        "what", metavar="FILE|SESSION", help="a force trace or raw capture, a session's number, or `last`"
    )
    command.add_argument(
        "--speed", type=speed, metavar="N", help="how many times faster than it was; 0: without waiting"
    )
    add_output_options(command)
    add_store_option(command, sessions=True)


@dataclass(frozen=True, slots=True)
class _Recording:
    title: str
    settings: WorkoutSettings
    items: Iterable[Item]


def run(arguments: argparse.Namespace) -> int:
    """Replay each stream that was named."""
    import asyncio

    from bandsense.cli.output import ScreenOutput, make_output

    output = make_output(arguments)
    pace = arguments.speed
    if pace is None:
        pace = 1.0 if isinstance(output, ScreenOutput) else 0.0
    for recording in _recordings(arguments):
        asyncio.run(_show(recording, output, pace))
    return 0


async def _show(recording: _Recording, output: View, pace: float) -> None:
    import asyncio

    from bandsense.app.loop import paced, show, stop_on_signals
    from bandsense.app.pipeline import SessionPipeline
    from bandsense.app.session_result import SessionResult
    from bandsense.live.actions import Action
    from bandsense.workout.workout import Workout

    pipeline = SessionPipeline(Workout(recording.settings))
    stop = asyncio.Event()
    output.begin([pipeline], recording.title, {None: {"q": Action(Message("quit"), stop.set)}})
    with stop_on_signals(stop):
        await show(paced(recording.items, pace, stop), pipeline, output)
    output.end(SessionResult({None: pipeline.workout}))


def _recordings(arguments: argparse.Namespace) -> Iterator[_Recording]:
    if Path(arguments.what).is_file():
        yield from _file(Path(arguments.what))
        return
    if arguments.what != "last" and not arguments.what.isdecimal():
        yield from _file(Path(arguments.what))  # which says that there is no such file
        return
    from bandsense.app.trainee import person_named
    from bandsense.live.units import show_in

    store = open_store(arguments)
    session = session_named(store, arguments.what)
    if not arguments.json:
        show_in(person_named(store, session.person).unit)
    yield from (_stored(store, session, stream) for stream in session.streams)


def _file(path: Path) -> Iterator[_Recording]:
    from bandsense.capture.format import is_capture

    if is_capture(path):
        from bandsense.app.capture_sink import captured

        yield from (_Recording(each.sensor, each.settings, each.items) for each in captured(path))
        return
    from bandsense.calibration.curve import Calibration
    from bandsense.cli.traces import read_trace
    from bandsense.workout.settings import WorkoutSettings

    recording = read_trace(path)
    yield _Recording(path.name, WorkoutSettings(Calibration.identity()), (recording.block,))


def _stored(store: Store, session: Session, stream: Stream) -> _Recording:
    from bandsense.samples import SampleBlock
    from bandsense.workout.inputs import input_from
    from bandsense.workout.settings import WorkoutSettings

    title = f"session {session.id} {stream.side or ''}".rstrip()
    items = (
        item if isinstance(item, SampleBlock) else input_from(item.kind, item.data)
        for item in store.timeline(stream)
    )
    return _Recording(title, WorkoutSettings.from_dict(stream.settings), items)
