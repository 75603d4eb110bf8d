from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bandsense.errors import UpdateError
from bandsense.link.dfu.update import UpdateProgress, UpdateResult, UpdateStage
from tests.cli.conftest import Command


def test_an_update_is_told_stage_by_stage(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    async def update(file: Path, sensor: str | None, **options: object) -> UpdateResult:
        asked.update(file=file, sensor=sensor, force=options["force"])
        tell = options["on_progress"]
        for stage in (UpdateStage.CONNECTING, UpdateStage.UPLOADING, UpdateStage.UPLOADING, UpdateStage.DONE):
            tell(UpdateProgress(stage, 10, 20))  # type: ignore[operator]
        return UpdateResult("bandsense-BA5E", "1.0.0", "1.1.0", True, 0)

    monkeypatch.setattr("bandsense.link.dfu.update.update_firmware", update)
    done = command("firmware", "update", tmp_path / "new.zip", "BA5E", "--force")
    assert done.status == 0
    assert asked == {"file": tmp_path / "new.zip", "sensor": "BA5E", "force": True}
    assert done.out == "bandsense-BA5E runs 1.1.0 now; it ran 1.0.0 before\n"
    assert done.err.splitlines()[:3] == ["connecting", "uploading", "done"]
    assert "development key" in done.err


@pytest.mark.parametrize("fails", [False, True])
def test_a_terminal_sees_one_line_that_ends(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    async def update(file: Path, sensor: str | None, **options: object) -> UpdateResult:
        for sent_bytes in (0, 5, 10):
            stage = UpdateStage.UPLOADING if sent_bytes else UpdateStage.CONNECTING
            options["on_progress"](UpdateProgress(stage, sent_bytes, 10))  # type: ignore[operator]
        if fails:
            raise UpdateError("the sensor refuses")
        return UpdateResult("bandsense-BA5E", "1.0.0", "1.1.0", False, 0)

    monkeypatch.setattr("bandsense.link.dfu.update.update_firmware", update)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    done = command("firmware", "update", tmp_path / "new.zip")
    shown, *after = done.err.split("\n")
    steps = [text.strip() for text in shown.split("\r")[1:]]
    assert steps == ["connecting", "uploading 50 %", "uploading 100 %"]
    assert done.status == int(fails)
    assert any("the sensor refuses" in line for line in after) == fails


def test_a_file_that_is_no_firmware_is_named(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wrong.zip"
    path.write_bytes(b"no firmware")
    done = command("firmware", "update", path)
    assert done.status == 1
    assert "wrong.zip" in done.err
