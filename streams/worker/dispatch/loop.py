"""Runs a dispatcher: starts what the core lets start, and reports back. All waiting of the pipeline is here.

One turn: ask the core what may start now, start each in a task of its own, then sleep until something changes
(an offer, an answer) or until the core says that time alone will free something.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from aiokafka.errors import KafkaError

from connectors.rate import RateHeaders
from streams.core.progress.repeats import Failure, RepeatedFailures, defect
from streams.core.scheduling.budget_row import BudgetRow
from streams.core.scheduling.dispatcher import BudgetPolicy, Dispatcher, Item, Verdict
from streams.kafka.batching_producer import RecordsRefused, RecordTooLarge
from streams.telemetry.logs import about
from streams.worker.dispatch.failure_judge import FailureJudge

log = logging.getLogger("lofty_ghl.dispatch")


@dataclass(frozen=True, slots=True)
class WorkResult:
    """How one piece of work ended. `failure` is what a `RETRY` is after, when it may be the work's own fault."""

    verdict: Verdict
    wait_seconds: float = 0.0
    failure: Failure | None = None

    @classmethod
    def retry(cls, wait_seconds: float, failure: Failure | None = None) -> WorkResult:
        """The work is done again after a wait."""
        return cls(Verdict.RETRY, wait_seconds, failure)


DONE = WorkResult(Verdict.DONE)
PARKED = WorkResult(Verdict.PARKED)
AGAIN = WorkResult(Verdict.AGAIN)
NEXT = WorkResult(Verdict.NEXT)
"""The next step counts on what this one has read, and that grows old: it goes before the others."""
BLOCKED = WorkResult(Verdict.BLOCKED)


class RequestSlot(Protocol):
    """What a piece of work reports while it runs."""

    def answered(self, *, was_sent: bool = True) -> None:
        """The vendor answered (or no request was needed): the next request of this budget may start."""
        ...


Perform = Callable[[Item, RequestSlot], Awaitable[WorkResult]]


GiveUp = Callable[[Item, Failure], Awaitable[WorkResult | None]]
"""Parks work that fails in the same way again and again; None when there is nothing of it that could be parked."""

OURS = (KafkaError, OSError, TimeoutError)
"""What goes wrong between us and Kafka or the disk: it says nothing of the work in hand."""


def is_ours(error: Exception) -> bool:
    """Whether an error says nothing of the work in hand. A record that Kafka never takes is the work's own fault."""
    return isinstance(error, OURS) and not isinstance(error, RecordTooLarge | RecordsRefused)


DEFECT_SECONDS = 60.0
"""After how long work that failed in a way that no outcome covers is tried again."""

REPEATS_PAUSE_SECONDS = 60.0
"""How long a budget pauses when most of a connection's work would have to be parked, before it is tried once more."""

Note = Callable[[str, BudgetRow], Awaitable[None]]
"""Writes the usage of a budget to Kafka; returns once Kafka has acknowledged it."""

NOTE_AGAIN_SECONDS = 1.0
"""How long after a note that could not be written the next one is tried."""


MAY_START_SECONDS = 0.1
"""How often it is asked whether something may start, while it may not."""


class LoopObserver(Protocol):
    """Receives what a loop does, for metrics and status."""

    def offered(self, dispatcher: str, *, is_new: bool) -> None:
        """An entity was offered; `is_new` unless it waited already."""
        ...

    def paused(self, dispatcher: str, budget: str, cause: str) -> None:
        """A budget pauses."""
        ...

    def acquired(self, dispatcher: str, budget: str) -> None:
        """A budget is this worker's now."""
        ...

    def worked(self, dispatcher: str, item: Item, verdict: Verdict, began_ns: int) -> None:
        """A piece of work has ended; called in its own task."""
        ...


class _NoObserver:
    def offered(self, dispatcher: str, *, is_new: bool) -> None:
        return

    def paused(self, dispatcher: str, budget: str, cause: str) -> None:
        return

    def acquired(self, dispatcher: str, budget: str) -> None:
        return

    def worked(self, dispatcher: str, item: Item, verdict: Verdict, began_ns: int) -> None:
        return


async def _nothing_to_park(_item: Item, _failure: Failure) -> WorkResult | None:
    return None


@dataclass(frozen=True, slots=True)
class DispatchWork:
    """What a dispatcher does: `perform` does one item with at most one request, `give_up` parks what fails repeatedly."""

    perform: Perform
    give_up: GiveUp = _nothing_to_park


class Handler(Protocol):
    """Does one kind of work of a dispatcher."""

    def handles(self, item: Item) -> bool:
        """Whether an item is of this kind."""
        ...

    async def __call__(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Do one item, with at most one request."""
        ...

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Park what fails in the same way again and again; None when there is nothing to park."""
        ...


class HandlerRouter:
    """The work of a dispatcher with several kinds of items: each goes to the first of `handlers` that handles it."""

    def __init__(self) -> None:
        self.handlers: tuple[Handler, ...] = ()

    async def perform(self, item: Item, slot: RequestSlot) -> WorkResult:
        """Do one item."""
        return await self._handler_of(item)(item, slot)

    async def give_up(self, item: Item, failure: Failure) -> WorkResult | None:
        """Park an item."""
        return await self._handler_of(item).give_up(item, failure)

    def _handler_of(self, item: Item) -> Handler:
        return next(handler for handler in self.handlers if handler.handles(item))


async def _no_note(_budget: str, _row: BudgetRow) -> None:
    return None


class DispatchLoop:
    """One dispatcher at work. `clock` gives monotonic seconds.

    `note` is called for budgets whose policy says that spending is noted before it happens.
    `may_start` is asked before each turn: while it says no, nothing starts.
    What fails in the same way again and again is given up (`core/progress/repeats.py`).
    """

    def __init__(
        self,
        name: str,
        work: DispatchWork | HandlerRouter,
        clock: Callable[[], float],
        *,
        note: Note = _no_note,
        may_start: Callable[[], bool] = lambda: True,
        now_ms: Callable[[], int] = lambda: 0,
        observer: LoopObserver | None = None,
        repeats: RepeatedFailures | None = None,
    ) -> None:
        self._perform: Perform = work.perform
        self._give_up: GiveUp = work.give_up
        self._repeats = repeats or RepeatedFailures()
        self.name = name
        self._observer = observer or _NoObserver()
        self.core = Dispatcher()
        self.failures = FailureJudge(self.pause)
        self._clock = clock
        self._note = note
        self._now_ms = now_ms
        self._may_start = may_start
        self._notes: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], Item] = {}
        self._stopped: set[str] = set()

    def acquire(self, budget: str, policy: BudgetPolicy, noted: BudgetRow | None = None) -> None:
        """This worker owns the budget now; `noted` is what its former owner left, if that was another."""
        self.core.acquire(budget, policy, noted, now=self._clock(), now_ms=self._now_ms())
        self._observer.acquired(self.name, budget)

    async def release(self, budgets: set[str]) -> None:
        """Start nothing more for these budgets, and wait until what is in flight has ended and is written.

        Then each budget's last note is written: its next owner knows exactly what was used.
        """
        owned = {budget for budget in budgets if self.core.owns(budget)}
        for budget in owned:
            self.core.release(budget)
        going = [task for task, item in self._tasks.items() if item.budget in budgets]
        if going:
            await asyncio.wait(going)
        if self._notes:
            await asyncio.wait(self._notes)
        last = {budget: self.core.last_note(budget, self._clock(), self._now_ms()) for budget in owned}
        await asyncio.gather(*(self._note(budget, row) for budget, row in last.items() if row is not None))

    def offer_item(self, item: Item, *, wait_seconds: float = 0.0) -> None:
        """An entity is due, at once or after a wait."""
        if item.connection in self._stopped:
            return
        now = self._clock()
        is_new = self.core.offer_item(item, now, not_before=now + wait_seconds if wait_seconds > 0 else 0.0)
        if is_new or self.core.owns(item.budget):
            self._observer.offered(self.name, is_new=is_new)
        if is_new:
            self._changed.set()

    async def stop_connection(self, connection: str) -> None:
        """Start nothing more of a connection; return once what it has in flight has ended and is written.

        What waits is forgotten, and what is offered too, until `start_connection`: whoever calls that offers everything again.
        """
        self._stopped.add(connection)
        self.core.forget(connection)
        going = [task for task, item in self._tasks.items() if item.connection == connection]
        if going:
            await asyncio.wait(going)

    def start_connection(self, connection: str) -> None:
        """Take the offers of a connection again. What a partition that was acquired meanwhile holds back of it is forgotten, too."""
        self.core.forget(connection)
        self._stopped.discard(connection)

    def revise(self, budget: str, policy: BudgetPolicy) -> None:
        """The budget's limits are others from now on."""
        self.core.revise(budget, policy, self._clock())
        self._changed.set()

    def hold_tenant(self, budget: str, tenant: str) -> None:
        """Start nothing of a tenant until `release_tenant`."""
        self.core.hold_tenant(budget, tenant)

    def release_tenant(self, budget: str, tenant: str) -> None:
        """End a hold."""
        self.core.release_tenant(budget, tenant)
        self._changed.set()

    def observe(self, budget: str, rate: RateHeaders) -> None:
        """Take a vendor's rate headers into account."""
        self.core.observe(budget, rate, self._clock())

    def pause(self, budget: str, seconds: float, cause: str) -> None:
        """Start nothing for a budget for a while."""
        log.warning("%s: budget %s pauses for %.1f s: %s", self.name, budget, seconds, cause)
        self._observer.paused(self.name, budget, cause)
        self.core.pause(budget, self._clock() + seconds, cause)

    def resume(self, budget: str) -> None:
        """End a pause: what it waited for has come."""
        self.core.resume(budget)
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            if not self._may_start():
                await asyncio.sleep(MAY_START_SECONDS)
                continue
            for item in self.core.start(self._clock()):
                task = asyncio.create_task(self._work(item), name=f"{self.name} {item.key}")
                self._tasks[task] = item
                task.add_done_callback(self._tasks.pop)
            for budget, row in self.core.take_short(self._clock(), self._now_ms()).items():
                noting = asyncio.create_task(self._grant(budget, row), name=f"{self.name} note {budget}")
                self._notes.add(noting)
                noting.add_done_callback(self._notes.discard)
            seconds = self.core.wait_seconds(self._clock())
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def drain(self) -> None:
        """Wait until everything in flight has ended."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _grant(self, budget: str, row: BudgetRow) -> None:
        try:
            await self._note(budget, row)
        except Exception:
            log.exception("%s: what budget %s spends cannot be noted; it waits", self.name, budget)
            await asyncio.sleep(NOTE_AGAIN_SECONDS)
            self.core.granted(budget, stands=False)
        else:
            self.core.granted(budget, stands=True)
        self._changed.set()

    async def _work(self, item: Item) -> None:
        slot, began_ns = _Slot(self, item), time.time_ns()
        try:
            with about(connection=item.tenant, entity=item.key):
                finish = await self._perform(item, slot)
        except Exception as error:
            # A defect of ours, or Kafka is gone. The entity stays in its table and is tried again; nothing is lost.
            with about(connection=item.tenant, entity=item.key):
                log.exception("%s: failed in a way that no outcome covers; tried again in a minute", self.name)
            finish = WorkResult(Verdict.RETRY, DEFECT_SECONDS, None if is_ours(error) else defect(error))
        finish = await self._judge(item, finish)
        slot.answered(was_sent=False)
        self._observer.worked(self.name, item, finish.verdict, began_ns)
        self.core.finish(item, finish.verdict, self._clock(), wait_seconds=finish.wait_seconds)
        self._changed.set()

    async def _judge(self, item: Item, finish: WorkResult) -> WorkResult:
        """What becomes of work that has ended so: as it says, unless it fails in the same way again and again."""
        scope, now, failure = f"{item.budget}:{item.tenant}", self._clock(), finish.failure
        if finish.verdict is Verdict.DONE:
            self._repeats.succeeded(item.key, scope, now)
        elif finish.verdict is Verdict.PARKED:
            self._repeats.forget(item.key)
        if finish.verdict is not Verdict.RETRY or failure is None:
            return finish
        decision = self._repeats.failed(item.key, scope, failure, now)
        if decision == "pause":
            cause = f"most of connection {item.tenant} would be parked: {failure.cause}: {failure.message}"
            self.pause(item.budget, REPEATS_PAUSE_SECONDS, cause)
        if decision != "park":
            return finish
        times = self._repeats.times(item.key)
        words = f"{failure.message} (the same {times} times in a row)"
        try:
            with about(connection=item.tenant, entity=item.key):
                parked = await self._give_up(item, replace(failure, message=words))
        except Exception:
            with about(connection=item.tenant, entity=item.key):
                log.exception("%s: what fails again and again cannot be parked; tried again in a minute", self.name)
            self._repeats.kept(item.key, scope)
            return finish
        if parked is None:
            self._repeats.kept(item.key, scope)
            return finish
        self._repeats.parked(item.key, scope)
        return parked

    def _answered(self, item: Item, was_sent: bool) -> None:
        self.core.answered(item, self._clock(), was_sent=was_sent)
        self._changed.set()


class _Slot:
    def __init__(self, loop: DispatchLoop, item: Item) -> None:
        self._loop = loop
        self._item = item
        self._is_answered = False

    def answered(self, *, was_sent: bool = True) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._loop._answered(self._item, was_sent)
