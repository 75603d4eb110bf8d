"""The documentation's own order: nothing is left out of its indexes, and the glossary says what it has to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for pattern in ("*.md", "docs/**/*.md", ".github/**/*.md") for page in ROOT.glob(pattern))
ROOMS = "bandsense|benchmarks|docs|firmware|hardware|requirements|tests|tools"
MADE = ("firmware/keys/", "firmware/build")  # by a build, and ignored by git
FIXED = (
    "tension",
    "repetition (rep)",
    "set",
    "half-set",
    "concentric",
    "range",
    "displacement",
    "slack",
    "tare",
    "span",
    "bond",
)


def test_every_page_has_its_place_in_the_index() -> None:
    trees = re.findall(
        r"^```\{toctree\}\n(.*?)^```", (DOCS / "index.md").read_text(), re.DOTALL | re.MULTILINE
    )
    listed = [line for tree in trees for line in tree.splitlines() if re.fullmatch(r"[\w/-]+", line)]
    written = [page for folder in (DOCS, DOCS / "reference") for page in folder.glob("*.md")]
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in written} - {"index"} | {
        "decisions/index"
    }
    assert sorted(listed) == sorted(pages)


def test_the_glossary_fixes_the_words_of_the_field() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(\S.*)\n: ", text, re.MULTILINE)
    assert set(FIXED) <= {word for term in terms for word in (term, *term.split(", "))}
    assert len(terms) == len(set(terms))


def test_every_decision_is_listed_and_says_what_it_costs() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "decisions" / "index.md").read_text())
    assert listed == sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
    for name in listed:
        headings = re.findall(r"^## (.*)", (DOCS / "decisions" / name).read_text(), re.MULTILINE)
        wanted = ["Situation", "Decision", "What it costs", "What it gave", "What would change it"]
        assert headings == wanted, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(rf"`((?:{ROOMS})/[\w./-]*)`", page.read_text(encoding="utf-8"))
    missing = [name for name in named if not (ROOT / name).exists() and not name.startswith(MADE)]
    assert [name for name in missing if not re.search(r"\b(NAME|ID)\b", name)] == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("decisions/*.md")), ids=lambda page: page.name)
def test_links_of_a_decision_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
