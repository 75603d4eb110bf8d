"""Recordings that people give to the project: checked, stripped of what names anybody, packed into one file.

A contribution is a ZIP of `trace.csv` (seconds from the first sample, newtons), `labels.json` (`Labels`) and
`contribution.json` (format, digests). It is made from a recording and a labels file that its owner writes;
what bandsense counts itself is told beside the label and never put in its place.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from bandsense.errors import DataError, FileFormatError
from bandsense.export.recording import Recording, read_recording
from bandsense.language import Message
from bandsense.profiles.recording_labels import Labels, read_labels
from bandsense.signal.analysis import analyze

__all__ = ["Checked", "check", "pack"]

FORMAT = "bandsense-contribution"
VERSION = 1
_LEAST_S = 5.0
_LEAST_HZ = 8.0
_UNEVEN = 0.2
"""A tenth of the intervals off by more than this share is worth a question."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A recording that may be packed.

    Attributes:
        recording: as read, in newtons.
        labels: as given.
        counted: what bandsense counts in it; no judgement of the label.
        rate_hz: median sample rate.
        questions: what its owner should look at again, in words; empty when all is plain.
    """

    recording: Recording
    labels: Labels
    counted: int
    rate_hz: float
    questions: tuple[str, ...]


def check(recording_file: Path, labels_file: Path) -> Checked:
    """Read both files and look for what would make the recording useless.

    Raises:
        FileFormatError: one of them cannot be used; says why.
        DataError: the labels lie outside the recording.
    """
    labels = read_labels(labels_file)
    recording = read_recording(recording_file)
    block = recording.block
    if len(block) < 2 or block.time_s[-1] < _LEAST_S:
        raise FileFormatError(
            recording_file,
            Message("is shorter than {least_s:g} s; record the whole set and some rest", least_s=_LEAST_S),
        )
    if labels.tops_s and labels.tops_s[-1] > block.time_s[-1]:
        raise DataError(
            Message(
                "the last top is said to be at {tops_s:g} s, but the recording ends at "
                "{time_s:.1f} s; tops_s counts from the first sample",
                tops_s=labels.tops_s[-1],
                time_s=block.time_s[-1],
            )
        )
    analysis = analyze(block.time_s, block.values, gap_before=block.gap_before, saturated=block.saturated)
    interval_s = np.diff(block.time_s)
    rate_hz = 1.0 / float(np.median(interval_s))
    questions = tuple(_questions(recording, labels, rate_hz, len(analysis.reps)))
    return Checked(recording, labels, len(analysis.reps), rate_hz, questions)


def _questions(recording: Recording, labels: Labels, rate_hz: float, counted: int) -> Iterator[str]:
    block = recording.block
    yield from recording.notes
    off = np.abs(np.diff(block.time_s) * rate_hz - 1.0) > _UNEVEN
    if rate_hz < _LEAST_HZ:
        yield Message(
            "{rate_hz:.1f} samples a second are too few for quick repetitions; is that the sensor's rate?",
            rate_hz=rate_hz,
        )
    if off.mean() > 0.1:
        yield Message("more than a tenth of the samples are unevenly spaced; are these times of arrival?")
    if block.gap_before[1:].any():
        yield Message("samples are missing, gaps: {gaps}", gaps=int(block.gap_before[1:].sum()))
    if block.saturated.any():
        yield Message("the sensor was at the end of its range")
    for number, top_s in enumerate(labels.tops_s, 1):
        near = np.abs(block.time_s - top_s) < 0.5
        if near.any() and block.values[near].max() < np.percentile(block.values, 50):
            yield Message(
                "at top {number} ({top_s:g} s) the tension is low; are label and trace aligned?",
                number=number,
                top_s=top_s,
            )
    if counted != labels.repetitions:
        yield Message(
            "bandsense counts {counted}, the label says {labelled}: look again; if the label is right, this "
            "recording is worth all the more",
            counted=counted,
            labelled=labels.repetitions,
        )


def pack(checked: Checked, target: Path) -> str:
    """Write the contribution and return the SHA-256 of its trace.

    Nothing of the original file but its numbers gets in: no path, no wall clock, no header.

    Raises:
        DataError: the file exists, or cannot be written.
    """
    block = checked.recording.block
    lines = [
        "time_s,tension_n",
        *(f"{t:.6f},{v:.4f}" for t, v in zip(block.time_s, block.values, strict=True)),
    ]
    trace = ("\n".join(lines) + "\n").encode()
    labels = json.dumps(checked.labels.model_dump(mode="json"), indent=1, ensure_ascii=False).encode()
    digests = {
        "trace.csv": hashlib.sha256(trace).hexdigest(),
        "labels.json": hashlib.sha256(labels).hexdigest(),
    }
    about = {"format": FORMAT, "version": VERSION, "rate_hz": round(checked.rate_hz, 3), "sha256": digests}
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            ("contribution.json", json.dumps(about, indent=1).encode()),
            ("labels.json", labels),
            ("trace.csv", trace),
        ):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    try:
        with target.open("xb") as file:
            file.write(held.getvalue())
    except FileExistsError:
        raise DataError(Message("{target} exists already; name another file", target=target)) from None
    except OSError as error:
        raise DataError(
            Message(
                "{target} cannot be written: {error}; name a folder that can be", target=target, error=error
            )
        ) from error
    return digests["trace.csv"]
