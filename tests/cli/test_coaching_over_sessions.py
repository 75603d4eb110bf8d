"""What the coach remembers from one session to the next, as someone who trains sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command, Done
from tests.support.traces import waves, write_trace

PROFILE = ("profile", "--simulated")


def _set_of(reps: int, path: Path) -> Path:
    """Even repetitions of 5 s up to 53 N, from 3 N, and rest enough to end the set."""
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(reps, rep_s=4.0), np.zeros(1400)])
    tension_n += 0.05 * np.random.default_rng(4).standard_normal(tension_n.size)
    return write_trace(path, tension_n)


def _trained(command: Command, trace: Path) -> Done:
    done = command("live", "--sim", "--trace", trace, "--speed", "0", "--lines", "--exercise", "seated-row")
    assert done.status == 0, done.err
    return done


def _advice(done: Done) -> list[str]:
    flags = ("KEEP", "ADD SLACK", "REMOVE SLACK")
    texts = (line[13:] for line in done.lines if line[:10].strip().replace(".", "").isdigit())
    return [text.strip() for text in texts if text.strip().startswith(flags)]


@pytest.mark.slow
def test_two_easy_sessions_take_slack_out_and_what_is_left_open_is_told_again(
    command: Command, tmp_path: Path
) -> None:
    command(
        "profile", "--simulated", "set", "--exercise", "seated-row", "--sets", "1", "--rest-length-cm", "60"
    )
    ten = _set_of(10, tmp_path / "ten.csv")
    first, second, third = (_trained(command, ten) for _ in range(3))
    assert _advice(first) == [
        "KEEP - You did 10 full repetitions as planned. If it is this easy next time, we make it harder."
    ]
    (removed,) = _advice(second)
    assert removed.startswith("REMOVE SLACK - Next time, before you start, take about ")
    assert any("your band length of 60 cm, stretched to 115 cm" in line for line in second.lines)
    assert first.lines[-1].endswith("once more like this, and a set is added.")
    assert "Less slack as advised, and 1 set again." in second.lines[-1], "one thing at a time"
    told_again, *_ = _advice(third)
    amount, reason = removed.split(". ", 1)
    assert told_again == f"{amount.replace('Next time, before', 'Before')}. From last time: {reason}"
    nine = _set_of(9, tmp_path / "nine.csv")
    fourth = _trained(command, nine)
    assert fourth.lines[-1].endswith("2 sets. Two sessions in a row every set had 8 or more.")
    assert "2 x 8-12" in command(*PROFILE).lines[1]


@pytest.mark.slow
def test_a_hard_session_is_answered_for_ones_own_lengths(command: Command, tmp_path: Path) -> None:
    six = _set_of(6, tmp_path / "six.csv")
    usual = _trained(command, six)
    command(*PROFILE, "set", "--rest-length-cm", "100", "--stroke-cm", "110")
    own = _trained(command, six)
    assert any("a typical band length of 70 cm" in line for line in usual.lines)
    assert any("your band length of 100 cm, stretched to 210 cm" in line for line in own.lines)
    centimetres = [int(_advice(done)[0].split("about ")[1].split(" cm")[0]) for done in (usual, own)]
    assert centimetres[1] > centimetres[0], "a longer band needs more of it"
