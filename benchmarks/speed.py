"""What the signal chain costs: `python -m benchmarks.speed`.

Three figures: the streaming chain on blocks of 16 samples against one bare `scipy.signal.sosfilt` on the
same block, on average over all blocks and in the worst minute of the trace, of sets as people do them and of
three traces that ask for more; the offline analysis of one hour
at 320 Hz against `sosfiltfilt` and `find_peaks` on it, with the prominence and distance that make it count
repetitions, and bare, and at 80 Hz; and how much the memory grows over ten hours of streaming. The first line
says whether it is the sources that run or what `make compiled` makes of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.signal import butter, find_peaks, sosfilt, sosfiltfilt

from bandsense.calibration.curve import Calibration
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.laws import repetitions

BLOCK = 16
STREAM_HZ = 80.0
OFFLINE_HZ = 320.0
HOUR_S = 3600.0
LARGEST_STREAM_RATIO = 3.0
LARGEST_MINUTE_RATIO = 4.5
LARGEST_OFFLINE_RATIO = 4.0
LARGEST_GROWTH_KB = 64.0
Made: TypeAlias = Callable[[float, float], tuple[FloatArray, FloatArray]]
"""Makes a trace of so many seconds, at so many samples a second."""

FULL_AFTER = 2
"""After three of the ten minutes' turns the memory of the latest repetitions is full."""


def exercise_trace(
    duration_s: float, rate_hz: float, *, rep_s: float = 3.0, noise_n: float = 0.02
) -> tuple[FloatArray, FloatArray]:
    """Sets of repetitions of 3 s and half a minute of rest in turn, peaks of 60 N, and noise."""
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    in_set = time_s % 60.0 < 30.0
    lift = np.where(in_set, 0.5 - 0.5 * np.cos(2.0 * np.pi * time_s / rep_s), 0.0)
    return time_s, 2.0 + 58.0 * lift**0.65 + noise_n * rng.standard_normal(time_s.size)


def walking_trace(duration_s: float, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """A walk without end, the band in hand: 1.8 steps a second, none like the other."""
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    phase = 2.0 * np.pi * 1.8 * time_s + np.cumsum(rng.normal(0.0, 0.02, time_s.size))
    swing_n = 5.0 * np.sin(phase) * (1.0 + 0.2 * np.sin(0.5 * phase))
    return time_s, 10.0 + swing_n + 0.05 * rng.standard_normal(time_s.size)


MORE: dict[str, Made] = {
    "a sensor with ten times the noise": partial(exercise_trace, noise_n=0.2),
    "repetitions of 1 s": partial(exercise_trace, rep_s=1.0),
    "a walk": walking_trace,
}
"""Traces that ask for more: every movement costs, whatever it is."""


def paired_least(calls: Sequence[Callable[[int], object]], runs: int) -> list[float]:
    """Least processor seconds of functions called in turn, so that all see the same machine, busy or not."""
    spent = np.empty((len(calls), runs))
    for i in range(runs):
        for row, call in zip(spent, calls, strict=True):
            start = time.process_time()
            call(i)
            row[i] = time.process_time() - start
    least: list[float] = spent.min(axis=1).tolist()
    return least


def streaming(minutes: int, trace: Made = exercise_trace) -> dict[str, float]:
    """Calibrate, condition, detect, against one filter call; microseconds a block, and ratios.

    Every block counts: what is done only once a second, or only when a repetition ends, is part of the mean.
    The trace is run three times and the least time of each block counts, for what else the machine did.
    """
    per_minute = round(60.0 * STREAM_HZ / BLOCK)
    blocks = minutes * per_minute
    time_s, tension_n = trace(blocks * BLOCK / STREAM_HZ, STREAM_HZ)
    calibration = Calibration(0.001)
    cut = [slice(i * BLOCK, (i + 1) * BLOCK) for i in range(blocks)]
    pieces = [SampleBlock(time_s[part], np.round(tension_n[part] * 1000.0), Unit.COUNT) for part in cut]
    sections = butter(4, 6.0, fs=STREAM_HZ, output="sos")
    chain_s, bare_s = np.full((2, blocks), np.inf)
    for _ in range(3):
        detector = RepDetector()
        for i, block in enumerate(pieces):
            began = time.perf_counter()
            detector.push(
                block.time_s, calibration.tension_n(block.values), block.gap_before, block.saturated
            )
            middle = time.perf_counter()
            sosfilt(sections, block.values)
            ended = time.perf_counter()
            chain_s[i] = min(chain_s[i], middle - began)
            bare_s[i] = min(bare_s[i], ended - middle)
    filter_s = float(np.median(bare_s))
    by_minute = chain_s.reshape(minutes, per_minute).mean(axis=1)
    return {
        "chain_us": 1e6 * float(chain_s.mean()),
        "median_us": 1e6 * float(np.median(chain_s)),
        "worst_minute_us": 1e6 * float(by_minute.max()),
        "sosfilt_us": 1e6 * filter_s,
        "ratio": float(chain_s.mean()) / filter_s,
        "worst_ratio": float(by_minute.max()) / filter_s,
    }


def offline(runs: int, rate_hz: float) -> dict[str, float]:
    """One hour, processor seconds."""
    time_s, tension_n = exercise_trace(HOUR_S, rate_hz)
    sections = butter(4, 6.0, fs=rate_hz, output="sos")

    def ours(_: int) -> None:
        analyze(time_s, tension_n)

    def counting(_: int) -> None:
        smooth = sosfiltfilt(sections, tension_n)
        find_peaks(smooth, prominence=0.3 * np.ptp(smooth), distance=round(0.5 * rate_hz))

    def bare(_: int) -> None:
        find_peaks(sosfiltfilt(sections, tension_n))

    own_s, counting_s, bare_s = paired_least((ours, counting, bare), runs)
    return {
        "analyze_s": own_s,
        "filtfilt_find_peaks_s": counting_s,
        "ratio": own_s / counting_s,
        "bare_s": bare_s,
        "bare_ratio": own_s / bare_s,
    }


def memory(hours: float) -> dict[str, float]:
    """Growth over a long stream at 80 Hz after its first half hour, when all memories are full; kilobytes."""
    warm_s = 600.0
    time_s, tension_n = exercise_trace(warm_s, STREAM_HZ)
    detector = RepDetector()
    tracemalloc.start()
    before = 0
    for turn in range(round(hours * HOUR_S / warm_s)):
        for i in range(0, time_s.size, BLOCK):
            detector.push(time_s[i : i + BLOCK] + turn * warm_s, tension_n[i : i + BLOCK])
        if turn == FULL_AFTER:
            before = tracemalloc.get_traced_memory()[0]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"hours": hours, "growth_kb": (after - before) / 1024.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 if `--strict` and a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer blocks, one run, one hour of memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    options = parser.parse_args(arguments)
    minutes, runs, hours = (4, 3, 1.0) if options.quick else (20, 7, 10.0)
    stream, growth = streaming(minutes), memory(hours)
    more = {name: streaming(4, trace) for name, trace in MORE.items()}
    whole, stored = offline(runs, OFFLINE_HZ), offline(runs, STREAM_HZ)
    compiled = not repetitions.__file__.endswith(".py")
    print("the signal chain is " + ("compiled" if compiled else "plain Python (`make compiled` compiles it)"))
    print(
        f"streaming, {BLOCK} samples at {STREAM_HZ:g} Hz: chain {stream['chain_us']:.0f} µs on average, "
        f"one sosfilt {stream['sosfilt_us']:.0f} µs, ratio {stream['ratio']:.2f} "
        f"(target ≤ {LARGEST_STREAM_RATIO:g}), worst minute {stream['worst_ratio']:.2f} "
        f"(target ≤ {LARGEST_MINUTE_RATIO:g})"
    )
    for name, costs in more.items():
        print(f"  of {name}: ratio {costs['ratio']:.2f}, worst minute {costs['worst_ratio']:.2f}")
    print(
        f"offline, one hour at {OFFLINE_HZ:g} Hz: analyze {whole['analyze_s']:.2f} s, "
        f"sosfiltfilt + find_peaks {whole['filtfilt_find_peaks_s']:.2f} s, ratio {whole['ratio']:.2f} "
        f"(target ≤ {LARGEST_OFFLINE_RATIO:g}); against a bare find_peaks {whole['bare_ratio']:.2f}; "
        f"at {STREAM_HZ:g} Hz {stored['analyze_s']:.2f} s"
    )
    print(f"memory, {hours:g} h stream: {growth['growth_kb']:+.1f} kB after the first half hour")
    if options.json:
        options.json.write_text(
            json.dumps(
                {
                    "compiled": compiled,
                    "streaming": stream,
                    "more": more,
                    "offline": whole,
                    "offline_80_hz": stored,
                    "memory": growth,
                },
                indent=1,
            )
        )
    met = (
        stream["ratio"] <= LARGEST_STREAM_RATIO
        and stream["worst_ratio"] <= LARGEST_MINUTE_RATIO
        and whole["ratio"] <= LARGEST_OFFLINE_RATIO
        and growth["growth_kb"] <= LARGEST_GROWTH_KB
    )
    return int(options.strict and not met)


if __name__ == "__main__":
    sys.exit(main())
