"""Every metal part in a load path: stress, safety factor, strain at the gauges, deflection, fatigue."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hardware.mechanics import clip, fem, rollers, strain_link
from hardware.mechanics.fem import RoundLoad, Solution
from hardware.mechanics.parameters import constants, parameters

MESHES = (2.0, 1.4, 1.0)
"""Sizes of elements that convergence is shown with, mm; the last one counts."""

SOURCES = (
    "clip.py",
    "fem.py",
    "rollers.py",
    "shapes.py",
    "strain_link.py",
    "strength.py",
)
"""Modules that the results hang on."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bandsense" / "hardware"
"""Where results are kept, beside those of `tools/check_hardware.py`."""

TABLES = ("band", "clip", "strain_link", "material")
"""Tables of the parameters that they hang on."""

WORST_THICKNESS = "tube_flattened"
"""Of `[band]`: the tube presses the middle roller more than any flat band."""


@dataclass(frozen=True)
class Case:
    """One part and what loads it.

    Attributes:
        name: of the part.
        solid: makes it.
        loads: makes its loads at a tension in newtons.
        gauge: gives the mean of |ε| of the four gauges and the list of them; None where there are none.
        deflection: gives how far the force's point moves against the supports, mm.
        force_n: the force that the deflection belongs to, at a tension.
    """

    name: str
    solid: Callable[[], Any]
    loads: Callable[[float], Sequence[RoundLoad]]
    gauge: Callable[[Solution], list[float]] | None = None
    deflection: Callable[[Solution], float] | None = None
    sizes: tuple[float, ...] = MESHES


@dataclass(frozen=True)
class Result:
    """What the finest mesh says at the proof load, and how the meshes differ.

    Attributes:
        name: of the part.
        stress_mpa: largest equivalent stress at the proof load.
        strains: of the gauges at the proof load; compression is negative.
        deflection_mm: at the proof load.
        convergence: size, number of nodes, stress, mean |strain| for each mesh.
        residual_n: of the bearings that hold the part in space.
    """

    name: str
    stress_mpa: float
    strains: tuple[float, ...]
    deflection_mm: float | None
    convergence: tuple[tuple[float, int, float, float], ...]
    residual_n: float

    def safety(self, tension_n: float) -> float:
        """Return the factor against yield at a tension."""
        return float(parameters().material.yield_ / self.stress_mpa * constants().load.proof_n / tension_n)

    @property
    def output_mv_per_v(self) -> float:
        """Full bridge at the proof load: gauge factor 2 times the mean of the four |ε|."""
        return 2.0 * float(np.mean(np.abs(self.strains))) * 1000.0

    def fatigue_factor(self, tension_n: float) -> float:
        """Return Goodman's factor for 10⁶ pulls from nothing to a tension."""
        material = parameters().material
        half = 0.5 * self.stress_mpa * tension_n / constants().load.proof_n
        return float(1.0 / (half / material.fatigue_1e6 + half / material.ultimate))


def forces_n(tension_n: float) -> tuple[float, float, float]:
    """Return the clip's forces at a tension with the worst band.

    Returns:
        On the middle roller; on one outer roller, upright; how hard an outer one is pushed outwards.
    """
    thickness = getattr(parameters().band, WORST_THICKNESS)
    theta = float(rollers.inclination(thickness))
    return 2 * tension_n * np.sin(theta), tension_n * np.sin(theta), tension_n * (1 - np.cos(theta))


def cases() -> tuple[Case, ...]:
    """Return every metal part in the load paths of clip and strain link."""
    p = parameters().clip
    (hx, hz), (lx, lz), (_, mz) = clip.hinge_axis(), clip.latch_axis(), clip.middle_axis()
    inner, outer = clip.plate_y()
    low, high = clip.beam_z()
    half = p.roller_length / 2
    bore = p.axle_diameter / 2
    nose_z = high - clip.NOSE_SINK + clip.NOSE_RADIUS
    centre = (inner + outer) / 2

    def arm(tension: float) -> list[RoundLoad]:
        force = forces_n(tension)[0] / 2
        return [
            RoundLoad((0, mz), bore + 0.01, (0, 0, force)),
            RoundLoad((hx, hz), bore + 0.02, (0, 0, -force / 2)),
            RoundLoad((p.half_span, nose_z + 0.27), clip.NOSE_RADIUS + 0.3, (0, 0, -force / 2), within=40.0),
        ]

    def arm_gauges(s: Solution) -> list[float]:
        strain, at = s.strain(0), p.gauge_position

        def mean(z: float) -> float:
            return fem.patch_mean(
                s,
                strain,
                lambda n: (
                    (np.abs(n[:, 0] - at) < p.gauge_length / 2)
                    & (np.abs(n[:, 2] - z) < 1e-4)
                    & (np.abs(n[:, 1] - centre - 0.2) < 1.5)
                ),
            )

        return [mean(high), mean(low)] * 2

    def arm_deflection(s: Solution) -> float:
        def at(x: float, z: float, reach: float) -> float:
            near = np.hypot(s.nodes[:, 0] - x, s.nodes[:, 2] - z) < reach
            return float(s.displacement[near, 2].mean())

        return at(0, mz, bore + 0.6) - 0.5 * (at(hx, hz, bore + 0.6) + at(p.half_span, high - 1, 1.5))

    def tethered(pull: float) -> list[RoundLoad]:
        """The clip has swung round, so that each leg of the bridle pulls away from the middle axle."""
        (tx, tz), leg = clip.tether_axis(), np.array((0.0, mz)) - clip.tether_axis()
        x, z = -leg / np.linalg.norm(leg) * pull / 2
        return [
            RoundLoad((tx, tz), clip.TETHER_RADIUS, (x, 0, z)),
            RoundLoad((0, mz), bore + 0.01, (-x, 0, -z)),
        ]

    def lifted(pull: float) -> list[RoundLoad]:
        """The band holds the clip at the hinge's roller while the bridle pulls upwards."""
        return [
            RoundLoad(clip.tether_axis(), clip.TETHER_RADIUS, (0, 0, pull / 2)),
            RoundLoad((hx, hz), bore + 0.02, (0, 0, -pull / 2)),
        ]

    def latch(tension: float) -> list[RoundLoad]:
        force = forces_n(tension)[0] / 4
        return [
            RoundLoad((lx, nose_z), clip.NOSE_RADIUS, (0, 0, force), hole=False, within=40.0),
            RoundLoad((lx, lz), bore + 0.02, (0, 0, -force)),
        ]

    def middle_axle(tension: float) -> list[RoundLoad]:
        force = forces_n(tension)[0] / 2
        inside = half - p.bearings_per_end_middle * p.bearing_width
        return _axle((0, mz), force, (inside, half), (inner, outer))

    def outer_axle(tension: float) -> list[RoundLoad]:
        force = forces_n(tension)[1] / 2
        return _axle(
            (hx, hz), -force, (half - p.bearings_per_end_outer * p.bearing_width, half), (inner, outer)
        )

    def _axle(
        axis: tuple[float, float], force: float, bearing: tuple[float, float], plate: tuple[float, float]
    ) -> list[RoundLoad]:
        loads = []
        for sign in (1, -1):
            for (y0, y1), f in ((bearing, force), (plate, -force)):
                between = (y0, y1) if sign > 0 else (-y1, -y0)
                loads.append(RoundLoad(axis, bore, (0, 0, f), hole=False, between=between))
        return loads

    def cheek(tension: float) -> list[RoundLoad]:
        force = forces_n(tension)[2] / 2
        return [RoundLoad((hx, hz), 1.1, (-force, 0, 0)), RoundLoad((lx, lz), 1.1, (force, 0, 0))]

    link = parameters().strain_link

    def link_loads(tension: float) -> list[RoundLoad]:
        return [
            RoundLoad((side * link.length / 2, 0), link.eye_bore / 2, (side * tension, 0, 0))
            for side in (-1, 1)
        ]

    def link_gauges(s: Solution) -> list[float]:
        strain, outside = s.strain(0), link.ring_radius + link.ring_wall / 2

        def mean(z: float, side: int) -> float:
            return fem.patch_mean(
                s,
                strain,
                lambda n: (
                    (np.abs(n[:, 0]) < p.gauge_length / 2)
                    & (np.abs(side * n[:, 2] - z) < 0.25)
                    & (np.abs(n[:, 1]) < 3.0)
                ),
            )

        return [mean(z, side) for side in (1, -1) for z in (outside - link.ring_wall, outside)]

    def link_deflection(s: Solution) -> float:
        ends = np.abs(s.nodes[:, 0]) > link.length / 2
        right = ends & (s.nodes[:, 0] > 0)
        left = ends & (s.nodes[:, 0] < 0)
        return float(s.displacement[right, 0].mean() - s.displacement[left, 0].mean())

    def axle_solid(name: str) -> Callable[[], Any]:
        # turned to lie along x would change the loads' axis: its two ends are bored alike, so leave it
        return lambda: next(part.solid for part in clip.assembly() if part.name == f"{name} axle")

    return (
        Case("arm", lambda: clip.arm(rounded=False), arm, arm_gauges, arm_deflection),
        Case("arm, hanging by the tether", lambda: clip.arm(rounded=False), tethered),
        Case("arm, tether pulled upwards", lambda: clip.arm(rounded=False), lifted),
        Case("latch", lambda: clip.latch(rounded=False), latch),
        Case("middle axle", axle_solid("middle"), middle_axle),
        Case("outer axles", axle_solid("hinge"), outer_axle),
        Case("cheek", clip.cheek, cheek, sizes=(1.0, 0.7, 0.5)),
        Case("strain link", strain_link.link, link_loads, link_gauges, link_deflection, (3.0, 2.2, 1.7)),
    )


def examine(case: Case) -> Result:
    """Solve one case on every mesh."""
    proof = constants().load.proof_n
    solid, loads = case.solid(), case.loads(proof)
    lines = []
    for size in case.sizes:
        solution = fem.solve(solid, loads, size)
        strains = case.gauge(solution) if case.gauge else []
        mean = float(np.mean(np.abs(strains))) if strains else 0.0
        lines.append((size, solution.nodes.shape[0], float(solution.von_mises.max()), mean))
    deflection = case.deflection(solution) if case.deflection else None
    return Result(case.name, lines[-1][2], tuple(strains), deflection, tuple(lines), solution.residual_n)


@cache
def results() -> tuple[Result, ...]:
    """Return the results of all cases: minutes of computing, or what was computed for these sources."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((here / name).read_bytes())
    digest.update(repr([vars(parameters())[name] for name in TABLES]).encode())
    digest.update(repr(constants().load).encode())
    stored = CACHE / f"strength-{digest.hexdigest()[:16]}.json"
    if stored.exists():
        data = json.loads(stored.read_text("utf-8"))
        return tuple(
            Result(
                **{**r, "strains": tuple(r["strains"]), "convergence": tuple(map(tuple, r["convergence"]))}
            )
            for r in data
        )
    found = tuple(examine(case) for case in cases())
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps([asdict(result) for result in found], indent=1), "utf-8")
    return found


def roller_factor(tension_n: float) -> float:
    """Return strength over bending stress of a carbon roller with a tube of `[band]` pressed on its middle.

    M = F L/4 − F w/8 for a load over a width w between bearings L apart; σ = M/W, W = π(D⁴ − d⁴)/32D.
    """
    p, width = parameters().clip, parameters().band.tube_diameter
    span = p.roller_length - p.bearing_width * p.bearings_per_end_middle
    moment = forces_n(tension_n)[0] * (span / 4 - width / 8)
    outer, bore = p.roller_diameter, p.roller_bore
    return float(
        parameters().material.carbon_strength / (moment * 32 * outer / (np.pi * (outer**4 - bore**4)))
    )


def bearing_factor(tension_n: float) -> float:
    """Return static rating over load of the most loaded bearing (ISO 76)."""
    p = parameters().clip
    middle, outer, outwards = forces_n(tension_n)
    outer = float(np.hypot(outer, outwards))
    each = max(middle / 2 / p.bearings_per_end_middle, outer / 2 / p.bearings_per_end_outer)
    return float(parameters().material.bearing_static / each)


def share_of_full_scale(tension_n: float) -> float:
    """Return the clip's bridge output at a tension over the converter's full scale."""
    full_scale = constants().converter.full_scale_mv_per_v
    return float(results()[0].output_mv_per_v * tension_n / constants().load.proof_n / full_scale)


FLIGHTS = (
    ("thin band at 60 N over 0.6 m, clip in its middle", 60.0, 0.6, 0.03, 0.06),
    ("thick band at 400 N over 1 m, clip in its middle", 400.0, 1.0, 0.32, 0.06),
    ("thick band at 400 N over 1 m, link at its end", 400.0, 1.0, 0.32, 0.51),
)
"""Name, tension in N, how far stretched in m, mass of band and of sensor in kg."""

TETHER_N = 100e3
"""Stiffness EA of 5 mm polyamide cord (A)."""

TETHER_M = 0.5
"""Its length."""


def flight(
    force_n: float, stretch_m: float, band_kg: float, sensor_kg: float
) -> tuple[float, float, float, float]:
    """Return what a band that is let go does, if no energy is lost.

    The band stores W = F x/(p + 1), p = 0.62 being the exponent of `docs/bands.md`; a third of its mass
    counts.
    A tether that is taut at once stops the sensor with F = √(2 E · EA/L).

    Returns:
        Energy stored, J; the sensor's speed, m/s; its energy, J; pull on the tether, N.
    """
    energy = force_n * stretch_m / 1.62
    speed = float(np.sqrt(2.0 * energy / (band_kg / 3.0 + sensor_kg)))
    of_sensor = 0.5 * sensor_kg * speed**2
    return energy, speed, of_sensor, float(np.sqrt(2.0 * of_sensor * TETHER_N / TETHER_M))
