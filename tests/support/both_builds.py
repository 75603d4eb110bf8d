"""What the signal chain says of traces of many kinds: run in the sources and in a compiled wheel.

`python -m tests.support.both_builds` prints it as JSON.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from bandsense.app.doctor import checks
from bandsense.errors import BandsenseError
from bandsense.signal import analysis, events, explanations
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.laws import repetitions
from bandsense.signal.laws.numbers import FITTED
from benchmarks.evidence import controls, envelope, recordings, simulators, special, splices
from benchmarks.evidence.trace import Trace
from benchmarks.speed import OFFLINE_HZ, offline

MODULES = (analysis, events, explanations, repetitions)
BLOCKS = (1, 7, 16, 50, 500)


def traces() -> Iterator[Trace]:
    """Some dozens: formulas, simulated people, no repetitions at all, and real ones where recordings are."""
    yield from islice(special.grid("dev", each=1), 0, None, 3)
    yield from islice(envelope.grid("dev"), 0, None, 40)
    yield from simulators.grid(6, "dev")
    yield from controls.grid("dev", each=2)
    if splices.available():
        yield from splices.sample(12, "dev")
        yield from recordings.band()
        yield from recordings.hangs()


def streamed(trace: Trace, block: int, *, corrected: bool) -> list[events.Event]:
    """Give what is told of a trace that comes in blocks, to a person who corrects it once or not at all."""
    detector = RepDetector()
    told: list[events.Event] = []
    for i in range(0, len(trace.time_s), block):
        told += detector.push(trace.time_s[i : i + block], trace.tension_n[i : i + block])
        if corrected and detector.count > 2:
            told += [*(detector.correct(is_rep=False) or ()), *(detector.correct(is_rep=True) or ())]
            corrected = False
    return told + detector.finish()


def refused(call: Callable[[], object]) -> str:
    """Say how a call fails."""
    try:
        return f"no error: {call()!r}"
    except BandsenseError as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Print everything that has to be the same, and where it came from; with `--cost` what an hour costs."""
    if "--cost" in sys.argv:
        print(json.dumps(offline(3, OFFLINE_HZ)))
        return
    said = {}
    for i, trace in enumerate(traces()):
        block = BLOCKS[i % len(BLOCKS)]
        told = [streamed(trace, block, corrected=corrected) for corrected in (False, True)]
        said[trace.name] = repr((analyze(trace.time_s, trace.tension_n), told))
    whole = analyze(trace.time_s, trace.tension_n)
    eager = FITTED.with_number("telling.show", 0.5)
    nan = np.full(3, np.nan)
    faults = [
        refused(lambda: analyze([1.0, 2.0, 3.0], [1.0, 2.0])),
        refused(lambda: analyze([1.0, 1.0], [1.0, 2.0])),
        refused(lambda: analyze([1.0], [2.0])),
        refused(lambda: analyze(["a", "b"], [1.0, 2.0])),
        refused(lambda: analyze([1.0, 2.0, 3.0], nan)),
        refused(lambda: analyze(nan, [1.0, 2.0, 3.0])),
        refused(lambda: RepDetector().push([1.0, 2.0], [1.0, 2.0], gap_before=[True])),
    ]
    found = {
        "suffixes": {module.__name__: Path(module.__file__ or "").suffix for module in MODULES},
        "said": said,
        "faults": faults,
        "kept": [pickle.loads(pickle.dumps(each)) == each for each in (whole, eager)],
        "program": next(checks(Path("no-store"))).finding,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
