"""Driver of the WH-C06 hanging scale, which broadcasts its readings."""

from __future__ import annotations

from typing_extensions import override

from bandsense.errors import FrameError, LinkError
from bandsense.language import Message, mark
from bandsense.link.drivers.base import (
    AdvertisementData,
    ConnectedSensor,
    Driver,
    GattClient,
    SensorAdvertisement,
)
from bandsense.wire import whc06
from bandsense.wire.decoder import ADVERTISEMENT, WhC06Decoder

__all__ = ["WhC06Driver"]


class WhC06Driver(Driver):
    """WH-C06 and its siblings, known by the name IF_B7 or by the shape of their manufacturer data."""

    name = "whc06"
    title = mark("WH-C06 hanging scale")
    broadcasts = True
    bonds = False

    @override
    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        # The company id alone is not enough, others use it too.
        payload = heard.manufacturer_data.get(whc06.COMPANY_ID)
        if payload is None:
            return None
        if heard.name != whc06.NAME:
            try:
                whc06.decode_advertisement(payload)
            except FrameError:
                return None
        return SensorAdvertisement(heard.name or whc06.NAME, payload=payload)

    @override
    def decoder(self) -> WhC06Decoder:
        return WhC06Decoder()

    @override
    def device(self, gatt: GattClient) -> ConnectedSensor:
        raise LinkError(Message("this scale only broadcasts; no connection can be made to it"))

    @override
    def redact(self, characteristic: str, data: bytes) -> bytes:
        return whc06.without_prefix(data) if characteristic == ADVERTISEMENT else data
