from __future__ import annotations

import numpy as np
import pytest

from bandsense.calibration.reference_masses import MassKind
from benchmarks.calibration import coverage, mistakes_found, trial


@pytest.mark.parametrize("kind", list(MassKind))
def test_the_interval_of_a_calibration_holds_the_truth_whatever_the_masses_are(kind: MassKind) -> None:
    rng = np.random.default_rng(100)
    trials = [trial(rng, kind) for _ in range(60)]
    assert coverage(trials).min() >= 0.93
    assert np.median([each.stated[-1] for each in trials]) < 0.07, "and is not as wide as to say nothing"
    assert {each.report.order for each in trials} == {1}, "errors of masses are no curvature"


@pytest.mark.parametrize("strap", [True, False])
def test_a_mistake_is_asked_about(strap: bool) -> None:
    asked, by_name = mistakes_found(MassKind.PLATES, 40, 3, strap=strap)
    assert asked >= 0.9
    assert by_name >= 0.5
