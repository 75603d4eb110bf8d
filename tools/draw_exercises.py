"""Draw the exercises: bandsense/exercises/data/*.svg from the poses in tools/exercise_poses.toml.

    .venv/bin/python tools/draw_exercises.py [ID ...]

Every drawing shows one jointed figure twice, at the start and at the end of the pull, seen by a camera that
the exercise chooses. The figure stands in metres (x ahead of it, y to its left, z up) on a floor at z = 0. A
pose names where pelvis, hands and feet are; elbows and knees follow from the lengths of the limbs (the law of
cosines) and the side to which they point. A hand or foot that a limb cannot reach is an error, so a pose that
can be drawn can be taken.

The lengths are those of an adult of about 1.75 m, rounded from the segment lengths of Winter, *Biomechanics
and Motor Control of Human Movement*, 4th edition, table 4.1.

Every part of the figure is cut out of what lies behind it by a mask, a little wider than the part, so that
the drawing stands on any background. Colours come from CSS: ink from `--drawing-ink`, band from
`--drawing-band`, each with a default for light and dark.
"""

from __future__ import annotations

import math
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
POSES = ROOT / "tools" / "exercise_poses.toml"
DATA = ROOT / "bandsense" / "exercises" / "data"

Point = NDArray[np.float64]

UPPER_ARM, FOREARM, THIGH, SHANK, FOOT = 0.30, 0.31, 0.43, 0.43, 0.17
TRUNK, SHOULDER, HIP, HEAD = 0.50, 0.175, 0.085, 0.235
SIDES = {"left": 1.0, "right": -1.0}

SCALE = 92.0  # pixels per metre
HEIGHT, FLOOR, LEAST_WIDTH, MARGIN = 252, 232, 190, 44
_FAINT = 'stroke="currentColor" opacity="0.28"'


@dataclass(frozen=True)
class Camera:
    """Parallel projection from an azimuth: 0 sees the face, -90 the right side, so that ahead is right."""

    azimuth: float

    def __call__(self, point: Point) -> Point:
        """Return right, down and nearness of a point, in metres."""
        turn = math.radians(self.azimuth)
        right = np.array([-math.sin(turn), math.cos(turn), 0.0])
        near = np.array([math.cos(turn), math.sin(turn), 0.0])
        return np.array([point @ right, -point[2], point @ near])


@dataclass
class Body:
    """Joints of one pose, in metres.

    Attributes:
        joints: by name, such as `left_elbow`.
    """

    joints: dict[str, Point] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Point:
        return self.joints[name]


def posed(pose: Mapping[str, Any]) -> Body:
    """Return the joints of a pose.

    Raises:
        ValueError: a hand or foot is out of reach.
    """
    body = Body()
    pelvis = np.array(pose["pelvis"], float)
    lean, turn = math.radians(pose.get("lean", 0.0)), math.radians(pose.get("turn", 0.0))
    spine = np.array([math.sin(lean), 0.0, math.cos(lean)])
    across = np.array([-math.sin(turn), math.cos(turn), 0.0])
    nod = math.radians(pose.get("nod", 0.35 * pose.get("lean", 0.0)))
    chest = pelvis + TRUNK * spine
    body.joints |= {
        "pelvis": pelvis,
        "chest": chest,
        "head": chest + HEAD * np.array([math.sin(nod) + 0.04, 0.0, math.cos(nod)]),
    }
    for side, sign in SIDES.items():
        shoulder, hip = chest + sign * SHOULDER * across, pelvis + np.array([0.0, sign * HIP, 0.0])
        hand, foot = _sided(pose, "hand", side), _sided(pose, "foot", side)
        elbow, knee = _sided(pose, "elbow", side), _sided(pose, "knee", side)
        toes = _sided(pose, "toes", side)
        body.joints |= {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": _bend(shoulder, hand, UPPER_ARM, FOREARM, elbow, f"{side} hand"),
            f"{side}_hand": hand,
            f"{side}_hip": hip,
            f"{side}_knee": _bend(hip, foot, THIGH, SHANK, knee, f"{side} foot"),
            f"{side}_foot": foot,
            f"{side}_toes": foot + FOOT * toes / np.linalg.norm(toes),
        }
    return body


def _sided(pose: Mapping[str, Any], name: str, side: str) -> Point:
    """Return what is given for this side, else that of the left mirrored."""
    own = pose.get(f"{side}_{name}")
    if own is not None:
        return np.array(own, float)
    return np.array(pose[name], float) * [1.0, SIDES[side], 1.0]


def _bend(root: Point, end: Point, upper: float, lower: float, pole: Point, what: str) -> Point:
    """Return the joint between two bones, on the side of `pole`, by the law of cosines."""
    reach = float(np.linalg.norm(end - root))
    if not abs(upper - lower) < reach < 1.015 * (upper + lower):
        raise ValueError(f"the {what} is {reach:.2f} m away; {upper + lower:.2f} m can be reached")
    reach = min(reach, 0.9999 * (upper + lower))
    along = (end - root) / np.linalg.norm(end - root)
    cosine = (upper**2 + reach**2 - lower**2) / (2.0 * upper * reach)
    out = pole - (pole @ along) * along
    return root + upper * (cosine * along + math.sqrt(1.0 - cosine**2) * out / np.linalg.norm(out))


def _capsule(a: Point, b: Point, ra: float, rb: float) -> str:
    """Return the outline of a limb: the hull of two circles."""
    gap = b[:2] - a[:2]
    length = float(np.hypot(*gap))
    if length <= abs(ra - rb) + 1e-6:
        return _circle(a if ra > rb else b, max(ra, rb))
    turn = math.acos((ra - rb) / length)
    heading = math.atan2(gap[1], gap[0])
    (a1, a2), (b1, b2) = (
        [c[:2] + r * np.array([math.cos(heading + s * turn), math.sin(heading + s * turn)]) for s in (1, -1)]
        for c, r in ((a, ra), (b, rb))
    )
    large = int(ra > rb)
    return (
        f"M{_xy(a1)}A{ra:.1f} {ra:.1f} 0 {large} 1 {_xy(a2)}"
        f"L{_xy(b2)}A{rb:.1f} {rb:.1f} 0 {1 - large} 1 {_xy(b1)}Z"
    )


def _circle(c: Point, r: float) -> str:
    left, right = c[:2] - np.array([r, 0.0]), c[:2] + np.array([r, 0.0])
    return f"M{_xy(left)}A{r:.1f} {r:.1f} 0 1 1 {_xy(right)}A{r:.1f} {r:.1f} 0 1 1 {_xy(left)}Z"


def _hull(circles: Iterable[tuple[Point, float]]) -> str:
    """Return the outline around circles, as a polygon of short sides."""
    angles = np.linspace(0.0, 2.0 * math.pi, 28, endpoint=False)
    points = sorted(
        (float(c[0] + r * math.cos(t)), float(c[1] + r * math.sin(t))) for c, r in circles for t in angles
    )

    def half(run: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for p in run:
            while len(kept) > 1 and (
                (kept[-1][0] - kept[-2][0]) * (p[1] - kept[-2][1])
                <= (kept[-1][1] - kept[-2][1]) * (p[0] - kept[-2][0])
            ):
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in half(points) + half(reversed(points))) + "Z"


def _xy(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


@dataclass(frozen=True)
class Piece:
    """A part of the figure that hides what is behind it."""

    name: str
    path: str
    nearness: float
    far: bool = False


class Panel:
    """One pose, drawn.

    Args:
        spec: the exercise's entry.
        pose: `start` or `end`, completed.
        key: prefix for ids, so that several drawings can share a page.
        offset: where the figure's origin lies, pixels.
    """

    def __init__(self, spec: Mapping[str, Any], pose: Mapping[str, Any], key: str, offset: Point) -> None:
        self.spec, self.key, self.offset = spec, key, offset
        self.body, self.camera = posed(pose), Camera(spec.get("view", -70.0))

    def at(self, point: Sequence[float] | Point) -> Point:
        """Return pixels right and down, and nearness in metres."""
        seen = self.camera(np.array(point, float))
        return np.array([*(SCALE * seen[:2] + self.offset), seen[2]])

    def joint(self, name: str) -> Point:
        """Return a joint's place on the page."""
        return self.at(self.body[name])

    def _within(self, name: str, other: str, share: float) -> Point:
        """Return the place between two joints on the page; 1 is at the first."""
        return share * self.joint(name) + (1.0 - share) * self.joint(other)

    def pieces(self) -> list[Piece]:
        """Return head, trunk and limbs, the farthest first."""
        trunk = _hull(
            [(self._within(f"{s}_shoulder", "chest", 0.84), 0.060 * SCALE) for s in SIDES]
            + [(self.joint(f"{s}_hip"), 0.078 * SCALE) for s in SIDES]
            + [(self._within("chest", "pelvis", 0.72), 0.105 * SCALE), (self.joint("pelvis"), 0.098 * SCALE)]
        )
        middle = 0.5 * (self.joint("chest")[2] + self.joint("pelvis")[2])
        found = [
            Piece("trunk", trunk, middle),
            Piece("head", _circle(self.joint("head"), 0.108 * SCALE), self.joint("head")[2]),
        ]
        for side in SIDES:
            s, e, h = (self.joint(f"{side}_{part}") for part in ("shoulder", "elbow", "hand"))
            arm = _capsule(s, e, 0.054 * SCALE, 0.044 * SCALE) + _capsule(e, h, 0.044 * SCALE, 0.036 * SCALE)
            arm += _circle(h, 0.046 * SCALE)
            nearness = (s[2] + e[2] + h[2]) / 3.0
            found.append(Piece(f"{side} arm", arm, nearness, s[2] < self.joint("chest")[2] - 0.10))
            s, e, h, t = (self.joint(f"{side}_{part}") for part in ("hip", "knee", "foot", "toes"))
            leg = _capsule(s, e, 0.082 * SCALE, 0.060 * SCALE) + _capsule(e, h, 0.060 * SCALE, 0.042 * SCALE)
            down = np.array([0.0, 0.022 * SCALE, 0.0])
            leg += _capsule(h + down, t + down, 0.042 * SCALE, 0.032 * SCALE)
            nearness = (s[2] + e[2] + h[2]) / 3.0
            found.append(Piece(f"{side} leg", leg, nearness, s[2] < self.joint("pelvis")[2] - 0.05))
        order = self.spec.get("front", [])
        return sorted(found, key=lambda piece: (piece.name in order, not piece.far, piece.nearness))

    def svg(self) -> Iterator[str]:
        """Yield the elements of this panel, the farthest first."""
        yield from self._props()
        pieces = self.pieces()
        yield "<defs>"
        for number, piece in enumerate(pieces):
            yield f'<path id="{self.key}{number}" d="{piece.path}"/>'
        for number in range(len(pieces) - 1):
            nearer = "".join(
                f'<use href="#{self.key}{i}" fill="#000" stroke="#000" stroke-width="4.4"/>'
                for i in range(number + 1, len(pieces))
            )
            yield (
                f'<mask id="{self.key}m{number}" maskUnits="userSpaceOnUse" '
                f'x="0" y="0" width="900" height="{HEIGHT}">'
                f'<path d="M0 0H900V{HEIGHT}H0Z" fill="#fff"/>{nearer}</mask>'
            )
        yield "</defs>"
        bands = list(self._bands())
        for number, piece in enumerate(pieces):
            yield from (line for line, depth in bands if depth == number)
            mask = f' mask="url(#{self.key}m{number})"' if number + 1 < len(pieces) else ""
            shade = ' opacity="0.5"' if piece.far else ""
            yield f'<g{mask}><use href="#{self.key}{number}" fill="currentColor"{shade}/></g>'
        yield from (line for line, depth in bands if depth == len(pieces))

    def _props(self) -> Iterator[str]:
        lines: list[tuple[list[Point], float]] = []
        for prop in self.spec.get("props", []):
            x, y, z = (prop.get(axis, 0.0) for axis in "xyz")
            if prop["kind"] == "post":
                lines.append(([self.at((x, y, 0.0)), self.at((x, y, z))], 7.0))
                lines.append(([self.at((x - 0.12, y, 0.0)), self.at((x + 0.12, y, 0.0))], 5.0))
            elif prop["kind"] == "stool":
                wide = prop.get("wide", 0.20)
                lines.append(([self.at((x - wide, y, z)), self.at((x + wide, y, z))], 8.0))
                lines += [
                    ([self.at((x + leg, y, z)), self.at((x + 1.1 * leg, y, 0.0))], 4.0)
                    for leg in (-0.8 * wide, 0.8 * wide)
                ]
            elif prop["kind"] == "beam":
                lines.append(([self.at((x, y, z)), self.at((prop["to"], y, z))], 7.0))
            elif prop["kind"] == "bar":
                half = prop.get("wide", 0.55)
                lines.append(([self.at((x, -half, z)), self.at((x, half, z))], 6.0))
                lines += [([self.at((x, end, 0.0)), self.at((x, end, z))], 4.0) for end in (-half, half)]
        if lines:
            paths = "".join(
                f'<path d="M{"L".join(_xy(point) for point in points)}" stroke-width="{width:g}"/>'
                for points, width in lines
            )
            yield f'<g {_FAINT} fill="none" stroke-linecap="round">{paths}</g>'

    def _ends(self) -> list[tuple[Point, Point, str, bool]]:
        """Return each strand's two ends, what holds the second, and whether the first is an anchor."""
        found = []
        for strand in self.spec["band"]:
            ends = [self._place(end) for end in strand]
            found.append((ends[0], ends[1], strand[1], not isinstance(strand[0], str)))
        return found

    def _place(self, end: str | Sequence[float]) -> Point:
        if not isinstance(end, str):
            return np.array(end, float)
        name, _, under = end.partition(" ")
        point = self.body[name]
        if under == "sole":
            toes = self.body[name.replace("foot", "toes")]
            return 0.5 * (point + toes) - [0.0, 0.0, 0.058]
        if under == "instep":
            return point + 0.75 * (self.body[name.replace("foot", "toes")] - point)
        return point

    def length(self) -> float:
        """Return the length of the first strand, metres."""
        a, b, *_ = self._ends()[0]
        return float(np.linalg.norm(a - b))

    def _bands(self) -> Iterator[tuple[str, int]]:
        """Yield each strand with the number of the piece it is drawn before."""
        order = self.pieces()
        pieces = [piece.name for piece in order]
        taut = self.key.endswith("b")
        for a, b, holder, fixed in self._ends():
            start, stop = self.at(a), self.at(b)
            limb = f"{holder.partition('_')[0]} {'leg' if 'foot' in holder or 'knee' in holder else 'arm'}"
            depth = pieces.index(limb)
            # What is far is half transparent, so that a band behind it would shine through.
            depth += order[depth].far
            width = 3.4 if taut else 5.2
            yield (
                f'<path class="band" d="M{_xy(start)}L{_xy(stop)}" fill="none" stroke="#d4570a" '
                f'stroke-width="{width}" stroke-linecap="round"/>',
                depth,
            )
            if fixed:
                yield (
                    f'<circle cx="{start[0]:.1f}" cy="{start[1]:.1f}" r="5.5" fill="currentColor"/>',
                    depth,
                )

    def moving(self, name: str, pose_a: Body, share: float) -> Point:
        """Return where a hand or foot is on its way, turning about shoulder or hip."""
        side, _, part = name.partition("_")
        root = f"{side}_{'shoulder' if part == 'hand' else 'hip'}"
        if part not in ("hand", "foot"):
            return self.at((1.0 - share) * pose_a[name] + share * self.body[name])
        a, b = pose_a[name] - pose_a[root], self.body[name] - self.body[root]
        ra, rb = np.linalg.norm(a), np.linalg.norm(b)
        way = (1.0 - share) * a / ra + share * b / rb
        centre = (1.0 - share) * pose_a[root] + share * self.body[root]
        radius = (1.0 - share) * ra + share * rb
        return self.at(centre + radius * way / max(float(np.linalg.norm(way)), 1e-6))

    def arrows(self, start: Body) -> Iterator[str]:
        """Yield the arrows of the motion that led here."""
        for name, side in self.spec.get("arrows", {}).items():
            points = [self.moving(name, start, share)[:2] for share in (0.0, 0.5, 1.0)]
            yield _arrow(points, side)


def _arrow(points: list[Point], aside: float) -> str:
    """Return an arrow along three points, moved aside by so many metres, to its right if positive."""
    a, m, b = points
    chord = b - a
    normal = np.array([-chord[1], chord[0]]) / max(float(np.hypot(*chord)), 1e-6)
    shift = normal * aside * SCALE
    a, m, b = a + shift, m + shift, b + shift
    control = 2.0 * m - 0.5 * (a + b)

    def at(t: float) -> Point:
        return np.array((1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b)

    first, last = at(0.10), at(0.90)
    # The part of the curve between: its control point is where the two tangents meet.
    inner = (1 - 0.10) * (1 - 0.90) * a + (0.10 * 0.10 + 0.90 * 0.90) * control + 0.10 * 0.90 * b
    heading = last - inner
    heading = heading / np.hypot(*heading)
    side = np.array([-heading[1], heading[0]])
    tip, left, right = (
        last + 5.0 * heading,
        last - 4.5 * heading + 5.5 * side,
        last - 4.5 * heading - 5.5 * side,
    )
    return (
        f'<path class="way" d="M{_xy(first)}Q{_xy(inner)} {_xy(last)}" fill="none" stroke="#d4570a" '
        f'stroke-width="2.4" stroke-linecap="round"/>'
        f'<path class="head" d="M{_xy(tip)}L{_xy(left)}L{_xy(right)}Z" fill="#d4570a"/>'
    )


STYLE = """
.{key}{{color:var(--drawing-ink,#26323d)}}
.{key} .band,.{key} .way{{stroke:var(--drawing-band,#d4570a)}}
.{key} .head{{fill:var(--drawing-band,#d4570a)}}
@media (prefers-color-scheme:dark){{
.{key}{{color:var(--drawing-ink,#dbe4ec)}}
.{key} .band,.{key} .way{{stroke:var(--drawing-band,#ff8a3c)}}
.{key} .head{{fill:var(--drawing-band,#ff8a3c)}}
}}
"""


def panels(exercise: str, spec: Mapping[str, Any], common: Mapping[str, Any]) -> tuple[Panel, Panel, int]:
    """Return the two panels of an exercise, both framed alike, and the width of one."""
    base = {**common, **spec.get("pose", {})}
    poses = [{**base, **spec.get(name, {})} for name in ("start", "end")]
    key = f"bd-{exercise}-"
    origin = np.zeros(2)
    loose = [Panel(spec, pose, key, origin) for pose in poses]
    xs = [panel.joint(name)[0] for panel in loose for name in panel.body.joints]
    xs += [loose[0].at(end)[0] for strand in spec["band"] for end in strand if not isinstance(end, str)]
    middle = 0.5 * (min(xs) + max(xs))
    width = max(LEAST_WIDTH, round(max(xs) - min(xs)) + 2 * MARGIN)
    first, second = (
        Panel(spec, pose, f"{key}{letter}", np.array([width * (number + 0.5) - middle, FLOOR]))
        for number, (letter, pose) in enumerate(zip("ab", poses, strict=True))
    )
    return first, second, width


def drawn(exercise: str, spec: Mapping[str, Any], common: Mapping[str, Any], title: str, text: str) -> str:
    """Return the drawing as SVG.

    Args:
        exercise: its id.
        spec: its entry in the file of poses.
        common: the pose that all start from.
        title: name of the exercise, for those who cannot see the drawing.
        text: start and end pose in words, for the same.
    """
    first, second, width = panels(exercise, spec, common)
    key = f"bd-{exercise}"
    floor = "".join(
        f'<path d="M{x + 20} {FLOOR + 6}H{x + width - 20}" {_FAINT} stroke-width="1.6"/>' for x in (0, width)
    )
    numbers = "".join(
        f'<circle cx="{x + 22}" cy="20" r="10" fill="none" stroke="currentColor" opacity="0.6"/>'
        f'<text x="{x + 22}" y="24.4" font-family="sans-serif" font-size="12.5" text-anchor="middle" '
        f'fill="currentColor" opacity="0.75">{number}</text>'
        for x, number in ((0, 1), (width, 2))
    )
    body = "\n".join([floor, *first.svg(), *second.svg(), *second.arrows(first.body), numbers])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width} {HEIGHT}" '
        f'width="{2 * width}" height="{HEIGHT}" class="{key}" '
        f'color="#26323d" role="img" aria-labelledby="{key}-t {key}-d">\n'
        f'<title id="{key}-t">{escape(title)}</title>\n<desc id="{key}-d">{escape(text)}</desc>\n'
        f"<style>{STYLE.format(key=key)}</style>\n{body}\n</svg>\n"
    )


def read() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the exercises' entries by id, and the pose that all start from."""
    poses = tomllib.loads(POSES.read_text(encoding="utf-8"))
    return poses["exercise"], poses["standing"]


def main(wanted: Sequence[str]) -> None:
    """Draw the wanted exercises, or all."""
    from bandsense.exercises.catalogue import load_exercises

    entries, common = read()
    catalogue = load_exercises()
    for name in wanted or entries:
        exercise = catalogue[name]
        text = f"1: {exercise.start_pose} 2: {exercise.end_pose}"
        svg = drawn(name, entries[name], common, exercise.name, text)
        (DATA / f"{name}.svg").write_text(svg, encoding="utf-8")
        a, b, _ = panels(name, entries[name], common)
        print(
            f"{name:28} strand {a.length():.2f} -> {b.length():.2f} m, stroke {b.length() - a.length():.2f} m"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
