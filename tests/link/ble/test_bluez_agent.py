"""The pairing agent, on a D-Bus of its own with a stand-in for BlueZ's agent manager."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bandsense.link.ble.bluez_agent import pairing_agent
from tests.needs import require_tool

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is a Linux thing"),
    pytest.mark.real_time,
]

CONFIG = """<busconfig><type>system</type><listen>unix:dir={folder}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow own="*"/><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow user="*"/></policy></busconfig>"""


class Manager:
    """Stands in for `org.bluez.AgentManager1`, and asks the agent as BlueZ does."""

    def __init__(self, bus: Any) -> None:
        self.bus = bus
        self.calls: list[tuple[str, list[Any]]] = []
        self.agent = ""

    def on_message(self, message: Any) -> Any:
        from dbus_fast import Message, MessageType

        is_call = message.message_type is MessageType.METHOD_CALL
        if not is_call or message.interface != "org.bluez.AgentManager1":
            return None
        self.calls.append((message.member, message.body))
        self.agent = message.sender
        return Message.new_method_return(message)

    async def ask(self, member: str, signature: str, *body: Any) -> Any:
        from dbus_fast import Message

        return await self.bus.call(
            Message(
                destination=self.agent,
                path="/org/bandsense/agent",
                interface="org.bluez.Agent1",
                member=member,
                signature=signature,
                body=list(body),
            )
        )


@pytest.fixture
def system_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    daemon = require_tool("dbus-daemon", "install it with: apt install dbus-daemon")
    config = tmp_path / "bus.conf"
    config.write_text(CONFIG.format(folder=tmp_path))
    process = subprocess.Popen(
        [daemon, f"--config-file={config}", "--print-address", "--nofork"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", process.stdout.readline().strip())
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
async def manager(system_bus: None) -> AsyncIterator[Manager]:
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.request_name("org.bluez")
    manager = Manager(bus)
    bus.add_message_handler(manager.on_message)
    yield manager
    bus.disconnect()


DEVICE = "/org/bluez/hci0/dev_C0_BA_5E_00_BA_5E"


async def test_the_agent_is_the_default_one_while_it_is_needed(manager: Manager) -> None:
    async with pairing_agent():
        assert manager.calls == [
            ("RegisterAgent", ["/org/bandsense/agent", "NoInputNoOutput"]),
            ("RequestDefaultAgent", ["/org/bandsense/agent"]),
        ]
        reply = await manager.ask("RequestAuthorization", "o", DEVICE)
        assert reply.message_type.name == "METHOD_RETURN"
        reply = await manager.ask("RequestConfirmation", "ou", DEVICE, 123456)
        assert reply.message_type.name == "METHOD_RETURN"
    assert manager.calls[-1] == ("UnregisterAgent", ["/org/bandsense/agent"])


async def test_a_person_is_asked_for_the_passkey(manager: Manager) -> None:
    async def ask() -> int:
        await asyncio.sleep(0.05)
        return 314159

    async with pairing_agent(ask):
        assert manager.calls[0][1][1] == "KeyboardDisplay"
        reply = await manager.ask("RequestPasskey", "o", DEVICE)
        assert (reply.signature, reply.body) == ("u", [314159])


async def test_without_a_passkey_pairing_is_refused(manager: Manager) -> None:
    async def give_up() -> None:
        return None

    async with pairing_agent(give_up):
        reply = await manager.ask("RequestPasskey", "o", DEVICE)
        assert reply.error_name == "org.bluez.Error.Rejected"
        reply = await manager.ask("RequestPinCode", "o", DEVICE)
        assert reply.error_name == "org.bluez.Error.Rejected"


async def test_a_question_that_is_cancelled_is_not_answered(manager: Manager) -> None:
    asked = asyncio.Event()
    cancelled = asyncio.Event()

    async def ask() -> int:
        asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return 0

    async with pairing_agent(ask):
        question = asyncio.create_task(manager.ask("RequestPasskey", "o", DEVICE))
        async with asyncio.timeout(30.0):
            await asked.wait()
            await manager.ask("Cancel", "")
            await cancelled.wait()
            # Messages keep their order: had it been answered, that would have come before this.
            await manager.ask("RequestAuthorization", "o", DEVICE)
        assert not question.done()
        question.cancel()


async def test_without_d_bus_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    entered = False
    async with pairing_agent():
        entered = True
    assert entered
