"""The store and the session that is under way, for assistants that speak the Model Context Protocol.

Everything is read: the store is opened for reading, the session is asked by GET, and there is no tool that
would change anything. Every measured number stands beside its standard uncertainty.
"""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

from bandsense.app.archive import StoredSession, StoreReader
from bandsense.app.measured import measured, measured_rep, measured_set
from bandsense.errors import BandsenseError, DataError, MissingExtra
from bandsense.export.rows import surely_partial
from bandsense.language import Message

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

__all__ = ["serve_mcp"]

_INSTRUCTIONS = """Training with a strain-gauge sensor on a resistance band. Everything here is read; nothing
can be changed. A measured figure is an object: its value, its standard uncertainty (k = 1) in the same unit,
and the unit; quote both. `hidden` tells why a figure is not to be told. Do not compare two figures yourself:
`history` says what can be compared, with the uncertainty of the difference, and why the rest cannot. Tension
is what the band pulls with, not a weight. None of this is a diagnosis."""

_MOST_SESSIONS = 200
_MOST_POINTS = 2000
_TIMEOUT_S = 5.0
_P = ParamSpec("_P")


def serve_mcp(open_reader: Callable[[], StoreReader], live: str) -> None:
    """Serve over standard input and output until that ends.

    Args:
        open_reader: opens the store for reading; called anew for each question, so that a store that is made
            later is found.
        live: address of the page of a session that may be under way, with its token where it has one.

    Raises:
        MissingExtra: the part that speaks the protocol is not installed.
    """
    mcp_server(open_reader, live).run("stdio")


def mcp_server(open_reader: Callable[[], StoreReader], live: str) -> FastMCP:
    """Build the server with its tools; arguments as `serve_mcp`."""
    try:
        from mcp.server.fastmcp import FastMCP
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise MissingExtra(Message("the server for assistants"), "mcp") from error
    server = FastMCP("bandsense", instructions=_INSTRUCTIONS, log_level="WARNING")
    tools = _Tools(open_reader, live)
    reads_only = ToolAnnotations(
        readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False
    )
    for tool in (tools.sessions, tools.session, tools.tension, tools.bands, tools.history, tools.live):
        server.add_tool(_told(tool), annotations=reads_only)
    return server


def _told(tool: Callable[_P, dict[str, Any]]) -> Callable[_P, dict[str, Any]]:
    """Have a tool's errors told as what they are: a sentence that says what to do."""
    from mcp.server.fastmcp.exceptions import ToolError

    @wraps(tool)
    def told(*arguments: _P.args, **named: _P.kwargs) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(json.dumps(_finite(tool(*arguments, **named)), default=str))
        except (BandsenseError, ValueError) as error:
            raise ToolError(str(error)) from error
        return found

    return told


def _finite(value: Any) -> Any:
    """Replace what JSON does not know (NaN, infinity) by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


class _Tools:
    """What can be asked; the docstring of each is what an assistant reads of it."""

    def __init__(self, open_reader: Callable[[], StoreReader], live: str) -> None:
        self._open = open_reader
        self._live = live

    def sessions(
        self,
        person: str | None = None,
        exercise: str | None = None,
        band: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        """List stored sessions, the newest first; days as YYYY-MM-DD, both included; 200 at most."""
        found = self._open().sessions(
            person=person,
            exercise=exercise,
            band=band,
            since=None if since is None else date.fromisoformat(since),
            until=None if until is None else date.fromisoformat(until),
        )
        shown = found[::-1][: max(0, min(limit, _MOST_SESSIONS))]
        return {"found": len(found), "sessions": [_session_json(each) for each in shown]}

    def session(self, number: int | Literal["last"] = "last") -> dict[str, Any]:
        """Show a session: each set with its figures, how sure its count is, and each repetition."""
        session = self._open().session(number)
        return _session_json(session) | {
            "sets": [_set_json(side, data) for side, data in session.stored_sets()]
        }

    def tension(
        self,
        session: int | Literal["last"] = "last",
        side: Literal["left", "right"] | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        points: int = 200,
    ) -> dict[str, Any]:
        """Give the tension of a session over time, from its first sample on, thinned to so many points.

        Each point is a sample as it is: seconds, newtons, and the standard uncertainty in newtons.
        """
        samples = self._open().session(session).samples(side)
        time_s = samples["time_s"] - (samples["time_s"][0] if samples.rows else 0.0)
        chosen = (time_s >= start_s) & (time_s <= (math.inf if end_s is None else end_s))
        step = max(1, -(-int(chosen.sum()) // max(1, min(points, _MOST_POINTS))))
        columns = ("tension_n", "tension_uncertainty_n")
        rows = zip(time_s[chosen][::step], *(samples[name][chosen][::step] for name in columns), strict=True)
        return {
            "columns": ["time_s", *columns],
            "every": step,
            "points": [[round(float(value), 4) for value in row] for row in rows],
        }

    def bands(self) -> dict[str, Any]:
        """List the bands, with the tension of each at twice its unstretched length."""
        table = self._open().bands()
        rows = [{name: table[name][row].item() for name in table} for row in range(table.rows)]
        return {"bands": [_band_json(row) for row in rows]}

    def history(
        self, exercise: str | None = None, person: str | None = None, weeks: int = 8
    ) -> dict[str, Any]:
        """Tell how an exercise went over the weeks: only what can be compared, and why the rest cannot."""
        told = self._open().history(exercise=exercise, person=person, weeks=weeks)
        return told if told is not None else {"nothing": "no set of it in these weeks"}

    def live(self) -> dict[str, Any]:
        """Tell what happens now, where a session is under way on this computer with its page."""
        address = urllib.parse.urlsplit(self._live)
        url = address._replace(path="/api/v1/state", fragment="").geturl()
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http, from the person
                state = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise DataError(
                    Message(
                        "{address} answers {code}; is the token right?",
                        address=_without_token(url),
                        code=error.code,
                    )
                ) from None
        except OSError:
            return {
                "live": False,
                "reason": f"nothing answers at {_without_token(url)}; train with `bandsense live --web` or "
                "`bandsense serve`",
            }
        station = state.get("station") or {}
        views = {name: _view_json(view) for name, view in (state.get("views") or {}).items()}
        return {"live": True, "phase": station.get("phase"), "views": views}


def _without_token(url: str) -> str:
    return url.partition("?")[0]


def _session_json(session: StoredSession) -> dict[str, Any]:
    info = session.info
    summary = info.summary or {}
    told = {
        "session": info.id,
        "started_unix_s": info.started_unix_s,
        "person": info.person,
        "exercise": info.exercise,
        "band": info.band,
        "source": info.source,
        "simulated": info.simulated,
        "state": info.state.value,
        "set_count": summary.get("sets"),
        "rep_count": summary.get("reps"),
    }
    if summary.get("peak_n") is not None:
        told["peak_n"] = measured("peak_n", summary["peak_n"], summary.get("peak_uncertainty_n"))
    return told


def _set_json(side: str | None, data: Mapping[str, Any]) -> dict[str, Any]:
    reps = data.get("reps") or []
    figures = data.get("rep_metrics") or [{}] * len(reps)
    return {
        "set": data.get("number"),
        "side": data.get("side") or side,
        "rep_count": len(reps),
        "rep_count_chances": data.get("chances") or {},
        "figures": measured_set(data),
        "said": data.get("feedback") or {},
        "reps": [
            {
                "rep": number,
                "chance_that_it_is_one": rep.get("probability"),
                "partial": surely_partial(rep),
                "unsure_whether_partial": bool(rep.get("unsure")),
                "figures": measured_rep(each),
            }
            for number, (rep, each) in enumerate(zip(reps, figures, strict=False), 1)
        ],
    }


def _band_json(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        name: row[name] for name in ("band", "brand", "colour", "form", "strands", "cycles", "known_from")
    }
    length_m = row["rest_length_m"]
    return told | {
        "rest_length_m": measured("rest_length_m", length_m, None),
        "tension_at_twice_its_length_n": measured("f100_n", row["f100_n"], row["f100_uncertainty_n"]),
        "exponent": measured("exponent", row["exponent"], row["exponent_uncertainty"]),
    }


def _view_json(view: Mapping[str, Any]) -> dict[str, Any]:
    state, now = view.get("changed") or {}, view.get("now") or {}
    return {
        "title": state.get("title"),
        "screen": state.get("screen"),
        "set": state.get("set_number"),
        "rep_count": state.get("reps"),
        "rep_count_chances": state.get("chances") or {},
        "tension_n": measured("tension_n", now.get("tension_n"), now.get("tension_uncertainty_n")),
        "done": [
            {
                "set": done.get("number"),
                "side": done.get("side"),
                "rep_count": len(done.get("peaks") or ()),
                "peak_n": measured("peak_n", done.get("peak_n"), done.get("peak_uncertainty_n")),
            }
            for done in state.get("sets") or ()
        ],
        "link": state.get("link_message") or state.get("link"),
    }
