from __future__ import annotations

import pytest

TABLE = pytest.StashKey[list[str]]()
"""Lines of the table with which the machine's log ends."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(TABLE, []):
        terminalreporter.write_line(line)
