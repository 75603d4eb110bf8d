"""The journey of docs/for-makers.md on the firmware itself: built, paired, calibrated, updated."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from bandsense.app.sensor_calibration import calibration_on
from bandsense.cli.commands import calibrate as command
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.dfu.update import update_firmware
from bandsense.link.pairing import pair
from bandsense.link.sensor import open_sensor
from bandsense.samples import KGF_N
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import HostSensor, find
from tests.firmware.updates import cared_for, factory_flash, host_arguments, transport, update_file

pytestmark = [pytest.mark.firmware, pytest.mark.slow, pytest.mark.real_time]

COUNTS_PER_KG = 40_000


async def hang(sensor: HostSensor, mass_kg: float) -> None:
    await sensor.tell(f"load {round(COUNTS_PER_KG * mass_kg)}")


async def felt_n(sensor: HostSensor, air: Transport, mass_kg: float) -> tuple[float, float]:
    """What is read of a mass, as a session would read it, and its standard uncertainty."""
    async with open_sensor(None, transport=air) as opened:
        calibration = calibration_on(None, opened.information)
        await hang(sensor, mass_kg)
        values: list[float] = []
        async for block in opened.stream():
            values += block.values.tolist()
            if len(values) > 160:
                break
        read = float(np.mean(np.asarray(calibration.tension_n(np.array(values[80:])))))
        return read, float(calibration.standard_uncertainty_n(read))


@pytest.mark.timeout(600, func_only=True)  # on the function: the folder's own would come before a module's
async def test_from_a_new_board_to_an_updated_sensor(
    host_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with VirtualRadio() as radio:
        still = tmp_path / "still.csv"
        still.write_text("time_s,counts\n0,-12000\n", encoding="utf-8")
        sensor = HostSensor(radio, host_binary, tmp_path, [*host_arguments(), "--trace", str(still)])
        sensor.flash.write_bytes(factory_flash())
        await sensor.start()
        try:
            async with cared_for(sensor) as caretaker:
                air = await transport(radio)
                await find(radio)  # on a busy machine it takes its time to start
                (found,) = await discover(2.0, transport=air)
                async with pair(found, transport=air):
                    pass

                async def answer(question: str) -> str:
                    """Do what the question says, as a person with masses does."""
                    if "Store this calibration" in question:
                        return "y"
                    hung = re.search(r"([\d.]+) kg", question)
                    await hang(sensor, float(hung[1]) if hung else 0.0)
                    await asyncio.sleep(0.5)
                    return ""

                monkeypatch.setattr(command, "_answer", answer)
                words = [
                    "calibrate",
                    "--masses",
                    "2,10",
                    "--masses-are",
                    "weighed",
                    "--runs",
                    "1",
                    "--quick",
                ]
                parser = argparse.ArgumentParser()
                command.add(parser.add_subparsers())
                await command.calibrate(parser.parse_args(words), None, air)
                assert "stored in the sensor" in capsys.readouterr().out

                read_n, uncertainty_n = await felt_n(sensor, air, 3.0)
                assert read_n == pytest.approx(3.0 * KGF_N, abs=max(0.2, 3.0 * uncertainty_n))
                assert uncertainty_n < 1.0, "calibrated, no longer nominal"
                await hang(sensor, 0.0)

                done = await update_firmware(update_file(tmp_path, "1.1.0"), None, transport=air)
                assert (done.old_version, done.new_version) == ("1.0.0", "1.1.0")
                after_n, _ = await felt_n(sensor, air, 3.0)
                assert after_n == pytest.approx(read_n, abs=0.2), "an update keeps the calibration"
                assert caretaker.booted == ["running 1.0.0"]
        finally:
            await sensor.cut_power()
