"""Events in words: lines for a log, and notices for a person in the middle of a set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bandsense.live.units import force_range, force_words, in_shown_unit, shown_unit
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
from bandsense.signal.metrics import Asymmetry, SetMetrics
from bandsense.workout.advice import Advice, Basis, Reason, Rule, SlackAction, When
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
    "advice_details",
    "advice_instruction",
    "advice_reason",
    "advice_text",
    "answer_words",
    "asymmetry_words",
    "basis_words",
    "counts_words",
    "cue_spoken",
    "cue_words",
    "doubt_words",
    "event_json",
    "feedback_words",
    "format_log_line",
    "format_notice",
    "lag_words",
    "next_time_words",
    "number_word",
    "plural",
    "rating_question",
    "reason_words",
    "rep_mark",
    "rep_words",
    "set_words",
    "silent_words",
    "stopped_words",
    "summary_words",
    "tempo_words",
    "tension_words",
]

DIVIDED = 0.2
"""Another count that is at least so likely is told beside the one that is shown."""

_RETRACTED = {
    RetractReason.SET_UP: "it was taking up the band or changing position",
    RetractReason.ISOMETRIC: "it was a hold",
    RetractReason.TOO_QUICK: "it was a step or a blow",
    RetractReason.ONE_MOVEMENT: "it was part of another repetition",
    RetractReason.BROKEN_OFF: "it broke off before the return",
    RetractReason.OVERRULED: "you took it back",
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

PARTIAL_RULE = "partial: less than 60 % of the way; from 60 to 75 % it is unsure"
"""Told wherever partial or unsure repetitions are counted (`workout.counts`)."""

_CUES = {
    CueKind.INHALE: "Breathe in",
    CueKind.EXHALE: "Breathe out",
    CueKind.HOLD: "Hold",
    CueKind.SLOWER: "Slower on the way back",
    CueKind.FULL_RANGE: "Full range",
    CueKind.SLOW_ENOUGH: "Good, that was slow enough",
    CueKind.WHOLE_RANGE: "Good, that was the full range",
    CueKind.TWO_MORE: "Two more",
    CueKind.TARGET: "That is the plan; go on if it feels good",
    CueKind.SET_DONE: "Set done",
    CueKind.REST_OVER: "Ready when you are",
}
_AHEAD = {CueKind.INHALE: "Next: in", CueKind.EXHALE: "Next: out"}
_BRIEF = {
    CueKind.INHALE: "In",
    CueKind.EXHALE: "Out",
    CueKind.SLOWER: "Slower",
    CueKind.TARGET: "",  # the count says it
    CueKind.REST_OVER: "Ready",
}
_SPOKEN = {
    CueKind.SLOW_ENOUGH: "Good",
    CueKind.WHOLE_RANGE: "Good",
    CueKind.TARGET: "That is the plan",
}


def cue_words(cue: CueGiven) -> str:
    """Describe a cue; one that announces a movement says so, until the movement is seen."""
    if cue.ahead and cue.kind in _AHEAD:
        return _AHEAD[cue.kind]
    return _CUES[cue.kind] + ("" if cue.side is None else f", now the {cue.side} side")


def cue_spoken(cue: CueGiven) -> str:
    """Return what a voice says; nothing for a breath at a doubtful time, where a tone is enough."""
    if cue.unsure or cue.quiet:
        return ""
    if cue.brief and cue.kind in _BRIEF:
        return _BRIEF[cue.kind]
    words = _SPOKEN.get(cue.kind, _CUES[cue.kind])
    return words + ("" if cue.side is None else f", now the {cue.side} side")


def plural(number: int, noun: str) -> str:
    """`1 rep`, `2 reps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def number_word(number: int) -> str:
    """`three`; figures from thirteen on."""
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number}"


_NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def tension_words(tension_n: float, uncertainty_n: float) -> str:
    """Format a tension and its standard uncertainty, both to the place of the uncertainty's first digits."""
    unit = shown_unit()
    tension, uncertainty = tension_n / unit.newtons, uncertainty_n / unit.newtons
    decimals = 0 if uncertainty >= 9.5 else 1 if uncertainty >= 0.095 else 2
    return f"{tension:z.{decimals}f} ± {uncertainty:.{decimals}f} {unit.value}"


def rep_mark(probability: float) -> str:
    """Draw a repetition as a dot, hollow where it is doubtful."""
    return "○" if probability < DOUBTFUL_BELOW else "●"


def doubt_words(count: int, chances: Mapping[int, float]) -> str:
    """Say which other count is likely where the evidence is divided: `perhaps 9`; empty where it is not."""
    other = max((n for n in chances if n != count), key=lambda n: chances[n], default=count)
    return f"perhaps {other}" if other != count and chances[other] >= DIVIDED else ""


def _phase_words(rep: Rep) -> str:
    """Describe the phases of the hand; what the sensor cannot tell is a dash, with the reason."""
    hand = hand_tempo(rep)
    seconds = {"concentric_s": hand.concentric_s, "hold_s": hand.hold_s, "eccentric_s": hand.eccentric_s}
    pull, hold, back = ("–" if name in rep.hidden else f"{value:.1f}" for name, value in seconds.items())
    text = f"pull about {pull}, hold {hold}, return {back} s"
    return f"{text} (–: {next(iter(rep.hidden.values()))})" if rep.hidden else text


def rep_words(rep: Rep) -> str:
    """Phases of a repetition, and what is special about it."""
    text = _phase_words(rep)
    if rep.unsure or rep.partial:
        kind = "full or partial, unsure" if rep.unsure else "partial"
        text += f", {kind} ({rep.range_fraction:.0%} of the way)"
    if rep.doubtful:
        text += f", doubtful ({rep.probability:.0%} sure)"
    if rep.gap:
        text += ", samples missing"
    if rep.saturated:
        text += ", sensor at its limit"
    return text


def set_words(result: SetResult) -> str:
    """Describe a finished set in one sentence."""
    metrics = result.metrics
    doubt = doubt_words(result.metrics.reps, result.chances)
    text = f"{_set_name(result.number, result.side)}: {counts_words(result.counts, doubt)}"
    best = max(result.rep_metrics, key=lambda rep: rep.peak_n)
    peak = tension_words(best.peak_n, best.peak_uncertainty_n or 0.0)
    tempo = _set_tempo_words(metrics, result.hand_tempo)
    text += f", peak {peak}, {_under_tension_words(metrics)}, {tempo}"
    if result.zone is not None:
        text += f"; {_zone_words(result.zone, result.in_zone)}"
    return text if result.counts.full == result.counts.all else f"{text} ({PARTIAL_RULE})"


def counts_words(counts: RepCounts, doubt: str = "") -> str:
    """`9 reps, perhaps 10: 6 full, 2 partial, 1 unsure`; only the total where all were full."""
    text = ", ".join(filter(None, (plural(counts.all, "rep"), doubt)))
    return text if counts.full == counts.all else f"{text}: {_parts_words(counts)}"


def _parts_words(counts: RepCounts) -> str:
    """`6 full, 2 partial, 1 unsure`, whatever there is none of left out."""
    named = ((counts.full, "full"), (counts.partial, "partial"), (counts.unsure, "unsure"))
    return ", ".join(f"{number} {name}" for number, name in named if number or name == "full")


def tempo_words(tempo: HandTempo) -> str:
    """Describe a tempo as it is prescribed: in seconds of the hand, which are estimates."""
    rest = "" if tempo.rest_s is None else f"-{tempo.rest_s:.1f}"
    return f"about {tempo.concentric_s:.1f}-{tempo.hold_s:.1f}-{tempo.eccentric_s:.1f}{rest} s"


def _under_tension_words(metrics: SetMetrics) -> str:
    reason = metrics.hidden.get("time_under_tension_s")
    if reason is not None:
        return f"time under tension {reason}"
    return f"{metrics.time_under_tension_s:.1f} s under tension"


def _set_tempo_words(metrics: SetMetrics, tempo: HandTempo | None) -> str:
    """Describe the set's tempo, or why there is none."""
    reason = metrics.hidden.get("tempo.concentric_s") or metrics.hidden.get("tempo.eccentric_s")
    if reason is not None:
        return f"tempo {reason}"
    return "tempo not known" if tempo is None else f"tempo {tempo_words(tempo)}"


def _zone_words(zone: TensionZone, counts: Counter[Zone]) -> str:
    return (
        f"peaks within {force_range(zone.low_n, zone.high_n)}: {counts[Zone.WITHIN]} of {counts.total()} "
        f"({counts[Zone.BELOW]} below, {counts[Zone.ABOVE]} above)"
    )


def _set_name(number: int, side: str | None) -> str:
    return f"set {number}" if side is None else f"half-set {number}, {side}"


def feedback_words(feedback: Feedback) -> str:
    """Describe what was said of a set: `effort 7, pain 2, note: left shoulder`; empty where nothing was."""
    scores = ((scale.value, getattr(feedback, scale.value)) for scale in Scale)
    said = [f"{name} {score}" for name, score in scores if score is not None]
    return ", ".join([*said, *([f"note: {feedback.note}"] if feedback.note else [])])


_QUESTIONS = {
    Scale.EFFORT: "How hard was it, 0 (no effort) to 10 (all you had)?",
    Scale.PAIN: "Any pain, 0 (none) to 10 (the worst)?",
}


def rating_question(asks: Scale | None, *, keys: bool = False) -> str:
    """Ask for a score, with the keys that give it where there are any; empty where nothing is asked."""
    if asks is None:
        return ""
    return f"{_QUESTIONS[asks]}{' Keys 0 to 9, x: 10, Enter: skip' if keys else ''}"


STOPPED_NEXT_TIME = {
    StopReason.PAIN: "Tell whoever prescribed this exercise about the pain before you do it again.",
    StopReason.BAND_LOST: "Check band, clip and anchor before you begin.",
}
"""What is told for the next time, in place of the progression."""


def stopped_words(stopped: ExerciseStopped) -> str:
    """Tell that a stop rule ended the exercise, and why; or that none does any more."""
    if stopped.reason is None:
        return "The exercise may go on: no stop rule applies any more."
    if stopped.reason is StopReason.BAND_LOST:
        return (
            "STOP - The band snapped, slipped off or fell. Your plan ends this exercise there for today: "
            "check band, clip and anchor before the next time."
        )
    return (
        f"STOP - Pain {stopped.pain} of 10. Your plan ends this exercise for today from {stopped.limit} on. "
        "Tell whoever prescribed it before you do it again."
    )


def summary_words(summary: Summary) -> str:
    """Describe a session in one sentence."""
    if not summary.reps:
        return f"no repetition in {summary.duration_s:.0f} s"
    text = f"{plural(summary.reps, 'rep')} in {plural(summary.sets, 'set')}"
    if summary.partial or summary.unsure:
        text += f": {_parts_words(RepCounts(summary.full, summary.partial, summary.unsure))}"
    peak = tension_words(summary.peak_n, summary.peak_uncertainty_n)
    return f"{text}, peak {peak}, {summary.time_under_tension_s:.1f} s under tension"


def asymmetry_words(asymmetry: Asymmetry) -> str:
    """Describe how right differs from left, each figure with its standard error, and whether that is sure."""
    figures = {
        "peak": asymmetry.peak,
        "impulse": asymmetry.impulse,
        "range": asymmetry.range,
        "time under tension": asymmetry.time_under_tension,
    }
    parts = (f"{name} {each.share:+.1%} ± {each.standard_error:.1%}" for name, each in figures.items())
    sure = [name for name, each in figures.items() if each.certain]
    verdict = f"surely different: {', '.join(sure)}" if sure else "no clear difference"
    return f"right against left: {', '.join(parts)}; {verdict}"


def silent_words(side: str) -> str:
    """Say that one of two sensors saw nothing, which is no balance of sides."""
    return f"the {side} sensor saw no repetition: the sides cannot be compared; check its clip and battery"


def lag_words(lag: Lag) -> str:
    """Describe which side begins to pull first, by how much, and how well that is known."""
    if lag.hidden is not None:
        return f"which side pulls first cannot be told: {lag.hidden}"
    first, last = ("left", "right") if lag.median_s >= 0 else ("right", "left")
    bound = (
        "their clocks are related by arrivals only"
        if lag.clock_bound_s is None
        else f"their clocks are known within {1000 * lag.clock_bound_s:.0f} ms"
    )
    apart = f"{1000 * abs(lag.median_s):.0f} ± {1000 * lag.spread_s:.0f} ms"
    return f"the {last} side pulls {apart} after the {first} ({lag.reps} reps of both; {bound})"


def next_time_words(next_time: Progression) -> str:
    """Describe what comes next session, and why."""
    plan = next_time.plan
    sets, aim = plural(plan.sets, "set"), f"{plural(plan.sets, 'set')} of {plan.reps}"
    match next_time.reason:
        case NextTime.AGAIN:
            return f"{sets} again. Today {'each' if plan.sets > 1 else 'it'} had {plan.reps} or more."
        case NextTime.ONCE_MORE:
            each = "each" if plan.sets > 1 else "it"
            more = "once more like this, and a set is added"
            return f"{sets} again. Today {each} had {plan.reps} or more; {more}."
        case NextTime.SET_ADDED:
            return f"{sets}. Two sessions in a row every set had {plan.reps} or more."
        case NextTime.LESS_SLACK:
            return f"Less slack as advised, and {sets} again."
        case NextTime.CHECK_FIRST:
            return f"Check band, clip and anchor first; then {aim}."
        case NextTime.PRESCRIBED:
            return f"{aim}, as prescribed."
        case NextTime.MORE_SLACK | NextTime.NOT_REACHED:
            first = f"More slack as advised; aim for {aim}."
            said = first if next_time.reason is NextTime.MORE_SLACK else f"Aim for {aim}."
            short = next_time.good_sets < plan.sets
            today = f"it was {next_time.good_sets}" if next_time.good_sets else f"no set had {plan.reps}"
            return f"{said} Today {today}." if short else said


def advice_text(advice: Advice) -> str:
    """Describe what to do and why, in one line."""
    now = " NOW" if advice.urgent and advice.action is not SlackAction.KEEP else ""
    side = "" if advice.side is None else f", {advice.side} side"
    words = " ".join(filter(None, (_told(advice), advice_reason(advice), _amount_words(advice))))
    return f"{advice.action.value}{now}{side} - {words}"


def advice_instruction(advice: Advice) -> str:
    """Describe what to do in a sentence of its own, where the action is not shown."""
    if advice.rule is Rule.WRONG_UNIT:
        return "Check the sensor before you go on."
    return _told(advice) or _INSTRUCTIONS[advice.action]


_INSTRUCTIONS = {
    SlackAction.ADD: "Give the band more slack.",
    SlackAction.REMOVE: "Give the band less slack.",
    SlackAction.KEEP: "Keep the band as it is.",
    SlackAction.CHANGE_BAND: "Take another band.",
    SlackAction.CHECK: "Check the band before you go on.",
    SlackAction.ASK: "Was that meant?",
    SlackAction.NONE: "This set is not judged.",
}

_BEFORE = {
    (SlackAction.REMOVE, When.NEXT_SET): "Before you start the next set, ",
    (SlackAction.REMOVE, When.NEXT_TIME): "Next time, before you start, ",
    (SlackAction.REMOVE, When.FIRST): "Before you start, ",
    (SlackAction.ADD, When.NEXT_TIME): "Next time, ",
}


def _told(advice: Advice) -> str:
    """Return the exercise's own words for the change, and when to make it."""
    before = _BEFORE.get((advice.action, advice.when), "")
    words = advice.instruction
    return f"{before}{words[0].lower()}{words[1:]}" if before and words else words


def _amount_words(advice: Advice) -> str:
    """Say how rough an amount is that rests on very few or very uneven repetitions."""
    few, uneven = 0 < advice.basis.reps < LEAST_REPS, advice.uncertainty_cm > advice.amount_cm
    if advice.rule is not Rule.TOO_HARD or not advice.amount_cm or not (few or uneven):
        return ""
    low, high = (max(1, round(advice.amount_cm + sign * advice.uncertainty_cm)) for sign in (-1.0, 1.0))
    return (
        f"From {plural(advice.basis.reps, 'repetition')}{'' if few else ' so uneven'} that is a rough guess: "
        f"{low} to {max(high, advice.amount_cm + 1)} cm may be right."
    )


def advice_reason(advice: Advice) -> str:
    """Why, in sentences."""
    said = " ".join(filter(None, map(reason_words, advice.reasons)))
    return f"From last time: {said}" if advice.left_open else said


def advice_details(advice: Advice) -> str:
    """Describe how exact an amount is, how far it can be trusted, and what it rests on."""
    amount = f"{advice.amount_cm} ± {advice.uncertainty_cm:.1f} cm"
    rests_on = ", ".join(basis_words(advice.basis))
    return f"{amount}, confidence {advice.confidence.value}; rests on {rests_on}"


def basis_words(basis: Basis) -> tuple[str, ...]:
    """Describe what advice rests on: repetitions, lengths, the band's curve, earlier changes."""
    return (*_seen_words(basis), *_band_words(basis))


def _seen_words(basis: Basis) -> tuple[str, ...]:
    if not basis.reps:
        return ()
    if basis.mean_peak_n is None:
        return (f"{plural(basis.reps, 'repetition')} of this set",)
    return (f"{plural(basis.reps, 'repetition')} with a mean peak of {force_words(basis.mean_peak_n)}",)


def _band_words(basis: Basis) -> tuple[str, ...]:
    strand = basis.strand
    if strand is None:
        return ()
    whose = "your" if strand.measured else "a typical"
    curve = "your band's own curve" if basis.fitted else "the usual curve of bands"
    lengths = (
        f"{whose} band length of {100 * strand.rest_length_m:.0f} cm, "
        f"stretched to {100 * strand.peak_length_m:.0f} cm",
        f"{curve} (tension grows as elongation to the power {strand.exponent:.2f})",
    )
    if not basis.changes_seen:
        return lengths
    return (*lengths, f"what {plural(basis.changes_seen, 'earlier change')} did to your tension")


def reason_words(reason: Reason) -> str:
    """Describe a rule and its numbers in a sentence or two; without numbers, the rule by its name."""
    if reason.rule in _PLAIN_REASONS:
        return _PLAIN_REASONS[reason.rule]
    if not reason.numbers:
        return f"{reason.rule.value.capitalize()}."
    return _REASONS[reason.rule](reason.numbers)


_PLAIN_REASONS = {
    Rule.NO_ZERO: (
        "At the top of a repetition the sensor shows no pull at all, so its zero is wrong. "
        "Let the band hang slack and tare (key t); the next set can be advised on."
    ),
    Rule.TOO_FEW_REPS: "There was no repetition.",
    Rule.WRONG_UNIT: (
        "Is the sensor set to another unit, or calibrated for another one? It shows more than people pull."
    ),
    Rule.TOO_SMALL: "The change would be less than a centimetre.",
    Rule.DECLINED: "You chose to leave the slack for today.",
}


def _stretched(n: Numbers) -> str:
    limit = "times its resting length; three times is its limit."
    if n["elongation"] <= IMPLAUSIBLE_ELONGATION:
        return f"The band is stretched to {1 + n['elongation']:.2f} {limit}"
    return (
        f"The tension is that of your band at {1 + n['elongation']:.1f} {limit} "
        "If this is another band, name it."
    )


def _slipped(n: Numbers) -> str:
    fell = n["log_ratio"] < 0.0
    where = "at the top and at the bottom alike" if n["at_bottom"] else "at once and for good"
    return (
        f"From repetition {n['before']:.0f} to {n['after']:.0f} the tension {'fell' if fell else 'rose'} by "
        f"{abs(math.expm1(n['log_ratio'])):.0%}, {where}, as if the band had "
        f"{'slipped: check grip and anchor first' if fell else 'been gripped shorter'}."
    )


def _counts_of(n: Numbers) -> RepCounts:
    return RepCounts(int(n["full"]), int(n.get("partial", 0)), int(n.get("unsure", 0)))


def _done_words(n: Numbers) -> str:
    """`6 full repetitions, 2 partial and 1 unsure`."""
    counts = _counts_of(n)
    rest = [
        f"{number} {name}"
        for number, name in ((counts.partial, "partial"), (counts.unsure, "unsure"))
        if number
    ]
    return plural(counts.full, "full repetition") + (f", {' and '.join(rest)}" if rest else "")


def _ended_by(why: str) -> Callable[[Numbers], str]:
    return lambda n: f"{why} after {plural(int(n['reps']), 'repetition')} of this set, so it is not judged."


def _band_lost(n: Numbers) -> str:
    after = f" after repetition {n['reps']:.0f}" if n["reps"] else ""
    return (
        f"Tension dropped suddenly{after}: the band snapped, slipped off or fell. "
        "Check band, clip and anchor before you go on; then press y."
    )


def _too_hard(n: Numbers) -> str:
    said = []
    if "full" in n:
        said.append(f"You did {_done_words(n)}; the plan asks for at least {n['planned']:.0f}.")
    if "range_loss" in n:
        said.append(f"Your range shrank by {n['range_loss']:.0%} over the set.")
    return " ".join(said)


def _steady(n: Numbers) -> str:
    more = " If it is this easy next time, we make it harder." if n["easy_sessions"] else ""
    counts = _counts_of(n)
    rest = _done_words(n).partition(", ")[2]
    also = f", and besides {rest}" if rest else ""
    return f"You did {plural(counts.full, 'full repetition')} as planned{also}.{more}"


def _too_easy(n: Numbers) -> str:
    if "full" in n and "surplus" not in n:
        return f"You did {_done_words(n)}; the plan ends at {n['top']:.0f}."
    return (
        f"Two sessions in a row you finished with {n['planned'] + n['surplus']:.0f} or more even repetitions "
        f"(plan: at least {n['planned']:.0f})."
    )


def _range(n: Numbers) -> str:
    return (
        f"You did {_done_words(n)}, and {n['planned']:.0f} full ones are asked for: go all the way each time."
    )


def _tempo_of(moved: str, advised: str) -> Callable[[Numbers], str]:
    return lambda n: (
        f"You did {_done_words(n)}, but {moved} in about {n['took_s']:.1f} s; "
        f"the plan is {n['target_s']:.1f} s. {advised}"
    )


def _too_slow(n: Numbers) -> str:
    return _tempo_of("came back" if n["back"] else "pulled", "You need not go that slowly.")(n)


def _zone_missed(where: str) -> Callable[[Numbers], str]:
    return lambda n: (
        f"{n['beside']:.0f} of {n['peaks']:.0f} peaks were {where} your zone of "
        f"{force_range(n['low_n'], n['high_n'])}."
    )


def _more_or_less(n: Numbers) -> str:
    return "more" if n["share"] > 0.0 else "less"


def _also_measured(n: Numbers) -> str | None:
    """Say what pulls found of the band where they tell the same; None without pulls."""
    if "measured" not in n or n["measured"] * n["share"] <= 0.0:
        return None
    return f"and was measured {abs(n['measured']):.0%} {'stronger' if n['measured'] > 0 else 'softer'}"


def _how_sure(n: Numbers) -> str:
    return "very likely" if n["probability"] >= VERY_LIKELY else "likely"


def _sides(n: Numbers) -> str:
    slack = "more" if n["more_cm"] > 0.0 else "less"
    return (
        f"At the same length this side pulled {abs(n['share']):.0%} {_more_or_less(n)} than the other, "
        f"so it gets {abs(n['more_cm']):.0f} cm {slack} slack."
    )


def _waiting(n: Numbers) -> str:
    if n["within_set"]:
        return "The slack was changed within this set; the next one shows what that did."
    return "The slack was changed not long ago; if the next set says the same, some of that change is undone."


def _unsure(n: Numbers) -> str:
    measure = "" if n["measured"] else "measure the unstretched band in use, and "
    return f"How much to change is not known well enough; {measure}do a more even set."


def _lighter_band(n: Numbers) -> str:
    if "besides" in n:
        return (
            "If that is still too hard, take the next lighter band: more slack would leave this one hanging."
        )
    return (
        f"More slack would leave the band hanging over {n['slack']:.0%} of the movement: "
        "take the next lighter band."
    )


def _stronger_band(n: Numbers) -> str:
    stronger = "take a stronger band, with more slack at first, or a second one beside it."
    most = f"{1 + n['elongation']:.1f}"
    if n["sure"]:
        return (
            f"Less slack would stretch the band to {most} times its resting length, too near its limit of "
            f"three times: {stronger}"
        )
    return (
        f"Less slack might stretch the band to {most} times its resting length, too near its limit of three "
        f"times, and nobody measured your lengths: measure the unstretched band in use, or {stronger}"
    )


_REASONS: dict[Rule, Callable[[Numbers], str]] = {
    Rule.STEADY: _steady,
    Rule.TOO_HARD: _too_hard,
    Rule.TOO_EASY: _too_easy,
    Rule.RANGE: _range,
    Rule.RETURN_FAST: _tempo_of("came back", "Slower on the way back."),
    Rule.PULL_FAST: _tempo_of("pulled", "Pull more slowly."),
    Rule.TOO_SLOW: _too_slow,
    Rule.BELOW_ZONE: _zone_missed("below"),
    Rule.ABOVE_ZONE: _zone_missed("above"),
    Rule.SIDES: _sides,
    Rule.BAND_CHANGED: lambda n: (
        f"At the same slack the band pulls {abs(n['share']):.0%} {_more_or_less(n)} than last time, "
        f"{_also_measured(n) or 'at start and top alike'}: {_how_sure(n)} the band changed, not you."
    ),
    Rule.PERSON_CHANGED: lambda n: (
        f"{'Measured, the band is as before' if 'measured' in n else 'At the start it pulls as last time'}, "
        f"and your pull ends {abs(n['share']):.0%} {'higher' if n['share'] > 0 else 'lower'}: "
        f"{_how_sure(n)} your range changed, not the band."
    ),
    Rule.BAND_LOST: _band_lost,
    Rule.SESSION_ENDED: _ended_by("The session ended"),
    Rule.LINK_LOST: _ended_by("The sensor was lost"),
    Rule.NOT_STORED: _ended_by("Saving failed"),
    Rule.ONE_REP: lambda n: (
        "You did one repetition. Was that meant (y), or is the band too strong (n)? "
        "For a test of strength there is bandsense test."
    ),
    Rule.SLACK_AT_BOTTOM: lambda n: (
        f"The band hangs slack over about {n['slack']:.0%} of your movement, so the muscles rest there."
    ),
    Rule.RETURN_CUT_SHORT: lambda n: (
        f"You come back only {1 - n['cut']:.0%} of the way, and the band still pulls "
        f"{force_words(n['end_n'])} there."
    ),
    Rule.BEYOND_LIMIT: _stretched,
    Rule.NEAR_LIMIT: lambda n: f"{_stretched(n)} Go no further.",
    Rule.SLIPPED: _slipped,
    Rule.UNSURE: _unsure,
    Rule.WAITING: _waiting,
    Rule.LIGHTER_BAND: _lighter_band,
    Rule.STRONGER_BAND: _stronger_band,
}


def event_json(event: Event, uncertainty_n: UncertaintyAt | None = None) -> dict[str, Any]:
    """Return an event as JSON object (`workout.events.to_json`); advice with its sentence as `text`."""
    data = to_json(event, uncertainty_n)
    if isinstance(event, SlackAdvised):
        return data | {"text": advice_text(event.advice)}
    if isinstance(event, CueGiven):
        return data | {"text": cue_words(event), "spoken": cue_spoken(event), "slot": event.slot.value}
    return data


def format_notice(event: Event) -> str | None:
    """Return what a person should read at once, if anything."""
    if isinstance(event, RepRetracted):
        return f"not counted: {_RETRACTED[event.reason]}"
    if isinstance(event, SignalWarning) and event.kind is WarningKind.BAND_LOST:
        return "Tension dropped suddenly."
    if isinstance(event, SignalWarning | TemperatureUnknown):
        return in_shown_unit(event.message)
    if isinstance(event, SetDone):
        return set_words(event.result)
    if isinstance(event, SetCorrected):
        if event.result is None:
            return f"set {event.number} is gone: no repetition is left in it"
        return f"corrected: {set_words(event.result)}"
    if isinstance(event, Corrected):
        return event.problem or ("one more was counted" if event.is_rep else None)
    if isinstance(event, SlackAdvised):
        return advice_text(event.advice)
    if isinstance(event, SetRated):
        said = "" if event.asks is not None else feedback_words(event.feedback)  # the next question is told
        return f"noted for set {event.number}: {said}" if said else None
    if isinstance(event, ExerciseStopped):
        return stopped_words(event)
    if isinstance(event, SlackAnswered):
        return answer_words(event)
    if isinstance(event, Tared):
        return event.problem or f"zero set: {force_words(-event.change_n, 1, sign=True)}"
    if isinstance(event, BatteryChanged) and event.percent <= LOW_BATTERY_PERCENT:
        return f"the sensor's battery is at {event.percent} %; charge it"
    return None


def answer_words(event: SlackAnswered) -> str:
    """Confirm an answer."""
    advice = event.advice
    if advice is not None and advice.action is SlackAction.CHECK:
        return "Noted: checked."
    if advice is not None and advice.action is SlackAction.ASK:
        return "Noted: it was meant." if event.followed else "Noted: the band is too strong."
    if not event.followed:
        return "Noted: it stays as it is."
    if advice is None or not advice.amount_cm:
        return "Noted: the slack was changed."
    return f"Noted: {advice.amount_cm} cm {'out' if advice.action is SlackAction.ADD else 'in'}."


def format_log_line(
    event: Event, uncertainty_n: Callable[[float], float], began_s: float = 0.0
) -> str | None:
    """Format an event as a log line, its time counted from `began_s`; None for what would only fill it."""
    text = _text(event, uncertainty_n)
    return None if text is None else f"{event.detected_s - began_s:9.2f} s  {text}"


def _text(event: Event, uncertainty_n: Callable[[float], float]) -> str | None:
    if isinstance(event, RepCounted):
        known_n = with_sampling(uncertainty_n(event.peak_n), event)
        return f"rep {event.count}: {tension_words(event.peak_n, known_n)}"
    if isinstance(event, RepCompleted):
        return f"       {rep_words(event.rep)}"
    if isinstance(event, RepRetracted):
        return f"a rep is not counted, {_RETRACTED[event.reason]}: {event.count} stand"
    if isinstance(event, SetStarted):
        return _set_name(event.number, event.side)
    if isinstance(event, LinkChanged):
        return event.message
    if isinstance(event, BatteryChanged):
        return f"battery {event.percent} %"
    if isinstance(event, TemperatureChanged) and event.zero_n:
        taken_off = force_words(event.zero_n, 2, sign=True)
        return f"the sensor is at {event.temperature_c:.1f} °C: {taken_off} are taken off"
    if isinstance(event, SlackAdvised) and event.advice.amount_cm:
        return f"{advice_text(event.advice)}\n{_UNDER_TIME}({advice_details(event.advice)})"
    if isinstance(event, CueGiven):
        # Breaths and holds come with every repetition and would fill a log.
        return f"       ({cue_words(event).lower()})" if event.slot is CueSlot.WORD else None
    return format_notice(event)
