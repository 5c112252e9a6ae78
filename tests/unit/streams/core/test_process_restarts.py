"""When a worker process is started again, and when its supervisor gives up."""

from __future__ import annotations

import pytest

from streams.core.process_restarts import GiveUp, RestartPolicy, Restarts, StartAgain

POLICY = RestartPolicy(first_seconds=1, most_seconds=60, give_up_after=3)
KILLED = -9


def waits(restarts: Restarts, process: int, times: int, *, ready: bool = True) -> list[float]:
    """How long each restart waits of a process that ends again and again."""
    found = []
    for turn in range(times):
        if ready:
            restarts.ready(process, float(turn))
        decision = restarts.ended(process, KILLED, float(turn))
        assert isinstance(decision, StartAgain)
        found.append(decision.wait_seconds)
    return found


def test_each_restart_waits_twice_as_long_up_to_a_minute() -> None:
    """One that ends soon after each start costs less and less."""
    assert waits(Restarts(2, POLICY), 1, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_one_that_was_ready_for_a_minute_starts_from_a_second_again() -> None:
    """Ends that are far apart have nothing to do with each other."""
    restarts = Restarts(2, POLICY)
    waits(restarts, 0, 5)
    restarts.ready(0, 100.0)
    assert restarts.ended(0, KILLED, 160.0) == StartAgain(1)


def test_processes_do_not_share_their_waits() -> None:
    """The first end of one is its first, however often another has ended."""
    restarts = Restarts(2, POLICY)
    waits(restarts, 0, 5)
    assert waits(restarts, 1, 1) == [1]


@pytest.mark.parametrize("code", POLICY.refusals)
def test_one_that_refuses_to_start_ends_all_until_the_first_was_ready(code: int) -> None:
    """With its own exit code, as when it runs alone; later the others work on."""
    fresh, running = Restarts(2, POLICY), Restarts(2, POLICY)
    assert fresh.ended(1, code, 0.0) == GiveUp(code, "process 1 refused to start")
    running.ready(0, 0.0)
    assert running.ended(1, code, 1.0) == StartAgain(1)


def test_a_supervisor_gives_up_once_no_process_comes_to_anything() -> None:
    """Each has ended three times in a row without having been ready; one that gets ready is hope for all."""
    restarts = Restarts(2, POLICY)
    waits(restarts, 0, 1)
    waits(restarts, 0, 3, ready=False)
    waits(restarts, 1, 2, ready=False)
    restarts.ready(0, 0.0)
    assert isinstance(restarts.ended(1, 70, 1.0), StartAgain)
    waits(restarts, 0, 3, ready=False)
    assert restarts.ended(0, 70, 1.0) == GiveUp(70, "each process ended 3 times in a row before it was ready")


def test_a_signal_is_given_up_with_exit_code_1() -> None:
    """A negative code is none that a process can end with."""
    restarts = Restarts(1, RestartPolicy(give_up_after=1))
    decision = restarts.ended(0, KILLED, 0.0)
    assert isinstance(decision, GiveUp)
    assert decision.exit_code == 1
