"""What a sensor advertises (docs/protocol.md section 8), both directions."""

from __future__ import annotations

from dataclasses import dataclass

from bandsense.wire.bandsense.codes import PROFILE_MAJOR
from bandsense.wire.bandsense.fields import require, require_range

__all__ = ["Advertisement"]


_PAIRING_OPEN, _CONNECTED, _STREAMING, _ADVERTISED_LOW_BATTERY, _EXTERNAL_POWER, _CHARGING = (
    1,
    2,
    4,
    8,
    16,
    32,
)


_BATTERY_UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class Advertisement:
    """The service data that a sensor advertises (section 8).

    Attributes:
        battery_percent: 0 … 100; None when unknown, as without a cell.
        external_power: it is fed from outside.
        charging: the cell is being charged.

    Raises:
        FrameError: a field is out of its range.
    """

    battery_percent: int | None = None
    pairing_open: bool = False
    connected: bool = False
    streaming: bool = False
    low_battery: bool = False
    external_power: bool = False
    charging: bool = False
    major: int = PROFILE_MAJOR

    def __post_init__(self) -> None:
        require_range("profile major", self.major, 0, 0xFF)
        if self.battery_percent is not None:
            require_range("battery in percent", self.battery_percent, 0, 100)

    def encode(self) -> bytes:
        """Return the service data, without the UUID before it."""
        state = (
            self.pairing_open * _PAIRING_OPEN
            | self.connected * _CONNECTED
            | self.streaming * _STREAMING
            | self.low_battery * _ADVERTISED_LOW_BATTERY
            | self.external_power * _EXTERNAL_POWER
            | self.charging * _CHARGING
        )
        battery = _BATTERY_UNKNOWN if self.battery_percent is None else self.battery_percent
        return bytes((self.major, state, battery))

    @classmethod
    def decode(cls, data: bytes) -> Advertisement:
        """Decode service data, without the UUID before it; further bytes are ignored.

        Raises:
            FrameError: fewer than three bytes, or an impossible battery level.
        """
        require(len(data) >= 3, f"the service data has at least 3 bytes, got {len(data)}")
        major, state, battery = data[:3]
        return cls(
            battery_percent=None if battery == _BATTERY_UNKNOWN else battery,
            pairing_open=bool(state & _PAIRING_OPEN),
            connected=bool(state & _CONNECTED),
            streaming=bool(state & _STREAMING),
            low_battery=bool(state & _ADVERTISED_LOW_BATTERY),
            external_power=bool(state & _EXTERNAL_POWER),
            charging=bool(state & _CHARGING),
            major=major,
        )
