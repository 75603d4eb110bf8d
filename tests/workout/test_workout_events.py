from __future__ import annotations

import json

from bandsense.signal.events import Phase, PhaseChanged, Rep, RepTop
from bandsense.workout.events import SetDone, SetEnd, SetResult, SetStarted, event_name, to_json

REP = Rep(1, 1.0, 1.5, 2.0, 2.6, 1.7, 60.0, 3.0, 4.0)


def test_names_are_the_types_in_small_letters() -> None:
    assert event_name(SetStarted(1.0, 1, 1.0)) == "set_started"
    assert event_name(PhaseChanged(1.0, Phase.PULL, 1.0)) == "phase_changed"


def test_an_event_becomes_plain_json() -> None:
    event = SetDone(2.6, 1, SetResult(1, 1.0, 2.6, (REP,), (3.0,), SetEnd.REST), 18.0)
    data = json.loads(json.dumps(to_json(event)))
    assert data["event"] == "set_done"
    assert data["result"]["ended_by"] == "rest"
    assert data["result"]["reps"][0]["peak_tension"] == 60.0


def test_peaks_carry_their_uncertainty_where_it_is_known() -> None:
    event = RepTop(1.7, 1, 60.0, 1.9, 1)
    assert "peak_tension_u_n" not in to_json(event)
    assert to_json(event, lambda tension_n: tension_n / 20)["peak_tension_u_n"] == 3.0
    inner = to_json(
        SetDone(2.6, 1, SetResult(1, 1.0, 2.6, (REP,), (3.0,), SetEnd.REST), 18.0), lambda n: n / 20
    )
    assert inner["result"]["reps"][0]["peak_tension_u_n"] == 3.0


def test_a_set_sums_up_its_repetitions() -> None:
    result = SetResult(1, 1.0, 2.6, (REP, REP), (3.0, 3.0), SetEnd.REST)
    assert result.partial == 0
    assert result.time_under_tension_s == 3.2
