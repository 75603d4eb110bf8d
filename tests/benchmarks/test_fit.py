"""The fit judges as the detector counts, and trades no kind of trace for another."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.signal.analysis import analyze
from bandsense.signal.laws import FITTED, Numbers
from benchmarks import fit
from benchmarks.evidence import controls, idling, simulators, special, walks
from benchmarks.evidence.trace import Trace

KINDS = ("begun_short", "pulses", "one_and_a_half", "drop_set", "tugs", "walk_then_set", "gap", "weak")


def material() -> list[Trace]:
    sets = [trace for trace in special.grid("dev", 1) if trace.name.split("/")[1] in KINDS]
    quiet = [*controls.grid("dev", 1), *idling.grid("dev", 1), *walks.grid("dev", 1)]
    return [*sets, *simulators.grid(2, "dev"), *quiet]


@pytest.mark.slow
@pytest.mark.parametrize("trace", material(), ids=lambda trace: trace.name)
def test_what_is_judged_is_what_the_detector_counts(trace: Trace) -> None:
    count = len(analyze(trace.time_s, trace.tension_n).causal)
    _, right = fit.judged(FITTED, fit.turns_of(trace, 1.0))
    assert right == (count in (fit.NONE if trace.is_control else trace.n_ok))


@given(st.sampled_from([f.name for f in fields(Numbers)]), st.floats(-0.5, 0.5))
def test_a_move_is_undone_by_the_opposite_one(name: str, by: float) -> None:
    there = fit.moved(FITTED, name, by)
    assert fit.way(FITTED, there) == pytest.approx(fit.PULL * by**2, abs=1e-9)
    assert getattr(fit.moved(there, name, -by), name) == pytest.approx(getattr(FITTED, name))
    for other in asdict(FITTED).keys() - {name}:
        assert getattr(there, other) == getattr(FITTED, other)


def test_the_way_between_two_has_them_at_its_ends() -> None:
    end = fit.rounded(fit.moved(fit.moved(FITTED, "p_set", 0.4), "trust", -0.3))
    assert fit.towards(FITTED, end, 0.0) == FITTED
    assert fit.towards(FITTED, end, 1.0) == end
    half = fit.towards(FITTED, end, 0.5)
    assert FITTED.p_set < half.p_set < end.p_set


def test_no_kind_is_traded_for_another() -> None:
    before = fit.Half(100.0, Counter({"special/tugs": 2, "walk/striding": 1}))
    assert fit.Half(90.0, Counter({"special/tugs": 2})).better(before, by=5.0)
    assert not fit.Half(96.0, Counter({"special/tugs": 2})).better(before, by=5.0)
    assert not fit.Half(50.0, Counter({"special/tugs": 3})).better(before, by=5.0)
    assert not fit.Half(50.0, Counter({"movement": 1})).better(before, by=5.0)
