"""The benchmark of many bands, in short: nothing may be lost, and a loss would be told."""

from __future__ import annotations

import json

import pytest

from bandsense.store.recorder import Recorder
from benchmarks.many_bands import main

pytestmark = [pytest.mark.slow, pytest.mark.real_time]


def test_two_hundred_bands_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "10", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["bands"], told["lost"], told["sent"]) == (200, 0, 200 * 10 * 80)


def test_a_sample_that_is_not_stored_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Recorder.write
    seen = []

    def lossy(self: Recorder, block: object, **more: object) -> None:
        seen.append(block)
        if len(seen) == 5:
            self._samples[self._streams[0]] += len(block)  # type: ignore[arg-type]
        else:
            write(self, block, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Recorder, "write", lossy)
    assert main(["--seconds", "2", "--bands", "2", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["lost"] == 16
