"""Linear static finite elements: gmsh meshes a part, CalculiX solves it (`ccx`).

Tetrahedra of second order. Every load is a pressure between a pin and a hole, or a bearing and an axle, that
falls with the cosine of the angle to its direction. The loads on a part balance; six bearings without
reaction keep it from floating.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build123d as b
import numpy as np
from numpy.typing import NDArray

from hardware.mechanics.parameters import parameters

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CCX = "ccx"


@dataclass(frozen=True)
class RoundLoad:
    """A force that a round partner brings in.

    Attributes:
        axis: a point on the axis, which is parallel to y, as x, z; or to `along`.
        radius: of the loaded surface, mm.
        force: x, y, z in newtons; across the axis.
        hole: whether the surface is a hole's (pushed outwards) or an axle's (pushed inwards).
        between: limits along the axis; None for the whole surface.
        along: index of the coordinate that the axis is parallel to.
        within: degrees to either side of the force where the partners touch.
    """

    axis: tuple[float, float]
    radius: float
    force: tuple[float, float, float]
    hole: bool = True
    between: tuple[float, float] | None = None
    along: int = 1
    within: float = 90.0


@dataclass(frozen=True)
class Solution:
    """Nodal results, in the part's coordinates.

    Attributes:
        nodes: float64[n, 3], mm.
        displacement: float64[n, 3], mm.
        stress: float64[n, 6], MPa: xx, yy, zz, xy, yz, zx.
        elements: int64[m, 10].
        surface: int64[k], nodes on the part's skin.
        residual_n: largest reaction of the six bearings, newtons.
    """

    nodes: Floats
    displacement: Floats
    stress: Floats
    elements: Ints
    surface: Ints
    residual_n: float

    @property
    def von_mises(self) -> Floats:
        """Equivalent stress at each node, MPa."""
        xx, yy, zz, xy, yz, zx = self.stress.T
        return np.asarray(
            np.sqrt(0.5 * ((xx - yy) ** 2 + (yy - zz) ** 2 + (zz - xx) ** 2) + 3 * (xy**2 + yz**2 + zx**2))
        )

    def strain(self, axis: int) -> Floats:
        """Strain along x, y or z at each node, by Hooke's law."""
        material = parameters().material
        s = self.stress
        others = [i for i in range(3) if i != axis]
        return np.asarray((s[:, axis] - material.poisson * s[:, others].sum(axis=1)) / material.young)


def missing() -> str | None:
    """Return the command that installs what is missing here, or None."""
    return None if shutil.which(CCX) else "sudo apt-get install calculix-ccx"


def solve(solid: Any, loads: Sequence[RoundLoad], size: float, around: float = 20.0) -> Solution:
    """Return what the loads do to an aluminium part.

    Args:
        solid: build123d solid; longest along x.
        loads: must balance within 1 %.
        size: of elements, mm.
        around: elements around a full circle where `size` is 1 mm; fewer, as it is larger.

    Raises:
        ValueError: the loads do not balance, or none of the surface is where one should act.
        RuntimeError: CalculiX failed.
    """
    nodes, elements, triangles = _mesh(solid, size, around / size)
    forces = np.zeros_like(nodes)
    for load in loads:
        forces += _nodal(nodes, triangles, load)
    biggest = max(float(np.linalg.norm(load.force)) for load in loads)
    if np.abs(forces.sum(axis=0)).max() > 0.01 * biggest:
        raise ValueError(f"loads do not balance: {forces.sum(axis=0)} N remain")
    _balance(nodes, forces)
    return _run(nodes, elements, np.unique(triangles), forces, _bearings(nodes))


def _balance(nodes: Floats, forces: Floats) -> None:
    """Take away the small force and moment that an uneven mesh leaves, by a rigid field on loaded nodes."""
    loaded = np.flatnonzero(np.abs(forces).sum(axis=1))
    arms = nodes[loaded] - nodes[loaded].mean(axis=0)
    x, y, z = arms.T
    nought = np.zeros_like(x)
    turn = np.stack(
        (np.stack((nought, z, -y), 1), np.stack((-z, nought, x), 1), np.stack((y, -x, nought), 1)), 1
    )
    field = np.concatenate((np.broadcast_to(np.eye(3), (loaded.size, 3, 3)), turn.transpose(0, 2, 1)), axis=2)
    wrench = np.concatenate((forces.sum(axis=0), np.cross(arms, forces[loaded]).sum(axis=0)))
    moments = np.cross(arms[:, :, None], field, axisa=1, axisb=1, axisc=1).sum(axis=0)
    system = np.vstack((field.sum(axis=0), moments))
    forces[loaded] -= field @ np.linalg.lstsq(system, wrench, rcond=None)[0]


def _mesh(solid: Any, size: float, around: float) -> tuple[Floats, Ints, Ints]:
    import gmsh

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "part.step")
        b.export_step(solid, path)
        gmsh.initialize(interruptible=False)
        try:
            gmsh.option.setNumber("General.Verbosity", 1)
            gmsh.option.setNumber("General.NumThreads", 1)  # with more, no two meshes are alike
            gmsh.model.occ.importShapes(path)
            gmsh.model.occ.synchronize()
            gmsh.option.setNumber("Mesh.MeshSizeMax", size)
            gmsh.option.setNumber("Mesh.MeshSizeMin", size / 5)
            gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", around)
            gmsh.option.setNumber("Mesh.ElementOrder", 2)
            gmsh.model.mesh.generate(3)
            tags, points, _ = gmsh.model.mesh.getNodes()
            index = np.zeros(int(tags.max()) + 1, dtype=np.int64)
            index[tags] = np.arange(tags.size)
            tetrahedra = index[gmsh.model.mesh.getElementsByType(11)[1].reshape(-1, 10)]
            triangles = index[gmsh.model.mesh.getElementsByType(9)[1].reshape(-1, 6)]
        finally:
            gmsh.finalize()
    used = np.unique(tetrahedra)
    compact = np.full(tags.size, -1, dtype=np.int64)
    compact[used] = np.arange(used.size)
    return points.reshape(-1, 3)[used], compact[tetrahedra], compact[triangles]


def _nodal(nodes: Floats, triangles: Ints, load: RoundLoad) -> Floats:
    across = [i for i in range(3) if i != load.along]
    corners = nodes[triangles[:, :3]]
    radial = corners[:, :, across] - np.asarray(load.axis)
    on = np.all(np.abs(np.linalg.norm(radial, axis=2) - load.radius) < 0.02, axis=1)
    centre = corners.mean(axis=1)
    if load.between is not None:
        on &= (centre[:, load.along] > load.between[0]) & (centre[:, load.along] < load.between[1])
    normal = np.zeros_like(centre)
    normal[:, across] = centre[:, across] - np.asarray(load.axis)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    force = np.asarray(load.force, dtype=np.float64)
    outward = normal @ (force / np.linalg.norm(force)) * (1.0 if load.hole else -1.0)
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    pressure = np.where(on, np.maximum(outward - np.cos(np.radians(load.within)), 0.0), 0.0) * area
    pushes = normal * (pressure * (1.0 if load.hole else -1.0))[:, None]
    total = pushes.sum(axis=0) @ force / np.linalg.norm(force) ** 2
    if total <= 0.0:
        raise ValueError(f"no surface of radius {load.radius} about {load.axis}")
    result = np.zeros_like(nodes)
    # a constant pressure on a triangle of second order acts on its middle nodes alone
    for k in range(3, 6):
        np.add.at(result, triangles[:, k], pushes / total / 3.0)
    stray = result.sum(axis=0) - force  # what the mesh's unevenness leaves across the force
    loaded = np.flatnonzero(np.abs(result).sum(axis=1))
    result[loaded] -= stray / loaded.size
    return result


def _bearings(nodes: Floats) -> list[tuple[int, int]]:
    first, second = int(nodes[:, 0].argmin()), int(nodes[:, 0].argmax())
    line = nodes[second] - nodes[first]
    off = np.cross(nodes - nodes[first], line / np.linalg.norm(line))
    third = int(np.linalg.norm(off, axis=1).argmax())
    aside = nodes[third] - nodes[first]
    across = 2 if abs(aside[1]) > abs(aside[2]) else 1
    return [(first, 0), (first, 1), (first, 2), (second, 1), (second, 2), (third, across)]


def _run(
    nodes: Floats, elements: Ints, surface: Ints, forces: Floats, fixed: Sequence[tuple[int, int]]
) -> Solution:
    material = parameters().material
    lines = ["*NODE, NSET=ALL"]
    lines += [f"{i},{x:.9g},{y:.9g},{z:.9g}" for i, (x, y, z) in enumerate(nodes, 1)]
    lines.append("*ELEMENT, TYPE=C3D10, ELSET=PART")
    order = [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]  # gmsh and CalculiX count the last two edges the other way round
    lines += [f"{i}," + ",".join(str(n + 1) for n in row[order]) for i, row in enumerate(elements, 1)]
    lines += ["*MATERIAL, NAME=AL", "*ELASTIC", f"{material.young},{material.poisson}"]
    lines += ["*SOLID SECTION, ELSET=PART, MATERIAL=AL", "*BOUNDARY"]
    lines += [f"{node + 1},{axis + 1},{axis + 1}" for node, axis in fixed]
    lines += ["*NSET, NSET=FIXED", *[str(n + 1) for n in dict.fromkeys(node for node, _ in fixed)]]
    lines += ["*STEP", "*STATIC", "*CLOAD"]
    for node in np.flatnonzero(np.abs(forces).sum(axis=1)):
        lines += [f"{node + 1},{axis + 1},{forces[node, axis]:.9g}" for axis in range(3)]
    lines += ["*NODE FILE", "U", "*EL FILE", "S", "*NODE PRINT, NSET=FIXED", "RF", "*END STEP", ""]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "part.inp").write_text("\n".join(lines), "utf-8")
        done = subprocess.run(  # noqa: S603 # a fixed program on a file just written
            [CCX, "part"],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "2"},
            capture_output=True,
            text=True,
            check=False,
        )
        frd = Path(folder) / "part.frd"
        if done.returncode or not frd.exists():
            raise RuntimeError(f"CalculiX failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        displacement = _block(frd, "DISP", nodes.shape[0], 3)
        stress = _block(frd, "STRESS", nodes.shape[0], 6)
        reactions = [
            abs(float(word))
            for line in (Path(folder) / "part.dat").read_text("utf-8").splitlines()
            if len(words := line.split()) == 4 and words[0].isdigit()
            for word in words[1:]
        ]
    return Solution(nodes, displacement, stress, elements, surface, max(reactions, default=0.0))


def _block(path: Path, name: str, count: int, columns: int) -> Floats:
    result = np.zeros((count, columns))
    reading = False
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(" -4"):
                reading = line.split()[1] == name
            elif reading and line.startswith(" -1"):
                node = int(line[3:13])
                result[node - 1] = [float(line[13 + 12 * k : 25 + 12 * k]) for k in range(columns)]
            elif reading and line.startswith(" -3"):
                return result
    raise RuntimeError(f"CalculiX wrote no {name}")


def patch_mean(solution: Solution, values: Floats, inside: Callable[[Floats], NDArray[np.bool_]]) -> float:
    """Return the mean of nodal values over the skin's nodes that a test of their coordinates accepts."""
    chosen = solution.surface[inside(solution.nodes[solution.surface])]
    if chosen.size < 4:
        raise ValueError("too few nodes in the patch; use a finer mesh")
    return float(values[chosen].mean())


def beam_check(size: float = 1.5) -> tuple[float, float]:
    """Return the relative errors of strain and deflection of a bar in three-point bending against theory.

    A bar of 4 mm by 5 mm with three holes on its middle line, 60 mm apart at the ends: the strain is taken
    halfway, where ε = F x / (2 E W); the deflection by Timoshenko, F L³/(48 E I) + F L/(4 κ G A).
    """
    material = parameters().material
    width, height, span, force = 4.0, 5.0, 60.0, 100.0
    sketch = b.Rectangle(span + 10, height)
    for x in (-span / 2, 0, span / 2):
        sketch -= b.Pos(x, 0) * b.Circle(0.5)
    solid = b.extrude(sketch, amount=width).moved(b.Location((0, width / 2, 0), (90, 0, 0)))
    loads = [
        RoundLoad((0, 0), 0.5, (0, 0, force)),
        RoundLoad((-span / 2, 0), 0.5, (0, 0, -force / 2)),
        RoundLoad((span / 2, 0), 0.5, (0, 0, -force / 2)),
    ]
    solution = solve(solid, loads, size)
    at = span / 4
    top = patch_mean(
        solution,
        solution.strain(0),
        lambda p: (np.abs(p[:, 0] - at) < 1.6) & (np.abs(p[:, 2] - height / 2) < 1e-6),
    )
    inertia = width * height**3 / 12
    theory = -(force / 2 * (span / 2 - at)) / (material.young * inertia / (height / 2))
    shear = material.young / (2 * (1 + material.poisson)) * 5 / 6 * width * height
    deflection = force * span**3 / (48 * material.young * inertia) + force * span / (4 * shear)

    def height_of(x: float) -> float:
        near = (np.abs(solution.nodes[:, 0] - x) < 0.8) & (np.abs(solution.nodes[:, 2]) < 0.8)
        return float(solution.displacement[near, 2].mean())

    found = height_of(0) - 0.5 * (height_of(-span / 2) + height_of(span / 2))
    return abs(abs(top / theory) - 1), abs(found / deflection - 1)
