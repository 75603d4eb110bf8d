"""The fit judges as the detector counts, and trades no kind of trace for another."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.signal.analysis import analyze
from bandsense.signal.laws.numbers import FITTED
from benchmarks import fit
from benchmarks.evidence import controls, idling, simulators, special, walks
from benchmarks.evidence.trace import Trace
from tests.needs import REPOSITORY

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


@given(st.sampled_from(fit.NAMES), st.floats(-0.5, 0.5))
def test_a_move_is_undone_by_the_opposite_one(name: str, by: float) -> None:
    there = fit.moved(FITTED, name, by)
    assert fit.way(FITTED, there) == pytest.approx(fit.PULL * by**2, abs=1e-9)
    here, back = dict(FITTED.named()), dict(fit.moved(there, name, -by).named())
    assert back.pop(name) == pytest.approx(here.pop(name))
    assert back == here
    assert {**dict(there.named()), name: 0.0} == {**here, name: 0.0}


def test_the_page_says_what_each_number_means() -> None:
    page = (REPOSITORY / "docs" / "detector-numbers.md").read_text("utf-8").partition("## Sensitivity")[0]
    tables = re.findall(r"\| `(\w+)\.` \|.*\n\|---\|---\|\n((?:\|.*\n)+)", page)
    told = [
        name
        for law, rows in tables
        for pattern in re.findall(r"`([a-z_0-9*]+)`", "".join(row.split("|")[1] for row in rows.splitlines()))
        for name in fit.NAMES
        if fnmatch(name, f"{law}.{pattern}")
    ]
    assert sorted(told) == sorted(fit.NAMES)


def test_the_way_between_two_has_them_at_its_ends() -> None:
    end = fit.rounded(fit.moved(fit.moved(FITTED, "chances.p_set", 0.4), "telling.trust", -0.3))
    assert fit.towards(FITTED, end, 0.0) == FITTED
    assert fit.towards(FITTED, end, 1.0) == end
    half = fit.towards(FITTED, end, 0.5)
    assert FITTED.chances.p_set < half.chances.p_set < end.chances.p_set


def test_no_kind_is_traded_for_another() -> None:
    before = fit.Half(100.0, Counter({"special/tugs": 2, "walk/striding": 1}))
    assert fit.Half(90.0, Counter({"special/tugs": 2})).better(before, by=5.0)
    assert not fit.Half(96.0, Counter({"special/tugs": 2})).better(before, by=5.0)
    assert not fit.Half(50.0, Counter({"special/tugs": 3})).better(before, by=5.0)
    assert not fit.Half(50.0, Counter({"movement": 1})).better(before, by=5.0)
