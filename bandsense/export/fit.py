"""Sessions as FIT activities, as fitness platforms read them: strength training with its sets.

FIT has no field for tension. Each second's greatest tension is a developer field of a record message;
each set's weight is the mean of its peaks in kilogram-force, which a platform shows beside the repetitions.
How likely their number is exact is a developer field of the set.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.errors import MissingExtra
from bandsense.export.table import SessionTable, StreamTable
from bandsense.files import atomic_write
from bandsense.samples import KGF_N

__all__ = ["write_fit"]

APPLICATION = uuid.uuid5(uuid.NAMESPACE_DNS, "bandsense")
"""What makes the developer field ours in the eyes of a FIT reader: any fixed 16 bytes do."""

_MANUFACTURER_DEVELOPMENT = 255
_TENSION_FIELD, _PROBABILITY_FIELD = 0, 1


def write_fit(table: SessionTable, folder: Path) -> list[Path]:
    """Write one activity per sensor.

    Raises:
        MissingExtra: fit-tool is not installed.
    """
    try:
        from fit_tool.fit_file_builder import FitFileBuilder
    except ImportError as error:
        raise MissingExtra("FIT", "fit") from error
    written = []
    for stream in table.streams:
        builder = FitFileBuilder(auto_define=True)
        builder.add_all(list(_Activity(table, stream).messages()))
        path = folder / f"{table.stem(stream)}.fit"
        with atomic_write(path) as part:
            part.write_bytes(builder.build().to_bytes())
        written.append(path)
    return written


class _Activity:
    """The messages of one activity. fit-tool takes milliseconds since 1970; the file holds whole seconds."""

    def __init__(self, table: SessionTable, stream: StreamTable) -> None:
        self._session = table.session
        self._stream = stream
        self._origin_s = float(stream.time_s[0]) if len(stream) else 0.0
        self._duration_s = float(stream.time_s[-1]) - self._origin_s if len(stream) else 0.0

    def messages(self) -> Iterator[Any]:
        """Yield all messages in the order in which a FIT reader expects them."""
        yield self._file_id()
        yield from self._descriptions()
        yield self._timer(start=True)
        yield from self._records()
        yield from (self._set(number, data) for number, data in enumerate(self._stream.sets))
        yield self._timer(start=False)
        yield self._lap()
        yield self._session_message()
        yield self._activity()

    def _ms(self, device_s: float) -> int:
        return round(self._session.started_unix_s + device_s - self._origin_s) * 1000

    @property
    def _start_ms(self) -> int:
        return self._ms(self._origin_s)

    @property
    def _end_ms(self) -> int:
        return self._ms(self._origin_s + self._duration_s)

    def _file_id(self) -> Any:
        from fit_tool.profile.messages.file_id_message import FileIdMessage
        from fit_tool.profile.profile_type import FileType

        message = FileIdMessage()
        message.type = FileType.ACTIVITY
        message.manufacturer = _MANUFACTURER_DEVELOPMENT
        message.product = 0
        message.time_created = self._start_ms
        message.serial_number = self._session.id
        return message

    def _descriptions(self) -> Iterator[Any]:
        from fit_tool.base_type import BaseType
        from fit_tool.profile.messages.developer_data_id_message import DeveloperDataIdMessage
        from fit_tool.profile.messages.field_description_message import FieldDescriptionMessage

        identity = DeveloperDataIdMessage()
        identity.developer_data_index = 0
        identity.application_id = APPLICATION.bytes
        yield identity
        for number, name, units in (
            (_TENSION_FIELD, "tension", "N"),
            (_PROBABILITY_FIELD, "repetitions_probability", "%"),
        ):
            field = FieldDescriptionMessage()
            field.developer_data_index = 0
            field.field_definition_number = number
            field.fit_base_type_id = BaseType.FLOAT32.value
            field.field_name = name
            field.units = units
            yield field

    def _timer(self, *, start: bool) -> Any:
        from fit_tool.profile.messages.event_message import EventMessage
        from fit_tool.profile.profile_type import Event, EventType

        message = EventMessage()
        message.event = Event.TIMER
        message.event_type = EventType.START if start else EventType.STOP_ALL
        message.timestamp = self._start_ms if start else self._end_ms
        return message

    def _records(self) -> Iterator[Any]:
        from fit_tool.profile.messages.record_message import RecordMessage

        seconds = np.floor(self._stream.time_s - self._origin_s)
        starts = np.flatnonzero(np.diff(seconds, prepend=-1.0))
        if not starts.size:
            return
        for at, greatest_n in zip(starts, np.maximum.reduceat(self._stream.tension_n, starts), strict=True):
            tension = _developer_field(_TENSION_FIELD, "tension", "N", float(greatest_n))
            message = RecordMessage(developer_fields=[tension])
            message.timestamp = self._ms(self._origin_s + float(seconds[at]))
            yield message

    def _set(self, number: int, data: Mapping[str, Any]) -> Any:
        from fit_tool.profile.messages.set_message import SetMessage
        from fit_tool.profile.profile_type import SetType

        peaks_n = [rep["peak_n"] for rep in data["reps"]]
        sure = 100.0 * float(data["chances"].get(str(len(peaks_n)), 1.0))
        likely = _developer_field(_PROBABILITY_FIELD, "repetitions_probability", "%", sure)
        message = SetMessage(developer_fields=[likely])
        message.message_index = number
        message.set_type = SetType.ACTIVE
        message.start_time = self._ms(data["start_s"])
        message.timestamp = self._ms(data["end_s"])
        message.duration = data["end_s"] - data["start_s"]
        message.repetitions = len(peaks_n)
        message.weight = sum(peaks_n) / len(peaks_n) / KGF_N
        return message

    def _lap(self) -> Any:
        from fit_tool.profile.messages.lap_message import LapMessage

        return self._span(LapMessage())

    def _session_message(self) -> Any:
        from fit_tool.profile.messages.session_message import SessionMessage
        from fit_tool.profile.profile_type import Sport, SubSport

        message = self._span(SessionMessage())
        message.sport = Sport.TRAINING
        message.sub_sport = SubSport.STRENGTH_TRAINING
        message.first_lap_index = 0
        message.num_laps = 1
        return message

    def _span(self, message: Any) -> Any:
        message.start_time = self._start_ms
        message.timestamp = self._end_ms
        message.total_elapsed_time = self._duration_s
        message.total_timer_time = self._duration_s
        return message

    def _activity(self) -> Any:
        from fit_tool.profile.messages.activity_message import ActivityMessage
        from fit_tool.profile.profile_type import Activity, Event, EventType

        message = ActivityMessage()
        message.timestamp = self._end_ms
        message.total_timer_time = self._duration_s
        message.num_sessions = 1
        message.type = Activity.MANUAL
        message.event = Event.ACTIVITY
        message.event_type = EventType.STOP
        return message


def _developer_field(number: int, name: str, units: str, value: float) -> Any:
    from fit_tool.base_type import BaseType
    from fit_tool.developer_field import DeveloperField

    field = DeveloperField(
        developer_data_index=0, field_id=number, name=name, base_type=BaseType.FLOAT32, units=units, size=4
    )
    field.set_value(0, value)
    return field
