"""Write every part as STEP and STL, look whether the meshes are watertight, and slice what is printed.

python -m hardware.mechanics.export          # all parts into build/hardware/mechanics
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import build123d as b
import numpy as np

from hardware.mechanics import clip, inline, strain_link
from hardware.mechanics.parameters import ROOT

OUT = ROOT / "build" / "hardware" / "mechanics"
SLICER = "prusa-slicer"
STOCK = {
    "layer_height": "0.2", "first_layer_height": "0.2", "perimeters": "3", "fill_density": "100%",
    "fill_pattern": "rectilinear", "nozzle_diameter": "0.4", "filament_diameter": "1.75",
    "support_material": "0", "bed_shape": "0x0,180x0,180x180,0x180", "max_print_height": "180",
    "temperature": "245", "bed_temperature": "90", "filament_density": "1.05", "skirts": "0",
}  # fmt: skip
"""An ordinary 0.4 mm nozzle and 0.2 mm layers on a bed of 180 mm, solid, no supports."""

MOST_OVERHANG_MM = 12.0
"""Longest bridge that a stock profile spans well; downward faces wider than this need supports."""


@dataclass(frozen=True)
class Printed:
    """What slicing says.

    Attributes:
        name: of the part.
        seconds: of printing.
        filament_mm: length.
        unsupported_mm2: downward area steeper than 45°, off the bed, that no bridge of 12 mm spans.
    """

    name: str
    seconds: float
    filament_mm: float
    unsupported_mm2: float


def printed() -> dict[str, Any]:
    """Return each printed part, lying on its marked face at z = 0."""
    found: dict[str, Any] = {}
    for part in (*clip.assembly(), *inline.assembly("s-cell"), *inline.assembly("strain-link")):
        if part.printed and part.made not in found:
            solid = part.solid.moved(b.Location((0, 0, 0), part.flat))
            low = solid.bounding_box()
            centre = low.center()
            found[part.made] = solid.moved(b.Location((-centre.X, -centre.Y, -low.min.Z)))
    return found


def metal() -> dict[str, Any]:
    """Return each part that is cut from metal or tube."""
    found: dict[str, Any] = {"strain-link": strain_link.link()}
    for part in clip.assembly():
        if part.material in ("aluminium", "carbon") and part.made not in found:
            found[part.made.replace(" ", "-")] = part.solid
    return found


def export() -> list[Path]:
    """Write STEP and STL of every part; return the STL files."""
    OUT.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, solid in {**printed(), **metal()}.items():
        b.export_step(solid, str(OUT / f"{name}.step"))
        path = OUT / f"{name}.stl"
        b.export_stl(solid, str(path), tolerance=0.02, angular_tolerance=0.2)
        paths.append(path)
    for name, parts in (("clip", clip.assembly()), ("link", inline.assembly())):
        b.export_step(b.Compound(children=[part.solid for part in parts]), str(OUT / f"{name}-assembly.step"))
    return paths


def watertight(path: Path) -> tuple[bool, float]:
    """Return whether a mesh is closed and consistently wound, and its volume in mm³."""
    import trimesh

    mesh = trimesh.load_mesh(str(path))
    return bool(mesh.is_watertight and mesh.is_winding_consistent), float(mesh.volume)


def missing() -> str | None:
    """Return the command that installs the slicer where it is missing."""
    return None if shutil.which(SLICER) else "sudo apt-get install prusa-slicer"


def overhang_mm2(path: Path) -> float:
    """Return the area that hangs over more than a bridge can span.

    Faces that look down more steeply than 45° and lie off the bed are grouped by connection; a group whose
    smaller extent is within `MOST_OVERHANG_MM` is a bridge and does not count.
    """
    import trimesh

    mesh = trimesh.load_mesh(str(path))
    down = (mesh.face_normals[:, 2] < -0.72) & (mesh.triangles_center[:, 2] > 0.05)
    chosen = np.flatnonzero(down)
    if not chosen.size:
        return 0.0
    pairs = mesh.face_adjacency[np.all(np.isin(mesh.face_adjacency, chosen), axis=1)]
    area = 0.0
    for group in trimesh.graph.connected_components(pairs, nodes=chosen):
        points = mesh.triangles[group].reshape(-1, 3)[:, :2]
        extent = np.ptp(points, axis=0)
        if extent.min() > MOST_OVERHANG_MM:
            area += float(mesh.area_faces[group].sum())
    return area


def overhang_on_its_head_mm2() -> float:
    """Return the overhang of a tray that is laid the wrong way up: what the measure must find."""
    solid = printed()["clip-tray"].moved(b.Location((0, 0, 0), (180, 0, 0)))
    low = solid.bounding_box().min.Z
    path = OUT / "clip-tray-on-its-head.stl"
    b.export_stl(solid.moved(b.Location((0, 0, -low))), str(path), tolerance=0.02, angular_tolerance=0.2)
    return overhang_mm2(path)


def slice_part(path: Path) -> Printed:
    """Slice one part without supports.

    Raises:
        RuntimeError: the slicer failed.
    """
    code = path.with_suffix(".gcode")
    profile = path.with_suffix(".ini")
    profile.write_text("".join(f"{key} = {value}\n" for key, value in STOCK.items()), "utf-8")
    done = subprocess.run(  # noqa: S603 # a fixed program on our own file
        [
            SLICER,
            "--export-gcode",
            "--center",
            "90,90",
            "--load",
            str(profile),
            "--output",
            str(code),
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not code.exists():
        raise RuntimeError(f"{path.name} does not slice: {done.stdout}{done.stderr}")
    text = code.read_text("utf-8", errors="replace")
    length = re.search(r"filament used \[mm\] = ([\d.]+)", text)
    spent = re.search(r"estimated printing time \(normal mode\) = (.+)", text)
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    seconds = sum(int(n) * units[u] for n, u in re.findall(r"(\d+)([dhms])", spent.group(1))) if spent else 0
    return Printed(path.stem, float(seconds), float(length.group(1)) if length else 0.0, overhang_mm2(path))


if __name__ == "__main__":
    for stl in export():
        closed, volume = watertight(stl)
        print(f"{stl.name:28} {'watertight' if closed else 'OPEN':10} {volume / 1000:7.2f} cm³")
