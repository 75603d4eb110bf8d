from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hardware.checks import MissingTool, Row
from tests.needs import REPOSITORY


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "check_hardware", REPOSITORY / "tools" / "check_hardware.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(module, "names", lambda: ["made_up"])
    monkeypatch.delenv("BANDSENSE_CI", raising=False)
    return module


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("hardware.checks.made_up")
    module.INPUTS = ()  # type: ignore[attr-defined]
    module.run = lambda: [Row("a thing", "1", "1", True)]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def _fail(error: Exception) -> list[Row]:
    raise error


def test_what_passes_passes(
    runner: ModuleType, check: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main([]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "  a thing  1  1  ok" in printed
    assert printed[-1].startswith("1 passed, 0 failed")


@pytest.mark.parametrize(
    ("run", "here", "in_ci"),
    [
        (lambda: [Row("a thing", "2", "1", False)], 1, 1),
        (lambda: [Row("a thing", "?", "1", None)], 0, 1),
        (lambda: _fail(MissingTool("kicad-cli is not installed")), 0, 1),
        (lambda: _fail(ImportError("no module")), 0, 1),
        (lambda: _fail(KeyError("a crash")), 1, 1),
        (list, 1, 1),
    ],
)
def test_what_fails(
    runner: ModuleType,
    check: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    run: object,
    here: int,
    in_ci: int,
) -> None:
    monkeypatch.setattr(check, "run", run)
    assert runner.main([]) == here
    monkeypatch.setenv("BANDSENSE_CI", "1")
    assert runner.main([]) == in_ci


def test_the_cache_holds_until_an_input_changes(
    runner: ModuleType, check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs: list[int] = []
    monkeypatch.setattr(check, "run", lambda: [Row("run", str(len(runs)), "any", not runs.append(1))])
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(check, "INPUTS", ("facts.toml",))
    (tmp_path / "pyproject.toml").write_bytes((REPOSITORY / "pyproject.toml").read_bytes())
    (tmp_path / "facts.toml").write_text("a = 1", encoding="utf-8")
    for _ in range(2):
        assert runner.main([]) == 0
    assert len(runs) == 1
    (tmp_path / "facts.toml").write_text("a = 2", encoding="utf-8")
    runner.main([])
    assert len(runs) == 2
    runner.main(["--fresh"])
    assert len(runs) == 3
    monkeypatch.setattr(runner, "package_versions", lambda: "another")
    runner.main([])
    assert len(runs) == 4


def test_a_failure_is_not_kept(
    runner: ModuleType, check: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "run", lambda: [Row("a thing", "2", "1", False)])
    assert runner.main([]) == 1
    monkeypatch.setattr(check, "run", lambda: [Row("a thing", "1", "1", True)])
    assert runner.main([]) == 0


def test_an_unknown_name_is_refused(runner: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["nonesuch"])
    assert "there are made_up" in capsys.readouterr().err
