"""Pictures of the assemblies and of every step of building them, rendered from the model without a display.

python -m hardware.mechanics.pictures [NAME ...]     # into build/hardware/pictures
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import build123d as b
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from hardware.mechanics import clip, inline, rollers, strain_link
from hardware.mechanics.parameters import ROOT, parameters
from hardware.mechanics.shapes import Part, box, upright

OUT = ROOT / "build" / "hardware" / "pictures"
COMMITTED = ROOT / "hardware" / "docs" / "pictures"
SIZE = (1400, 950)
OVERSAMPLING = 2
MARGIN = 250
"""Left and right, for labels, pixels."""

Vector = tuple[float, float, float]
BATTERY = ("battery", "battery plug")
INK, ARROW, BAND, GAUGE = "#26323c", "#d02c2c", "#d9574a", "#b8860b"


@dataclass
class Scene:
    """What a picture shows.

    Attributes:
        parts: where they are.
        camera: from where, as a direction.
        labels: text to point: a part's name, or a point.
        arrows: from, to.
        title: on top.
        zoom: over what fits.
    """

    parts: Sequence[Part]
    camera: Vector = (-1.0, -1.6, 1.0)
    labels: dict[str, str | Vector] = field(default_factory=dict)
    arrows: Sequence[tuple[Vector, Vector]] = ()
    title: str = ""
    zoom: float = 1.0


def _mesh(solid: Any) -> Any:
    import pyvista

    points, faces = solid.tessellate(0.08, 0.25)
    cells = np.array([(3, *face) for face in faces], dtype=np.int64).ravel()
    return pyvista.PolyData(np.array([tuple(p) for p in points]), cells).clean(tolerance=1e-3, absolute=True)


def render(scene: Scene, path: Path) -> None:
    """Draw one scene as PNG."""
    os.environ.setdefault("PYVISTA_OFF_SCREEN", "true")
    import pyvista

    pyvista.global_theme.allow_empty_mesh = True
    width, height = (n * OVERSAMPLING for n in SIZE)
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=[width, height], lighting="none")
    plotter.set_background("white")
    view = np.asarray(scene.camera) / np.linalg.norm(scene.camera)
    aside = np.cross(view, (0, 0, 1))
    for direction, strength in (
        (view + 0.4 * aside + (0, 0, 0.9), 0.62),
        (view - 0.9 * aside, 0.30),
        ((0, 0, -1), 0.15),
    ):
        light = pyvista.Light(
            position=tuple(np.asarray(direction) * 1000), focal_point=(0, 0, 0), intensity=strength
        )
        light.positional = False
        plotter.add_light(light)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for part in scene.parts:
        mesh = _mesh(part.solid)
        low, high = np.minimum(low, mesh.points.min(axis=0)), np.maximum(high, mesh.points.max(axis=0))
        plotter.add_mesh(
            mesh, color=part.colour, ambient=0.28, diffuse=0.9, specular=0.08, smooth_shading=False
        )
        edges = mesh.extract_feature_edges(
            28, boundary_edges=False, non_manifold_edges=False, manifold_edges=False
        )
        if edges.n_cells:
            edges.points += 0.1 * view  # before the faces that they belong to
            plotter.add_mesh(edges, color=INK, line_width=2.2 if OVERSAMPLING == 2 else 1.2, lighting=False)
    for start, end in scene.arrows:
        low, high = np.minimum(low, np.minimum(start, end)), np.maximum(high, np.maximum(start, end))
    corners = np.array(
        [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    right = np.cross((0, 0, 1), view)
    right /= np.linalg.norm(right)
    up = np.cross(view, right)
    across, along = corners @ right, corners @ up
    centre = (low + high) / 2
    centre = centre + right * ((across.max() + across.min()) / 2 - centre @ right)
    centre = centre + up * ((along.max() + along.min()) / 2 - centre @ up)
    usable = SIZE[0] - (2 * MARGIN if scene.labels else 120)
    scale = max(np.ptp(across) / usable, np.ptp(along) / (SIZE[1] - 150)) / scene.zoom  # mm per pixel
    camera = plotter.camera
    camera.parallel_projection = True
    camera.focal_point = tuple(centre)
    camera.position = tuple(centre + view * 1000)
    camera.up = (0.0, 0.0, 1.0)
    camera.parallel_scale = scale * SIZE[1] / 2
    camera.clipping_range = (1.0, 3000.0)
    image = Image.fromarray(plotter.screenshot(return_img=True)).resize(SIZE, Image.Resampling.LANCZOS)
    plotter.close()

    def pixel(point: Sequence[float]) -> tuple[float, float]:
        offset = np.asarray(point) - centre
        return SIZE[0] / 2 + float(offset @ right) / scale, SIZE[1] / 2 + 18 - float(offset @ up) / scale - 18

    draw = ImageDraw.Draw(image)
    for start, end in scene.arrows:
        _arrow(draw, pixel(start), pixel(end))
    _labels(draw, scene, pixel, view)
    path.parent.mkdir(parents=True, exist_ok=True)
    used = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox() or (0, 0, *SIZE)
    top, bottom = max(0, used[1] - 24), min(SIZE[1], used[3] + 24)
    if scene.title:
        top = max(0, used[1] - 80)
        draw.text(
            (SIZE[0] / 2, top + 32), scene.title, fill=INK, font=ImageFont.load_default(30), anchor="mm"
        )
    image = image.crop((0, top, SIZE[0], bottom))
    image.quantize(200, method=Image.Quantize.MEDIANCUT, kmeans=2).save(path, optimize=True)


def _arrow(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]) -> None:
    tip, tail = np.asarray(end), np.asarray(start)
    along = (tip - tail) / (np.linalg.norm(tip - tail) + 1e-9)
    across = np.array((-along[1], along[0]))
    neck = tip - 20 * along
    outline = [
        tail + 4 * across,
        neck + 4 * across,
        neck + 11 * across,
        tip,
        neck - 11 * across,
        neck - 4 * across,
        tail - 4 * across,
    ]
    draw.polygon([tuple(p) for p in outline], fill=ARROW, outline="white")


def _labels(
    draw: ImageDraw.ImageDraw,
    scene: Scene,
    pixel: Callable[[Sequence[float]], tuple[float, float]],
    view: Any,
) -> None:
    font = ImageFont.load_default(21)
    by_name = {part.name: part for part in scene.parts}
    anchors: list[tuple[str, float, float]] = []
    for text, target in scene.labels.items():
        if isinstance(target, str):
            bounds = by_name[target].solid.bounding_box()
            middle = bounds.center()
            half = bounds.size * 0.5
            # towards the camera, so that the line ends on what is seen
            target = (
                middle.X + 0.5 * half.X * view[0],
                middle.Y + 0.9 * half.Y * view[1],
                middle.Z + 0.5 * half.Z * view[2],
            )
        anchors.append((text, *pixel(target)))
    anchors.sort(key=lambda a: a[1])
    half_count = (len(anchors) + 1) // 2
    for side, chosen in (("left", anchors[:half_count]), ("right", anchors[half_count:])):
        chosen = sorted(chosen, key=lambda a: a[2])
        if not chosen:
            continue
        wanted = np.array([a[2] for a in chosen])
        gap, rows = 62.0, wanted.copy()
        for i in range(1, rows.size):
            rows[i] = max(rows[i], rows[i - 1] + gap)
        rows -= max(0.0, rows[-1] - (SIZE[1] - 60))
        for i in range(rows.size - 2, -1, -1):
            rows[i] = min(rows[i], rows[i + 1] - gap)
        rows += max(0.0, 90.0 - rows[0])
        for (text, ax, ay), y in zip(chosen, rows, strict=True):
            x = 18 if side == "left" else SIZE[0] - 18
            anchor = "lm" if side == "left" else "rm"
            lines = _wrapped(draw, text, font, MARGIN - 40)
            frame = draw.multiline_textbbox((x, y), lines, font=font, anchor=anchor, spacing=2)
            edge = frame[2] + 6 if side == "left" else frame[0] - 6
            draw.line([(edge, y), (ax, ay)], fill="white", width=5)
            draw.line([(edge, y), (ax, ay)], fill=INK, width=2)
            draw.ellipse([ax - 5, ay - 5, ax + 5, ay + 5], fill=INK, outline="white")
            draw.multiline_text((x, y), lines, fill=INK, font=font, anchor=anchor, spacing=2)


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: Any, width: float) -> str:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


# Scenes


def band(thickness: float, width: float, reach: float = 75.0) -> Part:
    """Return a band through the closed clip."""
    line = rollers.middle_line(thickness, reach)
    along = np.gradient(line, axis=0)
    normal = np.column_stack((-along[:, 1], along[:, 0])) / np.linalg.norm(along, axis=1, keepdims=True)
    outline = np.vstack((line + normal * thickness / 2, (line - normal * thickness / 2)[::-1]))
    sketch = b.make_face(b.Polyline(*[tuple(map(float, p)) for p in outline], close=True))
    return Part("band", upright(sketch, -width / 2, width / 2), "rubber", "band", BAND)


def flat_band(thickness: float, width: float, reach: float = 75.0) -> Part:
    """Return a band that lies on the outer rollers of the open clip."""
    return Part(
        "band", box((-reach, reach), (-width / 2, width / 2), (0.0, thickness)), "rubber", "band", BAND
    )


def gauges() -> list[Part]:
    """Return the four gauges on the arms."""
    p = parameters().clip
    low, high = clip.beam_z()
    inner, outer = clip.plate_y()
    found = []
    for side, sign in (("right", 1), ("left", -1)):
        for name, z in (("upper", (high, high + 0.12)), ("lower", (low - 0.12, low))):
            y = sorted((sign * (inner + 0.5), sign * outer))
            solid = box((p.gauge_position - 3.4, p.gauge_position + 3.4), (y[0], y[1]), z)
            found.append(Part(f"gauge {name} {side}", solid, "bought", "jaw", GAUGE, mass_g=0.0))
    return found


def moved(parts: Iterable[Part], offset: Callable[[Part], Vector]) -> list[Part]:
    """Return parts each moved by its own offset."""
    return [part.placed(b.Location(offset(part))) for part in parts]


def some(parts: Iterable[Part], *words: str, without: Sequence[str] = ()) -> list[Part]:
    """Return the parts whose name has one of the words and none of the others."""
    return [p for p in parts if any(w in p.name for w in words) and not any(w in p.name for w in without)]


def _outwards(part: Part, amount: float) -> Vector:
    y = part.solid.bounding_box().center().Y
    return (0.0, amount * (1 if y > 0 else -1), 0.0) if abs(y) > 20 else (0.0, 0.0, 0.0)


def _clip_exploded(part: Part) -> Vector:
    name, layer = part.name, 0.0
    heights = {
        "lid screw": 95.0,
        "lid": 78.0,
        "gasket": 66.0,
        "tray": 26.0,
        "pod screw": 44.0,
        "board screw": 62.0,
        "battery": 48.0,
    }
    for word, z in heights.items():
        if name.startswith(word) and name != "battery connector":
            return (0.0, 0.0, z)
    if part.made == "board":
        return (0.0, 0.0, 48.0)
    shift = {"hinge": (-34.0, 0.0, -12.0), "middle": (0.0, 0.0, -16.0), "latch": (34.0, 0.0, -12.0)}
    if name.startswith(("arm", "gauge")):
        return _outwards(part, 24.0)
    if name in ("latch right", "latch left"):
        x, y, z = _outwards(part, 24.0)
        return (x + 66.0, y, z)
    if name.startswith("thumb bar screw"):
        return (66.0, 38.0 if "right" in name else -38.0, -2.0)
    if name == "thumb bar":
        return (66.0, 0.0, -2.0)
    if name.startswith("cheek"):
        x, y, z = _outwards(part, 46.0)
        return (x, y, z - 14.0)
    if name == "hinge axle":
        return (-34.0, -64.0, -12.0)
    for word, (x, _, z) in shift.items():
        if name.startswith(word):
            if word == "hinge" and "left" in name:
                layer = 118.0 if "screw" in name else 12.0 if "bearing" in name else 17.0
                return (x, -layer, z)
            layer = (
                58.0
                if "screw" in name
                else 50.0
                if "washer" in name
                else 12.0
                if "bearing" in name
                else 17.0
                if "shim" in name
                else 0.0
            )
            return (x, _outwards(part, layer)[1], z)
    return (0.0, 0.0, 0.0)


def scenes() -> dict[str, Callable[[], Scene]]:
    """Return every picture by name."""
    return {
        "clip": lambda: Scene(
            [*clip.assembly(), *gauges(), band(2.0, 75.0)],
            labels={
                "pod with board and battery": "lid",
                "arm: the flexure": "arm left",
                "strain gauge": "gauge upper left",
                "latch": (clip.latch_axis()[0] + 5.8, -42.3, 3.0),
                "outer roller": (-parameters().clip.half_span - 5.0, -33.0, -5.0),
                "band, to 75 mm wide": (60.0, -20.0, 2.0),
                "hole for the tether, one in each arm": (clip.tether_axis()[0], -42.0, clip.tether_axis()[1]),
            },
        ),
        "clip-open": lambda: Scene(
            [*clip.opened(75.0, 46.0), flat_band(2.0, 75.0)],
            labels={
                "middle roller": "middle roller",
                "latches, swung out": "latch left",
                "band": (60.0, -30.0, 2.0),
            },
            arrows=[((14.0, -45.0, 30.0), (2.0, -45.0, 50.0)), ((44.0, -45.0, -8.0), (32.0, -45.0, -22.0))],
            camera=(1.3, -1.5, 0.75),
            title="Squeeze, pull the thumb bar under the roller, lift, lay the band in",
        ),
        "clip-exploded": lambda: Scene(
            moved([*clip.assembly(), *gauges()], _clip_exploded),
            labels={
                "lid": "lid",
                "gasket": (-12.4, -20.0, 84.5),
                "board": "module",
                "battery": "battery",
                "tray": "tray",
                "arm": "arm left",
                "gauges": "gauge upper left",
                "middle roller": "middle roller",
                "hinge roller": "hinge roller",
                "latch": "latch left",
                "thumb bar": "thumb bar",
                "cheek": "cheek left",
                "axle": "hinge axle",
                "bearing": "hinge bearing left 1",
                "M2x6": "hinge screw left",
            },
            camera=(-1.0, -1.5, 0.9),
        ),
        "clip-step-1": _step_roller,
        "clip-step-2": _step_gauges,
        "clip-step-3": _step_jaw,
        "clip-step-4": _step_base,
        "clip-step-5": _step_latches,
        "clip-step-6": _step_board,
        "clip-step-7": _step_lid,
        "link": lambda: Scene(
            inline.assembly("s-cell"),
            labels={
                "eye bolt M8: to anchor or handle": "eye bolt left",
                "lid": "lid",
                "USB": (22.0, 28.0, 18.0),
                "shell: carries nothing": "shell",
                "to the band": "eye bolt right",
            },
            camera=(0.9, 1.5, 1.1),
        ),
        "link-exploded": lambda: Scene(
            moved(inline.assembly("s-cell"), _link_exploded),
            labels={
                "lid": "lid",
                "gasket": (-33.4, -12.0, 95.0),
                "board": "module",
                "battery": "battery",
                "tray": "tray",
                "S-type cell": "cell",
                "jam nut": "jam nut left",
                "eye bolt": "eye bolt left",
                "shell": "shell",
                "M2x6": "lid screw 3",
                "M2x8": "shell screw 3",
                "M2x4": "board screw 1",
            },
            camera=(-0.9, -1.6, 0.8),
        ),
        "link-step-1": lambda: Scene(
            moved(
                some(inline.assembly("s-cell"), "cell", "jam", "eye", "shell", without=("shell screw",)),
                lambda p: {"shell": (0.0, 0.0, -45.0)}.get(
                    p.name,
                    (14.0 * (1 if "right" in p.name else -1), 0.0, 0.0)
                    if "eye" in p.name
                    else (0.0, 0.0, 0.0),
                ),
            ),
            labels={
                "eye bolt, with thread lock": "eye bolt left",
                "jam nut": (36.0, 0.0, 7.3),
                "cell": "cell",
                "foam tape on the two ribs": (-28.0, 26.0, -38.0),
            },
            arrows=[((0.0, -20.0, -14.0), (0.0, -20.0, -32.0))],
            title="1  Eye bolts and jam nuts on the cell, then the cell into the shell",
        ),
        "link-step-2": lambda: Scene(
            moved(
                some(inline.assembly("s-cell"), "cell", "jam", "eye", "shell", "tray"),
                lambda p: {"tray": (0.0, 0.0, 30.0)}.get(
                    p.name, (0.0, 0.0, 52.0) if "shell screw" in p.name else (0.0, 0.0, 0.0)
                ),
            ),
            labels={
                "M2x8": "shell screw 3",
                "the cell's cable comes up here, tied down by the two slots": (-28.3, 19.0, 41.5),
                "tray": "tray",
            },
            arrows=[((22.0, -30.0, 58.0), (22.0, -30.0, 45.0))],
            camera=(-0.5, -1.0, 1.7),
            title="2  The tray onto the shell, the cable through its hole",
        ),
        "link-step-3": lambda: Scene(
            moved(
                some(
                    inline.assembly("s-cell"),
                    "cell",
                    "jam",
                    "eye",
                    "shell",
                    "tray",
                    "board",
                    "module",
                    "shield",
                    "usb",
                    "connector",
                    "button",
                    "battery",
                ),
                lambda p: (
                    (0.0, 0.0, 46.0)
                    if p.name.startswith("board screw")
                    else (0.0, 0.0, 26.0)
                    if p.made == "board" or p.name in BATTERY
                    else (0.0, 0.0, 0.0)
                ),
            ),
            labels={
                "board, USB to the slot": "module",
                "bridge connector": "bridge connector",
                "battery in its pocket, on foam tape": "battery",
                "M2x4": "board screw 1",
            },
            arrows=[((20.0, 5.0, 34.0), (20.0, 5.0, 20.0))],
            camera=(-0.8, -1.4, 1.3),
            title="3  Board and battery",
        ),
        "link-step-4": lambda: Scene(
            moved(
                inline.assembly("s-cell"),
                lambda p: (
                    (0.0, 0.0, 40.0)
                    if p.name.startswith("lid screw")
                    else {"lid": (0.0, 0.0, 26.0), "gasket": (0.0, 0.0, 14.0)}.get(p.name, (0.0, 0.0, 0.0))
                ),
            ),
            labels={
                "M2x6": "lid screw 3",
                "lid": "lid",
                "cord of 1.5 mm in the groove": (-33.4, -14.0, 35.2),
            },
            arrows=[((0.0, -36.0, 52.0), (0.0, -36.0, 36.0))],
            title="4  Gasket and lid",
        ),
        "strain-link": lambda: Scene(
            [Part("strain link", strain_link.link(), "aluminium", "", clip.METAL), *_link_gauges()],
            labels={
                "eye, 12 mm, edges rounded": (-49.0, -4.0, 9.0),
                "outer gauge": "outer gauge 1",
                "inner gauge": "inner gauge 2",
            },
            camera=(-0.35, -1.6, 0.75),
        ),
        "link-strain": lambda: Scene(
            moved(
                inline.assembly("strain-link"),
                lambda p: (
                    0.0,
                    0.0,
                    {"lid": 34.0, "tray": 22.0, "gasket": 30.0}.get(
                        p.name,
                        48.0
                        if "lid screw" in p.name
                        else 40.0
                        if "shell screw" in p.name
                        else 22.0
                        if p.made == "board" or "board screw" in p.name or p.name in BATTERY
                        else 0.0,
                    ),
                ),
            ),
            labels={"strain link": (49.0, 0.0, 4.0), "shell": "shell", "tray": "tray", "lid": "lid"},
        ),
    }


def _link_gauges() -> list[Part]:
    p = parameters().strain_link
    outside = p.ring_radius + p.ring_wall / 2
    found = []
    for i, side in enumerate((1, -1), 1):
        for name, (z0, z1) in (
            ("outer", (outside - 0.05, outside + 0.15)),
            ("inner", (outside - p.ring_wall - 0.15, outside - p.ring_wall + 0.05)),
        ):
            z = sorted((side * z0, side * z1))
            found.append(
                Part(
                    f"{name} gauge {i}",
                    box((-2.6, 2.6), (-2.2, 2.2), (z[0], z[1])),
                    "bought",
                    "",
                    GAUGE,
                    mass_g=0.0,
                )
            )
    return found


def _link_exploded(part: Part) -> Vector:
    heights = {
        "lid screw": 104.0,
        "lid": 88.0,
        "gasket": 74.0,
        "board screw": 76.0,
        "shell screw": 52.0,
        "tray": 26.0,
        "shell": -48.0,
    }
    for word, z in heights.items():
        if part.name.startswith(word):
            return (0.0, 0.0, z)
    if part.made == "board" or part.name in BATTERY:
        return (0.0, 0.0, 56.0)
    side = 1 if "right" in part.name else -1
    if "eye bolt" in part.name:
        return (side * 34.0, 0.0, 0.0)
    return (side * 16.0, 0.0, 0.0) if "jam nut" in part.name else (0.0, 0.0, 0.0)


def _step_roller() -> Scene:
    parts = some(clip.assembly(), "middle roller", "middle bearing", "middle axle", "middle shim")

    def offset(p: Part) -> Vector:
        if "bearing" in p.name:
            return _outwards(p, 8.0 + (10.0 if p.name.endswith("1") else 0.0))
        return (
            _outwards(p, 30.0)
            if "shim" in p.name
            else (0.0, -58.0, 0.0)
            if "axle" in p.name
            else (0.0, 0.0, 0.0)
        )

    return Scene(
        moved(parts, offset),
        labels={
            "roller: carbon tube 10 mm by 8 mm": "middle roller",
            "two bearings MR84ZZ, glued": "middle bearing left 1",
            "shim": "middle shim left",
            "axle 4 mm": "middle axle",
        },
        arrows=[((0.0, -70.0, 12.0), (0.0, -44.0, 12.0)), ((0.0, 70.0, 12.0), (0.0, 44.0, 12.0))],
        camera=(-1.5, -1.0, 0.7),
        title="1  Rollers: two bearings at each end of the middle one, one in the outer ones",
    )


def _step_gauges() -> Scene:
    arm = some(clip.assembly(), "arm left")
    return Scene(
        [*arm, *[g for g in gauges() if "left" in g.name]],
        labels={
            "upper gauge": "gauge upper left",
            "lower gauge": "gauge lower left",
            "hinge": (clip.hinge_axis()[0], -42.4, clip.hinge_axis()[1]),
            "tether": (clip.tether_axis()[0], -42.4, clip.tether_axis()[1]),
            "seat of the latch": (clip.latch_axis()[0], -42.4, 4.6),
            "middle axle": (0.0, -42.4, 1.5),
        },
        camera=(0.25, -1.6, 0.55),
        title=f"2  Gauges on both arms, {parameters().clip.gauge_position:g} mm from the middle, latch side",
    )


def _step_jaw() -> Scene:
    parts = [*some(clip.assembly(), "middle", "arm", "tray", "pod screw"), *gauges()]

    def offset(p: Part) -> Vector:
        if p.name == "tray":
            return (0.0, 0.0, 28.0)
        if "pod screw" in p.name:
            return (0.0, 0.0, 52.0)
        if p.name.startswith(("arm", "gauge")):
            return _outwards(p, 16.0)
        return (
            _outwards(p, 44.0)
            if "screw" in p.name
            else _outwards(p, 34.0)
            if "washer" in p.name
            else (0.0, 0.0, 0.0)
        )

    return Scene(
        moved(parts, offset),
        labels={
            "tray": "tray",
            "M2x4, inside the tray": "pod screw left",
            "arm": "arm left",
            "M2x6 and washer": "middle screw left",
            "wires of the gauges, woven through these holes": (9.6, 35.7, 36.0),
        },
        arrows=[((0.0, -74.0, 10.0), (0.0, -60.0, 10.0)), ((-8.0, -41.0, 34.0), (-8.0, -41.0, 18.0))],
        title="3  The jaw: middle roller between the arms, the tray on top",
    )


def _step_base() -> Scene:
    jaw = [
        p
        for p in clip.opened(0.0, 0.0)
        if p.moves == "jaw"
        and not any(
            w in p.name
            for w in ("lid", "gasket", "board", "module", "shield", "usb", "connector", "button", "battery")
        )
    ]
    base = some(
        clip.assembly(),
        "hinge",
        "latch axle",
        "latch roller",
        "latch bearing",
        "latch shim",
        "latch screw",
        "cheek",
    )

    def offset(p: Part) -> Vector:
        layer = 50.0 if "screw" in p.name else 34.0 if "cheek" in p.name else 0.0
        x = -30.0 if p.name.startswith("hinge") else 22.0 if p.name.startswith("latch") else -4.0
        return (x, _outwards(p, layer)[1], -18.0)

    return Scene(
        [*jaw, *moved(base, offset)],
        labels={
            "hinge axle, through the arms": "hinge roller",
            "second axle": "latch roller",
            "cheek": "cheek left",
            "M2x6": "hinge screw left",
        },
        arrows=[((-14.0, -76.0, -24.0), (-14.0, -58.0, -18.0))],
        title="4  Hinge axle through arms and roller, second axle, cheeks on their ends",
    )


def _step_latches() -> Scene:
    parts = [
        p
        for p in clip.assembly()
        if not any(
            w in p.name
            for w in ("lid", "gasket", "board", "module", "shield", "usb", "connector", "button", "battery")
        )
    ]

    def offset(p: Part) -> Vector:
        if p.name in ("latch right", "latch left"):
            return (24.0, 0.0, 0.0)
        if p.name == "thumb bar":
            return (24.0, 0.0, -16.0)
        if p.name.startswith("thumb bar screw"):
            return (24.0, 22.0 if "right" in p.name else -22.0, -16.0)
        return (0.0, 0.0, 0.0)

    return Scene(
        moved(parts, offset),
        labels={
            "latch, on the second axle": "latch left",
            "thumb bar": "thumb bar",
            "M2x6": "thumb bar screw left",
        },
        arrows=[((50.0, -46.0, -22.0), (34.0, -46.0, -22.0))],
        camera=(1.1, -1.4, 0.6),
        title="5  Latches onto the second axle before its cheek, the thumb bar between them",
    )


def _step_board() -> Scene:
    parts = [*[p for p in clip.assembly() if not any(w in p.name for w in ("lid", "gasket"))], *gauges()]

    def offset(p: Part) -> Vector:
        if p.name.startswith("board screw"):
            return (0.0, 0.0, 44.0)
        return (0.0, 0.0, 24.0) if p.made == "board" or p.name in BATTERY else (0.0, 0.0, 0.0)

    return Scene(
        moved(parts, offset),
        labels={
            "board, USB to the slot": "module",
            "bridge connector": "bridge connector",
            "battery on foam tape": "battery",
            "the battery's plug, in the niche": "battery plug",
            "M2x4": "board screw 1",
            "USB slot": (13.0, -32.0, 16.0),
        },
        arrows=[((0.0, -18.0, 34.0), (0.0, -18.0, 22.0))],
        camera=(1.2, -1.2, 1.2),
        title="6  Board and battery",
    )


def _step_lid() -> Scene:
    def offset(p: Part) -> Vector:
        if p.name.startswith("lid screw"):
            return (0.0, 0.0, 36.0)
        return {"lid": (0.0, 0.0, 24.0), "gasket": (0.0, 0.0, 12.0)}.get(p.name, (0.0, 0.0, 0.0))

    return Scene(
        moved([*clip.assembly(), *gauges()], offset),
        labels={"M2x6": "lid screw 3", "lid": "lid", "cord of 1.5 mm in the groove": (12.4, -30.0, 30.2)},
        arrows=[((-16.0, -30.0, 50.0), (-16.0, -30.0, 36.0))],
        title="7  Gasket and lid",
    )


def digest(scene: Scene) -> str:
    """Return a digest of what a picture shows: parts by place, size, colour; camera, labels, arrows, title.

    It says nothing of how a renderer shades it, and does not change when code is merely rewritten.
    """
    lines = []
    for part in scene.parts:
        bounds = part.solid.bounding_box()
        sizes = [*bounds.min, *bounds.max, part.solid.volume / 10.0]
        lines.append(
            f"{part.name} {part.colour} " + " ".join(f"{round(float(v), 1) + 0.0:.1f}" for v in sizes)
        )
    lines += [repr((scene.camera, scene.labels, scene.arrows, scene.title, scene.zoom, SIZE))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def draw(names: Sequence[str] = (), folder: Path = OUT) -> list[Path]:
    """Draw the pictures of these names, or all; return their files."""
    every = scenes()
    paths = []
    for name in names or every:
        path = folder / f"{name}.png"
        render(every[name](), path)
        paths.append(path)
    return paths


def difference(first: Path, second: Path) -> float:
    """Return how much of two pictures differs clearly, 0 … 1; renderers differ in shades and edge pixels."""
    with Image.open(first) as a, Image.open(second) as c:
        if max(abs(one - two) for one, two in zip(a.size, c.size, strict=True)) > 6:
            return 1.0
        small = (SIZE[0] // 4, SIZE[1] // 4)
        one, two = (
            np.asarray(i.convert("L").resize(small, Image.Resampling.BOX), dtype=np.int16) for i in (a, c)
        )
    return float(np.mean(np.abs(one - two) > 40))


if __name__ == "__main__":
    for drawn in draw(sys.argv[1:]):
        print(drawn.relative_to(ROOT))
