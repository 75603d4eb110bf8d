"""What a hosting service and contributors' tools read: each calls what exists."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.needs import missing

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(job: dict[str, Any]) -> list[str]:
    """What a job runs, once for each value of `matrix.tests`."""
    texts = [step["run"] for step in job["steps"] if "run" in step]
    rows = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
    return [text.replace("${{ matrix.tests }}", row.get("tests", "")) for text in texts for row in rows]


def targets() -> set[str]:
    """Targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {name for line in re.findall(r"^([a-z.][\w. -]*):", text, re.MULTILINE) for name in line.split()}


def test_hosted_ci_calls_targets_that_exist() -> None:
    called = {
        name
        for job in WORKFLOW["jobs"].values()
        for command in commands(job)
        for name in re.findall(r"(?:^|&& )make ([\w-]+)", command)
    }
    assert {"lint", "types", "test", "test-fast", "test-portable", "packages"} <= called <= targets()


def test_hosted_ci_runs_the_pythons_that_the_package_names() -> None:
    matrix = WORKFLOW["jobs"]["fast"]["strategy"]["matrix"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert matrix["python"] == named
    assert named[0] == PROJECT["project"]["requires-python"].removeprefix(">=")
    assert [row["os"] for row in matrix["include"]] == matrix["os"]


def test_actions_are_pinned_to_commits() -> None:
    used = [step["uses"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)] == []


def test_the_portable_tests_exist() -> None:
    listed = re.search(
        r"^PORTABLE := \$\(addprefix tests/,([^)]*)\)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert listed is not None
    assert [name for name in listed[1].split() if not (ROOT / "tests" / name).exists()] == []


def test_a_bug_report_asks_for_the_bundle_and_must_have_it() -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))
    (bundle,) = [part for part in form["body"] if part.get("id") == "bundle"]
    assert "bandsense doctor --bundle" in bundle["attributes"]["description"]
    assert bundle["validations"]["required"] is True


def test_hooks_run_what_the_set_up_installs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"]: hook["entry"] for repo in config["repos"] for hook in repo["hooks"]}
    assert set(hooks) == {"ruff-check", "ruff-format", "codespell", "rustfmt"}
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for entry in hooks.values():
        tool = entry.split()[0].removeprefix(".venv/bin/")
        assert tool == "cargo" or re.search(rf"^{tool}==", locked, re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["bug.yml", "wish.yml", "../workflows/ci.yml", "../PULL_REQUEST_TEMPLATE.md"]
)
def test_commands_that_forms_name_exist(name: str) -> None:
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8")
    for command in set(re.findall(r"`bandsense (\w+)", text)):
        assert (ROOT / "bandsense" / "cli" / "commands" / f"{command}.py").exists()


def test_files_are_checked_out_as_they_were_written() -> None:
    done = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        missing("a checkout", "clone the repository with git")
    assert [line for line in done.stdout.splitlines() if line.startswith(("i/crlf", "i/mixed"))] == []


def test_the_index_of_where_to_add_things_names_places_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    index = text.split("## Where to add")[1].split("\n## ")[0]
    for topic in ("driver", "exercise", "command", "export format"):
        assert f"**{topic}**" in index
    places = re.findall(r"`((?:bandsense|tests|tools|link|export)/[\w./]+)`", index)
    assert len(places) > 8
    missing = [
        name
        for name in places
        if not re.search(r"NAME|ID", name)
        and not any((ROOT / top / name).exists() for top in ("", "bandsense"))
    ]
    folders = {re.sub(r"/[^/]*$", "", name) for name in places if re.search(r"NAME|ID", name)}
    assert missing + [folder for folder in folders if not (ROOT / folder).is_dir()] == []
    for name, path in re.findall(r"`(_?[A-Z_]{4,})` of `([\w/.]+)`", index):
        file = next(ROOT / top / path for top in ("", "bandsense") if (ROOT / top / path).exists())
        assert re.search(rf"^{name}\b", file.read_text(encoding="utf-8"), re.MULTILINE)
