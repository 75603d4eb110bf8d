"""The signal and power budgets: computed from the shared facts, kept in their documents, held to limits."""

from __future__ import annotations

import math
import re
import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bandsense.calibration import fit
from bandsense.calibration.curve import Calibration, Grade
from bandsense.calibration.reference_masses import MassKind
from hardware.checks import HARDWARE, ROOT, Row, committed, constants, least, most
from hardware.checks._kicad import values
from hardware.checks._spice import value

INPUTS = (
    "hardware/docs/*.md",
    "hardware/electronics/bandsense.kicad_sch",
    "hardware/checks/_*.py",
    "bandsense/calibration/*.py",
    "firmware/core/src/*.rs",
    "firmware/app/src/*.rs",
    "firmware/tools/power_model.py",
    "docs/power.md",
)
SIGNAL = HARDWARE / "docs" / "signal-budget.md"
POWER = HARDWARE / "docs" / "power-and-safety.md"

# Input noise at a gain of 128, nV rms: the data sheet's at 10 and 80 Hz, the others by the square root.
NOISE_NV = {10: 50.0, 20: 75.0, 40: 106.0, 80: 150.0, 320: 300.0}
SHEET_GAIN = 128
BOLTZMANN_J_PER_K = 1.380649e-23  # exact (SI)
ROOM_K = 300.0
# The −3 dB frequency is 18 Hz at 80 Hz (data sheet) and follows the rate; a first order passes π/2 of it.
BAND_HZ_PER_RATE = 18.0 / 80.0 * math.pi / 2
AGREEMENT = 0.05  # of this budget and the companion's claim
PEAK_TO_PEAK = 6.6  # of a normal distribution, 99.9 %

# Priors for a cheap cell, shares of its rated load (an off-the-shelf 50 kg cell's list values).
ZERO_BALANCE = 0.10
SPAN_DRIFT_PER_K = 0.0005
SPAN_RANGE_K = 5.0  # (A) either way between calibration and use, indoors
CREEP = 0.0005
MOUNTING_MV_PER_V = 0.3  # (A) a clamped or preloaded cell


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _filled(document: Path, tables: dict[str, str]) -> bytes:
    """A document with its tables computed anew.

    Raises:
        ValueError: a table has no place in it.
    """
    text = document.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        if begin not in text or end not in text:
            raise ValueError(f"{document.name} has no place for the table {name!r}; put its markers back")
        before, rest = text.split(begin, 1)
        text = before + begin + table + end + rest.split(end, 1)[1]
    return text.encode()


class Signal:
    """The chain from tension to counts for the default cell, and what disturbs it."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.excitation_v: float = facts["bridge"]["excitation_v"]
        self.gain: int = facts["converter"]["gain"]
        cell = facts["cell"]
        self.rated_n: float = cell["rated_load_n"]
        self.v_per_n: float = cell["rated_output_mv_per_v"] * 1e-3 * self.excitation_v / self.rated_n
        self.full_scale_n: float = cell["full_scale_n"]
        self.n_per_count = self.full_scale_n / 2**23
        self.v_per_count = self.n_per_count * self.v_per_n
        self.series_ohm = 2 * value(values()["R2"])

    def thermal_v(self, rate: int, bridge_ohm: float) -> float:
        """Noise of bridge and filter: √(4 k T R B) (Johnson, Nyquist)."""
        ohm = bridge_ohm + self.series_ohm
        return math.sqrt(4 * BOLTZMANN_J_PER_K * ROOM_K * ohm * rate * BAND_HZ_PER_RATE)

    def noise_n(self, rate: int, *, worst: bool) -> float:
        """Newtons rms, all told.

        Input noise has a part that does not care for the gain and one that grows as the gain falls. Which of
        them the data sheet's figure consists of is not known, so the noise lies between that figure and that
        figure times the ratio of the gains.
        """
        converter_v = NOISE_NV[rate] * 1e-9 * (SHEET_GAIN / self.gain if worst else 1)
        return math.hypot(converter_v, self.thermal_v(rate, max(self.facts["bridge"]["ohm"]))) / self.v_per_n

    def chain(self) -> str:
        """From tension to counts."""
        working_n, survival_n = self.facts["load"]["working_n"], self.facts["load"]["survival_n"]
        share = working_n / self.full_scale_n
        return _table(
            ["", "value"],
            [
                ["sensitivity of the default cell", f"{self.v_per_n * 1e6:.2f} µV/N"],
                [
                    "its signal at rated load",
                    f"{self.v_per_n * self.rated_n * 1e3:.2f} mV at {self.rated_n:.1f} N",
                ],
                [
                    "full scale",
                    f"±{self.facts['converter']['full_scale_mv_per_v']} mV/V, ±{self.full_scale_n:.0f} N",
                ],
                ["one count", f"{self.v_per_count * 1e9:.2f} nV, {self.n_per_count * 1e3:.3f} mN"],
                [
                    f"working load, {working_n:.0f} N",
                    f"{working_n / self.n_per_count:,.0f} counts, {share:.1%} of full scale",
                ],
                [f"{survival_n:.0f} N", f"{survival_n / self.full_scale_n:.1%} of full scale: not clipped"],
            ],
        )

    def noise(self) -> str:
        """Noise at each rate."""
        body = []
        for rate in self.facts["converter"]["rates_hz"]:
            least_n, most_n = self.noise_n(rate, worst=False), self.noise_n(rate, worst=True)
            steps = 2 * self.facts["load"]["working_n"] / (PEAK_TO_PEAK * most_n)
            body.append(
                [
                    f"{rate} Hz",
                    f"{NOISE_NV[rate]:.0f}",
                    f"{self.thermal_v(rate, 1000) * 1e9:.0f}",
                    f"{least_n * 1e3:.0f} … {most_n * 1e3:.0f}",
                    f"{least_n / self.n_per_count:.0f} … {most_n / self.n_per_count:.0f}",
                    f"{steps:,.0f}",
                ]
            )
        header = [
            "rate",
            "converter at gain 128, nV",
            "bridge of 1 kΩ, nV",
            "mN rms",
            "counts rms",
            "steps in ±400 N",
        ]
        return _table(header, body)

    def offset(self) -> str:
        """Where zero may lie, against what the range and the self test allow."""
        rated = self.facts["cell"]["rated_output_mv_per_v"]
        lines = [
            ("zero balance of a cheap cell, ±10 % of rated output", ZERO_BALANCE * rated),
            ("mounting, preload of a clip's flexure (A)", MOUNTING_MV_PER_V),
            ("400 N on top", self.facts["load"]["working_n"] / self.rated_n * rated),
        ]
        body = [[name, f"{part:.2f}"] for name, part in lines]
        body.append(["sum", f"{sum(part for _, part in lines):.2f}"])
        body.append(["full scale", f"{self.facts['converter']['full_scale_mv_per_v']:.2f}"])
        body.append(["self test calls it out of balance beyond", f"{self.self_test_mv_per_v():.2f}"])
        return _table(["", "mV/V"], body)

    def self_test_mv_per_v(self) -> float:
        """Limit of the firmware's self test."""
        source = (ROOT / "firmware" / "core" / "src" / "self_test.rs").read_text(encoding="utf-8")
        shift = re.search(r"OFFSET_MAX_COUNTS: u32 = 1 << (\d+);", source)
        full_scale: float = self.facts["converter"]["full_scale_mv_per_v"]
        return 2 ** int(shift[1]) / 2**23 * full_scale if shift else math.nan

    def contributions_n(self, tension_n: float) -> list[tuple[str, float]]:
        """Standard uncertainties of a peak, inline with weighed masses; half widths h count h/√3."""
        third = 1 / math.sqrt(3)
        off_axis = 1 - math.cos(math.radians(10))
        gravity = fit.GRAVITY_HALF_RANGE / fit.STANDARD_GRAVITY
        masses = MassKind.WEIGHED
        return [
            ("masses on one scale", math.hypot(masses.common, masses.apart) * tension_n),
            ("gravity", gravity * third * tension_n),
            ("pull up to 10° off axis, on a swivel", off_axis * third * tension_n),
            ("creep and its return", fit.CREEP_PRIOR * third * tension_n),
            ("hysteresis", fit.HYSTERESIS_PRIOR * third * tension_n),
            ("repeatability", fit.REPEATABILITY_PRIOR * third * tension_n),
            ("zero over temperature after a tare", fit.TEMPERATURE_PRIOR_N * third),
            (f"span over ±{SPAN_RANGE_K:.0f} K", SPAN_DRIFT_PER_K * SPAN_RANGE_K * third * tension_n),
            ("noise at 80 Hz, the worse bound", self.noise_n(80, worst=True)),
        ]

    def uncertainty_n(self, tension_n: float) -> float:
        """Expanded uncertainty, k = 2."""
        return 2 * math.sqrt(sum(part**2 for _, part in self.contributions_n(tension_n)))

    def uncertainty(self) -> str:
        """The budget at a light, a usual and the largest working tension."""
        tensions = (20.0, 60.0, 400.0)
        columns = [self.contributions_n(tension) for tension in tensions]
        body = [
            [name, *(f"{column[i][1]:.3f}" for column in columns)] for i, (name, _) in enumerate(columns[0])
        ]
        body.append(
            ["**expanded, k = 2**", *(f"**{self.uncertainty_n(tension):.2f}**" for tension in tensions)]
        )
        return _table(["standard uncertainty, N", *(f"at {tension:.0f} N" for tension in tensions)], body)


def _signal(facts: dict[str, Any]) -> Iterator[Row]:
    signal = Signal(facts)
    tables = {name: getattr(signal, name)() for name in ("chain", "noise", "offset", "uncertainty")}
    yield committed(SIGNAL, _filled(SIGNAL, tables))
    yield least(
        "full scale over survival load", signal.full_scale_n / facts["load"]["survival_n"], 1.5, "", 2
    )
    worst_counts = signal.noise_n(80, worst=True) / signal.n_per_count
    source = (ROOT / "firmware" / "core" / "src" / "self_test.rs").read_text(encoding="utf-8")
    limit = re.search(r"NOISE_MAX_COUNTS: u32 = (\d+);", source)
    allowed = float(limit[1]) if limit else math.nan
    yield most("noise at 80 Hz against the self test's limit", worst_counts, allowed / 2, "counts", 0)
    yield most("noise at 320 Hz, the worse bound", signal.noise_n(320, worst=True), 0.25, "N rms", 3)
    balance = ZERO_BALANCE * facts["cell"]["rated_output_mv_per_v"] + MOUNTING_MV_PER_V
    yield most(
        "zero after mounting against the self test's limit", balance, signal.self_test_mv_per_v(), "mV/V"
    )
    # The companion's priors for a calibrated inline sensor: a share of the tension, and newtons of zero.
    share = Grade.CALIBRATED.typical_span_uncertainty
    zero_n = Calibration(newton_per_unit=1.0).zero_uncertainty_n
    for tension_n in (60.0, 400.0):
        claimed_n = 2 * math.hypot(share * tension_n, zero_n)
        found_n = signal.uncertainty_n(tension_n)
        what = f"expanded uncertainty at {tension_n:.0f} N"
        agrees = abs(found_n / claimed_n - 1) <= AGREEMENT
        yield Row(what, f"{found_n:.2f} N", f"{claimed_n:.2f} N ± {AGREEMENT:.0%}", agrees)


def _power(facts: dict[str, Any]) -> Iterator[Row]:
    model = runpy.run_path(str(ROOT / "firmware" / "tools" / "power_model.py"))
    battery, converter = facts["battery"], facts["converter"]
    parts = values()
    supply_f = sum(value(parts[name]) for name in ("C5", "C6", "C10"))
    peek_ua = supply_f * facts["bridge"]["excitation_v"] / model["PEEK_EVERY_S"] * 1e6
    body = []
    for ohm in facts["bridge"]["ohm"]:
        currents = model["state_currents_ua"](float(ohm))
        hours = model["life_h"](battery["capacity_mah"], currents["streaming"])
        load_ma = facts["bridge"]["excitation_v"] / ohm * 1e3
        room = 1 - load_ma / converter["regulator_guaranteed_ma"]
        body.append(
            [
                f"{ohm} Ω",
                f"{load_ma:.2f}",
                f"{room:.0%}",
                f"{currents['streaming'] / 1000:.2f}",
                f"{hours:.0f}",
            ]
        )
    header = [
        "bridge",
        "through it, mA",
        "room to the regulator's 10 mA",
        "sensor streaming, mA",
        f"hours on {battery['capacity_mah']} mAh",
    ]
    yield committed(POWER, _filled(POWER, {"currents": _table(header, body)}))
    document = (ROOT / "docs" / "power.md").read_text(encoding="utf-8")
    streaming = [model["state_currents_ua"](float(ohm))["streaming"] for ohm in facts["bridge"]["ohm"]]
    agrees = all(f"{current / 1000:.3f}" in document for current in streaming)
    yield Row("streaming currents are docs/power.md's", "yes" if agrees else "no", "yes", agrees)
    yield most("the board's capacitors on standby", peek_ua, 1.0, "µA")
    figure = f"{peek_ua:.1f} µA"
    told = f"costs {figure}" in POWER.read_text(encoding="utf-8") and f"({figure})" in document
    yield Row("both pages say what they take", figure if told else "no", figure, told)
    rate = battery["charge_ma"] / battery["capacity_mah"]
    yield most("charging current over capacity", rate, 0.5, "/h")
    yield most("time to charge", battery["capacity_mah"] / battery["charge_ma"] * 1.2, 12, "h", 1)


def run() -> list[Row]:
    """Compute both budgets."""
    facts = constants()
    return [*_signal(facts), *_power(facts)]
