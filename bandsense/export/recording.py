"""Reading force traces from files: our own export, Chronojump, Tindeq, and plain columns with named units.

Nothing is guessed in silence: a file whose header does not say what its numbers are is refused, and whatever
had to be left out is told in `Recording.notes`.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bandsense.errors import DataError, FileFormatError
from bandsense.language import Message
from bandsense.samples import KGF_N, LBF_N, BoolArray, FloatArray, SampleBlock, Unit
from bandsense.signal.sample_times import even_times

__all__ = ["ColumnMapping", "Recording", "read_recording"]

GAP_INTERVALS = 2.5
NEAR_INTERVALS = 8
"""An interval longer than this many median intervals, of all and of so many before and after it, is a gap:
the rate may change. Two are a sensor that skips one sample."""

MOST_FORCE_N = 1e6
"""A hundred tonnes: what is beyond is another unit or a damaged file, whatever the header says."""

MOST_TIME_S = 1e11
"""Three thousand years, so that wall clocks pass and a damaged number does not."""

LEAST_REPEATED = 8
REPEATED_SHARE = 0.01
"""So many lines and this share of them that have the time of the line before are samples of a batch, or times
were rounded; fewer are left out, and so are lines that say nothing new."""

PULLED_BELOW_ZERO_N = 10.0
"""A force that goes this far and mostly below zero is a pull that the sensor counts as negative."""

_HEADER_LINES = 200
_BINARY_PROBE_BYTES = 8192
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Recording:
    """A trace read from a file.

    Attributes:
        path: the file.
        block: every usable sample; times start at 0 s, values are newtons.
        first_time_s: the first sample's time as the file has it, in seconds.
        started_unix_s: when the first sample was taken, where the file has wall-clock times.
        notes: what was left out or assumed, in words; empty when the file was read whole.
    """

    path: Path
    block: SampleBlock
    first_time_s: float = 0.0
    started_unix_s: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Column:
    index: int
    scale: float
    name: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where time and force are in a line and what their numbers mean."""

    delimiter: str
    columns: int
    time: _Column
    force: _Column
    wall_clock: bool
    first_row: int
    note: str | None = None


_TIME_UNITS = {
    "micros": 1e-6,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "millis": 1e-3,
    "s": 1.0,
    "sec": 1.0,
}
_TIME_UNITS |= {"seconds": 1.0, "unix_s": 1.0}
_FORCE_UNITS = {"n": 1.0, "kn": 1e3, "kg": KGF_N, "kgf": KGF_N, "lb": LBF_N, "lbf": LBF_N}
_FORCE_UNITS |= {"lbs": LBF_N}
_TIME_WORDS = ("time", "unix", "t", "timestamp", "zeit")
_FORCE_WORDS = ("tension", "force", "load", "weight", "kraft", "spannung", "zugkraft")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns hold time and force, and in which units, in a file whose header does not say so.

    A column is named as in the header; where no line names both, by its number from 1.
    """

    time: str
    force: str
    time_unit: str = "s"
    force_unit: str = "N"


def read_recording(path: Path | str, mapping: ColumnMapping | None = None) -> Recording:
    """Read a trace.

    Understood are columns whose header names a quantity and its unit (`time_s,tension_n`,
    `Time (micros);Force(N)`, `unix_s,load_kg`; decimal commas where columns are not separated by commas), and
    exports of the Tindeq app.

    Raises:
        FileFormatError: naming the line and what is wrong with it.
    """
    file = Path(path)
    lines, torn = _lines(file)
    layout = _layout(file, lines, mapping)
    return _Reader(file, layout, torn).read(lines)


def _lines(path: Path) -> tuple[list[str], bool]:
    """Read the file's lines, and whether the last one lacks its end."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileFormatError(path, Message("there is no such file")) from None
    except OSError as error:
        raise FileFormatError(path, Message("it cannot be read: {error}", error=error)) from error
    text = _text(path, data)
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise FileFormatError(path, Message("the file is empty"))
    return lines, not text.endswith(("\n", "\r"))


def _text(path: Path, data: bytes) -> str:
    """Decode the bytes: UTF-8, or what spreadsheets write besides (UTF-16 with its mark, Latin-1)."""
    if data.startswith(_UTF_16_MARKS):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:_BINARY_PROBE_BYTES]:
        raise FileFormatError(path, Message("it is not a text file; a force trace is text in columns"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _cells(line: str, delimiter: str) -> list[str]:
    """Split a line into fields, without the quotes that some programs put around each."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _layout(path: Path, lines: Sequence[str], mapping: ColumnMapping | None = None) -> _Layout:
    if mapping is not None:
        return _mapped(path, lines, mapping)
    if lines[0].lower().replace(" ", "").startswith(",overallavg"):
        return _repeaters_layout(path, lines)
    if lines[0].lower().startswith("date,tag,comment,unit"):
        return _tindeq_layout(path, lines)
    for number, line in enumerate(lines[:_HEADER_LINES]):
        # Spreadsheets say in a line before the header what separates columns; the header shows it as well.
        if not line.strip() or line.lower().startswith("sep="):
            continue
        # Remarks stand before the header in some files, and numpy writes the header as one.
        found = _header(number, line.lstrip("# "))
        if found is not None:
            return found
        if not line.startswith("#"):
            raise FileFormatError(path, _no_header(line), line=number + 1)
    raise FileFormatError(
        path, Message("there is no header in the first lines; put a line such as `time_s,tension_n` first")
    )


def _tindeq_layout(path: Path, lines: Sequence[str]) -> _Layout:
    """Tindeq app: blocks of summary, then `time,weight`; its unit `SI` means kilogram-force.

    Source: Simon10937/Tindeq-Leaderboard, docs/calculation-contract.md and its genuine export.
    """
    names = [name.strip().lower() for name in lines[0].split(",")]
    fields = [cell.strip() for cell in lines[1].split(",")] if len(lines) > 1 else []
    unit = dict(zip(names, fields, strict=False)).get("unit", "")
    scale = {"si": KGF_N, "kg": KGF_N, "lbs": LBF_N, "lb": LBF_N}.get(unit.lower())
    if scale is None:
        raise FileFormatError(path, Message("the unit {unit!r} is not known; expected SI", unit=unit), line=2)
    for number, line in enumerate(lines[:_HEADER_LINES]):
        if line.strip().lower().replace(" ", "") == "time,weight":
            return _Layout(",", 2, _Column(0, 1.0, "time"), _Column(1, scale, "weight"), False, number + 1)
    raise FileFormatError(path, Message("an export of the Tindeq app, but without its `time,weight` columns"))


def _repeaters_layout(path: Path, lines: Sequence[str]) -> _Layout:
    """Read the Tindeq app's export of repeaters: a summary by repetition, then `time,weight`, without a unit.

    Source: Simon10937/Tindeq-Leaderboard, its fixtures.
    """
    note = "the file does not say its unit; kilogram-force is assumed, as the app shows without a choice"
    for number, line in enumerate(lines[:_HEADER_LINES]):
        if line.strip().lower().replace(" ", "") == "time,weight":
            weight = _Column(1, KGF_N, "weight")
            return _Layout(",", 2, _Column(0, 1.0, "time"), weight, False, number + 1, note)
    raise FileFormatError(path, Message("an export of the Tindeq app, but without its `time,weight` columns"))


def _mapped(path: Path, lines: Sequence[str], mapping: ColumnMapping) -> _Layout:
    """Find the columns that a person named."""
    scales = _TIME_UNITS.get(mapping.time_unit.lower()), _FORCE_UNITS.get(mapping.force_unit.lower())
    if scales[0] is None or scales[1] is None:
        raise FileFormatError(
            path,
            Message(
                "the units {time_unit!r} and {force_unit!r} are not both known; times: "
                "{time_units}; forces: {force_units}",
                time_unit=mapping.time_unit,
                force_unit=mapping.force_unit,
                time_units=", ".join(_TIME_UNITS),
                force_units=", ".join(_FORCE_UNITS),
            ),
        )
    for number, line in enumerate(lines[:_HEADER_LINES]):
        for delimiter in (mark for mark in ";\t," if mark in line):
            names = [name.strip() for name in _cells(line, delimiter)]
            if mapping.time in names and mapping.force in names:
                time = _Column(names.index(mapping.time), scales[0], mapping.time)
                force = _Column(names.index(mapping.force), scales[1], mapping.force)
                return _Layout(delimiter, len(names), time, force, False, number + 1)
    numbered = _numbered(lines, mapping, scales[0], scales[1])
    if numbered is not None:
        return numbered
    raise FileFormatError(
        path,
        Message("no line names the columns {time!r} and {force!r}", time=mapping.time, force=mapping.force),
    )


def _numbered(
    lines: Sequence[str], mapping: ColumnMapping, time_scale: float, force_scale: float
) -> _Layout | None:
    """Find the first line with numbers in the columns that a person counted, from 1; None where none has."""
    if not (mapping.time.isdecimal() and mapping.force.isdecimal()):
        return None
    time, force = int(mapping.time) - 1, int(mapping.force) - 1
    if min(time, force) < 0:
        return None
    for number, line in enumerate(lines[:_HEADER_LINES]):
        for delimiter in (mark for mark in ";\t," if mark in line):
            cells = _cells(line, delimiter)
            number_of = _decimal(delimiter)
            try:
                found = [number_of(cells[index]) for index in (time, force)]
            except (IndexError, ValueError):
                continue
            if all(map(math.isfinite, found)):
                columns = _Column(time, time_scale, mapping.time), _Column(force, force_scale, mapping.force)
                return _Layout(delimiter, len(cells), *columns, False, number)
    return None


def _header(number: int, line: str) -> _Layout | None:
    """Find the columns that a header names with their units; None where it names none."""
    delimiter = next((mark for mark in ";\t," if mark in line), None)
    if delimiter is None:
        return None
    names = [name.strip().strip('"') for name in line.split(delimiter)]
    time = _find(names, _TIME_WORDS, _TIME_UNITS)
    force = _find(names, _FORCE_WORDS, _FORCE_UNITS)
    if time is None or force is None:
        return None
    wall_clock = time.name.lower().startswith("unix")
    return _Layout(delimiter, len(names), time, force, wall_clock, number + 1)


def _no_header(line: str) -> Message:
    shown = line.strip()[:60]
    return Message(
        "no header that names a time and a force with their units, but {shown!r}; "
        "put a line such as `time_s,tension_n` first, or name the columns, by name or by number "
        "(`bandsense import FILE --time 1 --force 2`)",
        shown=shown,
    )


def _find(names: Sequence[str], words: Sequence[str], units: dict[str, float]) -> _Column | None:
    """Find the first column that starts with one of the words and ends with one of the units."""
    for index, name in enumerate(names):
        parts = [part for part in re.split(r"[\s_()\[\]/]+", name.lower()) if part]
        if len(parts) >= 2 and parts[0] in words and parts[-1] in units and not _is_uncertainty(parts):
            return _Column(index, units[parts[-1]], name)
    return None


def _is_uncertainty(parts: Sequence[str]) -> bool:
    return "u" in parts[1:-1] or "uncertainty" in parts


class _Reader:
    """Turns the rows of one file into arrays, collecting what has to be told."""

    def __init__(self, path: Path, layout: _Layout, torn: bool) -> None:
        self._path = path
        self._layout = layout
        self._torn = torn
        self._missing: list[int] = []
        self._repeated: list[tuple[int, int]] = []
        self._spread = False
        self._cut_off = False

    def read(self, lines: Sequence[str]) -> Recording:
        rows = list(self._rows(lines))
        if not rows:
            raise FileFormatError(
                self._path, Message("there is no sample below the header"), line=self._layout.first_row
            )
        table = self._without_repeated(np.array(rows, dtype=np.float64))
        start = float(table[0, 0])
        # The difference is taken before scaling: wall-clock seconds leave few bits for microseconds.
        given_s = (table[:, 0] - start) * self._layout.time.scale
        time_s = self._taken(given_s)
        force_n = table[:, 1] * self._layout.force.scale
        try:
            block = SampleBlock(time_s, force_n, Unit.NEWTON, _gaps(time_s, table[:, 2] != 0.0))
        except DataError as error:
            raise FileFormatError(
                self._path, Message("{error} (numbers too large or too close together)", error=error)
            ) from error
        first_s = start * self._layout.time.scale
        started = first_s if self._layout.wall_clock else None
        return Recording(self._path, block, first_s, started, tuple(self._notes(lines, block)))

    def _rows(self, lines: Sequence[str]) -> Iterator[tuple[float, float, bool]]:
        """Yield time, force and whether values were left out just before, of each usable line."""
        number_of = _decimal(self._layout.delimiter)
        last = -math.inf
        missing = False
        samples = 0
        for number, line in enumerate(lines[self._layout.first_row :], self._layout.first_row + 1):
            if not line.strip():
                continue
            row = self._row(number, line, number_of, is_last=number == len(lines))
            if row is None:
                missing = True
                continue
            time, force = row
            if time == last:
                self._repeated.append((number, samples))
            if time < last:
                if self._torn and number == len(lines):
                    self._cut_off = True
                    continue
                raise FileFormatError(
                    self._path,
                    Message("time goes back from {last:g} to {time:g}; sort the lines", last=last, time=time),
                    line=number,
                )
            yield time, force, missing
            last, missing, samples = time, False, samples + 1

    def _without_repeated(self, table: FloatArray) -> FloatArray:
        """Return rows without those that have the time of the one before, unless these come in batches."""
        at = [index for _, index in self._repeated]
        many = len(at) >= max(LEAST_REPEATED, REPEATED_SHARE * len(table))
        if many and (table[at, 1] != table[[index - 1 for index in at], 1]).any():
            self._repeated = []
            return table
        table = table.copy()
        for index in at:
            # What was left out before it is missing before the next.
            table[index + 1 : index + 2, 2] += table[index, 2]
        return np.delete(table, at, axis=0)

    def _taken(self, given_s: FloatArray) -> FloatArray:
        """Return when samples were taken that have these times."""
        if given_s.size > 1 and given_s[0] == given_s[-1]:
            raise FileFormatError(
                self._path,
                Message("all lines have one time; each needs the time at which its sample was taken"),
            )
        time_s = even_times(given_s)
        self._spread = time_s is not given_s
        return time_s - time_s[0] if self._spread else given_s

    def _row(
        self, number: int, line: str, number_of: Callable[[str], float], *, is_last: bool
    ) -> tuple[float, float] | None:
        """Time and force of a line; None where there is no usable number."""
        try:
            cells = _cells(line, self._layout.delimiter)
            time = number_of(cells[self._layout.time.index])
            text = cells[self._layout.force.index].strip()
            force = number_of(text) if text else math.nan
        except (ValueError, IndexError):
            if is_last and self._torn:
                self._cut_off = True
                return None
            raise FileFormatError(
                self._path,
                Message(
                    "expected {expected}, found {strip!r}", expected=self._expected(), strip=line.strip()[:60]
                ),
                line=number,
            ) from None
        self._refuse_more_columns(number, cells)
        if not (math.isfinite(time) and math.isfinite(force)):
            self._missing.append(number)
            return None
        self._refuse_the_impossible(number, time, force)
        return time, force

    def _refuse_more_columns(self, number: int, cells: Sequence[str]) -> None:
        """Numbers with decimal commas between commas would be read as other numbers."""
        if any(cell.strip() for cell in cells[self._layout.columns :]):
            raise FileFormatError(
                self._path,
                Message(
                    "{cells} columns, but the header names {columns}; where commas are decimal "
                    "points, columns have to be separated by semicolons",
                    cells=len(cells),
                    columns=self._layout.columns,
                ),
                line=number,
            )

    def _refuse_the_impossible(self, number: int, time: float, force: float) -> None:
        force_n, time_s = force * self._layout.force.scale, time * self._layout.time.scale
        if abs(force_n) > MOST_FORCE_N:
            raise FileFormatError(
                self._path,
                Message(
                    "{force_n:g} N is not a possible tension; check the unit in the header", force_n=force_n
                ),
                line=number,
            )
        if abs(time_s) > MOST_TIME_S:
            raise FileFormatError(
                self._path,
                Message("{time_s:g} s is not a possible time; check the unit in the header", time_s=time_s),
                line=number,
            )

    def _expected(self) -> str:
        return f"numbers for {self._layout.time.name!r} and {self._layout.force.name!r}"

    def _notes(self, lines: Sequence[str], block: SampleBlock) -> Iterator[str]:
        if self._layout.note is not None:
            yield self._layout.note
        if self._missing:
            yield f"{_count(self._missing)} without a finite number left out and marked as a gap"
        if self._repeated:
            repeated = [number for number, _ in self._repeated]
            yield f"{_count(repeated)} with the time of the line before left out"
        if self._spread:
            yield (
                "times are uneven, as those of batches or rounded ones are; the samples were spread evenly "
                "over them, so phases may be wrong by as much as batches are apart"
            )
        if self._cut_off:
            yield f"line {len(lines)} is cut off and was left out"
        elif self._torn:
            yield f"line {len(lines)} has no line end; its last number may be cut off"
        if block.values.min() < min(-PULLED_BELOW_ZERO_N, -2.0 * block.values.max()):
            yield "the force is mostly below zero; if a pull counts as negative there, turn its sign round"


def _count(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    return f"{len(numbers)} lines (the first is line {numbers[0]})"


def _decimal(delimiter: str) -> Callable[[str], float]:
    if delimiter == ",":
        return float
    return lambda text: float(text.replace(",", "."))


def _gaps(time_s: FloatArray, left_out: BoolArray) -> BoolArray:
    gap = left_out.copy()
    intervals = np.diff(time_s)
    if intervals.size:
        at = np.flatnonzero(intervals > GAP_INTERVALS * np.median(intervals))
        near = np.clip(at[:, None] + np.arange(-NEAR_INTERVALS, NEAR_INTERVALS + 1), 0, intervals.size - 1)
        gap[at + 1] |= intervals[at] > GAP_INTERVALS * np.median(intervals[near], axis=1)
    return gap
