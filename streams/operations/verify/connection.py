"""Verifies one connection: reads every lead, reads what seems wrong once more, and repairs it on request."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from streams.core.to_ghl.rules import rules_of
from streams.mapping import LEAD_ID_FIELD
from streams.messages import Entity, Observation
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_lead import VerificationBasis, bears, judge_lead, judge_unknown
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.verify.repair import LeadRepair
from streams.operations.verify.report import ConnectionReport
from streams.operations.verify.task_pool import work_through
from streams.operations.worker_queries.client import Timeouts, WorkerQueryClient
from streams.operations.worker_queries.directories import directory_of
from streams.operations.worker_queries.errors import CannotFinish, Refused
from streams.settings import Connection

T = TypeVar("T")

Progress = Callable[[str, str, int, int], None]
"""Called with a connection, the activity, the number of leads that are done, and the number of all leads."""

MOST_READS = 3
"""How often a lead is read before it is reported as changing too often to be judged."""

MOST_REFUSALS = 20
"""After so many refused questions in a row we assume that the token or a scope is wrong, not a lead."""


@dataclass(slots=True)
class ConnectionVerification:
    """One connection of one run. `neighbours` are the connections of the same location, including this one."""

    connection: Connection
    neighbours: tuple[str, ...]
    client: WorkerQueryClient
    newest: LatestSnapshots
    timeouts: Timeouts
    progress: Progress
    tasks: int
    report: ConnectionReport
    _basis: VerificationBasis = field(init=False)
    _field_id: str | None = field(init=False, default=None)
    _bearers: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)
    _refused: int = field(init=False, default=0)

    async def run(self, lead: str = "", *, repair: bool = False) -> None:
        """Verify all leads, or one. The report says what stopped it, if anything did."""
        try:
            await self._until_stopped(lead, repair)
        except asyncio.CancelledError:
            self.report.unfinished.append(f"connection {self.connection.name}: time was up before all leads were read")
            raise
        finally:
            self.report.requests = self.client.requests[self.connection.name]

    async def _until_stopped(self, lead: str, repair: bool) -> None:
        try:
            await self._run(lead, repair)
        except* CannotFinish as errors:
            self.report.unfinished += sorted({str(error) for error in _causes(errors)})
        except* KafkaError as errors:
            self.report.unfinished += sorted({f"Kafka: {error or type(error).__name__}" for error in _causes(errors)})

    async def _run(self, lead: str, repair: bool) -> None:
        name = self.connection.name
        directory = directory_of(await self.client.query(name, "directory", is_fresh=True))
        self._field_id = directory.custom_field_id(LEAD_ID_FIELD)
        self._basis = VerificationBasis(
            rules_of(self.connection),
            directory,
            self.connection.policies.contact_deleted_in_ghl == "leave",
            lambda other: any(self.newest.is_lead(one, other) for one in self.neighbours),
            lambda kind, id: any(self.newest.has_child(one, kind, id) for one in self.neighbours),
        )
        self._bearers = await self._scan(lead)
        leads = [one for one in self.newest.leads(name) if not lead or one == lead]
        self.report.leads = len(leads)
        suspicious = await self._read_all(leads)
        wrong = await self._confirm(suspicious)
        wrong |= await self._find_orphans(set(leads))
        try:
            if repair:
                await self._repair_all(wrong)
        finally:
            for found in wrong.values():
                self.report.add(found)

    # -- reading ------------------------------------------------------------------------------------------

    async def _scan(self, lead: str) -> dict[str, tuple[str, ...]]:
        """The contacts of the location by the Lofty id that they carry."""
        found: dict[str, tuple[str, ...]] = defaultdict(tuple)
        if self._field_id is None:
            self.report.remarks.append(
                f"the location has no custom field {LEAD_ID_FIELD!r}: duplicates and orphans among contacts cannot be found"
            )
            return found
        after, seen = None, 0
        while True:
            page = await self.client.query(
                self.connection.name, "bearers", lead=lead, field_id=self._field_id, after=after
            )
            for lofty_id, ghl_id in page.bearers:
                if ghl_id not in found[lofty_id]:
                    found[lofty_id] = (*found[lofty_id], ghl_id)
            seen += len(page.bearers)
            self.progress(self.connection.name, "searching", seen, 0)
            after = page.after
            if after is None:
                return found

    async def _read_findings(self, lead: str) -> tuple[Finding, ...]:
        """The findings about one lead as it is now."""
        name = self.connection.name
        keys = self.newest.keys(name, lead)
        if not keys and self._is_unknown(lead):
            return await self._read_orphan(lead)
        seen = await self.client.query(name, "contact", lead=lead, entities=keys)
        standing = seen.standings.get(Entity.contact(name, lead).key)
        linked = standing.ghl_id if standing else None
        others = [one for one in self._bearers.get(lead, ()) if one != linked]
        bearers = [one for one in others if await self._bearer(lead, one)]
        return judge_lead(self.newest.of(name, lead), seen, self._basis, tuple(bearers))

    async def _bearer(self, lead: str, ghl_id: str) -> dict[str, Any] | None:
        """The contact, if it carries a lead's id now: GHL's search is seconds behind."""
        seen = await self._read_bearer(lead, ghl_id)
        return seen.contact if seen is not None else None

    async def _read_bearer(self, lead: str, ghl_id: str, **how: bool) -> Observation | None:
        seen = await self.client.query(self.connection.name, "contact", lead=lead, ghl_id=ghl_id, **how)
        return seen if seen.contact is not None and bears(seen.contact, self._field_id, lead) else None

    async def _read_orphan(self, lead: str) -> tuple[Finding, ...]:
        """The finding about the contacts with the id of a lead that nobody knows; none if they have it no more."""
        read = [await self._read_bearer(lead, one, with_children=True) for one in self._bearers[lead]]
        found = [one for one in read if one is not None]
        return (judge_unknown(self.connection.name, lead, found, self._basis.rules),) if found else ()

    async def _read_all(self, leads: list[str]) -> dict[str, tuple[float, tuple[Finding, ...]]]:
        """Read each lead once, and count those that are right. Those that seem wrong are returned, with the time of reading."""
        done = 0
        suspicious: dict[str, tuple[float, tuple[Finding, ...]]] = {}

        async def read(lead: str) -> None:
            nonlocal done
            found = await self._try(lead, self._read_findings(lead))
            if any(one.is_wrong for one in found):
                suspicious[lead] = (time.monotonic(), found)
            else:
                self.report.add(found)
            done += 1
            self.progress(self.connection.name, "reading", done, len(leads))

        await work_through(leads, read, self.tasks)
        return suspicious

    async def _confirm(
        self, suspicious: dict[str, tuple[float, tuple[Finding, ...]]]
    ) -> dict[str, tuple[Finding, ...]]:
        """A finding is wrong when two reads in a row agree on it."""
        wrong: dict[str, tuple[Finding, ...]] = {}
        done = 0

        async def read(lead: str) -> None:
            nonlocal done
            at, before = suspicious[lead]
            for turn in range(2, MOST_READS + 1):
                await asyncio.sleep(max(0.0, at + self.timeouts.confirm - time.monotonic()))
                found = await self._try(lead, self._read_findings(lead))
                known = {(one.entity, one.state) for one in before}
                is_agreed = all((one.entity, one.state) in known for one in found if one.is_wrong)
                if is_agreed or turn == MOST_READS:
                    found = tuple(one if (one.entity, one.state) in known else _unsettled(one) for one in found)
                    break
                at, before = time.monotonic(), found
            if any(one.is_wrong for one in found):
                wrong[lead] = found
            else:
                self.report.add(found)
            done += 1
            self.progress(self.connection.name, "reading again", done, len(suspicious))

        await work_through(list(suspicious), read, self.tasks)
        return wrong

    async def _find_orphans(self, leads: set[str]) -> dict[str, tuple[Finding, ...]]:
        """The contacts that carry the id of an unknown lead, by that lead."""
        orphans: dict[str, tuple[Finding, ...]] = {}

        async def read(lead: str) -> None:
            if found := await self._try(lead, self._read_findings(lead)):
                orphans[lead] = found

        await work_through(
            [one for one in self._bearers if one not in leads and self._is_unknown(one)], read, self.tasks
        )
        return orphans

    def _is_unknown(self, lead: str) -> bool:
        """Whether no connection of the location has ever read this lead."""
        return not any(self.newest.knows(one, lead) for one in self.neighbours)

    # -- repairing ----------------------------------------------------------------------------------------

    async def _repair_all(self, wrong: dict[str, tuple[Finding, ...]]) -> None:
        """Repair what can be repaired; `wrong` then holds the findings of each lead after its repair."""
        lead_repair = LeadRepair(self.connection.name, self.client, self.newest, self.timeouts, self._read_findings)
        done = 0

        async def repair(lead: str) -> None:
            nonlocal done
            before = wrong[lead]
            found = await self._try(lead, lead_repair.repair(lead, before)) or before
            waits = {one.entity for one in found if one.state == "pending"} & {one.entity for one in before}
            is_so = {(one.entity, one.state) for one in found}
            self.report.mended += [
                one
                for one in before
                if one.is_wrong and one.entity not in waits and (one.entity, one.state) not in is_so
            ]
            self.report.unfinished += [
                f"{one.entity}: its repair has not reached GHL yet"
                for one in before
                if one.is_wrong and one.entity in waits
            ]
            wrong[lead] = found
            done += 1
            self.progress(self.connection.name, "repairing", done, len(wrong))

        await work_through(list(wrong), repair, self.tasks)

    async def _try(self, lead: str, reading: Coroutine[Any, Any, T]) -> T | tuple[()]:
        """A refused question does not stop the other leads; `MOST_REFUSALS` in a row end the run."""
        try:
            found = await reading
        except Refused as error:
            self._refused += 1
            if self._refused >= MOST_REFUSALS:
                raise
            self.report.unfinished.append(str(error))
            return ()
        self._refused = 0
        return found


def _unsettled(finding: Finding) -> Finding:
    """The finding for an entity that was wrong in one read only: it is changing."""
    if not finding.is_wrong:
        return finding
    return Finding(finding.entity, "pending", f"is changing ({finding.state} at the last read)")


def _causes(errors: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _causes(error)
        else:
            yield error
