"""A session goes to intervals.icu when it is asked to, as documented there; here to a local stand-in."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.needs import require_module

require_module("fit_tool", "bandsense[fit]")
require_module("keyring", "bandsense[keyring]")

import keyring  # noqa: E402
import keyring.backend  # noqa: E402
import keyring.backends.fail  # noqa: E402
import keyring.errors  # noqa: E402


class Ring(keyring.backend.KeyringBackend):
    """A keyring of the test's own."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("there is none")


@pytest.fixture(autouse=True)
def _no_ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the keyring of whoever runs the tests alone."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    monkeypatch.delenv("BANDSENSE_INTERVALS_KEY", raising=False)
    yield
    keyring.set_keyring(before)


def test_a_keyring_goes_before_a_file(
    session: Command, service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home" / "intervals.key"
    monkeypatch.setattr("sys.stdin", io.StringIO("old\n"))
    assert session("upload", "--save-key").out == f"saved in {file}\n"
    ring = Ring()
    keyring.set_keyring(ring)
    monkeypatch.setattr("sys.stdin", io.StringIO("right\n"))
    assert session("upload", "--save-key").out == "saved in the system's keyring\n"
    assert ring.kept == {("bandsense", "intervals"): "right"}
    assert not file.exists()
    assert session("upload", "last", "--service", service.address).out == "i777\n"
    assert session("upload", "--forget-key").out == "forgotten\n"
    assert session("upload", "--forget-key", "--json").out == '{"forgotten": false}\n'
    assert "no key" in session("upload", "last", "--service", service.address).err


def test_a_locked_keyring_leaves_the_file(
    session: Command, service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(Ring(locked=True))
    monkeypatch.setattr("sys.stdin", io.StringIO("right\n"))
    assert session("upload", "--save-key").status == 0
    assert (tmp_path / "home" / "intervals.key").stat().st_mode & 0o777 == 0o600
    assert session("upload", "last", "--service", service.address).out == "i777\n"


class StandIn(HTTPServer):
    """Answers as the service does: 401 without the right key, 201 with the activity's identity."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, str, bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = "Basic " + base64.b64encode(b"API_KEY:right").decode()
        if self.headers["Authorization"] != right:
            self.send_response(401)
            self.end_headers()
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = message_from_bytes(head + body).get_payload()  # type: ignore[misc]
        data = part.get_payload(decode=True)  # type: ignore[union-attr]
        self.server.taken.append((self.path, part.get_filename(), data))  # type: ignore[attr-defined,union-attr]
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b'{"icu_athlete_id": "i1", "id": "i777"}')

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_session_is_sent_with_the_kept_key(
    session: Command, service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANDSENSE_INTERVALS_KEY", raising=False)
    assert "no key for intervals.icu" in session("upload", "last", "--service", service.address).err
    monkeypatch.setattr("sys.stdin", io.StringIO("right\n"))
    assert session("upload", "--save-key").status == 0
    key = tmp_path / "home" / "intervals.key"
    assert key.stat().st_mode & 0o777 == 0o600
    done = session("upload", "last", "--service", service.address)
    assert (done.status, done.out) == (0, "i777\n")
    ((path, name, data),) = service.taken
    assert (path, name) == ("/api/v1/athlete/0/activities", "session-1.fit")
    assert data[8:12] == b".FIT"


def test_what_goes_wrong_is_said_without_the_key(
    session: Command, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_INTERVALS_KEY", "secret-and-wrong")
    done = session("upload", "1", "--service", service.address)
    assert (done.status, "the key is wrong" in done.err) == (1, True)
    assert "secret" not in done.err
    assert "cannot be reached" in session("upload", "1", "--service", "http://127.0.0.1:9").err
    assert session("upload").status == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert session("upload", "--save-key").status == 1
