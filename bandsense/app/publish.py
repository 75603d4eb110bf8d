"""What leaves this machine during a session, because the person asked for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from bandsense.app.pipeline import SessionPipeline
from bandsense.language import Message

__all__ = ["Publishing", "published"]

PASSWORD = "BANDSENSE_MQTT_PASSWORD"  # noqa: S105 - the name of a variable, not a password
"""Environment variable with the broker's password, which thus stays out of the shell's history."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """Where to publish: an MQTT broker's address, an LSL session identity, or neither."""

    mqtt: str | None = None
    lsl: str | None = None

    def check(self) -> None:
        """Do nothing where all of it can be published, so that no sensor is looked for in vain.

        Raises:
            ConfigError: an address or identity cannot be used.
            MissingExtra: what is needed for it is not installed.
        """
        if self.lsl is not None:
            from bandsense.live.lsl import check_session

            check_session(self.lsl)
        if self.mqtt is not None:
            from bandsense.live.mqtt import MqttPublisher, MqttTarget

            MqttPublisher(MqttTarget.parse(self.mqtt))


@asynccontextmanager
async def published(
    pipeline: SessionPipeline, sensor: str, to: Publishing, tell: Callable[[str], None] = lambda _text: None
) -> AsyncIterator[None]:
    """Publish what the pipeline tells while the body runs, each sensor under its own identity.

    Args:
        pipeline: tells the events.
        sensor: its identity.
        to: where to.
        tell: hears of a broker that does not answer, of one that does again, and of a password unprotected.

    Raises:
        ConfigError: an address or identity cannot be used.
        MissingExtra: what is needed for it is not installed.
    """
    if to.lsl is not None:
        from bandsense.live.lsl import LslPublisher

        pipeline.listen_to_samples(LslPublisher(sensor=sensor, session=to.lsl).send)
    if to.mqtt is None:
        yield
        return

    from bandsense import __version__
    from bandsense.live.home_assistant import discovery, topic_name
    from bandsense.live.mqtt import MqttPublisher, MqttTarget

    target = MqttTarget.parse(to.mqtt)
    target = replace(target, topic=f"{target.topic}/{topic_name(sensor)}")
    announced = discovery(target.topic, sensor, pipeline.side, __version__)
    password = os.environ.get(PASSWORD)
    publisher = MqttPublisher(target, password=password, announced=announced, tell=tell)
    pipeline.listen(publisher.listen)
    if target.unprotected_password(password):
        tell(Message("the broker's password goes there unencrypted; mqtts:// protects it"))
    publishing = asyncio.create_task(publisher.run())
    await publisher.first_attempt()
    try:
        yield
    finally:
        await publisher.drain()
        if missed := publisher.dropped + publisher.waiting:
            problem = publisher.problem or Message("it was too slow")
            tell(
                Message(
                    "events that did not reach the MQTT broker: {missed} ({problem})",
                    missed=missed,
                    problem=problem,
                )
            )
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing
