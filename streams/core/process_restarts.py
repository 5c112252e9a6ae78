"""When a worker process that ended is started again, and when its supervisor gives up. Pure: the time is an argument.

The first restart comes after a second, then each after twice the time, up to a minute. A process that was ready for a minute
starts from a second again.

The supervisor gives up, and ends itself, in two cases. Until the first process was ready, one that refuses to start (by its exit
code: usage, configuration, Kafka away) ends all, as it ends a worker that runs alone. Later, when every process has ended
`give_up_after` times in a row without having been ready: nothing is done by then, and whoever supervises the supervisor sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """`refusals` are the exit codes of a process that found something wrong which a restart does not change."""

    first_seconds: float = 1.0
    most_seconds: float = 60.0
    give_up_after: int = 5
    refusals: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class StartAgain:
    """Start the process again after so many seconds."""

    wait_seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End all processes and exit with this code."""

    exit_code: int
    because: str


@dataclass(slots=True)
class _History:
    ready_since: float | None = None
    quick_ends: int = 0
    failed_starts: int = 0


@dataclass(slots=True)
class Restarts:
    """What is known of the `count` processes of one supervisor."""

    count: int
    policy: RestartPolicy = RestartPolicy()
    was_ready: bool = False
    """Whether any of them ever was."""
    _histories: dict[int, _History] = field(default_factory=dict)

    def ready(self, process: int, now: float) -> None:
        """The process is ready."""
        history = self._history(process)
        if history.ready_since is None:
            history.ready_since = now
        history.failed_starts = 0
        self.was_ready = True

    def ended(self, process: int, exit_code: int, now: float) -> StartAgain | GiveUp:
        """The process has ended, by itself or by a signal (a negative code), and nobody had asked it to."""
        policy, history = self.policy, self._history(process)
        since, history.ready_since = history.ready_since, None
        if since is not None and now - since >= policy.most_seconds:
            history.quick_ends = 0
        history.quick_ends += 1
        history.failed_starts += since is None
        if not self.was_ready and exit_code in policy.refusals:
            return GiveUp(exit_code, f"process {process} refused to start")
        if all(self._history(one).failed_starts >= policy.give_up_after for one in range(self.count)):
            because = f"each process ended {policy.give_up_after} times in a row before it was ready"
            return GiveUp(exit_code if exit_code > 0 else 1, because)
        return StartAgain(min(policy.first_seconds * 2.0 ** (history.quick_ends - 1), policy.most_seconds))

    def _history(self, process: int) -> _History:
        return self._histories.setdefault(process, _History())
