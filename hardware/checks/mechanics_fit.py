"""The assemblies: no collision, through the clip's opening motion too; screws, mass, antenna, channel."""

from __future__ import annotations

from hardware.checks import HARDWARE, Row, constants, least, most

INPUTS = ("hardware/mechanics/*.py", "hardware/mechanics/parameters.toml", "hardware/bom/*.csv")


def _none(what: str, found: list[str]) -> Row:
    return Row(what, "; ".join(found[:3]) or "none", "none", not found)


def run() -> list[Row]:
    """Look at every pair of parts, board and battery included."""
    from hardware.mechanics import clip, fit, inline, pod

    rows = []
    for name, parts in (
        ("clip", clip.assembly()),
        ("link with a bought cell", inline.assembly("s-cell")),
        ("link with the strain link", inline.assembly("strain-link")),
    ):
        bad = [part.name for part in parts if not part.solid.is_valid]
        rows.append(_none(f"invalid solids, {name}", bad))
        rows.append(_none(f"collisions, {name}", [f"{a} × {c}" for a, c, _ in fit.collisions(parts)]))
    for name, parts in (("clip", clip.assembly()), ("link", inline.assembly("s-cell"))):
        bill = HARDWARE / "bom" / f"{name}.csv"
        rows.append(_none(f"bought parts that bom/{name}.csv lacks", fit.not_in_the_bill(parts, bill)))
    moving = [f"{a} × {c}" for a, c, _ in fit.through_opening()]
    rows.append(_none(f"collisions while the clip opens, {len(fit.OPENING)} positions", moving))
    caught = fit.must_fail()
    shared = max((volume for _, _, volume in caught), default=0.0)
    rows.append(
        least("overlap where the jaw is lifted with closed latches (must collide)", shared, 5.0, "mm³", 1)
    )
    rows.append(_none("screws that hold nothing or collide", fit.screws_outside()))
    rows.append(_none("sharp metal edges at the band", fit.sharp_edges()))
    rows.append(most("mass of the clip", clip.mass_g(), 60.0, "g", 1))
    for name, parts, place, bottom in (
        ("clip", clip.assembly(), clip.board_to_pod, pod.board_z(clip.floor_z())),
        ("link", inline.assembly("s-cell"), inline.place, pod.board_z(inline.floor_z("s-cell"))),
    ):
        distance, nearest = fit.antenna_distance_mm(parts, place, bottom)
        rows.append(least(f"antenna to metal, {name} ({nearest})", distance, 5.0, "mm", 1))
    band = fit.channel()
    rows.append(least("width of the band's channel", band, 75.0, "mm", 1))
    rows.append(least("room over the outer rollers", fit.height_over_rollers(), 12.0, "mm", 1))
    working = constants()["load"]["working_n"]
    rows.append(Row("working load of the clip's model", f"{working:g} N", "400 N", working == 400))
    return rows
