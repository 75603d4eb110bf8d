"""The interface's own documents: OpenAPI for REST, JSON Schema for the stream, made from the models."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bandsense.web import models
from bandsense.web.board import PROTOCOL

__all__ = ["openapi_document", "stream_schema"]

_PATHS: tuple[tuple[str, str, str, type[BaseModel] | None, type[BaseModel] | None], ...] = (
    ("/state", "get", "The whole state: what the stream begins with", None, models.ServerMessage),
    ("/choices", "get", "What there is to choose from", None, models.Choices),
    ("/links", "get", "Addresses for other devices", None, models.Links),
    ("/links", "delete", "Make the addresses that were shown worthless, and new ones", None, models.Links),
    ("/session", "post", "Begin a session; one that is under way is ended first", models.ChoiceRequest, None),
    ("/session", "delete", "End the session in good order", None, None),
    ("/actions", "post", "Ask for something in a session", models.ActionRequest, None),
    ("/sensors/look", "post", "Look for sensors on the air", models.Look, None),
    ("/sensors/blink", "post", "Let a sensor blink", models.Blink, None),
    ("/sensors/pair", "post", "Pair with a sensor, and remember it", models.PairRequest, None),
)


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document (3.1) of the REST interface."""
    told = {each for _, _, _, asked, answer in _PATHS for each in (asked, answer) if each is not None}
    wanted = sorted(told | {models.Problem}, key=lambda each: each.__name__)
    _, schemas = models_json_schema(
        [(each, "validation") for each in wanted], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for path, method, summary, asked, answer in _PATHS:
        paths.setdefault(path, {})[method] = _operation(summary, asked, answer)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bandsense",
            "version": str(PROTOCOL),
            "description": "What the page uses. The stream is at `/live` (stream.schema.json).",
        },
        "servers": [{"url": f"/api/v{PROTOCOL}"}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(summary: str, asked: type[BaseModel] | None, answer: type[BaseModel] | None) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    if answer is not None:
        done["content"] = _json(answer)
    told: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": done,
            "403": {"description": "Not with this token", "content": _json(models.Problem)},
        },
    }
    if asked is not None:
        told["requestBody"] = {"content": _json(asked)}
        told["responses"]["409"] = {"description": "It cannot be", "content": _json(models.Problem)}
        told["responses"]["422"] = {"description": "It makes no sense", "content": _json(models.Problem)}
    return told


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def stream_schema() -> dict[str, Any]:
    """Return the JSON schema of the messages of the stream: `ServerMessage` and `ClientMessage`."""
    told: list[type[BaseModel]] = [models.ClientMessage, models.ServerMessage]
    _, schemas = models_json_schema([(each, "validation") for each in told], ref_template="#/$defs/{model}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Messages of /api/v{PROTOCOL}/live",
        "description": "The server sends ServerMessage, a page sends ClientMessage.",
        "oneOf": [{"$ref": "#/$defs/ServerMessage"}, {"$ref": "#/$defs/ClientMessage"}],
        "$defs": schemas["$defs"],
    }


def write(folder: Path) -> None:
    """Write both documents."""
    for name, made in (("openapi.json", openapi_document()), ("stream.schema.json", stream_schema())):
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
