"""The page as a service: the unit and the container file, and https, as far as this machine can try them."""

from __future__ import annotations

import asyncio
import datetime
import re
import shlex
import ssl
import subprocess
from pathlib import Path

import pytest

from bandsense.cli import parser
from bandsense.web.server import Certificate
from tests.needs import REPOSITORY, require_module, require_tool
from tests.support.pages import served

PACKAGING = REPOSITORY / "packaging"
UNIT = (PACKAGING / "bandsense.service").read_text(encoding="utf-8")
CONTAINER = (PACKAGING / "Containerfile").read_text(encoding="utf-8")


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    analyze = require_tool("systemd-analyze", "install it: apt-get install systemd")
    # What it would start is not installed here.
    unit = tmp_path / "bandsense.service"
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNIT), encoding="utf-8")
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "bandsense.service" in line]
    assert ours == []


@pytest.mark.parametrize(
    "command",
    [
        re.search(r"ExecStart=\S+ (.*)", UNIT)[1],  # type: ignore[index]
        " ".join(re.findall(r'"(\w[\w-]*|--\w+)"', CONTAINER.rpartition("CMD")[2])),
    ],
)
def test_what_they_start_is_a_command(command: str) -> None:
    arguments = parser().parse_args(shlex.split(command))
    assert arguments.lan


def test_the_container_copies_what_the_package_is_built_of() -> None:
    for line in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.MULTILINE):
        for name in line.split():
            assert (REPOSITORY / name).exists(), name
    assert "bandsense[web]" in UNIT


def _certificate(folder: Path) -> Certificate:
    """A certificate of one's own, as docs/live-page.md makes one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gym.local")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("gym.local")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / "certificate.pem", folder / "key.pem")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.real_time
async def test_a_certificate_of_ones_own_serves_https_and_a_secure_stream(tmp_path: Path) -> None:
    websockets = require_module("websockets", "bandsense[web]")
    paths = _certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(paths.certificate))
    async with served("0.0.0.0", certificate=paths, names=["gym.local"], secure=True) as at:
        token = at.access.query(2).partition("=")[2]  # type: ignore[arg-type]
        assert at.access.address(at.server.port).startswith("https://")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", at.server.port, ssl=trust, server_hostname="gym.local"
        )
        request = f"GET /?token={token} HTTP/1.1\r\nHost: gym.local\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        answer = (await reader.read()).decode()
        assert answer.startswith("HTTP/1.1 303")
        assert "secure" in answer.lower().partition("set-cookie")[2].partition("\r\n")[0]
        writer.close()
        address = f"wss://gym.local:{at.server.port}/api/v1/live?token={token}"
        async with websockets.connect(address, ssl=trust, host="127.0.0.1") as stream:
            assert '"full":true' in await stream.recv()


@pytest.mark.real_time
async def test_the_example_of_the_interface_follows_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.scenes import scene

    text = (REPOSITORY / "docs" / "interface.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {}
    exec(example.rpartition("asyncio.run")[0], names)
    async with served() as at:
        at.show([scene("hold")])
        follow = names["follow"](f"ws://127.0.0.1:{at.server.port}")  # type: ignore[operator]
        following = asyncio.create_task(follow)
        printed: list[str] = []
        async with asyncio.timeout(30.0):
            while not printed:
                await asyncio.sleep(0.02)
                printed += capsys.readouterr().out.splitlines()
            at.board.post("main", {"reps": 6})
            while not any("hold 6" in line for line in printed):
                await asyncio.sleep(0.02)
                printed += capsys.readouterr().out.splitlines()
        following.cancel()
    assert printed[0].startswith("main hold 5 10")
    assert printed[-1].startswith("main hold 6 10")
