"""The conformance list on the real BlueZ, in a virtual machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.needs import REPOSITORY, missing
from tests.vm import machine
from tests.vm.conftest import TABLE

LOG = REPOSITORY / "build" / "conformance-bluez.log"
CHECK_TIMEOUT_S = 200
SUITE = "tests/system/conformance"

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]


def test_conformance_on_bluez(record_property: Callable[[str, object], None]) -> None:
    if lacking := machine.missing_packages():
        missing(", ".join(lacking), f"apt-get install {' '.join(lacking)}")
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "--tb=short"]
    arguments += [f"--timeout={CHECK_TIMEOUT_S}", SUITE]
    lines: list[str] = []
    try:
        outcome = machine.boot_and_run(arguments, say=lines.append)
    finally:
        LOG.parent.mkdir(exist_ok=True)
        LOG.write_text("\n".join(lines) + "\n")
    table = [line for line in lines if line.startswith(("|", "Conformance in"))]
    record_property(TABLE, "\n".join(table))
    assert outcome.exit_code == 0, "\n".join(lines)
