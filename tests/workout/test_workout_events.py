from __future__ import annotations

import json
import math

from bandsense.signal.events import Phase, PhaseChanged, Rep, RepCompleted, RepCounted
from bandsense.workout.advice import Advice, Basis, Reason, Rule, SlackAction
from bandsense.workout.events import SetStarted, SlackAdvised, event_name, fields_json, to_json

REP = Rep(1, 1.0, 1.5, 2.0, 2.6, 1.7, 60.0, 3.0, 4.0)


def test_names_are_the_types_in_small_letters() -> None:
    assert event_name(SetStarted(1.0, 1, 1.0)) == "set_started"
    assert event_name(PhaseChanged(1.0, Phase.CONCENTRIC, 1.0)) == "phase_changed"


def test_an_event_becomes_plain_json() -> None:
    advice = Advice(
        SlackAction.ADD,
        Rule.TOO_HARD,
        (Reason(Rule.TOO_HARD, {"full": 5, "planned": 8}),),
        basis=Basis(reps=5),
    )
    data = json.loads(json.dumps(to_json(SlackAdvised(1.0, advice, 1.0))))
    assert data["event"] == "slack_advised"
    assert data["advice"]["action"] == "ADD SLACK"
    assert data["advice"]["reasons"] == [{"rule": "too hard", "numbers": {"full": 5, "planned": 8}}]
    assert data["advice"]["basis"]["reps"] == 5


def test_peaks_carry_their_uncertainty_where_it_is_known() -> None:
    event = RepCounted(1.7, 1, 60.0, 1.9, 1)
    assert to_json(event)["peak_uncertainty_n"] is None
    assert to_json(event, lambda tension_n, at_s: tension_n / 20 + (at_s - 1.9))["peak_uncertainty_n"] == 3.0
    assert to_json(RepCompleted(2.6, 1, REP, 2.7), lambda n, at_s: n / 20)["rep"]["peak_uncertainty_n"] == 3.0


def test_numbers_that_json_does_not_know_become_null() -> None:
    set_started = fields_json(SetStarted(math.nan, 1, math.inf))
    assert set_started == {"time_s": None, "number": 1, "detected_s": None, "side": None}
