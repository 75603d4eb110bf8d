"""The project's two simulators as traces: `bandsense.sim` and the relaxing solid of `benchmarks.generators`.

A repetition that the samples do not show may be counted or not, so `n_ok` may be a range.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evidence.trace import Split, Trace, TrueInterval
from benchmarks.generators import Case, Recorded, cases, controls

__all__ = ["grid", "grid_of_controls"]

_SPLITS: dict[Split, str] = {"dev": "dev", "held": "held-out"}


def grid(sets: int, split: Split = "dev", rate_hz: float = 80.0) -> Iterator[Trace]:
    """`sets` sets, spread over simulators and classes of disturbance."""
    for i, case in enumerate(cases(_SPLITS[split], sets)):
        yield _trace(case, rate_hz, i, split)


def grid_of_controls(each: int, split: Split = "dev", rate_hz: float = 80.0) -> Iterator[Trace]:
    """`each` controls of every kind by every simulator."""
    for i, case in enumerate(controls(_SPLITS[split], each)):
        yield _trace(case, rate_hz, i, split, control=True)


def _trace(case: Case, rate_hz: float, i: int, split: Split, *, control: bool = False) -> Trace:
    made: Recorded = case.record(rate_hz)
    reps = made.reps
    certain = sum(not rep.ambiguous for rep in reps)
    generator = case.generator.replace(" ", "-")
    return Trace(
        f"simulator/{generator}/{case.group}/{split}/{i}/{rate_hz:g}",
        case.group,
        rate_hz,
        made.time_s,
        made.tension_n,
        len(reps),
        frozenset(range(certain, len(reps) + 1)),
        tuple(TrueInterval(rep.pull_start_s, rep.middle_s, rep.end_s) for rep in reps),
        tuple(None if rep.undecided or rep.torn or rep.ambiguous else rep.partial for rep in reps),
        (reps[0].pull_start_s,) if reps else (),
        control,
        i,
        frozenset({generator}),
        tuple(
            None
            if rep.torn or rep.ambiguous
            else (rep.pull_start_s, rep.hold_start_s, rep.return_start_s, rep.end_s)
            for rep in reps
        ),
        made.peaks_n,
        frozenset(i for i, rep in enumerate(reps) if rep.ambiguous),
        made.snapped_s,
    )
