"""The live view in a terminal: numbers to be read at arm's length, a trace, the phase, battery and link."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator, Sequence

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bandsense.live.actions import Actions, hint
from bandsense.live.big_digits import HEIGHT, big
from bandsense.live.formatting import advice_text, rating_question, rep_words, set_words, stopped_words
from bandsense.live.state import TRACE_S, ViewState
from bandsense.live.units import force_figure, force_words, shown_unit
from bandsense.signal.events import Phase

__all__ = ["FRAMES_PER_S", "TerminalView", "render", "trace_lines"]

FRAMES_PER_S = 15.0

_PHASES = {
    Phase.REST: ("rest", "dim"),
    Phase.CONCENTRIC: ("▲ pull", "bold green"),
    Phase.HOLD: ("■ hold", "bold yellow"),
    Phase.ECCENTRIC: ("▼ return", "bold cyan"),
}
_GOOD_LINK = ("streaming", "replay")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEAST_SCALE_N = 20.0
"""The trace's scale does not blow up the noise of a slack band."""

_SCALES = ((3, (118, 36)), (2, (78, 22)), (1, (0, 0)))
"""How large the digits are from which width and height on: as large as leaves four lines to the trace."""

_AIRY_HEIGHT = 18
"""From this height on there is room for lines that are left blank."""

MOST_MARKS = 12
"""So many of the latest repetitions have a dot."""

_BRIDGED_S = 0.2
"""Levels this close are drawn without a hole between them, however wide the terminal is."""


def trace_lines(trace: Sequence[tuple[float, float]], width: int, height: int) -> list[str]:
    """Draw the last seconds as an area of `height` lines, newest at the right, scaled to the peak."""
    if not trace or width < 1 or height < 1:
        return [" " * width] * height
    columns = _columns(trace, width)
    top = max(_LEAST_SCALE_N, *columns)
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


def render(state: ViewState, width: int, height: int) -> RenderableType:
    """Draw one frame of `height` lines for a terminal of that width; what has no room is left out."""
    largest = next(scale for scale, least in _SCALES if width >= least[0] and height >= least[1])
    # Between sets there is more to read, and less to see at a glance.
    scale = max(1, largest - 1) if state.resting else largest
    phase, style = _PHASES[state.phase]
    blank = [Text()] if height >= _AIRY_HEIGHT else []
    footer = [line for line in _footer(state, width - 4) if blank or line.plain]
    footer = footer[: max(0, height - HEIGHT * scale - (5 if state.resting else 4))]
    room = max(1, height - HEIGHT * scale - 3 - 3 * len(blank) - len(footer))
    return Group(
        _header(state),
        *blank,
        _numbers(state, scale, style),
        *blank,
        Align.center(_doing(state, phase, style)),
        _between_sets(state, width - 4, room) if state.resting else _trace(state, width - 4, room, style),
        *blank,
        *footer,
    )


def _trace(state: ViewState, width: int, height: int, style: str) -> Text:
    return Text("\n".join(trace_lines(state.trace, width, height)), style=style.replace("bold ", ""))


def _shown_between_sets(state: ViewState) -> list[str]:
    """List what was advised and what was done, the newest first."""
    advice = [] if state.advice is None or state.stopped is not None else [advice_text(state.advice)]
    return [*advice, *map(set_words, reversed(state.results))]


def _between_sets(state: ViewState, width: int, height: int) -> Text:
    """Lay out the advice and the sets, in exactly `height` lines."""
    lines: list[tuple[str, str]] = []
    for text in _shown_between_sets(state):
        style = "dim" if lines or state.advice is None else "bold"
        lines += [*((line, style) for line in textwrap.wrap(text, width)), ("", "")]
    lines = [*lines, *[("", "")] * height][:height]
    return Text("\n").join(Text(line, style) for line, style in lines)


def _header(state: ViewState) -> Table:
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    status = Text(state.link or "no link", "green" if state.link in _GOOD_LINK else "bold red")
    if state.battery_percent is not None:
        status.append(
            f"   battery {state.battery_percent} %", "default" if state.battery_percent > 10 else "bold red"
        )
    table.add_row(Text(state.title, "bold"), status)
    return table


def _numbers(state: ViewState, scale: int, style: str) -> Table:
    table = Table.grid(expand=True)
    table.add_column(justify="center", ratio=3, no_wrap=True)
    table.add_column(justify="center", ratio=2, no_wrap=True)
    table.add_row(
        Align.center(_digits(force_figure(state.tension_n), scale, style)),
        Align.center(_digits(str(state.reps), scale, "bold")),
    )
    table.add_row(
        Text(f"{shown_unit().plural}, ± {force_figure(state.tension_uncertainty_n, 1)}", "dim"),
        Text(_count_line(state), "dim"),
    )
    return table


def _count_line(state: ViewState) -> str:
    """Say what the number counts and how sure it is, with a dot for each of the last repetitions."""
    words = f"{'rep' if state.reps == 1 else 'reps'} · {state.set_words}"
    if not state.set_number:
        return words
    doubt = state.count_words.partition(", ")[2]
    return " · ".join(filter(None, (words, doubt, state.marks[-MOST_MARKS:])))


def _digits(text: str, scale: int, style: str) -> Text:
    # Left-justified, because centring a text centres each of its lines without the blanks at its end.
    return Text("\n".join(big(text, scale)), style, justify="left")


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _doing(state: ViewState, phase: str, style: str) -> Text:
    """Describe the phase, or the rest between sets, and what to do this moment."""
    if state.doing:
        phase, style = state.doing, "default"
    text = Text(phase, style)
    if state.cue:
        text.append("  ").append(f" {state.cue} ", "bold reverse")
    return text


def _footer(state: ViewState, width: int) -> list[Text]:
    """Describe what matters now in a line or two, then the last repetition: the first line counts most."""
    message, style = next(_messages(state), ("", ""))
    lines = textwrap.wrap(message, width, max_lines=2, placeholder=" …") or [""]
    if state.last_rep is not None and state.peak_n is not None:
        last = _one_line(f"last rep {force_words(state.peak_n)}, {rep_words(state.last_rep)}")
    else:
        last = _one_line("" if state.in_set else "pull when you are ready", "dim")
    return [*(_one_line(line, style) for line in lines), last]


def _messages(state: ViewState) -> Iterator[tuple[str, str]]:
    """List what the person should read, the most urgent first."""
    if state.question:
        yield state.question, "bold reverse"
    if state.problem:
        yield f"not saved: {state.problem}", "bold red"
    if state.link not in _GOOD_LINK and state.link_message:
        yield state.link_message, "bold red"
    if state.stopped is not None:
        yield stopped_words(state.stopped), "bold red"
    if state.notice and not (state.resting and state.notice in _shown_between_sets(state)):
        yield state.notice, "bold"
    if state.asks is not None and state.resting:
        yield rating_question(state.asks, keys=True), "bold"
    if state.advice is not None and not (state.in_set or state.resting):
        yield advice_text(state.advice), "bold"


def render_beside(states: Sequence[ViewState], width: int, height: int) -> RenderableType:
    """Draw one frame with the sensors' views side by side; one sensor has all the room."""
    if len(states) == 1:
        return render(states[0], width, height)
    each = (width - 2) // len(states)
    beside = Table.grid(expand=True, padding=(0, 1))
    for _ in states:
        beside.add_column(width=each, no_wrap=True)
    beside.add_row(*(render(state, each, height) for state in states))
    return beside


class TerminalView:
    """Draws the states on a terminal until it is closed; frames in between are left out."""

    def __init__(
        self, states: Sequence[ViewState], console: Console, *, actions: Actions | None = None
    ) -> None:
        self._states = tuple(states)
        self._console = console
        self._actions = actions

    async def run(self) -> None:
        """Draw until cancelled."""
        with Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(self.frame(), refresh=True)
                await asyncio.sleep(1.0 / FRAMES_PER_S)

    def _hint(self, width: int) -> str:
        """Return what can be asked for at this moment."""
        if self._actions is None:
            return "Ctrl-C ends the session"
        wanted = dict.fromkeys(key for state in self._states for key in state.offered)
        if any(state.resting for state in self._states):
            wanted["w"] = None
        offered = (key for key in wanted if key in self._actions)
        return hint({key: self._actions[key] for key in offered}, width)

    def frame(self) -> RenderableType:
        """Return what is drawn now."""
        width, height = self._console.size
        return Panel(
            render_beside(self._states, width, height - 2),
            title="bandsense",
            title_align="left",
            subtitle=self._hint(width - 6),
            subtitle_align="right",
            height=height,
        )
