"""Nothing ends without a name: a test that is stuck fails by itself, and a test that ends its process is blamed for it.

There are two lines of defence, for collection as for each test with its fixtures:

1. At its time limit (`timeout` in `pyproject.toml` or the test's marker, times the patience of `tests.deadlines`) a signal raises
   a failure in the main thread, with the stacks of the other threads and of asyncio's tasks. It comes again, lest clearing up
   be stuck as well.
2. What no signal interrupts (C code that does not return) is ended a minute later: a thread of `faulthandler`, which needs no
   interpreter, writes all stacks down and ends the process. The scheduler of `tests.harness.scheduling` goes on.

Each of xdist's workers keeps a note, a file that says which test it is at. When a worker ends, however that comes, the note and
the way its process ended make up the failure of that test. And the run fails, with their names, when tests did not run at all.
"""

from __future__ import annotations

import asyncio
import faulthandler
import io
import os
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pytest_timeout import Settings, is_debugging

from tests.deadlines import FACTOR, VARIABLE, within

AGAIN, END, COLLECTION = "stuck_again_seconds", "stuck_end_seconds", "collection_seconds"
DEFAULTS = {
    AGAIN: (20.0, "after so long the signal comes again, as long as the test is not over"),
    END: (60.0, "so long after its limit a test has its process ended"),
    COLLECTION: (300.0, "the limit of a module's collection"),
}
MOST_NAMES = 50

COLLECTING, RUNNING, BETWEEN = "collecting", "running", "after"
INTERRUPTED = "keyboard-interrupt"
"""xdist's word for it."""


class Note:
    """The file in which a process says what it is at; `faulthandler` adds the stacks when it ends the process."""

    def __init__(self, path: Path | None) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self.fd = os.dup(2) if path is None else os.open(path, flags)
        self._is_file = path is not None

    def write(self, state: str, name: str) -> None:
        """Say what is done now."""
        if self._is_file:
            os.ftruncate(self.fd, 0)
            os.write(self.fd, f"{state} {name}\n".encode())


class Limits:
    """Holds whatever this process is at to its time."""

    def __init__(self, note: Note, again: float, end: float) -> None:
        self._note, self._again, self._end = note, again, end
        self._name, self._limit = "", 0.0
        self._is_held = False

    def begin(self, state: str, name: str, limit: float, *, ignores_debugger: bool = False) -> None:
        """From now on `name` has `limit` seconds."""
        self._note.write(state, name)
        self._name, self._limit = name, limit
        self._ignores_debugger = ignores_debugger
        self._is_held = threading.current_thread() is threading.main_thread()
        if self._is_held:
            signal.signal(signal.SIGALRM, self._fail)
            signal.setitimer(signal.ITIMER_REAL, limit, self._again)
            self.hold()

    def hold(self) -> None:
        """Have the process ended when the signal does not help. (pytest forgets this at each failure: it may want a debugger.)"""
        if self._is_held:
            faulthandler.dump_traceback_later(self._limit + self._end, exit=True, file=self._note.fd)

    def end(self) -> None:
        """It came to its end."""
        if self._is_held:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            faulthandler.cancel_dump_traceback_later()
            self._is_held = False
        self._note.write(BETWEEN, self._name)

    def _fail(self, number: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        if not self._is_held or (is_debugging() and not self._ignores_debugger):
            return
        pytest.fail(
            f"{self._name} was stuck: over its limit of {self._limit:.0f} s ({VARIABLE}={FACTOR:g})\n{_stacks()}"
        )


def _stacks() -> str:
    """Where all other threads and asyncio's tasks are; the main thread's own stack is the failure's."""
    out = io.StringIO()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident in names and ident != threading.get_ident():  # others are not ours: xdist's link to its controller
            print(f"\nthread {names[ident]}:", *traceback.format_stack(frame), sep="\n", end="", file=out)
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop runs
        tasks = set()
    for task in tasks:
        task.print_stack(limit=5, file=out)
    return out.getvalue()


class Guard:
    """The hooks of a process that runs tests: one of xdist's workers, or pytest itself."""

    def __init__(self, limits: Limits, collection: float) -> None:
        self._limits, self._collection = limits, collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Settings) -> bool:
        """Instead of pytest-timeout, which knows the limit."""
        limit = within(settings.timeout)
        self._limits.begin(RUNNING, item.nodeid, limit, ignores_debugger=settings.disable_debugger_detection)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool:
        """pytest-timeout cancels at the first failure; the fixtures' tear-down may be stuck yet."""
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """The limit is that of set-up, test and tear-down together."""
        try:
            return (yield)
        finally:
            self._limits.end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """A module can be stuck in its import."""
        self._limits.begin(COLLECTING, collector.nodeid, self._collection)
        try:
            return (yield)
        finally:
            self._limits.end()

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector) -> None:
        """The second line stays, unless somebody looks at the failure with a debugger."""
        if not node.config.getoption("usepdb"):
            self._limits.hold()

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        """Whoever debugs has all the time."""
        self._limits.end()


class Blame:
    """The hooks of xdist's controller: whatever ends a worker is put down to a test, and no test is forgotten."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = Path(tempfile.mkdtemp(prefix="lofty-ghl-tests-"))
        self._unreported: dict[str, None] = {}

    def pytest_configure_node(self, node: Any) -> None:
        """Give each worker a file for its note."""
        node.workerinput["note"] = str(self._folder / node.gateway.id)

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """What there is to run."""
        if not self._unreported:
            self._unreported = dict.fromkeys(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What ran, or was skipped."""
        self._unreported.pop(report.nodeid, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker that dies while it collects takes the run along: its replacements would die as it did."""
        state, name, stacks = self._note_of(node)
        if error and state in {"", COLLECTING}:
            words = f"{node.gateway.id} {_end_of(node)} while it collected {name or 'nothing yet'}\n{stacks}"
            report = pytest.CollectReport(name or node.gateway.id, "failed", longrepr=words, result=[])
            self._config.hook.pytest_collectreport(report=report)
            session: Any = self._config.pluginmanager.getplugin("dsession")
            session._max_worker_restart = 0
        elif error == INTERRUPTED:
            self._say(f"{node.gateway.id} got a KeyboardInterrupt while it ran {name}: the run ends")

    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """Say all that is known of the end of a worker."""
        node: Any = report.node  # type: ignore[attr-defined]  # xdist adds it to the reports of its workers
        state, name, stacks = self._note_of(node)
        words = f"{node.gateway.id} {_end_of(node)} while it ran {crashitem}"
        if state == BETWEEN and name != crashitem:
            words = f"{node.gateway.id} {_end_of(node)} between {name} and {crashitem}"
        elif last := getattr(sched, "last_of", {}).get(node):
            words += f" (before it: {last})"
        report.longrepr = f"{words}\n{stacks}"
        path, _, test = crashitem.partition("::")
        report.location = (path, None, test)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail, and name them, when tests did not run."""
        shutil.rmtree(self._folder, ignore_errors=True)
        forgotten = list(self._unreported)
        if not forgotten:
            return
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        names = forgotten[:MOST_NAMES] + [f"and {len(forgotten) - MOST_NAMES} more"] * (len(forgotten) > MOST_NAMES)
        self._say(f"{len(forgotten)} tests did not run:", *names)

    def _say(self, *lines: str) -> None:
        terminal: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            for line in lines:
                terminal.line(line, red=True)

    def _note_of(self, node: Any) -> tuple[str, str, str]:
        try:
            note = Path(node.workerinput["note"]).read_text(errors="replace")
        except OSError:
            return "", "", ""
        line, _, stacks = note.partition("\n")
        state, _, name = line.partition(" ")
        return state, name, stacks


def _end_of(node: Any) -> str:
    """How a worker's process ended."""
    try:
        code = node.gateway._io.popen.wait(within(5))
    except Exception:  # what xdist's transport keeps of it is its own affair
        return "ended"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the tests of this file shorten."""
    for name, (default, help_text) in DEFAULTS.items():
        parser.addini(name, help_text, default=str(default))


def pytest_configure(config: pytest.Config) -> None:
    """xdist's controller watches its workers; every other process watches itself."""
    given = getattr(config, "workerinput", None)
    if given is None and config.getoption("dist", "no") != "no" and not config.getoption("collectonly"):
        config.pluginmanager.register(Blame(config), "lofty-ghl-blame")
        return
    again, end, collection = (within(float(config.getini(name))) for name in DEFAULTS)
    limits = Limits(Note(Path(given["note"]) if given else None), again, end)
    config.pluginmanager.register(Guard(limits, collection), "lofty-ghl-guard")
