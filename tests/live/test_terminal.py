from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from bandsense.live.digits import HEIGHT, big
from bandsense.live.state import ViewState
from bandsense.live.terminal import TerminalView, render, trace_lines
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.calibration import Calibration
from bandsense.signal.events import Phase, Rep
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout


def shown(state: ViewState, width: int = 80, height: int = 24) -> str:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(render(state, width, height))
    return capture.get()


def a_state() -> ViewState:
    state = ViewState(
        title="Seated row", tension_n=61.4, tension_u_n=3.0, phase=Phase.PULL, set_number=1, reps=4
    )
    state.link, state.battery_percent = "streaming", 87
    state.last_rep, state.peak_n = Rep(4, 1.0, 1.9, 2.2, 3.3, 2.0, 62.0, 3.0, 3.0), 62.0
    return state


def test_all_that_a_person_needs_is_on_the_screen() -> None:
    text = shown(a_state())
    for row in big("61"):
        assert row in text
    for row in big("4"):
        assert row.strip() in text
    for words in ("± 3.0", "pull", "set 1", "87 %", "streaming", "Seated row", "last rep 62 N, pull 0.90"):
        assert words in text


@pytest.mark.parametrize(("width", "height"), [(40, 16), (60, 20), (80, 24), (120, 40), (300, 80)])
def test_a_frame_fits_its_terminal(width: int, height: int) -> None:
    state = a_state()
    state.trace.extend((n / 20.0, float(n % 50)) for n in range(240))
    lines = shown(state, width, height).splitlines()
    assert len(lines) <= max(height, HEIGHT + 10)
    assert max(len(line) for line in lines) <= width


def test_digits_grow_with_the_terminal() -> None:
    assert big("61", 2)[0] in shown(a_state(), 120, 40)
    assert len(big("0", 2)) == 2 * HEIGHT
    assert {len(row) for row in big("-12.5", 3)} == {len(big("-12.5", 3)[0])}


def test_trouble_comes_before_everything_else() -> None:
    state = a_state()
    state.link, state.link_message = "lost", "the sensor is out of range"
    assert "out of range" in shown(state)
    state.problem = "the disk is full"
    assert "not saved: the disk is full" in shown(state)


def test_the_trace_shows_where_tension_was() -> None:
    trace = [(n / 20.0, 60.0 if 120 <= n < 160 else 0.0) for n in range(240)]
    top = trace_lines(trace, 48, 4)[0]
    assert top.strip() == "█" * 8
    assert top.index("█") == 24


def test_the_trace_has_no_holes_on_a_wide_terminal() -> None:
    trace = [(n / 20.0, 30.0) for n in range(241)]
    assert trace_lines(trace, 400, 1)[0].strip() == "█" * len(trace_lines(trace, 400, 1)[0].strip())


def test_a_lost_link_leaves_a_hole_in_the_trace() -> None:
    trace = [(n / 20.0, 30.0) for n in range(240) if not 100 <= n < 140]
    assert "    " in trace_lines(trace, 48, 1)[0].strip()


def test_the_noise_of_a_slack_band_is_not_blown_up() -> None:
    assert trace_lines([(n / 20.0, 0.05) for n in range(100)], 48, 4)[0].strip() == ""


async def test_the_view_draws_until_it_is_cancelled(set_of_three: SampleBlock) -> None:
    out = io.StringIO()
    state = ViewState()
    view = TerminalView(state, Console(file=out, force_terminal=True, width=80, height=24), hint="q ends")
    task = asyncio.create_task(view.run())
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    for event in workout.push(set_of_three):
        state.update(event)
    await asyncio.sleep(0.25)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert out.getvalue().count("newtons") >= 3
    assert "q ends" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?25h\x1b[?1049l")  # the cursor and the old screen are back


def test_the_rows_of_a_number_stand_under_each_other() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(ViewState(reps=6), 80, 24))
    rows = [line for line in console.export_text().splitlines() if "█" in line or "▀" in line][:5]
    left_edges = {row[40:].index("█") for row in rows}
    assert len(left_edges) == 1  # a six has its stem in every row
