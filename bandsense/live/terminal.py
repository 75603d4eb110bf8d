"""The live view in a terminal: what the page shows, in the same order, with the same words.

Every frame is a list of parts in the order in which they stand, each with how much it matters. What has no
room goes by that: the trace first, then pacer, strip and bar, and never the field that says how to breathe,
the numbers, or the line that says what is wrong.
"""

from __future__ import annotations

import asyncio
import math
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bandsense.exercises.model import Breath, Tempo
from bandsense.language import mark, number, said, tr, trn
from bandsense.live.actions import Actions, hint, listed
from bandsense.live.big_digits import big
from bandsense.live.formatting import (
    LOW_BATTERY_PERCENT,
    action_words,
    advice_instruction,
    advice_reason,
    advice_text,
    counts_words,
    cue_words,
    doubt_words,
    peak_words,
    rating_keys,
    rating_question,
    rep_mark,
    rep_words,
    set_words,
    side_word,
    stopped_words,
    tempo_figures,
)
from bandsense.live.screen_words import clock_words
from bandsense.live.session_title import SessionTitle
from bandsense.live.state import GOOD_LINK, TRACE_S, Done, Peak, Screen, ViewState
from bandsense.live.units import decimals_for, force_figure, force_range, force_words, shown_unit
from bandsense.signal.events import Phase
from bandsense.workout.cues import CueKind
from bandsense.workout.plan import TensionZone, hand_clock_s, measured_tempo

__all__ = ["FRAMES_PER_S", "TerminalView", "framed", "render", "trace_lines"]

FRAMES_PER_S = 15.0

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉█"
_LEAST_SCALE_N = 20.0
"""The trace's scale does not blow up the noise of a slack band."""

_HEADROOM = 1.09
"""Bar and trace end so much above the zone, or above the strongest pull."""

_SCALES = ((3, (118, 36)), (2, (78, 22)), (1, (0, 0)))
"""How large the digits are from which width and height on: as large as leaves four lines to the trace."""

_BRIDGED_S = 0.2
"""Levels this close are drawn without a hole between them, however wide the terminal is."""

_MOST_SLOTS = 16
_PACED = 50
"""From this many columns on there is room for the pacer."""

_NARROW = 36
"""Below this many columns there is room for one number at a time."""

_FIELDS = {
    Screen.PULL: "bold reverse yellow",
    Screen.RETURN: "bold reverse cyan",
    Screen.HOLD: "bold reverse",
    Screen.LIMIT: "bold reverse bright_yellow",
    Screen.LOST: "bold reverse",
}
"""The one field of colour. All of them are reversed, so that they stand out without colours too."""

_PHASES = {
    Screen.PULL: ("▲", mark("pull"), Phase.CONCENTRIC),
    Screen.HOLD: ("▬", mark("hold"), Phase.HOLD),
    Screen.RETURN: ("▼", mark("return"), Phase.ECCENTRIC),
}
_ZONES = {"below": mark("▼ below"), "within": mark("✓ in the zone"), "above": mark("▲ above")}


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines of a frame that are shown together or not at all.

    Attributes:
        lines: each at most as wide as the frame.
        rank: what goes first where there is no room: the highest.
    """

    lines: list[Text]
    rank: int


# -- the trace ---------------------------------------------------------------------------------------------


def trace_lines(
    trace: Sequence[tuple[float, float]], width: int, height: int, top_n: float | None = None
) -> list[str]:
    """Draw the last seconds as an area of `height` lines, newest at the right.

    Args:
        trace: times and tensions.
        width, height: in characters.
        top_n: tension at the upper edge; None for the peak.
    """
    if not trace or width < 1 or height < 1:
        return [" " * width] * height
    columns = _columns(trace, width)
    top = max(_LEAST_SCALE_N, *columns) if top_n is None else top_n
    eighths = [round(max(0.0, level) / top * 8 * height) for level in columns]
    return [
        "".join(_EIGHTHS[min(8, max(0, filled - 8 * row))] for filled in eighths)
        for row in range(height - 1, -1, -1)
    ]


def _columns(trace: Sequence[tuple[float, float]], width: int) -> list[float]:
    """Return the greatest tension in each of `width` equal pieces of the last `TRACE_S` seconds, or 0.

    Pieces lie on a grid of device time that does not move with the newest sample, so that the picture slides
    instead of wobbling.
    """
    column_s = TRACE_S / width
    newest = int(trace[-1][0] / column_s)
    columns = [0.0] * width
    before = -1
    for time_s, tension_n in trace:
        column = width - 1 - newest + int(time_s / column_s)
        if column < 0:
            continue
        columns[column] = max(columns[column], tension_n)
        if 0 <= before < column <= before + _BRIDGED_S / column_s:
            columns[before + 1 : column] = [tension_n] * (column - before - 1)
        before = column
    return columns


def _top_n(state: ViewState) -> float:
    """Choose the upper edge of bar and trace: above the zone, and above what was pulled."""
    zone = state.zone
    highest = max((tension_n for _, tension_n in state.trace), default=0.0)
    highest = max(highest, *(peak.peak_n for peak in state.peaks), 0.0) if state.peaks else highest
    return _HEADROOM * max(zone.high_n if zone else 0.0, highest, _LEAST_SCALE_N / _HEADROOM)


_AXIS = 5
"""Columns left of the trace, for the numbers of the zone."""


def _trace(state: ViewState, width: int, height: int) -> list[Text]:
    """Draw the trace with the lines of the zone and the number of each repetition above its peak."""
    room, top_n = width - _AXIS, _top_n(state)
    rows = [list(line) for line in trace_lines(state.trace, room, height, top_n)]
    marks = _zone_rows(state.zone, top_n, height)
    for row in marks:
        rows[row] = ["┄" if cell == " " else cell for cell in rows[row]]
    if state.trace:
        _number(rows, state, room, top_n)
    lines = []
    for index, cells in enumerate(rows):
        line = Text.assemble((f"{marks.get(index, ''):>{_AXIS - 1}} ", "green"))
        for cell in cells:
            line.append(cell, "green" if cell == "┄" else "bold" if cell.isdigit() else "")
        lines.append(line)
    return lines


def _zone_rows(zone: TensionZone | None, top_n: float, height: int) -> dict[int, str]:
    """Find the rows in which the zone ends, each with its number."""
    if zone is None:
        return {}
    rows: dict[int, str] = {}
    for level_n in (zone.low_n, zone.high_n):
        row = height - 1 - min(height - 1, int(level_n / top_n * height))
        rows.setdefault(row, force_figure(level_n))
    return rows


def _number(rows: list[list[str]], state: ViewState, width: int, top_n: float) -> None:
    """Write the number of each repetition above its peak, where there is nothing yet."""
    newest_s = state.trace[-1][0]
    standing = [peak for peak in state.peaks if peak.retracted_s is None]
    for count, peak in enumerate(standing, 1):
        column = width - 1 - round((newest_s - peak.time_s) / TRACE_S * width)
        row = len(rows) - 2 - min(len(rows) - 2, int(peak.peak_n / top_n * len(rows)))
        for offset, digit in enumerate(str(count)):
            at = column + offset
            if 0 <= at < width and row >= 0 and rows[row][at] in " ┄":
                rows[row][at] = digit


# -- the parts of a set --------------------------------------------------------------------------------------


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _centred(text: str, width: int, style: str = "") -> Text:
    return Text(_fitted(text, width).center(width), style, no_wrap=True)


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _numbers(state: ViewState, width: int, scale: int) -> list[Text]:
    """Draw tension and repetitions with what belongs to them; one of them where there is no room for both."""
    # Nothing has come yet, or nothing comes any more.
    unknown = state.screen is Screen.LOST or not state.tension_uncertainty_n
    tension = "–––" if unknown else force_figure(state.tension_n)
    reps = str(state.reps if state.in_set or not state.results else 0)
    least_n = shown_unit().newtons * 10.0 ** -decimals_for(0)  # of the figures that stand before it
    uncertainty = f"± {force_figure(max(least_n, state.tension_uncertainty_n))}"
    beside = [shown_unit().value, "" if unknown else uncertainty]
    if width < _NARROW:
        return _beside(big(tension, scale), beside, width)
    half = width // 2
    left = _beside(big(tension, scale), beside, half + 2)
    right = _beside(big(reps, scale), _of_plan(state), width - half - 2)
    return [Text.assemble(a, b) for a, b in zip(left, right, strict=True)]


def _of_plan(state: ViewState) -> list[str]:
    """Say what the repetitions count towards."""
    plan = state.plan
    if plan is None:
        return [trn("rep", "reps", state.reps)]
    words = [tr("of {number}", number=plan.reps)]
    if plan.reps_top != plan.reps:
        words.append(tr("{number} at most", number=plan.reps_top))
    return words


def _beside(digits: list[str], words: Sequence[str], width: int) -> list[Text]:
    """Put words right of a number, from its middle on."""
    first = (len(digits) - len(words)) // 2
    lines = []
    for index, row in enumerate(digits):
        line = Text(f"  {row}", "bold", no_wrap=True)
        at = index - first
        if 0 <= at < len(words) and line.cell_len + 2 + len(words[at]) <= width:
            line.append(f"  {words[at]}", "not bold")
        line.truncate(width)
        line.pad_right(width - line.cell_len)
        lines.append(line)
    return lines


def _breath(state: ViewState, phase: Phase) -> str:
    """Say how to breathe in a phase, as the field has it."""
    if phase is Phase.HOLD:
        return tr("HOLD")
    if state.settings is None or state.settings.exercise is None:
        return tr("PULL") if phase is Phase.CONCENTRIC else tr("RETURN")
    breathing = state.settings.exercise.breathing_by_tension
    breath = breathing.concentric if phase is Phase.CONCENTRIC else breathing.eccentric
    return tr("OUT") if breath is Breath.EXHALE else tr("IN")


def _field_words(state: ViewState) -> tuple[str, str]:
    """Say what the field says, and what stands small beside it."""
    screen = state.screen
    if screen in _PHASES:
        glyph, name, phase = _PHASES[screen]
        return f"{glyph} {_breath(state, phase)}", _clock(state, tr(name), phase)
    if screen is Screen.LOST:
        seconds = round(state.lost_s or 0.0)
        if state.in_set:
            return tr("PAUSE"), trn(
                "sensor lost {seconds} s ago; your {n} rep is safe",
                "sensor lost {seconds} s ago; your {n} reps are safe",
                state.reps,
                seconds=seconds,
            )
        return tr("PAUSE"), tr("sensor lost {seconds} s ago; your sets are safe", seconds=seconds)
    if screen is Screen.LIMIT:
        return f"⚠ {tr('EASE OFF')}", tr("the band is at its limit")
    if screen is Screen.READY:
        if state.tried:
            return tr("Go on"), tr("The first repetition is counted once it is certain.")
        return tr("Pull when you like"), ""
    if screen is Screen.SIDES:
        arrow = "←" if state.next_side == "left" else "→"
        return f"{arrow} {side_word(state.next_side or '').upper()}", tr("change hands; there is no hurry")
    cue = state.shown_cue
    if cue is not None and cue.ahead:
        return cue_words(cue), ""
    return "‖", ""


def _clock(state: ViewState, name: str, phase: Phase) -> str:
    """Say how long the phase has lasted, of how long it should; a word of correction goes before it."""
    if state.word and state.cues and (cue := state.shown_cue) is not None and cue.kind is not CueKind.TARGET:
        return state.word
    if untold := state.untold_phase(phase):
        return f"{name} – ({untold})"
    since_s = max(0.0, state.now_s - state.phase_since_s)
    if state.plan is None:
        return tr("{phase} {since:.1f} s", phase=name, since=since_s)
    target_s = _phases_s(state.plan.tempo)[phase]
    hand_s = hand_clock_s(since_s, _phases_s(measured_tempo(state.plan.tempo))[phase], target_s)
    if hand_s > target_s + 0.05:
        beyond = hand_s - target_s
        return tr("{phase} {target:.1f} s +{beyond:.1f}", phase=name, target=target_s, beyond=beyond)
    return tr("{phase} {since:.1f} of {target:.1f} s", phase=name, since=hand_s, target=target_s)


def _phases_s(tempo: Tempo) -> dict[Phase, float]:
    """Return how long each phase of a repetition lasts."""
    return {
        Phase.CONCENTRIC: tempo.concentric_s,
        Phase.HOLD: tempo.hold_s,
        Phase.ECCENTRIC: tempo.eccentric_s,
    }


def _field(state: ViewState, width: int, height: int) -> list[Text]:
    """Draw the field: the word, seen from the corner of the eye, and the time of the phase beside it."""
    word, beside = _field_words(state)
    style = _FIELDS.get(state.screen, "bold")
    text = f"{word}   {beside}" if beside and len(word) + len(beside) + 7 <= width else word
    lines = [Text(" " * width, style) for _ in range(height)]
    lines[height // 2] = _centred(text, width, style)
    if height >= 3 and beside and text == word:
        lines[height // 2 + 1] = _centred(beside, width, style.replace("bold ", ""))
    return lines


def _bar(state: ViewState, width: int) -> Text:
    """Draw the tension as a bar against the bracket of the zone."""
    zone = state.zone
    words = "" if zone is None else f" {force_range(zone.low_n, zone.high_n)}"
    room = max(4, width - len(words))
    top_n = _top_n(state)
    filled = 0.0 if state.screen is Screen.LOST else min(1.0, max(0.0, state.tension_n / top_n)) * room
    part = _PARTS[int(8 * (filled % 1.0))].strip()
    cells = ["█"] * int(filled) + ([part] if part and filled < room else [])
    cells += ["░"] * (room - len(cells))
    styles = [""] * room
    if zone is not None:
        low, high = (min(room - 1, int(level / top_n * room)) for level in (zone.low_n, zone.high_n))
        styles[low : high + 1] = ["green"] * (high + 1 - low)
        cells[low], cells[high] = "[", "]"
    line = Text(no_wrap=True)
    for cell, style in zip(cells[:room], styles, strict=True):
        line.append(cell, style or ("dim" if cell == "░" else ""))
    line.append(words, "green")
    return line


def _pacer(state: ViewState, width: int) -> Text | None:
    """Draw how far each phase of the tempo has gone; None without a tempo, or between repetitions."""
    if state.plan is None or state.screen not in _PHASES or width < _PACED:
        return None
    targets, measured = _phases_s(state.plan.tempo), _phases_s(measured_tempo(state.plan.tempo))
    room = width - sum(len(f" {tr(name)} 0.0 ") for _, name, _ in _PHASES.values())
    whole_s = sum(targets.values())
    order = [phase for _, _, phase in _PHASES.values()]
    line = Text(no_wrap=True)
    for _, name, phase in _PHASES.values():
        cells = max(2, int(room * targets[phase] / whole_s))
        share = _share(state, phase, measured[phase], order)
        done = min(cells, round(share * cells))
        line.append(
            f" {tr(name)} {number(targets[phase], '.1f')} ",
            "bold" if phase is _PHASES[state.screen][2] else "dim",
        )
        colour = _FIELDS[_SCREENS[phase]].replace("bold reverse", "").strip()
        line.append("█" * done, "" if state.untold_phase(phase) else colour)
        line.append("░" * (cells - done), "dim")
    line.truncate(width)
    return line


_SCREENS = {phase: screen for screen, (_, _, phase) in _PHASES.items()}


def _share(state: ViewState, phase: Phase, target_s: float, order: Sequence[Phase]) -> float:
    present = _PHASES[state.screen][2]
    if phase is present:
        return min(1.0, max(0.0, state.now_s - state.phase_since_s) / target_s) if target_s else 1.0
    return 1.0 if order.index(phase) < order.index(present) else 0.0


def _strip(peaks: Sequence[Peak], state: ViewState) -> Text:
    """Draw the peaks of a set: a bar each, hatched if partial, hollow if doubtful, dim below the zone."""
    standing = [peak for peak in peaks if peak.retracted_s is None]
    zone = state.zone
    best_n = max((peak.peak_n for peak in standing), default=1.0)
    low_n, high_n = (0.65 * zone.low_n, 1.13 * zone.high_n) if zone else (0.0, best_n)
    line = Text(no_wrap=True)
    for peak in standing[-_MOST_SLOTS:]:
        level = round(8 * min(1.0, max(0.12, (peak.peak_n - low_n) / (high_n - low_n))))
        if peak.doubtful:
            line.append(rep_mark(peak.probability))
        elif peak.partial:
            line.append("▨")
        elif peak.zone == "below":
            line.append(_EIGHTHS[max(1, level)], "dim")
        else:
            line.append(_EIGHTHS[max(1, level)], "green" if peak.zone == "within" else "")
    plan = state.plan
    if plan is not None:
        left = range(len(standing), min(_MOST_SLOTS, plan.reps_top))
        line.append("".join("─" if index < plan.reps else "·" for index in left), "dim")
    return line


def _verdict(state: ViewState, width: int) -> str:
    """Say where the last pull lay and how long its phases took; what has no room in the line is left out."""
    last = state.last_rep
    if last is None or state.peak_n is None:
        return "" if state.in_set else _that_fit(_aim(state), " ", width)
    zone = [] if state.zone is None else [f"{tr(_ZONES[state.zone.zone(state.peak_n).value])}; "]
    peak = state.peak_words()
    words = "".join([*zone, tr("last rep {peak}, {phases}", peak=peak, phases=rep_words(last))])
    short = "".join([*zone, tr("last rep {peak}", peak=peak)])
    return words if len(words) <= width else _fitted(short, width)


def _that_fit(parts: Sequence[str], between: str, width: int) -> str:
    """Join as many of the first parts as a line has room for."""
    fitting = (between.join(parts[:n]) for n in range(len(parts), 1, -1))
    return next((line for line in fitting if len(line) <= width), _fitted("".join(parts[:1]), width))


def _aim(state: ViewState) -> list[str]:
    """Say what to aim for before the first repetition: the zone, and what was done last time."""
    parts = []
    if state.zone is not None:
        parts.append(tr("Aim for {zone}.", zone=force_range(state.zone.low_n, state.zone.high_n)))
    last = state.side_last
    if last is not None and last.reps:
        many = sum(last.reps)
        reps = trn("{reps} rep", "{reps} reps", many, reps=" + ".join(map(str, last.reps)))
        if last.peak_n is None:
            parts.append(tr("Last time {reps}.", reps=reps))
        else:
            parts.append(tr("Last time {reps}, peak {peak}.", reps=reps, peak=force_words(last.peak_n)))
    return parts


# -- messages ------------------------------------------------------------------------------------------------


def _messages(state: ViewState) -> Iterator[tuple[str, str]]:
    """List what the person should read, the most urgent first."""
    if state.question:
        yield state.question, "bold reverse"
    if state.problem:
        yield tr("not saved: {problem}", problem=said(state.problem)), "bold red"
    if state.link and state.link not in GOOD_LINK and state.link_message:
        yield said(state.link_message), "bold red"
    if state.stopped is not None and not state.resting:
        yield stopped_words(state.stopped), "bold red"
    if state.screen is Screen.LIMIT and state.advice is not None:
        yield advice_text(state.advice), "bold"
    if state.notice and not (state.resting and state.notice in _told_between_sets(state)):
        yield tr("a adds them: {notice}", notice=state.notice) if state.not_counted else state.notice, "bold"
    if state.asks is not None and state.resting:
        yield rating_question(state.asks, keys=True), "bold"
    if state.advice is not None and not state.resting and state.screen is not Screen.LIMIT:
        yield advice_text(state.advice), "bold"


def _told_between_sets(state: ViewState) -> list[str]:
    """List what stands on the screen of a rest anyway."""
    advice = [] if state.advice is None else [advice_text(state.advice)]
    return [*advice, *map(set_words, state.results)]


def _message(state: ViewState, width: int, most: int = 2) -> list[Text]:
    """Write the most urgent message in at most so many lines."""
    message, style = next(_messages(state), ("", ""))
    if (
        len(message) > most * width
        and state.asks is not None
        and message == rating_question(state.asks, keys=True)
    ):
        message = rating_keys(state.asks)
    lines = textwrap.wrap(message, width, max_lines=most, placeholder=" …")
    return [_one_line(line, style) for line in lines]


# -- rest ----------------------------------------------------------------------------------------------------


def _rest_numbers(state: ViewState, width: int, scale: int) -> list[Text]:
    """Draw the time that is left, and what follows."""
    left_s = state.rest_left_s
    rested = clock_words(-(state.rest_s or 0.0))
    if state.stopped is not None:
        clock, words = rested, [tr("since the set"), tr("over for today")]
    elif left_s is None:
        clock, words = rested, [tr("of rest"), _next_set(state)]
    elif left_s <= 0.0:
        clock, words = clock_words(left_s), [f"{tr('Ready when you are')}.", _next_set(state)]
    else:
        of = tr("left of {clock}", clock=clock_words(state.rest_planned_s or 0.0))
        clock, words = clock_words(left_s), [of, tr("then {set}", set=_next_set(state))]
    return _beside(big(clock.removeprefix("+"), scale), words, width)


def _next_set(state: ViewState) -> str:
    if state.plan is None:
        words = tr("set {number}", number=state.current_set)
    else:
        words = tr("set {number} of {sets}", number=state.current_set, sets=state.plan.sets)
    return f"{words}, {side_word(state.next_side)}" if state.takes_turns and state.next_side else words


def _advice_lines(state: ViewState, width: int) -> list[tuple[str, str]]:
    """Write the advice in a box: the amount and what to do first, then why, then the answers."""
    advice = state.advice
    inner = width - 4
    if state.stopped is not None and width >= 12:
        return [(line, "bold red") for line in textwrap.wrap(stopped_words(state.stopped), inner)]
    if advice is None or width < 12:
        return []
    first = f"{action_words(advice)} – {advice_instruction(advice)}"
    lines = [(line, "bold") for line in textwrap.wrap(first, inner)]
    lines += [(line, "") for line in textwrap.wrap(advice_reason(advice), inner)]
    if advice.amount_cm and advice.uncertainty_cm:
        least, most = advice.amount_cm - advice.uncertainty_cm, advice.amount_cm + advice.uncertainty_cm
        change = 100.0 * (advice.tension_ratio - 1.0)
        expected = tr(
            "{least:.0f} to {most:.0f} cm is fine; expect {change:+.0f} %.",
            least=max(0.0, least),
            most=most,
            change=change,
        )
        lines += [(line, "dim") for line in textwrap.wrap(expected, inner)]
    if state.to_answer:
        answers = tr("y done · n not now")
        lines.append((answers, "bold"))
    return lines


def _advice_box(state: ViewState, width: int, height: int) -> list[Text]:
    """Draw the advice in at most `height` lines; without a frame where there are few."""
    lines, inner = _advice_lines(state, width), width - 4
    if not lines or height < 1:
        return []
    if height < len(lines) + 2:
        return [_one_line(line, style) for line, style in _most_needed(lines, state, inner, height)]
    framed = [Text(f"╭{'─' * (width - 2)}╮")]
    for line, style in lines:
        framed.append(Text.assemble("│ ", (f"{line:<{width - 4}}", style), " │"))
    return [*framed, Text(f"╰{'─' * (width - 2)}╯")]


def _most_needed(
    lines: list[tuple[str, str]], state: ViewState, width: int, height: int
) -> list[tuple[str, str]]:
    """Keep what to do, then how to answer, then the reason; a sentence that is cut ends in dots."""
    if len(lines) <= height:
        return lines
    reason = lines[height - 1][1] != "bold"
    answers = lines[-1:] if state.to_answer and reason and state.stopped is None else []
    kept = lines[: height - len(answers)]
    line, style = kept[-1]
    if not line.endswith((".", "!", "?")):
        kept[-1] = f"{_fitted(line, width - 2)} …", style
    return [*kept, *answers]


def _set_line(done: Done, state: ViewState, width: int) -> Text:
    """Write a finished set in a line: number, peaks, what it amounts to."""
    side = f" {side_word(done.side):<{max(len(side_word(each)) for each in _SIDES)}}" if done.side else ""
    line = Text(f"{tr('set {number}', number=done.number)}{side}  ", no_wrap=True, overflow="ellipsis")
    line.append_text(_strip(done.peaks, state))
    words = [
        counts_words(done.counts, doubt_words(len(done.peaks), done.chances)),
        tr("peak {tension}", tension=done.peak),
        "" if done.time_under_tension_s is None else f"{done.time_under_tension_s:.0f} s",
        "" if done.hand is None else f"{tempo_figures(done.hand)} s",
        _slack_change(done),
    ]
    line.append("  " + _that_fit(list(filter(None, words)), " · ", max(1, width - line.cell_len - 2)))
    line.truncate(width, overflow="ellipsis")
    return line


def _slack_change(done: Done) -> str:
    """Say how the slack was changed after a set; empty where it was not."""
    if not done.slack_cm:
        return ""
    if done.slack_cm > 0:
        return tr("then {cm} cm out", cm=done.slack_cm)
    return tr("then {cm} cm in", cm=-done.slack_cm)


_SIDES = ("left", "right")

_ROOMY = 14
"""From this many lines on a message may take two in a rest; below, the advice needs them."""


def _resting(state: ViewState, width: int, height: int, scale: int) -> list[Text]:
    """Draw the rest: time left, advice, sets."""
    lines = [*_rest_numbers(state, width, scale)]
    if state.screen is Screen.SIDES:
        lines = [*_field(state, width, 1), *lines]
    message = _message(state, width, 2 if height >= _ROOMY else 1)
    room = height - len(lines) - len(message)
    sets = [_set_line(done, state, width) for done in reversed(state.sets)]
    advice = _advice_box(state, width, room - min(1, len(sets)))
    spare = room - len(advice)
    blank = [Text()] if spare > len(sets) + 1 else []
    lines += [*blank, *advice, *(blank if len(sets) + len(advice) + 2 * len(blank) <= room else [])]
    return [*lines, *sets[: max(0, height - len(lines) - len(message))], *message]


def _over(state: ViewState, width: int, scale: int) -> list[Text]:
    """Draw the end of the session."""
    done = state.finished
    if done is None:
        return []
    peak = peak_words(done.peak_n, done.peak_uncertainty_n, done.hidden.get("peak_n"))
    counted = ", ".join(filter(None, (trn("repetition", "repetitions", done.reps), done.doubt)))
    lines = _beside(big(str(done.reps), scale), [counted, peak], width)
    words = [said(done.compared or ""), done.next_time and tr("Next time: {what}", what=done.next_time)]
    for text in filter(None, words):
        lines += [_one_line(line) for line in textwrap.wrap(text, width)]
    return [*lines, *(_set_line(each, state, width) for each in state.sets)]


# -- frames --------------------------------------------------------------------------------------------------


def render(state: ViewState, width: int, height: int) -> RenderableType:
    """Draw one frame of `height` lines for a terminal of that width; what has no room is left out."""
    return Group(_header(state, width), *_body(state, width, height - 1))


def _body(state: ViewState, width: int, height: int) -> list[Text]:
    """Draw all but the header, in exactly `height` lines."""
    largest = next(scale for scale, least in _SCALES if width >= least[0] and height >= least[1] - 1)
    # Between sets there is more to read, and less to see at a glance.
    smaller = max(1, largest - 1)
    if state.screen is Screen.FINISHED:
        lines = _over(state, width, smaller)
    elif state.screen in (Screen.REST, Screen.SIDES):
        lines = _resting(state, width, height, smaller)
    else:
        lines = _in_set(state, width, height, largest)
    return [*lines[:height], *[Text()] * (height - len(lines))]


def _in_set(state: ViewState, width: int, height: int, scale: int) -> list[Text]:
    """Draw a set, or the wait for one, in the order of the page."""
    pacer = _pacer(state, width)
    message = _message(state, width)
    tall = 3 if height >= 20 else 1
    parts = [
        _Part(_numbers(state, width, scale), 1),
        _Part(_field(state, width, tall), 0),
        _Part([_bar(state, width)], 4),
        _Part(
            [pacer if pacer is not None else Text()] if width >= _PACED else [], 6 if pacer is not None else 8
        ),
        _Part([_strip_line(state, width)], 5),
        _Part(message, 2),
        _Part([_one_line(_verdict(state, width), "" if state.in_set else "dim")], 3),
    ]
    while sum(len(part.lines) for part in parts) > height and len(parts) > 1:
        parts.remove(max(parts, key=lambda part: part.rank))
    spare = height - sum(len(part.lines) for part in parts)
    at = next((i for i, part in enumerate(parts) if part.rank in (2, 3)), len(parts))
    if spare >= 2:
        parts.insert(at, _Part(_trace(state, width, spare), 9))
    return [line for part in parts for line in part.lines]


def _strip_line(state: ViewState, width: int) -> Text:
    line = Text("  ")
    line.append_text(_strip(state.peaks if state.in_set else [], state))
    doubt = state.count_words.partition(", ")[2] if state.in_set else ""
    if doubt:
        line.append(f"   {doubt}")
    if state.sets and width >= 60:
        before = ", ".join(str(len(done.peaks)) for done in state.sets)
        line.append(f"   {tr('sets before: {counts}', counts=before)}", "dim")
    line.truncate(width, overflow="ellipsis")
    return line


def _header(state: ViewState, width: int) -> Text:
    """Write what is trained at the left, link and battery at the right; the set is never shortened."""
    sets = "" if state.plan is None else f" · {_next_set(state)}"
    side = "" if state.sensor_side is None else f"{tr(state.sensor_side)} · "
    forms = state.title.shorter if isinstance(state.title, SessionTitle) else (state.title,)
    titles = [said(each) for each in forms]
    status = _status(state, wide=width >= _WIDE_HEADER)
    room = width - len(side) - len(sets) - 1
    if state.link in GOOD_LINK and len(titles[-1]) > room - status.cell_len:
        status = _charge(state, wide=False)  # that all is well is the first to go
    room = max(1, room - status.cell_len)
    title = side + next((each for each in titles if len(each) <= room), _fitted(titles[-1], room))
    line = Text(f"{title}{sets}", "bold", no_wrap=True)
    line.pad_right(max(1, width - line.cell_len - status.cell_len))
    line.append_text(status)
    line.truncate(width)
    return line


def _status(state: ViewState, *, wide: bool) -> Text:
    """Write link and battery."""
    link = tr(_LINKS.get(state.link, state.link))
    status = Text(link, "green" if state.link in GOOD_LINK else "bold red")
    if state.battery_percent is not None:
        status.append(" · ").append_text(_charge(state, wide=wide))
    return status


def _charge(state: ViewState, *, wide: bool) -> Text:
    if state.battery_percent is None:
        return Text("")
    words = f"{state.battery_percent} %"
    if wide:
        words = tr("battery {percent} %", percent=state.battery_percent)
    return Text(words, "bold red" if state.battery_percent <= LOW_BATTERY_PERCENT else "default")


_WIDE_HEADER = 50
_LINKS = {
    "": mark("no link"),
    "streaming": mark("linked"),
    "lost": mark("lost"),
    "searching": mark("searching"),
    "connecting": mark("connecting"),
    "replay": mark("replay"),
}


_GUTTER = 2
"""Columns between the views of two sensors."""


def framed(states: Sequence[ViewState], keys: str, width: int, height: int) -> RenderableType:
    """Draw the whole terminal: a frame around the view of one sensor, or of two side by side.

    Args:
        states: one a sensor, in their order from left to right.
        keys: what can be asked for, for the lower edge.
        width, height: of the terminal.
    """
    inner, room = max(1, width - 4), max(1, height - 2)
    if len(states) == 1:
        head, lines = _header(states[0], inner - 2), _body(states[0], inner, room)
    else:
        head, lines = Text("bandsense", "bold"), _side_by_side(states, inner, room)
    top = Text.assemble("╭ ", head, " ", "─" * max(0, width - 4 - head.cell_len), "╮")
    bottom = Text(f"╰{'─' * max(0, width - 4 - len(keys))} {keys} ╯")
    return Group(top, *(_in_frame(line, inner) for line in lines), bottom)


def _in_frame(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width)
    line.pad_right(width - line.cell_len)
    return Text.assemble("│ ", line, " │")


def _side_by_side(states: Sequence[ViewState], width: int, height: int) -> list[Text]:
    """Draw the views of the sensors beside each other, line by line."""
    each = (width - _GUTTER * (len(states) - 1)) // len(states)
    views = [[_header(state, each), *_body(state, each, height - 1)] for state in states]
    lines = []
    for row in zip(*views, strict=True):
        line = Text(no_wrap=True)
        for index, part in enumerate(row):
            piece = part.copy()
            piece.truncate(each)
            piece.pad_right(each - piece.cell_len)
            line.append_text(piece)
            line.append(" " * _GUTTER if index < len(row) - 1 else "")
        lines.append(line)
    return lines


class TerminalView:
    """Draws the states on a terminal until it is closed; frames in between are left out.

    Attributes:
        actions: what the keys do; None where none is heard.
        keys_shown: all keys are shown in place of the states.
    """

    def __init__(
        self, states: Sequence[ViewState], console: Console, *, actions: Actions | None = None
    ) -> None:
        self._states = tuple(states)
        self._console = console
        self.actions = actions
        self.keys_shown = False

    async def run(self) -> None:
        """Draw until cancelled."""
        with Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            drawn_s = -math.inf
            while True:
                # A simulation may run faster than the clock on the wall, by which people see.
                if time.monotonic() - drawn_s > 0.9 / FRAMES_PER_S:
                    live.update(self.frame(), refresh=True)
                    drawn_s = time.monotonic()
                await asyncio.sleep(1.0 / FRAMES_PER_S)

    def _hint(self, width: int) -> str:
        """Return what can be asked for at this moment."""
        if self.actions is None:
            return tr("Ctrl-C ends the session")
        wanted = dict.fromkeys(key for state in self._states for key in state.offered if key != "q")
        if any(state.screen is Screen.REST for state in self._states):
            wanted |= dict.fromkeys("+s")
        if any(state.resting for state in self._states):
            wanted["w"] = None
        wanted |= dict.fromkeys("m?q")
        offered = (key for key in wanted if key in self.actions)
        return hint({key: self.actions[key] for key in offered}, width)

    def frame(self) -> RenderableType:
        """Return what is drawn now."""
        width, height = self._console.size
        if self.keys_shown and self.actions is not None:
            return _keys_frame(self.actions, width, height)
        return framed(self._states, self._hint(width - 6), width, height)


def _keys_frame(actions: Actions, width: int, height: int) -> RenderableType:
    """Return the list of all keys, in as many columns as the height needs."""
    rows = listed(actions)
    room = max(1, height - 2)
    table = Table.grid(padding=(0, 2), expand=False)
    columns = [rows[at : at + room] for at in range(0, len(rows), room)]
    for _ in columns:
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column(no_wrap=True)
    for line in zip_longest(*columns, fillvalue=("", "")):
        table.add_row(*(cell for pair in line for cell in pair))
    return Panel(table, title=tr("Keys"), subtitle=f"? {tr('back')}", width=width, height=height)
