"""A worker's status in parts, and put together again. Pure.

With a thousand connections a status has 700 kB; said whole every five seconds by each worker, it would fill the topic and make
each look slow. So a worker with many connections says of a few hundred at a time how they are: those first that have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.words.gateway_status import GatewayStatus
from streams.words.word import NotAWord
from streams.words.worker_status import BudgetStatus, ConnectionStatus, StatusPart, WorkerStatus

FEW = 100
"""So many connections stand in the status itself."""

IN_A_PART = 50
AT_ONCE = 6
"""Parts that are said at a time: 300 connections, under 400 kB; 3,000 within 50 s."""

REFRESH_MS = 60_000
"""A part is said again after this, changed or not: a reader looks back two minutes."""


@dataclass(slots=True)
class Splitter:
    """Takes the parts off a worker's statuses, one after another."""

    _said: dict[int, StatusPart] = field(default_factory=dict)

    def split(self, status: WorkerStatus) -> tuple[WorkerStatus, tuple[StatusPart, ...]]:
        """The status without what its parts hold, and the parts that are to be said now."""
        if len(status.connections) <= FEW and len(status.budgets) <= 2 * FEW:
            return status, ()
        parts = tuple(_parts(status))
        due = [part for part in parts if self._is_due(part)]
        due.sort(key=lambda part: self._said[part.number].at_ms if part.number in self._said else 0)
        now = tuple(due if status.is_stopping else due[:AT_ONCE])
        self._said |= {part.number: part for part in now}
        return status.model_copy(update={"budgets": (), "connections": (), "parts": len(parts)}), now

    def _is_due(self, part: StatusPart) -> bool:
        said = self._said.get(part.number)
        return (
            said is None
            or part.at_ms - said.at_ms >= REFRESH_MS
            or (part.budgets, part.connections) != (said.budgets, said.connections)
        )


@dataclass(slots=True)
class Heard:
    """What was heard on the topic, the newest of each: `take` each record, then ask for `workers` and `gateways`."""

    _workers: dict[str, WorkerStatus] = field(default_factory=dict)
    _parts: dict[str, dict[int, StatusPart]] = field(default_factory=dict)
    _gateways: dict[str, GatewayStatus] = field(default_factory=dict)

    def take(self, raw: bytes | None) -> WorkerStatus | None:
        """Note a record; what is of no release that we know is left out. Returns a worker's status, as far as it is known whole."""
        try:
            status = WorkerStatus.from_bytes(raw)
        except NotAWord:
            self._take_other(raw)
            return None
        known = self._workers.get(status.instance)
        if known is None or (status.at_ms, status.is_stopping) >= (known.at_ms, known.is_stopping):
            self._workers[status.instance] = status
        return self._whole(status)

    @property
    def workers(self) -> tuple[WorkerStatus, ...]:
        """The newest of each worker, with the parts that were heard of it."""
        return tuple(self._whole(one) for one in self._workers.values())

    @property
    def gateways(self) -> tuple[GatewayStatus, ...]:
        """The newest of each gateway."""
        return tuple(self._gateways.values())

    def forget(self, before_ms: int) -> None:
        """Forget who was heard last before then."""
        self._workers = {name: one for name, one in self._workers.items() if one.at_ms >= before_ms}
        self._gateways = {name: one for name, one in self._gateways.items() if one.at_ms >= before_ms}
        self._parts = {name: parts for name, parts in self._parts.items() if name in self._workers}

    def _take_other(self, raw: bytes | None) -> None:
        for word in (StatusPart, GatewayStatus):
            try:
                found = word.from_bytes(raw)
            except NotAWord:
                continue
            if isinstance(found, StatusPart):
                parts = self._parts.setdefault(found.part_of, {})
                if found.number not in parts or found.at_ms >= parts[found.number].at_ms:
                    parts[found.number] = found
            elif isinstance(found, GatewayStatus):
                known = self._gateways.get(found.gateway)
                if known is None or (found.at_ms, found.is_stopping) >= (known.at_ms, known.is_stopping):
                    self._gateways[found.gateway] = found
            return

    def _whole(self, status: WorkerStatus) -> WorkerStatus:
        if not status.parts:
            return status
        held = self._parts.get(status.instance, {})
        parts = [held[number] for number in range(status.parts) if number in held]
        return status.model_copy(
            update={
                "budgets": tuple(_newest_budgets(parts)),
                "connections": tuple(_newest_connections(parts)),
                "parts_heard": len(parts),
            }
        )


def _parts(status: WorkerStatus) -> Iterator[StatusPart]:
    """Parts of equal membership while the worker's budgets and connections stay: so a part that did not change is known."""
    connections = sorted(status.connections, key=lambda one: one.connection)
    place = {one.connection: at // IN_A_PART for at, one in enumerate(connections)}
    most = max(place.values(), default=0)
    budgets: dict[int, list[BudgetStatus]] = {}
    for budget in status.budgets:
        budgets.setdefault(min((place.get(name, most) for name in budget.connections), default=most), []).append(budget)
    for number in range(most + 1):
        some = tuple(connections[number * IN_A_PART : (number + 1) * IN_A_PART])
        yield StatusPart(
            part_of=status.instance,
            number=number,
            at_ms=status.at_ms,
            budgets=tuple(budgets.get(number, ())),
            connections=some,
        )


def _newest_budgets(parts: Iterable[StatusPart]) -> Iterable[BudgetStatus]:
    """One of each: where the worker's share has moved, two parts may tell of the same."""
    ordered = sorted(parts, key=lambda part: part.at_ms)
    return {(one.dispatcher, one.budget): one for part in ordered for one in part.budgets}.values()


def _newest_connections(parts: Iterable[StatusPart]) -> Iterable[ConnectionStatus]:
    ordered = sorted(parts, key=lambda part: part.at_ms)
    return {one.connection: one for part in ordered for one in part.connections}.values()
