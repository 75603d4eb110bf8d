"""Streams analysed again: kept beside what was seen live, marked by what they rest on."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass

from bandsense.store.backend import Backend, transaction
from bandsense.store.documents import readable_object
from bandsense.store.model import JsonObject

__all__ = ["Analyses", "Analysis", "analysis_digest"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A stream followed once more.

    Attributes:
        digest: of settings and software: the same ones give the same results.
        settings: with which the samples were followed.
    """

    stream: int
    digest: str
    software: str
    settings: JsonObject
    summary: JsonObject
    sets: tuple[JsonObject, ...]
    made_unix_s: float = 0.0


def analysis_digest(settings: JsonObject, software: str) -> str:
    """Return what tells an analysis with these settings by this software from all others."""
    text = json.dumps([settings, software], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Analyses:
    """The analyses of a store's streams.

    Raises a `StoreError` where the store cannot be read or written.
    """

    def __init__(self, database: Backend) -> None:
        self._database = database

    def keep(self, analysis: Analysis) -> None:
        """Keep an analysis; the same one takes the place of itself."""
        row = (
            analysis.stream,
            analysis.digest,
            analysis.made_unix_s or time.time(),
            analysis.software,
            json.dumps(analysis.settings),
            json.dumps(analysis.summary),
            json.dumps(analysis.sets),
        )
        with self._database.opened() as connection, transaction(connection):
            connection.execute("DELETE FROM analyses WHERE stream = ? AND digest = ?", row[:2])
            connection.execute("INSERT INTO analyses VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, stream: int, digest: str) -> Analysis | None:
        """Return the analysis of a stream by its digest; None where there is none, or it is damaged."""
        return next((each for each in self.of(stream) if each.digest == digest), None)

    def of(self, stream: int) -> list[Analysis]:
        """Return the analyses of a stream, the oldest first; what is damaged is passed over."""
        with self._database.opened() as connection:
            rows = connection.execute(
                "SELECT digest, software, settings, summary, '{\"sets\": ' || sets || '}', made_unix_s "
                "FROM analyses WHERE stream = ? ORDER BY made_unix_s",
                (stream,),
            ).fetchall()
        found = []
        for digest, software, *texts, made_unix_s in rows:
            settings, summary, sets = map(readable_object, texts)
            if settings is not None and summary is not None and sets is not None:
                found.append(
                    Analysis(stream, digest, software, settings, summary, tuple(sets["sets"]), made_unix_s)
                )
        return found
