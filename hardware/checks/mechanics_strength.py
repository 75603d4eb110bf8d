"""Finite elements of every metal part in a load path, against limits fixed before the design."""

from __future__ import annotations

from hardware.checks import Row, constants, least, most, tool

MODULES = ("clip", "fem", "parameters", "pod", "rollers", "shapes", "strain_link", "strength")
INPUTS = (*(f"hardware/mechanics/{name}.py" for name in MODULES), "hardware/mechanics/parameters.toml")


def run() -> list[Row]:
    """Solve every case on three meshes."""
    tool("ccx")
    from hardware.mechanics import fem, strength

    load, cell = constants()["load"], constants()["cell"]
    strain, deflection = fem.beam_check()
    rows = [
        most("finite elements against beam theory, strain", 100 * strain, 3.0, "%"),
        most("finite elements against beam theory, deflection", 100 * deflection, 3.0, "%"),
    ]
    for r in strength.results():
        rows.append(
            least(f"{r.name}: safety against yield at {load['proof_n']:g} N", r.safety(load["proof_n"]), 3.0)
        )
        rows.append(least(f"{r.name}: at {load['survival_n']:g} N", r.safety(load["survival_n"]), 1.5))
        rows.append(
            least(f"{r.name}: 10⁶ pulls to {load['working_n']:g} N", r.fatigue_factor(load["working_n"]), 1.5)
        )
        before, last = r.convergence[-2], r.convergence[-1]
        rows.append(
            most(
                f"{r.name}: stress, finest mesh against the next",
                100 * abs(last[2] / before[2] - 1),
                8.0,
                "%",
                1,
            )
        )
        rows.append(
            most(f"{r.name}: largest reaction of the bearings that hold the model", r.residual_n, 0.1, "N", 4)
        )
        if r.strains:
            rows.append(
                most(
                    f"{r.name}: strain, finest mesh against the next",
                    100 * abs(last[3] / before[3] - 1),
                    2.0,
                    "%",
                    1,
                )
            )
            rows.append(least(f"{r.name}: output at {load['proof_n']:g} N", r.output_mv_per_v, 1.0, "mV/V"))
    rows += [
        least(
            "carbon rollers: strength over stress at 1000 N, tube in the middle (A)",
            strength.roller_factor(load["survival_n"]),
            1.5,
        ),
        least(
            f"bought cell: safe overload over {load['proof_n']:g} N",
            cell["rated_load_n"] * cell["safe_overload"] / load["proof_n"],
            1.0,
        ),
        least(
            f"bought cell: ultimate overload over {load['survival_n']:g} N",
            cell["rated_load_n"] * cell["ultimate_overload"] / load["survival_n"],
            1.0,
        ),
        least("bearings: static rating over load at 500 N", strength.bearing_factor(load["proof_n"]), 1.5),
        least("bearings: the same at 1000 N", strength.bearing_factor(load["survival_n"]), 1.0),
        most(
            "arm's output at 1000 N, of full scale",
            100 * strength.share_of_full_scale(load["survival_n"]),
            80.0,
            "%",
            0,
        ),
    ]
    return rows
