"""The Progressor-compatible service of a simulated bandsense sensor (docs/protocol.md section 10)."""

from __future__ import annotations

from bumble.device import Connection

from bandsense.samples import KGF_N
from bandsense.sim.devices.body import Body
from bandsense.sim.devices.hardware import (
    CLOCK_TURN_US,
)
from bandsense.sim.devices.progressor import ProgressorService
from bandsense.sim.devices.streamer import Streamer
from bandsense.wire import progressor
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.measurement import MeasurementFrame

__all__ = ["ProgressorMode"]

_PROGRESSOR_RATE_HZ = 80


class ProgressorMode:
    """What an app for the Progressor sees of the sensor, of one boot.

    Attributes:
        service: the GATT service; None where the option is off.
    """

    def __init__(self, body: Body, streamer: Streamer) -> None:
        self._body = body
        self._streamer = streamer
        self.service: ProgressorService | None = None
        self._start_us = 0
        self._tare_kgf = 0.0
        self._tare_due = False
        self._last_kgf = 0.0

    def on_command(self, connection: Connection, opcode: int) -> None:
        """Obey what is listed in section 10, and nothing else."""
        match opcode:
            case progressor.Command.TARE if self._streamer.for_progressor:
                self._tare_kgf += self._last_kgf
            case progressor.Command.TARE if not self._streamer.streaming:
                # What it feels stands still until the next stream: that begins with what is weighed now.
                self._tare_due = True
            case progressor.Command.START if not self._streamer.streaming:
                self._start_us = self._body.clock_us()
                self._streamer.for_progressor = True
                self._streamer.begin(_PROGRESSOR_RATE_HZ)
            case progressor.Command.STOP if self._streamer.for_progressor:
                self._streamer.end()
            case progressor.Command.SLEEP:
                self._body.run(self._body.sleep(connection))
            case _ if (payload := self._answer_to(opcode)) is not None:
                self.notify(connection, progressor.encode_response(payload))

    def _answer_to(self, opcode: int) -> bytes | None:
        match opcode:
            case progressor.Command.VERSION:
                return self._body.hardware.firmware_revision.encode()
            case progressor.Command.BATTERY:
                return self._body.battery_mv.to_bytes(4, "little")
            case progressor.Command.ID:
                return self._body.hardware.serial.to_bytes(8, "little").rstrip(b"\0")
            case progressor.Command.ERROR_INFORMATION | progressor.Command.CLEAR_ERROR:
                return b""
            case _:
                return None

    def notify(self, connection: Connection, data: bytes) -> None:
        """Notify an app for the Progressor, if the service is there."""
        if self.service is not None and self._body.device is not None:
            self.service.notify(self._body.device, connection, data)

    def weights(self, frame: MeasurementFrame) -> bytes:
        """Convert a frame to kilogram-force, by the stored calibration and the app's own tare."""
        record = CalibrationRecord.decode(self._body.memory.calibration)
        excess = [count - record.zero_counts for count in frame.counts]
        tension_n = [record.newton_per_count * x + record.newton_per_count2 * x * x for x in excess]
        if self._tare_due:
            self._tare_kgf, self._tare_due = tension_n[0] / KGF_N, False
        weights_kgf = tuple(tension / KGF_N - self._tare_kgf for tension in tension_n)
        self._last_kgf = weights_kgf[-1]
        start_us = (frame.time_us - self._start_us) % CLOCK_TURN_US
        return progressor.encode_weights(
            weights_kgf, tuple(start_us + offset_us for offset_us in frame.offsets_us)
        )

    def transmit(self, frame: MeasurementFrame) -> tuple[bytes, ...]:
        """Hand a frame to the radio as weights; gives what went out."""
        connection, device = self._body.connection, self._body.device
        if self.service is None or connection is None or device is None:
            return ()
        data = self.weights(frame)
        return (data,) if self.service.notify(device, connection, data) else ()
