"""The rules are a table without sentences and without effects; every rule has its sentence elsewhere."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from bandsense.exercises.catalogue import get_exercise
from bandsense.live.formatting import reason_words
from bandsense.signal.events import Rep
from bandsense.workout import advisor, measuring, rules
from bandsense.workout.advice import AdvisorState, Reason, Rule
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.rules import AFTER_A_REP, BETWEEN_SETS, SetView, beside_zone, proposals
from bandsense.workout.set_evidence import SetEvidence

ROW = get_exercise("seated-row")


def a_rep(index: int, peak_n: float = 60.0) -> Rep:
    at_s = 5.0 * index
    return Rep(index, at_s, at_s + 1.0, at_s + 1.5, at_s + 3.0, at_s + 1.2, peak_n, 12.0, 12.0)


def a_view(count: int) -> SetView:
    return view_of([a_rep(index) for index in range(1, count + 1)])


def view_of(reps: list[Rep], plan: Plan | None = None) -> SetView:
    state = AdvisorState.typical(ROW)
    evidence = SetEvidence.of(reps, state.strand.exponent)
    return SetView(plan or Plan(), state, ROW.slack[0], reps, 60.0, evidence=evidence)


@pytest.mark.parametrize("module", [rules, measuring, advisor])
def test_rules_hold_no_sentences(module: object) -> None:
    source = (module.__loader__).get_source(module.__name__)  # type: ignore[attr-defined]
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings
    ]
    beneath = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Expr)]
    assert [text for text in texts if " " in text and text not in beneath] == []


@pytest.mark.parametrize("count", [3, 6, 9])
def test_asking_the_rules_has_no_effect(count: int) -> None:
    view = a_view(count)
    before = replace(view)
    for table in (AFTER_A_REP, BETWEEN_SETS):
        assert proposals(table, view) == proposals(table, view)
    assert view == before


@pytest.mark.parametrize(
    ("count", "rule"), [(1, Rule.ONE_REP), (3, Rule.TOO_HARD), (6, Rule.TOO_HARD), (9, Rule.STEADY)]
)
def test_the_first_proposal_of_the_table_wins(count: int, rule: Rule) -> None:
    assert proposals(BETWEEN_SETS, a_view(count))[0].rule is rule


@pytest.mark.parametrize(
    ("peaks_n", "rule", "ratio"),
    [
        ([45.0] * 8, Rule.BELOW_ZONE, 1.1),  # 60 of 45 would be more than a tenth
        ([57.0, 57.0, *[49.0] * 6], Rule.BELOW_ZONE, 1.1),
        ([64.0] * 5 + [49.0] * 3, Rule.BELOW_ZONE, 60.0 * 8 / (5 * 64.0 + 3 * 49.0)),
        ([69.0] * 5 + [49.0] * 3, Rule.BELOW_ZONE, 1.0),  # their mean is above the middle
        ([51.0] * 5 + [71.0] * 3, Rule.ABOVE_ZONE, 1.0),
        ([75.0] * 8, Rule.ABOVE_ZONE, 0.9),
    ],
)
def test_slack_is_changed_towards_the_zone_or_not_at_all(
    peaks_n: list[float], rule: Rule, ratio: float
) -> None:
    reps = [a_rep(index, peak_n) for index, peak_n in enumerate(peaks_n, 1)]
    found = beside_zone(view_of(reps, Plan(reps=8, zone=TensionZone(50.0, 70.0))))
    assert found is not None
    assert found.rule is rule
    assert found.ratio == pytest.approx(ratio)


def test_every_proposal_has_a_sentence_and_every_rule_a_name_without_numbers() -> None:
    for count in (1, 6, 9):
        for proposal in proposals(BETWEEN_SETS, a_view(count)):
            assert all(reason_words(reason).endswith(".") for reason in proposal.reasons)
    for rule in Rule:
        assert reason_words(Reason(rule)).endswith(".")
