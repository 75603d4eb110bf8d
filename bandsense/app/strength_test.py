"""A test of isometric strength with a sensor: recorded, followed, kept, and set beside the tests before.

A test is a session of its own kind: its raw samples are kept as those of any session, and its settings say
how it was done. What it amounts to is in its summary, and is computed anew from the samples by `followed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from bandsense.app.environment import Environment
from bandsense.app.loop import ending, stop_on_signals
from bandsense.app.sensor_calibration import calibration_of
from bandsense.app.set_records import calibration_line
from bandsense.app.trainee import new_session, person_named
from bandsense.calibration.clip_on import AnyCalibration, calibration_from_dict
from bandsense.errors import BandsenseError, ConfigError
from bandsense.exercises.model import Side
from bandsense.language import Message
from bandsense.link.sensor import LinkEvent, LinkState, open_sensor
from bandsense.store.model import JsonObject, NewStream, Session, Stream
from bandsense.store.store import Store
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.strength import (
    Change,
    Link,
    Protocol,
    SideResult,
    StrengthEvent,
    StrengthTest,
    Symmetry,
    change_between,
    side_results,
    symmetry,
)

__all__ = [
    "Compared",
    "Difference",
    "StrengthOptions",
    "StrengthRecord",
    "StrengthSetup",
    "compare",
    "followed",
    "is_strength_test",
    "last_setup",
    "record_json",
    "run_test",
    "strength_records",
]

_KEY = "strength_test"
"""Of the settings of a stream, and of the summary of a session."""


@dataclass(frozen=True, slots=True)
class StrengthSetup:
    """How a test is done: only tests of the same set-up are comparable.

    Attributes:
        movement: what is tested, in the person's own words, such as `knee extension`.
        posture: such as `seated, knee at 90 degrees`.
        position: where strap or band are fixed, and at which length.
        protocol: sides, trials, rest, what joins hand and fixed point.
        injured: the side to be given as a part of the other; None for the weaker.
    """

    movement: str
    posture: str
    position: str
    protocol: Protocol = field(default_factory=Protocol)
    injured: Side | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for the store."""
        protocol = self.protocol
        return {
            "movement": self.movement,
            "posture": self.posture,
            "position": self.position,
            "link": protocol.link.value,
            "sides": list(protocol.sides),
            "trials": protocol.trials,
            "rest_s": protocol.rest_s,
            "injured": self.injured,
        }

    @classmethod
    def from_dict(cls, data: JsonObject) -> StrengthSetup:
        """Restore what `to_dict` gave."""
        protocol = Protocol(
            tuple(data["sides"]), int(data["trials"]), float(data["rest_s"]), Link(data["link"])
        )
        return cls(data["movement"], data["posture"], data["position"], protocol, data["injured"])


@dataclass(frozen=True, slots=True)
class StrengthOptions:
    """What a person wants to test.

    Attributes:
        setup: how.
        person: id; None for who trained last.
        sensor: name, end of the name or address; None for the nearest.
    """

    setup: StrengthSetup
    person: str | None = None
    sensor: str | None = None


@dataclass(frozen=True, slots=True)
class StrengthRecord:
    """A test that was done.

    Attributes:
        session: its number in the store.
        day: where the computer is.
        sides: what came of each; empty where no trial was finished.
        complete: whether all trials were done.
        sensor, calibration, source: what it was measured with; the zero does not count.
    """

    session: int
    day: date
    person: str | None
    setup: StrengthSetup
    sides: tuple[SideResult, ...]
    symmetry: Symmetry | None
    complete: bool
    sensor: str
    calibration: str
    source: str


class Difference:
    """Why two tests cannot be compared, in words."""

    POSTURE = Message("the posture differs")
    POSITION = Message("the position of the band or strap differs")
    LINK = Message("one was done with a strap, one with a band")
    SENSOR = Message("the sensors differ")
    CALIBRATION = Message("the sensor was calibrated anew in between")
    SOURCE = Message("one of them is simulated")


@dataclass(frozen=True, slots=True)
class Compared:
    """A test beside the last one before it of the same movement.

    Attributes:
        day: of the one before.
        changes: of each side that both have; empty where they cannot be compared.
        differences: why not.
    """

    day: date
    changes: tuple[Change, ...] = ()
    differences: tuple[str, ...] = ()


async def run_test(
    options: StrengthOptions,
    environment: Environment,
    store: Store,
    tell: Callable[[StrengthEvent | str], None],
) -> StrengthRecord:
    """Do a test, from the search for the sensor to its end in the store.

    It ends when all trials are done, and earlier when the person or the source ends it; what was done counts.

    Args:
        options: what is tested.
        environment: where the sensor is.
        store: where the test is kept.
        tell: is told what happens, and what happens to the link in words.

    Raises:
        LinkError: the sensor cannot be reached.
        CalibrationError: its readings have no known size.
        ConfigError: nothing was measured.
        StoreError: it could not be stored.
    """
    who = person_named(store, options.person)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        opening = open_sensor(options.sensor, transport=environment.transport, on_event=_telling(tell))
        sensor = await stack.enter_async_context(opening)
        stack.enter_context(stop_on_signals(stop))
        calibration = calibration_of(sensor.information)
        settings = WorkoutSettings(calibration).to_dict() | {_KEY: options.setup.to_dict()}
        stream = NewStream(sensor.information.id, sensor.information.unit, settings)
        recorder = store.record(new_session(environment.source, [stream], person=who.id))
        test = StrengthTest(calibration, options.setup.protocol)
        first_s, last_s = None, 0.0
        try:
            async with ending(sensor, stop, environment.finished):
                async for block in sensor.stream():
                    recorder.write(block)
                    first_s, last_s = first_s or float(block.time_s[0]), float(block.time_s[-1])
                    for event in test.push(block):
                        tell(event)
                    if test.done:
                        stop.set()
        finally:
            summary = _summary(options.setup, test, calibration, last_s - (first_s or last_s))
            await asyncio.to_thread(recorder.close, summary=summary)
    if not recorder.samples:
        store.delete(recorder.session)
        raise ConfigError(
            Message("no samples arrived, so nothing was saved; switch the sensor off and on, and test again")
        )
    return _record(store.session(recorder.session))


def _telling(tell: Callable[[StrengthEvent | str], None]) -> Callable[[LinkEvent], None]:
    def on_event(event: LinkEvent) -> None:
        if event.state in (LinkState.SEARCHING, LinkState.CONNECTED, LinkState.LOST):
            tell(event.message)

    return on_event


def _summary(
    setup: StrengthSetup, test: StrengthTest, calibration: AnyCalibration, duration_s: float
) -> dict[str, Any]:
    zero_n = float(calibration.standard_uncertainty_n(0.0))
    sides = side_results(test.trials)
    found = symmetry(sides, zero_n, setup.injured)
    told = {
        "sides": [asdict(side) for side in sides],
        "symmetry": None if found is None else asdict(found) | {"certain": found.certain},
        "complete": test.done,
        "trials": [asdict(trial) for trial in test.trials],
    }
    return {_KEY: told, "duration_s": duration_s}


# -- stored tests ------------------------------------------------------------------------------------------


def is_strength_test(session: Session) -> bool:
    """Tell whether a session is a test of strength."""
    return any(_KEY in stream.settings for stream in session.streams)


def strength_records(store: Store, person: str | None = None) -> list[StrengthRecord]:
    """Read the tests of a person, or of all, oldest first; what cannot be read is left out."""
    return list(_records(store, person))


def _records(store: Store, person: str | None) -> Iterator[StrengthRecord]:
    for session in reversed(store.sessions()):
        if is_strength_test(session) and person in (None, session.person):
            with suppress(BandsenseError, KeyError, TypeError, ValueError):
                if session.summary is None or _KEY not in session.summary:  # cut short, before its summary
                    yield _record(session, followed(store, session))
                else:
                    yield _record(session)


def followed(store: Store, session: Session) -> JsonObject:
    """Follow a test again from its raw samples, and sum it up.

    Raises:
        StoreError: its data are damaged.
        CalibrationError: its settings cannot be read.
    """
    stream = _stream(session)
    setup = StrengthSetup.from_dict(stream.settings[_KEY])
    calibration = calibration_from_dict(stream.settings["calibration"])
    test = StrengthTest(calibration, setup.protocol)
    first_s, last_s = None, 0.0
    for block in store.blocks(stream):
        test.push(block)
        first_s, last_s = first_s or float(block.time_s[0]), float(block.time_s[-1])
    return _summary(setup, test, calibration, last_s - (first_s or last_s))


def _stream(session: Session) -> Stream:
    return next(stream for stream in session.streams if _KEY in stream.settings)


def _record(session: Session, summary: JsonObject | None = None) -> StrengthRecord:
    stream = _stream(session)
    told: JsonObject = (summary or session.summary or {})[_KEY]
    found = told["symmetry"]
    sides = (SideResult(**side | {"trials": tuple(side["trials"])}) for side in told["sides"])
    return StrengthRecord(
        session=session.id,
        day=datetime.fromtimestamp(session.started_unix_s).date(),
        person=session.person,
        setup=StrengthSetup.from_dict(stream.settings[_KEY]),
        sides=tuple(sides),
        symmetry=None
        if found is None
        else Symmetry(found["side"], float(found["index"]), float(found["uncertainty"])),
        complete=bool(told["complete"]),
        sensor=stream.sensor,
        calibration=calibration_line(stream.settings["calibration"]),
        source="simulator" if session.simulated else session.source,
    )


def last_setup(store: Store, person: str, movement: str | None = None) -> StrengthSetup | None:
    """Find how a person did a movement last, or the last test of any; None before the first."""
    done = [each.setup for each in strength_records(store, person)]
    return next((each for each in reversed(done) if movement in (None, each.movement)), None)


def compare(record: StrengthRecord, records: list[StrengthRecord]) -> Compared | None:
    """Set a test beside the last comparable one before it; None where the movement is new.

    Where none is comparable, the one just before tells why.
    """
    earlier = [
        each
        for each in records
        if each.session < record.session
        and (each.person, each.setup.movement) == (record.person, record.setup.movement)
        and each.sides
    ]
    if not earlier:
        return None
    same = next((each for each in reversed(earlier) if not _differences(each, record)), None)
    if same is None:
        return Compared(earlier[-1].day, differences=_differences(earlier[-1], record))
    before = {each.side: each for each in same.sides}
    changes = (change_between(before[each.side], each) for each in record.sides if each.side in before)
    return Compared(same.day, tuple(changes))


def _differences(one: StrengthRecord, other: StrengthRecord) -> tuple[str, ...]:
    found = (
        (Difference.POSTURE, _plain(one.setup.posture) != _plain(other.setup.posture)),
        (Difference.POSITION, _plain(one.setup.position) != _plain(other.setup.position)),
        (Difference.LINK, one.setup.protocol.link is not other.setup.protocol.link),
        (Difference.SENSOR, one.sensor != other.sensor),
        (Difference.CALIBRATION, one.calibration != other.calibration),
        (Difference.SOURCE, one.source != other.source),
    )
    return tuple(words for words, differs in found if differs)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def record_json(record: StrengthRecord, compared: Compared | None) -> dict[str, Any]:
    """Give a test for programs; a change that cannot be told is null."""
    return {
        "session": record.session,
        "day": record.day.isoformat(),
        "person": record.person,
        **record.setup.to_dict(),
        "complete": record.complete,
        "results": [asdict(side) for side in record.sides],
        "symmetry": None
        if record.symmetry is None
        else asdict(record.symmetry) | {"certain": record.symmetry.certain},
        "compared": None
        if compared is None
        else {
            "with": compared.day.isoformat(),
            "differences": list(compared.differences),
            "changes": [
                {
                    "side": each.side,
                    "share": each.share if each.told else None,
                    "detectable": each.detectable,
                }
                for each in compared.changes
            ],
        },
    }
