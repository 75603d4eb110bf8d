"""The detector on a few dozen held-out traces of each kind of evidence.

`python -m benchmarks.accuracy` runs thousands and says what is asked; these go red the same day, and those
that are not slow the same minute. The shares asserted are what was reached, less one trace; they only ever
go up.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest

from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from benchmarks.evidence import (
    controls,
    daily,
    envelope,
    idling,
    movement,
    recordings,
    rowing,
    simulators,
    special,
    splices,
)
from benchmarks.evidence.detectors import bandsense
from benchmarks.evidence.packages import Archive
from benchmarks.evidence.score import Tally
from benchmarks.evidence.trace import Trace
from tests.needs import missing


def judged(traces: Iterable[Trace]) -> Tally:
    tally = Tally()
    for trace in traces:
        if "beyond" not in trace.tags:
            tally.add(trace, bandsense(trace))
    return tally


def need(archive: Archive) -> None:
    if not archive.available():
        missing(archive.requirement, archive.command)


def every(step: int, traces: Iterable[Trace]) -> Iterable[Trace]:
    return islice(traces, 0, None, step)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plain", "wrong"), [(True, 1), pytest.param(False, 2, marks=pytest.mark.slow)], ids=["plain", "drawn"]
)
def test_cells_of_the_envelope_are_exact(plain: bool, wrong: int) -> None:
    tally = judged(every(7, envelope.grid("held", plain=plain)))
    assert tally.traces >= 55
    assert len(tally.wrong) <= wrong, tally.wrong
    assert tally.phantoms <= 1
    figures = tally.figures()
    assert figures["retracted"] <= 0.005
    assert figures["boundary median"] <= 0.005
    assert figures["boundary p95"] <= 0.050
    assert figures["tut within"] >= 0.96


@pytest.mark.slow
def test_every_rate_take_up_number_and_shape_is_exact() -> None:
    traces = [*every(11, envelope.cuts("held"))]
    tally = judged(trace for trace in traces if "coarse" not in trace.tags)
    assert tally.traces >= 70
    assert len(tally.wrong) <= 1, tally.wrong
    # At 10 samples a second a repetition of 0.35 s has three or four.
    coarse = judged(trace for trace in envelope.cuts("held") if "coarse" in trace.tags)
    assert coarse.exact >= coarse.traces - 2 > 0
    assert coarse.silent == 0


@pytest.mark.slow
@pytest.mark.usefixtures("recordings")
def test_splices_of_real_repetitions_are_exact() -> None:
    tally = judged(splices.sample(60, "held"))
    assert len(tally.wrong) <= 2, tally.wrong
    assert tally.silent <= 1
    assert tally.figures()["f1"] >= 0.99


@pytest.mark.slow
def test_real_movement_is_within_two_of_twenty() -> None:
    need(movement.ARCHIVE)
    tally = judged(every(3, movement.grid("held")))
    assert tally.traces >= 30
    assert tally.within_two >= tally.traces - 1, tally.wrong
    assert tally.silent == 0


@pytest.mark.slow
def test_sets_that_are_not_plain_are_exact() -> None:
    tally = judged(special.grid("held", each=2))
    assert tally.traces >= 75
    assert len(tally.wrong) <= 3, tally.wrong
    assert tally.silent <= 1
    assert tally.phantoms <= 2
    assert tally.figures()["f1"] >= 0.98
    assert tally.told_snaps == tally.snaps == 2
    assert tally.alarmed == 0


@pytest.mark.slow
def test_simulated_sets_are_exact() -> None:
    tally = judged(simulators.grid(60, "held"))
    assert len(tally.wrong) <= 2, tally.wrong
    assert tally.silent == 0


@pytest.mark.slow
def test_strokes_of_real_rowers_are_exact() -> None:
    need(rowing.ARCHIVE)
    tally = judged(rowing.grid("held"))
    assert tally.traces >= 50
    assert len(tally.wrong) <= 1, tally.wrong
    assert tally.silent == 0
    assert tally.phantoms == 0
    assert tally.figures()["f1"] >= 0.999
    assert tally.alarmed == 0


@pytest.mark.slow
def test_real_people_who_pull_nothing_are_told_so_but_for_one_quick_walk() -> None:
    need(daily.ARCHIVE)
    tally = judged(daily.grid("held"))
    assert tally.controls == 54
    # The same six quick steps of one person, twice, are counted in some of the ways they can be worn.
    assert all("/HA/002/Test5" in name for name, _ in tally.wrong), tally.wrong
    assert tally.controls_counted <= 4, tally.wrong
    assert tally.controls_shown <= 5
    assert tally.alarmed == 0


@pytest.mark.slow
def test_controls_hold_nothing() -> None:
    tally = judged(controls.grid("held", each=4))
    assert tally.controls == 28
    assert tally.controls_counted <= 1, tally.wrong
    assert tally.controls_shown <= 3
    assert tally.alarmed == 0


@pytest.mark.slow
def test_controls_that_follow_no_script_hold_little() -> None:
    tally = judged(idling.grid("held", each=3))
    assert tally.controls == 24
    assert tally.controls_counted <= 3, tally.wrong
    assert tally.controls_shown <= 4
    assert tally.alarmed <= 2


@pytest.mark.slow
@pytest.mark.usefixtures("recordings")
def test_whole_recordings_give_the_events_of_their_streams() -> None:
    """Many seconds at once take other ways through the code than blocks do."""
    traces = [
        *recordings.band(),
        *simulators.grid(8, "held"),
        *special.grid("held", each=1, first_seed=1000, rate_hz=320.0),
    ]
    assert len(traces) >= 50
    for number, trace in enumerate(traces):
        size, detector, events = (16, 7, 160)[number % 3], RepDetector(), []
        for at in range(0, trace.time_s.size, size):
            events += detector.push(trace.time_s[at : at + size], trace.tension_n[at : at + size])
        told = (*events, *detector.finish())
        assert told == analyze(trace.time_s, trace.tension_n).events, trace.name
