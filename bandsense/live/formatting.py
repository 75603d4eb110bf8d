"""Events in words: lines for a log, and notices for a person in the middle of a set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from bandsense.exercises.model import Side
from bandsense.language import ENGLISH, mark, mark_plural, number, said, speaking, tr, trn
from bandsense.live.units import (
    force_pair,
    force_range,
    force_words,
    in_shown_unit,
    shown_unit,
    with_uncertainty,
)
from bandsense.signal.events import (
    DOUBTFUL_BELOW,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    RetractReason,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.metrics import Asymmetry, SetMetrics, strongest
from bandsense.workout.advice import Advice, Basis, Confidence, Reason, Rule, SlackAction, When
from bandsense.workout.bilateral import Lag
from bandsense.workout.counts import RepCounts
from bandsense.workout.cues import CueKind, CueSlot
from bandsense.workout.events import (
    BatteryChanged,
    Corrected,
    CueGiven,
    Event,
    ExerciseStopped,
    LinkChanged,
    SetCorrected,
    SetDone,
    SetRated,
    SetResult,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    Tared,
    TemperatureChanged,
    TemperatureUnknown,
    UncertaintyAt,
    to_json,
    with_sampling,
)
from bandsense.workout.feedback import Feedback, Scale, StopReason
from bandsense.workout.plan import TensionZone, Zone
from bandsense.workout.progression import NextTime, Progression
from bandsense.workout.set_evidence import LEAST_REPS
from bandsense.workout.tempo import HandTempo, hand_tempo
from bandsense.workout.workout import Summary

__all__ = [
    "PARTIAL_RULE",
    "STOPPED_NEXT_TIME",
    "action_words",
    "advice_details",
    "advice_instruction",
    "advice_reason",
    "advice_text",
    "answer_words",
    "asymmetry_words",
    "basis_words",
    "capital",
    "counts_words",
    "cue_spoken",
    "cue_words",
    "doubt_lines",
    "doubt_words",
    "event_json",
    "feedback_words",
    "format_log_line",
    "format_notice",
    "full_repetitions_words",
    "lag_words",
    "later_peak_words",
    "next_time_words",
    "not_full_words",
    "number_word",
    "numbered",
    "peak_words",
    "plural",
    "range_words",
    "rating_keys",
    "rating_question",
    "reason_words",
    "rep_mark",
    "rep_words",
    "repetitions_words",
    "reps_words",
    "set_words",
    "sets_words",
    "side_name",
    "side_word",
    "silent_words",
    "stopped_words",
    "summary_words",
    "tempo_figures",
    "tempo_words",
    "tension_words",
]

DIVIDED = 0.2
"""Another count that is at least so likely is told beside the one that is shown."""

_RETRACTED = {
    RetractReason.SET_UP: mark("it was taking up the band or changing position"),
    RetractReason.ISOMETRIC: mark("it was a hold"),
    RetractReason.TOO_QUICK: mark("it was a step or a blow"),
    RetractReason.ONE_MOVEMENT: mark("it was part of another repetition"),
    RetractReason.BROKEN_OFF: mark("it broke off before the return"),
    RetractReason.OVERRULED: mark("you took it back"),
}
"""The explanation that won."""

Numbers = Mapping[str, float]
"""Of a reason, by name (`workout.rules`)."""

IMPLAUSIBLE_ELONGATION = 3.0
"""Beyond four times the resting length it is probably another band."""

LOW_BATTERY_PERCENT = 10

VERY_LIKELY = 0.95
"""From this probability on something is called very likely."""

_UNDER_TIME = " " * 13
"""Where a second line of a log begins: below the text of the first."""

PARTIAL_RULE = mark("partial: less than 60 % of the way; from 60 to 75 % it is unsure")
"""Told wherever partial or unsure repetitions are counted (`workout.counts`)."""

_CUES = {
    CueKind.INHALE: mark("Breathe in"),
    CueKind.EXHALE: mark("Breathe out"),
    CueKind.HOLD: mark("Hold"),
    CueKind.SLOWER: mark("Slower on the way back"),
    CueKind.FULL_RANGE: mark("Full range"),
    CueKind.SLOW_ENOUGH: mark("Good, that was slow enough"),
    CueKind.WHOLE_RANGE: mark("Good, that was the full range"),
    CueKind.TWO_MORE: mark("Two more"),
    CueKind.TARGET: mark("That is the plan; go on if it feels good"),
    CueKind.SET_DONE: mark("Set done"),
    CueKind.REST_OVER: mark("Ready when you are"),
}
_AHEAD = {CueKind.INHALE: mark("Next: in"), CueKind.EXHALE: mark("Next: out")}
_BRIEF = {
    CueKind.INHALE: mark("In"),
    CueKind.EXHALE: mark("Out"),
    CueKind.SLOWER: mark("Slower"),
    CueKind.TARGET: "",  # the count says it
    CueKind.REST_OVER: mark("Ready"),
}
_SPOKEN = {
    CueKind.SLOW_ENOUGH: mark("Good"),
    CueKind.WHOLE_RANGE: mark("Good"),
    CueKind.TARGET: mark("That is the plan"),
}
_SIDES = {"left": mark("left"), "right": mark("right")}
_OF_SIDE = {"left": mark("left side"), "right": mark("right side")}


def side_word(side: Side | str) -> str:
    """Write `left` or `right`, as a word that stands alone."""
    return tr(_SIDES.get(side, side))


def side_name(side: Side | str) -> str:
    """Write `left side` or `right side`."""
    return tr(_OF_SIDE.get(side, side))


def capital(words: str) -> str:
    """Begin with a capital letter."""
    return f"{words[0].upper()}{words[1:]}" if words else ""


def cue_words(cue: CueGiven) -> str:
    """Describe a cue; one that announces a movement says so, until the movement is seen."""
    if cue.ahead and cue.kind in _AHEAD:
        return tr(_AHEAD[cue.kind])
    return _with_side(tr(_CUES[cue.kind]), cue.side)


def _with_side(words: str, side: Side | None) -> str:
    return words if side is None else tr("{cue}, now the {side}", cue=words, side=side_name(side))


def cue_spoken(cue: CueGiven) -> str:
    """Return what a voice says; nothing for a breath at a doubtful time, where a tone is enough."""
    if cue.unsure or cue.quiet:
        return ""
    if cue.brief and cue.kind in _BRIEF:
        return tr(_BRIEF[cue.kind])
    return _with_side(tr(_SPOKEN.get(cue.kind, _CUES[cue.kind])), cue.side)


def reps_words(number: int) -> str:
    """Write `1 rep`, `2 reps`."""
    return trn("{n} rep", "{n} reps", number)


def repetitions_words(number: int) -> str:
    """Write `1 repetition`, `2 repetitions`."""
    return trn("{n} repetition", "{n} repetitions", number)


def full_repetitions_words(number: int) -> str:
    """Write `1 full repetition`, `2 full repetitions`."""
    return trn("{n} full repetition", "{n} full repetitions", number)


def sets_words(number: int) -> str:
    """Write `1 set`, `2 sets`."""
    return trn("{n} set", "{n} sets", number)


def plural(number: int, noun: str) -> str:
    """Write `1 rep`, `2 reps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def number_word(number: int) -> str:
    """Write `three`; figures from thirteen on."""
    return tr(_NUMBERS[number]) if number < len(_NUMBERS) else f"{number}"


_NUMBERS = (
    mark("zero"),
    mark("one"),
    mark("two"),
    mark("three"),
    mark("four"),
    mark("five"),
    mark("six"),
    mark("seven"),
    mark("eight"),
    mark("nine"),
    mark("ten"),
    mark("eleven"),
    mark("twelve"),
)


def tension_words(tension_n: float, uncertainty_n: float) -> str:
    """Format a tension with its standard uncertainty and unit: `105 ± 5 N`."""
    return f"{force_pair(tension_n, uncertainty_n)} {shown_unit().value}"


def peak_words(peak_n: float | None, uncertainty_n: float | None, hidden: str | None = None) -> str:
    """Describe the greatest tension, `peak 61 ± 7 N`, or say why it is not told."""
    if hidden is not None or peak_n is None:
        return tr("peak {why}", why=hidden or "")
    return tr("peak {tension}", tension=tension_words(peak_n, uncertainty_n or 0.0))


def rep_mark(probability: float) -> str:
    """Draw a repetition as a dot, hollow where it is doubtful."""
    return "○" if probability < DOUBTFUL_BELOW else "●"


class _Counted(Protocol):
    """Anything that stands for a repetition, such as a `Rep`, a `RepRecord`, a `Peak`."""

    @property
    def doubtful(self) -> bool: ...
    @property
    def probability(self) -> float: ...


class _Ranged(Protocol):
    """A `Rep` or a `RepRecord`: did it go all the way?"""

    @property
    def partial(self) -> bool: ...
    @property
    def unsure(self) -> bool: ...


def doubt_lines(reps: Iterable[_Counted], *, bars: bool = False) -> list[str]:
    """Say what is drawn dashed or marked ○, in one line; none where nothing is in doubt.

    Args:
        reps: those that are drawn.
        bars: they are drawn as bars alone.
    """
    if not any(rep.doubtful for rep in reps):
        return []
    if bars:
        return [tr("Dashed bars are less than {share:.0%} sure to be repetitions.", share=DOUBTFUL_BELOW)]
    return [tr("Dashed bars and ○ are less than {share:.0%} sure to be repetitions.", share=DOUBTFUL_BELOW)]


def doubt_words(count: int, chances: Mapping[int, float]) -> str:
    """Say which other count is likely where the evidence is divided: `perhaps 9`; empty where it is not."""
    other = max((n for n in chances if n != count), key=lambda n: chances[n], default=count)
    return tr("perhaps {count}", count=other) if other != count and chances[other] >= DIVIDED else ""


def _phase_words(rep: Rep) -> str:
    """Describe the phases of the hand; what the sensor cannot tell is a dash, with the reason."""
    hand = hand_tempo(rep)
    seconds = {"concentric_s": hand.concentric_s, "hold_s": hand.hold_s, "eccentric_s": hand.eccentric_s}
    pull, hold, back = (
        "–" if name in rep.hidden else number(value, ".1f") for name, value in seconds.items()
    )
    if rep.hidden:
        why = said(next(iter(rep.hidden.values())))
        return tr(
            "pull about {pull}, hold {hold}, return {back} s (–: {why})",
            pull=pull,
            hold=hold,
            back=back,
            why=why,
        )
    return tr("pull about {pull}, hold {hold}, return {back} s", pull=pull, hold=hold, back=back)


def rep_words(rep: Rep) -> str:
    """Phases of a repetition, and what is special about it."""
    parts = [_phase_words(rep)]
    if rep.unsure:
        parts.append(tr("full or partial, unsure ({share:.0%} of the way)", share=rep.range_fraction))
    elif rep.partial:
        parts.append(tr("partial ({share:.0%} of the way)", share=rep.range_fraction))
    if rep.doubtful:
        parts.append(tr("doubtful ({probability:.0%} sure)", probability=rep.probability))
    if rep.gap:
        parts.append(tr("samples missing"))
    if rep.saturated:
        parts.append(tr("sensor at its limit"))
    return ", ".join(parts)


def numbered(number_of: int, rep: _Counted) -> str:
    """Write the number of a repetition, and how sure it is where that is in doubt: `4`, `4 ○ 70 %`."""
    return f"{number_of} ○ {number(rep.probability, '.0%')}" if rep.doubtful else f"{number_of}"


def range_words(share: str, rep: _Ranged) -> str:
    """Write how far a repetition went, and whether that is part of the way: `58 % partial`, `70 % unsure`."""
    if rep.unsure:
        return tr("{share} unsure", share=share)
    return tr("{share} partial", share=share) if rep.partial else share


def set_words(result: SetResult) -> str:
    """Describe a finished set in one sentence."""
    metrics = result.metrics
    doubt = doubt_words(result.metrics.reps, result.chances)
    best = strongest(result.rep_metrics)
    parts = [
        counts_words(result.counts, doubt),
        peak_words(best.peak_n, best.peak_uncertainty_n, best.hidden.get("peak_n")),
        _under_tension_words(metrics),
        _set_tempo_words(metrics, result.hand_tempo),
    ]
    text = f"{_set_name(result.number, result.side)}: {', '.join(parts)}"
    if result.zone is not None:
        text += f"; {_zone_words(result.zone, result.in_zone)}"
    return text if result.counts.full == result.counts.all else f"{text} ({tr(PARTIAL_RULE)})"


def counts_words(counts: RepCounts, doubt: str = "") -> str:
    """Write `9 reps, perhaps 10: 6 full, 2 partial, 1 unsure`; only the total where all were full."""
    text = ", ".join(filter(None, (reps_words(counts.all), doubt)))
    return text if counts.full == counts.all else f"{text}: {_parts_words(counts)}"


def _parts_words(counts: RepCounts) -> str:
    """Write `6 full, 2 partial, 1 unsure`, whatever there is none of left out."""
    parts = [tr("{n} full", n=counts.full)]
    if counts.partial:
        parts.append(tr("{n} partial", n=counts.partial))
    if counts.unsure:
        parts.append(tr("{n} unsure", n=counts.unsure))
    return ", ".join(parts)


def tempo_words(tempo: HandTempo) -> str:
    """Describe a tempo as it is prescribed: in seconds of the hand, which are estimates."""
    rest = "" if tempo.rest_s is None else f"-{number(tempo.rest_s, '.1f')}"
    return tr("about {tempo} s", tempo=f"{tempo_figures(tempo)}{rest}")


def tempo_figures(tempo: HandTempo) -> str:
    """Write pull, hold and return in seconds: `1.5-0.5-2.5`."""
    return "-".join(number(each, ".1f") for each in (tempo.concentric_s, tempo.hold_s, tempo.eccentric_s))


def _under_tension_words(told: SetMetrics | Summary) -> str:
    reason = told.hidden.get("time_under_tension_s")
    if reason is not None:
        return tr("time under tension {why}", why=reason)
    return tr("{seconds:.1f} s under tension", seconds=told.time_under_tension_s or 0.0)


def _set_tempo_words(metrics: SetMetrics, tempo: HandTempo | None) -> str:
    """Describe the set's tempo, or why there is none."""
    reason = metrics.hidden.get("tempo.concentric_s") or metrics.hidden.get("tempo.eccentric_s")
    if reason is not None:
        return tr("tempo {why}", why=reason)
    return tr("tempo not known") if tempo is None else tr("tempo {tempo}", tempo=tempo_words(tempo))


def _zone_words(zone: TensionZone, counts: Counter[Zone]) -> str:
    return tr(
        "peaks within {zone}: {within} of {all} ({below} below, {above} above)",
        zone=force_range(zone.low_n, zone.high_n),
        within=counts[Zone.WITHIN],
        all=counts.total(),
        below=counts[Zone.BELOW],
        above=counts[Zone.ABOVE],
    )


def _set_name(number: int, side: str | None) -> str:
    if side is None:
        return tr("set {number}", number=number)
    return tr("half-set {number}, {side}", number=number, side=side_word(side))


def feedback_words(feedback: Feedback) -> str:
    """Describe what was said of a set: `effort 7, pain 2, note: left shoulder`; empty where nothing was."""
    said = []
    if feedback.effort is not None:
        said.append(tr("effort {score}", score=feedback.effort))
    if feedback.pain is not None:
        said.append(tr("pain {score}", score=feedback.pain))
    if feedback.note:
        said.append(tr("note: {note}", note=feedback.note))
    return ", ".join(said)


_QUESTIONS = {
    Scale.EFFORT: mark("How hard was it, 0 (no effort) to 10 (all you had)?"),
    Scale.PAIN: mark("Any pain, 0 (none) to 10 (the worst)?"),
}


def rating_question(asks: Scale | None, *, keys: bool = False) -> str:
    """Ask for a score, with the keys that give it where there are any; empty where nothing is asked."""
    if asks is None:
        return ""
    question = tr(_QUESTIONS[asks])
    return f"{question} {tr('Keys 0 to 9, x: 10, Enter: skip')}" if keys else question


_SHORT_QUESTIONS = {
    Scale.EFFORT: mark("Effort, 0 to 9, x: 10, Enter: skip"),
    Scale.PAIN: mark("Pain, 0 to 9, x: 10, Enter: skip"),
}


def rating_keys(asks: Scale) -> str:
    """Ask for a score in a line of 36 characters at most."""
    return tr(_SHORT_QUESTIONS[asks])


STOPPED_NEXT_TIME = {
    StopReason.PAIN: mark("Tell whoever prescribed this exercise about the pain before you do it again."),
    StopReason.BAND_LOST: mark("Check band, clip and anchor before you begin."),
}
"""What is told for the next time, in place of the progression."""


def stopped_words(stopped: ExerciseStopped) -> str:
    """Tell that a stop rule ended the exercise, and why; or that none does any more."""
    if stopped.reason is None:
        return tr("The exercise may go on: no stop rule applies any more.")
    if stopped.reason is StopReason.BAND_LOST:
        return tr(
            "STOP - The band snapped, slipped off or fell. Your plan ends this exercise there for today: "
            "check band, clip and anchor before the next time."
        )
    return tr(
        "STOP - Pain {pain} of 10. Your plan ends this exercise for today from {limit} on. "
        "Tell whoever prescribed it before you do it again.",
        pain=stopped.pain,
        limit=stopped.limit,
    )


def summary_words(summary: Summary) -> str:
    """Describe a session in one sentence."""
    if not summary.reps:
        return tr("no repetition in {seconds:.0f} s", seconds=summary.duration_s)
    turns = summary.sets > len(summary.full_reps)  # left and right take turns
    sets = trn("{n} half-set", "{n} half-sets", summary.sets) if turns else sets_words(summary.sets)
    reps, doubt = reps_words(summary.reps), doubt_words(summary.reps, summary.chances)
    if doubt:
        text = tr("{reps}, {doubt}, in {sets}", reps=reps, doubt=doubt, sets=sets)
    else:
        text = tr("{reps} in {sets}", reps=reps, sets=sets)
    if summary.partial or summary.unsure:
        text += f": {_parts_words(RepCounts(summary.full, summary.partial, summary.unsure))}"
    peak = peak_words(summary.peak_n, summary.peak_uncertainty_n, summary.hidden.get("peak_n"))
    return f"{text}, {peak}, {_under_tension_words(summary)}"


def asymmetry_words(asymmetry: Asymmetry) -> str:
    """Describe how right differs from left, each figure with its standard error, and whether that is sure."""
    figures = {
        mark("peak"): asymmetry.peak,
        mark("impulse"): asymmetry.impulse,
        mark("range"): asymmetry.range,
        mark("time under tension"): asymmetry.time_under_tension,
    }
    told = {tr(name): difference for name, difference in figures.items() if difference is not None}
    parts = [
        f"{name} {'+' * (each.share > 0.0)}"
        f"{with_uncertainty(100.0 * each.share, 100.0 * each.standard_error)} %"
        for name, each in told.items()
    ]
    parts += [
        f"{tr(name)} – ({said(asymmetry.hidden[name.replace(' ', '_')])})"
        for name, difference in figures.items()
        if difference is None
    ]
    text = ", ".join(parts)
    sure = [name for name, each in told.items() if each.certain]
    if not told:
        return tr("right against left: {figures}", figures=text)
    if not sure:
        return tr("right against left: {figures}; no clear difference", figures=text)
    return tr("right against left: {figures}; surely different: {sure}", figures=text, sure=", ".join(sure))


def silent_words(side: str) -> str:
    """Say that one of two sensors saw nothing, which is no balance of sides."""
    if side == "left":
        return tr(
            "the left sensor saw no repetition: the sides cannot be compared; check its clip and battery"
        )
    return tr("the right sensor saw no repetition: the sides cannot be compared; check its clip and battery")


_MEDIAN_OF_MAD = 1.2533 * 1.4826
"""Standard error of a median, times √n, over the median absolute deviation, for normal scatter."""


def lag_words(lag: Lag) -> str:
    """Describe which side begins to pull first, by how much, and how well that is known."""
    if lag.hidden is not None:
        return tr("which side pulls first cannot be told: {why}", why=lag.hidden)
    first, last = ("left", "right") if lag.median_s >= 0 else ("right", "left")
    bound = (
        tr("their clocks are related by arrivals only")
        if lag.clock_bound_s is None
        else tr("their clocks are known within {bound:.0f} ms", bound=1000 * lag.clock_bound_s)
    )
    error_s = math.hypot(_MEDIAN_OF_MAD * lag.spread_s / lag.reps**0.5, lag.uncertainty_s)
    if abs(lag.median_s) <= 2.0 * error_s:
        return tr(
            "which side pulls first is not clear ({apart:.0f} ± {error:.0f} ms in {n} reps of both; {bound})",
            apart=1000 * abs(lag.median_s),
            error=1000 * error_s,
            n=lag.reps,
            bound=bound,
        )
    return tr(
        "the {last} pulls {apart:.0f} ± {spread:.0f} ms after the {first} ({n} reps of both; {bound})",
        last=side_name(last),
        first=side_name(first),
        apart=1000 * abs(lag.median_s),
        spread=1000 * lag.spread_s,
        n=lag.reps,
        bound=bound,
    )


def next_time_words(next_time: Progression) -> str:
    """Describe what comes next session, and why."""
    plan = next_time.plan
    sets, one = sets_words(plan.sets), plan.sets == 1
    aim = tr("{sets} of {reps}", sets=sets, reps=plan.reps)
    match next_time.reason:
        case NextTime.AGAIN if one:
            return tr("{sets} again. Today it had {reps} or more.", sets=sets, reps=plan.reps)
        case NextTime.AGAIN:
            return tr("{sets} again. Today each had {reps} or more.", sets=sets, reps=plan.reps)
        case NextTime.ONCE_MORE if one:
            return tr(
                "{sets} again. Today it had {reps} or more; once more like this, and a set is added.",
                sets=sets,
                reps=plan.reps,
            )
        case NextTime.ONCE_MORE:
            return tr(
                "{sets} again. Today each had {reps} or more; once more like this, and a set is added.",
                sets=sets,
                reps=plan.reps,
            )
        case NextTime.SET_ADDED:
            return tr(
                "{sets}. Two sessions in a row every set had {reps} or more.", sets=sets, reps=plan.reps
            )
        case NextTime.LESS_SLACK:
            return tr("Less slack as advised, and {sets} again.", sets=sets)
        case NextTime.CHECK_FIRST:
            return tr("Check band, clip and anchor first; then {aim}.", aim=aim)
        case NextTime.PRESCRIBED:
            return tr("{aim}, as prescribed.", aim=aim)
        case NextTime.MORE_SLACK | NextTime.NOT_REACHED:
            if next_time.reason is NextTime.MORE_SLACK:
                text = tr("More slack as advised; aim for {aim}.", aim=aim)
            else:
                text = tr("Aim for {aim}.", aim=aim)
            if next_time.good_sets >= plan.sets:
                return text
            if not next_time.good_sets:
                return f"{text} {tr('Today no set had {reps}.', reps=plan.reps)}"
            return f"{text} {tr('Today it was {sets}.', sets=next_time.good_sets)}"


_ACTIONS = {
    SlackAction.ADD: mark("ADD SLACK"),
    SlackAction.REMOVE: mark("REMOVE SLACK"),
    SlackAction.KEEP: mark("KEEP"),
    SlackAction.CHANGE_BAND: mark("OTHER BAND"),
    SlackAction.CHECK: mark("CHECK"),
    SlackAction.ASK: mark("QUESTION"),
    SlackAction.NONE: mark("NO VERDICT"),
}


def action_words(advice: Advice) -> str:
    """Name the action, and the side where it is of one."""
    action = tr(_ACTIONS[advice.action])
    if advice.urgent and advice.action is not SlackAction.KEEP:
        action = tr("{action} NOW", action=action)
    return action if advice.side is None else f"{action}, {side_name(advice.side)}"


def advice_text(advice: Advice) -> str:
    """Describe what to do and why, in one line."""
    words = " ".join(filter(None, (_told(advice), advice_reason(advice), _amount_words(advice))))
    return f"{action_words(advice)} - {words}"


def advice_instruction(advice: Advice) -> str:
    """Describe what to do in a sentence of its own, where the action is not shown."""
    if advice.rule is Rule.WRONG_UNIT:
        return tr("Check the sensor before you go on.")
    return _told(advice) or tr(_INSTRUCTIONS[advice.action])


_INSTRUCTIONS = {
    SlackAction.ADD: mark("Give the band more slack."),
    SlackAction.REMOVE: mark("Give the band less slack."),
    SlackAction.KEEP: mark("Keep the band as it is."),
    SlackAction.CHANGE_BAND: mark("Take another band."),
    SlackAction.CHECK: mark("Check the band before you go on."),
    SlackAction.ASK: mark("Was that on purpose?"),
    SlackAction.NONE: mark("This set is not judged."),
}

_BEFORE = {
    (SlackAction.REMOVE, When.NEXT_SET): mark("Before you start the next set, {what}"),
    (SlackAction.REMOVE, When.NEXT_TIME): mark("Next time, before you start, {what}"),
    (SlackAction.REMOVE, When.FIRST): mark("Before you start, {what}"),
    (SlackAction.ADD, When.NEXT_TIME): mark("Next time, {what}"),
}


def _told(advice: Advice) -> str:
    """Return the exercise's own words for the change, and when to make it."""
    before = _BEFORE.get((advice.action, advice.when), "")
    words = said(advice.instruction)
    return tr(before, what=f"{words[0].lower()}{words[1:]}") if before and words else words


def _amount_words(advice: Advice) -> str:
    """Say how rough an amount is that rests on very few or very uneven repetitions."""
    few, uneven = 0 < advice.basis.reps < LEAST_REPS, advice.uncertainty_cm > advice.amount_cm
    if advice.rule is not Rule.TOO_HARD or not advice.amount_cm or not (few or uneven):
        return ""
    low, high = (max(1, round(advice.amount_cm + sign * advice.uncertainty_cm)) for sign in (-1.0, 1.0))
    rough = {
        "reps": repetitions_words(advice.basis.reps),
        "low": low,
        "high": max(high, advice.amount_cm + 1),
    }
    if few:
        return tr("From {reps} that is a rough guess: {low} to {high} cm may be right.", **rough)
    return tr(
        "From {reps} as uneven as these, that is a rough guess: {low} to {high} cm may be right.", **rough
    )


def advice_reason(advice: Advice) -> str:
    """Say why, in sentences."""
    why = " ".join(filter(None, map(reason_words, advice.reasons)))
    return tr("From last time: {why}", why=why) if advice.left_open else why


_CONFIDENCE = {
    Confidence.HIGH: mark("confidence high"),
    Confidence.MEDIUM: mark("confidence medium"),
    Confidence.LOW: mark("confidence low"),
}


def advice_details(advice: Advice) -> str:
    """Describe how exact an amount is, how far it can be trusted, and what it rests on."""
    return tr(
        "{amount} ± {uncertainty:.0f} cm, {confidence}; based on {basis}",
        amount=advice.amount_cm,
        uncertainty=max(1.0, advice.uncertainty_cm),  # whole centimetres, as the amount is
        confidence=tr(_CONFIDENCE[advice.confidence]),
        basis=", ".join(basis_words(advice.basis)),
    )


def basis_words(basis: Basis) -> tuple[str, ...]:
    """Describe what advice rests on: repetitions, lengths, the band's curve, earlier changes."""
    return (*_seen_words(basis), *_band_words(basis))


def _seen_words(basis: Basis) -> tuple[str, ...]:
    if not basis.reps:
        return ()
    reps = repetitions_words(basis.reps)
    if basis.mean_peak_n is None:
        return (tr("{reps} of this set", reps=reps),)
    return (tr("{reps} with a mean peak of {peak}", reps=reps, peak=force_words(basis.mean_peak_n)),)


def _band_words(basis: Basis) -> tuple[str, ...]:
    strand = basis.strand
    if strand is None:
        return ()
    lengths = {"rest": 100 * strand.rest_length_m, "peak": 100 * strand.peak_length_m}
    if strand.measured:
        length = tr("your band length of {rest:.0f} cm, stretched to {peak:.0f} cm", **lengths)
    else:
        length = tr("a typical band length of {rest:.0f} cm, stretched to {peak:.0f} cm", **lengths)
    power = strand.exponent
    if basis.fitted:
        curve = tr(
            "your band's own curve (tension grows as elongation to the power {power:.2f})", power=power
        )
    else:
        curve = tr(
            "the usual curve of bands (tension grows as elongation to the power {power:.2f})", power=power
        )
    if not basis.changes_seen:
        return length, curve
    earlier = trn(
        "what {n} earlier change did to your tension",
        "what {n} earlier changes did to your tension",
        basis.changes_seen,
    )
    return length, curve, earlier


def reason_words(reason: Reason) -> str:
    """Describe a rule and its numbers in a sentence or two; without numbers, the rule by its name."""
    if reason.rule in _PLAIN_REASONS:
        return tr(_PLAIN_REASONS[reason.rule])
    if not reason.numbers:
        return f"{reason.rule.value.capitalize()}."
    return _REASONS[reason.rule](reason.numbers)


_PLAIN_REASONS = {
    Rule.NO_ZERO: mark(
        "At the top of a repetition the sensor shows no pull at all, so its zero is wrong. "
        "Let the band hang slack and set the zero (key t); after the next set there can be "
        "advice again."
    ),
    Rule.TOO_FEW_REPS: mark("There was no repetition."),
    Rule.WRONG_UNIT: mark(
        "Is the sensor set to another unit, or calibrated for another one? It shows more than people pull."
    ),
    Rule.TOO_SMALL: mark("The change would be less than a centimetre."),
    Rule.DECLINED: mark("You chose to leave the slack for today."),
}


def _stretched(n: Numbers) -> str:
    stretch = 1 + n["elongation"]
    if n["elongation"] <= IMPLAUSIBLE_ELONGATION:
        return tr(
            "The band is stretched to {stretch:.2f} times its resting length; three times is its limit.",
            stretch=stretch,
        )
    return tr(
        "The tension is that of your band at {stretch:.1f} times its resting length; three times is its "
        "limit. If this is another band, name it.",
        stretch=stretch,
    )


_SLIPPED = {
    # It fell, and at the bottom as well.
    (True, True): mark(
        "From repetition {before:.0f} to {after:.0f} the tension fell by {share:.0%}, at the top and at the "
        "bottom alike, as if the band had slipped: check grip and anchor first."
    ),
    (True, False): mark(
        "From repetition {before:.0f} to {after:.0f} the tension fell by {share:.0%}, at once and for good, "
        "as if the band had slipped: check grip and anchor first."
    ),
    (False, True): mark(
        "From repetition {before:.0f} to {after:.0f} the tension rose by {share:.0%}, at the top and at the "
        "bottom alike, as if the band had been gripped shorter, or you stood farther away."
    ),
    (False, False): mark(
        "From repetition {before:.0f} to {after:.0f} the tension rose by {share:.0%}, at once and for good, "
        "as if the band had been gripped shorter, or you stood farther away."
    ),
}


def _slipped(n: Numbers) -> str:
    sentence = _SLIPPED[n["log_ratio"] < 0.0, bool(n["at_bottom"])]
    return tr(sentence, before=n["before"], after=n["after"], share=abs(math.expm1(n["log_ratio"])))


def _counts_of(n: Numbers) -> RepCounts:
    return RepCounts(int(n["full"]), int(n.get("partial", 0)), int(n.get("unsure", 0)))


def _done_words(n: Numbers) -> str:
    """Write `6 full repetitions, 2 partial and 1 unsure`."""
    counts = _counts_of(n)
    full, rest = full_repetitions_words(counts.full), not_full_words(counts)
    return f"{full}, {rest}" if rest else full


def not_full_words(counts: RepCounts) -> str:
    """Write `2 partial and 1 unsure`, or empty where all were full."""
    if counts.partial and counts.unsure:
        return tr("{partial} partial and {unsure} unsure", partial=counts.partial, unsure=counts.unsure)
    if counts.partial:
        return tr("{n} partial", n=counts.partial)
    return tr("{n} unsure", n=counts.unsure) if counts.unsure else ""


def _ended_by(sentences: tuple[str, str]) -> Callable[[Numbers], str]:
    return lambda n: trn(*sentences, int(n["reps"]))


def _band_lost(n: Numbers) -> str:
    if n["reps"]:
        return tr(
            "Tension dropped suddenly after repetition {rep:.0f}: the band snapped, slipped off or fell. "
            "Check band, clip and anchor before you go on; then press y.",
            rep=n["reps"],
        )
    return tr(
        "Tension dropped suddenly: the band snapped, slipped off or fell. "
        "Check band, clip and anchor before you go on; then press y."
    )


def _too_hard(n: Numbers) -> str:
    why = []
    if "full" in n:
        why.append(
            tr(
                "You did {done}; the plan asks for at least {planned:.0f}.",
                done=_done_words(n),
                planned=n["planned"],
            )
        )
    if "range_loss" in n:
        why.append(tr("Your range shrank by {share:.0%} over the set.", share=n["range_loss"]))
    return " ".join(why)


def _steady(n: Numbers) -> str:
    counts = _counts_of(n)
    full, rest = full_repetitions_words(counts.full), not_full_words(counts)
    if rest:
        text = tr("You did {full} as planned, and besides {rest}.", full=full, rest=rest)
    else:
        text = tr("You did {full} as planned.", full=full)
    return f"{text} {tr('If it is this easy next time, we make it harder.')}" if n["easy_sessions"] else text


def _too_easy(n: Numbers) -> str:
    if "full" in n and "surplus" not in n:
        return tr("You did {done}; the plan ends at {top:.0f}.", done=_done_words(n), top=n["top"])
    return tr(
        "Two sessions in a row you finished with {reps:.0f} or more even repetitions "
        "(plan: at least {planned:.0f}).",
        reps=n["planned"] + n["surplus"],
        planned=n["planned"],
    )


def _range(n: Numbers) -> str:
    return tr(
        "You did {done}, and {planned:.0f} full ones are planned: go all the way each time.",
        done=_done_words(n),
        planned=n["planned"],
    )


def _tempo_of(sentence: str) -> Callable[[Numbers], str]:
    return lambda n: tr(sentence, done=_done_words(n), took=n["took_s"], target=n["target_s"])


_BACK_SLOW = mark(
    "You did {done}, but came back in about {took:.1f} s; the plan is {target:.1f} s. "
    "You need not go that slowly."
)
_PULL_SLOW = mark(
    "You did {done}, but pulled in about {took:.1f} s; the plan is {target:.1f} s. You need not go that "
    "slowly."
)


def _too_slow(n: Numbers) -> str:
    return _tempo_of(_BACK_SLOW if n["back"] else _PULL_SLOW)(n)


def _zone_missed(sentence: str) -> Callable[[Numbers], str]:
    return lambda n: tr(
        sentence, beside=n["beside"], peaks=n["peaks"], zone=force_range(n["low_n"], n["high_n"])
    )


def _sides(n: Numbers) -> str:
    sentence = {
        (True, True): mark(
            "At the same length this side pulled {share:.0%} more than the other, so it gets {cm:.0f} cm "
            "more slack."
        ),
        (True, False): mark(
            "At the same length this side pulled {share:.0%} more than the other, so it gets {cm:.0f} cm "
            "less slack."
        ),
        (False, True): mark(
            "At the same length this side pulled {share:.0%} less than the other, so it gets {cm:.0f} cm "
            "more slack."
        ),
        (False, False): mark(
            "At the same length this side pulled {share:.0%} less than the other, so it gets {cm:.0f} cm "
            "less slack."
        ),
    }[n["share"] > 0.0, n["more_cm"] > 0.0]
    return tr(sentence, share=abs(n["share"]), cm=abs(n["more_cm"]))


_CAN_CHANGE = (-0.4, 0.25)
"""How much less and more one band may pull than last time. Round numbers of our own, wide: bands lost at most
16 % in 3000 stretches (docs/bands.md, Wear), and none grows stronger; warmth and the zero add to that."""


def _band_changed(n: Numbers) -> str:
    share = abs(n["share"])
    more = tr("{share:.0%} more", share=share) if n["share"] > 0.0 else tr("{share:.0%} less", share=share)
    if not _CAN_CHANGE[0] <= n["share"] <= _CAN_CHANGE[1]:
        verdict = tr("very likely it is another band; name it, and each is compared with itself")
    elif n["probability"] >= VERY_LIKELY:
        verdict = tr("very likely the band changed, not you")
    else:
        verdict = tr("likely the band changed, not you")
    return tr(
        "At the same slack the band pulls {more} than last time, {sign}: {verdict}.",
        more=more,
        sign=_also_measured(n) or tr("at start and top alike"),
        verdict=verdict,
    )


def _also_measured(n: Numbers) -> str:
    """Say what pulls found of the band where they tell the same; empty without pulls."""
    if "measured" not in n or n["measured"] * n["share"] <= 0.0:
        return ""
    if n["measured"] > 0.0:
        return tr("and was measured {share:.0%} stronger", share=n["measured"])
    return tr("and was measured {share:.0%} softer", share=-n["measured"])


def _person_changed(n: Numbers) -> str:
    share = abs(n["share"])
    if "measured" in n:
        band = tr("Measured, the band is as before")
    else:
        band = tr("At the start it pulls as last time")
    if n["share"] > 0.0:
        higher = tr("{share:.0%} higher", share=share)
    else:
        higher = tr("{share:.0%} lower", share=share)
    if n["probability"] >= VERY_LIKELY:
        verdict = tr("very likely your range changed, not the band")
    else:
        verdict = tr("likely your range changed, not the band")
    return tr("{band}, and your pull ends {higher}: {verdict}.", band=band, higher=higher, verdict=verdict)


def _waiting(n: Numbers) -> str:
    if "pause_s" in n:
        return tr(
            "After a pause of {pause:.0f} s the band pulled differently at once, as another band or another "
            "slack does; the repetitions before and after it are not compared.",
            pause=n["pause_s"],
        )
    if n["within_set"]:
        return tr("The slack was changed within this set; the next one shows what that did.")
    return tr(
        "The slack was changed not long ago; if the next set says the same, some of that change is undone."
    )


def _unsure(n: Numbers) -> str:
    if n["measured"]:
        return tr("How much to change is not known well enough; do a more even set.")
    return tr(
        "How much to change is not known well enough; measure the unstretched band in use, and do a more "
        "even set."
    )


def _lighter_band(n: Numbers) -> str:
    if "besides" in n:
        return tr(
            "If that is still too hard, take the next lighter band: more slack would leave this one hanging."
        )
    return tr(
        "More slack would leave the band hanging over {share:.0%} of the movement: take the next lighter "
        "band.",
        share=n["slack"],
    )


def _stronger_band(n: Numbers) -> str:
    stretch = 1 + n["elongation"]
    if n["sure"]:
        return tr(
            "Less slack would stretch the band to {stretch:.1f} times its resting length, too near its limit "
            "of three times: take a stronger band, with more slack at first, or a second one beside it.",
            stretch=stretch,
        )
    return tr(
        "Less slack might stretch the band to {stretch:.1f} times its resting length, too near its limit of "
        "three times, and nobody measured your lengths: measure the unstretched band in use, or take a "
        "stronger band, with more slack at first, or a second one beside it.",
        stretch=stretch,
    )


_REASONS: dict[Rule, Callable[[Numbers], str]] = {
    Rule.STEADY: _steady,
    Rule.TOO_HARD: _too_hard,
    Rule.TOO_EASY: _too_easy,
    Rule.RANGE: _range,
    Rule.RETURN_FAST: _tempo_of(
        mark(
            "You did {done}, but came back in about {took:.1f} s; the plan is {target:.1f} s. "
            "Slower on the way back."
        )
    ),
    Rule.PULL_FAST: _tempo_of(
        mark(
            "You did {done}, but pulled in about {took:.1f} s; the plan is {target:.1f} s. Pull more slowly."
        )
    ),
    Rule.TOO_SLOW: _too_slow,
    Rule.BELOW_ZONE: _zone_missed(mark("{beside:.0f} of {peaks:.0f} peaks were below your zone of {zone}.")),
    Rule.ABOVE_ZONE: _zone_missed(mark("{beside:.0f} of {peaks:.0f} peaks were above your zone of {zone}.")),
    Rule.SIDES: _sides,
    Rule.BAND_CHANGED: _band_changed,
    Rule.PERSON_CHANGED: _person_changed,
    Rule.BAND_LOST: _band_lost,
    Rule.SESSION_ENDED: _ended_by(
        mark_plural(
            "The session ended after {n} repetition of this set, so it is not judged.",
            "The session ended after {n} repetitions of this set, so it is not judged.",
        )
    ),
    Rule.LINK_LOST: _ended_by(
        mark_plural(
            "The sensor was lost after {n} repetition of this set, so it is not judged.",
            "The sensor was lost after {n} repetitions of this set, so it is not judged.",
        )
    ),
    Rule.NOT_STORED: _ended_by(
        mark_plural(
            "Saving failed after {n} repetition of this set, so it is not judged.",
            "Saving failed after {n} repetitions of this set, so it is not judged.",
        )
    ),
    Rule.ONE_REP: lambda n: tr(
        "You did one repetition. Was that on purpose (y), or is the band too strong (n)? For "
        "a strength test there is bandsense test."
    ),
    Rule.SLACK_AT_BOTTOM: lambda n: tr(
        "The band hangs slack over about {share:.0%} of your movement, so the muscles rest there.",
        share=n["slack"],
    ),
    Rule.RETURN_CUT_SHORT: lambda n: tr(
        "You come back only {share:.0%} of the way, and the band still pulls {force} there.",
        share=1 - n["cut"],
        force=force_words(n["end_n"]),
    ),
    Rule.BEYOND_LIMIT: _stretched,
    Rule.NEAR_LIMIT: lambda n: f"{_stretched(n)} {tr('Go no further.')}",
    Rule.SLIPPED: _slipped,
    Rule.UNSURE: _unsure,
    Rule.WAITING: _waiting,
    Rule.LIGHTER_BAND: _lighter_band,
    Rule.STRONGER_BAND: _stronger_band,
}


def event_json(event: Event, uncertainty_n: UncertaintyAt | None = None) -> dict[str, Any]:
    """Return an event as JSON object (`workout.events.to_json`); advice with its sentence as `text`.

    It is for programs, and so in English whatever is spoken.
    """
    data = to_json(event, uncertainty_n)
    with speaking(ENGLISH):
        if isinstance(event, SlackAdvised):
            return data | {"text": advice_text(event.advice)}
        if isinstance(event, CueGiven):
            return data | {"text": cue_words(event), "spoken": cue_spoken(event), "slot": event.slot.value}
    return data


def format_notice(event: Event) -> str | None:
    """Return what a person should read at once, if anything."""
    if isinstance(event, RepRetracted):
        return tr("not counted: {why}", why=tr(_RETRACTED[event.reason]))
    if isinstance(event, SignalWarning) and event.kind is WarningKind.BAND_LOST:
        return tr("Tension dropped suddenly.")
    if isinstance(event, SignalWarning | TemperatureUnknown):
        return in_shown_unit(said(event.message))
    if isinstance(event, SetDone):
        return set_words(event.result)
    if isinstance(event, SetCorrected):
        if event.result is None:
            return tr("set {number} is gone: no repetition is left in it", number=event.number)
        if not event.recounted:
            return None
        return tr("corrected: {set}", set=set_words(event.result))
    if isinstance(event, Corrected):
        added = trn("one more was counted", "{n} more were counted", event.reps) if event.is_rep else None
        return said(event.problem or "") or added
    if isinstance(event, SlackAdvised):
        return advice_text(event.advice)
    if isinstance(event, SetRated):
        words = "" if event.asks is not None else feedback_words(event.feedback)  # the next question is told
        return tr("noted for set {number}: {said}", number=event.number, said=words) if words else None
    if isinstance(event, ExerciseStopped):
        return stopped_words(event)
    if isinstance(event, SlackAnswered):
        return answer_words(event)
    if isinstance(event, Tared):
        if event.problem:
            return said(event.problem)
        return tr("zero set: {force}", force=force_words(-event.change_n, 1, sign=True))
    if isinstance(event, BatteryChanged) and event.percent <= LOW_BATTERY_PERCENT:
        return tr("the sensor's battery is at {percent} %; charge it", percent=event.percent)
    return None


def answer_words(event: SlackAnswered) -> str:
    """Confirm an answer."""
    advice = event.advice
    if advice is not None and advice.action is SlackAction.CHECK:
        return tr("Noted: checked.")
    if advice is not None and advice.action is SlackAction.ASK:
        return tr("Noted: it was on purpose.") if event.followed else tr("Noted: the band is too strong.")
    if not event.followed:
        return tr("Noted: it stays as it is.")
    if advice is None or not advice.amount_cm:
        return tr("Noted: the slack was changed.")
    if advice.action is SlackAction.ADD:
        return tr("Noted: {cm} cm out.", cm=advice.amount_cm)
    return tr("Noted: {cm} cm in.", cm=advice.amount_cm)


def format_log_line(
    event: Event, uncertainty_n: Callable[[float], float], began_s: float = 0.0
) -> str | None:
    """Format an event as a log line, its time counted from `began_s`; None for what would only fill it."""
    text = _text(event, uncertainty_n)
    return None if text is None else f"{number(event.detected_s - began_s, '9.2f')} s  {text}"


def later_peak_words(told: RepCounted, rep: Rep, uncertainty_n: Callable[[float], float]) -> str:
    """Write the peak of a repetition where it is another than was told when it was counted; else nothing."""
    before, now = (
        tension_words(each.peak_n, with_sampling(uncertainty_n(each.peak_n), each)) for each in (told, rep)
    )
    return "" if now == before else tr("peak {tension}", tension=now)


def _text(event: Event, uncertainty_n: Callable[[float], float]) -> str | None:
    if isinstance(event, RepCounted):
        known_n = with_sampling(uncertainty_n(event.peak_n), event)
        return tr("rep {n}: {tension}", n=event.count, tension=tension_words(event.peak_n, known_n))
    if isinstance(event, RepCompleted):
        return f"       {rep_words(event.rep)}"
    if isinstance(event, RepRetracted):
        return tr("a rep is not counted, {why}; {n} so far", why=tr(_RETRACTED[event.reason]), n=event.count)
    if isinstance(event, SetStarted):
        return _set_name(event.number, event.side)
    if isinstance(event, LinkChanged):
        return said(event.message)
    if isinstance(event, BatteryChanged):
        return format_notice(event) or tr("battery {percent} %", percent=event.percent)
    if isinstance(event, TemperatureChanged) and event.zero_n:
        return tr(
            "the sensor is at {celsius:.1f} °C: {force} are taken off",
            celsius=event.temperature_c,
            force=force_words(event.zero_n, 2, sign=True),
        )
    if isinstance(event, SlackAdvised) and event.advice.amount_cm:
        return f"{advice_text(event.advice)}\n{_UNDER_TIME}({advice_details(event.advice)})"
    if isinstance(event, CueGiven):
        # Breaths and holds come with every repetition and would fill a log.
        return f"       ({cue_words(event)})" if event.slot is CueSlot.WORD else None
    return format_notice(event)
