"""What a report of a session or of weeks says, from what was followed and compared; nothing is read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bandsense.history.compare import SideComparison
from bandsense.history.figures import PEAK, RANGE
from bandsense.history.overview import Overview
from bandsense.history.records import SetRecord
from bandsense.history.trends import Trend
from bandsense.language import mark, tr, trn
from bandsense.live import formatting
from bandsense.live import history_formatting as words
from bandsense.live.formatting import doubt_lines, side_word
from bandsense.live.hidden_formatting import SET_FIGURES, hidden_lines
from bandsense.live.units import shown_unit
from bandsense.report.document import Panel, Report, SetRow, WeekRow, html_table
from bandsense.report.sets import SetDetail, dose_chart, set_chart, set_strip, trend_chart
from bandsense.workout.tempo import HandTempo

__all__ = [
    "Context",
    "hidden_of_sets",
    "session_report",
    "tempo_figures",
    "under_tension_words",
    "weeks_report",
]

_ORDINALS = (
    mark("the first"),
    mark("the second"),
    mark("the third"),
    mark("the fourth"),
    mark("the fifth"),
    mark("the sixth"),
    mark("the seventh"),
    mark("the eighth"),
    mark("the ninth"),
    mark("the tenth"),
)

MOST_WEEKS_WITH_CURVE = 8
"""With more lines in the table there is no room left for the curve of a set."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a report needs besides what was trained.

    Attributes:
        software: name and version of what makes it.
        person: name to print; None to leave it out.
        band: name of the band; None where none was named.
        to_do: lines of the box that replace the usual ones.
        breathing: how to breathe, as a sentence.
        per_week: sessions a week that were prescribed.
        measured: how tension was measured, as a sentence.
        simulated: whether a simulated person and sensor did it.
    """

    software: str
    person: str | None = None
    band: str | None = None
    to_do: tuple[str, ...] = ()
    breathing: str = ""
    per_week: int | None = None
    measured: str = ""
    simulated: bool = False


_LEGEND = mark(
    "Full black bars lie within the target or above it, open bars below it, "
    "hatched bars are partial repetitions."
)
_FINE = mark("± is one standard uncertainty. {measured} Not a medical device. {software}{session}.")


def session_report(details: Sequence[SetDetail], told: Overview | None, context: Context) -> Report:
    """Compose the report of one session.

    Args:
        details: its sets.
        told: the exercise over the weeks up to the session; None where nothing is known.
        context: see `Context`.
    """
    records = [detail.record for detail in details]
    last = records[-1]
    best = _best(details)
    columns = _columns(details)
    day = words.day_words(last.day, year=True)
    peak = _trend(told, PEAK.name)
    panels = [*_trend_panels(told, (PEAK.name,)), *_side_panels(told)]
    if len(panels) == 1:
        panels += _trend_panels(told, (RANGE.name,)) or _dose_panels(told)
    return Report(
        title=tr(last.exercise_name),
        about=_about(context, day),
        day=day,
        facts=_facts(last, context),
        lead=" ".join(
            filter(
                None,
                (_did(records), words.progress_words(peak)),
            )
        ),
        to_do=context.to_do
        or words.to_do_words(last.targets, last.slack_cm, context.breathing, context.per_week),
        sets=tuple(_row(detail, columns) for detail in details),
        extra_heads=tuple(columns),
        hidden=tuple(hidden_of_sets(details)),
        curve=None
        if best is None
        else Panel(
            tr("Your best set: {set}", set=_ordinal(best.record)), set_chart(best, plain=True, size="curve")
        ),
        panels=tuple(panels[:2]),
        unit=shown_unit().value,
        fine=" ".join((tr(_LEGEND), *doubt_lines(rep for record in records for rep in record.reps)))
        + " "
        + tr(
            _FINE,
            measured=context.measured,
            software=context.software,
            session=tr(", session {number}", number=last.session),
        ),
        software=context.software,
    )


def weeks_report(told: Overview, best: SetDetail | None, context: Context) -> Report:
    """Compose the report of an exercise over weeks.

    Args:
        told: the exercise over these weeks.
        best: the set with the strongest pull, for its curve.
        context: see `Context`.
    """
    first, last = told.sets[0], told.sets[-1]
    if len(told.dose) > MOST_WEEKS_WITH_CURVE:
        best = None
    span = words.span_words(first.day, last.day, year=True)
    peak = _trend(told, PEAK.name)
    return Report(
        title=tr(last.exercise_name),
        about=_about(context, span),
        day=span,
        facts=_facts(last, context),
        lead=" ".join(
            filter(
                None,
                (
                    tr("You did {what}.", what=words.dose_words(told.dose)),
                    words.progress_words(peak),
                    words.sides_verdict(told.sides, told.hidden_of_sides) if told.sides else "",
                ),
            )
        ),
        to_do=context.to_do
        or words.to_do_words(last.targets, last.slack_cm, context.breathing, context.per_week),
        weeks=_weeks(told),
        curve=None
        if best is None
        else Panel(
            tr(
                "The strongest set: {day}, {set}",
                day=words.day_words(best.record.day),
                set=_ordinal(best.record),
            ),
            set_chart(best, plain=True, size="curve"),
        ),
        panels=(
            *_trend_panels(told, (PEAK.name, RANGE.name)),
            *_side_panels(told),
        ),
        unit=shown_unit().value,
        fine=_left_out(told) + tr(_FINE, measured=context.measured, software=context.software, session=""),
        software=context.software,
    )


def _about(context: Context, when: str) -> str:
    if context.person:
        about = tr("Training report for {person}, {when}", person=context.person, when=when)
    else:
        about = tr("Training report, {when}", when=when)
    return f"{about}, {tr('simulated: nobody trained this')}" if context.simulated else about


def _did(records: Sequence[SetRecord]) -> str:
    return tr("You did {what}", what=_lower(words.session_words(records)))


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _facts(record: SetRecord, context: Context) -> tuple[tuple[str, str], ...]:
    length = record.conditions.rest_length_m
    band = context.band or tr("not named")
    facts = [
        (tr("Band"), band if length is None else f"{band}, {100.0 * length:.0f} cm"),
        (tr("Plan"), words.plan_line(record.targets)),
        (tr("Tempo"), words.tempo_line(record.targets)),
    ]
    return tuple(fact for fact in facts if fact[1])


def _ordinal(record: SetRecord) -> str:
    if record.number <= len(_ORDINALS):
        name = tr(_ORDINALS[record.number - 1])
    else:
        name = tr("number {number}", number=record.number)
    side = record.conditions.side
    return f"{name}, {side_word(side)}" if side else name


def _best(details: Sequence[SetDetail]) -> SetDetail | None:
    """Find the set nearest to its plan: most full repetitions in the zone, up to those planned."""

    def worth(detail: SetDetail) -> tuple[int, float]:
        record = detail.record
        zone = record.targets.zone_n
        good = sum(zone is None or rep.peak_n >= zone[0] for rep in record.full)
        return min(good, record.targets.reps), detail.metrics.mean_peak_n

    return max(details, key=worth, default=None)


_Column = Callable[[SetDetail], str]


def _columns(details: Sequence[SetDetail]) -> dict[str, _Column]:
    """Choose the columns that not every session has something to say in."""
    found: dict[str, _Column] = {}
    if any(detail.record.slack_cm for detail in details):
        found[tr("Slack")] = lambda detail: f"{detail.record.slack_cm:.0f} cm"
    if any(detail.feedback.effort is not None for detail in details):
        found[tr("Effort")] = lambda detail: _score(detail.feedback.effort)
    if any(detail.feedback.pain is not None for detail in details):
        found[tr("Pain")] = lambda detail: _score(detail.feedback.pain)
    return found


def _score(score: int | None) -> str:
    return "–" if score is None else tr("{score} of 10", score=score)


def _row(detail: SetDetail, columns: Mapping[str, _Column]) -> SetRow:
    record = detail.record
    return SetRow(
        name=words.set_name(record),
        strip=set_strip(record),
        reps=", ".join(filter(None, (f"{len(record.reps)}", words.sets_doubt([record])))),
        peak=words.strongest_words(record.reps),
        tempo=tempo_figures(detail.tempo),
        under_tension=under_tension_words(detail),
        extra=tuple(words_of(detail) for words_of in columns.values()),
    )


def under_tension_words(detail: SetDetail) -> str:
    """Write the time under tension of a set for a table; a dash where the sensor cannot tell."""
    if "time_under_tension_s" in detail.metrics.hidden:
        return "–"
    return f"{detail.metrics.time_under_tension_s:.0f} s"


def hidden_of_sets(details: Sequence[SetDetail]) -> list[str]:
    """Say why a table of sets has dashes."""
    peaks = (max(detail.record.reps, key=lambda rep: rep.peak_n).hidden for detail in details)
    of_peak = [{"peak_n": each["peak_n"]} for each in peaks if "peak_n" in each]
    return hidden_lines([*of_peak, *(detail.metrics.hidden for detail in details)], SET_FIGURES)


def tempo_figures(tempo: HandTempo | None) -> str:
    """Write a tempo for a table: seconds of pull, hold and return; a dash where the sensor cannot tell."""
    return "–" if tempo is None else formatting.tempo_figures(tempo)


def _weeks(told: Overview) -> tuple[WeekRow, ...]:
    peak = _trend(told, PEAK.name)
    strongest = {point.week: point for point in peak.points} if peak else {}
    rows = []
    for week in told.dose:
        point = strongest.get(week.week)
        rows.append(
            WeekRow(
                week=words.day_words(week.week),
                sessions=str(week.sessions)
                if week.planned_sessions is None
                else words.of_words(week.sessions, week.planned_sessions),
                sets=words.of_words(week.sets, week.planned_sets),
                reps=words.of_words(week.full_reps, week.planned_reps),
                zone=words.of_words(week.in_zone, week.with_zone) if week.with_zone else "–",
                peak="–"
                if point is None or peak is None
                else words.force_pair(point.value, peak.uncertainty(point)),
            )
        )
    return tuple(rows)


def _trend(told: Overview | None, name: str) -> Trend | None:
    return next((each for each in told.trends if each.figure.name == name), None) if told else None


_TITLES = {PEAK.name: mark("Strongest pull, week by week"), RANGE.name: mark("Range, week by week")}


def _trend_panels(told: Overview | None, names: Sequence[str]) -> list[Panel]:
    found = [_trend(told, name) for name in names]
    return [
        Panel(tr(_TITLES[each.figure.name]), trend_chart(each), words.trend_words(each))
        for each in found
        if each is not None and len(each.points) > 1
    ]


def _dose_panels(told: Overview | None) -> list[Panel]:
    if told is None or len(told.dose) < 2 or not any(week.planned_reps for week in told.dose):
        return []
    done = sum(week.full_reps for week in told.dose)
    asked = sum(week.planned_reps for week in told.dose)
    verdict = tr("{done} of {asked} prescribed, {share:.0%}.", done=done, asked=asked, share=done / asked)
    return [Panel(tr("Full repetitions, done and prescribed"), dose_chart(told.dose), verdict)]


def _side_panels(told: Overview | None) -> list[Panel]:
    if told is None or not told.sides:
        return []
    body = html_table(
        ("", tr("Left"), tr("Right"), tr("Difference")), [_side_row(each) for each in told.sides]
    )
    untold = "".join(
        f'<p class="dim small">{escape(line)}</p>'
        for line in hidden_lines([told.hidden_of_sides], words.SIDE_FIGURES)
    )
    verdict = words.sides_verdict(told.sides, told.hidden_of_sides)
    return [Panel(tr("Right against left"), body + untold, verdict)]


def _side_row(side: SideComparison) -> tuple[str, str, str, str]:
    name, left, right = words.side_figures(side)
    difference = side.difference
    if not difference.certain:
        return name, left, right, tr("not sure")
    return name, left, right, words.side_difference(side)


def _left_out(told: Overview) -> str:
    if not told.left_out:
        return ""
    count = trn(
        "{n} session is left out of the trends, because it cannot be compared.",
        "{n} sessions are left out of the trends, because they cannot be compared.",
        len(told.left_out),
    )
    return f"{count} {words.obstacle_words(told.left_out[0][1])} "
