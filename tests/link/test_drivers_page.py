"""The driver that docs/drivers.md walks through works as it is printed there, from package to stream."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bumble import gatt
from bumble.core import AdvertisingData

from bandsense.app import bug_report
from bandsense.app.bug_report import Mask, masked_capture
from bandsense.capture.format import CaptureWriter, SectionRecord, read_capture
from bandsense.capture.replay import replay_capture
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.drivers import registry
from bandsense.link.drivers.base import AdvertisementData
from bandsense.link.drivers.registry import all_drivers, decoder_named, driver_named
from bandsense.link.sensor import open_sensor
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.needs import REPOSITORY
from tests.support.sensors import Journal

PAGE = (REPOSITORY / "docs" / "drivers.md").read_text()
SERVICE = "0000a5a0-0000-1000-8000-00805f9b34fb"
INTERVAL_US = 12_500


def printed(language: str) -> str:
    """The one block of code in this language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(block)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of the page, installed: where Python looks, with the metadata that an installer writes."""
    [(group, entries)] = tomllib.loads(printed("toml"))["project"]["entry-points"].items()
    metadata = tmp_path / "acme_bandsense-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-bandsense\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{lines}")
    (tmp_path / "acme_bandsense.py").write_text("from __future__ import annotations\n" + printed("python"))
    monkeypatch.syspath_prepend(tmp_path)
    all_drivers.cache_clear()
    yield
    all_drivers.cache_clear()


class AcmeScale:
    """The scale of the page: it notifies time and force, and starts by itself."""

    def __init__(self, uuid: str) -> None:
        self.force: gatt.Characteristic[bytes] = gatt.Characteristic(
            uuid, gatt.Characteristic.Properties.NOTIFY, gatt.Characteristic.READABLE, b""
        )
        self.sent = 0

    @asynccontextmanager
    async def on_air(self, radio: VirtualRadio) -> AsyncIterator[None]:
        device = await radio.add_device("acme")
        device.add_service(gatt.Service(SERVICE, [self.force]))
        name = AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, b"ACME 7")])
        await device.start_advertising(
            advertising_data=bytes(name),
            auto_restart=True,
            advertising_interval_min=50,
            advertising_interval_max=50,
        )
        weighing = asyncio.create_task(self._weigh(device))
        yield
        weighing.cancel()
        await radio.remove_device("acme")

    async def _weigh(self, device: Any) -> None:
        while True:
            await asyncio.sleep(INTERVAL_US / 1e6)
            time_us = self.sent * INTERVAL_US % 2**32
            value = time_us.to_bytes(4, "little") + self.sent.to_bytes(4, "little", signed=True)
            self.sent += 1
            await device.notify_subscribers(self.force, value)


@pytest.mark.usefixtures("package")
async def test_a_package_adds_a_sensor(
    radio: VirtualRadio, transport: Transport, journal: Journal, tmp_path: Path
) -> None:
    blocks: list[SampleBlock] = []
    file = tmp_path / "acme.bandcap"
    scale = AcmeScale("0000a5a1-0000-1000-8000-00805f9b34fb")
    async with scale.on_air(radio):
        (sighting,) = await discover(1.0, transport=transport)
        assert (sighting.name, sighting.driver.title) == ("ACME 7", "Acme scale")
        with CaptureWriter(file) as capture:
            async with open_sensor(
                "ACME 7", transport=transport, on_event=journal, capture=capture
            ) as sensor:
                assert (sensor.information.driver, sensor.information.unit) == ("acme", Unit.NEWTON)

                async def read() -> None:
                    blocks.extend([block async for block in sensor.stream()])

                reading = asyncio.create_task(read())
                await asyncio.sleep(5.0)
                radio.lose_link("acme")
                await asyncio.sleep(5.0)
            await reading
    block = concatenate(blocks)
    (gap,) = np.flatnonzero(block.gap_before)
    steps = np.diff(np.round(block.values * 100))
    assert (np.delete(steps, gap - 1) == 1).all()
    np.testing.assert_allclose(np.delete(np.diff(block.time_s), gap - 1), INTERVAL_US / 1e6, atol=1e-9)
    assert block.time_s[gap] - block.time_s[gap - 1] == pytest.approx(
        steps[gap - 1] * INTERVAL_US / 1e6, abs=0.1
    )
    assert journal.troubles == ["link lost"]
    replayed = [
        item for item in replay_capture(read_capture(file), decoder_named) if isinstance(item, SampleBlock)
    ]
    assert concatenate(replayed) == block
    masked = tmp_path / "masked.bandcap"
    masked_capture(read_capture(file), masked, Mask())
    again = replay_capture(read_capture(masked), decoder_named)
    assert concatenate(item for item in again if isinstance(item, SampleBlock)) == block


@pytest.mark.usefixtures("package")
def test_what_a_driver_cannot_redact_stays_out_of_a_bug_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, masked = tmp_path / "acme.bandcap", tmp_path / "masked.bandcap"
    with CaptureWriter(file) as capture:
        capture.section(0.0, {"driver": "acme", "name": "ACME 7"})
        capture.received(1.0, "0000a5a1-0000-1000-8000-00805f9b34fb", b"secret 7")
    monkeypatch.setattr(registry, "driver_named", lambda name: _Old())
    monkeypatch.setattr(bug_report, "driver_named", lambda name: _Old())
    masked_capture(read_capture(file), masked, Mask())
    (section,) = read_capture(masked).records
    assert isinstance(section, SectionRecord)
    assert section.about["values"] == "left out: the driver cannot redact them"


class _Old:
    """A driver as version 0.1.0 knew them."""

    name = "acme"


@pytest.mark.usefixtures("package")
def test_the_decoder_of_the_page() -> None:
    driver = driver_named("acme")
    assert driver.parse_advertisement(AdvertisementData("a", "ACME 7")) is not None
    assert driver.parse_advertisement(AdvertisementData("a", "other")) is None
    uuid = "0000a5a1-0000-1000-8000-00805f9b34fb"
    decoder = driver.decoder()
    samples = [(0, 12.34), (12_500, -0.01), (25_000, 100.0)]
    for time_us, newtons in samples:
        data = time_us.to_bytes(4, "little") + round(newtons * 100).to_bytes(4, "little", signed=True)
        block = decoder.feed(uuid, data, 1.0)
        assert block is not None
        assert (float(block.time_s[0]), float(block.values[0])) == (time_us / 1e6, newtons)
    assert decoder.feed(uuid, b"torn", 1.0) is None
    assert decoder.statistics.malformed == 1
