"""Who runs which tests, and what becomes of those of a worker that died."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.scheduling import AHEAD_FAST, AHEAD_SLOW, FileScheduling, files_in_order

SLOW = 10.0


class Worker:
    """xdist's `WorkerController` as the scheduler sees it. `queue` is what it was sent and has not run."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.tests: list[str] = []
        self.queue: list[str] = []
        self.ran: list[str] = []

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        assert not self.shutting_down
        self.queue += [self.tests[at] for at in indices]

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def can_run(self) -> bool:
        """A worker begins a test once it knows the next one, or that there is none."""
        return len(self.queue) > 1 or (self.shutting_down and bool(self.queue))


class Session:
    """The controller's part: starts workers and reports to the scheduler what they did."""

    def __init__(self, tests: Sequence[str], workers: int = 2) -> None:
        self.faults: list[Any] = []
        hook = SimpleNamespace(pytest_collectreport=lambda report: self.faults.append(report))
        option = SimpleNamespace(tx=[f"{workers}*popen"])
        config: Any = SimpleNamespace(hook=hook, option=option, getvalue=lambda name: getattr(option, name))
        self.scheduling = FileScheduling(config)
        self.tests = list(tests)
        self.workers = [self.start(f"gw{number}") for number in range(workers)]

    def start(self, name: str, tests: Sequence[str] | None = None) -> Any:
        worker: Any = Worker(name)
        worker.tests = list(self.tests if tests is None else tests)
        self.scheduling.add_node(worker)
        return worker

    def collected(self, *workers: Any) -> None:
        for worker in workers:
            self.scheduling.add_node_collection(worker, worker.tests)
            if self.scheduling.collection_is_completed:
                self.scheduling.schedule()

    def run_one(self, worker: Any, seconds: float = SLOW) -> str:
        assert worker.can_run
        test = worker.queue.pop(0)
        worker.ran.append(test)
        self.scheduling.mark_test_complete(worker, worker.tests.index(test), seconds)
        return str(test)

    def run_all(self, *workers: Any) -> None:
        while any(worker.can_run for worker in workers):
            for worker in workers:
                if worker.can_run:
                    self.run_one(worker)


def file(name: str, tests: int) -> list[str]:
    """The tests of a file."""
    return [f"{name}.py::test_{number}" for number in range(tests)]


def test_slow_folders_come_first_then_the_files_with_most_tests() -> None:
    """And the tests of a file stay together, in their order."""
    small, big = file("tests/unit/test_small", 1), file("tests/unit/test_big", 3)
    slow, browser = file("tests/integration/test_slow", 1), file("tests/browser/test_story", 1)
    assert files_in_order([*small, *slow, *big, *browser]) == [browser, slow, big, small]


def test_each_test_is_run_once_and_files_stay_whole() -> None:
    """While there are other files."""
    tests = [*file("a", 5), *file("b", 5), *file("c", 2)]
    session = Session(tests)
    one, two = session.workers
    session.collected(one, two)
    session.run_all(one, two)
    assert sorted(one.ran + two.ran) == sorted(tests)
    assert {test.split("::")[0] for test in one.ran} & {test.split("::")[0] for test in two.ran} <= {"c.py"}
    assert session.scheduling.tests_finished
    assert not session.scheduling.has_pending


def test_an_idle_worker_takes_the_later_half_of_what_another_has_left() -> None:
    """So that the last big file does not keep one busy alone."""
    session = Session(file("a", 20))
    one, two = session.workers
    session.collected(one, two)
    session.run_all(one, two)
    assert sorted(one.ran + two.ran) == sorted(session.tests)
    assert abs(len(one.ran) - len(two.ran)) <= 2


def test_few_slow_tests_lie_at_a_worker_and_more_fast_ones() -> None:
    """A slow one that waits behind another could run elsewhere; after a fast one nobody should wait for the next."""
    session = Session(file("a", 100), workers=1)
    (one,) = session.workers
    session.collected(one)
    assert len(one.queue) == AHEAD_SLOW
    session.run_one(one, seconds=0.001)
    assert len(one.queue) == AHEAD_FAST


def test_a_crash_costs_the_test_that_ran_and_a_replacement_runs_the_rest() -> None:
    """What the dead worker had been sent, what was left of its file, and all other files."""
    session = Session([*file("a", 6), *file("b", 6)])
    one, two = session.workers
    session.collected(one, two)
    session.run_one(one)
    crashed = session.scheduling.remove_node(one)
    assert crashed == "a.py::test_1"
    assert session.scheduling.last_of[one] == "a.py::test_0"
    other = session.start("gw2")
    session.run_one(two)  # meanwhile; the replacement still collects
    session.collected(other)
    session.run_all(two, other)
    assert sorted([*one.ran, crashed, *two.ran, *other.ran]) == sorted(session.tests)
    assert session.scheduling.tests_finished


def test_both_workers_may_crash_while_a_replacement_collects() -> None:
    """xdist's `loadfile` ends here with a KeyError."""
    session = Session([*file("a", 3), *file("b", 3)])
    one, two = session.workers
    session.collected(one, two)
    crashed = [session.scheduling.remove_node(one)]
    third = session.start("gw2")
    crashed.append(session.scheduling.remove_node(two))
    fourth = session.start("gw3")
    session.collected(third, fourth)
    session.run_all(third, fourth)
    assert sorted([*crashed, *third.ran, *fourth.ran]) == sorted(session.tests)


def test_a_crash_in_the_very_last_test_leaves_nothing_for_the_replacement() -> None:
    """Which must end at once."""
    session = Session(file("a", 1), workers=1)
    (one,) = session.workers
    session.collected(one)
    assert session.scheduling.remove_node(one) == "a.py::test_0"
    other = session.start("gw1")
    session.collected(other)
    assert other.shutting_down
    assert session.scheduling.tests_finished


def test_what_a_replacement_does_not_know_is_left_out_and_named() -> None:
    """The names of tests should not differ from run to run; when they do, nobody waits for them."""
    session = Session(file("a", 4), workers=1)
    (one,) = session.workers
    session.collected(one)
    session.scheduling.remove_node(one)
    other = session.start("gw1", [test for test in session.tests if test != "a.py::test_2"])
    session.collected(other)
    session.run_all(other)
    assert other.ran == ["a.py::test_1", "a.py::test_3"]
    assert session.scheduling.lost == ["a.py::test_2"]


def test_workers_that_found_different_tests_run_nothing() -> None:
    """As with xdist: the difference is reported."""
    session = Session(file("a", 2))
    one, two = session.workers
    two.tests.append("a.py::test_new")
    session.collected(one, two)
    assert one.queue == two.queue == []
    (report,) = session.faults
    assert report.failed
    assert "a.py::test_new" in str(report.longrepr)


def test_it_takes_the_place_of_loadfile_alone() -> None:
    """Whoever asks xdist for another scheduler gets it."""
    from tests.harness.scheduling import pytest_xdist_make_scheduler

    config: Any = SimpleNamespace(getvalue=lambda name: "load")
    assert pytest_xdist_make_scheduler(config, SimpleNamespace()) is None  # type: ignore[arg-type]  # it is not looked at


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_without_tests_all_workers_end(workers: int) -> None:
    """`-m` chose none."""
    session = Session([], workers)
    session.collected(*session.workers)
    assert session.scheduling.tests_finished
    assert all(worker.shutting_down for worker in session.workers)
