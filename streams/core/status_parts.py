"""A worker's status in parts, and put together again. Pure.

With a thousand connections a status has 700 kB; said whole every five seconds by each worker, it would fill the topic and make
each look slow. So a worker with many connections says of a few hundred at a time how they are, in turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from streams.messages.gateway_status import GatewayStatus
from streams.messages.message import InvalidMessage
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, StatusPart, WorkerStatus

FEW = 100
"""The status itself holds at most so many connections; more are sent in parts."""

IN_A_PART = 50
AT_ONCE = 6
"""Parts that are said at a time: 300 connections, under 400 kB; 3,000 within 50 s."""


class Parts:
    """Assigns a worker's connections to parts of its status, and each budget to the part of its first connection.

    Only what is to be said is put together: with a thousand connections a whole status costs a quarter of a second.
    """

    def __init__(self, connections: Iterable[str]) -> None:
        ordered = sorted(connections)
        self.count = -(-len(ordered) // IN_A_PART) if len(ordered) > FEW else 0
        """The number of parts; 0: the status itself holds everything."""
        self._numbers = {name: at // IN_A_PART for at, name in enumerate(ordered)}

    def of(self, connections: Iterable[str]) -> int:
        """The part of a budget with these connections."""
        return min((self._numbers[name] for name in connections if name in self._numbers), default=self.count - 1)

    def split(self, status: WorkerStatus, numbers: Collection[int]) -> tuple[WorkerStatus, tuple[StatusPart, ...]]:
        """The status without what its parts hold, and these parts of it. The status may hold no more than they tell."""
        if not self.count:
            return status, ()
        budgets: dict[int, list[BudgetStatus]] = {}
        connections: dict[int, list[ConnectionStatus]] = {}
        for budget in status.budgets:
            budgets.setdefault(self.of(budget.connections), []).append(budget)
        for one in status.connections:
            connections.setdefault(self.of((one.connection,)), []).append(one)
        parts = tuple(
            StatusPart(
                part_of=status.instance,
                number=number,
                at_ms=status.at_ms,
                budgets=tuple(budgets.get(number, ())),
                connections=tuple(connections.get(number, ())),
            )
            for number in numbers
        )
        return status.model_copy(update={"budgets": (), "connections": (), "parts": self.count}), parts


class Turns:
    """Which parts are said next: all of them, one after another, without end."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int, most: int = AT_ONCE) -> tuple[int, ...]:
        """The numbers of the next parts of so many."""
        numbers = tuple((self._next + at) % count for at in range(min(most, count)))
        self._next = (self._next + len(numbers)) % count if count else 0
        return numbers


@dataclass(slots=True)
class StatusCollector:
    """The newest status of each process: `take` each record, then read `workers` and `gateways`."""

    _workers: dict[str, WorkerStatus] = field(default_factory=dict)
    _parts: dict[str, dict[int, StatusPart]] = field(default_factory=dict)
    _gateways: dict[str, GatewayStatus] = field(default_factory=dict)

    def take(self, raw: bytes | None) -> WorkerStatus | None:
        """Note a record; what is of no release that we know is left out. Returns a worker's status, as far as it is known whole."""
        try:
            status = WorkerStatus.from_bytes(raw)
        except InvalidMessage:
            self._take_other(raw)
            return None
        known = self._workers.get(status.instance)
        if known is None or (status.at_ms, status.is_stopping) >= (known.at_ms, known.is_stopping):
            self._workers[status.instance] = status
        return self._whole(status)

    @property
    def workers(self) -> tuple[WorkerStatus, ...]:
        """The newest status of each worker, with the parts that were received."""
        return tuple(self._whole(one) for one in self._workers.values())

    @property
    def gateways(self) -> tuple[GatewayStatus, ...]:
        """The newest of each gateway."""
        return tuple(self._gateways.values())

    def forget(self, before_ms: int) -> None:
        """Forget processes whose last status is older."""
        self._workers = {name: one for name, one in self._workers.items() if one.at_ms >= before_ms}
        self._gateways = {name: one for name, one in self._gateways.items() if one.at_ms >= before_ms}
        self._parts = {name: parts for name, parts in self._parts.items() if name in self._workers}

    def _take_other(self, raw: bytes | None) -> None:
        for word in (StatusPart, GatewayStatus):
            try:
                found = word.from_bytes(raw)
            except InvalidMessage:
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


def _newest_budgets(parts: Iterable[StatusPart]) -> Iterable[BudgetStatus]:
    """The newest status of each budget: after connections have moved between parts, two parts may report the same budget."""
    ordered = sorted(parts, key=lambda part: part.at_ms)
    return {(one.dispatcher, one.budget): one for part in ordered for one in part.budgets}.values()


def _newest_connections(parts: Iterable[StatusPart]) -> Iterable[ConnectionStatus]:
    ordered = sorted(parts, key=lambda part: part.at_ms)
    return {one.connection: one for part in ordered for one in part.connections}.values()
