"""What both sandboxes do with a request: state and rules are each vendor's, the shell with the socket is `shell.py`.

One request is three steps, so that the shell can let time pass between them:
`arrive` (who asks, may they, do the limits allow it), `apply` (the work), `finish` (what the ledger says of it).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar

from connectors.http.operation import Operation
from connectors.sandbox.shared.faults import FaultBox, SandboxFault
from connectors.sandbox.shared.ledger import Entry, RequestLedger
from connectors.sandbox.shared.refusal import VendorRefusal


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What a rule answers. `content` None is an empty body; `changed` says whether anything is different now.

    `entity` is the id that it concerned (of a create: the new one), `parent` that of the contact or lead it belongs to; None:
    as the path says.
    """

    content: Any
    status: int = 200
    entity: str | int | None = None
    changed: bool = False
    parent: str | int | None = None


@dataclass(slots=True)
class Visit:
    """One request on its way through. `status` is set once the answer is known."""

    entry: Entry
    status: int = 0
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    operation: Operation | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    fault: SandboxFault | None = None


AnyVisit = TypeVar("AnyVisit", bound=Visit)


class Sandbox(ABC, Generic[AnyVisit]):
    """A vendor of one's own. `now` gives seconds since the epoch; times of the ledger are in it."""

    visit_type: type[AnyVisit]

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.now = now

    def _start_over(self, seed: int, ledger_size: int) -> None:
        """A new ledger, and no faults."""
        self.faults = FaultBox(Random(seed))
        self.ledger = RequestLedger(ledger_size)

    @property
    @abstractmethod
    def latency_seconds(self) -> float:
        """How long an answer takes: half of it before the work, half after."""

    def arrive(self, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes) -> AnyVisit:
        """A request comes in. Answered at once if it has no right, if a limit is reached, or if a fault says so."""
        visit = self.visit_type(self.ledger.open(self.now(), method, raw_path, headers.get("User-Agent", "")))
        try:
            self._enter(visit, method, raw_path, query, headers, body)
        except VendorRefusal as refusal:
            self._answer(visit, refusal.status, refusal.content)
        return visit

    def apply(self, visit: AnyVisit) -> None:
        """Do the work, unless the answer is known already."""
        if visit.status or visit.operation is None:
            return
        now = self.now()
        try:
            result = self._work(visit, visit.operation, now)
        except VendorRefusal as refusal:
            self._answer(visit, refusal.status, refusal.content)
            return
        entry = visit.entry
        entry.entity = entry.entity if result.entity is None else str(result.entity)
        entry.parent = entry.parent if result.parent is None else str(result.parent)
        if result.changed:
            self._record_change(visit, visit.operation, result, now)
        self._answer(visit, result.status, result.content)

    def finish(self, visit: AnyVisit, *, is_answered: bool) -> None:
        """The answer goes out, or never will."""
        self.ledger.close(visit.entry, self.now(), visit.status if is_answered else None)

    @abstractmethod
    def _enter(
        self, visit: AnyVisit, method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Find out what is asked, by whom, and whether they may. Raises `VendorRefusal`."""

    @abstractmethod
    def _work(self, visit: AnyVisit, operation: Operation, now: float) -> RuleResult:
        """Apply the rule of the operation. Raises `VendorRefusal`."""

    def _record_change(self, visit: AnyVisit, operation: Operation, result: RuleResult, now: float) -> None:
        """Note in the ledger that something is different now."""
        self.ledger.apply(visit.entry, now, created=operation.name.startswith("create-"))

    @abstractmethod
    def _encode(self, visit: AnyVisit, content: Any) -> bytes:
        """The body of an answer."""

    @abstractmethod
    def _fault_content(self, status: int) -> Any:
        """The body of a status that a fault orders."""

    @abstractmethod
    def _refuse_token(self, visit: AnyVisit) -> VendorRefusal:
        """The refusal of a token that was revoked."""

    def _misbehave(self, visit: AnyVisit, operation: Operation) -> None:
        visit.fault = fault = self.faults.take(operation.name, visit.entry.budget)
        if fault is None:
            return
        visit.entry.fault = fault.kind
        if fault.kind == "revoke":
            raise self._refuse_token(visit)
        if fault.kind == "status" and fault.text and not fault.applies:
            visit.status, visit.content = fault.status, fault.text.encode()
        elif fault.kind == "status" and not fault.applies:
            raise VendorRefusal(fault.status, self._fault_content(fault.status))

    def _answer(self, visit: AnyVisit, status: int, content: Any) -> None:
        fault = visit.fault
        if fault is not None and fault.kind == "status" and fault.applies:
            visit.status = fault.status
            visit.content = fault.text.encode() or self._encode(visit, self._fault_content(fault.status))
            return
        visit.status = status
        visit.content = self._encode(visit, content)
