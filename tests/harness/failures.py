"""Each failure is named when it happens: a run that is cut off, or whose pytest itself fails, has said by then what it found.

XXX: Python 3.11 keeps the depth of the parser's recursion for all threads together. Where another thread parses at the same time,
`ast.parse` raises SystemError, and pytest, which parses to show a failure, would end the whole run for one failed test.
"""

from __future__ import annotations

from typing import Any

import pytest
from _pytest._code import code


class NamesFailures:
    """Registered where tests are reported: in xdist's controller, or in the only process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One line for each failure: the test, its phase, and the first line of the reason."""
        terminal: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if not report.failed or terminal is None:
            return
        terminal.ensure_newline()
        terminal.write_line(f"failed in {report.when}: {report.nodeid}: {_reason(report)}")


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    words = str(crash.message if crash is not None else report.longrepr).strip()
    return words.splitlines()[0][:300] if words else ""


_statement_range = code.getstatementrange_ast
ATTEMPTS = 20


def statement_range(*arguments: Any, **named: Any) -> Any:
    """The lines of a statement, as pytest finds them, tried again where two threads parse at once."""
    for _ in range(ATTEMPTS):
        try:
            return _statement_range(*arguments, **named)
        except SystemError:
            continue
    return _statement_range(*arguments, **named)


def pytest_configure(config: pytest.Config) -> None:
    """Not in xdist's workers: what they find is reported by their controller."""
    code.getstatementrange_ast = statement_range
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NamesFailures(config), "lofty-ghl-names-failures")
