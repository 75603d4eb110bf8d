"""The notebooks of the documentation run, on a store that the commands of their page have made."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from bandsense.cli import main
from tests.needs import REPOSITORY

FOLDER = REPOSITORY / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PAGE = (REPOSITORY / "docs" / "notebooks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after the `bandsense` commands of the page."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDSENSE_HOME", str(folder))
        for line in re.findall(r"^bandsense (.*)", PAGE, re.MULTILINE):
            assert main(line.split()) == 0, line
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BANDSENSE_HOME", str(home))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    # By files, not ports: a port that is free now may be another's when the kernel takes it.
    # The client makes the kernel's manager itself: one that is given to it goes on with its kernel for ever.
    by_files = Config(KernelManager={"transport": "ipc", "ip": str(tmp_path / "kernel")})
    patience_s = {"timeout": 240, "startup_timeout": 240, "iopub_timeout": 240}
    NotebookClient(notebook, kernel_name="python3", config=by_files, **patience_s).execute()
    (code,) = (cell for cell in notebook.cells if cell.cell_type == "code")
    assert not [each for each in code.outputs if each.output_type == "error"]
    told = "".join(each.get("text", "") for each in code.outputs)
    kinds = {kind for each in code.outputs for kind in each.get("data", ())}
    if path.stem == "load-a-session":
        assert re.search(r"greatest tension \d+\.\d ± \d+\.\d N", told)
        assert told.count("repetition ") >= 5
    else:
        assert "image/png" in kinds
        assert not re.search("Warning|Error", told)


def test_a_notebook_is_valid_short_listed_and_without_outputs() -> None:
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        (code,) = (cell for cell in notebook.cells if cell.cell_type == "code")
        assert (code.outputs, code.execution_count) == ([], None)
        assert len([line for line in code.source.splitlines() if line]) <= 14
        assert f"notebooks/{path.name}" in PAGE
