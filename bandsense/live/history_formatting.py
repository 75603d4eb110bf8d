"""The history in words: the same for terminal, page and report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite

from bandsense.history.comparable import Obstacle
from bandsense.history.compare import Best, LastTime, SideComparison
from bandsense.history.dose import DoseWeek
from bandsense.history.figures import LOAD, PEAK, RANGE, TIME, Figure
from bandsense.history.records import SetRecord, Targets
from bandsense.history.trends import LEAST_WEEKS, Trend
from bandsense.history.uncertainty import Change, Verdict
from bandsense.history.wear import BandHistory
from bandsense.live.formatting import plural
from bandsense.live.units import force_range, shown_unit
from bandsense.samples import ForceUnit

__all__ = [
    "FIGURE_NAMES",
    "amount",
    "band_words",
    "best_words",
    "change_words",
    "day_words",
    "dose_words",
    "last_time_words",
    "obstacle_words",
    "plan_line",
    "side_words",
    "sides_verdict",
    "slack_words",
    "tempo_line",
    "title_words",
    "trend_words",
]

FIGURE_NAMES = {
    PEAK.name: "strongest pull",
    RANGE.name: "range",
    LOAD.name: "load",
    TIME.name: "time under tension",
}

_SCALES = {"m": (100.0, "cm"), "s": (1.0, "s")}
"""Factor and unit in which a figure is shown that is no force."""


def _scale(figure: Figure) -> tuple[float, str]:
    """Look up the factor and the unit in which a figure is shown to this person."""
    unit = shown_unit()
    if figure.unit == "N":
        return 1.0 / unit.newtons, unit.value
    if figure.unit == "N·s":
        thousands = unit is ForceUnit.NEWTON
        return (0.001, "kN·s") if thousands else (1.0 / unit.newtons, f"{unit.value}·s")
    return _SCALES[figure.unit]


_OBSTACLES = {
    Obstacle.SOURCE: "one of them is simulated or a replay",
    Obstacle.EXERCISE: "the exercises differ",
    Obstacle.SIDE: "the sides differ",
    Obstacle.BAND: "the bands differ",
    Obstacle.NO_BAND: "no band was named, so nobody knows whether it was the same; "
    "name it once with `bandsense live --band NAME`",
    Obstacle.REST_LENGTH: "the unstretched length of the band was set anew in between",
    Obstacle.SENSOR: "the sensors differ",
    Obstacle.CALIBRATION: "the sensor was calibrated anew in between",
}


def day_words(day: date, *, year: bool = False) -> str:
    """`28 November`, with the year where asked."""
    return f"{day.day} {day:%B}" + (f" {day.year}" if year else "")


def amount(figure: Figure, value: float, uncertainty: float | None = None) -> str:
    """Write a value with its unit as people read it, to the place of its uncertainty's first digit."""
    scale, unit = _scale(figure)
    shown = scale * value
    if uncertainty is None or not isfinite(uncertainty):
        return f"{shown:.{1 if abs(shown) < 10.0 else 0}f} {unit}"
    decimals = 0 if scale * uncertainty >= 0.95 else 1 if scale * uncertainty >= 0.095 else 2
    return f"{shown:.{decimals}f} ± {scale * uncertainty:.{decimals}f} {unit}"


def _percent(change: Change) -> str:
    share, uncertainty = change.share, change.share_uncertainty
    if share is None or uncertainty is None or not isfinite(uncertainty):
        return ""
    decimals = 0 if uncertainty >= 0.0095 else 1
    return f"{100.0 * abs(share):.{decimals}f} ± {100.0 * uncertainty:.{decimals}f} %"


def change_words(change: Change) -> str:
    """By how much a figure changed, and how sure that is."""
    percent = _percent(change)
    if change.verdict is Verdict.NOT_SURE or not percent:
        within = f" ({percent})" if percent else ""
        return f"no difference that is sure{within}"
    way = "up" if change.difference > 0.0 else "down"
    return f"{way} {percent}, {change.verdict.value}"


def trend_words(trend: Trend) -> str:
    """How a figure went over the weeks."""
    if trend.change is None:
        missing = LEAST_WEEKS - len(trend.points)
        more = "One more week" if missing == 1 else f"{missing} more weeks"
        return f"{more} until a trend can be told."
    words = change_words(trend.change)
    return f"{words[0].upper()}{words[1:]}."


def obstacle_words(obstacles: Sequence[Obstacle]) -> str:
    """Why two sessions cannot be compared."""
    return f"Not compared: {'; '.join(_OBSTACLES[each] for each in obstacles)}."


def last_time_words(found: LastTime) -> str:
    """Tell a session against the time before, in a sentence or two."""
    if not found.before:
        return "The first time; from now on there is something to compare with."
    before, now = found.full_reps
    day = day_words(found.before[0].day)
    counts = f"{plural(now, 'full repetition')}, {before} on {day}."
    if found.obstacles:
        return f"{counts} {obstacle_words(found.obstacles)}"
    said = [
        f"{FIGURE_NAMES[name]} {change_words(change)}"
        for name, change in found.changes.items()
        if name in (PEAK.name, RANGE.name)
    ]
    slack = f" {slack_words(found.slack_cm)} than then." if found.slack_cm else ""
    return f"{counts} {_sentence('; '.join(said))}{slack}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def slack_words(change_cm: float) -> str:
    """Tell a change of slack."""
    return f"{abs(change_cm):.0f} cm {'more' if change_cm > 0.0 else 'less'} slack"


def best_words(best: Best) -> str:
    """Tell a best, when it was, and whether it is one that is sure."""
    day = day_words(best.record.day)
    if best.figure is None:
        return f"{plural(round(best.value), 'full repetition')} in a set on {day}"
    words = f"{amount(best.figure, best.value, best.uncertainty)} on {day}"
    if best.before is None:
        return words
    sure = {
        Verdict.SURE: "surely more than before",
        Verdict.LIKELY: "likely more than before",
        Verdict.NOT_SURE: "not surely more than before",
    }
    return f"{words}, {sure[best.before.verdict]}"


def dose_words(weeks: Sequence[DoseWeek]) -> str:
    """Tell what was done against what was prescribed, over all these weeks."""
    sessions = sum(week.sessions for week in weeks)
    asked = [week.planned_sessions for week in weeks if week.planned_sessions is not None]
    done = plural(sessions, "session") if not asked else f"{sessions} of {sum(asked)} sessions"
    sets, planned = sum(week.sets for week in weeks), sum(week.planned_sets for week in weeks)
    reps, of = sum(week.full_reps for week in weeks), sum(week.planned_reps for week in weeks)
    share = f", {100.0 * reps / of:.0f} % of the repetitions" if of else ""
    zone = sum(week.with_zone for week in weeks)
    hit = f", {100.0 * sum(week.in_zone for week in weeks) / zone:.0f} % of them in the zone" if zone else ""
    return f"{done} in {plural(len(weeks), 'week')}, {sets} of {planned} sets{share}{hit}"


def band_words(name: str, band: BandHistory) -> str:
    """How a band is, and when to measure it again."""
    used = f"{name}: {plural(band.cycles, 'repetition')}."
    if band.check_in:
        after = f"Measure it again after {band.check_in} more."
    else:
        after = "It is time to measure it again (`bandsense band pull`)."
    if len(band.points) < 2:
        return f"{used} {band.wear.message}"
    loss = f"{100.0 * abs(band.wear.loss):.0f} ± {100.0 * band.wear.uncertainty:.0f} %"
    softer = f"{loss} {'softer' if band.wear.loss >= 0.0 else 'stronger'} than when it was first measured"
    said = band.wear.message if band.wear.state.alarming else f"It is {softer}; {_explained(band)}"
    return f"{used} {said} {after}"


def _explained(band: BandHistory) -> str:
    last = band.points[-1]
    return (
        "its use explains that." if last.f100_n >= last.least_n else "its use does not explain all of that."
    )


_SIDE_NAMES = {
    "peak_n": "Peak",
    "impulse_n_s": "Load",
    "range_m": "Range",
    "time_under_tension_s": "Time under tension",
}


def side_words(side: SideComparison) -> str:
    """How right differs from left in one figure."""
    difference = side.difference
    if not difference.certain:
        return f"{_SIDE_NAMES[side.figure]}: no difference that is sure"
    which = "right" if difference.share > 0.0 else "left"
    share = f"{100.0 * abs(difference.share):.0f} ± {100.0 * difference.standard_error:.0f} %"
    return f"{_SIDE_NAMES[side.figure]}: {which} {share} more, sure"


def sides_verdict(compared: Sequence[SideComparison]) -> str:
    """Left against right in a sentence."""
    if not compared:
        return "Left and right cannot be compared yet: it takes two full repetitions a side."
    peak = next(side for side in compared if side.figure == "peak_n")
    if not peak.difference.certain:
        return "Left and right pull alike, as far as can be told."
    stronger, weaker = ("right", "left") if peak.difference.share > 0.0 else ("left", "right")
    share = f"{100.0 * abs(peak.difference.share):.0f} ± {100.0 * peak.difference.standard_error:.0f} %"
    return f"Your {stronger} arm pulls {share} harder than your {weaker}."


def plan_line(targets: Targets) -> str:
    """`3 × 8 to 12, 90 to 110 N`."""
    reps = f"{targets.reps}" if targets.reps == targets.reps_top else f"{targets.reps} to {targets.reps_top}"
    zone = ""
    if targets.low_n is not None and targets.high_n is not None:
        zone = f", {force_range(round(targets.low_n), round(targets.high_n))}"
    return f"{targets.sets} × {reps}{zone}"


def tempo_line(targets: Targets) -> str:
    """`1.5 up, 1.0 hold, 2.5 back`; empty without a tempo."""
    if targets.tempo_s is None:
        return ""
    pull, hold, back, _ = targets.tempo_s
    return f"{pull:.1f} out, {hold:.1f} hold, {back:.1f} back"


def title_words(record: SetRecord, band: str | None) -> str:
    """Exercise, side and band."""
    side = f", {record.conditions.side} side" if record.conditions.side else ""
    return f"{record.exercise_name}{side}, {band or record.conditions.band or 'no named'} band"
