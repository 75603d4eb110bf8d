"""Events reach a real broker, and a broker that is away holds nothing up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bandsense.errors import ConfigError
from bandsense.live.formatting import event_json
from bandsense.live.home_assistant import discovery
from bandsense.live.mqtt import QUEUE, MqttPublisher, MqttTarget, broker_problem
from bandsense.signal.events import Rep, RepCompleted, RepCounted
from bandsense.workout.events import BatteryChanged, TensionTick
from tests.needs import require_module, require_tool
from tests.support.ports import reserved_port

aiomqtt = require_module("aiomqtt", "bandsense[mqtt]")


@pytest.fixture
def port() -> Iterator[int]:
    """Where a broker is, once it is started."""
    with reserved_port() as port:
        yield port


@contextlib.asynccontextmanager
async def _broker(folder: Path, port: int) -> AsyncIterator[None]:
    program = require_tool("mosquitto", "apt-get install mosquitto")
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(settings), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30.0):
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 10.0).close()
                    break
                await asyncio.sleep(0.02)
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_events_arrive_as_json_under_their_names(tmp_path: Path, port: int) -> None:
    async with _broker(tmp_path, port), aiomqtt.Client("127.0.0.1", port) as reader:
        await reader.subscribe("gym/left/#")
        publisher = MqttPublisher(MqttTarget.parse(f"mqtt://127.0.0.1:{port}/gym/left"))
        task = asyncio.create_task(publisher.run())
        publisher.listen(BatteryChanged(3.0, 64, 3.0))
        messages = aiter(reader.messages)
        assert str((await asyncio.wait_for(anext(messages), 30)).topic) == "gym/left/status"
        message = await asyncio.wait_for(anext(messages), 30)
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


ALLOWED = {
    *("name", "unique_id", "object_id", "state_topic", "value_template", "availability_topic", "device"),
    *("origin", "qos", "unit_of_measurement", "device_class", "state_class", "entity_category", "icon"),
}
"""Keys of an MQTT sensor by Home Assistant's documentation; it refuses others."""
ALLOWED_OF_DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version", "serial_number"}


def test_home_assistant_takes_what_it_is_told() -> None:
    messages = discovery("gym/5e45", "5E:45", "left", "1.0")
    identities = set()
    for topic, message in messages.items():
        prefix, component, node, entity, config = topic.split("/")
        assert (prefix, component, config) == ("homeassistant", "sensor", "config")
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", node)
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", entity)
        assert set(message) <= ALLOWED
        assert set(message["device"]) <= ALLOWED_OF_DEVICE
        assert message["device"]["identifiers"] == ["bandsense_5E_45"]
        assert message.get("device_class") in (None, "battery")
        assert message.get("state_class") == "measurement"
        assert message.get("entity_category") in (None, "diagnostic")
        assert message.get("device_class") != "battery" or message["unit_of_measurement"] == "%"
        assert message["origin"]["name"]
        assert message["qos"] in (0, 1, 2)
        assert message["state_topic"].startswith("gym/5e45/")
        assert re.fullmatch(r"mdi:[a-z-]+", message.get("icon", "mdi:x"))
        assert "#" not in message["state_topic"]
        assert "+" not in message["state_topic"]
        identities.add(message["unique_id"])
    assert len(identities) == len(messages) == 5
    other = discovery("gym/0000", "0000", "right", "1.0")
    assert not identities & {message["unique_id"] for message in other.values()}


def test_each_template_finds_its_value_in_the_event() -> None:
    rep = Rep(1, 0.0, 1.0, 2.0, 3.0, 1.5, 50.04, 1.0, 1.0, False, 1.0)
    told = {
        "tension_tick": event_json(TensionTick(1.0, 12.34, 0.1)),
        "rep_counted": event_json(RepCounted(1.0, 1, 50.0, 1.0, 3)),
        "rep_completed": event_json(RepCompleted(3.0, 1, rep, 3.0)),
        "battery_changed": event_json(BatteryChanged(1.0, 64, 1.0)),
        "set_done": {"number": 2},
    }
    for message in discovery("b", "s", None, "1").values():
        event = message["state_topic"].removeprefix("b/")
        path = re.match(r"\{\{ value_json\.([a-z_.]+)", message["value_template"])
        assert path is not None
        value = told[event]
        for key in path[1].split("."):
            value = value[key]
        assert isinstance(value, int | float)


async def test_whoever_comes_later_learns_of_sensor_battery_and_end(tmp_path: Path, port: int) -> None:
    async with _broker(tmp_path, port):
        announced = discovery("gym/5e45", "5e45", None, "1.0")
        publisher = MqttPublisher(MqttTarget("127.0.0.1", port, "gym/5e45"), announced=announced)
        task = asyncio.create_task(publisher.run())
        publisher.listen(BatteryChanged(3.0, 64, 3.0))
        publisher.listen(TensionTick(3.0, 5.0, 0.1))
        await publisher.drain(30)
        assert await _kept(port) == {
            **announced,
            "gym/5e45/status": "online",
            "gym/5e45/battery_changed": event_json(BatteryChanged(3.0, 64, 3.0)),
        }
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert (await _kept(port))["gym/5e45/status"] == "offline"


async def _kept(port: int) -> dict[str, Any]:
    """What a broker keeps for whoever subscribes now."""
    found: dict[str, Any] = {}
    async with aiomqtt.Client("127.0.0.1", port) as reader:
        await reader.subscribe("#")
        await reader.publish("that is all")
        async with asyncio.timeout(30.0):
            async for message in reader.messages:
                text = bytes(message.payload).decode()
                if str(message.topic) == "that is all":
                    break
                if message.retain:
                    found[str(message.topic)] = json.loads(text) if text.startswith("{") else text
    return found


async def test_what_is_wrong_is_told_once_and_when_it_is_over(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandsense.live.mqtt.RETRY_S", 0.05)
    told: list[str] = []
    publisher = MqttPublisher(MqttTarget("127.0.0.1", port), tell=told.append)
    task = asyncio.create_task(publisher.run())
    await publisher.first_attempt(30)
    await asyncio.sleep(0.3)
    assert len(told) == 1
    assert f"127.0.0.1:{port} does not answer" in told[0]
    async with _broker(tmp_path, port):
        publisher.listen(BatteryChanged(3.0, 64, 3.0))
        await publisher.drain(30)
        assert told[1:] == ["the MQTT broker answers again"]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_doctor_says_whether_a_broker_can_be_reached(tmp_path: Path, port: int) -> None:
    assert "does not answer" in str(await broker_problem(MqttTarget("127.0.0.1", port), None, 10.0))
    async with _broker(tmp_path, port):
        assert await broker_problem(MqttTarget("127.0.0.1", port), None, 10.0) is None


async def test_a_broker_that_comes_late_gets_what_waited(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandsense.live.mqtt.RETRY_S", 0.05)
    publisher = MqttPublisher(MqttTarget("127.0.0.1", port))
    task = asyncio.create_task(publisher.run())
    publisher.listen(BatteryChanged(0.0, 50, 0.0))
    await publisher.first_attempt(30)
    assert publisher.problem is not None
    assert f"127.0.0.1:{port}" in publisher.problem
    async with _broker(tmp_path, port):
        await publisher.drain(30)
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


def test_a_password_in_plain_sight_is_noticed() -> None:
    def unprotected(url: str, password: str | None = "secret") -> bool:
        return MqttTarget.parse(url).unprotected_password(password)

    assert unprotected("mqtt://me@broker.local")
    assert not unprotected("mqtts://me@broker.local")
    assert not unprotected("mqtt://me@localhost")  # does not leave this computer
    assert not unprotected("mqtt://broker.local")  # none is sent without a name
    assert not unprotected("mqtt://me@broker.local", None)


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
