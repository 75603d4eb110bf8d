"""Sessions as FIT activities, as fitness platforms read them: strength training with its sets and rests.

FIT has no field for tension. Each second's greatest tension is a developer field of a record message;
each set's weight is the mean of its peaks in kilogram-force, which a platform shows beside the repetitions.
How likely their number is exact is a developer field of the set.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.errors import MissingExtra
from bandsense.export.rows import ExportedSet, exercise_name, sets_of
from bandsense.export.table import SessionTable, StreamTable
from bandsense.files import atomic_write
from bandsense.language import Message

__all__ = ["write_fit"]

APPLICATION = uuid.uuid5(uuid.NAMESPACE_DNS, "bandsense")
"""What makes the developer field ours in the eyes of a FIT reader: any fixed 16 bytes do."""

_MANUFACTURER_DEVELOPMENT = 255
_TENSION_FIELDS, _PROBABILITY_FIELD = (0, 2, 3, 4), 1
"""Developer fields by number: tension of each sensor, probability of the count of a set."""
_EPOCH_S = 631_065_600
"""1989-12-31 00:00 UTC, from which FIT counts."""
_NO_CATEGORY, _NO_SUBTYPE = 65534, 65535
_SHORTEST_REST_S = 1.0
_TITLE_LETTERS = 40


def write_fit(table: SessionTable, folder: Path) -> list[Path]:
    """Write a session as one activity, also where two sensors took part.

    Raises:
        MissingExtra: fit-tool is not installed.
    """
    try:
        from fit_tool.fit_file_builder import FitFileBuilder
    except ImportError as error:
        raise MissingExtra(Message("FIT"), "fit") from error
    builder = FitFileBuilder(auto_define=True)
    builder.add_all(list(_Activity(table).messages()))
    path = folder / f"session-{table.session.id}.fit"
    with atomic_write(path) as part:
        part.write_bytes(builder.build().to_bytes())
    return [path]


class _Activity:
    """The messages of one activity. fit-tool takes milliseconds since 1970; the file holds whole seconds."""

    def __init__(self, table: SessionTable) -> None:
        self._table = table
        self._session = table.session
        self._sets = sets_of(table)
        spans = [
            (table.unix_s(stream, float(stream.time_s[0])), table.unix_s(stream, float(stream.time_s[-1])))
            for stream in table.streams
            if len(stream)
        ]
        spans += [(each.start_unix_s, each.end_unix_s) for each in self._sets]
        began_s = self._session.started_unix_s
        if not any(map(len, table.streams)):
            spans.append((began_s, self._session.ended_unix_s or began_s))
        self._start_s = min((start for start, _ in spans), default=began_s)
        self._end_s = max((end for _, end in spans), default=began_s)

    def messages(self) -> Iterator[Any]:
        """Yield all of them, in the order in which a FIT reader expects them."""
        yield self._file_id()
        yield from self._devices()
        yield from self._descriptions()
        yield self._timer(start=True)
        yield from self._records()
        yield from self._set_messages()
        yield from self._titles()
        yield self._timer(start=False)
        yield self._lap()
        yield self._session_message()
        yield self._activity()

    @property
    def _serial(self) -> int:
        """Return a number that is this session's alone, whichever store it is in."""
        told = f"{self._session.started_unix_s} {[stream.stream.sensor for stream in self._table.streams]}"
        return zlib.crc32(told.encode()) or 1

    def _file_id(self) -> Any:
        from fit_tool.profile.messages.file_id_message import FileIdMessage
        from fit_tool.profile.profile_type import FileType

        message = FileIdMessage()
        message.type = FileType.ACTIVITY
        message.manufacturer = _MANUFACTURER_DEVELOPMENT
        message.product = 0
        message.product_name = "bandsense"
        message.time_created = _ms(self._start_s)
        message.serial_number = self._serial
        return message

    def _devices(self) -> Iterator[Any]:
        from fit_tool.profile.messages.device_info_message import DeviceInfoMessage

        for number, stream in enumerate(self._table.streams):
            message = DeviceInfoMessage()
            message.timestamp = _ms(self._start_s)
            message.device_index = number
            message.manufacturer = _MANUFACTURER_DEVELOPMENT
            message.product = 0
            message.product_name = (
                "bandsense" if stream.stream.side is None else f"bandsense {stream.stream.side}"
            )
            message.serial_number = zlib.crc32(stream.stream.sensor.encode()) or 1
            yield message

    def _descriptions(self) -> Iterator[Any]:
        from fit_tool.base_type import BaseType
        from fit_tool.profile.messages.developer_data_id_message import DeveloperDataIdMessage
        from fit_tool.profile.messages.field_description_message import FieldDescriptionMessage

        identity = DeveloperDataIdMessage()
        identity.developer_data_index = 0
        identity.application_id = APPLICATION.bytes
        yield identity
        for number, name, units in (
            *((field, _tension_name(stream), "N") for field, stream in self._fields()),
            (_PROBABILITY_FIELD, "repetitions_probability", "%"),
        ):
            field = FieldDescriptionMessage()
            field.developer_data_index = 0
            field.field_definition_number = number
            field.fit_base_type_id = BaseType.FLOAT32.value
            field.field_name = name
            field.units = units
            yield field

    def _fields(self) -> Iterator[tuple[int, StreamTable]]:
        return zip(_TENSION_FIELDS, self._table.streams, strict=False)

    def _timer(self, *, start: bool) -> Any:
        from fit_tool.profile.messages.event_message import EventMessage
        from fit_tool.profile.profile_type import Event, EventType

        message = EventMessage()
        message.event = Event.TIMER
        message.event_type = EventType.START if start else EventType.STOP_ALL
        message.timestamp = _ms(self._start_s if start else self._end_s)
        return message

    def _records(self) -> Iterator[Any]:
        from fit_tool.profile.messages.record_message import RecordMessage

        greatest: dict[int, list[Any]] = {}
        for number, stream in self._fields():
            for second, tension_n in _greatest_by_second(self._table, stream):
                field = _developer_field(number, _tension_name(stream), "N", tension_n)
                greatest.setdefault(second, []).append(field)
        for second in sorted(greatest):
            message = RecordMessage(developer_fields=greatest[second])
            message.timestamp = second * 1000
            yield message

    def _set_messages(self) -> Iterator[Any]:
        """Yield sets and the rests between them in turn; where both sides work at once there is no rest."""
        number = 0
        for before, each in pairwise([None, *self._sets]):
            if before is not None and each is not None:
                rest_s = each.start_unix_s - before.end_unix_s
                if rest_s >= _SHORTEST_REST_S:
                    yield self._span_of_set(number, before.end_unix_s, each.start_unix_s, active=False)
                    number += 1
            if each is not None:
                yield self._active_set(number, each)
                number += 1

    def _span_of_set(
        self, number: int, start_s: float, end_s: float, *, active: bool, developer_fields: Any = ()
    ) -> Any:
        from fit_tool.profile.messages.set_message import SetMessage
        from fit_tool.profile.profile_type import SetType

        message = SetMessage(developer_fields=list(developer_fields))
        message.message_index = number
        message.set_type = SetType.ACTIVE if active else SetType.REST
        message.start_time = _ms(start_s)
        message.timestamp = _ms(end_s)
        message.duration = end_s - start_s
        return message

    def _active_set(self, number: int, each: ExportedSet) -> Any:
        from fit_tool.profile.profile_type import FitBaseUnit

        category, subtype = _categories(each.stream)
        chances = each.data.get("chances") or {}
        sure = 100.0 * float(chances.get(str(len(each.reps)), 1.0))
        likely = _developer_field(_PROBABILITY_FIELD, "repetitions_probability", "%", sure)
        message = self._span_of_set(
            number, each.start_unix_s, each.end_unix_s, active=True, developer_fields=[likely]
        )
        message.repetitions = len(each.reps)
        message.weight = each.mean_peak_kgf
        message.weight_display_unit = FitBaseUnit.KILOGRAM
        message.category = [category]
        message.category_subtype = [subtype]
        message.workout_step_index = 0
        return message

    def _titles(self) -> Iterator[Any]:
        from fit_tool.profile.messages.exercise_title_message import ExerciseTitleMessage

        if not self._sets:
            return
        category, subtype = _categories(self._sets[0].stream)
        message = ExerciseTitleMessage()
        message.message_index = 0
        message.exercise_category = category
        message.exercise_name = subtype
        message.workout_step_name = exercise_name(self._table)[:_TITLE_LETTERS]
        yield message

    def _lap(self) -> Any:
        from fit_tool.profile.messages.lap_message import LapMessage
        from fit_tool.profile.profile_type import Event, Sport, SubSport

        message = self._span(LapMessage())
        message.event = Event.LAP
        message.sport = Sport.TRAINING
        message.sub_sport = SubSport.STRENGTH_TRAINING
        return message

    def _session_message(self) -> Any:
        from fit_tool.profile.messages.session_message import SessionMessage
        from fit_tool.profile.profile_type import Event, Sport, SubSport

        message = self._span(SessionMessage())
        message.event = Event.SESSION
        message.sport = Sport.TRAINING
        message.sub_sport = SubSport.STRENGTH_TRAINING
        message.first_lap_index = 0
        message.num_laps = 1
        return message

    def _span(self, message: Any) -> Any:
        from fit_tool.profile.profile_type import EventType

        message.message_index = 0
        message.event_type = EventType.STOP
        message.start_time = _ms(self._start_s)
        message.timestamp = _ms(self._end_s)
        message.total_elapsed_time = self._end_s - self._start_s
        message.total_timer_time = self._end_s - self._start_s
        return message

    def _activity(self) -> Any:
        from fit_tool.profile.messages.activity_message import ActivityMessage
        from fit_tool.profile.profile_type import Activity, Event, EventType

        message = ActivityMessage()
        message.timestamp = _ms(self._end_s)
        offset = datetime.fromtimestamp(self._end_s).astimezone().utcoffset()
        message.local_timestamp = (
            round(self._end_s) - _EPOCH_S + round(offset.total_seconds() if offset else 0)
        )
        message.total_timer_time = self._end_s - self._start_s
        message.num_sessions = 1
        message.type = Activity.MANUAL
        message.event = Event.ACTIVITY
        message.event_type = EventType.STOP
        return message


def _ms(unix_s: float) -> int:
    return round(unix_s) * 1000


def _tension_name(stream: StreamTable) -> str:
    return "tension" if stream.stream.side is None else f"tension_{stream.stream.side}"


def _categories(stream: StreamTable) -> tuple[int, int]:
    """Return the numbers by which FIT knows the exercise; those for none where it is not known."""
    exercise = stream.stream.settings.get("exercise")
    fit: Mapping[str, Any] = exercise.get("fit") or {} if isinstance(exercise, Mapping) else {}
    category, subtype = fit.get("category"), fit.get("subtype")
    return _NO_CATEGORY if category is None else category, _NO_SUBTYPE if subtype is None else subtype


def _greatest_by_second(table: SessionTable, stream: StreamTable) -> Iterator[tuple[int, float]]:
    if not len(stream):
        return
    origin_s = float(stream.time_s[0])
    began_s = table.unix_s(stream, origin_s)
    seconds = np.floor(began_s + (stream.time_s - origin_s)).astype(np.int64)
    starts = np.flatnonzero(np.diff(seconds, prepend=seconds[0] - 1))
    for at, greatest_n in zip(starts, np.maximum.reduceat(stream.tension_n, starts), strict=True):
        yield int(seconds[at]), float(greatest_n)


def _developer_field(number: int, name: str, units: str, value: float) -> Any:
    from fit_tool.base_type import BaseType
    from fit_tool.developer_field import DeveloperField

    field = DeveloperField(
        developer_data_index=0, field_id=number, name=name, base_type=BaseType.FLOAT32, units=units, size=4
    )
    field.set_value(0, value)
    return field
