"""Conflicts: what two people have in common, and a person's decision about who is who."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import current_scope, visible
from streams.console.errors import Conflict, NotFound, Unavailable
from streams.console.services.kafka_errors import KafkaTurn, on_kafka
from streams.console.services.visible import visible_conflict
from streams.messages import IdentityDecision
from streams.operations.conflicts.decide import ConflictOutcome, decide
from streams.operations.conflicts.open_conflicts import ConflictItem
from streams.operations.conflicts.reader import read_conflicts
from streams.operations.history.index.reader import IndexReader
from streams.operations.worker_queries.errors import CannotFinish
from streams.settings import Settings

KEPT_SECONDS = 30.0
"""So long a list is shown before Kafka is read again: with many leads that takes seconds."""


@dataclass(frozen=True, slots=True)
class ConflictList:
    """The conflicts, the undecided ones first. `undecided` is how many wait for a person."""

    conflicts: tuple[ConflictItem, ...]
    undecided: int


class Conflicts:
    """Who is who."""

    def __init__(self, settings: Callable[[], Settings], audit: AuditWriter, reader: IndexReader | None = None) -> None:
        self._reader = reader
        self._settings = settings
        self._audit = audit
        self._kept: tuple[float, tuple[ConflictItem, ...]] | None = None
        self._looking = KafkaTurn()

    @property
    def undecided(self) -> int | None:
        """How many waited for a person when the list was last read; None before. Reads nothing."""
        if self._kept is None:
            return None
        return sum(item.is_open for item in visible(self._kept[1], lambda item: item.person.connection))

    async def found(self, connection: str = "") -> ConflictList:
        """The conflicts of all connections, or of one."""
        chosen = tuple(item for item in await self._read() if connection in ("", item.person.connection))
        return ConflictList(chosen, sum(item.is_open for item in chosen))

    async def of_lead(self, connection: str, lead: str, contact: str = "") -> tuple[ConflictItem, ...]:
        """Those of one lead, with one GHL contact if `contact` names it."""
        found = await self._read()
        return tuple(
            item
            for item in found
            if (item.person.connection, item.person.lead) == (connection, lead)
            and contact in ("", item.other_contact_id)
        )

    async def decide(
        self, by: Actor, connection: str, lead: str, decision: IdentityDecision, contact: str = ""
    ) -> ConflictOutcome:
        """Decide who a lead is: towards one GHL contact, or towards all with which it is in conflict.

        A worker records it before this returns.
        """
        items = await self.of_lead(connection, lead, contact)
        if not items:
            raise NotFound(f"Lead {lead[:40]} of {connection[:40]!r} is in no conflict: it was solved, or never was.")
        about = {"connection": connection, "lead": lead, "contact": contact, "decision": decision}
        try:
            async with self._audit.acting(by, "decide conflict", about) as result:
                done = await self._decided(items, decision, by.name)
                result.detail = done.next
        finally:
            self._kept = None
        return done

    async def _decided(self, items: tuple[ConflictItem, ...], decision: IdentityDecision, by: str) -> ConflictOutcome:
        try:
            done = await on_kafka(lambda: decide(self._settings(), list(items), decision, by))
        except CannotFinish as error:
            raise Unavailable(str(error)) from error
        if problem := next((one.problem for one in done if one.problem), ""):
            raise Conflict(f"Nothing was decided: {problem}. Open the page again to see what is so now.")
        return done[0]

    async def _read(self) -> tuple[ConflictItem, ...]:
        async with self._looking:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                found = await on_kafka(lambda: read_conflicts(self._settings(), reader=self._reader))
                self._kept = time.monotonic(), tuple(found)
            scope = current_scope()
            theirs = visible(self._kept[1], lambda item: item.person.connection)
            return tuple(visible_conflict(item, scope) for item in theirs)
