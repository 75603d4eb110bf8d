"""Firmware updates, end to end: smpclient's requests over the virtual radio to the firmware's own server."""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bandsense.errors import UpdateError
from bandsense.link.dfu.update import UpdateProgress, UpdateResult, UpdateStage, update_firmware
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import RADIO_NAME, RESTART, HostSensor, advertised, until
from tests.firmware.updates import (
    JOURNALS,
    POWER_CUT,
    SLOTS,
    Caretaker,
    cared_for,
    factory_flash,
    host_arguments,
    image,
    transport,
    update_file,
)
from tests.needs import IN_CI

pytestmark = [pytest.mark.firmware, pytest.mark.slow]


@pytest.fixture
async def sensor(radio: VirtualRadio, host_binary: Path, tmp_path: Path) -> AsyncIterator[HostSensor]:
    """A sensor that runs version 1.0.0 from slot A."""
    sensor = HostSensor(radio, host_binary, tmp_path, host_arguments())
    sensor.flash.write_bytes(factory_flash())
    await sensor.start()
    yield sensor
    await sensor.cut_power()


async def update(radio: VirtualRadio, file: Path, **options: object) -> UpdateResult:
    return await update_firmware(file, transport=await transport(radio), **options)  # type: ignore[arg-type]


async def booted_version(sensor: HostSensor) -> str:
    """What the sensor runs after it was switched off and on."""
    await sensor.reboot()
    await until(lambda: any(line.startswith("running ") for line in sensor.said), "a start")
    return next(line for line in sensor.said if line.startswith("running ")).removeprefix("running ")


async def test_an_update_is_uploaded_tried_and_kept(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    progress: list[UpdateProgress] = []
    async with cared_for(sensor):
        first = await update(radio, update_file(tmp_path, "1.1.0"), on_progress=progress.append)
        assert (first.old_version, first.new_version, first.reconnections) == ("1.0.0", "1.1.0", 0)
        second = await update(radio, update_file(tmp_path, "1.2.0"))
        assert (second.old_version, second.new_version) == ("1.1.0", "1.2.0")
    assert await booted_version(sensor) == "1.2.0"
    sent = [step.sent_bytes for step in progress if step.stage is UpdateStage.UPLOADING]
    assert sent == sorted(sent)
    assert sent[-1] == progress[-1].total_bytes
    assert progress[-1].stage is UpdateStage.DONE


@pytest.mark.parametrize(
    ("version", "options", "reason"),
    [
        ("1.1.0", {"board": "another"}, "image is for board another"),
        ("1.1.0", {"key": Ed25519PrivateKey.from_private_bytes(bytes(32))}, "unknown key"),
        ("1.0.0", {}, "install it all the same with --force"),
        ("0.9.0", {}, "install it all the same with --force"),
        ("1.1.0", {"size": 400_000}, "too large"),
    ],
    ids=["board", "signature", "same version", "older version", "too large"],
)
async def test_what_does_not_belong_on_the_sensor_is_refused(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path, version: str, options: dict, reason: str
) -> None:
    with pytest.raises(UpdateError, match=reason):
        await update(radio, update_file(tmp_path, version, **options))
    assert await booted_version(sensor) == "1.0.0"


async def test_an_older_version_goes_on_when_forced(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    async with cared_for(sensor):
        assert (await update(radio, update_file(tmp_path, "0.9.0"), force=True)).new_version == "0.9.0"
    assert await booted_version(sensor) == "0.9.0"


async def test_a_low_battery_refuses(radio: VirtualRadio, sensor: HostSensor, tmp_path: Path) -> None:
    await sensor.reboot("--battery", "3400")
    await sensor.tell("press 50")
    await advertised(radio, "pairing_open")
    with pytest.raises(UpdateError, match="charge to 20 % first"):
        await update(radio, update_file(tmp_path, "1.1.0"))


async def test_an_update_that_was_stopped_goes_on_where_it_was(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    file = update_file(tmp_path, "1.1.0", size=370_000)
    stopped_at: list[int] = []
    stopping = asyncio.create_task(
        update(radio, file, on_progress=lambda step: stopped_at.append(step.sent_bytes))
    )
    await until(lambda: stopped_at and stopped_at[-1] > 100_000, "a third of the upload")
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    sent: list[int] = []
    async with cared_for(sensor):
        await update(radio, file, on_progress=lambda step: sent.append(step.sent_bytes))
    assert next(sent_bytes for sent_bytes in sent if sent_bytes > 0) >= stopped_at[-1]
    assert await booted_version(sensor) == "1.1.0"


async def test_an_image_that_is_never_connected_to_gives_way(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    updating = asyncio.create_task(update(radio, update_file(tmp_path, "1.1.0")))
    assert await sensor.exit_status() == RESTART
    radio.silence("computer")
    await sensor.start()
    await sensor.says("running 1.1.0")
    await sensor.cut_power()
    radio.unsilence("computer")
    await sensor.start()
    with pytest.raises(UpdateError, match=r"went back to 1\.0\.0"):
        await updating
    assert await booted_version(sensor) == "1.0.0"


async def test_flipped_bits_in_the_new_image_boot_the_old_one(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    async with cared_for(sensor):
        await update(radio, update_file(tmp_path, "1.1.0"))
    await sensor.cut_power()
    good = sensor.flash.read_bytes()
    draw = random.Random(1)
    for _ in range(20):
        bad = bytearray(good)
        bad[SLOTS[1] + draw.randrange(6256)] ^= 1 << draw.randrange(8)
        sensor.flash.write_bytes(bad)
        assert await booted_version(sensor) == "1.0.0"


@pytest.mark.timeout(900)
async def test_the_link_cut_a_hundred_times(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shortly after whatever an update tells of, in as many updates as that takes."""
    monkeypatch.setattr("bandsense.link.dfu.update.RETRY_PAUSE_S", 0.05)
    wanted, cuts = 100 if IN_CI else 15, 0
    draw = random.Random(2)
    sent: list[int] = []
    stepped = asyncio.Event()

    def on_progress(step: UpdateProgress) -> None:
        stepped.set()
        if step.stage is UpdateStage.UPLOADING:
            sent.append(step.sent_bytes)

    async def cut() -> None:
        nonlocal cuts
        while cuts < wanted:
            await stepped.wait()
            stepped.clear()
            await asyncio.sleep(draw.uniform(0.0, 0.02))
            if radio.controller(RADIO_NAME).le_connections:
                radio.lose_link(RADIO_NAME)
                cuts += 1

    async with cared_for(sensor):
        cutting = asyncio.create_task(cut())
        for number in itertools.count(1):
            sent.clear()
            version = f"1.{number}.0"
            file = update_file(tmp_path, version, size=370_000)
            result = await update(radio, file, on_progress=on_progress)
            assert result.new_version == version
            assert sent == sorted(sent), "nothing is sent twice from the start"
            if cuts == wanted:
                break
        await cutting
    assert await booted_version(sensor) == version


@pytest.mark.timeout(900)
async def test_power_cut_at_flash_operations(radio: VirtualRadio, sensor: HostSensor, tmp_path: Path) -> None:
    """Of the upload, the trial's mark, the confirmation; firmware/update/tests cuts at every operation."""
    file = update_file(tmp_path, "1.1.0")
    bonded_and_old = bytearray(factory_flash())

    async def update_an_old_one(upload_cut: int | None = None, trial_cut: int | None = None) -> Caretaker:
        sensor.flash.write_bytes(bonded_and_old)
        await sensor.start(*cut_at(upload_cut))
        async with cared_for(sensor) as caretaker:
            caretaker.next_start = cut_at(trial_cut)
            try:
                await update(radio, file)
            except UpdateError:
                # A trial that the power ends is one that the image did not pass.
                if trial_cut is None:
                    raise
                await update(radio, file)
            if trial_cut is not None:  # the last ones come when the link has ended
                await until(lambda: POWER_CUT in caretaker.statuses, "the power cut")
        await sensor.cut_power()
        return caretaker

    await sensor.cut_power()
    await update_an_old_one()
    bonded_and_old[0xE_C000:0xF_4000] = sensor.flash.read_bytes()[0xE_C000:0xF_4000]
    [steps_of_upload] = (await update_an_old_one()).flash_steps
    draw = random.Random(3)
    uploads = [1, 9, 16, 17, 18, 19, *draw.sample(range(20, steps_of_upload), 6)]
    uploads += range(steps_of_upload - 3, steps_of_upload + 1)
    trials = [1, 2, 3, 10, 18, 19, 20]
    cuts = [(at, None) for at in uploads] + [(None, at) for at in trials]
    for cut in cuts if IN_CI else draw.sample(cuts, 5):
        caretaker = await update_an_old_one(*cut)
        # A link that was lost on the way to `steps_of_upload` has cost steps of its own.
        was_too_late = caretaker.flash_steps and caretaker.flash_steps[0] < (cut[0] or 0)
        assert POWER_CUT in caretaker.statuses or was_too_late, cut
        assert await booted_version(sensor) == "1.1.0"
        await sensor.cut_power()


def cut_at(step: int | None) -> tuple[str, ...]:
    return () if step is None else ("--cut-at", str(step))


async def test_an_image_that_nobody_connects_to_gives_way(
    radio: VirtualRadio, host_binary: Path, tmp_path: Path
) -> None:
    sensor = HostSensor(radio, host_binary, tmp_path, [*host_arguments(), "--hurried"])
    flash = bytearray(factory_flash())
    flash[SLOTS[1] : SLOTS[1] + len(image("1.1.0", 1))] = image("1.1.0", 1)
    pending = 2 << 8 | 1
    flash[JOURNALS[1] : JOURNALS[1] + 8] = struct.pack("<II", pending, ~pending & 0xFFFFFFFF)
    sensor.flash.write_bytes(flash)
    await sensor.start()
    async with cared_for(sensor) as caretaker:
        await until(lambda: caretaker.booted == ["running 1.1.0"], "the end of the trial")
        await until(lambda: any("running 1.0.0" in line for line in sensor.said), "the old image")
    await sensor.cut_power()
