"""The history in words: the same for terminal, page and report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from math import isfinite

from bandsense.history.comparable import Obstacle
from bandsense.history.compare import Best, LastTime, SideComparison
from bandsense.history.dose import DoseWeek
from bandsense.history.figures import LOAD, PEAK, RANGE, TIME, Figure
from bandsense.history.records import RepRecord, SetRecord, Targets
from bandsense.history.trends import LEAST_WEEKS, Trend
from bandsense.history.uncertainty import Change, Verdict
from bandsense.history.wear import BandHistory
from bandsense.language import mark, number, said, tr, trn
from bandsense.live.formatting import (
    capital,
    doubt_words,
    full_repetitions_words,
    not_full_words,
    number_word,
    repetitions_words,
    sets_words,
    side_name,
    side_word,
)
from bandsense.live.units import force_pair, force_range, shown_unit, with_uncertainty
from bandsense.samples import ForceUnit
from bandsense.signal.metrics import SetMetrics
from bandsense.workout.counts import RepCounts, chances_of_all

__all__ = [
    "FIGURE_NAMES",
    "SIDE_FIGURES",
    "amount",
    "band_words",
    "best_words",
    "breathing_words",
    "change_words",
    "counts_of",
    "day_words",
    "dose_words",
    "fatigue_words",
    "figure_scale",
    "force_pair",
    "last_time_words",
    "measured_words",
    "number_words",
    "obstacle_words",
    "of_words",
    "plan_line",
    "progress_words",
    "session_words",
    "set_name",
    "sets_doubt",
    "side_figures",
    "side_words",
    "sides_verdict",
    "slack_words",
    "span_words",
    "strongest_words",
    "tempo_line",
    "title_words",
    "to_do_words",
    "trend_words",
    "week_label",
]

FIGURE_NAMES = {
    PEAK.name: mark("strongest pull"),
    RANGE.name: mark("range"),
    LOAD.name: mark("load"),
    TIME.name: mark("time under tension"),
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
    Obstacle.SOURCE: mark("one of them is simulated or a replay"),
    Obstacle.EXERCISE: mark("the exercises differ"),
    Obstacle.SIDE: mark("the sides differ"),
    Obstacle.BAND: mark("the bands differ"),
    Obstacle.NO_BAND: mark(
        "no band was named, so nobody knows whether it was the same; "
        "name it once with `bandsense live --band NAME`"
    ),
    Obstacle.REST_LENGTH: mark("the unstretched length of the band was set anew in between"),
    Obstacle.SENSOR: mark("the sensors differ"),
    Obstacle.CALIBRATION: mark("the sensor was calibrated anew in between"),
}


def number_words(value: float) -> str:
    """Write a number of an axis: one decimal below ten, where it has one."""
    whole = abs(value) >= 10.0 or abs(value - round(value)) <= 0.049
    return number(value, "z.0f" if whole else ".1f")


_MONTHS = (
    mark("January"),
    mark("February"),
    mark("March"),
    mark("April"),
    mark("May"),
    mark("June"),
    mark("July"),
    mark("August"),
    mark("September"),
    mark("October"),
    mark("November"),
    mark("December"),
)
_SHORT_MONTHS = (
    mark("Jan"),
    mark("Feb"),
    mark("Mar"),
    mark("Apr"),
    mark("May"),
    mark("Jun"),
    mark("Jul"),
    mark("Aug"),
    mark("Sep"),
    mark("Oct"),
    mark("Nov"),
    mark("Dec"),
)
_WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)


def week_label(day: date) -> str:
    """Write `5 Oct`."""
    return tr("{day} {month}", day=day.day, month=tr(_SHORT_MONTHS[day.month - 1]))


def month_words(day: date) -> str:
    """Write `November 2026`."""
    return f"{tr(_MONTHS[day.month - 1])} {day.year}"


def moment_words(at: datetime) -> str:
    """Write `Saturday 28 November 2026, 17:05`."""
    day = day_words(at, year=True)
    return tr("{weekday} {day}, {time}", weekday=tr(_WEEKDAYS[at.weekday()]), day=day, time=f"{at:%H:%M}")


def short_moment_words(at: datetime) -> str:
    """Write `28 Nov, 17:05`."""
    return f"{week_label(at)}, {at:%H:%M}"


def span_words(first: date, last: date, *, year: bool = False) -> str:
    """Write `2 May to 29 November`; one day alone is told once."""
    told = day_words(last, year=year)
    return told if first == last else tr("{first} to {last}", first=day_words(first), last=told)


def day_words(day: date, *, year: bool = False) -> str:
    """Write `28 November`, with the year where asked."""
    words = tr("{day} {month}", day=day.day, month=tr(_MONTHS[day.month - 1]))
    return f"{words} {day.year}" if year else words


def amount(figure: Figure, value: float, uncertainty: float | None = None) -> str:
    """Write a value with its unit as people read it, and with its uncertainty where that is known."""
    scale, unit = figure_scale(figure)
    shown = scale * value
    if uncertainty is None or not isfinite(uncertainty):
        return f"{number(shown, '.1f' if abs(shown) < 10.0 else '.0f')} {unit}"
    return f"{with_uncertainty(shown, scale * uncertainty)} {unit}"


def _percent(change: Change) -> str:
    share, uncertainty = change.share, change.share_uncertainty
    if share is None or uncertainty is None or not isfinite(uncertainty):
        return ""
    return f"{with_uncertainty(100.0 * abs(share), 100.0 * uncertainty)} %"


def change_words(change: Change) -> str:
    """By how much a figure changed, and how sure that is."""
    percent = _percent(change)
    if change.verdict is Verdict.NOT_SURE or not percent:
        if not percent:
            return tr("no clear difference")
        return tr("no clear difference ({percent})", percent=percent)
    sentence = {
        (True, Verdict.SURE): mark("up {percent}, sure"),
        (True, Verdict.LIKELY): mark("up {percent}, likely"),
        (False, Verdict.SURE): mark("down {percent}, sure"),
        (False, Verdict.LIKELY): mark("down {percent}, likely"),
    }[change.difference > 0.0, change.verdict]
    return tr(sentence, percent=percent)


def trend_words(trend: Trend) -> str:
    """Tell how a figure went over the weeks."""
    if trend.change is None:
        return trn(
            "One more week until a trend can be told.",
            "{n} more weeks until a trend can be told.",
            LEAST_WEEKS - len(trend.points),
        )
    return _sentence(change_words(trend.change))


def obstacle_words(obstacles: Sequence[Obstacle]) -> str:
    """Why two sessions cannot be compared."""
    return tr("Not compared: {why}.", why="; ".join(tr(_OBSTACLES[each]) for each in obstacles))


def last_time_words(found: LastTime) -> str:
    """Tell a session against the time before, in a sentence or two."""
    if not found.before:
        return tr("The first time; from now on there is something to compare with.")
    before, now = found.full_reps
    done, day = full_repetitions_words(now), found.before[0].day
    if day == found.now[0].day:
        counts = tr("{now}, {before} earlier that day.", now=done, before=before)
    else:
        counts = tr("{now}, {before} on {day}.", now=done, before=before, day=day_words(day))
    if found.obstacles:
        return f"{counts} {obstacle_words(found.obstacles)}"
    changes = "; ".join(
        tr("{figure} {change}", figure=tr(FIGURE_NAMES[name]), change=change_words(change))
        for name, change in found.changes.items()
        if name in (PEAK.name, RANGE.name)
    )
    slack = ""
    if found.slack_cm:
        slack = tr("{slack} than then.", slack=slack_words(found.slack_cm))
    return " ".join(filter(None, (counts, _sentence(changes), slack)))


def _sentence(words: str) -> str:
    return f"{capital(words)}." if words else ""


def slack_words(change_cm: float) -> str:
    """Tell a change of slack."""
    if change_cm > 0.0:
        return tr("{cm:.0f} cm more slack", cm=float(change_cm))
    return tr("{cm:.0f} cm less slack", cm=abs(float(change_cm)))


def best_words(best: Best) -> str:
    """Tell a best, when it was, and whether it is one that is sure."""
    day = day_words(best.record.day)
    if best.figure is None:
        reps = full_repetitions_words(round(best.value))
        return tr("{reps} in a set on {day}", reps=reps, day=day)
    words = tr("{amount} on {day}", amount=amount(best.figure, best.value, best.uncertainty), day=day)
    if best.before is None:
        return words
    sure = {
        Verdict.SURE: tr("surely more than before"),
        Verdict.LIKELY: tr("likely more than before"),
        Verdict.NOT_SURE: tr("not surely more than before"),
    }
    return f"{words}, {sure[best.before.verdict]}"


def sessions_words(count: int) -> str:
    """Write `1 session`, `2 sessions`."""
    return trn("{n} session", "{n} sessions", count)


def dose_words(weeks: Sequence[DoseWeek]) -> str:
    """Tell what was done against what was prescribed, over all these weeks."""
    sessions = sum(week.sessions for week in weeks)
    asked = [week.planned_sessions for week in weeks if week.planned_sessions is not None]
    done = tr("{n} of {of} sessions", n=sessions, of=sum(asked)) if asked else sessions_words(sessions)
    sets, planned = sum(week.sets for week in weeks), sum(week.planned_sets for week in weeks)
    reps, of = sum(week.full_reps for week in weeks), sum(week.planned_reps for week in weeks)
    parts = [
        tr("{sessions} in {weeks}", sessions=done, weeks=trn("{n} week", "{n} weeks", len(weeks))),
        tr("{done} of {planned} sets", done=sets, planned=planned),
    ]
    if of:
        parts.append(tr("{share:.0%} of the repetitions", share=reps / of))
    zone = sum(week.with_zone for week in weeks)
    if zone:
        parts.append(tr("{share:.0%} of them in the zone", share=sum(week.in_zone for week in weeks) / zone))
    return ", ".join(parts)


def band_words(band_id: str, name: str, band: BandHistory) -> str:
    """Tell how a band is, and when to measure it again."""
    used = f"{name}: {repetitions_words(band.cycles)}."
    if band.check_in:
        after = tr("Measure it again after {n} more.", n=band.check_in)
    else:
        after = tr("It is time to measure it again (`bandsense band pull {band}`).", band=band_id)
    if len(band.points) < 2:
        return f"{used} {said(band.wear.message)}"
    if band.wear.state.alarming:
        return f"{used} {said(band.wear.message)} {after}"
    loss = f"{100.0 * abs(band.wear.loss):.0f} ± {100.0 * band.wear.uncertainty:.0f} %"
    last = band.points[-1]
    sentence = {
        (True, True): mark("It is {loss} softer than when it was first measured; its use explains that."),
        (True, False): mark(
            "It is {loss} softer than when it was first measured; its use does not explain all of that."
        ),
        (False, True): mark("It is {loss} stronger than when it was first measured; its use explains that."),
        (False, False): mark(
            "It is {loss} stronger than when it was first measured; its use does not explain all of that."
        ),
    }[band.wear.loss >= 0.0, last.f100_n >= last.least_n]
    return f"{used} {tr(sentence, loss=loss)} {after}"


SIDE_FIGURES = {
    "peak_n": mark("Peak"),
    "impulse_n_s": mark("Load"),
    "range_m": mark("Range"),
    "time_under_tension_s": mark("Time under tension"),
}


def of_words(number: int, whole: int) -> str:
    """Say how many of a number, "3 of 4"."""
    return tr("{reps} of {number}", reps=number, number=whole)


def side_words(side: SideComparison) -> str:
    """Tell how right differs from left in a figure that is named beside it."""
    difference = side.difference
    if not difference.certain:
        return tr("no clear difference")
    return tr("{difference} more, sure", difference=side_difference(side))


def side_difference(side: SideComparison) -> str:
    """Write `right 12 ± 3 %`."""
    difference = side.difference
    which = side_word("right" if difference.share > 0.0 else "left")
    share, error = 100.0 * abs(difference.share), 100.0 * difference.standard_error
    return f"{which} {share:.0f} ± {error:.0f} %"


def side_figures(side: SideComparison) -> tuple[str, str, str]:
    """Write a figure a repetition of both sides with its standard error: name with unit, left, right."""
    unit = shown_unit()
    name, scale = {
        "peak_n": (f"{tr('Peak')}, {unit.value}", 1.0 / unit.newtons),
        "impulse_n_s": (f"{tr('Load')}, {unit.value}·s", 1.0 / unit.newtons),
        "range_m": (f"{tr('Range')}, cm", 100.0),
        "time_under_tension_s": (f"{tr('Time')}, s", 1.0),
    }[side.figure]

    def pair(value: tuple[float, float]) -> str:
        return with_uncertainty(scale * value[0], scale * value[1])

    return name, pair(side.left), pair(side.right)


def sides_verdict(compared: Sequence[SideComparison], hidden: Mapping[str, str]) -> str:
    """Left against right in a sentence.

    Args:
        compared: the figures that are compared.
        hidden: those that are not, because a repetition hides them, with the reason.
    """
    if PEAK.name in hidden:
        return tr("How hard left and right pull is not compared: {why}.", why=said(hidden[PEAK.name]))
    if not compared:
        return tr("Left and right cannot be compared yet: it takes two full repetitions a side.")
    peak = next(side for side in compared if side.figure == PEAK.name)
    if not peak.difference.certain:
        return tr("Left and right pull alike, as far as can be told.")
    share = f"{100.0 * abs(peak.difference.share):.0f} ± {100.0 * peak.difference.standard_error:.0f} %"
    if peak.difference.share > 0.0:
        return tr("Your right arm pulls {share} harder than your left.", share=share)
    return tr("Your left arm pulls {share} harder than your right.", share=share)


def planned_reps(targets: Targets) -> str:
    """Write `8`, `8 to 12`."""
    if targets.reps == targets.reps_top:
        return f"{targets.reps}"
    return tr("{low} to {high}", low=targets.reps, high=targets.reps_top)


def plan_line(targets: Targets) -> str:
    """Write `3 × 8 to 12, 90 to 110 N`."""
    zone = "" if targets.zone_n is None else f", {force_range(*map(round, targets.zone_n))}"
    return f"{targets.sets} × {planned_reps(targets)}{zone}"


def tempo_line(targets: Targets) -> str:
    """Write `1.5 pull, 1.0 hold, 2.5 return`; empty without a tempo."""
    if targets.tempo_s is None:
        return ""
    pull, hold, back, _ = targets.tempo_s
    return tr("{pull:.1f} pull, {hold:.1f} hold, {back:.1f} return", pull=pull, hold=hold, back=back)


def title_words(record: SetRecord, band: str | None) -> str:
    """Name exercise, side and band."""
    name = tr(record.exercise_name)
    if record.conditions.side:
        name = f"{name}, {side_name(record.conditions.side)}"
    named = band or record.conditions.band
    if not named:
        return tr("{exercise}, no named band", exercise=name)
    return tr("{exercise}, {band} band", exercise=name, band=named)


def set_name(record: SetRecord) -> str:
    """Write `2`, `2 left`."""
    side = record.conditions.side
    return f"{record.number} {side_word(side)}" if side else f"{record.number}"


def strongest_words(reps: Sequence[RepRecord]) -> str:
    """Write the greatest peak with its uncertainty, without the unit; a dash where it is hidden."""
    strongest = max(reps, key=lambda rep: rep.peak_n)
    if "peak_n" in strongest.hidden:
        return "–"
    return force_pair(strongest.peak_n, strongest.peak_uncertainty_n)


def counts_of(sets: Iterable[SetRecord]) -> RepCounts:
    """Count the repetitions of sets."""
    return RepCounts.of(rep for each in sets for rep in each.reps)


def sets_doubt(sets: Sequence[SetRecord]) -> str:
    """Say which other count of these sets is likely: `perhaps 9`; empty where none is."""
    chances = chances_of_all((len(each.reps), each.chances) for each in sets)
    return doubt_words(sum(len(each.reps) for each in sets), chances)


def session_words(sets: Sequence[SetRecord]) -> str:
    """Tell in a sentence or two what was done in a session, and how that stands to its plan."""
    counts = counts_of(sets)
    sides = {each.conditions.side for each in sets}
    done = sets_words(len(sets) // len(sides))
    if len(sides) > 1:
        done = tr("{sets} of each side", sets=done)
    told = {
        "reps": repetitions_words(counts.all),
        "doubt": sets_doubt(sets),
        "sets": done,
        "rest": not_full_words(counts),
    }
    sentence = {
        (False, False): mark("{reps} in {sets}"),
        (False, True): mark("{reps} in {sets}, of them {rest}"),
        (True, False): mark("{reps}, {doubt}, in {sets}"),
        (True, True): mark("{reps}, {doubt}, in {sets}, of them {rest}"),
    }[bool(told["doubt"]), bool(told["rest"])]
    count = tr(sentence, **told)
    return " ".join(filter(None, (f"{count}.", _against_plan(sets), _against_zone(sets))))


def _against_zone(sets: Sequence[SetRecord]) -> str:
    """Tell how many peaks lay in the zone of the plan, where it has one."""
    zoned = [each for each in sets if each.targets.zone_n is not None]
    if not zoned or zoned[0].targets.zone_n is None:
        return ""
    peaks = [each.targets.in_zone(rep.peak_n) for each in zoned for rep in each.reps]
    zone = force_range(*zoned[0].targets.zone_n)
    if all(peaks):
        return tr("All peaks lay within {zone}.", zone=zone)
    return tr("{within} of {peaks} peaks lay within {zone}.", within=sum(peaks), peaks=len(peaks), zone=zone)


def _against_plan(sets: Sequence[SetRecord]) -> str:
    reached = [len(each.full) >= each.targets.reps for each in sets]
    if all(reached):
        return (
            tr("Every set reached the planned repetitions.")
            if len(sets) > 1
            else tr("It reached the planned repetitions.")
        )
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
        slack = slack_words(sets[changed].slack_cm - sets[changed - 1].slack_cm)
        after, of = sum(reached[changed:]), len(sets) - changed
        then = {
            (0, 1): tr("the other did too"),
            (1, 1): tr("the other reached it"),
            (0, 2): tr("neither of the others reached it"),
            (2, 2): tr("both others reached it"),
        }.get((after, of)) or tr("{after} of the other {of} reached it", after=after, of=of)
        if changed == 1:
            return tr("The first set fell short of the plan; with {slack} {then}.", slack=slack, then=then)
        return tr(
            "The first {sets} sets fell short of the plan; with {slack} {then}.",
            sets=changed,
            slack=slack,
            then=then,
        )
    if not any(reached):
        return (
            tr("No set reached the planned repetitions.")
            if len(sets) > 1
            else tr("It fell short of the planned repetitions.")
        )
    return tr("{reached} of them reached the plan.", reached=sum(reached))


def progress_words(trend: Trend | None) -> str:
    """Tell in a sentence how the strongest pull went over the weeks; empty where nothing can be told."""
    if trend is None or trend.change is None:
        return ""
    weeks = round((trend.points[-1].week - trend.points[0].week).days / 7)
    ago = trn("{number} week ago", "{number} weeks ago", weeks, number=number_word(weeks))
    change = trend.change
    if change.verdict is Verdict.NOT_SURE:
        return tr("Your strongest pull is about that of {ago}; a difference is not sure.", ago=ago)
    sentence = {
        (True, True): mark("Your strongest pull is {percent} above that of {ago}."),
        (True, False): mark(
            "Your strongest pull is {percent} above that of {ago}, which is likely but not yet sure."
        ),
        (False, True): mark("Your strongest pull is {percent} below that of {ago}."),
        (False, False): mark(
            "Your strongest pull is {percent} below that of {ago}, which is likely but not yet sure."
        ),
    }[change.difference > 0.0, change.verdict is Verdict.SURE]
    return tr(sentence, percent=_percent(change), ago=ago)


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
    aim = tr("{sets} of {reps}", sets=sets_words(targets.sets), reps=planned_reps(targets))
    if per_week is None:
        lines = [f"{aim}."]
    elif per_week == 1:
        lines = [tr("Once a week, {aim}.", aim=aim)]
    elif per_week == 2:
        lines = [tr("Twice a week, {aim}.", aim=aim)]
    else:
        lines = [tr("{times} times a week, {aim}.", times=per_week, aim=aim)]
    if slack_cm > 0.0:
        lines.append(tr("Keep the band where it is now: {cm:.0f} cm out.", cm=float(slack_cm)))
    elif slack_cm < 0.0:
        lines.append(tr("Keep the band where it is now: {cm:.0f} cm in.", cm=-float(slack_cm)))
    if breathing:
        lines.append(breathing)
    if targets.stop_pain is None:
        lines.append(tr("Stop if pain is sharp or lasts over a day."))
    else:
        lines.append(
            tr("Stop at pain of {pain} of 10, or if it is sharp or lasts over a day.", pain=targets.stop_pain)
        )
    return tuple(lines)


def breathing_words(concentric: str) -> str:
    """Write how to breathe, from what to do on the pull: `exhale` or `inhale`."""
    if concentric == "exhale":
        return tr("Breathe out on the pull, in on the return.")
    return tr("Breathe in on the pull, out on the return.")


def fatigue_words(metrics: SetMetrics) -> str:
    """Tell what changed over a set; empty where it was too short to tell."""
    fatigue = metrics.fatigue
    if fatigue is None or any(name.startswith("fatigue.") for name in metrics.hidden):
        return ""
    longer, less = fatigue.concentric_time_gained, fatigue.range_lost
    if abs(longer) < STEADY_SHARE and abs(less) < STEADY_SHARE:
        return tr("The last two pulls were like the second and third: an even set.")
    parts = []
    if abs(longer) >= STEADY_SHARE:
        share = f"{100.0 * abs(longer):.0f} %"
        if longer > 0.0:
            parts.append(tr("took {share} longer", share=share))
        else:
            parts.append(tr("took {share} less time", share=share))
    if abs(less) >= STEADY_SHARE:
        share = f"{100.0 * abs(less):.0f} %"
        if less > 0.0:
            parts.append(tr("reached {share} less range", share=share))
        else:
            parts.append(tr("reached {share} more range", share=share))
        if fatigue.estimated:
            parts[-1] = tr("{change} (range estimated from a usual band)", change=parts[-1])
    change = parts[0] if len(parts) == 1 else tr("{first} and {second}", first=parts[0], second=parts[1])
    return tr("Against the second and third, the last two pulls {change}.", change=change)


STEADY_SHARE = 0.08
"""Less than that is an even set. A choice: repetitions differ by about 5 % anyway."""


def measured_words(sensor: str, grade: str, span_uncertainty: float, rate_hz: float | None) -> str:
    """Tell how tension was measured, in a sentence."""
    values = {"sensor": sensor[-4:].upper(), "grade": tr(grade), "share": f"{100.0 * span_uncertainty:.0f} %"}
    if rate_hz is None:
        text = tr("Tension was measured at the band by sensor {sensor} ({grade}, ± {share}).", **values)
    else:
        text = tr(
            "Tension was measured at the band by sensor {sensor} ({grade}, ± {share}), {rate:.0f} times a "
            "second.",
            rate=float(rate_hz),
            **values,
        )
    return f"{text} {tr('Pull, hold and return are those of the hand, estimated from the tension.')}"
