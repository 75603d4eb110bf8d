"""Battery life from currents and state times: writes and checks the tables of `docs/power.md`.

Nothing here was measured. Each constant says where it comes from: a data sheet, the firmware's own source,
(C) calculated from others, (M) recalled and unconfirmed, or (A) assumed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "power.md"

CONVERTER_UA = 2100.0  # NAU7802 data sheet 1.7, converting
CONVERTER_STANDBY_UA = 1.0  # NAU7802 data sheet 1.7, upper limit
EXCITATION_V = 3.0  # the converter's regulator (firmware/core/src/nau7802.rs)
BRIDGES_OHM = (350.0, 1000.0)

OFF_UA = 26.0  # (C) system-off of the XIAO nRF52840, its QSPI flash in deep power-down
ADVERTISING_1_HZ_UA = 42.0  # (C) the whole board, advertising once a second; the radio's share is (A)
# (A) Processor and radio while connected, the board's rest included. Inside 0.38-1.05 mA, which is what
# streaming for 29-31 h (350 ohm) and 54-62 h (1 kohm) on 340 mAh leaves after bridge and converter (C).
LINK_UA = 700.0
# (A) of it, what grows with the number of connection events; the sensor asks for the streaming interval while
# it measures and for the relaxed one otherwise (firmware/app/src/session.rs; the middle of each range).
LINK_EVENTS_UA = 500.0
STREAMING_INTERVAL_S, RELAXED_INTERVAL_S = 0.0225, 0.1125
# (M) The timer that stamps conversions, and the fast clock that it keeps on.
STAMPING_UA = 430.0

USABLE = 0.85  # (A) part of the rated capacity
CAPACITIES_MAH = (100, 200, 300, 400)

# firmware/app/src/advertising_payload.rs
FAST_INTERVAL_S = 0.020
SLOW_INTERVAL_S = 1.0225
STANDBY_INTERVAL_S = 1.285
# firmware/core/src/power.rs, Timings::IN_USE
FAST_S = 30.0
UNCONNECTED_S = 600.0
STANDBY_S = 7 * 24 * 3600.0
PEEK_EVERY_S = 10.0
# firmware/core/src/nau7802.rs: regulator, one wait for "ready", then six settling conversions and one result
# at 320 Hz. The transfers on the bus come on top and are left out.
PEEK_S = 0.020 + 0.001 + 7 / 320

TRAININGS_PER_WEEK = 3
TRAINING_S = 20 * 60.0
IDLE_S = 120.0  # (A) connected without measuring, per training
WEEK_S = 7 * 24 * 3600.0
DAYS_PER_MONTH = 365.25 / 12


def bridge_ua(bridge_ohm: float) -> float:
    """What converter and bridge take while measuring: the data sheet's current and Ohm's law."""
    return CONVERTER_UA + EXCITATION_V / bridge_ohm * 1e6


def advertising_ua(interval_s: float) -> float:
    """The charge of one event, spread over the interval, on top of the sleeping board."""
    return OFF_UA + (ADVERTISING_1_HZ_UA - OFF_UA) / interval_s


def state_currents_ua(bridge_ohm: float) -> dict[str, float]:
    """Average current in each of the firmware's power states."""
    # While connected, the sensor goes on advertising slowly, for a second client to see who is in the way.
    beside_ua = advertising_ua(SLOW_INTERVAL_S) - OFF_UA
    relaxed_ua = LINK_UA - LINK_EVENTS_UA * (1 - STREAMING_INTERVAL_S / RELAXED_INTERVAL_S)
    return {
        "off": OFF_UA,
        "standby": advertising_ua(STANDBY_INTERVAL_S) + bridge_ua(bridge_ohm) * PEEK_S / PEEK_EVERY_S,
        "advertising slow": advertising_ua(SLOW_INTERVAL_S),
        "advertising fast": advertising_ua(FAST_INTERVAL_S),
        "connected": relaxed_ua + beside_ua + CONVERTER_STANDBY_UA,
        "streaming": LINK_UA + beside_ua + STAMPING_UA + bridge_ua(bridge_ohm),
    }


def week_s(*, sent_to_sleep: bool) -> dict[str, float]:
    """Time in each state in a week of training; the rest of it asleep, in *off* or *standby*."""
    # Once found by the client and once after the link ends.
    fast_s = FAST_S if sent_to_sleep else 2 * FAST_S
    times_s = {
        "advertising fast": TRAININGS_PER_WEEK * fast_s,
        "advertising slow": 0.0 if sent_to_sleep else TRAININGS_PER_WEEK * (UNCONNECTED_S - FAST_S),
        "connected": TRAININGS_PER_WEEK * IDLE_S,
        "streaming": TRAININGS_PER_WEEK * TRAINING_S,
    }
    return times_s | {"off" if sent_to_sleep else "standby": WEEK_S - sum(times_s.values())}


def average_ua(times_s: dict[str, float], currents_ua: dict[str, float]) -> float:
    """Mean current over the states, weighted with their times."""
    charge_uas = sum(currents_ua[state] * time_s for state, time_s in times_s.items())
    return charge_uas / sum(times_s.values())


def life_h(capacity_mah: float, current_ua: float) -> float:
    """How long a cell of this rated capacity lasts."""
    return capacity_mah * USABLE * 1000 / current_ua


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of battery life."""

    bridge_ohm: float
    capacity_mah: int
    streaming_h: float
    standby_months: float
    off_months: float


def rows() -> Iterator[Row]:
    """Battery life for every bridge and cell."""
    for bridge_ohm in BRIDGES_OHM:
        currents_ua = state_currents_ua(bridge_ohm)
        standby_ua = average_ua(week_s(sent_to_sleep=False), currents_ua)
        off_ua = average_ua(week_s(sent_to_sleep=True), currents_ua)
        for capacity_mah in CAPACITIES_MAH:
            yield Row(
                bridge_ohm,
                capacity_mah,
                life_h(capacity_mah, currents_ua["streaming"]),
                life_h(capacity_mah, standby_ua) / 24 / DAYS_PER_MONTH,
                life_h(capacity_mah, off_ua) / 24 / DAYS_PER_MONTH,
            )


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left, the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def current_table() -> str:
    """Current of each state, for both bridges."""
    columns = [state_currents_ua(bridge_ohm) for bridge_ohm in BRIDGES_OHM]
    header = ["state", *(f"{bridge_ohm:.0f} Ω, mA" for bridge_ohm in BRIDGES_OHM)]
    return table(header, [[state, *(f"{c[state] / 1000:.3f}" for c in columns)] for state in columns[0]])


def life_table() -> str:
    """Battery life, for both bridges and all cells."""
    header = [
        "bridge",
        "cell, mAh",
        "streaming, h",
        "a week of training, standby, months",
        "switched off, months",
    ]
    body = [
        [
            f"{row.bridge_ohm:.0f} Ω",
            f"{row.capacity_mah}",
            f"{row.streaming_h:.1f}",
            f"{row.standby_months:.1f}",
            f"{row.off_months:.1f}",
        ]
        for row in rows()
    ]
    return table(header, body)


def fill(document: str) -> str:
    """The document with its tables computed anew.

    Raises:
        ValueError: a marker is missing.
    """
    for name, text in (("currents", current_table()), ("life", life_table())):
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        if begin not in document or end not in document:
            raise ValueError(f"the markers of the table {name!r} are missing; put them back")
        before, rest = document.split(begin, 1)
        document = before + begin + text + end + rest.split(end, 1)[1]
    return document


def main() -> int:
    """Check or write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail if docs/power.md is not current")
    action.add_argument("--write", action="store_true", help="bring docs/power.md up to date")
    arguments = parser.parse_args()
    document = DOCUMENT.read_text(encoding="utf-8")
    filled = fill(document)
    if arguments.write:
        DOCUMENT.write_text(filled, encoding="utf-8")
    elif filled != document:
        print(
            "docs/power.md is out of date: run `python firmware/tools/power_model.py --write`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
