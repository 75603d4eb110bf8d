"""Sensors that were paired."""

from __future__ import annotations

from typing import Literal

from bandsense.exercises.model import Side
from bandsense.profiles.base import Identified, Key, Name

__all__ = ["SensorProfile"]


class SensorProfile(Identified):
    """A sensor that someone owns.

    Attributes:
        id: serial number or address, as the link tells it.
        name: what people call it.
        driver: device family.
        address: where this computer found it last; another computer may know it under another.
        mount: between band and handle or anchor, or clipped onto the band.
        side: which side it is on, where there are two.
        band: the band it stays on, if it does.
    """

    name: Name = "Sensor"
    driver: Name = "bandsense"
    address: Key | None = None
    mount: Literal["inline", "clip-on"] = "inline"
    side: Side | None = None
    band: Key | None = None
