"""Sessions sent to intervals.icu as FIT activities, when a person asks for it.

Source: the calendar's public API, POST /api/v1/athlete/{id}/activities, multipart with the file, Basic
authentication with the user `API_KEY`.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import tempfile
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from bandsense.app.replay import session_table
from bandsense.app.secret import forget_secret, keep_secret, known_secret
from bandsense.errors import ConfigError, DataError
from bandsense.export.formats import write
from bandsense.language import Message
from bandsense.store.model import Session
from bandsense.store.store import Store

__all__ = ["KEY_VARIABLE", "SERVICE", "forget_key", "keep_key", "known_key", "upload"]

SERVICE = "https://intervals.icu"
KEY_VARIABLE = "BANDSENSE_INTERVALS_KEY"
_KEY = "intervals"
_TIMEOUT_S = 30.0


def keep_key(key: str) -> str:
    """Keep a key in the system's keyring, or else in a file that only its owner can read; gives which.

    Raises:
        ConfigError: it is empty, or the file cannot be written.
    """
    if not key.strip():
        raise ConfigError(
            Message("the key is empty; copy it from the settings of intervals.icu, under Developer")
        )
    return keep_secret(_KEY, key.strip())


def known_key() -> str:
    """Return the key: that of the environment, or the one that was kept.

    Raises:
        ConfigError: there is none.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip() or known_secret(_KEY)
    if not key:
        raise ConfigError(
            Message(
                "no key for intervals.icu; save it with `bandsense upload --save-key`, or set {key_variable}",
                key_variable=KEY_VARIABLE,
            )
        )
    return key


def forget_key() -> bool:
    """Forget the key that was kept; gives whether there was one."""
    return forget_secret(_KEY)


def upload(store: Store, session: Session, athlete: str, key: str, service: str = SERVICE) -> str:
    """Send a session as a FIT activity; gives the activity's identity there.

    The service knows an activity that it has already by the file's own identity.

    Args:
        store: where the session is.
        session: the one to send.
        athlete: the person's identity there; `0` is whose key it is.
        key: the person's API key.
        service: where to.

    Raises:
        DataError: the service cannot be reached, or refuses the file.
        MissingExtra: fit-tool is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write(session_table(store, session), "fit", Path(folder))
        body, kind = _multipart(path.name, path.read_bytes())
    request = urllib.request.Request(  # noqa: S310 - the address is https, or a test's own
        f"{service}/api/v1/athlete/{athlete}/activities",
        data=body,
        headers={
            "Content-Type": kind,
            "Authorization": "Basic " + base64.b64encode(f"API_KEY:{key}".encode()).decode(),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            return str(json.load(answer)["id"])
    except urllib.error.HTTPError as error:
        with error:
            reason = {
                401: Message("the key is wrong; save another with `bandsense upload --save-key`"),
                403: Message("the key is not for this athlete"),
            }.get(error.code)
        raise DataError(
            Message(
                "intervals.icu refused the session: {reason}", reason=reason or f"{error.code} {error.reason}"
            )
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(
            Message("intervals.icu cannot be reached: {error}; try again later", error=error)
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            Message(
                "intervals.icu sent an answer that this version does not know; look there whether "
                "the session has arrived"
            )
        ) from error


def _multipart(name: str, content: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (
        head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
        f"multipart/form-data; boundary={boundary}",
    )
