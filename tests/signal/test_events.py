from __future__ import annotations

import pytest

from bandsense.signal.events import Rep

REP = Rep(1, 1.0, 1.6, 2.0, 3.1, 1.8, 60.0, 2.0, 2.5)


def test_phase_durations_add_up_to_the_time_under_tension() -> None:
    assert REP.concentric_s == pytest.approx(0.6)
    assert REP.hold_s == pytest.approx(0.4)
    assert REP.eccentric_s == pytest.approx(1.1)
    assert REP.duration_s == pytest.approx(REP.concentric_s + REP.hold_s + REP.eccentric_s)
