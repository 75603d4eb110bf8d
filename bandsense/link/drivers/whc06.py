"""Driver of the WH-C06 hanging scale, which broadcasts its readings."""

from __future__ import annotations

from bandsense.errors import FrameError, LinkError
from bandsense.link.drivers.base import AdvertisementData, ConnectedSensor, GattClient, SensorAdvertisement
from bandsense.wire import whc06
from bandsense.wire.decoder import WhC06Decoder

__all__ = ["WhC06Driver"]


class WhC06Driver:
    """WH-C06 and its siblings, known by the name IF_B7 or by the shape of their manufacturer data."""

    name = "whc06"
    title = "WH-C06 hanging scale"
    broadcasts = True
    bonds = False

    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        """See `Driver`; the company id alone is not enough, others use it too."""
        payload = heard.manufacturer_data.get(whc06.COMPANY_ID)
        if payload is None:
            return None
        if heard.name != whc06.NAME:
            try:
                whc06.decode_advertisement(payload)
            except FrameError:
                return None
        return SensorAdvertisement(heard.name or whc06.NAME, payload=payload)

    def decoder(self) -> WhC06Decoder:
        """See `Driver`."""
        return WhC06Decoder()

    def device(self, gatt: GattClient) -> ConnectedSensor:
        """Nothing to connect to."""
        raise LinkError("this scale only broadcasts; no connection can be made to it")
