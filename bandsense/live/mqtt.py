"""Events to an MQTT broker, for home automation and dashboards (extra `mqtt`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from bandsense.errors import ConfigError, MissingExtra
from bandsense.language import Message
from bandsense.live.formatting import event_json
from bandsense.live.home_assistant import availability_topic
from bandsense.workout.events import BatteryChanged, Event, SetDone, TensionTick, event_name

__all__ = ["MqttPublisher", "MqttTarget", "broker_problem"]

QUEUE: Final = 256
"""Events that may wait for a slow broker: more than a minute of a set. Levels are not among them."""

RETRY_S: Final = 5.0

_HERE: Final = ("localhost", "127.0.0.1", "::1")

_KEPT: Final = (BatteryChanged, SetDone)
"""What the broker keeps for whoever subscribes later."""


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
            raise ConfigError(
                Message("{url!r} is not a broker address: {error}", url=url, error=error)
            ) from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ConfigError(Message("a broker is given as mqtt://host:1883/topic, or mqtts:// for TLS"))
        if parts.password:
            raise ConfigError(
                Message("put the broker's password into BANDSENSE_MQTT_PASSWORD, not into the address")
            )
        tls = parts.scheme == "mqtts"
        topic = parts.path.strip("/") or "bandsense"
        if "+" in topic or parts.fragment or url.endswith("#"):
            raise ConfigError(Message("the topic {topic!r} must not hold + or #", topic=topic))
        return cls(parts.hostname, port or (8883 if tls else 1883), topic, parts.username, tls)

    def unprotected_password(self, password: str | None) -> bool:
        """Tell whether a password would leave this computer in plain sight."""
        return not self.tls and None not in (self.user, password) and self.host not in _HERE


class MqttPublisher:
    """Publishes each event as JSON under `<topic>/<event name>`, the tension at most once a second.

    While it does, `<topic>/status` says `online`; afterwards, or when the link to the broker is lost, it says
    `offline`. That, and what Home Assistant is told, are kept by the broker for whoever comes later.

    A broker that is slow or away never holds up the samples: the oldest waiting event makes room, and
    `dropped` counts it. The broker is looked for again until the task is cancelled.

    Raises:
        MissingExtra: the extra is not installed.
    """

    def __init__(
        self,
        target: MqttTarget,
        *,
        password: str | None = None,
        announced: Mapping[str, Mapping[str, Any]] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        try:
            import aiomqtt
        except ImportError as error:
            raise MissingExtra(Message("publishing over MQTT"), "mqtt") from error
        self._aiomqtt = aiomqtt
        self._target = target
        self._password = password
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._unsent: Event | None = None
        self._announced = dict(announced or {})
        self._tell = tell
        self._tried = asyncio.Event()
        self._last_level_s = float("-inf")
        self.dropped = 0
        self.problem: str | None = None

    @property
    def tried(self) -> bool:
        """Tell whether the broker has answered or refused once."""
        return self._tried.is_set()

    @property
    def waiting(self) -> int:
        """Return how many events the broker has not taken yet."""
        return self._waiting.qsize() + (self._unsent is not None)

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
            except (self._aiomqtt.MqttError, OSError) as error:
                self._report(
                    Message(
                        "the broker {host}:{port} does not answer: {error}",
                        host=self._target.host,
                        port=self._target.port,
                        error=error,
                    )
                )
                await asyncio.sleep(RETRY_S)
            finally:
                self._tried.set()

    def _report(self, problem: str | None) -> None:
        """Remember what is wrong, and tell it when it has changed."""
        was, self.problem = self.problem, problem
        if self._tell is not None and (was is None) != (problem is None):
            self._tell(problem or Message("the MQTT broker answers again"))
        self._tried.set()

    async def first_attempt(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has answered or not, at most `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._tried.wait()

    async def _publish_all(self) -> None:
        client = self._aiomqtt.Client(
            self._target.host,
            self._target.port,
            username=self._target.user,
            password=self._password,
            tls_context=ssl.create_default_context() if self._target.tls else None,
            will=self._aiomqtt.Will(availability_topic(self._target.topic), "offline", qos=1, retain=True),
        )
        async with client:
            self._report(None)
            for topic, message in self._announced.items():
                await client.publish(topic, json.dumps(message), qos=1, retain=True)
            await client.publish(availability_topic(self._target.topic), "online", qos=1, retain=True)
            try:
                await self._publish_events(client)
            finally:  # a broker sends the will only where the link was lost
                with contextlib.suppress(self._aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(1.0):
                        topic = availability_topic(self._target.topic)
                        await client.publish(topic, "offline", qos=1, retain=True)

    async def _publish_events(self, client: Any) -> None:
        while True:
            if self._unsent is None:
                self._unsent = await self._waiting.get()
            topic = f"{self._target.topic}/{event_name(self._unsent)}"
            kept = isinstance(self._unsent, _KEPT)
            await client.publish(topic, json.dumps(event_json(self._unsent)), qos=1, retain=kept)
            self._unsent = None
            self._waiting.task_done()

    async def drain(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has everything, at most `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._waiting.join()


async def broker_problem(target: MqttTarget, password: str | None, timeout_s: float = 5.0) -> str | None:
    """Connect to a broker and leave it again; gives why that cannot be done, or None.

    Raises:
        MissingExtra: the extra is not installed.
    """
    publisher = MqttPublisher(replace(target, topic=f"{target.topic}/doctor"), password=password)
    running = asyncio.create_task(publisher.run())
    await publisher.first_attempt(timeout_s)
    answered = publisher.tried
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    if answered:
        return publisher.problem
    return Message("the broker {host}:{port} does not answer", host=target.host, port=target.port)
