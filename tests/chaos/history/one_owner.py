"""P6: a budget is asked by one worker at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from connectors.sandbox.shared.ledger import Entry
from streams.messages.partitioning import ghl_budget, lofty_budget, partition_of
from tests.chaos.history.case import Case
from tests.chaos.history.finding import Finding, Tally
from tests.chaos.history.history import Fenced, History
from tests.chaos.history.told import told, worker_of

HANDOVER_SECONDS = 0.5
"""A worker that asks again after another did has lost the budget and gained it back: no two rebalances are so quick."""


@dataclass(slots=True)
class Tenure:
    """Requests of one worker with none of another between them. `until` is when the last of them was over."""

    worker: str
    first: Entry
    last: Entry
    until: float


def one_owner(case: Case) -> Finding:
    """The tenures of two workers over one budget never interleave; where fences are known, each request is its owner's.

    A tenure is over when its last request is, or when its worker died or froze with that in flight.
    The owner is the worker of the partition's last fence before the request.
    Excused, and counted: what a worker sent as it woke from a freeze.

    Proves nothing of: workers that send no name; two owners of which only one asks.
    """
    tally = Tally(6, "a budget is asked by one worker at a time", "requests of named workers")
    history = case.history
    locations = {name: name for name in history.connection_at}
    for budget, entries in _by_budget(history.ghl, locations).items():
        _judge(case, tally, budget, entries, _fences_of(history, ghl_budget(budget)))
    for budget, entries in _by_budget(history.lofty, history.lofty_budget_of).items():
        _judge(case, tally, budget, entries, _fences_of(history, lofty_budget(budget)))
    return tally.finding()


def _fences_of(history: History, budget: str) -> list[Fenced]:
    """Those of its partition, in order: before the deployment grew it was in another one."""
    last = history.settings.kafka.partitions
    found = [one for one in history.fences if one.partition == partition_of(budget, one.of or last)]
    return sorted(found, key=lambda one: one.offset)


def _by_budget(entries: Iterable[Entry], budgets: Mapping[str, str]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=attrgetter("at", "seq")):
        if worker_of(entry) and entry.budget in budgets:
            found[budgets[entry.budget]].append(entry)
    return found


def _judge(case: Case, tally: Tally, budget: str, entries: list[Entry], fences: list[Fenced]) -> None:
    tally.examined += len(entries)
    in_order: list[Entry] = []
    for entry in entries:
        asks = worker_of(entry)
        owner = _owner(fences, entry) if fences else worker_of(in_order[-1]) if in_order else asks
        if asks != owner and case.interruptions.is_sent_on_waking(entry):
            tally.note(budget, f"{asks} asks as it wakes, {owner} owns it", told(entry), is_excused=True)
        else:
            in_order.append(entry)
    _judge_fences(tally, budget, in_order, fences)
    _judge_tenures(tally, budget, _tenures(case, in_order))


def _owner(fences: list[Fenced], entry: Entry) -> str | None:
    place = bisect_right(fences, 1000 * entry.at, key=lambda one: one.fence.at_ms)
    return fences[place - 1].fence.worker if place else None


def _judge_fences(tally: Tally, budget: str, entries: list[Entry], fences: list[Fenced]) -> None:
    if not fences:
        return
    for entry in entries:
        owner = _owner(fences, entry)
        if owner != worker_of(entry):
            tally.note(budget, f"{worker_of(entry)} asks, {owner or 'nobody'} owns it", told(entry))


def _tenures(case: Case, entries: list[Entry]) -> list[Tenure]:
    found: list[Tenure] = []
    for entry in entries:
        over = case.interruptions.watched_until(entry)
        if found and found[-1].worker == worker_of(entry):
            found[-1].last, found[-1].until = entry, max(found[-1].until, over)
        else:
            found.append(Tenure(worker_of(entry), entry, entry, over))
    return found


def _judge_tenures(tally: Tally, budget: str, tenures: list[Tenure]) -> None:
    past: dict[str, Tenure] = {}
    before: Tenure | None = None
    for now in tenures:
        if before is not None and now.first.at < before.until:
            what = f"{now.worker} asks while a request of {before.worker} is in flight"
            tally.note(budget, what, told(before.last, now.first))
        earlier = past.get(now.worker)
        if before is not None and earlier is not None and now.first.at < earlier.until + HANDOVER_SECONDS:
            what = f"{now.worker} and {before.worker} ask by turns"
            tally.note(budget, what, told(earlier.last, before.first, now.first))
        past[now.worker] = before = now
