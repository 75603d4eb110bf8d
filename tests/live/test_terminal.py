from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.actions import Action
from bandsense.live.big_digits import HEIGHT, big
from bandsense.live.formatting import advice_reason
from bandsense.live.session_title import SessionTitle
from bandsense.live.state import LastTime, Peak, Screen, ViewState
from bandsense.live.terminal import TerminalView, render, trace_lines
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.events import Phase, Rep
from bandsense.workout.advice import Advice, Reason, Rule, SlackAction
from bandsense.workout.events import LinkChanged
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.scenes import scene
from tests.support.traces import waves

ROW = get_exercise("seated-row")
SETTINGS = WorkoutSettings(
    Calibration.identity(Unit.NEWTON), ROW, Plan(zone=TensionZone(90.0, 110.0), tempo=ROW.tempo)
)


def shown(state: ViewState, width: int = 80, height: int = 24) -> str:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(render(state, width, height))
    return capture.get()


def a_state() -> ViewState:
    state = ViewState(
        title="Seated row",
        tension_n=61.4,
        tension_uncertainty_n=3.0,
        phase=Phase.CONCENTRIC,
        set_number=1,
        reps=4,
    )
    state.link, state.battery_percent = "streaming", 87
    state.settings, state.clock = SETTINGS, lambda: 0.0
    state.last_rep, state.peak_n = Rep(4, 1.0, 1.9, 2.2, 3.3, 2.0, 62.0, 3.0, 3.0), 62.0
    return state


def test_all_that_a_person_needs_is_on_the_screen() -> None:
    text = shown(a_state())
    for row in big("61", 2) + [row.strip() for row in big("4", 2)]:
        assert row in text
    for words in (
        "± 3",
        "▲ OUT",
        "set 1 of 3",
        "of 8",
        "12 at most",
        "battery 87 %",
        "linked",
        "Seated row",
        "pull 0.0 of 1.5 s",
        "90 to 110 N",
        "▼ below; last rep 62 N, pull about 1.5",
    ):
        assert words in text


@pytest.mark.parametrize("resting", [False, True])
@pytest.mark.parametrize(("width", "height"), [(40, 10), (40, 16), (60, 20), (80, 22), (120, 38), (300, 80)])
def test_a_frame_fills_its_terminal_and_no_more(
    width: int, height: int, resting: bool, set_of_three: SampleBlock
) -> None:
    state = rested(set_of_three) if resting else a_state()
    state.trace.extend((n / 20.0, float(n % 50)) for n in range(240))
    lines = shown(state, width, height).splitlines()
    assert len(lines) == height
    assert max(len(line) for line in lines) <= width


def rested(block: SampleBlock) -> ViewState:
    """After a set of three."""
    state = a_state()
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    for event in workout.push(block) + workout.finish():
        state.update(event)
    reasons = (Reason(Rule.TOO_HARD, {"full": 5, "planned": 8, "range_loss": 0.3}), Reason(Rule.DECLINED))
    state.advice = Advice(SlackAction.ADD, Rule.TOO_HARD, reasons, "Let out about 4 cm of each hand.", 4)
    assert state.resting
    return state


def test_a_long_name_leaves_room_for_the_link_and_the_battery() -> None:
    state = a_state()
    state.title = "One-arm bent-over row, left first"
    first = shown(state, 40, 10).splitlines()[0]
    assert first.endswith(" 87 %")
    assert "· set 1 of 3" in first
    state.title = SessionTitle("Seated row", person="Ada", further=["band green"])
    assert shown(state, 40, 10).splitlines()[0] == "Seated row · set 1 of 3    linked · 87 %"
    assert shown(state, 32, 10).splitlines()[0] == "Seated row · set 1 of 3     87 %"
    assert shown(state, 60, 10).splitlines()[0].startswith("Ada · Seated row · set 1 of 3  ")
    state.link = "lost"
    assert shown(state, 40, 10).splitlines()[0].endswith("set 1 of 3      lost · 87 %")
    assert len(shown(state, 40, 10).splitlines()) == 10


def test_on_the_smallest_terminal_all_that_changes_is_there() -> None:
    state = a_state()
    state.noticed, state.notice_until_s = "not counted: too small", 9.0
    text = shown(state, 40, 10)
    for words in (*big("61"), "± 3", "▲ OUT", "set 1", "87 %", "not counted: too small"):
        assert words in text


def test_between_sets_the_whole_advice_and_the_sets_can_be_read(set_of_three: SampleBlock) -> None:
    state = rested(set_of_three)
    text = " ".join(shown(state).split())
    assert state.advice is not None
    assert "ADD SLACK – Let out about 4 cm of each hand." in text
    assert " ".join(advice_reason(state.advice).split()[:9]) in text
    assert "y done · n not now" in text
    assert "set 1 " in text
    assert "3 reps · peak 53 ± 3 N" in text
    assert "left of 1:30" in text


def test_on_the_smallest_terminal_two_lines_are_left_for_the_advice(set_of_three: SampleBlock) -> None:
    assert "Let out about 4 cm of each hand." in " ".join(shown(rested(set_of_three), 44, 10).split())


def test_what_is_told_between_sets_is_not_hidden_by_the_advice(set_of_three: SampleBlock) -> None:
    state = rested(set_of_three)
    state.noticed, state.notice_until_s = "zero set: -0.4 N", state.time_s + 5.0
    assert "zero set: -0.4 N" in shown(state)


def test_what_is_wrong_can_be_read_to_its_end() -> None:
    state = a_state()
    state.problem = "the store /home/ada/bandsense.sqlite3: the disk is full; free some space and try again"
    assert f"not saved: {state.problem}" in " ".join(shown(state).split())


def test_a_question_comes_before_trouble() -> None:
    state = a_state()
    state.problem, state.question = "the disk is full", "End the session? Press q again."
    assert "End the session? Press q again." in shown(state)


def test_what_is_offered_is_what_can_be_done_now(set_of_three: SampleBlock) -> None:
    labels = {"e": "end set", "t": "tare", "y": "changed slack", "n": "kept slack", "q": "quit"}
    actions = {key: Action(label, print) for key, label in labels.items()}

    def offered(state: ViewState, width: int = 80) -> str:
        console = Console(width=width, height=24, file=io.StringIO())
        with console.capture() as capture:
            console.print(TerminalView([state], console, actions=actions).frame())
        return capture.get().splitlines()[-1].strip("╭╮╰╯─ ")

    assert offered(ViewState()) == "t tare · q quit"
    assert offered(a_state()) == "e end set · q quit"
    assert offered(rested(set_of_three)) == "y changed slack · n kept slack · t tare · q quit"
    at_ease = rested(set_of_three)
    at_ease.advice = Advice(
        SlackAction.KEEP, Rule.STEADY, (Reason(Rule.STEADY, {"full": 8, "easy_sessions": 0}),)
    )
    assert offered(at_ease) == "t tare · q quit"
    assert offered(rested(set_of_three), 40) == "y changed n kept t tare q quit"


def test_nothing_is_minus_zero() -> None:
    state = a_state()
    state.tension_n = -0.3
    text = shown(state, 60, 20)
    assert all(row in text for row in big("0"))
    assert "▀▀▀  " not in text.replace("▀▀▀█", "")


def test_digits_grow_with_the_terminal() -> None:
    for scale, width, height in ((1, 60, 20), (2, 80, 22), (3, 120, 38)):
        assert all(row in shown(a_state(), width, height) for row in big("61", scale))
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
    top = trace_lines(trace, 80, 4)[0]
    assert top.strip() == "█" * 8
    assert top.index("█") == 56  # 6 s of the 12 that are known, in a window of 20


def test_the_trace_has_no_holes_on_a_wide_terminal() -> None:
    trace = [(n / 20.0, 30.0) for n in range(241)]
    assert trace_lines(trace, 400, 1)[0].strip() == "█" * len(trace_lines(trace, 400, 1)[0].strip())


def test_a_lost_link_leaves_a_hole_in_the_trace() -> None:
    trace = [(n / 20.0, 30.0) for n in range(240) if not 100 <= n < 140]
    assert "    " in trace_lines(trace, 48, 1)[0].strip()


def test_the_noise_of_a_slack_band_is_not_blown_up() -> None:
    assert trace_lines([(n / 20.0, 0.05) for n in range(100)], 48, 4)[0].strip() == ""


@pytest.mark.parametrize(("width", "height"), [(40, 12), (80, 24), (200, 60)])
def test_all_keys_are_listed_in_any_terminal(width: int, height: int) -> None:
    actions = {key: Action(label, print) for key, label in LABELS.items()}
    actions |= {key: Action("score", print) for key in "0123"} | {"\n": Action("skip", print)}
    console = Console(width=width, height=height, file=io.StringIO())
    view = TerminalView([a_state()], console, actions=actions)
    view.keys_shown = True
    with console.capture() as captured:
        console.print(view.frame(), end="")
    lines = captured.get().splitlines()
    assert {len(line) for line in lines} == {width}
    assert len(lines) == height
    said = " ".join(captured.get().split())
    assert all(f"{key} {label}" in said for key, label in LABELS.items())
    assert "0-3 score" in said
    assert "Enter skip" in said


async def test_the_view_draws_until_it_is_cancelled(set_of_three: SampleBlock) -> None:
    out = io.StringIO()
    state = ViewState()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    view = TerminalView([state], console, actions={"q": Action("quit", print)})
    task = asyncio.create_task(view.run())
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    for event in workout.push(set_of_three):
        state.update(event)
    async with asyncio.timeout(30.0):
        while out.getvalue().count("╭") < 3:
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "q quit" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?25h\x1b[?1049l")  # the cursor and the old screen are back


def test_the_rows_of_a_number_stand_under_each_other() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(ViewState(reps=6), 80, 24))
    rows = [line for line in console.export_text().splitlines() if "█" in line or "▀" in line][:5]
    left_edges = {row[40:].index("█") for row in rows}
    assert len(left_edges) == 1  # a six has its stem in every row


@pytest.mark.parametrize(("width", "height"), [(80, 22), (120, 38)])
def test_two_sensors_stand_beside_each_other_and_fill_the_terminal(width: int, height: int) -> None:
    left, right = a_state(), a_state()
    left.title, right.title = "left · Row", "right · Row"
    lines = frame([left, right], width, height)
    assert lines[1].index("left") < lines[1].index("right")
    assert "\n".join(lines).count("▲ OUT") == 2


def frame(states: Sequence[ViewState], width: int, height: int, **console_settings: object) -> list[str]:
    """The whole terminal, line by line; each as wide as it is."""
    settings = {"force_terminal": True, "color_system": None} | console_settings
    console = Console(width=width, height=height, file=io.StringIO(), **settings)  # type: ignore[arg-type]
    actions = {key: Action(label, print) for key, label in LABELS.items()}
    with console.capture() as captured:
        console.print(TerminalView(states, console, actions=actions).frame(), end="")
    lines = captured.get().splitlines()
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert len(plain) == height
    assert {cell_len(line) for line in plain} == {width}
    return lines


LABELS = {"e": "end set", "t": "tare", "y": "changed slack", "n": "kept slack", "q": "quit"}
LABELS |= {"+": "30 s more rest", "s": "start now", "w": "note"}

SIZES = [(40, 12), (44, 14), (60, 18), (80, 24), (100, 30), (132, 43), (200, 60)]


def followed(paired: bool = False) -> Iterator[ViewState]:
    """A session of two sets as its view sees it, an eighth of a second at a time."""
    exercise = get_exercise("bent-over-row" if paired else "seated-row")
    plan = Plan(sets=2, zone=TensionZone(40.0, 60.0), tempo=exercise.tempo, rest_s=12.0)
    settings = WorkoutSettings(
        Calibration.identity(Unit.NEWTON), exercise, plan, first_side="left" if paired else None
    )
    now = [0.0]
    state = ViewState(title=exercise.name, settings=settings, clock=lambda: now[0])
    workout = Workout(settings)
    pulls = waves(5, rep_s=3.0)
    tension_n = 3.0 + np.concatenate([np.zeros(160), pulls, np.zeros(20 * 80), pulls, np.zeros(80)])
    state.update(LinkChanged(0.0, "streaming", "", 0.0))
    for start in range(0, tension_n.size, 10):
        cut = slice(start, start + 10)
        time_s = np.arange(tension_n.size)[cut] / 80.0
        for event in workout.push(SampleBlock(time_s, tension_n[cut], Unit.NEWTON)):
            state.update(event)
        now[0] = float(time_s[-1])
        yield state
    lost = LinkChanged(state.time_s, "lost", "the sensor is out of range", state.time_s)
    state.update(lost)
    now[0] += 5.0
    yield state


NEEDED = {
    Screen.READY: "Pull when you like",
    Screen.PULL: "▲ OUT",
    Screen.HOLD: "▬ HOLD",
    Screen.RETURN: "▼ IN",
    Screen.REST: "set 2",
    Screen.SIDES: "→ RIGHT",
    Screen.LOST: "PAUSE",
}


@pytest.mark.parametrize("paired", [False, True])
def test_every_moment_of_a_session_fills_every_terminal_and_says_its_word(paired: bool) -> None:
    seen: set[Screen] = set()
    for count, state in enumerate(followed(paired)):
        if state.screen in seen and count % 40:
            continue
        seen.add(state.screen)
        for size in SIZES:
            text = "\n".join(frame([state], *size))
            assert NEEDED.get(state.screen, "") in text, (state.screen, size)
            assert re.search(r"[█▀▄▬▲▼]", text), "nothing is ever blank"
        frame([state, state], 80, 24)
    between = Screen.SIDES if paired else Screen.REST
    assert seen >= {Screen.READY, Screen.PULL, Screen.RETURN, Screen.LOST, between}


def test_before_the_first_sample_there_are_dashes() -> None:
    waiting = a_state()
    waiting.tension_n = waiting.tension_uncertainty_n = 0.0
    waiting.link, waiting.phase, waiting.last_rep = "", Phase.REST, None
    dashes = big("–––", 2)[HEIGHT - 1]
    assert (dashes in shown(waiting), "±" in shown(waiting)) == (True, False)
    assert dashes not in shown(a_state())


def test_a_number_that_is_not_of_now_is_not_shown() -> None:
    *_, lost = followed()
    text = "\n".join(frame([lost], 80, 24))
    assert all(row in text for row in big("–––"))
    assert "sensor lost 5 s ago; your" in text
    assert "the sensor is out of range" in text


def test_without_colours_words_glyphs_and_reverse_remain() -> None:
    pulling = next(state for state in followed() if state.screen is Screen.PULL)
    coloured = "".join(frame([pulling], 80, 24, color_system="standard"))
    plain = "".join(frame([pulling], 80, 24, color_system="standard", no_color=True))
    assert re.search(r"\x1b\[[0-9;]*33[;m]", coloured), "the field of the pull is yellow"
    assert not re.search(r"\x1b\[[0-9;]*3[0-7][;m]", plain)
    assert re.search(r"\x1b\[[0-9;]*7m[^\x1b]*▲ OUT", plain), "and reversed in any case"


def test_the_trace_goes_first_and_the_word_stays() -> None:
    pulling = next(state for state in followed() if state.screen is Screen.PULL and state.reps > 1)
    large, small = (shown(pulling, 60, height) for height in (24, 9))
    assert "┄┄┄┄" in large
    assert "┄┄┄┄" not in small
    assert "▲ OUT" in small
    assert all(row in small for row in big(f"{pulling.tension_n:.0f}"))


def test_the_rest_counts_down_and_then_waits_for_the_person() -> None:
    resting = [state.rest_left_s for state in followed() if state.screen is Screen.REST]
    assert resting
    state = rested_at(3.0)
    assert all(row in shown(state) for row in big("0:09"))
    assert "left of 0:12" in shown(state)
    over = rested_at(14.0)
    assert "Ready when you are." in shown(over)
    assert all(row in shown(over) for row in big("0:02"))


def rested_at(seconds: float) -> ViewState:
    """A rest of twelve seconds, so many after the set."""
    state = next(state for state in followed() if state.screen is Screen.REST)
    state.clock = lambda: 0.0
    state.heard_s = 0.0
    state.time_s = state.results[-1].end_s + seconds
    return state


def test_the_bar_is_full_to_the_tension_and_brackets_the_zone() -> None:
    state = a_state()
    state.tension_n = 98.0
    bar = next(line for line in shown(state, 80, 24).splitlines() if "[" in line)
    left, right = bar.index("["), bar.index("]")
    assert "█" in bar[left:right]
    assert "░" in bar[left:right]
    assert bar.rstrip().endswith("90 to 110 N")


def test_partial_and_doubtful_repetitions_look_different_in_the_strip() -> None:
    state = a_state()
    state.peaks = [
        Peak(1, 0.0, 100.0, zone="within"),
        Peak(2, 1.0, 70.0, partial=True, zone="below"),
        Peak(3, 2.0, 100.0, zone="within", retracted_s=3.0),
    ]
    strip = next(line for line in shown(state).splitlines() if "▨" in line)
    assert strip.strip() == "▅▨──────····"


def test_before_the_first_repetition_it_says_what_was_done_last_time() -> None:
    state = ViewState(title="Seated row", settings=SETTINGS, clock=lambda: 0.0)
    state.last_time = {None: LastTime((8, 8, 7), 101.0)}
    assert "Aim for 90 to 110 N. Last time 8 + 8 + 7 reps, peak 101 N." in shown(state)
    state.last_time = {None: LastTime((8, 8, 7))}
    assert "Last time 8 + 8 + 7 reps." in shown(state)
    state.last_time = {None: LastTime((1,), None)}
    assert "Last time 1 rep." in shown(state)


@pytest.mark.parametrize("name", ["pull", "hold", "return", "valley", "rest", "rest-over", "sides"])
def test_no_line_of_the_smallest_terminal_is_cut(name: str) -> None:
    _, *lines, _ = frame([scene(name).state], 40, 12)
    assert [line for line in lines if "…" in line] == []


def test_the_smallest_terminal_leaves_out_the_reason_and_never_how_to_answer() -> None:
    resting = scene("rest")
    small = " ".join(" ".join(frame([resting.state], 40, 12)).replace("│", " ").split())
    assert "ADD SLACK – Let about 4 cm of band out of each hand. y done · n not now" in small
    assert "Effort, 0 to 9, x: 10, Enter: skip" in small
    assert "the plan asks" in " ".join(shown(resting.state, 80, 30).replace("│", " ").split())
