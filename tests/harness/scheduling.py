"""Hands the tests to pytest's workers file by file, and goes on when a worker dies.

It replaces xdist's own scheduler for `--dist loadfile`, which fails then: it runs the test that killed its
worker again and again, gives a replacement only tests that are done and so waits for it without end, and asks a replacement
that still collects for its tests (`INTERNALERROR … KeyError: <WorkerController gw3>`; pytest-xdist's issues 714, 1189, 1323).
Here a test that killed its worker has failed, by name, and is not run again; whatever the worker had not begun is run by another.

A worker is sent few tests at a time. So an idle worker can take over the later half of what another has left of its file, and the
run does not end with one worker busy alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from xdist.remote import Producer
from xdist.report import report_collection_diff
from xdist.scheduler import Scheduling
from xdist.workermanage import WorkerController, parse_tx_spec_config

AHEAD_SLOW, AHEAD_FAST = 2, 8
"""How many tests lie at a worker: the one that runs and its successor, without which it does not begin; more of the fast, so that
it need not wait for the controller after each."""
FAST_SECONDS = 0.2

SLOW_FOLDERS = ("tests/browser/", "tests/integration/", "tests/faust/", "tests/contract/")
"""Begun first, so that what is left for the end is short."""


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Take the place of xdist's `loadfile`."""
    return FileScheduling(config) if config.getvalue("dist") == "loadfile" else None


def files_in_order(tests: Iterable[str]) -> list[list[str]]:
    """The tests of each file, in the order in which files are begun: slow folders, then the files with the most tests."""
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.split("::", 1)[0], []).append(test)

    def rank(name: str) -> tuple[int, int]:
        folder = next((at for at, slow in enumerate(SLOW_FOLDERS) if name.startswith(slow)), len(SLOW_FOLDERS))
        return folder, -len(files[name])

    return [files[name] for name in sorted(files, key=rank)]


@dataclass(slots=True)
class Work:
    """What one worker has: `index` of each test that it collected, the tests `sent` to it, and what is `left` of its file."""

    index: dict[str, int] | None = None
    collected: list[str] = field(default_factory=list)
    sent: deque[str] = field(default_factory=deque)
    left: deque[str] = field(default_factory=deque)
    last: str = ""
    ahead: int = AHEAD_SLOW


class FileScheduling:
    """xdist's `Scheduling`, file by file. `lost` is what no worker could run; `last_of` is what ran before a crash."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workers_wanted = len(parse_tx_spec_config(config))
        self._work: dict[WorkerController, Work] = {}
        self._collection: list[str] | None = None
        self._files: deque[list[str]] = deque()
        self.lost: list[str] = []
        self.last_of: dict[WorkerController, str] = {}

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers that live."""
        return list(self._work)

    @property
    def collection_is_completed(self) -> bool:
        """Whether as many workers as there should be have collected their tests, once."""
        return self._collection is not None or len(self._ready()) >= self._workers_wanted

    @property
    def tests_finished(self) -> bool:
        """Whether nothing is left to be sent to a worker."""
        return self._collection is not None and not self._files and not any(work.left for work in self._work.values())

    @property
    def has_pending(self) -> bool:
        """Whether something is left to be done."""
        return bool(self._files) or any(work.sent or work.left for work in self._work.values())

    def add_node(self, node: WorkerController) -> None:
        """A worker has started; it collects."""
        self._work[node] = Work()

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """A worker has collected."""
        work = self._work[node]
        work.collected = list(collection)
        work.index = {test: at for at, test in enumerate(collection)}

    def schedule(self) -> None:
        """Hand out work. Called whenever a worker has collected and `collection_is_completed`."""
        if self._collection is None:
            first, *others = self._ready()
            expected = self._work[first].collected
            self._collection = list(expected)
            if all(self._is_alike(first, other) for other in others):
                self._files.extend(files_in_order(expected))
        self._refill_all()

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """A worker is through with a test."""
        work = self._work[node]
        work.last = work.collected[item_index]
        work.sent.remove(work.last)
        work.ahead = AHEAD_FAST if duration < FAST_SECONDS else AHEAD_SLOW
        self._refill(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker has ended. Returns the test that it was at, if any; the others that it had are for whoever is free."""
        work = self._work.pop(node)
        self.last_of[node] = work.last
        crashed = work.sent.popleft() if work.sent else None
        if unfinished := [*work.sent, *work.left]:
            self._files.appendleft(unfinished)
        self._refill_all()
        return crashed

    def mark_test_pending(self, item: str) -> None:
        """Run a test once more (pytest-rerunfailures would ask for it)."""
        self._files.appendleft([item])
        self._refill_all()

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Nothing is ever stolen from a worker: what it was sent it runs."""
        raise NotImplementedError

    def _ready(self) -> list[WorkerController]:
        return [node for node, work in self._work.items() if work.index is not None]

    def _refill_all(self) -> None:
        if self._collection is not None:
            for node in self._ready():
                self._refill(node)

    def _refill(self, node: WorkerController) -> None:
        """Send a worker its next tests; the word to end when there are none, without which it would not run its last."""
        work = self._work[node]
        if node.shutting_down or work.index is None:
            return
        batch = []
        while len(work.sent) < work.ahead:
            if not work.left:
                work.left.extend(self._next_file())
            if not work.left:
                break
            test = work.left.popleft()
            if test in work.index:
                work.sent.append(test)
                batch.append(work.index[test])
            else:  # a replacement that does not know it
                self.lost.append(test)
        if batch:
            node.send_runtest_some(batch)
        if len(work.sent) < work.ahead:
            node.shutdown()

    def _next_file(self) -> list[str]:
        if self._files:
            return self._files.popleft()
        fullest = max((work.left for work in self._work.values()), key=len, default=deque())
        return list(reversed([fullest.pop() for _ in range(len(fullest) // 2)]))

    def _is_alike(self, first: WorkerController, other: WorkerController) -> bool:
        """Whether two workers found the same tests; fails the run, with the difference, when they did not."""
        difference = report_collection_diff(
            self._work[first].collected, self._work[other].collected, first.gateway.id, other.gateway.id
        )
        if difference is None:
            return True
        self._config.hook.pytest_collectreport(
            report=pytest.CollectReport(other.gateway.id, "failed", longrepr=difference, result=[])
        )
        return False
