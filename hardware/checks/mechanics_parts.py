"""Every part as STEP and STL, watertight; what is printed fits the bed and slices without supports."""

from __future__ import annotations

from hardware.checks import MissingTool, Row, least, most, tool

INPUTS = ("hardware/mechanics/*.py", "hardware/mechanics/parameters.toml")


def run() -> list[Row]:
    """Export, reload and slice."""
    from hardware.mechanics import export, fit
    from hardware.mechanics.parameters import parameters

    rows = []
    printed, metal = export.printed(), export.metal()
    volumes = {name: float(solid.volume) for name, solid in {**printed, **metal}.items()}
    files = export.export()
    open_meshes, wrong = [], []
    for path in files:
        closed, volume = export.watertight(path)
        if not closed:
            open_meshes.append(path.stem)
        if abs(volume / volumes[path.stem] - 1) > 0.02:
            wrong.append(path.stem)
    rows.append(
        Row(
            f"meshes that are not watertight, of {len(files)}",
            ", ".join(open_meshes) or "none",
            "none",
            not open_meshes,
        )
    )
    rows.append(Row("meshes whose volume is not the model's", ", ".join(wrong) or "none", "none", not wrong))
    large = fit.too_large()
    rows.append(
        Row(
            f"printed parts beyond {parameters().print.bed:g} mm",
            ", ".join(large) or "none",
            "none",
            not large,
        )
    )
    try:
        tool(export.SLICER)
    except MissingTool as missing:
        return [*rows, Row("slicing", str(missing), "sliced", None)]
    total, worst, light = 0.0, 0.0, []
    for path in files:
        if path.stem not in printed:
            continue
        sliced = export.slice_part(path)
        total += sliced.seconds if path.stem.startswith("clip") or path.stem == "thumb-bar" else 0.0
        worst = max(worst, sliced.unsupported_mm2)
        plastic = sliced.filament_mm * 2.405  # a filament of 1.75 mm
        if not 0.8 < plastic / volumes[path.stem] < 1.3:
            light.append(f"{path.stem} {plastic / volumes[path.stem]:.2f}")
    rows.append(most("overhang that needs supports, on the marked faces", worst, 0.0, "mm²", 0))
    on_its_head = export.overhang_on_its_head_mm2()
    rows.append(least("the same for a tray on its head (must need them)", on_its_head, 100.0, "mm²", 0))
    rows.append(
        Row(
            "plastic extruded over the model's volume",
            ", ".join(light) or "0.8 … 1.3",
            "0.8 … 1.3",
            not light,
        )
    )
    rows.append(most("time to print the clip's parts", total / 3600, 4.0, "h", 1))
    return rows
