"""A small GATT server for tests of the radio and of the bleak backend."""

from __future__ import annotations

from bumble import att, gatt
from bumble.core import AdvertisingData
from bumble.device import Connection, Device

from bandsense.sim.radio.virtual_radio import VirtualRadio

SERVICE = "6e40fff0-b5a3-f393-e0a9-e50e24dcca9e"
VALUE = "6e40fff1-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFIED = "6e40fff2-b5a3-f393-e0a9-e50e24dcca9e"
INDICATED = "6e40fff3-b5a3-f393-e0a9-e50e24dcca9e"
REFUSED = "6e40fff4-b5a3-f393-e0a9-e50e24dcca9e"
ENCRYPTED = "6e40fff5-b5a3-f393-e0a9-e50e24dcca9e"
SILENT = "6e40fff6-b5a3-f393-e0a9-e50e24dcca9e"
DESCRIPTION = "Value that can be read and written"
APPLICATION_ERROR = 0x81

_P = gatt.Characteristic.Properties
_READABLE = gatt.Characteristic.READABLE
_WRITEABLE = gatt.Characteristic.WRITEABLE


class Server:
    """A device `name` on the radio with one service, and what it received."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.value = b"hello"
        self.written: list[bytes] = []
        self.notified = gatt.Characteristic(NOTIFIED, _P.NOTIFY, _READABLE, b"")
        self.indicated = gatt.Characteristic(INDICATED, _P.INDICATE, _READABLE, b"")
        device.add_service(
            gatt.Service(
                SERVICE,
                [
                    gatt.Characteristic(
                        VALUE,
                        _P.READ | _P.WRITE | _P.WRITE_WITHOUT_RESPONSE,
                        _READABLE | _WRITEABLE,
                        gatt.CharacteristicValue(read=self._read, write=self._write),
                        [
                            gatt.Descriptor(
                                gatt.GATT_CHARACTERISTIC_USER_DESCRIPTION_DESCRIPTOR,
                                _READABLE,
                                DESCRIPTION.encode(),
                            )
                        ],
                    ),
                    self.notified,
                    self.indicated,
                    gatt.Characteristic(
                        REFUSED,
                        _P.READ | _P.WRITE,
                        _READABLE | _WRITEABLE,
                        gatt.CharacteristicValue(read=self._refuse_read, write=self._refuse_write),
                    ),
                    gatt.Characteristic(
                        ENCRYPTED,
                        _P.READ,
                        _READABLE | gatt.Characteristic.READ_REQUIRES_ENCRYPTION,
                        b"secret",
                    ),
                    gatt.Characteristic(
                        SILENT, _P.READ, _READABLE, gatt.CharacteristicValue(read=self._never)
                    ),
                ],
            )
        )

    async def advertise(self, interval_ms: float = 20.0) -> None:
        advertising = AdvertisingData(
            [
                (AdvertisingData.FLAGS, bytes([0x06])),
                (AdvertisingData.COMPLETE_LOCAL_NAME, b"tester"),
                (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, b"\xff\xff\x01\x02"),
            ]
        )
        response = AdvertisingData(
            [
                (
                    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                    bytes.fromhex(SERVICE.replace("-", ""))[::-1],
                ),
                (AdvertisingData.TX_POWER_LEVEL, b"\xfc"),
            ]
        )
        await self.device.start_advertising(
            advertising_data=bytes(advertising),
            scan_response_data=bytes(response),
            auto_restart=True,
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
        )

    def _read(self, _connection: Connection) -> bytes:
        return self.value

    def _write(self, _connection: Connection, value: bytes) -> None:
        self.written.append(value)
        self.value = value

    def _refuse_read(self, _connection: Connection) -> bytes:
        raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)

    def _refuse_write(self, _connection: Connection, _value: bytes) -> None:
        raise att.ATT_Error(APPLICATION_ERROR)

    async def _never(self, connection: Connection) -> bytes:
        await connection.sustain()
        return b""


async def serve(radio: VirtualRadio, name: str = "tester") -> Server:
    server = Server(await radio.add_device(name))
    await server.advertise()
    return server
