"""A wrong address of a broker or an outlet stops a session before it begins."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("option", "said"),
    [(["--mqtt", "http://x"], "a broker is given as"), (["--lsl", "short"], "session identity")],
)
def test_a_wrong_target_is_said_at_once(command: Command, option: list[str], said: str) -> None:
    done = command("live", "--sim", "--sets", "1", "--reps", "3", "--speed", "0", "--json", *option)
    assert (done.status, done.out) == (1, "")  # before a sensor is looked for
    assert said in done.err
