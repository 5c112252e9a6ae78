"""Verifies one connection: every lead is looked at, what seems wrong is looked at again, and mended if that was asked for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.planning import Rules
from streams.mapping import LEAD_ID_FIELD
from streams.messages import Entity
from streams.operations.verify.findings import Finding
from streams.operations.verify.judge_lead import Basis, bears, judge_lead
from streams.operations.verify.latest_snapshots import LatestSnapshots
from streams.operations.verify.repair import Repairing
from streams.operations.verify.report import ConnectionReport
from streams.operations.verify.task_pool import work_through
from streams.operations.worker_queries.client import Patience, WorkerQueryClient
from streams.operations.worker_queries.errors import CannotFinish, Refused
from streams.settings import Connection

T = TypeVar("T")

Progress = Callable[[str, str, int, int], None]
"""Is told a connection, what is being done, how many are done and of how many."""

MOST_LOOKS = 3
"""How often something is looked at before it is said to change too often to be judged."""

MOST_REFUSALS = 20
"""So many questions refused one after the other: the token or a scope is wrong, not a lead."""


@dataclass(slots=True)
class Verifying:
    """One connection of one run. `neighbours` are the connections of the same location, this one among them."""

    connection: Connection
    neighbours: tuple[str, ...]
    asker: WorkerQueryClient
    newest: LatestSnapshots
    patience: Patience
    clock: Callable[[], float]
    progress: Progress
    tasks: int
    report: ConnectionReport
    _basis: Basis = field(init=False)
    _field_id: str | None = field(init=False, default=None)
    _bearers: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)
    _refused: int = field(init=False, default=0)

    async def run(self, lead: str = "", *, repair: bool = False) -> None:
        """Verify all leads, or one. What stopped it, if anything, is in the report."""
        try:
            await self._until_stopped(lead, repair)
        except asyncio.CancelledError:
            self.report.unfinished.append(f"connection {self.connection.name}: time was up before all was looked at")
            raise
        finally:
            self.report.requests = self.asker.requests[self.connection.name]

    async def _until_stopped(self, lead: str, repair: bool) -> None:
        try:
            await self._run(lead, repair)
        except* CannotFinish as errors:
            self.report.unfinished += sorted({str(error) for error in _causes(errors)})
        except* KafkaError as errors:
            self.report.unfinished += sorted({f"Kafka: {error or type(error).__name__}" for error in _causes(errors)})

    async def _run(self, lead: str, repair: bool) -> None:
        name = self.connection.name
        told = await self.asker.ask(name, "directory")
        directory = Directory(told.custom_fields, told.users, frozenset(told.calendar_team))
        self._field_id = directory.custom_field_id(LEAD_ID_FIELD)
        policies = self.connection.policies
        rules = Rules(
            self.connection.mapping,
            self.connection.region,
            policies.lead_deleted,
            policies.lead_deleted_tag,
            calendar=self.connection.appointments.calendar,
        )
        self._basis = Basis(
            rules,
            directory,
            policies.contact_deleted_in_ghl == "leave",
            lambda other: any(self.newest.is_lead(one, other) for one in self.neighbours),
        )
        self._bearers = await self._scan(lead)
        leads = [one for one in self.newest.leads(name) if not lead or one == lead]
        self.report.leads = len(leads)
        suspicious = await self._look_at_all(leads)
        wrong = await self._look_again(suspicious)
        await self._look_for_orphans(set(leads))
        try:
            if repair:
                await self._mend_all(wrong)
        finally:
            for found in wrong.values():
                self.report.add(found)

    # -- looking ------------------------------------------------------------------------------------------

    async def _scan(self, lead: str) -> dict[str, tuple[str, ...]]:
        """The contacts of the location by the Lofty id that they bear."""
        found: dict[str, tuple[str, ...]] = defaultdict(tuple)
        if self._field_id is None:
            self.report.remarks.append(
                f"the location has no custom field {LEAD_ID_FIELD!r}: twins and orphans among contacts cannot be found"
            )
            return found
        after, seen = None, 0
        while True:
            page = await self.asker.ask(
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

    async def _look(self, lead: str) -> tuple[Finding, ...]:
        """What is so of one lead, as of now."""
        name = self.connection.name
        keys = tuple(self.newest.of(name, lead))
        seen = await self.asker.ask(name, "contact", lead=lead, entities=keys)
        standing = seen.standings.get(Entity.contact(name, lead).key)
        linked = standing.ghl_id if standing else None
        others = [one for one in self._bearers.get(lead, ()) if one != linked]
        bearers = [one for one in others if await self._bears(lead, one)]
        return judge_lead(self.newest.of(name, lead), seen, self._basis, tuple(bearers))

    async def _bears(self, lead: str, ghl_id: str) -> bool:
        """Whether a contact bears a lead's id now: the search is seconds behind."""
        seen = await self.asker.ask(self.connection.name, "contact", lead=lead, ghl_id=ghl_id)
        return seen.contact is not None and bears(seen.contact, self._field_id, lead)

    async def _look_at_all(self, leads: list[str]) -> dict[str, tuple[float, tuple[Finding, ...]]]:
        """The first look. What is right is counted; what seems wrong is returned, with when it was seen."""
        done = 0
        suspicious: dict[str, tuple[float, tuple[Finding, ...]]] = {}

        async def look(lead: str) -> None:
            nonlocal done
            found = await self._try(lead, self._look(lead))
            if any(one.is_wrong for one in found):
                suspicious[lead] = (self.clock(), found)
            else:
                self.report.add(found)
            done += 1
            self.progress(self.connection.name, "reading", done, len(leads))

        await work_through(leads, look, self.tasks)
        return suspicious

    async def _look_again(
        self, suspicious: dict[str, tuple[float, tuple[Finding, ...]]]
    ) -> dict[str, tuple[Finding, ...]]:
        """What is wrong in two looks running is wrong."""
        wrong: dict[str, tuple[Finding, ...]] = {}
        done = 0

        async def look(lead: str) -> None:
            nonlocal done
            at, before = suspicious[lead]
            for turn in range(2, MOST_LOOKS + 1):
                await asyncio.sleep(max(0.0, at + self.patience.confirm - self.clock()))
                found = await self._try(lead, self._look(lead))
                known = {(one.entity, one.state) for one in before}
                is_agreed = all((one.entity, one.state) in known for one in found if one.is_wrong)
                if is_agreed or turn == MOST_LOOKS:
                    found = tuple(one if (one.entity, one.state) in known else _unsettled(one) for one in found)
                    break
                at, before = self.clock(), found
            if any(one.is_wrong for one in found):
                wrong[lead] = found
            else:
                self.report.add(found)
            done += 1
            self.progress(self.connection.name, "looking again", done, len(suspicious))

        await work_through(list(suspicious), look, self.tasks)
        return wrong

    async def _look_for_orphans(self, leads: set[str]) -> None:
        """Contacts that bear the id of a lead that nobody knows."""
        strangers = [
            lead
            for lead in self._bearers
            if lead not in leads and not any(self.newest.knows(one, lead) for one in self.neighbours)
        ]

        async def look(lead: str) -> None:
            for ghl_id in self._bearers[lead]:
                if await self._try(lead, self._bears(lead, ghl_id)):
                    self.report.add([_orphan(self.connection.name, lead, ghl_id)])

        await work_through(strangers, look, self.tasks)

    # -- mending ------------------------------------------------------------------------------------------

    async def _mend_all(self, wrong: dict[str, tuple[Finding, ...]]) -> None:
        """Mend what can be mended; `wrong` then holds what is so afterwards of each lead."""
        repairing = Repairing(self.connection.name, self.asker, self.newest, self.patience, self.clock, self._look)
        done = 0

        async def mend(lead: str) -> None:
            nonlocal done
            before = wrong[lead]
            found = await self._try(lead, repairing.mend(lead, before)) or before
            waits = {one.entity for one in found if one.state == "pending"} & {one.entity for one in before}
            is_so = {(one.entity, one.state) for one in found}
            self.report.mended += [
                one
                for one in before
                if one.is_wrong and one.entity not in waits and (one.entity, one.state) not in is_so
            ]
            self.report.unfinished += [
                f"{one.entity}: its repair is still on its way"
                for one in before
                if one.is_wrong and one.entity in waits
            ]
            wrong[lead] = found
            done += 1
            self.progress(self.connection.name, "mending", done, len(wrong))

        await work_through(list(wrong), mend, self.tasks)

    async def _try(self, lead: str, looking: Coroutine[Any, Any, T]) -> T | tuple[()]:
        """What GHL refuses to tell of one lead stops no other; when it refuses all, it is asked no more."""
        try:
            found = await looking
        except Refused as error:
            self._refused += 1
            if self._refused >= MOST_REFUSALS:
                raise
            self.report.unfinished.append(str(error))
            return ()
        self._refused = 0
        return found


def _unsettled(finding: Finding) -> Finding:
    """Wrong in one look and not in the other: something is moving."""
    if not finding.is_wrong:
        return finding
    return Finding(finding.entity, "pending", f"changes while it is looked at ({finding.state} just now)")


def _orphan(connection: str, lead: str, ghl_id: str) -> Finding:
    return Finding(
        Entity.contact(connection, lead).key,
        "orphaned",
        "bears the id of a lead that nothing is known of",
        ghl_ids=(ghl_id,),
        advice="if the lead is in Lofty, ask for it with a replay; else the contact is left over from another time",
    )


def _causes(errors: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _causes(error)
        else:
            yield error
