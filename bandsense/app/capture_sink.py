"""Sessions in raw captures: what is noted besides what came over the air, so that a replay is exact."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandsense.app.bug_report import software_versions
from bandsense.app.loop import Item
from bandsense.app.paths import home
from bandsense.calibration.curve import Calibration
from bandsense.capture.format import CaptureWriter, LinkRecord, SectionRecord, read_capture
from bandsense.capture.replay import replay_capture
from bandsense.errors import DataError, FileFormatError
from bandsense.files import make_private, private_folder
from bandsense.language import Message
from bandsense.link.drivers.registry import decoder_named
from bandsense.samples import SampleBlock, Unit
from bandsense.store.merge import merge_by_sample
from bandsense.store.model import Input
from bandsense.workout.inputs import input_from
from bandsense.workout.settings import WorkoutSettings

__all__ = ["CaptureSink", "Captured", "captured", "last_capture", "new_capture"]

_LAST = "last-capture.txt"
"""In the data folder: where the last capture lies."""


def new_capture(path: Path) -> CaptureWriter:
    """Open a capture in this file and remember it as the last one.

    Raises:
        FileFormatError: the file exists and is no capture.
        DataError: it cannot be written.
    """
    writer = CaptureWriter(path, software_versions())
    with suppress(OSError):  # only convenience is lost
        private_folder(home())
        make_private(home() / _LAST)
        (home() / _LAST).write_bytes(os.fsencode(path.absolute()))
    return writer


def last_capture() -> Path | None:
    """Return the file of the last capture, if it still exists."""
    with suppress(OSError, ValueError):
        path = Path(os.fsdecode((home() / _LAST).read_bytes()))
        return path if path.is_file() else None
    return None


class CaptureSink:
    """A sink that notes settings and inputs in a capture; the samples are there already."""

    def __init__(self, writer: CaptureWriter, clock: Callable[[], float], settings: WorkoutSettings) -> None:
        self._writer = writer
        self._clock = clock
        self._samples = 0
        writer.link(clock(), {"settings": settings.to_dict()})

    def write(self, block: SampleBlock, *, stream: int = 0) -> None:
        """Count the samples."""
        self._samples += len(block)

    def note_input(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Note what besides samples reached the workout."""
        note = {"input": kind, "data": dict(data), "after_samples": self._samples}
        self._writer.link(self._clock(), note)

    def note_event(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Events follow from samples and inputs."""

    def note_set(self, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Do nothing: sets follow from samples and inputs, too."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A session in a capture."""

    sensor: str
    settings: WorkoutSettings
    items: tuple[Item, ...]


def captured(path: Path) -> Iterator[Captured]:
    """Return the sessions of a capture, ready to be replayed.

    Raises:
        FileFormatError: the file is no capture.
        DataError: it does not say how its readings are to be understood.
    """
    section: SectionRecord | None = None
    blocks: list[SampleBlock] = []
    notes: list[Mapping[str, Any]] = []
    for part in replay_capture(read_capture(path), decoder_named):
        if isinstance(part, SectionRecord):
            if section is not None and blocks:
                yield _session(path, section, blocks, notes)
            section, blocks, notes = part, [], []
        elif isinstance(part, LinkRecord):
            notes.append(part.event)
        else:
            blocks.append(part)
    if section is not None and blocks:
        yield _session(path, section, blocks, notes)


def _session(
    path: Path, section: SectionRecord, blocks: list[SampleBlock], notes: list[Mapping[str, Any]]
) -> Captured:
    inputs = [_input(path, note) for note in notes if "input" in note]
    items = tuple(
        part if isinstance(part, SampleBlock) else input_from(part.kind, part.data)
        for part in merge_by_sample(blocks, inputs)
    )
    return Captured(str(section.about.get("name", path.name)), _settings(path, blocks, notes), items)


def _input(path: Path, note: Mapping[str, Any]) -> Input:
    after, data = note.get("after_samples"), note.get("data")
    if not isinstance(after, int) or not isinstance(data, Mapping):
        raise FileFormatError(path, Message("the input {note!r} in it is damaged", note=note["input"]))
    return Input(after, str(note["input"]), data)


def _settings(path: Path, blocks: list[SampleBlock], notes: list[Mapping[str, Any]]) -> WorkoutSettings:
    for note in notes:
        if "settings" in note:
            if not isinstance(note["settings"], Mapping):
                raise FileFormatError(path, Message("the settings in it are damaged"))
            return WorkoutSettings.from_dict(note["settings"])
    unit = blocks[0].unit
    if unit is Unit.COUNT:
        raise DataError(
            Message(
                "{path} holds counts and no calibration; it was made by another program or cut short",
                path=path,
            )
        )
    return WorkoutSettings(Calibration.identity(unit))
