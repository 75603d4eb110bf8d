"""The parts of the mechanics that need nothing but numpy; `make hardware` looks at the rest."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bandsense.calibration.curve import Grade
from hardware.mechanics import jig, rollers, tolerance
from hardware.mechanics.parameters import parameters


@pytest.mark.parametrize(("half_span", "offset", "ratio"), [(20, 5, 0.49), (15, 8, 0.94), (12, 10, 1.28)])
def test_a_thread_over_points_is_the_triangle_of_the_textbook(
    half_span: float, offset: float, ratio: float
) -> None:
    found = rollers.force_ratio(1e-9, half_span=half_span, penetration=offset, radius=1e-9)
    assert float(found) == pytest.approx(2 * math.sin(math.atan(offset / half_span)), rel=1e-6)
    assert float(found) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("thickness", [0.2, 1.0, 4.5, 12.0])
def test_the_middle_line_keeps_its_distance_from_every_roller(thickness: float) -> None:
    clip = parameters().clip
    radius = clip.roller_diameter / 2
    line = rollers.middle_line(thickness, steps=200)
    fine = np.vstack([np.linspace(a, c, 60) for a, c in itertools.pairwise(line)])
    axes = [(-clip.half_span, -radius), (clip.half_span, -radius), (0.0, radius - clip.penetration)]
    for axis in axes:
        nearest = np.hypot(*(fine - axis).T).min()
        assert nearest == pytest.approx(radius + thickness / 2, abs=2e-3)


def test_the_middle_line_runs_straight_and_smooth_between_the_rollers() -> None:
    line = rollers.middle_line(2.0, steps=400)
    headings = np.unwrap(np.arctan2(*np.diff(line, axis=0).T[::-1]))
    assert np.abs(np.diff(headings)).max() < 2e-3 + float(rollers.inclination(2.0)) / 399
    assert np.abs(headings).max() == pytest.approx(float(rollers.inclination(2.0)), rel=1e-3)


def test_the_companion_claims_what_the_geometry_gives() -> None:
    claim = Grade.CLIP_ON.typical_span_uncertainty
    assert 0.75 * claim <= tolerance.standard_uncertainty() <= claim


def test_a_sloppier_clip_breaks_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters().tolerance, "axis_height", 0.6)
    assert tolerance.standard_uncertainty() > Grade.CLIP_ON.typical_span_uncertainty


def test_sources_of_uncertainty_add_up_in_quadrature() -> None:
    for kind in tolerance.KINDS:
        study = tolerance.study(kind)
        together = math.sqrt(sum(part**2 for part in study.by_source.values()))
        assert study.standard == pytest.approx(together, rel=0.1)


def test_bottles_and_a_luggage_scale_are_good_for_one_percent() -> None:
    assert jig.expanded(jig.budget()) <= 0.01
    assert jig.expanded(jig.budget(total_kg=2.0)) > 0.02  # a light load is not


def test_the_sheet_is_drawn_to_scale() -> None:
    assert 'width="210mm" height="297mm" viewBox="0 0 210 297"' in jig.sheet()
    assert "M18 282H118" in jig.sheet()
