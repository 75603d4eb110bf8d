"""The vectors that the firmware's SMP server is tested with are what smpclient sends and understands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import smpclient.requests.image_management as image
import smpclient.requests.os_management as os_management
from pydantic import ValidationError
from smp.header import Header, Version

VECTORS = json.loads(
    (Path(__file__).parents[2] / "firmware/update/tests/smp-vectors.json").read_text(encoding="utf-8")
)["vectors"]


def request_of(vector: dict[str, Any]) -> Any:
    described = vector["request"]
    kind = getattr(image, described["class"], None) or getattr(os_management, described["class"])
    fields = {
        name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
        for name, value in described["fields"].items()
    }
    version = Version(described.get("version", 2) - 1)
    return kind(sequence=described["sequence"], version=version, **fields)


def understood_as(request: Any, answer: bytes) -> str:
    """The first kind of answer that fits, in the order in which smpclient tries them."""
    for name in ("_Response", "_ErrorV1", "_ErrorV2"):
        try:
            getattr(request, name).loads(answer)
        except ValidationError:
            continue
        return name
    return "nothing"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_request_is_what_smpclient_sends(vector: dict[str, Any]) -> None:
    assert request_of(vector).BYTES.hex() == vector["request_hex"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_smpclient_understands_the_answer(vector: dict[str, Any]) -> None:
    request, answer = request_of(vector), bytes.fromhex(vector["answer_hex"])
    header = Header.loads(answer[:8])
    assert (header.sequence, header.op) == (request.header.sequence, request.header.op + 1)
    assert header.length == len(answer) - 8
    expected = "_Response"
    if b"\x63err" in answer:
        expected = "_ErrorV2"
    elif b"\x63rsn" in answer:
        expected = "_ErrorV1"
    if "not_understood" in vector:
        expected = "nothing"
    assert understood_as(request, answer) == expected
