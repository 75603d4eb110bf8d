from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.history.compare import SideComparison
from bandsense.live.formatting import format_notice, tension_words
from bandsense.live.history_formatting import side_figures
from bandsense.live.state import ViewState
from bandsense.live.units import force_range, force_words, in_shown_unit, show_in, shown_unit
from bandsense.samples import ForceUnit
from bandsense.signal.events import SignalWarning, WarningKind
from bandsense.signal.metrics import Difference


@pytest.fixture(autouse=True)
def _newtons_again() -> Iterator[None]:
    yield
    show_in(ForceUnit.NEWTON)


@pytest.mark.parametrize(
    ("unit", "words", "uncertain", "zone"),
    [
        ("N", "105 N", "105 ± 5 N", "40 to 60 N"),
        ("kgf", "10.7 kgf", "10.7 ± 0.5 kgf", "4.1 to 6.1 kgf"),
        ("lbf", "23.6 lbf", "24 ± 1 lbf", "9.0 to 13.5 lbf"),
    ],
)
def test_the_same_force_in_each_unit(unit: str, words: str, uncertain: str, zone: str) -> None:
    show_in(ForceUnit(unit))
    assert force_words(105.0) == words
    assert tension_words(105.0, 5.2) == uncertain
    assert force_range(40.0, 60.0) == zone


def test_what_two_sides_pull_is_told_in_the_unit_that_stands_above_it() -> None:
    peak = SideComparison("peak_n", (98.0665, 9.80665), (49.03325, 9.80665), Difference(-0.67, 0.1))
    assert side_figures(peak) == ("Peak, N", "98 ± 10", "49 ± 10")
    show_in(ForceUnit.KILOGRAM_FORCE)
    assert side_figures(peak) == ("Peak, kgf", "10 ± 1", "5 ± 1")
    load = replace(peak, figure="impulse_n_s")
    assert side_figures(load) == ("Load, kgf·s", "10 ± 1", "5 ± 1")


def test_sentences_of_the_signal_chain_change_their_newtons_and_nothing_else() -> None:
    sentence = "the zero moved by +1.5 N in 30 s; 12 N is much, 5 Nm and 3 N/s are not meant"
    assert in_shown_unit(sentence) == sentence
    show_in(ForceUnit.KILOGRAM_FORCE)
    assert in_shown_unit(sentence) == (
        "the zero moved by +0.15 kgf in 30 s; 1.2 kgf is much, 5 Nm and 3 N/s are not meant"
    )
    warning = SignalWarning(1.0, WarningKind.ZERO_OFF, "it shows -9.8 N", 1.0)
    assert format_notice(warning) == "it shows -1.00 kgf"


def test_a_page_is_told_the_unit_of_the_task_that_serves_it() -> None:
    other = copy_context()
    other.run(show_in, ForceUnit.POUND_FORCE)
    assert shown_unit() is ForceUnit.NEWTON
    unit = other.run(lambda: ViewState().snapshot()["unit"])
    assert unit == {
        "symbol": "lbf",
        "name": "pounds-force",
        "newtons": pytest.approx(4.448222),
        "decimals": 1,
    }


@given(st.floats(0.0, 2000.0), st.sampled_from(ForceUnit))
def test_what_is_shown_is_the_force_to_half_a_digit(newtons: float, unit: ForceUnit) -> None:
    show_in(unit)
    figure, symbol = force_words(newtons).split()
    assert symbol == unit.value
    assert abs(float(figure) * unit.newtons - newtons) <= 0.5001
