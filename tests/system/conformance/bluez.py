"""What a desktop does for BlueZ: power, an agent that answers pairing questions, a list of known devices."""

import asyncio
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, method

ADAPTER = "/org/bluez/hci0"
AGENT = "/bandsense/agent"
SERVICE_TIMEOUT_S = 60.0


class DesktopAgent(ServiceInterface):
    """`org.bluez.Agent1`: agrees to everything, and types the passkey. Annotations are D-Bus signatures."""

    def __init__(self) -> None:
        super().__init__("org.bluez.Agent1")
        self.passkey = None

    @method()
    def Release(self):
        pass

    @method()
    def Cancel(self):
        pass

    @method()
    def RequestPasskey(self, device: "o") -> "u":  # noqa: F821
        if self.passkey is None:
            raise DBusError("org.bluez.Error.Rejected", "nothing to type")
        return self.passkey

    @method()
    def RequestConfirmation(self, device: "o", passkey: "u"):  # noqa: F821
        pass

    @method()
    def RequestAuthorization(self, device: "o"):  # noqa: F821
        pass

    @method()
    def AuthorizeService(self, device: "o", uuid: "s"):  # noqa: F821
        pass


class BlueZ:
    """BlueZ over D-Bus."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.agent = DesktopAgent()

    @classmethod
    async def connect(cls) -> "BlueZ":
        bluez = cls(await MessageBus(bus_type=BusType.SYSTEM).connect())
        bluez.bus.export(AGENT, bluez.agent)
        return bluez

    async def close(self) -> None:
        self.bus.disconnect()

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        reply = await self.bus.call(
            Message(
                destination="org.bluez",
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name, str(reply.body[0]) if reply.body else "")
        return reply.body

    async def power(self, on: bool) -> None:
        """Switch the adapter, once it and the service are there; register the agent."""
        value = Variant("b", on)
        properties = "org.freedesktop.DBus.Properties"
        async with asyncio.timeout(SERVICE_TIMEOUT_S):
            while True:
                try:
                    await self.call(ADAPTER, properties, "Set", "ssv", "org.bluez.Adapter1", "Powered", value)
                    break
                except DBusError:
                    await asyncio.sleep(0.2)
        if on:
            await self._register_agent()

    async def _register_agent(self) -> None:
        manager = "org.bluez.AgentManager1"
        try:
            await self.call("/org/bluez", manager, "RegisterAgent", "os", AGENT, "KeyboardOnly")
        except DBusError as error:
            if "AlreadyExists" not in str(error.type):
                raise
        await self.call("/org/bluez", manager, "RequestDefaultAgent", "o", AGENT)

    async def remove(self, address: str) -> None:
        """Forget a device, if it is known."""
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        try:
            await self.call(ADAPTER, "org.bluez.Adapter1", "RemoveDevice", "o", path)
        except DBusError as error:
            if "DoesNotExist" not in str(error.type):
                raise

    async def device_property(self, address: str, name: str) -> Any:
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        properties = "org.freedesktop.DBus.Properties"
        try:
            return (await self.call(path, properties, "Get", "ss", "org.bluez.Device1", name))[0].value
        except DBusError:
            return None
