"""Events to an MQTT broker, for home automation and dashboards (extra `mqtt`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bandsense.errors import ConfigError, MissingExtra
from bandsense.live.formatting import event_json
from bandsense.workout.events import Event, TensionTick, event_name

__all__ = ["MqttPublisher", "MqttTarget"]

QUEUE: Final = 256
"""Events that may wait for a slow broker: more than a minute of a set. Levels are not among them."""

RETRY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class MqttTarget:
    """Where to publish, from `mqtt://[user@]host[:port][/topic]`, or `mqtts://` for TLS.

    The password is not part of the address, so that it reaches neither the shell's history nor a log.
    """

    host: str
    port: int
    topic: str = "bandsense"
    user: str | None = None
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> MqttTarget:
        """Read an address.

        Raises:
            ConfigError: the address is not of that form.
        """
        try:
            parts = urlsplit(url if "://" in url else f"mqtt://{url}")
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{url!r} is no broker address: {error}") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ConfigError("a broker is given as mqtt://host:1883/topic, or mqtts:// for TLS")
        if parts.password:
            raise ConfigError("put the broker's password into BANDSENSE_MQTT_PASSWORD, not into the address")
        tls = parts.scheme == "mqtts"
        topic = parts.path.strip("/") or "bandsense"
        if "+" in topic or parts.fragment or url.endswith("#"):
            raise ConfigError(f"the topic {topic!r} must not hold + or #")
        return cls(parts.hostname, port or (8883 if tls else 1883), topic, parts.username, tls)


class MqttPublisher:
    """Publishes each event as JSON under `<topic>/<event name>`, the tension at most once a second.

    A broker that is slow or away never holds up the samples: the oldest waiting event makes room, and
    `dropped` counts it. The broker is looked for again until the task is cancelled.

    Raises:
        MissingExtra: the extra is not installed.
    """

    def __init__(self, target: MqttTarget, *, password: str | None = None) -> None:
        try:
            import aiomqtt
        except ImportError as error:
            raise MissingExtra("publishing over MQTT", "mqtt") from error
        self._aiomqtt = aiomqtt
        self._target = target
        self._password = password
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._unsent: Event | None = None
        self._last_level_s = float("-inf")
        self.dropped = 0
        self.problem: str | None = None

    def listen(self, event: Event) -> None:
        """Take an event; never waits."""
        if isinstance(event, TensionTick):
            if event.time_s < self._last_level_s + 1.0:
                return
            self._last_level_s = event.time_s
        if self._waiting.full():
            self._waiting.get_nowait()
            self._waiting.task_done()
            self.dropped += 1
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                await self._publish_all()
            except self._aiomqtt.MqttError as error:
                self.problem = f"the broker {self._target.host}:{self._target.port} does not answer: {error}"
                await asyncio.sleep(RETRY_S)

    async def _publish_all(self) -> None:
        client = self._aiomqtt.Client(
            self._target.host,
            self._target.port,
            username=self._target.user,
            password=self._password,
            tls_context=ssl.create_default_context() if self._target.tls else None,
        )
        async with client:
            self.problem = None
            while True:
                if self._unsent is None:
                    self._unsent = await self._waiting.get()
                topic = f"{self._target.topic}/{event_name(self._unsent)}"
                await client.publish(topic, json.dumps(event_json(self._unsent)), qos=1)
                self._unsent = None
                self._waiting.task_done()

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has everything, at most `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._waiting.join()
