from __future__ import annotations

import pytest

TABLE = "conformance table"
"""Property of a test's report that holds the table with which the machine's log ends."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in reports:
        for name, table in report.user_properties:
            if name == TABLE:
                terminalreporter.write_line(table)
