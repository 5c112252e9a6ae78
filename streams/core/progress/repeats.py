"""Repeats: when work that fails in the same way again and again is parked, and when its connection pauses instead.

A failure is about the thing itself when others of its connection succeed meanwhile: then a few minutes are enough.
When nothing else succeeds it is more likely the vendor, or ourselves: then it waits longer, and what only an outage
explains (a 5xx, no answer) waits for ever.
When most of a connection's work is being parked, the cause is not in the single entities. Then the connection pauses, so that not
all of its work ends in `parked` (as the `DlqLimit` of Sentry's arroyo does).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from connectors.errors import ConnectorError
from connectors.http.error_texts import printable
from connectors.outcome import classify

Decision = Literal["again", "park", "pause"]

FAILS_EVERY_TIME = "fails every time"
"""The reason of what is parked since we fail at it, and not the vendor."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A failure is final after `times` in a row, over at least `over_seconds`; `alone_seconds` when nothing else succeeds."""

    times: int
    over_seconds: float
    alone_seconds: float


DEFECT = RetryPolicy(times=5, over_seconds=240.0, alone_seconds=240.0)
"""For a failure of our own: no outage of a vendor explains it."""

SHORT = RetryPolicy(times=5, over_seconds=180.0, alone_seconds=900.0)
"""For an answer that cannot be read: a firewall's page in place of all answers ends within minutes, as a rule."""

LONG = RetryPolicy(times=12, over_seconds=3600.0, alone_seconds=inf)
"""For what an outage explains: it is about the thing only if others go well all the time."""

_POLICIES = {
    "malformed answer": SHORT,
    "answer too large": SHORT,
    "server error": LONG,
    "try again": LONG,
    "unanswered": LONG,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """How something failed. Equal `cause` and `kind` are the same way; `cause` is the reason of the parked record."""

    cause: str
    message: str
    policy: RetryPolicy
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a connection's work may be parked.

    At most `most_in_a_row` without a success between them, and at most `most_part` of the last `of_last` pieces of work.
    """

    most_in_a_row: int = 3
    most_part: float = 0.5
    of_last: int = 20


def failure_of(error: ConnectorError) -> Failure | None:
    """The failure that a vendor's answer is, None for one that says nothing of the thing (no connection, a pause)."""
    outcome = classify(error)
    policy = _POLICIES.get(outcome.name)
    return Failure(outcome.name, str(error), policy) if policy is not None else None


def defect(error: Exception) -> Failure:
    """The failure that an exception of ours is."""
    kind = type(error).__name__
    return Failure(FAILS_EVERY_TIME, f"{kind}: {printable(str(error), 300)}", DEFECT, kind)


@dataclass(slots=True)
class _Run:
    cause: tuple[str, str]
    times: int
    first: float
    last: float


@dataclass(slots=True)
class _Scope:
    succeeded_at: float = -inf
    parked_in_a_row: int = 0
    parking: set[str] = field(default_factory=set)
    """What is being parked right now: several pieces of work end at the same time, and each counts before it is done."""
    recent: deque[bool] = field(default_factory=deque)


MOST_RUNS = 10_000
"""How many failing entities are remembered. Beyond that, the one that failed longest ago is forgotten and counts from 1 again."""


class RepeatedFailures:
    """The state: what fails how often, by key, and what succeeds, by scope (a connection of a budget).

    `pace` shortens all times alike, for tests.
    """

    def __init__(self, limit: Limit | None = None, *, pace: float = 1.0) -> None:
        self._limit = limit or Limit()
        self._pace = pace
        self._runs: dict[str, _Run] = {}
        self._scopes: dict[str, _Scope] = {}

    def failed(self, key: str, scope: str, failure: Failure, now: float) -> Decision:
        """Something failed (again): what is to become of it. After a `park` call `parked`, or `kept` when it was not carried out."""
        cause = (failure.cause, failure.kind)
        run = self._runs.pop(key, None)
        if run is None or run.cause != cause:
            run = _Run(cause, 0, now, now)
        run.times, run.last = run.times + 1, now
        self._runs[key] = run  # the last in order: the first is the one that failed longest ago
        if len(self._runs) > MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        state = self._scope(scope)
        others_go_well = state.succeeded_at > run.first
        policy = failure.policy
        least = policy.over_seconds if others_go_well else policy.alone_seconds
        if run.times < policy.times or now - run.first < least / self._pace:
            return "again"
        state.parking.discard(key)
        if self._is_too_much(state):
            return "pause"
        state.parking.add(key)
        return "park"

    def succeeded(self, key: str, scope: str, now: float) -> None:
        """Something was brought to its end."""
        self._runs.pop(key, None)
        state = self._scope(scope)
        state.parking.discard(key)
        state.succeeded_at, state.parked_in_a_row = now, 0
        self._remember(state, is_parked=False)

    def parked(self, key: str, scope: str) -> None:
        """Something was parked, since it failed again and again."""
        self._runs.pop(key, None)
        state = self._scope(scope)
        state.parking.discard(key)
        state.parked_in_a_row += 1
        self._remember(state, is_parked=True)

    def kept(self, key: str, scope: str) -> None:
        """Something was to be parked, and was not."""
        self._scope(scope).parking.discard(key)

    def times(self, key: str) -> int:
        """How often something has failed in the same way by now."""
        run = self._runs.get(key)
        return run.times if run is not None else 0

    def forget(self, key: str) -> None:
        """Forget an entity: its failure says nothing about it, or it no longer matters."""
        self._runs.pop(key, None)

    def _is_too_much(self, state: _Scope) -> bool:
        limit = self._limit
        now = len(state.parking)
        if state.parked_in_a_row + now >= limit.most_in_a_row:
            return True
        return len(state.recent) >= limit.of_last and sum(state.recent) + now > limit.of_last * limit.most_part

    def _scope(self, scope: str) -> _Scope:
        return self._scopes.setdefault(scope, _Scope())

    def _remember(self, state: _Scope, *, is_parked: bool) -> None:
        state.recent.append(is_parked)
        if len(state.recent) > self._limit.of_last:
            state.recent.popleft()
