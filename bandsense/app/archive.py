"""A store to look at from a program: sessions, sets, repetitions and samples as columns with units.

Sets and repetitions are what was stored when they were done; where an earlier version named them otherwise
they are measured anew. Samples are followed from the raw ones as they were live (see `replay`), so that their
tension and its uncertainty are what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from bandsense.app.paths import SIMULATED_STORE_NAME, STORE_NAME, home
from bandsense.app.replay import replay, session_table
from bandsense.errors import StoreError
from bandsense.export.rows import REP_COLUMNS, SET_COLUMNS, rep_rows, set_rows
from bandsense.export.table import Column, SessionTable, StreamTable, utc
from bandsense.language import Message
from bandsense.samples import Unit, concatenate
from bandsense.store.address import ServerAddress
from bandsense.store.model import Session, SessionFilter, Stream
from bandsense.store.store import Store

if TYPE_CHECKING:
    from bandsense.profiles.band import BandProfile

__all__ = [
    "BAND_COLUMNS",
    "SESSION_COLUMNS",
    "StoreReader",
    "StoredSession",
    "Table",
    "band_figures",
    "open_store",
]

SESSION_COLUMNS = (
    Column("session", "integer", "Number of the session in the store"),
    Column("started", "dateTime", "When it began, UTC"),
    Column("person", "string", "Who trained"),
    Column("exercise", "string", "Identity of the exercise"),
    Column("band", "string", "Identity of the band, where one was named"),
    Column("source", "string", "`sensor`, `simulator` or where it was imported from"),
    Column("state", "string", "`open`, `complete` or `recovered` (cut short and closed later)"),
    Column("duration_s", "double", "Length by the sensor's clock", "s"),
    Column("samples", "integer", "Samples of all sensors"),
    Column("sets", "integer", "Finished sets"),
    Column("reps", "integer", "Repetitions, partial ones included"),
)

BAND_COLUMNS = (
    Column("band", "string", "Identity of the band"),
    Column("brand", "string", "Who makes it"),
    Column("colour", "string", "Its colour, as the maker calls it"),
    Column("form", "string", "`flat`, `tube` or `loop`"),
    Column("strands", "integer", "Strands side by side"),
    Column("rest_length_m", "double", "Unstretched length", "m"),
    Column("f100_n", "double", "Tension of all strands at twice the unstretched length", "N"),
    Column("f100_uncertainty_n", "double", "Standard uncertainty (k = 1) of that tension", "N"),
    Column("exponent", "double", "Exponent of the power law of tension over elongation"),
    Column("exponent_uncertainty", "double", "Standard uncertainty (k = 1) of the exponent"),
    Column("known_from", "string", "`pull` (measured), `colour` (as published) or nothing"),
    Column("cycles", "integer", "Repetitions done with it"),
)

_MISSING: Mapping[str, Any] = {"double": np.nan, "integer": -1, "boolean": False}
"""What stands where a figure is not known; texts are empty, and times are NaT."""

_DTYPES: Mapping[str, Any] = {"double": np.float64, "integer": np.int64, "boolean": np.bool_}


class Table(Mapping[str, NDArray[Any]]):
    """Columns of equal length by name, with their units; `pandas.DataFrame(dict(table))` makes a data frame.

    Where a figure is not known stands NaN, −1 in whole numbers, NaT in times and "" in texts.

    Args:
        columns: what each column holds.
        arrays: its values, one-dimensional, by the column's name.

    Attributes:
        units: of the columns that have one, by name, as UCUM symbols (`s`, `N`, `N.s`, `m`, `J`).
        meanings: of all columns, by name.
    """

    def __init__(self, columns: Sequence[Column], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = {column.name: arrays[column.name] for column in columns}
        self.units = {column.name: column.unit for column in columns if column.unit is not None}
        self.meanings = {column.name: column.description for column in columns}

    @classmethod
    def of_rows(cls, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> Table:
        """Turn rows with a value, or None, for each column into columns."""
        listed = list(rows)
        return cls(columns, {each.name: _array(each, [row[each.name] for row in listed]) for each in columns})

    @override
    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    @override
    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def rows(self) -> int:
        """How long each column is."""
        return len(next(iter(self._arrays.values()), ()))

    def where(self, mask: NDArray[np.bool_]) -> Table:
        """Return the rows for which a mask (bool[rows]) holds."""
        chosen = object.__new__(Table)
        chosen._arrays = {name: values[mask] for name, values in self._arrays.items()}
        chosen.units, chosen.meanings = self.units, self.meanings
        return chosen

    @override
    def __repr__(self) -> str:
        return f"<Table of {self.rows} rows: {', '.join(self)}>"


def _array(column: Column, values: list[Any]) -> NDArray[Any]:
    if column.datatype == "dateTime":
        # Every time is in UTC, which numpy takes for granted.
        texts = ["NaT" if value is None else value.removesuffix("Z") for value in values]
        return np.array(texts, dtype="datetime64[ms]")
    if column.datatype == "string":
        return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
    missing = _MISSING[column.datatype]
    return np.array([missing if value is None else value for value in values], dtype=_DTYPES[column.datatype])


class StoredSession:
    """One session of a store.

    Attributes:
        info: what the store says of it: who, what, when, with which sensors (`streams`).
    """

    def __init__(self, store: Store, info: Session) -> None:
        self._store = store
        self.info = info

    @property
    def number(self) -> int:
        """Return the number of the session in its store."""
        return self.info.id

    @override
    def __repr__(self) -> str:
        return f"<StoredSession {self.number}: {self.info.exercise}, {utc(self.info.started_unix_s)}>"

    def sets(self) -> Table:
        """Return a row a set, in the order of time: see the columns of `csv-sets` in docs/data.md.

        Raises:
            StoreError: what is stored is damaged.
        """
        return Table.of_rows(SET_COLUMNS, set_rows(self._stored()))

    def repetitions(self) -> Table:
        """Return a row a repetition, in the order of time: see the columns of `csv-reps` in docs/data.md.

        Raises:
            StoreError: what is stored is damaged.
        """
        return Table.of_rows(REP_COLUMNS, rep_rows(self._stored()))

    def stored_sets(self) -> list[tuple[str | None, Mapping[str, Any]]]:
        """Return all that is stored of each set (`SetResult` in docs/data.md), beside the side of its sensor.

        Raises:
            StoreError: what is stored is damaged.
        """
        return [(table.stream.side, data) for table in self._stored().streams for data in table.sets]

    def samples(self, side: str | None = None) -> Table:
        """Return a row a sample with tension and phase, as they were live.

        Args:
            side: `left` or `right`, where the session has two sensors.

        Raises:
            StoreError: there is no such side, or what is stored is damaged.
        """
        wanted = replace(self.info, streams=(self._stream(side),))
        (table,) = session_table(self._store, wanted).streams
        return Table(table.columns, {column.name: table.column(column.name) for column in table.columns})

    def raw(self, side: str | None = None) -> Table:
        """Return a row a sample, exactly as the sensor sent it, nothing computed; `side` as in `samples`."""
        stream = self._stream(side)
        block = concatenate(self._store.blocks(stream))
        values = block.values.astype(np.int64) if stream.unit is Unit.COUNT else block.values
        arrays = {
            "time_s": block.time_s,
            "raw": values,
            "gap_before": block.gap_before,
            "saturated": block.saturated,
        }
        columns = StreamTable.empty(stream).columns
        return Table([column for column in columns if column.name in arrays], arrays)

    def summary(self) -> dict[str, Any]:
        """Return the session in a few numbers; of one that was cut short, measured now."""
        if self.info.summary is not None:
            return dict(self.info.summary)
        return asdict(replay(self._store, self._stream(None)).summary)

    def _stream(self, side: str | None) -> Stream:
        streams = [each for each in self.info.streams if side in (None, each.side)]
        if not streams:
            known = ", ".join(each.side for each in self.info.streams if each.side) or Message("no sides")
            raise StoreError(
                Message(
                    "session {number} has no side {side!r}; it has {known}",
                    number=self.number,
                    side=side,
                    known=known,
                )
            )
        if len(streams) > 1:
            raise StoreError(
                Message(
                    "session {number} has two sensors; say side='left' or side='right'", number=self.number
                )
            )
        return streams[0]

    def _stored(self) -> SessionTable:
        """Lay out what was stored of its sets; what another version named otherwise is followed anew."""
        tables = [StreamTable.empty(stream, tuple(self._store.sets(stream))) for stream in self.info.streams]
        if all("start_s" in each and "rep_metrics" in each for table in tables for each in table.sets):
            return SessionTable(self.info, tuple(tables))
        return session_table(self._store, self.info)


class StoreReader:
    """A store opened for reading: nothing that is done with it can change what is stored.

    It may be used while another program records.

    Attributes:
        path: of the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = store.path

    def session(self, which: int | Literal["last"] = "last") -> StoredSession:
        """Return a session by its number, or the newest.

        Raises:
            StoreError: there is none.
        """
        return StoredSession(self._store, self._store.session(which))

    def sessions(
        self,
        *,
        person: str | None = None,
        exercise: str | None = None,
        band: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> list[StoredSession]:
        """Return the sessions that are looked for, the oldest first.

        Args:
            person, exercise, band: identities; None for any.
            since, until: local days, both included; a `datetime` is a moment, `until` excluded.
        """
        which = SessionFilter(
            since_unix_s=None if since is None else _unix_s(since),
            until_unix_s=None if until is None else _unix_s(until, after=True),
            person=person,
            exercise=exercise,
            band=band,
        )
        return [StoredSession(self._store, info) for info in reversed(self._store.sessions(which))]

    def overview(self, **which: Any) -> Table:
        """Return a row a session; arguments as `sessions`."""
        return Table.of_rows(SESSION_COLUMNS, map(_overview_row, self.sessions(**which)))

    def sets(self, **which: Any) -> Table:
        """Return a row a set of all these sessions; arguments as `sessions`."""
        return self._joined(SET_COLUMNS, set_rows, which)

    def repetitions(self, **which: Any) -> Table:
        """Return a row a repetition of all these sessions; arguments as `sessions`."""
        return self._joined(REP_COLUMNS, rep_rows, which)

    def bands(self) -> Table:
        """Return a row a band, with what is known of its tension and how sure that is."""
        from bandsense.app.trainee import profiles_of

        return Table.of_rows(BAND_COLUMNS, map(_band_row, profiles_of(self._store).bands))

    def history(
        self, *, exercise: str | None = None, person: str | None = None, weeks: int = 8
    ) -> dict[str, Any] | None:
        """Tell how an exercise went, as `bandsense history --json`; None where there is no set of it.

        Args:
            exercise: its identity; None for the one that was done last.
            person: whose; None for who trained last.
            weeks: how far back.
        """
        from bandsense.app.history import bands_of, overview_json, read_history
        from bandsense.history.overview import overview

        history = read_history(self._store)
        records = history.of(person if person is not None else history.last_person)
        wanted = exercise or (records[-1].conditions.exercise if records else None)
        told = overview((each for each in records if each.conditions.exercise == wanted), weeks=weeks)
        return None if told is None else overview_json(told, bands_of(self._store))

    def _joined(
        self,
        columns: Sequence[Column],
        rows_of: Callable[[SessionTable], Iterable[Mapping[str, Any]]],
        which: Mapping[str, Any],
    ) -> Table:
        return Table.of_rows(
            columns, (row for each in self.sessions(**which) for row in rows_of(each._stored()))
        )


def _unix_s(when: date, *, after: bool = False) -> float:
    if isinstance(when, datetime):
        return when.timestamp()
    day = date.fromordinal(when.toordinal() + after)
    return datetime.combine(day, time()).timestamp()


def _overview_row(session: StoredSession) -> dict[str, Any]:
    info = session.info
    summary = info.summary or {}
    return {
        "session": info.id,
        "started": utc(info.started_unix_s),
        "person": info.person,
        "exercise": info.exercise,
        "band": info.band,
        "source": info.source,
        "state": info.state.value,
        "duration_s": summary.get("duration_s"),
        "samples": info.samples,
        "sets": summary.get("sets"),
        "reps": summary.get("reps"),
    }


def band_figures(band: BandProfile) -> dict[str, Any]:
    """Return what is known of a band's tension, beside its uncertainty: in `BAND_COLUMNS`."""
    law, published = band.law(), band.published()
    f100_n = None if law is None else band.strands * law.f100_n
    measured = band.f100_n is not None
    uncertainty_n = None
    if f100_n is not None and measured and band.stiffness:
        uncertainty_n = band.stiffness[-1].uncertainty_n
    elif f100_n is not None and published is not None:
        uncertainty_n = f100_n * published.relative_uncertainty
    return {
        "f100_n": f100_n,
        "f100_uncertainty_n": uncertainty_n,
        "exponent": None if law is None else law.p,
        "exponent_uncertainty": None if law is None else band.exponent_uncertainty,
        "known_from": ("pull" if measured else "colour") if law is not None else None,
    }


def _band_row(band: BandProfile) -> dict[str, Any]:
    return {
        "band": band.id,
        "brand": band.brand,
        "colour": band.colour,
        "form": band.form.value,
        "strands": band.strands,
        "rest_length_m": band.rest_length_m,
        **band_figures(band),
        "cycles": band.cycles,
    }


def open_store(path: Path | str | ServerAddress | None = None, *, simulated: bool = False) -> StoreReader:
    """Open a store for reading, and change nothing in it.

    Args:
        path: of the store, or the address of one on a server; None for the one that the commands use.
        simulated: in place of that, the one that simulated sessions go to.

    Raises:
        StoreError: there is none, it is damaged, or a newer bandsense made it.
    """
    chosen = home() / (SIMULATED_STORE_NAME if simulated else STORE_NAME) if path is None else path
    return StoreReader(Store.open(chosen, read_only=True))
