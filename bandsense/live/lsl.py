"""Tension as a stream of the Lab Streaming Layer, beside a laboratory's other instruments (extra `lsl`).

LSL opens ports on every network interface and has no passwords. Its session identity stands in for a token:
an inlet that was not configured with the same identity cannot find the stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from bandsense.errors import ConfigError, MissingExtra
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["LslPublisher", "check_session"]

LEAST_SESSION = 8
"""Characters of a session identity, so that it is not guessed in passing."""

RELATED_S = 60.0
"""The clocks are related over so long a time: 100 ppm between them make 6 ms."""


def check_session(session: str) -> None:
    """Do nothing with a session identity that can be used.

    Raises:
        ConfigError: it is too short or has characters that LSL's configuration can't hold.
        MissingExtra: pylsl is not installed.
    """
    if len(session) < LEAST_SESSION or not (session.isascii() and session.isalnum()):
        raise ConfigError(
            Message(
                "the LSL session identity has {least_session} or more letters and digits; inlets need it too",
                least_session=LEAST_SESSION,
            )
        )
    try:
        import pylsl  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise MissingExtra(Message("streaming over LSL"), "lsl") from error


class LslPublisher:
    """Every sample's tension in newtons, as the workout has it, stamped in LSL's clock.

    Args:
        sensor: identity of the sensor; it is part of the stream's source identity.
        session: LSL session identity that inlets must share.

    Raises:
        ConfigError, MissingExtra: see `check_session`.
    """

    def __init__(self, *, sensor: str, session: str) -> None:
        check_session(session)
        import pylsl

        pylsl.set_config_content(f"[lab]\nSessionID = {session}\n")
        source = f"bandsense-{sensor}"
        info = pylsl.StreamInfo("bandsense", "Force", 1, pylsl.IRREGULAR_RATE, "float32", source)
        channel = info.desc().append_child("channels").append_child("channel")
        channel.append_child_value("label", "tension").append_child_value("unit", "newtons")
        self._clock: Callable[[], float] = pylsl.local_clock
        self._outlet = pylsl.StreamOutlet(info)
        self._offsets: deque[tuple[float, float]] = deque()

    def send(self, time_s: FloatArray, tension_n: FloatArray) -> None:
        """Send the samples of a block; LSL does it in threads of its own."""
        if not time_s.size:
            return
        stamps = time_s + self._offset(float(time_s[-1]))
        self._outlet.push_chunk(tension_n.astype(np.float32).reshape(-1, 1), stamps.tolist())

    def _offset(self, device_s: float) -> float:
        """Return LSL's clock minus the device's: the smallest seen lately, as arrival is only ever late."""
        self._offsets.append((device_s, self._clock() - device_s))
        while self._offsets[0][0] < device_s - RELATED_S:
            self._offsets.popleft()
        return min(offset for _, offset in self._offsets)
