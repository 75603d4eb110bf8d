"""What a session is set beside: the one before, as far as the two can be compared."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from bandsense.app.history import History, read_history
from bandsense.app.set_records import conditions_of
from bandsense.errors import BandsenseError
from bandsense.exercises.model import Side
from bandsense.history.comparable import obstacles
from bandsense.history.compare import LastTime as Compared
from bandsense.history.compare import last_time
from bandsense.history.records import Conditions, SetRecord
from bandsense.language import Composed
from bandsense.live.formatting import capital, side_word
from bandsense.live.history_formatting import last_time_words
from bandsense.live.state import LastTime
from bandsense.store.model import Session
from bandsense.store.store import Store

__all__ = ["compared_words", "last_times"]

logger = logging.getLogger(__name__)

LOOKED_AT = 30
"""So many of the latest sessions of a person and exercise are looked through."""


def last_times(store: Store, session: int) -> dict[Side | None, LastTime]:
    """Find what was done before a session that begins, by side; None is both at once.

    The last session that can be compared is taken, and where none can, the last one without its tension.
    """
    try:
        now = store.session(session)
        history = _before(store, now)
    except BandsenseError:  # a past that cannot be read is no reason not to train
        logger.warning("the history cannot be read", exc_info=True)
        return {}
    found: dict[Side | None, LastTime] = {}
    for side, conditions in _beginning(now):
        earlier = [each for each in history.of(now.person, now.exercise) if each.conditions.side == side]
        alike = [each for each in earlier if not obstacles(conditions, each.conditions)]
        sets = _latest(alike or earlier)
        if sets:
            peak_n = max((rep.peak_n for each in sets for rep in each.telling), default=None)
            found[side] = LastTime(tuple(len(each.reps) for each in sets), peak_n if alike else None)
    return found


def compared_words(store: Store, session: int) -> str | None:
    """Tell how a finished session stands to the one before; None where there is none.

    Of two sides, each is told by its name.
    """
    try:
        now = store.session(session)
        records = _before(store, now, with_it=True).of(now.person, now.exercise)
        found = [each for each in last_time(records, session) if each.before]
    except BandsenseError:
        logger.warning("the history cannot be read", exc_info=True)
        return None

    def words(each: Compared) -> str:
        side = each.now[0].conditions.side
        return (f"{capital(side_word(side))}: " if side else "") + last_time_words(each)

    return Composed(lambda: " ".join(map(words, found))) if found else None


def _before(store: Store, now: Session, *, with_it: bool = False) -> History:
    """Read the latest sessions of the same person and exercise."""
    alike = (
        each
        for each in store.sessions()
        if (each.person, each.exercise) == (now.person, now.exercise) and (with_it or each.id != now.id)
    )
    return read_history(store, [each for _, each in zip(range(LOOKED_AT), alike, strict=False)])


def _beginning(now: Session) -> Iterator[tuple[Side | None, Conditions]]:
    """Give the conditions under which each side is about to be measured."""
    for stream in now.streams:
        turns = stream.settings.get("first_side") is not None
        sides: tuple[Side | None, ...] = ("left", "right") if turns else (_side(stream.side),)
        for side in sides:
            yield side, conditions_of(now, stream, side)


def _side(name: str | None) -> Side | None:
    return "left" if name == "left" else "right" if name == "right" else None


def _latest(records: list[SetRecord]) -> list[SetRecord]:
    if not records:
        return []
    session = max(records, key=lambda each: (each.started_unix_s, each.session)).session
    return [each for each in records if each.session == session]
