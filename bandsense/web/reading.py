"""In which language a page is read: chosen on it, else for the server, else what its browser asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bandsense.language import ENGLISH, accepted, chosen, language, languages, name_of, page_texts, speaking

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

__all__ = ["LANGUAGE_COOKIE", "language_of", "page_language"]

LANGUAGE_COOKIE = "language"


def language_of(connection: HTTPConnection) -> str:
    """Choose the language of an answer; a program, which says nothing of what it reads, gets English."""
    wanted = connection.cookies.get(LANGUAGE_COOKIE, "")
    if wanted in languages():
        return wanted
    header = connection.headers.get("accept-language")
    if header is None:
        return ENGLISH
    return chosen() or accepted(header) or language()


async def page_language(request: Request) -> Response:
    """Return what the script of the page needs to speak: texts, decimal mark, plural forms, what there is."""
    from starlette.responses import JSONResponse

    code = language_of(request)
    with speaking(code):
        told: dict[str, Any] = page_texts()
    return JSONResponse(told | {"languages": {each: name_of(each) for each in languages()}})
