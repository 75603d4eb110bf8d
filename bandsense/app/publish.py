"""What leaves this machine during a session, because the person asked for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from bandsense.app.pipeline import SessionPipeline

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
async def published(pipeline: SessionPipeline, sensor: str, to: Publishing) -> AsyncIterator[None]:
    """Publish what the pipeline tells while the body runs; of two sensors each under its side.

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

    from bandsense.live.mqtt import MqttPublisher, MqttTarget

    target = MqttTarget.parse(to.mqtt)
    if pipeline.side is not None:
        target = replace(target, topic=f"{target.topic}/{pipeline.side}")
    publisher = MqttPublisher(target, password=os.environ.get(PASSWORD))
    pipeline.listen(publisher.listen)
    publishing = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        await publisher.drain()
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing
