"""The history pages: sessions, a session, a set, trends, left and right, bands; without a script.

They are what a person's training looks like on paper and on a screen alike: charts are SVG made by `report`,
sentences come from `live.history_formatting`, and nothing is set beside each other that cannot be compared.
A link that may only watch does not open them, because they hold everybody's past.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from bandsense.app.feedback import note_session, session_note, undo_note
from bandsense.app.history import History, bands_of, read_history
from bandsense.app.report import report_of_session, report_of_weeks
from bandsense.app.session_detail import GivenAdvice, SessionDetail, StreamDetail, session_detail
from bandsense.app.strength_test import compare, is_strength_test, strength_records
from bandsense.app.told_commands import naming_simulated
from bandsense.app.trainee import person_named, profiles_of
from bandsense.errors import BandsenseError, DataError, StoreError
from bandsense.exercises.catalogue import get_exercise
from bandsense.history.compare import hidden_of_sides, last_time, sides
from bandsense.history.figures import LOAD, PEAK
from bandsense.history.overview import Overview, overview
from bandsense.history.records import SetRecord
from bandsense.history.trends import Trend
from bandsense.language import (
    Message,
    language,
    mark,
    number,
    said,
    speaking,
    telling_commands,
    tr,
    trn,
)
from bandsense.live import history_formatting as words
from bandsense.live import strength_formatting as strength
from bandsense.live.formatting import (
    advice_text,
    capital,
    doubt_lines,
    feedback_words,
    full_repetitions_words,
    not_full_words,
    numbered,
    range_words,
    repetitions_words,
    side_word,
)
from bandsense.live.hidden_formatting import REP_FIGURES, hidden_lines
from bandsense.live.units import force_figure, force_range, show_in, shown_unit, with_uncertainty
from bandsense.report.compose import hidden_of_sets, tempo_figures, under_tension_words
from bandsense.report.document import style_sheet, to_html
from bandsense.report.sets import (
    SetDetail,
    bar_lines,
    dose_chart,
    mean_repetition_chart,
    overlay_chart,
    phase_key,
    session_chart,
    set_chart,
    set_strip,
    sides_chart,
    slack_chart,
    trend_chart,
    wear_chart,
)
from bandsense.signal.metrics import hidden_of_most
from bandsense.store.model import Session, SessionFilter
from bandsense.store.store import Store
from bandsense.web.access import Access, Role
from bandsense.web.reading import language_of
from bandsense.web.trace_page import FORCE_UNITS, MOST_BYTES, TIME_UNITS, analysed, read_upload
from bandsense.workout.feedback import LONGEST_NOTE
from bandsense.workout.tempo import hand_tempo

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["history_routes"]

_NAV = (
    (mark("Train"), "/"),
    (mark("Sessions"), "/sessions"),
    (mark("Trends"), "/trends"),
    (mark("Bands"), "/bands"),
)
SESSIONS_A_PAGE = 40
_MOST_FORM = 12 * LONGEST_NOTE + 200
"""Bytes of a form: a note of the longest characters, encoded."""
_DEFAULT_WEEKS = 8
_MOST_WEEKS = 520

Page = Callable[["_Visit"], "Response"]


def history_routes(stores: tuple[Store, Callable[[], Store]], access: Access) -> list[BaseRoute]:
    """Give the routes of the pages.

    Args:
        stores: the store of real sessions, and what opens the one of simulated ones (`?simulated=1`).
        access: who may.
    """
    from starlette.routing import Route

    pages: dict[str, Page] = {
        "/sessions": _sessions,
        "/sessions/{session:int}": _session,
        "/sessions/{session:int}/sides": _sides,
        "/sessions/{session:int}/report.html": _report,
        "/sessions/{session:int}/sets/{number:int}": _set,
        "/sessions/{session:int}/sets/{number:int}/{side}": _set,
        "/trends": _trends,
        "/trends/report.html": _weeks_report,
        "/bands": _bands,
        "/analyze": _trace,
    }
    routes: list[BaseRoute] = [Route(path, _guarded(page, stores, access)) for path, page in pages.items()]
    writing = Route("/sessions/{session:int}/note", _note_written(stores, access), methods=["POST"])
    reading = Route("/analyze", _trace_sent(stores, access), methods=["POST"])
    return [*routes, writing, reading, Route("/charts.css", _charts_css)]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request: what was asked, the store that it is about, and what was written in a form."""

    request: Request
    store: Store
    simulated: bool
    form: Mapping[str, str] = field(default_factory=dict)

    def asked(self, name: str) -> str:
        """Give what was asked for by that name; empty where nothing was."""
        return str(self.request.query_params.get(name, "")).strip()[:200]

    def number(self, name: str, usual: int, most: int) -> int:
        """Give a number that was asked for, within its bounds."""
        text = self.asked(name)
        return min(most, max(1, int(text))) if text.isdecimal() and len(text) < 6 else usual

    def path(self, path: str, **query: object) -> str:
        """Give the address of a page of the same store."""
        told = {name: value for name, value in query.items() if value not in (None, "")}
        if self.simulated:
            told["simulated"] = 1
        return f"{path}?{urlencode(told)}" if told else path

    def page(self, template: str, here: str, **values: Any) -> Response:
        """Draw a page."""
        from starlette.responses import HTMLResponse

        nav = [(tr(name), path if path == "/" else self.path(path)) for name, path in _NAV]
        common = {
            "nav": nav,
            "here": tr(here),
            "simulated": self.simulated,
            "unit": shown_unit().value,
            "language": language(),
        }
        return HTMLResponse(_environment().get_template(template).render(**common, **values))

    def problem(self, title: str, message: str, status: int) -> Response:
        """Say what is wrong, and what to do."""
        answer = self.page("problem.html", "", title=title, words=f"{message[0].upper()}{message[1:]}.")
        answer.status_code = status
        return answer


def _guarded(
    page: Page, stores: tuple[Store, Callable[[], Store]], access: Access
) -> Callable[..., Response]:
    # Not a coroutine: Starlette runs it in a thread, so that a long history holds up no stream.
    def answer(request: Request, form: Mapping[str, str] | None = None) -> Response:
        with speaking(language_of(request)):
            return spoken(request, form)

    def spoken(request: Request, form: Mapping[str, str] | None) -> Response:
        simulated = request.query_params.get("simulated") == "1"
        visit = _Visit(request, stores[0], simulated, form or {})
        if access.role(request) is not Role.TRAIN:
            return visit.problem(
                tr("Not with this link"), tr("this link may only watch the present session"), 403
            )
        try:
            if not simulated:
                return page(visit)
            visit = replace(visit, store=stores[1]())
            with telling_commands(naming_simulated(visit.store)):
                return page(visit)
        except StoreError as error:
            return visit.problem(tr("Not found"), said(error), 404)
        except DataError as error:
            return visit.problem(
                tr("This cannot be saved") if form else tr("This cannot be shown"),
                said(error),
                400 if form else 500,
            )
        except BandsenseError as error:
            return visit.problem(tr("This cannot be shown"), said(error), 500)

    return answer


def _note_written(
    stores: tuple[Store, Callable[[], Store]], access: Access
) -> Callable[[Request], Awaitable[Response]]:
    """Keep what was written into a form, and show the page again; `Guard` lets only our own forms through."""
    keep = _guarded(_keep_note, stores, access)

    async def answer(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import PlainTextResponse

        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_FORM:
                return PlainTextResponse("that is too much\n", 413)
        fields = parse_qs(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=10)
        return await run_in_threadpool(keep, request, {name: values[-1] for name, values in fields.items()})

    return answer


def _keep_note(visit: _Visit) -> Response:
    from starlette.responses import RedirectResponse

    session = visit.store.session(int(visit.request.path_params["session"]))
    if visit.form.get("do") == "undo":
        undo_note(visit.store, session)
    else:
        note_session(visit.store, session, visit.form.get("note", "").replace("\r\n", "\n"))
    return RedirectResponse(visit.path(f"/sessions/{session.id}") + "#note", 303)


def _note_form(visit: _Visit, session: Session) -> dict[str, Any]:
    text, undo = session_note(visit.store, session)
    path = visit.path(f"/sessions/{session.id}/note")
    return {"path": path, "text": text, "undo": undo, "longest": LONGEST_NOTE}


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bandsense.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["code"] = _with_code
    environment.globals["tr"] = tr
    return environment


def _with_code(sentence: str) -> Any:
    """Write what stands between backticks, a command, as code; all of it escaped."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in sentence.split("`")]
    marked = [Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)]
    return Markup("").join(marked)


def _charts_css(_request: Request) -> Response:
    from starlette.responses import Response

    return Response(style_sheet("charts.css"), media_type="text/css")


def _html(chart: str) -> Any:
    """Mark a chart as the HTML that it is."""
    from markupsafe import Markup

    return Markup(chart)  # noqa: S704 (made by `report.charts`, which escapes)


# -- sessions ------------------------------------------------------------------------------------------------


def _exercise_name(exercise: str | None) -> str:
    if exercise is None:
        return tr("Session")
    try:
        return tr(get_exercise(exercise).name)
    except BandsenseError:  # one of the person's own that is no more
        return exercise


def _names(store: Store) -> dict[str, str]:
    return {person.id: person.name for person in profiles_of(store).people}


def _choices(sessions: Sequence[Session], names: dict[str, str]) -> dict[str, Any]:
    exercises = {session.exercise for session in sessions if session.exercise}
    people = {session.person for session in sessions if session.person}
    return {
        "exercises": sorted(((each, _exercise_name(each)) for each in exercises), key=lambda pair: pair[1]),
        "people": sorted(((each, names.get(each, each)) for each in people), key=lambda pair: pair[1]),
    }


def _when(session: Session) -> datetime:
    return datetime.fromtimestamp(session.started_unix_s).astimezone()


def _matches(session: Session, wanted: str, names: dict[str, str]) -> bool:
    """Look for words that begin with each that was typed, in the exercise, the person and the date."""
    at = _when(session)
    text = " ".join(
        (
            _exercise_name(session.exercise),
            names.get(session.person or "", session.person or ""),
            f"{at:%Y-%m-%d} {at.day} {at:%B %Y %A}",
            str(session.id),
        )
    ).casefold()
    beginnings = re.split(r"\W+", wanted.casefold())
    return all(re.search(rf"\b{re.escape(each)}", text) for each in beginnings if each)


def _sessions(visit: _Visit) -> Response:
    asked = {name: visit.asked(name) for name in ("q", "exercise", "person")}
    everything = visit.store.sessions()
    names = _names(visit.store)
    found = [
        session
        for session in everything
        if asked["exercise"] in ("", session.exercise)
        and asked["person"] in ("", session.person)
        and (not asked["q"] or _matches(session, asked["q"], names))
    ]
    before = visit.number("page", 1, 100_000)
    shown = found[(before - 1) * SESSIONS_A_PAGE : before * SESSIONS_A_PAGE]
    history = read_history(visit.store, shown)
    months: dict[str, list[dict[str, Any]]] = {}
    for session in shown:
        row = _session_row(visit, session, history, names if len(names) > 1 else {})
        months.setdefault(words.month_words(_when(session)), []).append(row)
    more = len(found) > before * SESSIONS_A_PAGE
    return visit.page(
        "sessions.html",
        "Sessions",
        title=tr("Sessions"),
        about=words.sessions_words(len(found))
        if len(found) == len(everything)
        else tr("{n} of {of} sessions", n=len(found), of=len(everything)),
        months=list(months.items()),
        bars=bar_lines(history.records),
        asked=asked,
        older=visit.path("/sessions", **asked, page=before + 1) if more else "",
        empty=tr("Your first session will be here.") if not everything else tr("No session matches that."),
        **_choices(everything, names),
    )


def _session_name(session: Session) -> str:
    if is_strength_test(session):
        return tr("Strength test")
    return _exercise_name(session.exercise)


def _session_row(visit: _Visit, session: Session, history: History, names: dict[str, str]) -> dict[str, Any]:
    sets = [record for record in history.records if record.session == session.id]
    peak = "" if is_strength_test(session) else tr("no set")
    reps = [rep for each in sets for rep in each.reps]
    at = _when(session)
    return {
        "path": visit.path(f"/sessions/{session.id}"),
        "day": words.short_moment_words(at),
        "exercise": _session_name(session),
        "about": names.get(session.person or "", ""),
        "strips": [_html(set_strip(each)) for each in sets],
        "peak": f"{words.strongest_words(reps)} {shown_unit().value}" if reps else peak,
    }


# -- a session -----------------------------------------------------------------------------------------------


def _found(visit: _Visit) -> SessionDetail:
    session = visit.store.session(int(visit.request.path_params["session"]))
    show_in(person_named(visit.store, session.person).unit)
    return session_detail(visit.store, session)


def _zone_words(record: SetRecord) -> str:
    return "" if record.targets.zone_n is None else force_range(*record.targets.zone_n)


def _set_path(visit: _Visit, record: SetRecord, *, both: bool) -> str:
    side = f"/{record.conditions.side}" if both and record.conditions.side else ""
    return visit.path(f"/sessions/{record.session}/sets/{record.number}{side}")


def _in_zone(record: SetRecord) -> str:
    if record.targets.zone_n is None:
        return ""
    within = sum(record.targets.in_zone(rep.peak_n) for rep in record.reps)
    return tr("{reps} of {number}", reps=within, number=len(record.reps))


def _session(visit: _Visit) -> Response:
    stored = visit.store.session(int(visit.request.path_params["session"]))
    if is_strength_test(stored):
        return _strength_test(visit, stored)
    detail = _found(visit)
    session, details = detail.session, detail.sets
    at = _when(session)
    length_s = max((float(each.time_s[-1] - each.time_s[0]) for each in detail.streams), default=0.0)
    about = (
        f"{_who(visit, session)}{words.moment_words(at)}, {round(length_s / 60.0)} min. {_how(visit, detail)}"
    )
    if session.simulated:
        about = f"{about} {capital(tr('simulated: nobody trained this'))}."
    name = _exercise_name(session.exercise)
    path = f"/sessions/{session.id}"
    if not details:
        return visit.problem(name, tr("no set was finished in this session"), 200)
    records = [each.record for each in details]
    alike = SessionFilter(
        until_unix_s=session.started_unix_s, person=session.person, exercise=session.exercise
    )
    history = read_history(visit.store, [session, *visit.store.sessions(alike)])
    columns = _extra_columns(details)
    both = len(detail.streams) > 1
    return visit.page(
        "session.html",
        "Sessions",
        title=name,
        about=about,
        report=visit.path(f"{path}/report.html"),
        trends_path=visit.path("/trends", exercise=session.exercise, person=session.person),
        sides_path=visit.path(f"{path}/sides") if len(_by_side(details)) == 2 else "",
        lead=f"{words.session_words(records)}",
        figs=_session_figures(details),
        charts=[_stream_chart(each) for each in detail.streams if each.sets],
        zone=_zone_words(records[0]),
        sets=[_set_row(visit, each, columns, both=both) for each in details],
        extra_heads=list(columns),
        hidden=[
            *bar_lines(records),
            *hidden_of_sets(details),
        ],
        advice=[_advice_line(each) for stream in detail.streams for each in stream.advice],
        compared=[words.last_time_words(each) for each in last_time(history.of(session.person), session.id)],
        own_note_form=_note_form(visit, session),
        notes=[
            tr("Set {number}: {said}", number=words.set_name(each.record), said=feedback_words(each.feedback))
            for each in details
            if each.feedback
        ],
    )


def _who(visit: _Visit, session: Session) -> str:
    """Name who trained, before all else that is said of a session."""
    name = _names(visit.store).get(session.person or "", session.person)
    return f"{name}. " if name else ""


def _strength_test(visit: _Visit, session: Session) -> Response:
    """Show what came of a test, beside the one before."""
    show_in(person_named(visit.store, session.person).unit)
    records = strength_records(visit.store, session.person)
    record = next((each for each in records if each.session == session.id), None)
    if record is None:
        raise StoreError(Message("the test of session {session} cannot be read", session=session.id))
    compared = compare(record, records)
    at = _when(session)
    setup = record.setup
    return visit.page(
        "test.html",
        "Sessions",
        title=setup.movement,
        about=f"{_who(visit, session)}{tr('Strength test')}, {words.moment_words(at)}. "
        f"{setup.posture}, {setup.position}.",
        lead="" if record.symmetry is None else strength.symmetry_words(record.symmetry),
        heads=[tr("Trial {number}", number=number + 1) for number in range(setup.protocol.trials)],
        rows=[
            {
                "name": side_word(side.side) if side.side else tr("both"),
                "trials": [force_figure(each) for each in side.trials]
                + ["–"] * (setup.protocol.trials - len(side.trials)),
                "mean": words.force_pair(side.mean_n, side.uncertainty_n),
                "best": force_figure(side.best_n),
            }
            for side in record.sides
        ],
        own_note_form=_note_form(visit, session),
        compared=[]
        if compared is None
        else [*strength.compared_words(compared.day, compared.changes, compared.differences)],
    )


def _how(visit: _Visit, detail: SessionDetail) -> str:
    """Say with which band and sensor."""
    record = detail.sets[0].record if detail.sets else None
    if record is None:
        return ""
    bands = bands_of(visit.store)
    band = bands.get(record.conditions.band or "")
    name = band[0] if band else record.conditions.band
    sensors = ", ".join(dict.fromkeys(each.sensor[-4:].upper() for each in detail.session.streams))
    if name:
        return tr("Band {band}, sensor {sensors}.", band=name, sensors=sensors)
    return tr("No band named, sensor {sensors}.", sensors=sensors)


def _session_figures(details: Sequence[SetDetail]) -> list[tuple[str, str, str]]:
    reps = [rep for each in details for rep in each.record.reps]
    figures = [each for detail in details for each in detail.figures]
    best = max(reps, key=lambda rep: rep.peak_n)
    under_s = sum(each.metrics.time_under_tension_s for each in details)
    span = max(each.record.span_uncertainty for each in details)
    counted = trn("rep", "reps", len(reps))
    records = [each.record for each in details]
    about = filter(None, (counted, words.sets_doubt(records), not_full_words(words.counts_of(records))))
    told = [(str(len(reps)), "", ", ".join(about))]
    if "peak_n" in best.hidden:
        told.append(("–", "", tr("peak: {why}", why=said(best.hidden["peak_n"]))))
    else:
        peak, _, peak_uncertainty = words.force_pair(best.peak_n, best.peak_uncertainty_n).partition(" ± ")
        told.append((peak, shown_unit().value, tr("peak, ± {uncertainty}", uncertainty=peak_uncertainty)))
    if reason := hidden_of_most(figures, "time_under_tension_s"):
        told.append(("–", "", tr("under tension: {why}", why=said(reason))))
    else:
        told.append((f"{int(under_s) // 60}:{int(under_s) % 60:02}", "", tr("under tension")))
    zoned = [
        each.record.targets.in_zone(rep.peak_n)
        for each in details
        if each.record.targets.zone_n is not None
        for rep in each.record.reps
    ]
    if zoned:
        zone = _zone_words(details[0].record)
        told.append((str(sum(zoned)), tr("of {number}", number=len(zoned)), tr("peaks in {zone}", zone=zone)))
    if reason := hidden_of_most(figures, "impulse_n_s"):
        return [*told, ("–", "", tr("load: {why}", why=said(reason)))]
    load = sum(each.metrics.impulse_n_s for each in details)
    scale, unit = words.figure_scale(LOAD)
    value, _, uncertainty = with_uncertainty(scale * load, scale * span * load).partition(" ± ")
    load_words = tr("load, ± {uncertainty}", uncertainty=uncertainty) if uncertainty else tr("load")
    return [*told, (value, unit, load_words)]


def _stream_chart(stream: StreamDetail) -> dict[str, Any]:
    side = stream.sets[0].record.conditions.side
    alone = len({each.record.conditions.side for each in stream.sets}) == 1
    title = tr("The whole session")
    if side and alone:
        title = f"{title}, {side_word(side)}"
    return {
        "title": title,
        "body": _html(session_chart(stream.sets, stream.time_s, stream.tension_n)),
        "phase_key": phase_key(figures for each in stream.sets for figures in each.figures),
    }


def _extra_columns(details: Sequence[SetDetail]) -> dict[str, Callable[[SetDetail], str]]:
    columns: dict[str, Callable[[SetDetail], str]] = {}
    if any(each.record.slack_cm for each in details):
        columns[tr("Slack")] = lambda each: (
            f"{each.record.slack_cm:+.0f} cm" if each.record.slack_cm else "0 cm"
        )
    if any(each.feedback.effort is not None for each in details):
        columns[tr("Effort")] = lambda each: (
            "–" if each.feedback.effort is None else str(each.feedback.effort)
        )
    if any(each.feedback.pain is not None for each in details):
        columns[tr("Pain")] = lambda each: "–" if each.feedback.pain is None else str(each.feedback.pain)
    return columns


def _set_row(
    visit: _Visit, detail: SetDetail, columns: dict[str, Callable[[SetDetail], str]], *, both: bool
) -> dict[str, Any]:
    record = detail.record
    return {
        "path": _set_path(visit, record, both=both),
        "name": words.set_name(record),
        "strip": _html(set_strip(record)),
        "reps": ", ".join(
            filter(
                None,
                (
                    tr("{reps} of {number}", reps=len(record.reps), number=record.targets.reps),
                    words.sets_doubt([record]),
                ),
            )
        ),
        "peak": words.strongest_words(record.reps),
        "in_zone": _in_zone(record),
        "tempo": tempo_figures(detail.tempo),
        "under_tension": under_tension_words(detail),
        "extra": [column(detail) for column in columns.values()],
    }


def _advice_line(given: GivenAdvice) -> str:
    answer = {True: tr("You did this."), False: tr("You left it as it was."), None: ""}[given.followed]
    when = tr("Before the first set")
    if given.after_set:
        when = tr("After set {number}", number=given.after_set)
    return " ".join(filter(None, (f"{when}: {advice_text(given.advice)}", answer)))


def _by_side(details: Sequence[SetDetail]) -> dict[str, list[SetDetail]]:
    found: dict[str, list[SetDetail]] = {}
    for each in details:
        if each.record.conditions.side:
            found.setdefault(each.record.conditions.side, []).append(each)
    return found


# -- a set ---------------------------------------------------------------------------------------------------


def _set(visit: _Visit) -> Response:
    detail = _found(visit)
    number, side = int(visit.request.path_params["number"]), visit.request.path_params.get("side")
    chosen = [
        each
        for each in detail.sets
        if each.record.number == number and side in (None, each.record.conditions.side)
    ]
    if not chosen:
        raise StoreError(
            Message(
                "session {session} has no set {number}; its page lists them",
                session=detail.session.id,
                number=number,
            )
        )
    found = chosen[0]
    record = found.record
    both = len(detail.streams) > 1
    at = _when(detail.session)
    index = detail.sets.index(found)
    beside = [detail.sets[i] for i in (index - 1, index + 1) if 0 <= i < len(detail.sets)]
    changed = words.fatigue_words(found.metrics)
    return visit.page(
        "set.html",
        "Sessions",
        title=tr("Set {number}", number=words.set_name(record)),
        session_path=visit.path(f"/sessions/{record.session}"),
        session_name=f"{tr(record.exercise_name)}, {words.day_words(at)}",
        about=_set_about(found),
        others=[
            (tr("Set {number}", number=words.set_name(each.record)), _set_path(visit, each.record, both=both))
            for each in beside
        ],
        chart=_html(set_chart(found)),
        phase_key=phase_key(found.figures),
        overlay=_html(overlay_chart(found)) if len(found.reps) > 1 else "",
        changed=[changed] if changed else [],
        said=[feedback_words(found.feedback)] if found.feedback else [],
        zone=_zone_words(record),
        reps=[_rep_row(found, i) for i in range(len(record.reps))],
        hidden=[
            *doubt_lines(record.reps),
            *hidden_lines((each.hidden for each in found.figures), REP_FIGURES),
        ],
    )


def _set_about(detail: SetDetail) -> str:
    record = detail.record
    band = record.conditions.band
    doubt = words.sets_doubt([record])
    sentence = mark("{reps} where the plan asks for {planned}.")
    if doubt:
        sentence = mark("{reps}, {doubt}, where the plan asks for {planned}.")
    counted = repetitions_words(len(record.reps))
    reps = tr(sentence, reps=counted, doubt=doubt, planned=record.targets.reps)
    slack = ""
    if record.slack_cm:
        slack = tr("{slack} than at first.", slack=words.slack_words(record.slack_cm))
    return " ".join(filter(None, (reps, slack, tr("Band {band}.", band=band) if band else "")))


def _rep_row(detail: SetDetail, index: int) -> dict[str, Any]:
    rep, boundaries, record = detail.record.reps[index], detail.reps[index], detail.record
    zone = record.targets.zone_n
    out = zone is not None and not record.targets.in_zone(rep.peak_n)
    said = (
        ""
        if zone is None
        else tr("in target")
        if not out
        else tr("▼ below")
        if rep.peak_n < zone[0]
        else tr("▲ above")
    )
    ranged = "relative_range" not in detail.figures[index].hidden
    share = f"{100.0 * boundaries.range_fraction:.0f} %" if ranged else "–"
    hand = hand_tempo(boundaries)
    return {
        "number": numbered(index + 1, rep),
        "peak": words.strongest_words([rep]),
        "zone": said,
        "out": out,
        "pull": _seconds(rep.concentric_s, hand.concentric_s),
        "hold": _seconds(rep.hold_s, hand.hold_s),
        "back": _seconds(rep.eccentric_s, hand.eccentric_s),
        "range": range_words(share, rep),
    }


def _seconds(measured_s: float | None, hand_s: float) -> str:
    """Write a phase as the hand moved; a dash where the sensor cannot tell it."""
    return "–" if measured_s is None else number(hand_s, ".1f")


# -- a trace from a file -------------------------------------------------------------------------------------


def _trace_sent(
    stores: tuple[Store, Callable[[], Store]], access: Access
) -> Callable[[Request], Awaitable[Response]]:
    """Analyse the file of a form; nothing of it is kept."""
    one_at_a_time: list[asyncio.Lock] = []

    async def answer(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        def say(body: bytes | None) -> Response:
            content_type = request.headers.get("content-type", "")
            return _guarded(partial(_trace, sent=(content_type, body)), stores, access)(request)

        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return await run_in_threadpool(say, None)
        if not one_at_a_time:
            one_at_a_time.append(asyncio.Lock())
        async with one_at_a_time[0]:
            return await run_in_threadpool(say, bytes(body))

    return answer


def _trace(visit: _Visit, sent: tuple[str, bytes | None] | None = None) -> Response:
    show_in(person_named(visit.store, None).unit)
    values: dict[str, Any] = {
        "title": tr("Analyze a file"),
        "about": tr("a force trace of a band, from any program"),
        "problem": "",
        "result": None,
        "chart": "",
        "said": {},
        "time_units": TIME_UNITS,
        "force_units": FORCE_UNITS,
        "most": MOST_BYTES // 1_000_000,
    }
    status = 200
    if sent is not None:
        try:
            content_type, body = sent
            if body is None:
                raise DataError(
                    Message(
                        "The file is larger than {most} MB; `bandsense analyze FILE` takes it",
                        most=MOST_BYTES // 1_000_000,
                    )
                )
            upload = read_upload(content_type, body)
            if upload.said.get("time") or upload.said.get("force"):
                values["said"] = upload.said
            result = analysed(upload)
            values |= {"title": result["name"], "about": result["about"], "result": result}
            values["chart"] = _html(result["chart"])
        except DataError as error:
            values["problem"], status = f"{said(error)}.", 400
    answer = visit.page("trace.html", "", **values)
    answer.status_code = status
    return answer


# -- reports -------------------------------------------------------------------------------------------------


def _attached(html: str, name: str) -> Response:
    """Give a report as a file: it has its style inside, which the policy of the pages does not allow."""
    from starlette.responses import Response

    return Response(
        html, media_type="text/html", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _report(visit: _Visit) -> Response:
    session = visit.store.session(int(visit.request.path_params["session"]))
    show_in(person_named(visit.store, session.person).unit)
    anonymous = visit.asked("anonymous") == "1"
    report = report_of_session(visit.store, session, anonymous=anonymous)
    return _attached(to_html(report), f"report-{session.id}.html")


def _weeks_report(visit: _Visit) -> Response:
    report = report_of_weeks(
        visit.store,
        weeks=visit.number("weeks", _DEFAULT_WEEKS, _MOST_WEEKS),
        person=visit.asked("person") or None,
        exercise=visit.asked("exercise") or None,
        anonymous=visit.asked("anonymous") == "1",
    )
    return _attached(to_html(report), "report-weeks.html")


# -- trends --------------------------------------------------------------------------------------------------


def _trends(visit: _Visit) -> Response:
    sessions = visit.store.sessions()
    person = visit.asked("person") or next((each.person for each in sessions if each.person), None)
    done = [each for each in sessions if each.person == person and each.exercise]
    exercise = visit.asked("exercise") or (done[0].exercise if done else "")
    weeks = visit.number("weeks", _DEFAULT_WEEKS, _MOST_WEEKS)
    side = visit.asked("side")
    show_in(person_named(visit.store, person).unit)
    records = read_history(visit.store, [each for each in done if each.exercise == exercise]).records
    told = overview(records, weeks=weeks, side=side or None)
    names = _names(visit.store)
    found_sides = sorted({each.conditions.side for each in records if each.conditions.side})
    chosen = {"exercise": exercise, "person": person, "weeks": weeks, "side": side}
    common = {
        "title": tr("Trends"),
        "asked": chosen,
        "sides": found_sides,
        **_choices([each for each in sessions if each.person == person], names),
        "people": _choices(sessions, names)["people"],
    }
    if told is None:
        empty: dict[str, Any] = {
            name: []
            for name in ("panels", "weeks", "figure_heads", "bests", "tests", "sure", "band", "left_out")
        }
        return visit.page(
            "trends.html",
            "Trends",
            about="",
            lead=tr("Your first weeks will be here."),
            sides_path="",
            report="",
            **common,
            **empty,
        )
    latest, first = told.series[-1], told.series[0]
    bands = bands_of(visit.store)
    band = bands.get(latest.conditions.band or "")
    count = len({record.session for record in told.series})
    where = words.title_words(latest, band[0] if band else None)
    peak = next((each for each in told.trends if each.figure is PEAK), None)
    common["asked"] = chosen | {"side": side or latest.conditions.side}
    return visit.page(
        "trends.html",
        "Trends",
        about=f"{where}, {words.span_words(first.day, latest.day)}. {_points(count)}",
        lead=_trends_lead(told, peak),
        panels=_panels(told),
        weeks=_week_rows(told),
        figure_heads=[_head(each) for each in told.trends if not each.figure.summed],
        bests=[words.best_words(best) for best in told.bests],
        tests=_strength_lines(visit.store, person),
        sure=_how_sure(told),
        band=[words.band_words(latest.conditions.band or "", *band)] if band else [],
        left_out=[
            tr("Session {number}. {why}", number=number, why=words.obstacle_words(why))
            for number, why in told.left_out[:5]
        ],
        sides_path=visit.path(f"/sessions/{_latest_with_sides(told)}/sides") if told.sides else "",
        report=visit.path("/trends/report.html", exercise=exercise, person=person, weeks=weeks),
        **common,
    )


def _latest_with_sides(told: Overview) -> int:
    found: dict[int, set[str | None]] = {}
    for record in told.sets:
        found.setdefault(record.session, set()).add(record.conditions.side)
    return max(number for number, which in found.items() if {"left", "right"} <= which)


def _trends_lead(told: Overview, peak: Trend | None) -> str:
    said = words.progress_words(peak) or (words.trend_words(peak) if peak is not None else "")
    verdict = words.sides_verdict(told.sides, told.hidden_of_sides) if told.sides else ""
    return " ".join(filter(None, (said, verdict)))


_ABOUT = {
    "peak_n": mark(
        "Best full repetition of the week; the grey band is one standard uncertainty between weeks."
    ),
    "range_m": mark("Distance the hand moves, from the model of this band, mean of the full repetitions."),
    "impulse_n_s": mark("Tension times time, all sets of the week."),
    "time_under_tension_s": mark("Of all repetitions of the week."),
}


def _panels(told: Overview) -> list[dict[str, Any]]:
    panels = [
        {
            "title": _head(each).partition(",")[0],
            "verdict": words.trend_words(each),
            "body": _html(trend_chart(each)),
            "about": tr(_ABOUT[each.figure.name]),
        }
        for each in told.trends
    ]
    if any(record.slack_cm for record in told.series):
        first, last = told.series[0].slack_cm, told.series[-1].slack_cm
        panels.append(
            {
                "title": tr("Slack let out"),
                "verdict": tr(
                    "{last:.0f} cm, from {first:.0f}. Less slack is harder.", last=last, first=first
                ),
                "body": _html(slack_chart(told.series)),
                "about": tr(
                    "Against {day}, by advice that was followed.", day=words.day_words(told.series[0].day)
                ),
            }
        )
    done, asked = (
        sum(week.full_reps for week in told.dose),
        sum(week.planned_reps for week in told.dose),
    )
    if asked:
        panels.append(
            {
                "title": tr("Done and prescribed"),
                "verdict": tr(
                    "{done} of {asked} full repetitions, {share:.0%}.",
                    done=done,
                    asked=asked,
                    share=done / asked,
                ),
                "body": _html(dose_chart(told.dose)),
                "about": tr("Bars are done, outlines prescribed by the plan of each session."),
            }
        )
    return panels


def _head(trend: Trend) -> str:
    _, unit = words.figure_scale(trend.figure)
    name = tr(words.FIGURE_NAMES[trend.figure.name])
    return f"{name[0].upper()}{name[1:]}, {unit}"


def _week_rows(told: Overview) -> list[dict[str, Any]]:
    points = [
        (trend, {point.week: point for point in trend.points})
        for trend in told.trends
        if not trend.figure.summed
    ]
    rows = []
    for week in reversed(told.dose):
        figures = []
        for trend, by_week in points:
            point = by_week.get(week.week)
            value = (
                "–" if point is None else words.amount(trend.figure, point.value, trend.uncertainty(point))
            )
            figures.append(value.rsplit(" ", 1)[0] if point is not None else value)
        rows.append(
            {
                "week": words.day_words(week.week),
                "sessions": str(week.sessions),
                "sets": words.of_words(week.sets, week.planned_sets),
                "reps": words.of_words(week.full_reps, week.planned_reps),
                "zone": words.of_words(week.in_zone, week.with_zone) if week.with_zone else "–",
                "figures": figures,
            }
        )
    return rows


def _points(sessions: int) -> str:
    return trn(
        "{n} comparable session, one point a week.", "{n} comparable sessions, one point a week.", sessions
    )


def _how_sure(told: Overview) -> list[str]:
    lines = [tr("± is one standard uncertainty. Sure: more than two of them; likely: more than one.")]
    for trend in told.trends:
        if trend.detectable is not None and trend.figure.best:
            least = words.amount(trend.figure, trend.detectable)
            lines.append(tr("Between two sessions, less than {least} may be chance.", least=least))
    shared = max((trend.shared_uncertainty for trend in told.trends), default=0.0)
    if shared:
        lines.append(tr("The scale itself is known to ± {share:.0%}, the same for all points.", share=shared))
    return lines


def _strength_lines(store: Store, person: str | None) -> list[str]:
    """Tell the latest test of each movement, and how it stands to the one before."""
    records = strength_records(store, person)
    latest = {record.setup.movement: record for record in records if record.sides}
    lines = []
    for record in latest.values():
        said = [strength.side_words(side) for side in record.sides]
        if record.symmetry is not None:
            said.append(strength.symmetry_words(record.symmetry))
        compared = compare(record, records)
        if compared is not None:
            said += strength.compared_words(compared.day, compared.changes, compared.differences)
        lines.append(f"{record.setup.movement}, {words.day_words(record.day)}: {'. '.join(said)}.")
    return lines


# -- left and right ------------------------------------------------------------------------------------------


def _sides(visit: _Visit) -> Response:
    detail = _found(visit)
    by_side = _by_side(detail.sets)
    at = _when(detail.session)
    name = _exercise_name(detail.session.exercise)
    left, right = by_side.get("left", []), by_side.get("right", [])
    compared, against = sides([each.record for each in left], [each.record for each in right])
    hidden = hidden_of_sides(each.record for each in (*left, *right))
    reps = min((sum(len(each.record.full) for each in side) for side in (left, right)), default=0)
    values: dict[str, Any] = {"chart": "", "mean": "", "rows": [], "advice": []}
    if compared:
        peak = next((each.difference for each in compared if each.figure == PEAK.name), None)
        values = {
            "chart": _html(sides_chart(compared)),
            "mean": _html(mean_repetition_chart(left, right)),
            "rows": [words.side_figures(each) for each in compared],
            "advice": [] if peak is None else _sides_advice(peak.share, certain=peak.certain),
        }
    return visit.page(
        "sides.html",
        "Trends",
        title=tr("Left and right"),
        about=tr(
            "{exercise}, {day}, {reps} a side.",
            exercise=name,
            day=words.day_words(at),
            reps=full_repetitions_words(reps),
        ),
        session_path=visit.path(f"/sessions/{detail.session.id}"),
        lead=words.obstacle_words(against) if against else words.sides_verdict(compared, hidden),
        hidden=[] if against else hidden_lines([hidden], words.SIDE_FIGURES),
        **values,
    )


def _sides_advice(share: float, *, certain: bool) -> list[str]:
    if not certain:
        return [tr("Nothing to do: there is no clear difference.")]
    if share > 0.0:
        return [
            tr(
                "The left side sets the pace. Start each set with the left side, and do no more on the right "
                "than the left managed."
            )
        ]
    return [
        tr(
            "The right side sets the pace. Start each set with the right side, and do no more on the left "
            "than the right managed."
        )
    ]


# -- bands ---------------------------------------------------------------------------------------------------


def _bands(visit: _Visit) -> Response:
    show_in(person_named(visit.store, None).unit)
    bands = [
        {
            "name": name,
            "verdict": words.band_words(band_id, name, band).removeprefix(f"{name}: "),
            "alarming": band.wear.state.alarming,
            "chart": _html(wear_chart(band)) if band.points else "",
            "rows": [
                (
                    str(each.cycles),
                    words.force_pair(each.f100_n, each.uncertainty_n),
                    force_figure(each.least_n),
                )
                for each in band.points
            ],
        }
        for band_id, (name, band) in bands_of(visit.store).items()
    ]
    return visit.page(
        "bands.html",
        "Bands",
        title=tr("Bands"),
        about=trn("{n} band of this store.", "{n} bands of this store.", len(bands)),
        bands=bands,
    )
