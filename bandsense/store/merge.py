"""Samples and inputs of one stream in the order in which they happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bandsense.samples import SampleBlock
from bandsense.store.model import Input

__all__ = ["merge_by_sample"]


def merge_by_sample(blocks: Iterable[SampleBlock], inputs: Sequence[Input]) -> Iterator[SampleBlock | Input]:
    """Yield each input after as many samples as it says; blocks are cut where one comes between samples.

    Args:
        blocks: the stream.
        inputs: in order.
    """
    waiting = list(inputs)
    done = 0
    for block in blocks:
        start = 0
        while waiting and waiting[0].after_samples <= done + len(block):
            cut = waiting[0].after_samples - done
            if cut > start:
                yield block.slice(start, cut)
                start = cut
            yield waiting.pop(0)
        if start < len(block):
            yield block.slice(start, len(block))
        done += len(block)
    yield from waiting
