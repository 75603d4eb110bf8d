"""What is on while a context lasts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

__all__ = ["Powered"]


class Powered(ABC):
    """A simulated sensor: switched on while its context lasts."""

    async def __aenter__(self) -> Self:
        await self.power_on()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.power_off()

    @abstractmethod
    async def power_on(self) -> None:
        """Begin to be heard."""

    @abstractmethod
    async def power_off(self) -> None:
        """Fall silent."""
