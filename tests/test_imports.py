"""The rooms of docs/architecture.md keep to the contract in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.needs import REPOSITORY


def test_the_rooms_keep_to_their_contract() -> None:
    assert lint_imports(config_filename=str(REPOSITORY / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize(
    ("module", "line", "status"),
    [
        ("wire/decoder.py", "from bandsense import samples", 0),
        ("wire/decoder.py", "from bandsense.link import sensor", 1),
        ("signal/zero.py", "from bandsense.signal import detector\nfrom bandsense.store import store", 1),
        ("bands/laws.py", "from bandsense.bands import fit", 1),
        ("app/tare.py", "import argparse", 1),
        ("live/state.py", "from bandsense.wire import decoder", 1),
        ("workout/plan.py", "import bleak", 1),
    ],
)
def test_the_contract_sees_a_breach(
    module: str, line: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REPOSITORY / "bandsense", tmp_path / "bandsense")
    broken = tmp_path / "bandsense" / module
    broken.write_text(broken.read_text().replace("import annotations\n", f"import annotations\n{line}\n", 1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert lint_imports(config_filename=str(REPOSITORY / "pyproject.toml"), no_cache=True) == status
