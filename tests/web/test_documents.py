"""The interface's documents are made from the models, and kept with the documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandsense.web.documents import openapi_document, stream_schema
from tests.needs import REPOSITORY

FOLDER = REPOSITORY / "docs" / "static" / "interface"


@pytest.mark.parametrize(
    ("name", "made"), [("openapi.json", openapi_document()), ("stream.schema.json", stream_schema())]
)
def test_the_kept_document_is_fresh(name: str, made: dict[str, Any]) -> None:
    """Make it anew with: python -m bandsense.web.documents docs/static/interface"""
    assert json.loads((FOLDER / name).read_text(encoding="utf-8")) == made


def test_every_reference_leads_somewhere() -> None:
    for made in (openapi_document(), stream_schema()):
        text = json.dumps(made)
        assert '"$ref": "#/' in text
        for part in text.split('"$ref": "#/')[1:]:
            found: Any = made
            for key in part.split('"')[0].split("/"):
                found = found[key]
