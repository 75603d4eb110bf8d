"""A capture whose records are whole and whose contents make no sense gives an error that says so."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandsense.app.capture_sink import captured
from bandsense.capture.format import CaptureWriter, LinkRecord, SectionRecord, ValueRecord, read_capture
from bandsense.errors import BandsenseError
from bandsense.samples import SampleBlock
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.needs import REPOSITORY

CAPTURE = REPOSITORY / "tests" / "data" / "v0.1.0" / "session.bandcap"
WRONG: tuple[Any, ...] = (None, "x", -1, 1e400, [], {}, 10**400, True)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from leaves(value[index], (*path, index))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return value


def settings_of_the_capture() -> dict[str, Any]:
    return next(
        dict(record.event["settings"])
        for record in read_capture(CAPTURE).records
        if isinstance(record, LinkRecord) and "settings" in record.event
    )


def test_settings_with_any_wrong_value_are_refused_or_can_be_followed() -> None:
    settings = settings_of_the_capture()
    counts = np.round(2e5 * (1.0 - np.cos(np.arange(400) / 40.0)))
    block = SampleBlock(np.arange(400) / 80.0, counts)
    followed = refused = 0
    for number, path in enumerate(list(leaves(settings))[1:]):
        for wrong in (WRONG[number % len(WRONG)], WRONG[(number + 3) % len(WRONG)]):
            try:
                workout = Workout(WorkoutSettings.from_dict(changed(settings, path, wrong)))
                workout.push(block)
                workout.finish()
            except BandsenseError:
                refused += 1
            else:
                followed += 1
    assert refused > followed > 0


def written_again(target: Path, change: Any) -> Path:
    """The first records of the capture, with their link records changed."""
    with CaptureWriter(target) as writer:
        for record in read_capture(CAPTURE).records[:300]:
            if isinstance(record, SectionRecord):
                writer.section(record.arrival_s, record.about)
            elif isinstance(record, ValueRecord):
                writer.received(record.arrival_s, record.characteristic, record.data)
            elif isinstance(record, LinkRecord):
                writer.link(record.arrival_s, change(record.event))
    return target


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("field", ["settings", "input", "data", "after_samples"])
def test_notes_with_a_wrong_value_are_refused_or_can_be_followed(
    tmp_path: Path, field: str, wrong: Any
) -> None:
    def change(event: Any) -> Any:
        note = {"input": "link", "data": {"state": "x", "message": "y"}, "after_samples": 3}
        if field == "settings":
            return {"settings": wrong} if "settings" in event else event
        return event if "settings" in event else note | {field: wrong}

    with suppress(BandsenseError):
        list(captured(written_again(tmp_path / "x.bandcap", change)))


def test_a_note_without_its_place_is_refused(tmp_path: Path) -> None:
    path = written_again(
        tmp_path / "x.bandcap", lambda event: event if "settings" in event else {"input": "tare"}
    )
    with pytest.raises(BandsenseError, match="damaged"):
        list(captured(path))


def test_json_of_any_depth_ends_the_reading_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "deep.bandcap"
    with CaptureWriter(path) as writer:
        writer.section(0.0, {"driver": "bandsense"})
        writer.interrupted(1.0)
    deep = tmp_path / "deeper.bandcap"
    writer = CaptureWriter(deep)
    writer.section(0.0, {"driver": "bandsense"})
    writer._append(5, 1.0, b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")  # type: ignore[arg-type]
    writer.close()
    capture = read_capture(deep)
    assert len(capture.records) == 1
    assert capture.damage is not None
