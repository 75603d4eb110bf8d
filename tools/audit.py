"""Look through what bandsense depends on: licences, known vulnerabilities, bill of materials.

    .venv/bin/python tools/audit.py          (`make audit`, which installs what this needs)

Licences are those that the installed distributions state; each must be one of `ALLOWED`. pip-audit asks the
advisory service about the exact versions in requirements/dev.txt; without a network, and where the service
knows nothing of a version, that is said and is no failure. The bill of materials (CycloneDX) of what is
installed is written to build/sbom.cdx.json.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = frozenset(
    {
        *("0BSD", "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause"),
        *("Apache-2.0", "Apache Software License", "MIT", "MIT License", "MIT-0"),
        *(
            "CC0-1.0",
            "EPL-2.0",
            "ISC",
            "LGPL-2.1-or-later",
            "LGPL-3.0-only",
            "MPL-2.0",
            "Mozilla Public License 2.0 (MPL 2.0)",
            "PSF-2.0",
            "Unlicense",
            "Zlib",
        ),
    }
)
"""Licences under which a dependency may be installed beside bandsense, which is Apache-2.0."""


def dependencies(name: str, extra: str = "") -> dict[str, Distribution]:
    """Return the installed distributions that `name[extra]` needs, near and far, by canonical name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(f"{name}[{extra}]" if extra else name)]
    done: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name)
        try:
            one = distribution(key)
        except PackageNotFoundError:  # for another system
            continue
        found[key] = one
        for wanted in {"", *requirement.extras}:
            if (key, wanted) in done:
                continue
            done.add((key, wanted))
            needs = [Requirement(text) for text in one.requires or ()]
            waiting += [
                each for each in needs if each.marker is None or each.marker.evaluate({"extra": wanted})
            ]
    del found[canonicalize_name(name)]
    return found


def licences(one: Distribution) -> list[str]:
    """Return the licences that a distribution states, by SPDX identifier or by the index's classifier."""
    said = one.metadata.get("License-Expression")
    if said:
        return re.split(r"\s+(?:AND|OR|WITH)\s+", said.strip("()"))
    classifiers = one.metadata.get_all("Classifier") or []
    named = [each.rsplit(" :: ", 1)[-1] for each in classifiers if each.startswith("License :: ")]
    return named or [one.metadata.get("License") or "none stated"]


def refused(found: dict[str, Distribution]) -> Iterator[str]:
    """Yield a line for each dependency under none of `ALLOWED`; of alternatives one is enough."""
    for name, one in sorted(found.items()):
        stated = licences(one)
        either = " OR " in (one.metadata.get("License-Expression") or "")
        fine = [licence in ALLOWED for licence in stated]
        if not (any(fine) if either else all(fine)):
            yield f"{name} {one.version}: {', '.join(stated)}"


def _listed(versions: list[str]) -> str:
    return ", ".join(versions) or "no version"


def vulnerabilities() -> tuple[list[str], str]:
    """Ask for advisories on the locked versions.

    Returns:
        a line for each vulnerability, and a sentence on what was asked.
    """
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / "requirements" / "dev.txt")]
    command += ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = done.stderr.strip().splitlines()[-1:] or ["no answer"]
        return [], f"Vulnerabilities: not checked; the advisory service cannot be reached ({reason[0]})."
    known = [each for each in told if "vulns" in each]
    lines = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {_listed(hole['fix_versions'])}"
        for each in known
        for hole in each["vulns"]
    ]
    if not known:
        return [], "Vulnerabilities: not checked; the advisory service knows none of these versions here."
    return lines, f"Vulnerabilities: {len(lines)} in {len(known)} of {len(told)} distributions asked about."


def main() -> int:
    """Print what was found; 1 if a licence is refused or a vulnerability known."""
    found = dependencies("bandsense", "all")
    bad = list(refused(found))
    print(f"Licences: {len(found) - len(bad)} of {len(found)} dependencies have an allowed one.")
    holes, asked = vulnerabilities()
    print(asked)
    bill = ROOT / "build" / "sbom.cdx.json"
    bill.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--of", "JSON", "-o", str(bill)]
    subprocess.run([*command, "--pyproject", str(ROOT / "pyproject.toml"), sys.executable], check=True)  # noqa: S603
    print(f"Bill of materials: {bill.relative_to(ROOT)}")
    for line in (*bad, *holes):
        print(f"  {line}")
    return 1 if bad or holes else 0


if __name__ == "__main__":
    sys.exit(main())
