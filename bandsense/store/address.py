"""The address of a store on a PostgreSQL server: shown without its password, wherever it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode

__all__ = ["ServerAddress"]

_SCHEMES = ("postgresql://", "postgres://")
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A URL of libpq (`postgresql://user:password@host:port/database?parameter=value`).

    Attributes:
        url: all of it, as it was given.
    """

    url: str = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the address in a text; None where it is no URL of PostgreSQL, but the name of a file."""
        return cls(text) if text.startswith(_SCHEMES) else None

    def __str__(self) -> str:
        """Return the URL without its password."""
        who, where, query = self._parts()
        user = who.partition(":")[0]
        shown = urlencode([(key, value) for key, value in query if key not in _SECRETS], safe="/")
        return f"postgresql://{user}{'@' if who else ''}{where}{'?' if shown else ''}{shown}"

    @property
    def file_name(self) -> str:
        """What files on this computer are called that belong to this store."""
        _, where, query = self._parts()
        given = dict(query)
        named = "-".join(filter(None, (where, *(given.get(key, "") for key in ("host", "port", "dbname")))))
        return re.sub(r"[^\w.-]+", "-", f"postgresql-{unquote(named)}").strip("-")

    def without_secrets(self, text: str) -> str:
        """Return a text in which the password does not stand any more."""
        who, _, query = self._parts()
        secrets = [who.partition(":")[2], *(value for key, value in query if key in _SECRETS)]
        for secret in secrets:
            for form in {secret, unquote(secret), quote(secret)} - {""}:
                text = text.replace(form, "***")
        return text

    def _parts(self) -> tuple[str, str, list[tuple[str, str]]]:
        """Return who, where, and the parameters; a password with @, / or ? in it belongs to the first."""
        who, _, rest = self.url.partition("://")[2].rpartition("@")
        where, _, query = rest.partition("?")
        return who, where, parse_qsl(query)
