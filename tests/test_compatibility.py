"""What version 0.1.0 wrote still opens, and says the same: tests/data/v0.1.0."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bandsense.app.capture_sink import captured
from bandsense.app.replay import replay, replayed_json, session_table
from bandsense.app.set_records import set_records
from bandsense.export.recording import read_recording
from bandsense.profiles.library import Profiles
from bandsense.samples import SampleBlock
from bandsense.store.store import Store
from bandsense.workout.advice import Rule, SlackAction
from bandsense.workout.events import event_name
from bandsense.workout.workout import Workout
from tests.needs import REPOSITORY
from tests.support.old_store import old_store

WRITTEN = REPOSITORY / "tests" / "data" / "v0.1.0"

RENAMED = {
    "pull_start": "pull_start_s",
    "hold_start": "hold_start_s",
    "return_start": "return_start_s",
    "end": "end_s",
    "peak_time": "peak_time_s",
    "peak_tension": "peak_n",
    "peak_tension_n": "peak_n",
    "peak_tension_u_n": "peak_uncertainty_n",
    "start_tension": "start_n",
    "end_tension": "end_n",
    "peak_u_n": "peak_uncertainty_n",
    "mean_u_n": "mean_uncertainty_n",
    "tension_u_n": "tension_uncertainty_n",
    "pull_s": "concentric_s",
    "return_s": "eccentric_s",
    "figures": "rep_metrics",
    "seen": "live_reps",
    "pull_time_gained": "concentric_time_gained",
}
"""Names of 0.1.0, and what they are called now (CHANGELOG.md)."""


BOUNDARY: dict[str, Any] = {"abs": 0.1}
FIGURE: dict[str, Any] = {"rel": 0.05, "abs": 0.05}


def renamed(value: Any) -> Any:
    """The same values under the names of today."""
    if isinstance(value, dict):
        return {RENAMED.get(key, key): renamed(item) for key, item in value.items()}
    return [renamed(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(old_store(tmp_path_factory.mktemp("v0.1.0")))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_stored_session_gives_the_same_sets(store: Store, number: int) -> None:
    before = json.loads((WRITTEN / f"show-{number}.json").read_text())
    session = store.session(number)
    for stream, then in zip(session.streams, before["streams"], strict=True):
        now = json.loads(json.dumps(replayed_json(replay(store, stream))))
        assert len(now["sets"]) == len(then["sets"]) > 0
        for ours, theirs in zip(now["sets"], renamed(then["sets"]), strict=True):
            assert (ours["number"], ours["side"], ours["ended_by"]) == (
                theirs["number"],
                theirs["side"],
                theirs["ended_by"],
            )
            # Detection may become more exact from version to version; what was done stays what it was.
            for name, within in (("reps", BOUNDARY), ("rep_metrics", FIGURE)):
                for our, their in zip(ours[name], theirs[name], strict=True):
                    compared = {key: our[key] for key in their if isinstance(their[key], float)}
                    assert compared == pytest.approx({key: their[key] for key in compared}, **within)
            assert ours["metrics"]["reps"] == theirs["metrics"]["reps"]


def test_a_stored_session_is_exported_as_before(store: Store, tmp_path: Path) -> None:
    old = tmp_path / "session-1.csv"
    old.write_bytes(gzip.decompress((WRITTEN / "session-1.csv.gz").read_bytes()))
    recording = read_recording(old)
    (stream,) = session_table(store, store.session(1)).streams
    assert recording.block.time_s == pytest.approx(stream.time_s - stream.time_s[0], abs=1e-9)
    assert recording.block.values.tolist() == stream.tension_n.tolist()


def test_a_raw_capture_gives_the_same_events() -> None:
    (session,) = captured(WRITTEN / "session.bandcap")
    workout = Workout(session.settings)
    events = []
    for item in session.items:
        events += workout.push(item) if isinstance(item, SampleBlock) else workout.apply(item)
    events += workout.finish()
    before = [json.loads(line) for line in (WRITTEN / "replay.jsonl").read_text().splitlines()]
    counted = [event["count"] for event in before if event["event"] == "rep_top"]
    assert [event.count for event in events if event_name(event) == "rep_counted"] == counted
    tops_s = [event["time_s"] for event in before if event["event"] == "rep_top"]
    assert [event.time_s for event in events if event_name(event) == "rep_counted"] == tops_s
    advised = [event["advice"]["amount_cm"] for event in before if event["event"] == "slack_advised"]
    assert advised == [4]
    # The capture ends in the middle of the set, which 0.1.0 took for failing.
    told = [event.advice for event in events if event_name(event) == "slack_advised"]
    assert [(each.action, each.rule) for each in told] == [(SlackAction.NONE, Rule.SESSION_ENDED)]


def test_exported_profiles_are_imported() -> None:
    profiles = Profiles.read(WRITTEN / "profiles.json")
    assert [person.id for person in profiles.people] == ["Ada"]
    assert {setup.exercise for setup in profiles.people[0].setups} == {"seated-row", "bent-over-row"}
    assert profiles.people[0].setups[0].plan.tempo.eccentric_s == 2.5


def test_the_history_of_stored_sessions_knows_how_sure_each_peak_is(store: Store) -> None:
    peaks = [
        rep
        for session in store.sessions()
        for stream in session.streams
        for record in set_records(session, stream, store.sets(stream))
        for rep in record.reps
    ]
    assert len(peaks) == 21
    assert all(0.03 < rep.peak_uncertainty_n / rep.peak_n < 0.08 for rep in peaks)
