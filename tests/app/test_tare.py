"""A zero is set on a slack band; where the band may be taut, the person is asked first."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bandsense.app.tare import NewZero, tare, zero_words
from bandsense.errors import CalibrationError
from bandsense.link.ble.adapter import Transport
from bandsense.sim.clock import run_accelerated
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.sensor import NEWTON_PER_COUNT
from bandsense.sim.physics.source import Conversions
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio


class Hanging:
    """A sensor that feels a still tension, or one that sways by so much to either side."""

    newton_per_count = NEWTON_PER_COUNT
    zero_count = 0
    rate_hz = 80.0

    def __init__(self, tension_n: float, sway_n: float = 0.0) -> None:
        self._tension_n = tension_n
        self._sway_n = sway_n
        self._sample = 0
        self._rng = np.random.default_rng(1)

    def set_rate(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz

    def read(self, n: int) -> Conversions:
        number = np.arange(self._sample, self._sample + n)
        self._sample += n
        sway_n = self._sway_n * np.sin(2.0 * np.pi * number / self.rate_hz)
        counts = np.rint((self._tension_n + sway_n + self._rng.normal(0.0, 0.02, n)) / NEWTON_PER_COUNT)
        none = np.zeros(n, dtype=np.bool_)
        time_us = np.rint(number * 1e6 / self.rate_hz).astype(np.int64)
        return Conversions(time_us, counts.astype(np.int32), none, none)


def tared(tension_n: float, *, slack: bool | None, sway_n: float = 0.0) -> tuple[NewZero, list[str]]:
    """Set the zero; who is asked says whether the band is slack. Nobody is there if that is None."""
    asked: list[str] = []

    async def confirm(question: str) -> bool:
        asked.append(question)
        return bool(slack)

    async def run() -> NewZero:
        async with (
            VirtualRadio(connection_interval_s=0.03) as radio,
            VirtualBand(radio, Hanging(tension_n, sway_n), keep_log=False) as band,
        ):
            computer = await radio.adapter()
            clock = asyncio.get_running_loop().time
            transport = Transport(client_backend(computer), scanner_backend(computer), clock)
            return await tare(band.address, transport, print, confirm=None if slack is None else confirm)

    return run_accelerated(run()), asked


def test_a_slack_band_is_not_asked_about() -> None:
    zero, asked = tared(1.5, slack=False)
    assert asked == []
    assert "taut" not in zero_words(zero)


def test_no_zero_is_set_while_the_load_moves() -> None:
    tared(1.5, slack=None, sway_n=0.5)
    with pytest.raises(CalibrationError, match=r"changed by 3\.\d N while the zero was being set"):
        tared(1.5, slack=None, sway_n=1.5)


def test_a_still_band_under_tension_is_asked_about() -> None:
    _, asked = tared(23.0, slack=True)
    assert asked == ["The sensor shows a steady 23 N. Is the band slack?"]
    with pytest.raises(CalibrationError, match="stays as it was"):
        tared(23.0, slack=False)


def test_where_nobody_can_be_asked_the_doubt_is_told() -> None:
    zero, _ = tared(23.0, slack=None)
    assert zero.before_n == pytest.approx(23.0, abs=0.2)
    assert "if the band was taut then" in zero_words(zero)
