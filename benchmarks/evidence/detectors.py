"""What is compared: this project's detector, its version 0.1.0, and what one writes in an afternoon."""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from bandsense.signal.analysis import analyze
from bandsense.signal.events import Rep, RepCounted, RepRetracted, WarningKind
from benchmarks.evidence.trace import Trace

__all__ = [
    "CACHE",
    "Count",
    "Found",
    "Method",
    "Shown",
    "Unavailable",
    "bandsense",
    "peaks",
    "version_0_1_0",
    "zig_zag",
]

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "evidence"
"""What is fetched or unpacked once; never part of the repository."""

COMMIT_0_1_0 = "0b9000a410e4049b3c41d77c0fc5b119ba2402af"


class Shown(NamedTuple):
    """A repetition that was on the screen: its top, when it appeared, and when it went again, if it did."""

    top_s: float
    shown_s: float
    retracted_s: float | None = None


Bounds = tuple[float, float, float, float]


class Found(NamedTuple):
    """A repetition as counted at the end; only this project's detectors say more than where it is.

    `streamed` are the boundaries as they were told live, `peak_u_n` is the standard uncertainty of the peak.
    """

    middle_s: float
    bounds: Bounds | None = None
    streamed: Bounds | None = None
    peak_n: float = np.nan
    live_peak_n: float = np.nan
    peak_u_n: float = np.nan
    partial: bool | None = None


class Count(NamedTuple):
    """What a method says of a trace. `shown` is None for one that answers only at the end.

    `lost_s` are the times at which it said that the band was lost.
    """

    reps: list[Found]
    shown: list[Shown] | None = None
    lost_s: tuple[float, ...] = ()


Method = Callable[[Trace], Count]


class Unavailable(Exception):
    """A method cannot run here; the message says why."""


# ── this project, now and at 0.1.0 ──────────────────────────────────────────────────────────────────────────


def bandsense(trace: Trace) -> Count:
    """The detector of this checkout."""
    result = analyze(trace.time_s, trace.tension_n)
    gone = {event.index: event.detected_s for event in result.events if isinstance(event, RepRetracted)}
    shown = [
        Shown(event.time_s, event.detected_s, gone.get(event.index))
        for event in result.events
        if isinstance(event, RepCounted)
    ]
    live = {rep.index: rep for rep in result.causal}
    lost_s = tuple(w.time_s for w in result.warnings if w.kind is WarningKind.BAND_LOST)
    return Count([_found(rep, live[rep.index]) for rep in result.reps], shown, lost_s)


def _found(rep: Rep, live: Rep) -> Found:
    return Found(
        (rep.hold_start_s + rep.return_start_s) / 2.0,
        _bounds(rep),
        _bounds(live),
        rep.peak_n,
        live.peak_n,
        rep.peak_uncertainty_n,
        rep.partial,
    )


def _bounds(rep: Rep) -> Bounds:
    return (rep.pull_start_s, rep.hold_start_s, rep.return_start_s, rep.end_s)


_SERVER = '''
"""Version 0.1.0 as a server: traces in, what `Count` holds out, as pickles."""
import pickle
import sys

from bandsense.signal.analysis import analyze
from bandsense.signal.events import RepRetracted, RepTop, WarningKind


def bounds(rep):
    return (rep.pull_start, rep.hold_start, rep.return_start, rep.end)


def count(time_s, tension_n):
    result = analyze(time_s, tension_n)
    gone = {e.index: e.detected_s for e in result.events if isinstance(e, RepRetracted)}
    shown = [(e.time_s, e.detected_s, gone.get(e.index)) for e in result.events if isinstance(e, RepTop)]
    live = {rep.index: rep for rep in result.causal}
    nan = float("nan")
    reps = [
        ((rep.hold_start + rep.return_start) / 2.0, bounds(rep), bounds(live[rep.index]), rep.peak_tension,
         live[rep.index].peak_tension, nan, rep.partial)
        for rep in result.reps
    ]
    lost_s = tuple(w.time_s for w in result.warnings if w.kind is WarningKind.BAND_LOST)
    return reps, shown, lost_s


while True:
    try:
        asked = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answer = count(*asked)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
'''


def version_0_1_0(trace: Trace) -> Count:
    """The detector as it was in version 0.1.0, unpacked from the repository's history.

    Raises:
        Unavailable: the history is not there (a shallow checkout, a source archive).
    """
    process = _old()
    sink, source = _pipe(process.stdin), _pipe(process.stdout)
    pickle.dump((trace.time_s, trace.tension_n), sink)
    sink.flush()
    answer = pickle.load(source)
    if isinstance(answer, str):
        # It crashed, as it does on some traces with a wrong zero: nothing was counted.
        return Count([], [])
    reps, shown, lost_s = answer
    return Count([Found(*rep) for rep in reps], [Shown(*one) for one in shown], lost_s)


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    return end


@cache
def _old() -> subprocess.Popen[bytes]:
    folder = CACHE / COMMIT_0_1_0
    if not (folder / "bandsense").is_dir():
        command = ["git", "-C", str(REPOSITORY), "archive", COMMIT_0_1_0, "bandsense"]
        try:
            packed = subprocess.run(command, check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError):
            raise Unavailable(
                f"version 0.1.0 is left out: its commit {COMMIT_0_1_0} is not in this checkout; "
                "fetch the full history: git fetch --unshallow"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=BytesIO(packed)) as tar:
            tar.extractall(folder, filter="data")
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    _pipe(process.stdin).close()
    process.wait(timeout=10.0)
    _pipe(process.stdout).close()


# ── in an afternoon ─────────────────────────────────────────────────────────────────────────────────────────


def peaks(trace: Trace) -> Count:
    """`find_peaks` on the whole trace: prominence 30 % of the range, after a zero-phase 6 Hz low-pass."""
    time_s, tension_n = trace.time_s, trace.tension_n
    rate_hz = 1.0 / float(np.median(np.diff(time_s)))
    corner_hz = min(6.0, 0.4 * rate_hz)
    smooth = sosfiltfilt(butter(2, corner_hz, fs=rate_hz, output="sos"), tension_n)
    spread = max(float(np.ptp(smooth)), 1e-9)
    tops, _ = find_peaks(smooth, prominence=0.3 * spread, distance=max(1, round(0.2 * rate_hz)))
    return Count([Found(float(time_s[i])) for i in tops])


def zig_zag(trace: Trace) -> Count:
    """Turning points at least 10 N apart, as they come."""
    found: list[Found] = []
    shown: list[Shown] = []
    low = high = float(trace.tension_n[0])
    top_s, rising = 0.0, False
    for t, y in zip(trace.time_s.tolist(), trace.tension_n.tolist(), strict=True):
        if rising:
            if y > high:
                high, top_s = y, t
            elif y < high - 10.0:
                found.append(Found(top_s))
                shown.append(Shown(top_s, t))
                rising, low = False, y
        elif y < low:
            low = y
        elif y > low + 10.0:
            rising, high, top_s = True, y, t
    return Count(found, shown)
