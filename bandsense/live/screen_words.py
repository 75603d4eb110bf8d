"""The words of each screen, for every view: what stands large, what small, and what is read aloud.

Second person, present tense, one idea a sentence. What happened comes first, then why, then what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from bandsense.exercises.model import Breath, SlackMethodKind
from bandsense.live.formatting import (
    advice_instruction,
    advice_reason,
    answer_words,
    number_word,
    plural,
    rating_question,
    stopped_words,
)
from bandsense.live.state import Done, Screen, ViewState
from bandsense.live.units import force_figure, force_range, force_words, shown_unit
from bandsense.signal.events import Phase
from bandsense.workout.advice import Advice, SlackAction
from bandsense.workout.tempo import hand_tempo

__all__ = ["AdviceWords", "FieldWords", "ScreenWords", "clock_words", "done_words", "screen_words"]

FINGER_CM = 2.0
"""Width of a finger, a convention by which an amount is told as well."""


@dataclass(frozen=True, slots=True)
class FieldWords:
    """The one word to act on, with a glyph beside it, a line above and a sentence below.

    `glyph` is one of `up`, `bar`, `down`, `pause`, `warn`, `nolink`, `left`, `right`.
    """

    word: str
    glyph: str
    above: str = ""
    below: str = ""


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
class ScreenWords:
    """What a view says.

    Attributes:
        heading: which set, beside the exercise.
        target: beside the count of repetitions, and `most` below it.
        verdict: how the peak stands to the zone; `verdict_kind` is `in`, `below`, `above`, `zero` or empty.
        clock: what is left of the rest, and `clock_of`, `clock_then` below it.
        question: what the person is asked to score, 0 to 10.
        announce: for a screen reader, when it changes; `alert` at once.
    """

    heading: str
    field: FieldWords
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
        target="" if plan is None else f"of {plan.reps}",
        most=_most(state),
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


def clock_words(seconds: float) -> str:
    """Return `1:05` for 65 s; beyond the end, `+0:05`."""
    whole = ceil(seconds) if seconds >= 0.0 else int(seconds)
    minutes, rest = divmod(abs(whole), 60)
    return f"{'+' if whole < 0 else ''}{minutes}:{rest:02}"


def done_words(done: Done) -> str:
    """Return the peak of a finished set with its uncertainty, and its tempo."""
    text = f"{force_figure(done.peak_n)} ± {force_words(max(1.0, done.peak_uncertainty_n))}"
    return text if done.tempo is None else f"{text}, {done.tempo.rsplit('-', 1)[0]} s"


def _heading(state: ViewState) -> str:
    if state.finished is not None:
        return f"Done, {max(1, round(state.finished.duration_s / 60.0))} min"
    if state.screen is Screen.REST:
        return "Rest"
    plan = state.plan
    if plan is None or state.current_set > plan.sets:
        return f"Set {state.current_set}"
    return f"Set {state.current_set} of {plan.sets}"


def _most(state: ViewState) -> str:
    if state.takes_turns:
        return str(state.next_side)
    plan = state.plan
    if plan is None:
        return ""
    if state.in_set and state.reps >= plan.reps_top:
        return "the set is full"
    return f"{plan.reps_top} at most" if plan.reps_top > plan.reps else ""


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
        return FieldWords("Rest", "pause", "", state.notice)
    if screen is Screen.SIDES:
        side = str(state.next_side)
        other = "Left" if side == "right" else "Right"
        return FieldWords(side.capitalize(), side, "", f"{other} is done. Change hands; there is no hurry.")
    if screen is Screen.FINISHED:
        return FieldWords("Finished", "pause")
    return FieldWords("Pull when you like", "pause", "Ready", _notice(state) or _aim(state))


def _notice(state: ViewState) -> str:
    """Return what is to be read at once; else that the exercise was stopped, for as long as it is."""
    return state.notice or ("" if state.stopped is None else stopped_words(state.stopped))


_PHASES = {
    Screen.PULL: ("Pull, breathe", "up"),
    Screen.HOLD: ("At the top", "bar"),
    Screen.RETURN: ("Return, breathe", "down"),
}


def _breath(state: ViewState, screen: Screen) -> str:
    exercise = None if state.settings is None else state.settings.exercise
    if exercise is None:
        return {Screen.PULL: "Pull", Screen.RETURN: "Back"}[screen]
    breathing = exercise.breathing_by_tension
    breath = breathing.concentric if screen is Screen.PULL else breathing.eccentric
    return "Out" if breath is Breath.EXHALE else "In"


def _phase(state: ViewState, screen: Screen) -> FieldWords:
    above, glyph = _PHASES[screen]
    below = state.notice
    if screen is Screen.HOLD:
        return FieldWords("Hold", glyph, state.word or above, below)
    return FieldWords(_breath(state, screen), glyph, state.word or above, below)


def _valley(state: ViewState) -> FieldWords:
    if state.breath:
        return FieldWords(_breath(state, Screen.PULL), "up", "Next, breathe")
    if state.word:
        return FieldWords(state.word, "pause", "", _notice(state))
    below = _notice(state) or _last_rep(state)
    plan = state.plan
    if plan is not None and state.reps >= plan.reps_top:
        return FieldWords("Set done", "pause", "", below)
    if plan is not None and state.reps >= plan.reps:
        return FieldWords("Go on or rest", "pause", "That is the plan", below)
    return FieldWords("Go on", "pause", "", below)


def _last_rep(state: ViewState) -> str:
    rep = state.last_rep
    if rep is None:
        return ""
    hand = hand_tempo(rep)
    seconds = {"concentric_s": hand.concentric_s, "hold_s": hand.hold_s, "eccentric_s": hand.eccentric_s}
    times = "-".join("?" if name in rep.hidden else f"{value:.1f}" for name, value in seconds.items())
    return f"Last: {force_words(rep.peak_n)}, about {times} s"


def _aim(state: ViewState) -> str:
    parts = []
    if state.plan is not None:
        out_first = _breath(state, Screen.PULL) == "Out"
        first, then = ("out", "in") if out_first else ("in", "out")
        parts.append(f"Breathe {first} on the pull, {then} on the return.")
    if state.zone is not None:
        parts.append(f"Aim for {force_range(state.zone.low_n, state.zone.high_n)}.")
    return " ".join(parts)


def _lost(state: ViewState) -> FieldWords:
    seconds = int(state.lost_s or 0.0)
    if not state.trace:
        return FieldWords("Wait", "nolink", "Looking for the sensor", "Press the button on the sensor.")
    safe = (
        f"Your {plural(state.reps, 'rep')} {'is' if state.reps == 1 else 'are'} safe. "
        if state.in_set
        else ""
    )
    return FieldWords(
        "Pause",
        "nolink",
        f"Sensor lost {seconds} s ago, searching",
        f"{safe}Bring this screen nearer or check the sensor’s light; the set goes on by itself.",
    )


def _limit(state: ViewState, advice: Advice) -> FieldWords:
    said = advice_reason(advice)
    return FieldWords("Ease off", "warn", "Band at its limit", f"{said} {advice.instruction}".strip())


# -- the zone ----------------------------------------------------------------------------------------------


def _verdict(state: ViewState) -> tuple[str, str]:
    screen = state.screen
    if screen is Screen.LOST:
        return "no signal", "lost"
    if screen is Screen.READY and abs(state.tension_n) <= max(1.0, 2.0 * state.tension_uncertainty_n):
        return "zero is set", "zero"
    shown = screen is Screen.HOLD or (
        state.phase is Phase.ECCENTRIC and state.now_s < state.phase_since_s + 1.0
    )
    if not shown or state.zone is None or state.peak_n is None:
        return "", ""
    peak_n = state.tension_n if screen is Screen.HOLD else state.peak_n
    kind = state.zone.zone(peak_n).value
    return {"within": ("in zone", "in"), "below": ("below", "below"), "above": ("above", "above")}[kind]


# -- the rest ----------------------------------------------------------------------------------------------


def _clock(state: ViewState) -> str:
    left_s = state.rest_left_s
    if left_s is not None:
        return clock_words(left_s)
    return clock_words(-(state.rest_s or 0.0)).removeprefix("+") if state.screen is Screen.REST else ""


def _clock_of(state: ViewState) -> str:
    left_s = state.rest_left_s
    if left_s is not None and left_s <= 0.0:
        return "Ready when you are"
    return f"left of {clock_words(state.rest_planned_s or 0.0)}"


def _then(state: ViewState) -> str:
    if state.stopped is not None:
        return "stopped for today"
    if state.plan is None:
        return f"then set {state.current_set}"
    sets = state.plan.sets
    if state.current_set > sets:
        return f"all {sets} sets done"
    return f"then set {state.current_set} of {sets}"


_TITLES = {
    SlackAction.CHECK: "Check",
    SlackAction.ASK: "Question",
    SlackAction.CHANGE_BAND: "Band",
    SlackAction.NONE: "No verdict",
}
_ANSWERS = {SlackAction.CHECK: ("I checked it", ""), SlackAction.ASK: ("It was meant", "Too strong")}


def advice_words(advice: Advice, state: ViewState) -> AdviceWords:
    """Return an advice in the parts that a view sets apart."""
    reason = advice_reason(advice)
    side = "" if advice.side is None else f", {advice.side} side"
    if not advice.amount_cm:
        title = _TITLES.get(advice.action, "Slack")
        yes, no = _ANSWERS.get(advice.action, ("", ""))
        return AdviceWords(f"{title}{side}", "", advice_instruction(advice), reason, yes=yes, no=no)
    add = advice.action is SlackAction.ADD
    return AdviceWords(
        title=f"Slack{side}",
        amount=f"{advice.amount_cm} cm",
        what=advice.instruction,
        why=reason,
        more=_more(advice, state),
        picture=f"{'' if advice.kind is None else advice.kind.value}-{'out' if add else 'in'}",
        picture_label=_picture_label(advice),
        yes=_yes(advice, add=add),
        no="Keep as it is",
    )


def _more(advice: Advice, state: ViewState) -> str:
    fingers = max(1, round(advice.amount_cm / FINGER_CM))
    width = "finger width" if fingers == 1 else "finger widths"
    low = max(1, round(advice.amount_cm - advice.uncertainty_cm))
    high = round(advice.amount_cm + advice.uncertainty_cm)
    said = f"About {number_word(fingers)} {width}"
    said += f"; {low} to {high} cm is fine." if high > low else "."
    if state.results and advice.basis.mean_peak_n is not None:
        now_n = advice.basis.mean_peak_n
        said += f" Expect about {force_words(advice.tension_ratio * now_n)} instead of {force_figure(now_n)}."
    return said


def _picture_label(advice: Advice) -> str:
    hand = "from each hand" if advice.side is None else "from your hand"
    where = {SlackMethodKind.GRIP: hand, SlackMethodKind.FOOT: "under the foot"}
    kind = SlackMethodKind.GRIP if advice.kind is None else advice.kind
    return f"{advice.amount_cm} cm {where.get(kind, 'to the anchor')}"


def _yes(advice: Advice, *, add: bool) -> str:
    if advice.kind is SlackMethodKind.ANCHOR_DISTANCE:
        return "I moved closer" if add else "I moved away"
    return "I let it out" if add else "I took it in"


def _stop(state: ViewState) -> AdviceWords | None:
    """Return what stands in place of an advice where a stop rule ended the exercise."""
    if state.stopped is None:
        return None
    asks = state.advice is not None and state.advice.action is SlackAction.CHECK
    yes, no = _ANSWERS[SlackAction.CHECK] if asks else ("", "")
    why = stopped_words(state.stopped).removeprefix("STOP - ")
    return AdviceWords("Stop", "", "Stop this exercise for today.", why, yes=yes, no=no)


def _no_advice(state: ViewState) -> AdviceWords | None:
    """Return what stands in place of an advice that there is not, or that was answered."""
    if not state.sets:
        return None
    if state.answered is not None:
        return AdviceWords("Slack", "", answer_words(state.answered), "")
    done = state.sets[-1]
    return AdviceWords("Slack", "", "Keep the band as it is.", f"You did {plural(len(done.peaks), 'rep')}.")


def _title(state: ViewState) -> str:
    if state.finished is None:
        return ""
    plan = state.plan
    sets = len({done.number for done in state.sets})
    if plan is not None and sets >= plan.sets:
        return f"All {number_word(sets)} sets done"
    return f"{plural(sets, 'set')} done" if sets else "Nothing was counted"


# -- for a screen reader -----------------------------------------------------------------------------------


def _announce(state: ViewState) -> str:
    if state.in_set and state.reps:
        plan = state.plan
        of = "" if plan is None else f" of {plan.reps}"
        standing = [peak for peak in state.peaks if peak.retracted_s is None]
        if not standing:
            return f"{state.reps}{of}"
        zone = {"within": ", in zone", "below": ", below the zone", "above": ", above the zone"}
        last = standing[-1]
        peak = f"{force_figure(last.peak_n)} {shown_unit().plural}"
        return f"{state.reps}{of}, {peak}{zone.get(last.zone or '', '')}"
    if state.notice:
        return state.notice
    return ""


def _alert(state: ViewState) -> str:
    if state.problem is not None:
        return f"Not saved: {state.problem}"
    if state.screen is Screen.LOST:
        return "Sensor lost, pause." if state.trace else "Looking for the sensor. Press its button."
    return "Ease off. The band is at its limit." if state.screen is Screen.LIMIT else ""
