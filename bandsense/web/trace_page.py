"""A force trace of any origin, analysed on its page: what `bandsense analyze` prints, and its curve.

The file comes as a browser sends a form (multipart/form-data, RFC 7578), is read in a folder that is gone
afterwards, and nothing of it is kept. Dropping it onto the field needs no script.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.calibration.curve import Calibration
from bandsense.errors import DataError, FileFormatError
from bandsense.language import Message, number, said, tr
from bandsense.live.formatting import (
    PARTIAL_RULE,
    counts_words,
    doubt_lines,
    doubt_words,
    numbered,
    range_words,
)
from bandsense.live.hidden_formatting import REP_FIGURES, hidden_lines
from bandsense.live.history_formatting import force_pair
from bandsense.live.units import in_shown_unit
from bandsense.report.sets import phase_key, trace_chart
from bandsense.signal.analysis import SetAnalysis, analyze
from bandsense.signal.metrics import RepMetrics, rep_metrics
from bandsense.workout.counts import RepCounts
from bandsense.workout.tempo import hand_tempo
from bandsense.workout.whole_trace import as_sure_as_known

if TYPE_CHECKING:
    from bandsense.export.recording import ColumnMapping
    from bandsense.signal.events import Rep

__all__ = ["FORCE_UNITS", "MOST_BYTES", "TIME_UNITS", "Upload", "analysed", "read_upload"]

MOST_BYTES = 20_000_000
"""A file may be so large: more than three hours at 80 samples a second."""

_MOST_SAMPLES = 1_000_000
FORCE_UNITS = ("N", "kgf", "lbf", "kN")
TIME_UNITS = ("s", "ms", "µs")


@dataclass(frozen=True, slots=True)
class Upload:
    """What a form brought: a file, and what was written beside it."""

    name: str
    data: bytes = field(repr=False)
    said: Mapping[str, str]

    @property
    def mapping(self) -> ColumnMapping | None:
        """The columns that the person named; None where the header of the file is to tell.

        Raises:
            DataError: only one of the two was named, or a unit is none.
        """
        from bandsense.export.recording import ColumnMapping

        time, force = self.said.get("time", ""), self.said.get("force", "")
        if not time and not force:
            return None
        if not time or not force:
            raise DataError(Message("Name both columns, that of the time and that of the force, or neither"))
        units = self.said.get("time_unit", "s"), self.said.get("force_unit", "N")
        if units[0] not in TIME_UNITS or units[1] not in FORCE_UNITS:
            raise DataError(
                Message("{time} and {force} are not units of time and force", time=units[0], force=units[1])
            )
        return ColumnMapping(time, force, *units)


def read_upload(content_type: str, body: bytes) -> Upload:
    """Take a form apart.

    Raises:
        DataError: it is no form with a file.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise DataError(Message("This is not a file; choose one, or drop it onto the field"))
    name, data, said = "", b"", {}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if part.get_filename() is not None:
            name, data = str(part.get_filename()), content
        else:
            key = str(part.get_param("name", "", "content-disposition"))
            said[key] = content.decode("utf-8", "replace").strip()[:100]
    if not name:
        raise DataError(Message("Choose a file first, or drop it onto the field"))
    return Upload(Path(name.replace("\\", "/")).name[:80] or "trace", data, said)


def analysed(upload: Upload) -> dict[str, Any]:
    """Analyse a file, and give what the page shows of it.

    Raises:
        DataError: it is no trace; the sentence says why, and in which line.
    """
    from bandsense.export.recording import read_recording

    mapping = upload.mapping
    with tempfile.TemporaryDirectory(prefix="bandsense-trace-") as folder:
        path = Path(folder) / "trace"
        path.write_bytes(upload.data)
        try:
            recording = read_recording(path, mapping)
        except FileFormatError as error:
            raise DataError(str(error).replace(str(path), upload.name)) from error
    block = recording.block
    if len(block) < 2:
        raise DataError(
            Message(
                "{name} has one sample, or all at the same time; a trace is many, one after another",
                name=upload.name,
            )
        )
    if len(block) > _MOST_SAMPLES:
        raise DataError(
            Message(
                "{name} has {samples} samples; this page takes up to {most}, and "
                "`bandsense analyze` takes more",
                name=upload.name,
                samples=len(block),
                most=_MOST_SAMPLES,
            )
        )
    found = analyze(block.time_s, block.values, gap_before=block.gap_before, saturated=block.saturated)
    reps, chances = as_sure_as_known(found)
    figures = rep_metrics(reps, block.time_s, block.values, calibration=Calibration.identity())
    counts = RepCounts.of(reps)
    length_s = float(block.time_s[-1] - block.time_s[0])
    partial = [tr(PARTIAL_RULE)] if counts.full < counts.all else []
    return {
        "name": upload.name,
        "about": tr(
            "{counts} in {length:.1f} s at {rate:.3g} samples a second",
            counts=counts_words(counts, doubt_words(counts.all, chances)),
            length=length_s,
            rate=found.rate_hz,
        ),
        "chart": trace_chart(block.time_s, block.values, reps, figures),
        "phase_key": phase_key(figures),
        "reps": [_row(n, *each) for n, each in enumerate(zip(reps, figures, strict=True), 1)],
        "remarks": [*_warnings(found), *map(said, recording.notes), *partial],
        "hidden": [
            *doubt_lines(reps),
            *hidden_lines((each.hidden for each in figures), REP_FIGURES),
        ],
    }


def _row(n: int, rep: Rep, figures: RepMetrics) -> dict[str, str]:
    hand = hand_tempo(rep)

    def phase(name: str) -> str:
        return "–" if figures.shown(f"tempo.{name}") is None else number(getattr(hand, name), ".1f")

    known = figures.shown("peak_n") is not None
    ranged = figures.shown("relative_range") is not None
    share = f"{100.0 * rep.range_fraction:.0f} %" if ranged else "–"
    return {
        "number": numbered(n, rep),
        "start": number(rep.pull_start_s, ".1f"),
        "peak": force_pair(rep.peak_n, figures.peak_uncertainty_n or 0.0) if known else "–",
        "pull": phase("concentric_s"),
        "hold": phase("hold_s"),
        "back": phase("eccentric_s"),
        "range": range_words(share, rep),
    }


def _warnings(found: SetAnalysis) -> Iterator[str]:
    """Tell each kind of warning once."""
    for kind in dict.fromkeys(warning.kind for warning in found.warnings):
        first, *more = (warning for warning in found.warnings if warning.kind is kind)
        told = in_shown_unit(said(first.message))
        line = tr("At {time:.2f} s: {warning}", time=first.time_s, warning=told)
        yield tr("{line} ({number} more like this)", line=line, number=len(more)) if more else line
