"""Make the report of a session, or of an exercise over weeks, from what is stored."""

from __future__ import annotations

from datetime import date

from bandsense.app.history import bands_of, read_history
from bandsense.app.session_detail import SessionDetail, StreamDetail, session_detail
from bandsense.app.sessions import meant_instead
from bandsense.app.trainee import profiles_of
from bandsense.errors import BandsenseError, StoreError
from bandsense.exercises.catalogue import get_exercise
from bandsense.history.overview import Overview, overview
from bandsense.history.records import SetRecord
from bandsense.language import Message
from bandsense.live.history_formatting import breathing_words, measured_words
from bandsense.profiles.person import Person
from bandsense.report.compose import Context, session_report, weeks_report
from bandsense.report.document import Report, to_svg
from bandsense.report.sets import SetDetail, phase_key, session_chart
from bandsense.store.model import Session, is_simulated_source
from bandsense.store.store import Store

__all__ = ["picture_of_session", "report_of_session", "report_of_weeks"]

_WEEKS_BACK = 8


def report_of_session(
    store: Store,
    session: Session,
    *,
    anonymous: bool = False,
    to_do: tuple[str, ...] = (),
    per_week: int | None = None,
) -> Report:
    """Report one session, beside the weeks before it.

    Args:
        store: where it is.
        session: which one.
        anonymous: leave the person's name out.
        to_do: lines of the box, in place of the usual ones.
        per_week: sessions a week that were prescribed.

    Raises:
        StoreError: it has no finished set, or its data are damaged.
    """
    detail = session_detail(store, session)
    if not detail.sets:
        raise StoreError(
            Message(
                "session {session} has no finished set to report; `bandsense sessions` lists all",
                session=session.id,
            )
        )
    record = detail.sets[-1].record
    told = _overview(store, record, weeks=_WEEKS_BACK, per_week=per_week)
    stream = detail.streams[0]
    context = _context(store, record, stream, anonymous=anonymous, to_do=to_do, per_week=per_week)
    return session_report(detail.sets, told, context)


def picture_of_session(store: Store, session: Session) -> str:
    """Draw the tension over a session as an SVG file: its sets, and what was changed between them.

    Raises:
        StoreError: it has no finished set, or its data are damaged.
    """
    detail = session_detail(store, session)
    if not detail.sets:
        raise StoreError(
            Message(
                "session {session} has no finished set to draw; `bandsense sessions` lists all",
                session=session.id,
            )
        )
    stream = detail.streams[0]
    exercise = "" if session.exercise is None else f": {get_exercise(session.exercise).name}"
    title = f"Session {session.id}{exercise}"
    untold = phase_key(figures for each in stream.sets for figures in each.figures).untold
    chart = session_chart(stream.sets, stream.time_s, stream.tension_n)
    return to_svg(title, chart, note="; ".join(untold))


def report_of_weeks(
    store: Store,
    *,
    weeks: int,
    person: str | None = None,
    exercise: str | None = None,
    anonymous: bool = False,
    to_do: tuple[str, ...] = (),
    per_week: int | None = None,
) -> Report:
    """Report one exercise over weeks.

    Args:
        store: where its sessions are.
        weeks: so many, up to the latest session.
        person: who; None for who trained last.
        exercise: which; None for the one that was done last.
        anonymous, to_do, per_week: see `report_of_session`.

    Raises:
        StoreError: there is no finished set.
    """
    history = read_history(store)
    who = person if person is not None else history.last_person
    records = history.of(who, exercise)
    if not records:
        meant = meant_instead(store, person=person, exercise=exercise)
        meant = meant or Message("train with `bandsense live` (simulated ones: --simulated)")
        raise StoreError(Message("there is no finished set to report; {meant}", meant=meant))
    told = _overview(store, records[-1], weeks=weeks, per_week=per_week)
    if told is None:
        raise StoreError(
            Message(
                "there is no finished set in the last {weeks} weeks; ask for more with --weeks", weeks=weeks
            )
        )
    best, stream = _strongest(store, told)
    context = _context(store, told.sets[-1], stream, anonymous=anonymous, to_do=to_do, per_week=per_week)
    return weeks_report(told, best, context)


def _overview(store: Store, record: SetRecord, *, weeks: int, per_week: int | None) -> Overview | None:
    """Look back from this record over the same exercise of the same person."""
    records = read_history(store).of(record.person, record.conditions.exercise)
    return overview(
        (each for each in records if each.started_unix_s <= record.started_unix_s),
        weeks=weeks,
        per_week=per_week,
    )


def _strongest(store: Store, told: Overview) -> tuple[SetDetail | None, StreamDetail | None]:
    """Follow the session of the best pull again; None where its samples cannot be read."""
    record = told.bests[0].record
    try:
        detail: SessionDetail = session_detail(store, store.session(record.session))
    except BandsenseError:
        return None, None
    for stream in detail.streams:
        for each in stream.sets:
            if (each.record.number, each.record.conditions) == (record.number, record.conditions):
                return each, stream
    return None, None


def _context(
    store: Store,
    record: SetRecord,
    stream: StreamDetail | None,
    *,
    anonymous: bool,
    to_do: tuple[str, ...],
    per_week: int | None,
) -> Context:
    from bandsense import __version__

    band = bands_of(store).get(record.conditions.band or "")
    exercise = None if stream is None else stream.settings.exercise
    breathing = "" if exercise is None else breathing_words(exercise.breathing.concentric.value)
    return Context(
        software=f"bandsense {__version__}",
        person=None if anonymous else _name(store, record.person),
        band=band[0] if band else record.conditions.band,
        to_do=to_do,
        breathing=breathing,
        per_week=per_week or _prescribed_per_week(store, record),
        simulated=is_simulated_source(record.conditions.source),
        measured=measured_words(
            record.conditions.sensor,
            record.conditions.calibration.rsplit(", ", 1)[0],
            record.span_uncertainty,
            None if stream is None else stream.rate_hz,
        ),
    )


def _prescribed_per_week(store: Store, record: SetRecord) -> int | None:
    """Return on how many days a week the exercise is to be done now, where that is prescribed."""
    who = _person(store, record.person)
    if who is None or who.prescription is None:
        return None
    prescribed = who.prescription.prescribed(record.conditions.exercise, date.today())
    return None if prescribed is None else prescribed.days_per_week


def _name(store: Store, person: str | None) -> str | None:
    who = _person(store, person)
    return person if who is None else who.name


def _person(store: Store, person: str | None) -> Person | None:
    return next((each for each in profiles_of(store).people if each.id == person), None)
