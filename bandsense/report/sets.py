"""Charts of sets, trends and sides: the same in the report and on the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import ceil, floor

import numpy as np

from bandsense.history.compare import SideComparison
from bandsense.history.dose import DoseWeek
from bandsense.history.records import RepRecord, SetRecord
from bandsense.history.trends import Trend
from bandsense.history.wear import BandHistory
from bandsense.language import mark, tr
from bandsense.live.formatting import capital, doubt_lines, repetitions_words, sets_words, side_word
from bandsense.live.hidden_formatting import untold_phases
from bandsense.live.history_formatting import (
    FIGURE_NAMES,
    SIDE_FIGURES,
    amount,
    day_words,
    figure_scale,
    force_pair,
    number_words,
    set_name,
    side_words,
    week_label,
)
from bandsense.live.units import force_figure, shown_unit
from bandsense.report.charts import Plot, Slot, nice_range, strip
from bandsense.samples import FloatArray
from bandsense.signal.events import Rep
from bandsense.signal.metrics import RepMetrics, SetMetrics
from bandsense.workout.feedback import Feedback
from bandsense.workout.tempo import HandTempo

__all__ = [
    "PhaseKey",
    "SetDetail",
    "bar_lines",
    "dose_chart",
    "mean_repetition_chart",
    "overlay_chart",
    "phase_key",
    "session_chart",
    "set_chart",
    "set_strip",
    "sides_chart",
    "slack_chart",
    "trace_chart",
    "trend_chart",
    "wear_chart",
]

MOST_SLOTS = 16
"""Of a longer set the last repetitions are shown."""


@dataclass(frozen=True, slots=True, eq=False)
class SetDetail:
    """A set with its trace, as it was followed again from the raw samples.

    Attributes:
        record: what history knows of it.
        reps: its repetitions with exact boundaries.
        metrics: what it amounts to.
        time_s, tension_n: its trace, from a second before the first pull to a second after the last return.
        figures: its repetitions in figures, with what is hidden of them.
        slack_cm: what was let out before it, within the session.
        tempo: of the hand; None where the sensor cannot tell it.
        feedback: effort, pain and a note, as far as the person said something.
    """

    record: SetRecord
    reps: tuple[Rep, ...]
    metrics: SetMetrics
    time_s: FloatArray = field(repr=False)
    tension_n: FloatArray = field(repr=False)
    figures: tuple[RepMetrics, ...]
    slack_cm: float = 0.0
    tempo: HandTempo | None = None
    feedback: Feedback = field(default_factory=Feedback)


def set_strip(record: SetRecord) -> str:
    """Draw the peaks of a set against its plan."""
    zone = record.targets.zone_n
    done = record.reps[-MOST_SLOTS:]
    slots = [Slot(rep.peak_n, _kind(rep, zone)) for rep in done]
    left = range(len(done), min(MOST_SLOTS, record.targets.reps_top))
    slots += [Slot(None, "todo" if index < record.targets.reps else "more") for index in left]
    return strip(slots, zone)


def _kind(rep: RepRecord, zone: tuple[float, float] | None) -> str:
    """Tell how a peak is drawn: that there may be none goes before what it would be."""
    if rep.doubtful:
        return "doubt"
    if rep.partial:
        return "part"
    return "low" if zone and rep.peak_n < zone[0] else "in"


def bar_lines(records: Iterable[SetRecord]) -> list[str]:
    """Say in one line what the bars of these sets that are not full stand for; none where all are full."""
    reps = [(rep, record.targets.zone_n) for record in records for rep in record.reps]
    kinds = {_kind(rep, zone) for rep, zone in reps}
    sentences = [
        *([tr("Open bars lie below the target.")] if "low" in kinds else ()),
        *([tr("Hatched bars are partial repetitions.")] if "part" in kinds else ()),
        *doubt_lines((rep for rep, _ in reps), bars=True),
    ]
    return [" ".join(sentences)] if sentences else []


def _numbered(index: int, rep: Rep) -> str:
    """Write the number of a repetition above its peak."""
    return f"{index} ○" if rep.doubtful else str(index)


def _levels(plot: Plot, zone: tuple[float, float] | None, top: float, *, plain: bool = False) -> None:
    """Label zero and the zone, or the top where there is no zone."""
    unit = shown_unit().value
    if zone is None:
        plot.y_label(top, f"{force_figure(top)} {unit}", "y k")
    else:
        plot.zone(*zone)
        kind = "y k" if plain else "y g"
        plot.y_label(zone[1], f"{force_figure(zone[1])} {unit}", kind)
        plot.y_label(zone[0], force_figure(zone[0]) + (f" {unit}" if plain else ""), kind)
    plot.rule(0.0).y_label(0.0, "0")


def _top(zone: tuple[float, float] | None, tension_n: FloatArray) -> float:
    highest = float(np.max(tension_n)) if tension_n.size else 1.0
    return 1.1 * max(highest, zone[1] if zone else 0.0)


_PHASES = {"pull": "tempo.concentric_s", "hold": "tempo.hold_s", "return": "tempo.eccentric_s"}
"""What a phase is called, and the figure that tells whether the sensor can tell it."""


@dataclass(frozen=True, slots=True)
class PhaseKey:
    """What the colours of a chart stand for.

    Attributes:
        shown: phases that have their colour somewhere in it: `pull`, `hold`, `return`.
        untold: for each reason, which phases are grey, as words.
    """

    shown: tuple[str, ...]
    untold: tuple[str, ...]


def phase_key(figures: Iterable[RepMetrics]) -> PhaseKey:
    """Tell what is coloured of these repetitions, and why the rest is not."""
    hidden = [each.hidden for each in figures]
    shown = tuple(name for name, figure in _PHASES.items() if any(figure not in each for each in hidden))
    return PhaseKey(shown, tuple(untold_phases(hidden)))


def _phases(
    time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], figures: Sequence[RepMetrics]
) -> dict[str, FloatArray]:
    """Split the tension by phase, not a number where another holds; boundaries belong to both.

    A phase that the sensor cannot tell is no phase here: it has no colour.
    """
    curves = {name: np.full(time_s.size, np.nan) for name in (*_PHASES, "other")}
    kind = np.full(time_s.size, "other", dtype="<U6")
    for rep, told in zip(reps, figures, strict=True):
        spans = {
            "pull": (rep.pull_start_s, rep.hold_start_s),
            "hold": (rep.hold_start_s, rep.return_start_s),
            "return": (rep.return_start_s, rep.end_s),
        }
        for name, (start, end) in spans.items():
            if _PHASES[name] not in told.hidden:
                kind[np.searchsorted(time_s, start) : np.searchsorted(time_s, end)] = name
    for name, curve in curves.items():
        there = kind == name
        there[1:] |= there[:-1]  # the next sample too, so that the curve does not break
        curve[there] = tension_n[there]
    return curves


def set_chart(detail: SetDetail, *, plain: bool = False, size: str = "tall") -> str:
    """Draw the tension of a set, its phases and the numbers of its repetitions.

    Args:
        detail: the set.
        plain: in one colour, for paper.
        size: class of the chart's height.
    """
    zone = detail.record.targets.zone_n
    start = float(detail.time_s[0])
    time_s = detail.time_s - start
    top = _top(zone, detail.tension_n)
    number = detail.record.number
    plot = Plot(
        (0.0, float(time_s[-1])),
        (0.0, top),
        tr(
            "Tension over set {set}, {reps}, the strongest {peak}",
            set=number,
            reps=repetitions_words(len(detail.reps)),
            peak=f"{force_figure(detail.metrics.peak_n)} {shown_unit().value}",
        ),
        size,
    )
    _levels(plot, zone, float(np.max(detail.tension_n)), plain=plain)
    if plain:
        plot.line(time_s, detail.tension_n, "tension")
    else:
        for name, curve in _phases(detail.time_s, detail.tension_n, detail.reps, detail.figures).items():
            plot.line(time_s, curve, name)
    for index, rep in enumerate(detail.reps, 1):
        above = max(rep.peak_n, zone[1] if zone else 0.0)
        plot.mark((rep.hold_start_s + rep.return_start_s) / 2.0 - start, above, _numbered(index, rep))
    return _seconds(plot, float(time_s[-1])).svg()


def trace_chart(
    time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], figures: Sequence[RepMetrics]
) -> str:
    """Draw a trace without a session around it: its phases, and the numbers of its repetitions."""
    start, top = float(time_s[0]), _top(None, tension_n) or 1.0
    label = tr("Tension over the trace, {reps}", reps=repetitions_words(len(reps)))
    plot = Plot((0.0, float(time_s[-1]) - start), (min(0.0, float(np.min(tension_n))), top), label, "tall")
    _levels(plot, None, float(np.max(tension_n)))
    for name, curve in _phases(time_s, tension_n, reps, figures).items():
        plot.line(time_s - start, curve, name)
    for index, rep in enumerate(reps, 1):
        plot.mark((rep.hold_start_s + rep.return_start_s) / 2.0 - start, rep.peak_n, _numbered(index, rep))
    return _seconds(plot, float(time_s[-1]) - start).svg()


def _seconds(plot: Plot, length_s: float, first: float = 0.0) -> Plot:
    """Label the axis of time in steps that leave room for the words."""
    steps = (1, 2, 5, 10, 20, 60, 120, 300, 600 * max(1, ceil(length_s / 4800.0)))
    step = next(each for each in steps if length_s / each <= 8)
    for at in range(0, floor(length_s - first) + 1, step):
        words = f"{at} s" if step < 60 else f"{at // 60} min"
        plot.x_label(at + first, words)
    return plot


def session_chart(details: Sequence[SetDetail], time_s: FloatArray, tension_n: FloatArray) -> str:
    """Draw a whole session: its sets by phase, the rests and what was changed in them."""
    zone = details[0].record.targets.zone_n if details else None
    start = max(float(time_s[0]), details[0].record.start_s - 5.0) if details else float(time_s[0])
    end = min(float(time_s[-1]), details[-1].record.end_s + 5.0) if details else float(time_s[-1])
    top = _top(zone, tension_n)
    plot = Plot(
        (0.0, end - start),
        (0.0, top),
        tr("Tension over the session, {sets}", sets=sets_words(len(details))),
        "tall",
    )
    _levels(plot, zone, float(np.max(tension_n)))
    for detail in details:
        for name, curve in _phases(detail.time_s, detail.tension_n, detail.reps, detail.figures).items():
            plot.line(detail.time_s - start, curve, name)
        middle = (detail.record.start_s + detail.record.end_s) / 2.0 - start
        plot.mark(middle, top / 1.02, tr("Set {number}", number=set_name(detail.record)), "mark")
    for before, after in pairwise(details):
        at = (before.record.end_s + after.record.start_s) / 2.0 - start
        rest_s = round(after.record.start_s - before.record.end_s)
        if rest_s > 0.09 * (end - start):
            plot.text(
                at,
                0.16 * top,
                tr("rest {time}", time=f"{rest_s // 60}:{rest_s % 60:02}"),
                "dim rest",
                anchor="middle",
            )
            changed = after.slack_cm - before.slack_cm
            if changed:
                way = mark("{cm:.0f} cm out") if changed > 0 else mark("{cm:.0f} cm in")
                words = tr(way, cm=abs(changed))
                plot.text(at, 0.16 * top, words, "note rest", anchor="middle", dy=18.0)
    return _seconds(plot, end - start).svg()


def overlay_chart(detail: SetDetail) -> str:
    """Draw the repetitions of a set one over the other, aligned where each pull begins."""
    zone = detail.record.targets.zone_n
    before_s, after_s = 0.4, 0.4
    longest = max(rep.duration_s for rep in detail.reps)
    plot = Plot(
        (-before_s, longest + after_s),
        (0.0, _top(zone, detail.tension_n)),
        tr("{reps}, aligned where each pull begins", reps=repetitions_words(len(detail.reps))),
        "taller",
    )
    _levels(plot, zone, float(np.max(detail.tension_n)))
    last = len(detail.reps) - 1
    order = [*range(1, last), *({0, last})]
    for index in order:
        rep = detail.reps[index]
        inside = (detail.time_s >= rep.pull_start_s - before_s) & (detail.time_s <= rep.end_s + after_s)
        shade = 1 + (3 * index) // max(1, last)
        kind = "first" if index == 0 else "last" if index == last else f"between o{shade}"
        plot.line(detail.time_s[inside] - rep.pull_start_s, detail.tension_n[inside], kind)
    return _seconds(plot, longest + after_s).svg()


def mean_repetition_chart(left: Sequence[SetDetail], right: Sequence[SetDetail]) -> str:
    """Draw the mean repetition of each side with the spread of its repetitions."""
    sides = {"left": left, "right": right}
    reps = [rep for details in sides.values() for detail in details for rep in detail.reps if not rep.partial]
    longest = float(np.median([rep.duration_s for rep in reps])) * 1.25
    grid = np.arange(-0.4, longest + 0.4, 0.02)
    zone = left[0].record.targets.zone_n
    means = {}
    for side, details in sides.items():
        aligned = [
            np.interp(grid + rep.pull_start_s, detail.time_s, detail.tension_n)
            for detail in details
            for rep in detail.reps
            if not rep.partial
        ]
        means[side] = np.mean(aligned, axis=0), np.std(aligned, axis=0)
    top = 1.1 * max(float(np.max(mean + spread)) for mean, spread in means.values())
    top = max(top, 1.1 * zone[1]) if zone else top
    plot = Plot(
        (-0.4, longest + 0.4), (0.0, top), tr("Mean tension of left and right over a repetition"), "taller"
    )
    _levels(plot, zone, max(float(np.max(mean)) for mean, _ in means.values()))
    for side, (mean, spread) in means.items():
        plot.band(grid.tolist(), (mean - spread).tolist(), (mean + spread).tolist(), "spread")
        plot.line(grid, mean, side)
    return _seconds(plot, longest + 0.4).svg()


def _weeks(weeks: Sequence[date]) -> tuple[list[float], tuple[float, float]]:
    x = [(week - weeks[0]).days / 7.0 for week in weeks]
    return x, (-0.25, max(x[-1], 1.0) + 0.25)


def _week_labels(plot: Plot, weeks: Sequence[date], x: Sequence[float]) -> None:
    told = sorted({0, len(weeks) // 2, len(weeks) - 1}) if len(weeks) > 2 else range(len(weeks))
    for index in told:
        plot.x_label(x[index], week_label(weeks[index]))


def _hinted(
    plot: Plot, days: Sequence[date], x: Sequence[float], y: Sequence[float], words: Iterable[str]
) -> Plot:
    """Tell day and value to a pointer that comes near a point."""
    return plot.hints(x, y, (f"{day_words(day)}: {told}" for day, told in zip(days, words, strict=True)))


def trend_chart(trend: Trend, *, size: str = "") -> str:
    """Draw a figure by week: points with their uncertainty, or bars for a sum; the latest is labelled."""
    weeks = [point.week for point in trend.points]
    x, across = _weeks(weeks)
    scale, unit = figure_scale(trend.figure)
    values = [scale * point.value for point in trend.points]
    errors = [scale * point.uncertainty for point in trend.points]
    label = tr(
        "{figure} by week, {last} in the last",
        figure=capital(tr(FIGURE_NAMES[trend.figure.name])),
        last=f"{number_words(values[-1])} {unit}",
    )
    if trend.figure.summed:
        low, high = nice_range(0.0, max(values))
        plot = Plot(across, (0.0, high), label, size).rule(high / 2.0, "grid").rule(high, "grid").rule(0.0)
        kinds = ["bar"] * (len(x) - 1) + ["bar now"]
        plot.bars(x, values, 0.32, kinds).y_label(0.0, "0")
    else:
        low, high = nice_range(
            min(v - e for v, e in zip(values, errors, strict=True)),
            max(v + e for v, e in zip(values, errors, strict=True)),
        )
        plot = Plot(across, (low, high), label, size)
        plot.rule((low + high) / 2.0, "grid").rule(high, "grid").rule(low)
        if len(x) > 1:
            lower, upper = (
                [v + sign * e for v, e in zip(values, errors, strict=True)] for sign in (-1.0, 1.0)
            )
            plot.band(x, lower, upper, "spread")
        if len(x) >= 3:
            plot.line(x, values, "trend")
        plot.dots(x, values, "dot").y_label(low, f"{number_words(low)} {unit}")
    if abs(values[-1] - high) > 0.13 * (high - low):
        plot.y_label(high, number_words(high) + (f" {unit}" if not trend.figure.summed else ""))
    plot.y_label(values[-1], f"{number_words(values[-1])} {unit}", "y k")
    _week_labels(plot, weeks, x)
    words = (
        amount(trend.figure, point.value, None if trend.figure.summed else point.uncertainty)
        for point in trend.points
    )
    return _hinted(plot, weeks, x, values, words).svg()


def slack_chart(records: Sequence[SetRecord], *, size: str = "") -> str:
    """Draw the slack that was let out, session by session, as steps."""
    last: dict[int, SetRecord] = {record.session: record for record in records}
    days = [record.day for record in last.values()]
    x, across = _weeks(days)
    values = [record.slack_cm for record in last.values()]
    low, high = nice_range(min(0.0, *values), max(4.0, *values))
    plot = Plot(
        across, (low, high), tr("Slack let out, {cm:.0f} cm in the last session", cm=values[-1]), size
    )
    plot.rule((low + high) / 2.0, "grid").rule(high, "grid").rule(low).steps(x, values, "step")
    for level in (low, high):
        if abs(level - values[-1]) > 0.13 * (high - low):
            plot.y_label(level, f"{level:.0f} cm")
    plot.y_label(values[-1], f"{values[-1]:.0f} cm", "y k")
    _week_labels(plot, days, x)
    return _hinted(plot, days, x, values, (f"{each:.0f} cm" for each in values)).svg()


def dose_chart(weeks: Sequence[DoseWeek], *, size: str = "") -> str:
    """Draw full repetitions done against those prescribed, by week."""
    x, across = _weeks([week.week for week in weeks])
    _, high = nice_range(0.0, float(max(max(week.planned_reps, week.full_reps) for week in weeks) or 1))
    done = sum(week.full_reps for week in weeks)
    asked = sum(week.planned_reps for week in weeks)
    plot = Plot(
        across,
        (0.0, high),
        tr("{done} of {asked} prescribed repetitions, by week", done=done, asked=asked),
        size,
    )
    plot.rule(high / 2.0, "grid").rule(high, "grid").rule(0.0)
    plot.bars(x, [float(week.planned_reps) for week in weeks], 0.5, ["bar asked"] * len(x))
    plot.bars(x, [float(week.full_reps) for week in weeks], 0.32, ["bar"] * (len(x) - 1) + ["bar now"])
    plot.y_label(0.0, "0").y_label(high, f"{high:.0f}")
    if abs(weeks[-1].full_reps - high) > 0.13 * high and weeks[-1].full_reps > 0.13 * high:
        plot.y_label(float(weeks[-1].full_reps), str(weeks[-1].full_reps), "y k")
    days = [week.week for week in weeks]
    _week_labels(plot, days, x)
    reps = [float(week.full_reps) for week in weeks]
    words = (f"{week.full_reps} / {week.planned_reps}" for week in weeks)
    return _hinted(plot, days, x, reps, words).svg()


def sides_chart(compared: Sequence[SideComparison]) -> str:
    """Draw how right differs from left in each figure: a dot and a bar of two standard errors."""
    reach = max(abs(each.difference.share) + 2.0 * each.difference.standard_error for each in compared)
    _, limit = nice_range(0.0, 115.0 * reach)
    plot = Plot(
        (-limit, limit), (0.0, float(len(compared))), tr("Right against left, with uncertainty"), "sides"
    )
    for index, each in enumerate(compared):
        y = len(compared) - index
        plot.rule(float(y), "grid")
        share, error = 100.0 * each.difference.share, 100.0 * each.difference.standard_error
        certain = each.difference.certain
        plot.line([share - 2.0 * error, share + 2.0 * error], [y - 0.68] * 2, "sure" if certain else "unsure")
        plot.dots([share], [y - 0.68], "dot" if certain else "hollow", 8.0)
        name = tr(SIDE_FIGURES[each.figure])
        plot.text(-limit, float(y), name, "note", dy=20.0)
        plot.text(
            -limit,
            float(y),
            side_words(each),
            "dim",
            dx=8.6 * len(name) + 6,
            dy=20.0,
        )
    plot.upright(0.0)
    plot.x_label(0.0, tr("equal"))
    for side, at in (("left", -0.8 * limit), ("right", 0.8 * limit)):
        plot.x_label(at, f"{side_word(side)} {abs(at):.0f} %")
    return plot.svg()


def wear_chart(band: BandHistory, *, size: str = "") -> str:
    """Draw the strength of a band over its repetitions, with its uncertainty, above what use explains."""
    scale = 1.0 / shown_unit().newtons
    x = [float(point.cycles) for point in band.points]
    values = [scale * point.f100_n for point in band.points]
    errors = [scale * point.uncertainty_n for point in band.points]
    least = [scale * point.least_n for point in band.points]
    low, high = nice_range(
        min(*least, *(v - e for v, e in zip(values, errors, strict=True))),
        max(v + e for v, e in zip(values, errors, strict=True)),
    )
    end = max(float(band.cycles), x[-1], 1.0)
    label = tr(
        "Strength of the band over {reps}, {last} at last",
        reps=repetitions_words(band.cycles),
        last=number_words(values[-1]),
    )
    plot = Plot((-0.03 * end, 1.03 * end), (low, high), label, size)
    plot.rule(high, "grid").rule((low + high) / 2.0, "grid").rule(low)
    if len(x) > 1:
        plot.band(x, least, [values[0]] * len(x), "spread").line(x, values, "trend")
    for at, value, error in zip(x, values, errors, strict=True):
        plot.line([at, at], [value - error, value + error], "tension")
    plot.dots(x, values, "dot")
    unit = shown_unit().value
    for level in (low, high):
        if abs(level - values[-1]) > 0.13 * (high - low):
            plot.y_label(level, f"{number_words(level)} {unit}")
    plot.y_label(values[-1], f"{number_words(values[-1])} {unit}", "y k")
    for at in sorted({x[0], x[-1], end}):
        plot.x_label(at, f"{at:.0f}")
    words = (
        f"{repetitions_words(point.cycles)}: {force_pair(point.f100_n, point.uncertainty_n)} {unit}"
        for point in band.points
    )
    return plot.hints(x, values, words).svg()
