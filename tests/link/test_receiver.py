"""What a sensor sends, on its way to whoever reads it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bandsense.link.receiver import Receiver
from bandsense.samples import SampleBlock
from bandsense.wire.bandsense.uuids import BATTERY_LEVEL_UUID
from bandsense.wire.reassembly import StreamStatistics


class Counting:
    """A decoder whose values are times of a clock that may begin anew."""

    def __init__(self) -> None:
        self.statistics = StreamStatistics()

    def feed(self, _characteristic: str, data: bytes, _arrival_s: float) -> SampleBlock | None:
        return SampleBlock(np.array([float(data)]), np.array([0.0])) if data else None


@pytest.fixture
def host() -> SimpleNamespace:
    return SimpleNamespace(now_s=0.0)


@pytest.fixture
def receiver(host: SimpleNamespace) -> Receiver:
    receiver = Receiver(lambda: host.now_s, None)
    decoder: Any = Counting()
    receiver.decoder = decoder
    return receiver


def test_a_clock_that_began_anew_is_related_anew(receiver: Receiver, host: SimpleNamespace) -> None:
    for host.now_s, device in ((100.0, b"1"), (101.0, b"2"), (102.0, b"3")):
        receiver.received("samples", device)
    before = receiver.clock
    assert before.host_s(3.0) == pytest.approx(102.0)
    decoder: Any = receiver.decoder
    decoder.statistics = StreamStatistics(restarts=1)
    host.now_s = 200.0
    receiver.received("samples", b"4")
    assert receiver.clock is not before
    assert receiver.clock.host_s(4.0) == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("data", "percent"), [(b"\x64", 100), (b"\x65", 50), (b"\xff", 50), (b"\x07\x07", 50)]
)
def test_a_battery_level_beyond_100_is_not_believed(receiver: Receiver, data: bytes, percent: int) -> None:
    decoder: Any = receiver.decoder
    decoder.feed = lambda *_: None
    receiver.received(BATTERY_LEVEL_UUID, b"\x32")
    receiver.received(BATTERY_LEVEL_UUID, data)
    assert receiver.battery_percent == percent
