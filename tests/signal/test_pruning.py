"""Explanations that are not worked out: they would not have survived."""

from __future__ import annotations

import math
from itertools import islice

import pytest

from bandsense.signal import explanations
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import CountJudged
from benchmarks.evidence import special, walks
from benchmarks.evidence.trace import Trace


def judged(trace: Trace) -> list[float]:
    """When something was told, and how sure each count was."""
    detector = RepDetector()
    told = [*detector.push(trace.time_s, trace.tension_n), *detector.finish()]
    sure = [p for event in told if isinstance(event, CountJudged) for p in event.more.values()]
    return [event.detected_s for event in told] + sure


def test_what_dips_rule_out_would_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulses, half returns, one-and-a-halves and walks: several movements that may be one."""
    traces = [*islice(special.grid("dev", each=1), 0, None, 3), *islice(walks.grid("dev", 1), 2)]
    assert len(traces) >= 8
    quick = [judged(trace) for trace in traces]
    for name in ("LIKELIEST_NEXT", "LIKELIEST_FIRST"):
        monkeypatch.setattr(explanations, name, math.inf)
    for trace, seen in zip(traces, quick, strict=True):
        assert judged(trace) == pytest.approx(seen, abs=1e-4), trace.name
