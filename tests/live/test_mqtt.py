"""Events reach a real broker, and a broker that is away holds nothing up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bandsense.errors import ConfigError
from bandsense.live.mqtt import QUEUE, MqttPublisher, MqttTarget
from bandsense.workout.events import BatteryChanged, TensionTick
from tests.needs import require_tool

aiomqtt = pytest.importorskip("aiomqtt", reason="pip install 'bandsense[mqtt]'")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def _broker(folder: Path, port: int) -> AsyncIterator[None]:
    program = require_tool("mosquitto", "apt-get install mosquitto")
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(settings), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            await asyncio.sleep(0.02)
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_events_arrive_as_json_under_their_names(tmp_path: Path) -> None:
    port = _free_port()
    async with _broker(tmp_path, port), aiomqtt.Client("127.0.0.1", port) as reader:
        await reader.subscribe("gym/left/#")
        publisher = MqttPublisher(MqttTarget.parse(f"mqtt://127.0.0.1:{port}/gym/left"))
        task = asyncio.create_task(publisher.run())
        publisher.listen(BatteryChanged(3.0, 64, 3.0))
        message = await asyncio.wait_for(anext(aiter(reader.messages)), 10)
        await publisher.drain()
        task.cancel()
    assert str(message.topic) == "gym/left/battery_changed"
    assert json.loads(bytes(message.payload)) == {
        "event": "battery_changed",
        "time_s": 3.0,
        "percent": 64,
        "detected_s": 3.0,
    }
    assert publisher.dropped == 0


async def test_a_broker_that_comes_late_gets_what_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandsense.live.mqtt.RETRY_S", 0.05)
    port = _free_port()
    publisher = MqttPublisher(MqttTarget("127.0.0.1", port))
    task = asyncio.create_task(publisher.run())
    publisher.listen(BatteryChanged(0.0, 50, 0.0))
    await asyncio.sleep(0.2)
    assert publisher.problem is not None
    assert f"127.0.0.1:{port}" in publisher.problem
    async with _broker(tmp_path, port):
        await publisher.drain(10)
        assert publisher.problem is None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_levels_are_thinned_and_old_events_make_room() -> None:
    publisher = MqttPublisher(MqttTarget("127.0.0.1", 1))
    for n in range(200):
        publisher.listen(TensionTick(n / 20, 10.0, 1.0))
    assert publisher.dropped == 0  # ten seconds of levels are ten messages
    for n in range(QUEUE):
        publisher.listen(BatteryChanged(float(n), 50, float(n)))
    assert publisher.dropped == 10


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("broker.local", MqttTarget("broker.local", 1883)),
        ("mqtt://me@10.0.0.2:2883/gym/left/", MqttTarget("10.0.0.2", 2883, "gym/left", "me")),
        ("mqtts://broker.local", MqttTarget("broker.local", 8883, tls=True)),
    ],
)
def test_addresses(url: str, target: MqttTarget) -> None:
    assert MqttTarget.parse(url) == target


@pytest.mark.parametrize(
    "url", ["http://x", "mqtt://", "mqtt://x:99999", "mqtt://me:secret@x", "mqtt://x/a/#"]
)
def test_wrong_addresses_are_refused_in_words(url: str) -> None:
    with pytest.raises(ConfigError):
        MqttTarget.parse(url)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as error:
        MqttTarget.parse("mqtt://me:secret@x")
    assert "secret" not in str(error.value)
