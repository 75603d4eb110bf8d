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
from bandsense.live.formatting import number_word, plural
from bandsense.live.units import force_figure, force_range, shown_unit
from bandsense.samples import ForceUnit
from bandsense.signal.metrics import SetMetrics

__all__ = [
    "FIGURE_NAMES",
    "SIDE_FIGURES",
    "amount",
    "band_words",
    "best_words",
    "breathing_words",
    "change_words",
    "day_words",
    "dose_words",
    "fatigue_words",
    "figure_scale",
    "force_pair",
    "last_time_words",
    "measured_words",
    "number_words",
    "obstacle_words",
    "plan_line",
    "progress_words",
    "session_words",
    "set_name",
    "side_figures",
    "side_words",
    "sides_verdict",
    "slack_words",
    "span_words",
    "tempo_line",
    "title_words",
    "to_do_words",
    "trend_words",
    "week_label",
]

FIGURE_NAMES = {
    PEAK.name: "strongest pull",
    RANGE.name: "range",
    LOAD.name: "load",
    TIME.name: "time under tension",
}

_SCALES = {"m": (100.0, "cm"), "s": (1.0, "s")}
"""Factor and unit in which a figure is shown that is no force."""


def figure_scale(figure: Figure) -> tuple[float, str]:
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


def force_pair(newtons: float, uncertainty_n: float) -> str:
    """Write a force with its standard uncertainty, without the unit: `106 ± 5`."""
    decimals = 0 if uncertainty_n >= 0.95 else 1
    return f"{force_figure(newtons, decimals)} ± {force_figure(uncertainty_n, decimals)}"


def number_words(value: float) -> str:
    """Write a number of an axis: one decimal below ten, where it has one."""
    return f"{value:.1f}" if abs(value) < 10.0 and abs(value - round(value)) > 0.049 else f"{value:z.0f}"


def week_label(day: date) -> str:
    """`5 Oct`."""
    return f"{day.day} {day:%b}"


def span_words(first: date, last: date, *, year: bool = False) -> str:
    """`2 May to 29 November`; one day alone is told once."""
    told = day_words(last, year=year)
    return told if first == last else f"{day_words(first)} to {told}"


def day_words(day: date, *, year: bool = False) -> str:
    """`28 November`, with the year where asked."""
    return f"{day.day} {day:%B}" + (f" {day.year}" if year else "")


def amount(figure: Figure, value: float, uncertainty: float | None = None) -> str:
    """Write a value with its unit as people read it, to the place of its uncertainty's first digit."""
    scale, unit = figure_scale(figure)
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
    return _sentence(change_words(trend.change))


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


SIDE_FIGURES = {
    "peak_n": "Peak",
    "impulse_n_s": "Load",
    "range_m": "Range",
    "time_under_tension_s": "Time under tension",
}


def side_words(side: SideComparison) -> str:
    """How right differs from left in one figure."""
    difference = side.difference
    if not difference.certain:
        return f"{SIDE_FIGURES[side.figure]}: no difference that is sure"
    which = "right" if difference.share > 0.0 else "left"
    share = f"{100.0 * abs(difference.share):.0f} ± {100.0 * difference.standard_error:.0f} %"
    return f"{SIDE_FIGURES[side.figure]}: {which} {share} more, sure"


def side_figures(side: SideComparison) -> tuple[str, str, str]:
    """Write a figure a repetition of both sides with its standard error: name with unit, left, right."""
    unit = shown_unit()
    name, scale = {
        "peak_n": (f"Peak, {unit.value}", 1.0 / unit.newtons),
        "impulse_n_s": (f"Load, {unit.value}·s", 1.0 / unit.newtons),
        "range_m": ("Range, cm", 100.0),
        "time_under_tension_s": ("Time, s", 1.0),
    }[side.figure]

    def pair(value: tuple[float, float]) -> str:
        mean, error = scale * value[0], scale * value[1]
        decimals = 0 if error >= 0.95 else 1 if error >= 0.095 else 2
        return f"{mean:.{decimals}f} ± {error:.{decimals}f}"

    return name, pair(side.left), pair(side.right)


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
    zone = "" if targets.zone_n is None else f", {force_range(*map(round, targets.zone_n))}"
    return f"{targets.sets} × {reps}{zone}"


def tempo_line(targets: Targets) -> str:
    """`1.5 pull, 1.0 hold, 2.5 return`; empty without a tempo."""
    if targets.tempo_s is None:
        return ""
    pull, hold, back, _ = targets.tempo_s
    return f"{pull:.1f} pull, {hold:.1f} hold, {back:.1f} return"


def title_words(record: SetRecord, band: str | None) -> str:
    """Exercise, side and band."""
    side = f", {record.conditions.side} side" if record.conditions.side else ""
    return f"{record.exercise_name}{side}, {band or record.conditions.band or 'no named'} band"


def set_name(record: SetRecord) -> str:
    """`2`, `2 left`."""
    return f"{record.number}" + (f" {record.conditions.side}" if record.conditions.side else "")


def session_words(sets: Sequence[SetRecord]) -> str:
    """Tell in a sentence or two what was done in a session, and how that stands to its plan."""
    reps, partial = (
        sum(len(each.reps) for each in sets),
        sum(len(each.reps) - len(each.full) for each in sets),
    )
    sides = {each.conditions.side for each in sets}
    done = plural(len(sets) // len(sides), "set") + (" of each side" if len(sides) > 1 else "")
    count = f"{plural(reps, 'repetition')} in {done}"
    if partial:
        count += f", {partial} of them partial"
    return f"{count}. {_against_plan(sets)}"


def _against_plan(sets: Sequence[SetRecord]) -> str:
    reached = [len(each.full) >= each.targets.reps for each in sets]
    if all(reached):
        return "Every set reached the plan." if len(sets) > 1 else "It reached the plan."
    changed = next(
        (
            index
            for index in range(1, len(sets))
            if sets[index].slack_cm != sets[index - 1].slack_cm
            and sets[index].conditions.side == sets[index - 1].conditions.side
        ),
        None,
    )
    if changed is not None and not all(reached[:changed]):
        before = "The first set fell" if changed == 1 else f"The first {changed} sets fell"
        slack = slack_words(sets[changed].slack_cm - sets[changed - 1].slack_cm)
        after, of = sum(reached[changed:]), len(sets) - changed
        both = {
            (0, 1): "the other did too",
            (1, 1): "the other reached it",
            (0, 2): "neither of the others reached it",
            (2, 2): "both others reached it",
        }
        then = both.get((after, of), f"{after} of the other {of} reached it")
        return f"{before} short of the plan; with {slack} {then}."
    if not any(reached):
        return "No set reached the plan." if len(sets) > 1 else "It fell short of the plan."
    return f"{sum(reached)} of them reached the plan."


def progress_words(trend: Trend | None) -> str:
    """Tell in a sentence how the strongest pull went over the weeks; empty where nothing can be told."""
    if trend is None or trend.change is None:
        return ""
    weeks = round((trend.points[-1].week - trend.points[0].week).days / 7)
    ago = f"{number_word(weeks)} weeks ago"
    change = trend.change
    if change.verdict is Verdict.NOT_SURE:
        return f"Your strongest pull is about that of {ago}; a difference is not sure."
    way = "above" if change.difference > 0.0 else "below"
    likely = "" if change.verdict is Verdict.SURE else ", which is likely but not yet sure"
    return f"Your strongest pull is {_percent(change)} {way} that of {ago}{likely}."


def to_do_words(
    targets: Targets, slack_cm: float, breathing: str, per_week: int | None = None
) -> tuple[str, ...]:
    """Write what to do until the next visit, as the plan has it.

    Args:
        targets: the plan.
        slack_cm: what is let out now.
        breathing: how to breathe, as a sentence; empty where the exercise does not say.
        per_week: sessions a week that were prescribed.
    """
    reps = f"{targets.reps}" if targets.reps == targets.reps_top else f"{targets.reps} to {targets.reps_top}"
    often = {None: "", 1: "Once a week, ", 2: "Twice a week, "}.get(per_week, f"{per_week} times a week, ")
    lines = [f"{often}{plural(targets.sets, 'set')} of {reps}."]
    if slack_cm:
        lines.append(
            f"Keep the band where it is now: {abs(slack_cm):.0f} cm {'out' if slack_cm > 0 else 'in'}."
        )
    if breathing:
        lines.append(breathing)
    lines.append("Stop if pain is sharp or lasts over a day.")
    return tuple(lines)


def breathing_words(concentric: str) -> str:
    """Write how to breathe, from what to do on the pull: `exhale` or `inhale`."""
    out, back = ("out", "in") if concentric == "exhale" else ("in", "out")
    return f"Breathe {out} on the pull, {back} on the return."


def fatigue_words(metrics: SetMetrics) -> str:
    """Tell what changed over a set; empty where it was too short to tell."""
    fatigue = metrics.fatigue
    if fatigue is None or any(name.startswith("fatigue.") for name in metrics.hidden):
        return ""
    longer, less = fatigue.concentric_time_gained, fatigue.range_lost
    if abs(longer) < STEADY_SHARE and abs(less) < STEADY_SHARE:
        return "The last two pulls were like the second and third: an even set."
    parts = []
    if abs(longer) >= STEADY_SHARE:
        parts.append(f"took {100.0 * abs(longer):.0f} % {'longer' if longer > 0.0 else 'less time'}")
    if abs(less) >= STEADY_SHARE:
        parts.append(f"reached {100.0 * abs(less):.0f} % {'less' if less > 0.0 else 'more'} range")
    estimated = (
        " (range estimated from a usual band)" if fatigue.estimated and abs(less) >= STEADY_SHARE else ""
    )
    return f"Against the second and third, the last two pulls {' and '.join(parts)}{estimated}."


STEADY_SHARE = 0.08
"""Less than that is an even set. A choice: repetitions differ by about 5 % anyway."""


def measured_words(sensor: str, grade: str, span_uncertainty: float, rate_hz: float | None) -> str:
    """Tell how tension was measured, in a sentence."""
    rate = "" if rate_hz is None else f", {rate_hz:.0f} times a second"
    return (
        f"Tension was measured at the band by sensor {sensor[-4:].upper()} ({grade}, "
        f"± {100.0 * span_uncertainty:.0f} %){rate}. Pull, hold and return are those of the hand, "
        "estimated from the tension."
    )
