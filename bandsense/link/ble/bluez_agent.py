"""An agent that answers BlueZ's questions while pairing.

BlueZ refuses to pair (*AuthenticationFailed*) when no program has registered an agent, as on a computer that
has no desktop. This one agrees to *Just Works* and asks the person for a passkey. It is BlueZ's default agent
only while the context lasts. Other systems ask by themselves.

Interface: `org.bluez.Agent1` and `org.bluez.AgentManager1`, doc/org.bluez.Agent.rst and
doc/org.bluez.AgentManager.rst in the source of BlueZ.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

__all__ = ["AskPasskey", "pairing_agent"]

AskPasskey = Callable[[], Awaitable[int | None]]
"""Asks a person for the six digits on the sensor's label; None when the person gives up."""

logger = logging.getLogger(__name__)

_PATH = "/org/bandsense/agent"
_INTERFACE = "org.bluez.Agent1"
_MANAGER_PATH, _MANAGER = "/org/bluez", "org.bluez.AgentManager1"
_CAPABILITY_WITH_PERSON, _CAPABILITY_ALONE = "KeyboardDisplay", "NoInputNoOutput"
_REJECTED = "org.bluez.Error.Rejected"
_CONNECT_TIMEOUT_S = 5.0


class _Agent:
    def __init__(self, bus: MessageBus, ask_passkey: AskPasskey | None) -> None:
        self._bus = bus
        self._ask_passkey = ask_passkey
        self._asking: set[asyncio.Task[None]] = set()

    def on_message(self, message: Message) -> Message | bool | None:
        """Answer calls of the agent's interface; leave all else to others."""
        from dbus_fast import Message, MessageType

        is_call = message.message_type is MessageType.METHOD_CALL
        if not is_call or message.path != _PATH or message.interface != _INTERFACE:
            return None
        if message.member == "RequestPasskey":
            task = asyncio.get_running_loop().create_task(self._answer_passkey(message))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            return True
        if message.member in ("RequestPinCode", "DisplayPinCode"):
            return Message.new_error(message, _REJECTED, "sensors do not pair by PIN")
        if message.member == "Cancel":
            self.cancel()
        return Message.new_method_return(message)

    def cancel(self) -> None:
        """Withdraw the pending question."""
        for task in self._asking:
            task.cancel()

    async def _answer_passkey(self, message: Message) -> None:
        from dbus_fast import Message

        passkey = await self._ask_passkey() if self._ask_passkey is not None else None
        if passkey is None:
            await self._bus.send(Message.new_error(message, _REJECTED, "no passkey was given"))
        else:
            await self._bus.send(Message.new_method_return(message, "u", [passkey]))


async def _call(bus: MessageBus, member: str, signature: str, body: list[Any]) -> None:
    from dbus_fast import Message, MessageType

    reply: Message | None = await bus.call(
        Message(
            destination="org.bluez",
            path=_MANAGER_PATH,
            interface=_MANAGER,
            member=member,
            signature=signature,
            body=body,
        )
    )
    if reply is not None and reply.message_type is MessageType.ERROR:
        logger.warning("BlueZ refuses %s: %s", member, reply.error_name)


@asynccontextmanager
async def pairing_agent(ask_passkey: AskPasskey | None = None) -> AsyncIterator[None]:
    """Answer BlueZ's questions while the context lasts; nothing happens on other systems or without D-Bus."""
    if sys.platform != "linux":
        yield
        return
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await bus.connect()
    except (OSError, TimeoutError, EOFError) as error:
        # What is tried next fails for the same reason, and says so.
        logger.info("no D-Bus for a pairing agent: %s", error)
        bus.disconnect()
        yield
        return
    agent = _Agent(bus, ask_passkey)
    bus.add_message_handler(agent.on_message)
    capability = _CAPABILITY_ALONE if ask_passkey is None else _CAPABILITY_WITH_PERSON
    await _call(bus, "RegisterAgent", "os", [_PATH, capability])
    await _call(bus, "RequestDefaultAgent", "o", [_PATH])
    try:
        yield
    finally:
        agent.cancel()
        with suppress(OSError, EOFError):
            await _call(bus, "UnregisterAgent", "o", [_PATH])
        bus.disconnect()
