from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import HostSensor
from tests.needs import REPOSITORY, missing

FIRMWARE = REPOSITORY / "firmware"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The firmware runs in real time: its tests keep to one worker, one after the other."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("firmware"))
            # The first one waits for the build, which takes what it takes.
            item.add_marker(pytest.mark.timeout(func_only=True))


@pytest.fixture(scope="session")
def host_binary() -> Path:
    """The firmware's host program, built."""
    if shutil.which("cargo") is None:
        missing("a Rust toolchain", "install one from https://rustup.rs")
    build = ["cargo", "build", "--quiet", "--locked", "--package", "bandsense-host"]
    subprocess.run(build, cwd=FIRMWARE, check=True)
    return FIRMWARE / "target" / "debug" / "bandsense-host"


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


@pytest.fixture
async def sensor(radio: VirtualRadio, host_binary: Path, tmp_path: Path) -> AsyncIterator[HostSensor]:
    """A new sensor that has just been switched on."""
    sensor = HostSensor(radio, host_binary, tmp_path)
    await sensor.start()
    yield sensor
    await sensor.cut_power()
