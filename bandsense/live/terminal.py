"""The live view in a terminal: numbers to be read at arm's length, a trace, the phase, battery and link."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bandsense.live.digits import HEIGHT, big
from bandsense.live.state import TRACE_S, ViewState
from bandsense.live.words import rep_words
from bandsense.signal.events import Phase

__all__ = ["FRAMES_PER_S", "TerminalView", "render", "trace_lines"]

FRAMES_PER_S = 15.0

_PHASES = {
    Phase.REST: ("rest", "dim"),
    Phase.PULL: ("▲ pull", "bold green"),
    Phase.HOLD: ("■ hold", "bold yellow"),
    Phase.RETURN: ("▼ return", "bold cyan"),
}
_GOOD_LINK = ("streaming", "replay")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEAST_SCALE_N = 20.0
"""The trace's scale does not blow up the noise of a slack band."""

_BRIDGED_S = 0.2
"""Levels this close are drawn without a hole between them, however wide the terminal is."""


def trace_lines(trace: Sequence[tuple[float, float]], width: int, height: int) -> list[str]:
    """The last seconds as an area of `height` lines, newest at the right, scaled to its greatest tension."""
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
    """The greatest tension in each of `width` equal pieces of the last `TRACE_S` seconds; 0 where is none.

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
    """One frame for a terminal of that size."""
    scale = 2 if width >= 110 and height >= 34 else 1
    phase, style = _PHASES[state.phase]
    trace_height = max(2, height - HEIGHT * scale - 8)
    return Group(
        _header(state),
        Text(),
        _numbers(state, scale, style),
        Text(),
        Align.center(_doing(state, phase, style)),
        Text("\n".join(trace_lines(state.trace, width - 4, trace_height)), style=style.replace("bold ", "")),
        Text(),
        *_footer(state),
    )


def _header(state: ViewState) -> Table:
    table = Table.grid(expand=True)
    table.add_column()
    table.add_column(justify="right")
    status = Text(state.link or "no link", "green" if state.link in _GOOD_LINK else "bold red")
    if state.battery_percent is not None:
        status.append(
            f"   battery {state.battery_percent} %", "default" if state.battery_percent > 10 else "bold red"
        )
    table.add_row(Text(state.title, "bold"), status)
    return table


def _numbers(state: ViewState, scale: int, style: str) -> Table:
    table = Table.grid(expand=True)
    table.add_column(justify="center", ratio=3)
    table.add_column(justify="center", ratio=2)
    table.add_row(
        Align.center(_digits(f"{state.tension_n:.0f}", scale, style)),
        Align.center(_digits(str(state.reps), scale, "bold")),
    )
    set_name = f"set {state.set_number}" if state.set_number else "before the first set"
    table.add_row(
        Text(f"newtons, ± {state.tension_u_n:.1f}", "dim"),
        Text(f"{'rep' if state.reps == 1 else 'reps'} · {set_name}", "dim"),
    )
    return table


def _digits(text: str, scale: int, style: str) -> Text:
    # Left-justified, because centring a text centres each of its lines without the blanks at its end.
    return Text("\n".join(big(text, scale)), style, justify="left")


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _doing(state: ViewState, phase: str, style: str) -> Text:
    """The phase, or the rest between sets, and what to do this moment."""
    if state.rest_s is not None and state.phase is Phase.REST:
        minutes, seconds = divmod(int(state.rest_s), 60)
        phase, style = f"resting {minutes}:{seconds:02}", "default"
    text = Text(phase, style)
    if state.cue:
        text.append(f"   {state.cue}", "bold reverse")
    return text


def _footer(state: ViewState) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if state.last_rep is not None and state.peak_n is not None:
        lines.append(_one_line(f"last rep {state.peak_n:.0f} N, {rep_words(state.last_rep)}"))
    else:
        lines.append(_one_line("pull when you are ready", "dim"))
    if state.problem:
        lines.append(_one_line(f"not saved: {state.problem}", "bold red"))
    elif state.notice:
        lines.append(_one_line(state.notice, "bold"))
    elif state.advice is not None and not state.in_set:
        lines.append(_one_line(state.advice.text, "bold"))
    elif state.link not in _GOOD_LINK and state.link_message:
        lines.append(_one_line(state.link_message, "bold"))
    else:
        lines.append(Text())
    return lines


class TerminalView:
    """Draws the state on a terminal until it is closed; frames in between are left out."""

    def __init__(self, state: ViewState, console: Console, *, hint: str = "") -> None:
        self._state = state
        self._console = console
        self._hint = hint

    async def run(self) -> None:
        """Draw until cancelled."""
        with Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(self._frame(), refresh=True)
                await asyncio.sleep(1.0 / FRAMES_PER_S)

    def _frame(self) -> RenderableType:
        width, height = self._console.size
        return Panel(
            render(self._state, width, height - 2),
            title="bandsense",
            title_align="left",
            subtitle=self._hint,
            subtitle_align="right",
            height=height,
        )
