"""A raw capture turned into sample blocks again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bandsense.capture.format import Capture, DeliveryRecord, GapRecord, LinkRecord, SectionRecord
from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import SampleBlock
from bandsense.wire.decoder import Decoder

__all__ = ["replay_capture"]


def replay_capture(
    capture: Capture, decoder_for: Callable[[str], Decoder]
) -> Iterator[SampleBlock | LinkRecord | SectionRecord]:
    """Replay a capture: yield its sample blocks in order, interleaved with link events.

    Each section is a stream of its own: times and units of its blocks need not follow those before it.

    Args:
        capture: as `read_capture` gives it.
        decoder_for: makes a decoder for the sensors of a driver, by the driver's name.

    Raises:
        ConfigError: it was captured with a driver that is not installed here.
        DataError: it does not begin with a section.
    """
    decoder: Decoder | None = None
    delivered = True
    for record in capture.records:
        if isinstance(record, SectionRecord):
            decoder = decoder_for(str(record.about.get("driver")))
            delivered = True
            yield record
            continue
        if isinstance(record, LinkRecord):
            yield record
            continue
        if isinstance(record, DeliveryRecord):
            delivered = record.on
            continue
        if decoder is None:
            raise DataError(
                Message("the capture does not say which sensor it is of; it was cut at its beginning")
            )
        block = (
            decoder.interrupt()
            if isinstance(record, GapRecord)
            else decoder.feed(record.characteristic, record.data, record.arrival_s)
        )
        if delivered and block is not None and len(block):
            yield block
