"""The words of each screen, for every view: what stands large, what small, and what is read aloud.

Second person, present tense, one idea a sentence. What happened comes first, then why, then what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from bandsense.exercises.model import Breath, SlackMethodKind
from bandsense.language import mark, number, said, tr, trn
from bandsense.live.formatting import (
    LOW_BATTERY_PERCENT,
    advice_instruction,
    advice_reason,
    answer_words,
    capital,
    doubt_lines,
    number_word,
    rating_question,
    reps_words,
    sets_words,
    side_name,
    side_word,
    stopped_words,
    tempo_figures,
)
from bandsense.live.state import Done, Screen, ViewState
from bandsense.live.units import force_figure, force_range, force_words, unit_name
from bandsense.signal.events import Phase
from bandsense.workout.advice import Advice, SlackAction
from bandsense.workout.events import SetCorrected, SetDone, SlackAdvised
from bandsense.workout.tempo import hand_tempo

__all__ = [
    "AdviceWords",
    "DrawnWords",
    "FieldWords",
    "ScreenWords",
    "clock_words",
    "done_words",
    "screen_words",
]

FINGER_CM = 2.0
"""Width of a finger, a convention by which an amount is told as well."""


@dataclass(frozen=True, slots=True)
class FieldWords:
    """The one word to act on, with a glyph beside it, a line above and a sentence below.

    Attributes:
        glyph: one of `up`, `bar`, `down`, `pause`, `warn`, `nolink`, `left`, `right`.
        breath: what the word asks for, in any language: `out`, `in`, `pull`, `back`; empty for other words.
    """

    word: str
    glyph: str
    above: str = ""
    below: str = ""
    breath: str = ""


@dataclass(frozen=True, slots=True)
class AdviceWords:
    """An advice in parts: the amount in numerals, what to do, why, how exact, and the two answers."""

    title: str
    amount: str
    what: str
    why: str
    more: str = ""
    picture: str = ""
    picture_label: str = ""
    yes: str = ""
    no: str = ""


@dataclass(frozen=True, slots=True)
class DrawnWords:
    """What is said of what is drawn, where that is not plain; empty where it is.

    Attributes:
        phase: why the sensor cannot tell how long the present phase is.
        curve: why phases of the curve have no colour.
        bars: what the bars of the sets that are done stand for.
    """

    phase: str = ""
    curve: str = ""
    bars: str = ""


@dataclass(frozen=True, slots=True)
class ScreenWords:
    """What a view says.

    Attributes:
        heading: which set, beside the exercise.
        target: beside the count of repetitions, and `most` below it.
        drawn: of curve, clock and bars.
        verdict: how the peak stands to the zone; `verdict_kind` is `in`, `below`, `above`, `zero` or empty.
        clock: what is left of the rest, and `clock_of`, `clock_then` below it.
        question: what the person is asked to score, 0 to 10.
        announce: for a screen reader, when it changes; `alert` at once.
    """

    heading: str
    field: FieldWords
    drawn: DrawnWords
    target: str = ""
    most: str = ""
    verdict: str = ""
    verdict_kind: str = ""
    clock: str = ""
    clock_of: str = ""
    clock_then: str = ""
    title: str = ""
    advice: AdviceWords | None = None
    question: str = ""
    announce: str = ""
    alert: str = ""


def screen_words(state: ViewState) -> ScreenWords:
    """Return the words of what the state shows now."""
    screen = state.screen
    verdict, kind = _verdict(state)
    plan = state.plan
    advice = None if state.advice is None or state.in_set else advice_words(state.advice, state)
    if screen is Screen.REST:
        advice = _stop(state) or advice or _no_advice(state)
    return ScreenWords(
        heading=_heading(state),
        field=_field(state, screen),
        target="" if plan is None else tr("of {number}", number=plan.reps),
        most=_most(state),
        drawn=_drawn(state),
        verdict=verdict,
        verdict_kind=kind,
        clock=_clock(state),
        clock_of="" if state.rest_planned_s is None else _clock_of(state),
        clock_then=_then(state),
        title=_title(state),
        advice=advice,
        question=rating_question(state.asks) if screen is Screen.REST else "",
        announce=_announce(state),
        alert=_alert(state),
    )


def _drawn(state: ViewState) -> DrawnWords:
    reasons = dict.fromkeys(why for _, why in state.grey.values())
    return DrawnWords(
        phase=state.untold_phase(state.phase),
        curve="; ".join(tr("grey: {why}", why=why) for why in reasons),
        bars=" ".join(doubt_lines((peak for done in state.sets for peak in done.peaks), bars=True)),
    )


def clock_words(seconds: float) -> str:
    """Return `1:05` for 65 s; beyond the end, `+0:05`."""
    whole = ceil(seconds) if seconds >= 0.0 else int(seconds)
    minutes, rest = divmod(abs(whole), 60)
    return f"{'+' if whole < 0 else ''}{minutes}:{rest:02}"


def done_words(done: Done) -> str:
    """Return the peak of a finished set with its uncertainty, and its tempo."""
    text = done.peak
    return text if done.hand is None else f"{text}, {tempo_figures(done.hand)} s"


def _heading(state: ViewState) -> str:
    if state.finished is not None:
        return tr("Done, {minutes} min", minutes=max(1, round(state.finished.duration_s / 60.0)))
    if state.screen is Screen.REST:
        return tr("Rest")
    plan = state.plan
    if plan is None or state.current_set > plan.sets:
        return tr("Set {number}", number=state.current_set)
    return tr("Set {number} of {sets}", number=state.current_set, sets=plan.sets)


def _most(state: ViewState) -> str:
    if state.takes_turns:
        return side_word(str(state.next_side))
    plan = state.plan
    if plan is None:
        return ""
    if state.in_set and state.reps >= plan.reps_top:
        return tr("the set is full")
    return tr("{number} at most", number=plan.reps_top) if plan.reps_top > plan.reps else ""


# -- the field ---------------------------------------------------------------------------------------------


def _field(state: ViewState, screen: Screen) -> FieldWords:
    if screen is Screen.LOST:
        return _lost(state)
    if screen is Screen.LIMIT and state.advice is not None:
        return _limit(state, state.advice)
    if screen in _PHASES:
        return _phase(state, screen)
    if screen is Screen.VALLEY:
        return _valley(state)
    if screen is Screen.REST:
        return FieldWords(tr("Rest"), "pause", "", _between_sets(state))
    if screen is Screen.SIDES:
        side = str(state.next_side)
        if side == "right":
            below = tr("Left is done. Change hands; there is no hurry.")
        else:
            below = tr("Right is done. Change hands; there is no hurry.")
        return FieldWords(capital(side_word(side)), side, "", below)
    if screen is Screen.FINISHED:
        return FieldWords(tr("Finished"), "pause")
    if state.tried:
        below = _notice(state) or tr("The first repetition is counted once it is certain.")
        return FieldWords(tr("Go on"), "pause", "", below)
    return FieldWords(tr("Pull when you like"), "pause", tr("Ready"), _notice(state) or _aim(state))


def _notice(state: ViewState) -> str:
    """Return what is to be read at once; else that the exercise was stopped, for as long as it is."""
    return capital(state.notice or ("" if state.stopped is None else stopped_words(state.stopped)))


def _between_sets(state: ViewState) -> str:
    """Return what is to be read at once and does not stand on the screen of a rest anyway."""
    noticed = state.noticed
    if not state.notice or isinstance(noticed, SetDone | SlackAdvised):
        return ""
    if isinstance(noticed, SetCorrected) and state.sets and noticed.result is not None:
        done = state.sets[-1]
        return capital(tr("corrected: {set}", set=done.doubt or reps_words(len(done.peaks))))
    return capital(state.notice)


_PHASES = {
    Screen.PULL: (mark("Pull, breathe"), "up"),
    Screen.HOLD: (mark("At the top"), "bar"),
    Screen.RETURN: (mark("Return, breathe"), "down"),
}

_BREATHS = {"out": mark("Out"), "in": mark("In"), "pull": mark("Pull"), "back": mark("Back")}


def _breath(state: ViewState, screen: Screen) -> str:
    """Return what to do in a phase: a key of `_BREATHS`."""
    exercise = None if state.settings is None else state.settings.exercise
    if exercise is None:
        return {Screen.PULL: "pull", Screen.RETURN: "back"}[screen]
    breathing = exercise.breathing_by_tension
    breath = breathing.concentric if screen is Screen.PULL else breathing.eccentric
    return "out" if breath is Breath.EXHALE else "in"


def _phase(state: ViewState, screen: Screen) -> FieldWords:
    above, glyph = _PHASES[screen]
    said_above = state.word or tr(above)
    if screen is Screen.HOLD:
        return FieldWords(tr("Hold"), glyph, said_above, capital(state.notice))
    breath = _breath(state, screen)
    return FieldWords(tr(_BREATHS[breath]), glyph, said_above, capital(state.notice), breath)


def _valley(state: ViewState) -> FieldWords:
    if state.breath:
        breath = _breath(state, Screen.PULL)
        return FieldWords(tr(_BREATHS[breath]), "up", tr("Next, breathe"), breath=breath)
    if state.word:
        return FieldWords(state.word, "pause", "", _notice(state))
    below = _notice(state) or _last_rep(state)
    plan = state.plan
    if plan is not None and state.reps >= plan.reps_top:
        return FieldWords(tr("Set done"), "pause", "", below)
    if plan is not None and state.reps >= plan.reps:
        return FieldWords(tr("Go on or rest"), "pause", tr("That is the plan"), below)
    return FieldWords(tr("Go on"), "pause", "", below)


def _last_rep(state: ViewState) -> str:
    rep = state.last_rep
    if rep is None:
        return ""
    hand = hand_tempo(rep)
    seconds = {"concentric_s": hand.concentric_s, "hold_s": hand.hold_s, "eccentric_s": hand.eccentric_s}
    times = "-".join("?" if name in rep.hidden else number(value, ".1f") for name, value in seconds.items())
    return tr("Last: {peak}, about {tempo} s", peak=state.peak_words(rep), tempo=times)


def _aim(state: ViewState) -> str:
    parts = []
    if state.plan is not None:
        if _breath(state, Screen.PULL) == "out":
            parts.append(tr("Breathe out on the pull, in on the return."))
        else:
            parts.append(tr("Breathe in on the pull, out on the return."))
    if state.zone is not None:
        parts.append(tr("Aim for {zone}.", zone=force_range(state.zone.low_n, state.zone.high_n)))
    return " ".join(parts)


def _lost(state: ViewState) -> FieldWords:
    if not state.trace:
        return FieldWords(
            tr("Wait"), "nolink", tr("Looking for the sensor"), tr("Press the button on the sensor.")
        )
    below = tr("Bring the sensor nearer to the computer or check its light; the set goes on by itself.")
    percent = state.battery_percent
    if percent is not None and percent <= LOW_BATTERY_PERCENT:
        below = tr(
            "Its battery was at {percent} %: plug in its charger. The set goes on by itself.", percent=percent
        )
    if state.in_set:
        below = f"{trn('Your {n} rep is safe.', 'Your {n} reps are safe.', state.reps)} {below}"
    lost = tr("Sensor lost {seconds} s ago, searching", seconds=int(state.lost_s or 0.0))
    return FieldWords(tr("Pause"), "nolink", lost, below)


def _limit(state: ViewState, advice: Advice) -> FieldWords:
    why = f"{advice_reason(advice)} {said(advice.instruction)}".strip()
    return FieldWords(tr("Ease off"), "warn", tr("Band at its limit"), why)


# -- the zone ----------------------------------------------------------------------------------------------


def _verdict(state: ViewState) -> tuple[str, str]:
    screen = state.screen
    if screen is Screen.LOST:
        return tr("no signal"), "lost"
    if (
        screen is Screen.READY
        and state.trace
        and abs(state.tension_n) <= max(1.0, 2.0 * state.tension_uncertainty_n)
    ):
        return tr("zero is set"), "zero"
    shown = screen is Screen.HOLD or (
        state.phase is Phase.ECCENTRIC and state.now_s < state.phase_since_s + 1.0
    )
    if not shown or state.zone is None or state.peak_n is None:
        return "", ""
    peak_n = state.tension_n if screen is Screen.HOLD else state.peak_n
    kind = state.zone.zone(peak_n).value
    return {"within": (tr("in zone"), "in"), "below": (tr("below"), kind), "above": (tr("above"), kind)}[kind]


# -- the rest ----------------------------------------------------------------------------------------------


def _clock(state: ViewState) -> str:
    left_s = state.rest_left_s
    if left_s is not None:
        return clock_words(left_s)
    return clock_words(-(state.rest_s or 0.0)).removeprefix("+") if state.screen is Screen.REST else ""


def _clock_of(state: ViewState) -> str:
    left_s = state.rest_left_s
    if left_s is not None and left_s <= 0.0:
        return tr("Ready when you are")
    return tr("left of {clock}", clock=clock_words(state.rest_planned_s or 0.0))


def _then(state: ViewState) -> str:
    if state.stopped is not None:
        return tr("stopped for today")
    if state.plan is None:
        return tr("then set {number}", number=state.current_set)
    sets = state.plan.sets
    if state.current_set > sets:
        return tr("all {sets} sets done", sets=sets)
    return tr("then set {number} of {sets}", number=state.current_set, sets=sets)


_SLACK = mark("Slack")
_TITLES = {
    SlackAction.CHECK: mark("Check"),
    SlackAction.ASK: mark("Question"),
    SlackAction.CHANGE_BAND: mark("Band"),
    SlackAction.NONE: mark("No verdict"),
}
_ANSWERS = {
    SlackAction.CHECK: (mark("I checked it"), ""),
    SlackAction.ASK: (mark("On purpose"), mark("Too strong")),
}


def advice_words(advice: Advice, state: ViewState) -> AdviceWords:
    """Return an advice in the parts that a view sets apart."""
    reason = advice_reason(advice)
    side = "" if advice.side is None else f", {side_name(advice.side)}"
    if not advice.amount_cm:
        title = tr(_TITLES.get(advice.action, _SLACK))
        yes, no = map(tr, _ANSWERS.get(advice.action, ("", "")))
        return AdviceWords(f"{title}{side}", "", advice_instruction(advice), reason, yes=yes, no=no)
    add = advice.action is SlackAction.ADD
    return AdviceWords(
        title=f"{tr(_SLACK)}{side}",
        amount=f"{advice.amount_cm} cm",
        what=said(advice.instruction),
        why=reason,
        more=_more(advice, state),
        picture=f"{'' if advice.kind is None else advice.kind.value}-{'out' if add else 'in'}",
        picture_label=_picture_label(advice),
        yes=_yes(advice, add=add),
        no=tr("Keep as it is"),
    )


def _more(advice: Advice, state: ViewState) -> str:
    fingers = max(1, round(advice.amount_cm / FINGER_CM))
    width = trn("{number} finger width", "{number} finger widths", fingers, number=number_word(fingers))
    low = max(1, round(advice.amount_cm - advice.uncertainty_cm))
    high = round(advice.amount_cm + advice.uncertainty_cm)
    if high > low:
        words = tr("About {width}; {low} to {high} cm is fine.", width=width, low=low, high=high)
    else:
        words = tr("About {width}.", width=width)
    if state.results and advice.basis.mean_peak_n is not None:
        now_n = advice.basis.mean_peak_n
        then = force_words(advice.tension_ratio * now_n)
        words += f" {tr('Expect about {then} instead of {now}.', then=then, now=force_figure(now_n))}"
    return words


def _picture_label(advice: Advice) -> str:
    cm = advice.amount_cm
    if advice.kind is SlackMethodKind.FOOT:
        return tr("{cm} cm under the foot", cm=cm)
    if advice.kind is SlackMethodKind.ANCHOR_DISTANCE:
        return tr("{cm} cm to the anchor", cm=cm)
    return tr("{cm} cm from each hand", cm=cm) if advice.side is None else tr("{cm} cm from your hand", cm=cm)


def _yes(advice: Advice, *, add: bool) -> str:
    if advice.kind is SlackMethodKind.ANCHOR_DISTANCE:
        return tr("I moved closer") if add else tr("I moved away")
    return tr("I let it out") if add else tr("I took it in")


def _stop(state: ViewState) -> AdviceWords | None:
    """Return what stands in place of an advice where a stop rule ended the exercise."""
    if state.stopped is None:
        return None
    asks = state.advice is not None and state.advice.action is SlackAction.CHECK
    yes, no = map(tr, _ANSWERS[SlackAction.CHECK]) if asks else ("", "")
    why = stopped_words(state.stopped).removeprefix("STOP - ")
    return AdviceWords(tr("Stop"), "", tr("Stop this exercise for today."), why, yes=yes, no=no)


def _no_advice(state: ViewState) -> AdviceWords | None:
    """Return what stands in place of an advice that there is not, or that was answered."""
    if not state.sets:
        return None
    if state.answered is not None:
        return AdviceWords(tr(_SLACK), "", answer_words(state.answered), "")
    reps = tr("You did {reps}.", reps=reps_words(len(state.sets[-1].peaks)))
    return AdviceWords(tr(_SLACK), "", tr("Keep the band as it is."), reps)


def _title(state: ViewState) -> str:
    if state.finished is None:
        return ""
    plan = state.plan
    sets = len({done.number for done in state.sets})
    if plan is not None and sets >= plan.sets:
        return tr("All {number} sets done", number=number_word(sets))
    return tr("{sets} done", sets=sets_words(sets)) if sets else tr("Nothing was counted")


# -- for a screen reader -----------------------------------------------------------------------------------


def _announce(state: ViewState) -> str:
    if state.in_set and state.reps:
        plan = state.plan
        count = f"{state.reps}"
        if plan is not None:
            count = tr("{reps} of {number}", reps=state.reps, number=plan.reps)
        standing = [peak for peak in state.peaks if peak.retracted_s is None]
        if not standing:
            return count
        zone = {"within": tr("in zone"), "below": tr("below the zone"), "above": tr("above the zone")}
        last = standing[-1]
        peak = f"{force_figure(last.peak_n)} {unit_name()}"
        return ", ".join(filter(None, (count, peak, zone.get(last.zone or "", ""))))
    if state.notice:
        return state.notice
    return ""


def _alert(state: ViewState) -> str:
    if state.problem is not None:
        return tr("Not saved: {problem}", problem=said(state.problem))
    if state.screen is Screen.LOST:
        if state.trace:
            return tr("Sensor lost, pause.")
        return tr("Looking for the sensor. Press its button.")
    return tr("Ease off. The band is at its limit.") if state.screen is Screen.LIMIT else ""
