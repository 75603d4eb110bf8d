"""What works on this machine: the checks behind `bandsense doctor`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bandsense.errors import BandsenseError
from bandsense.language import Message, joined, mark, message_of

__all__ = ["Check", "Outcome", "checks"]

_EXTRAS = {
    "sim": ("bumble", mark("the simulated sensor and `bandsense demo`")),
    "web": ("starlette", mark("the live view in a browser")),
    "fit": ("fit_tool", mark("export as FIT")),
    "parquet": ("pyarrow", mark("export as Parquet")),
    "mqtt": ("aiomqtt", mark("publishing over MQTT")),
    "lsl": ("pylsl", mark("streaming to Lab Streaming Layer")),
    "update": ("smpclient", mark("firmware updates")),
    "completion": ("shtab", mark("completion in the shell")),
    "sign": ("cryptography", mark("signed prescriptions")),
    "postgres": ("psycopg", mark("a clinic's database")),
    "keyring": ("keyring", mark("keys in the system's keyring")),
    "mcp": ("mcp", mark("the server for assistants")),
}
_STORE = Message("store")
_LEAST_FREE_BYTES = 100_000_000
"""Twenty hours of samples."""

_SCAN_S = 3.0


class Outcome(Enum):
    """How a check ended."""

    GOOD = "ok"
    MISSING = "--"
    """An optional part that is not there."""
    BAD = mark("NO")


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found, with what to do where something is wrong.

    Attributes:
        private: names in the finding that nobody else needs to know.
    """

    name: str
    outcome: Outcome
    finding: str
    private: tuple[str, ...] = ()


def checks(store: Path, mqtt: str | None = None) -> Iterator[Check]:
    """Look at everything, one after the other."""
    yield _program()
    yield from _guarded(_STORE, lambda: _store(store))
    yield from _guarded("bluetooth", _bluetooth)
    if mqtt is not None:
        yield from _guarded("broker", lambda: _broker(mqtt))
    for extra, (module, purpose) in _EXTRAS.items():
        yield _extra(extra, module, purpose)


def _guarded(name: str, look: Callable[[], Check]) -> Iterator[Check]:
    try:
        yield look()
    except BandsenseError as error:
        yield Check(name, Outcome.BAD, message_of(error))


def _program() -> Check:
    from bandsense import __version__

    system = f"{platform.system()} {platform.release()}"
    python = platform.python_version()
    signal = importlib.util.find_spec("bandsense.signal.laws.repetitions")
    plain = signal is None or signal.origin is None or signal.origin.endswith(".py")
    version = __version__ if plain else f"{__version__} (mypyc)"
    return Check(
        "bandsense",
        Outcome.GOOD,
        Message("{version} on Python {python}, {system}", version=version, python=python, system=system),
    )


def _store(path: Path) -> Check:
    from bandsense.store.store import Store

    free_bytes = shutil.disk_usage(next(folder for folder in path.absolute().parents if folder.exists())).free
    few = Message("only {free:.0f} MB free for {path}; free some space", free=free_bytes / 1e6, path=path)
    if not path.exists():
        if free_bytes < _LEAST_FREE_BYTES:
            return Check(_STORE, Outcome.BAD, few)
        return Check(_STORE, Outcome.GOOD, Message("{path} (created at the first session)", path=path))
    sessions = len(Store.open(path).sessions())
    if free_bytes < _LEAST_FREE_BYTES:
        return Check(_STORE, Outcome.BAD, few)
    found = Message(
        "{path}, sessions: {sessions}, free: {free:.1f} GB",
        path=path,
        sessions=sessions,
        free=free_bytes / 1e9,
    )
    return Check(_STORE, Outcome.GOOD, found)


def _bluetooth() -> Check:
    from bandsense.link.ble.scanner import discover

    sensors = asyncio.run(discover(_SCAN_S))
    names = tuple(sensor.name for sensor in sensors)
    heard = ", ".join(names) or Message("no sensor heard just now")
    return Check("bluetooth", Outcome.GOOD, Message("the adapter scans; {heard}", heard=heard), names)


def _broker(url: str) -> Check:
    from bandsense.app.publish import PASSWORD
    from bandsense.live.mqtt import MqttTarget, broker_problem

    target = MqttTarget.parse(url)
    password = os.environ.get(PASSWORD)
    problem = asyncio.run(broker_problem(target, password))
    if problem is not None:
        return Check("broker", Outcome.BAD, problem, (target.host,))
    unprotected = target.unprotected_password(password)
    words = [Message("{host}:{port} answers", host=target.host, port=target.port)]
    if unprotected:
        words.append(Message("the password goes there unencrypted: use mqtts://"))
    return Check("broker", Outcome.GOOD, joined(words), (target.host,))


def _extra(extra: str, module: str, purpose: str) -> Check:
    if importlib.util.find_spec(module) is not None:
        return Check(extra, Outcome.GOOD, Message(purpose))
    command = f"{sys.executable} -m pip install 'bandsense[{extra}]'"
    return Check(extra, Outcome.MISSING, joined((Message(purpose), command), ": "))
