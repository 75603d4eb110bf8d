"""Break the model, and see the mechanics' checks notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.needs import missing, require_tool

try:
    import build123d
except ImportError:
    build123d = None

REMEDY = "run `make hardware`"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def needs_model() -> None:
    if build123d is None:
        missing("build123d", REMEDY)


def test_a_battery_that_is_too_high_collides_with_the_lid() -> None:
    from hardware.mechanics import clip, fit

    parts = [p for p in clip.assembly() if p.name in ("battery", "lid", "tray")]
    assert fit.collisions(parts) == []
    lifted = [p.placed(build123d.Location((0, 0, 9.0))) if p.name == "battery" else p for p in parts]
    assert [pair[:2] for pair in fit.collisions(lifted)] == [("lid", "battery")]


def test_a_screw_in_the_air_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from hardware.mechanics import clip, fit

    away = build123d.Location((0, 40.0, 0))
    parts = tuple(p.placed(away) if p.name == "pod screw right" else p for p in clip.assembly())
    monkeypatch.setattr(clip, "assembly", lambda: parts)
    assert any("pod screw right" in line for line in fit.screws_outside())


def test_arms_as_they_come_from_the_cutter_have_sharp_edges_at_the_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hardware.mechanics import clip, fit

    assert fit.sharp_edges() == []
    sharp = clip.arm(rounded=False)
    parts = tuple(replace(p, solid=sharp) if p.name == "arm right" else p for p in clip.assembly())
    monkeypatch.setattr(clip, "assembly", lambda: parts)
    assert fit.sharp_edges()


def test_a_picture_of_another_part_has_another_digest() -> None:
    from hardware.mechanics import pictures

    scene = pictures.scenes()["strain-link"]()
    before = pictures.digest(scene)
    scene.parts = [scene.parts[0].placed(build123d.Location((0, 0, 1.0))), *scene.parts[1:]]
    assert pictures.digest(scene) != before


def test_loads_that_do_not_balance_are_refused() -> None:
    from hardware.mechanics import clip, fem
    from hardware.mechanics.parameters import parameters

    require_tool("ccx", REMEDY)
    load = fem.RoundLoad(clip.middle_axis(), parameters().clip.axle_diameter / 2 + 0.01, (0, 0, 100.0))
    with pytest.raises(ValueError, match="do not balance"):
        fem.solve(clip.arm(rounded=False), [load], 3.0)


def test_finite_elements_follow_a_beam_on_a_coarse_mesh_too() -> None:
    from hardware.mechanics import fem

    require_tool("ccx", REMEDY)
    assert max(fem.beam_check(size=2.5)) < 0.03


def test_tables_with_other_figures_are_not_the_same() -> None:
    from hardware.mechanics import tables

    assert tables.same("| arm | 3.37 |", "| arm | 3.40 |")
    assert not tables.same("| arm | 3.37 |", "| arm | 3.60 |")
    assert not tables.same("| arm | 3.37 |", "| latch | 3.37 |")
