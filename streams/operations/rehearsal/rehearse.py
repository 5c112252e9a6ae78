"""Rehearses the import of one connection: reads both sides through the workers, and decides each lead in memory.

It asks the workers for reads only (`worker_queries/vendor_reads.py`), so it takes what is free of the limits, also while the
connection is paused. Nothing is written at a vendor, and nothing to our tables.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from streams.core.agents_by_name import with_agent
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.rules import rules_of
from streams.core.to_ghl.simulated_import import SimulatedImport, SimulatedLead
from streams.mapping_versions.store import settings_now
from streams.messages.inspection import TOO_LARGE
from streams.operations.rehearsal.encounters import Encounters, new_tags
from streams.operations.rehearsal.report import LeadSides, NewField, RehearsalReport, effort_of
from streams.operations.rehearsal.side_by_side import sides_of, worth_showing
from streams.operations.worker_queries.client import Timeouts
from streams.operations.worker_queries.errors import CannotFinish, Refused
from streams.operations.worker_queries.vendor_reads import TIMEOUTS, ReadLocation, VendorReader
from streams.settings import Connection, Settings

Progress = Callable[[str, int, int], None]
"""Called with the activity, how many are done, and how many there are; 0 while that is not known."""

MOST_LISTED = 100
"""Encounters that are listed of each sort; the others are counted."""
MOST_NAMED = 50
"""Contacts that are read once more for the name as it is written."""
MOST_REASONS = 50
CHILDREN_OF = 10
"""So many leads are asked for their notes, tasks and appointments, to estimate the effort."""
YIELD_LEADS = 50


async def rehearse(
    settings: Settings,
    connection: str,
    *,
    sample: int | None = None,
    progress: Progress = lambda *_: None,
    timeouts: Timeouts = TIMEOUTS,
    without_credentials: bool = False,
) -> RehearsalReport:
    """Rehearse one connection on all leads, or on the oldest `sample` of them.

    `without_credentials`: this process cannot open pasted credentials, so it cannot know which connections lack one.
    Raises `CannotFinish`, and aiokafka's errors when Kafka cannot be reached.
    """
    settings = await settings_now(settings, with_incomplete=without_credentials)
    chosen = settings.connections.get(connection)
    if chosen is None:
        raise CannotFinish(f"there is no connection {connection!r}")
    async with VendorReader(settings, chosen, timeouts) as reader:
        return await _Rehearsal(settings, chosen, reader, sample, progress).run()


@dataclass(slots=True)
class _Rehearsal:
    settings: Settings
    connection: Connection
    reader: VendorReader
    sample: int | None
    progress: Progress
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    simulated: list[SimulatedLead] = field(default_factory=list)
    too_large: int = 0
    unreadable: int = 0
    total: int | None = None

    async def run(self) -> RehearsalReport:
        """Read, decide, and look more closely at some leads."""
        location = await self.reader.location()
        neighbours = self._neighbours()
        simulation = SimulatedImport(
            self.connection.name,
            rules_of(self.connection),
            location.directory,
            self.states.keys(),
            makes_fields=self.connection.policies.create_custom_fields,
            # In a sample, or beside another connection, a lead that was not read may be alive.
            may_live=lambda _: self.sample is not None or bool(neighbours),
        )
        contacts, _ = await asyncio.gather(self._read_contacts(simulation), self._read_leads())
        encounters = Encounters(simulation.contacts)
        await self._decide(simulation, encounters)
        (children, sampled), sides, _ = await asyncio.gather(
            self._children(), self._sides(location.directory), self._read_names(simulation, encounters)
        )
        return self._report(location, simulation, encounters, contacts, children, sampled, sides, neighbours)

    def _neighbours(self) -> list[str]:
        """Other connections of the same location: their leads are not read here."""
        own = self.connection
        return [
            one.name
            for one in self.settings.connections.values()
            if one.ghl_budget == own.ghl_budget and one.name != own.name
        ]

    async def _read_leads(self) -> None:
        agents = await self.reader.agents()
        read = 0
        async for page in self.reader.leads(self.sample):
            self.total = page.total
            self.unreadable += page.unreadable
            for lead in page.leads:
                if TOO_LARGE in lead:
                    self.too_large += 1
                elif str(lead.get("leadId") or "").isdigit():
                    self.states.setdefault(str(lead["leadId"]), with_agent(lead, agents.agent(lead)))
                else:
                    self.unreadable += 1
            read += len(page.leads) + page.unreadable
            self.progress("leads", read, min(filter(None, (self.total, self.sample)), default=0))

    async def _read_contacts(self, simulation: SimulatedImport) -> int:
        read = 0
        async for page in self.reader.contacts():
            simulation.add_contacts(page.rows)
            read += len(page.rows)
            self.progress("contacts", read, page.total or 0)
        return read

    async def _decide(self, simulation: SimulatedImport, encounters: Encounters) -> None:
        for number, state in enumerate(self.states.values(), 1):
            lead = simulation.simulate(state, _now_ms())
            self.simulated.append(lead)
            encounters.add(state, lead)
            if number % YIELD_LEADS == 0:
                self.progress("deciding", number, len(self.states))
                await asyncio.sleep(0)

    async def _read_names(self, simulation: SimulatedImport, encounters: Encounters) -> None:
        """Read whom the encounters name: the search shows names in lower case."""
        seen = (*encounters.conflicts(), *encounters.alike())
        ids = list(dict.fromkeys(one.other_contact for one in seen if one.other_contact))[:MOST_NAMED]
        for contact in await asyncio.gather(*map(self.reader.contact, ids)):
            if contact is not None:
                simulation.contacts[str(contact["id"])] = contact

    async def _children(self) -> tuple[int, int]:
        """How many notes, tasks and appointments there are in all, by those of some leads; and how many leads that were."""
        names = list(self.states)
        some = names[:: max(1, len(names) // CHILDREN_OF)][:CHILDREN_OF]
        answers = await asyncio.gather(*map(self.reader.children, some), return_exceptions=True)
        if failed := [one for one in answers if isinstance(one, BaseException) and not isinstance(one, Refused)]:
            raise failed[0]
        found = [one for one in answers if isinstance(one, int)]
        return (round(sum(found) / len(found) * len(names)) if found else 0), len(found)

    async def _sides(self, directory: Directory) -> tuple[LeadSides, ...]:
        self.progress("examples", 0, 0)

        async def side(lead: SimulatedLead) -> LeadSides:
            is_there = lead.became == "matching" and lead.link is not None
            contact = await self.reader.contact(lead.contact_id) if is_there else None
            return sides_of(self.connection, self.states[lead.lead], lead, directory, contact, _now_ms())

        return tuple(await asyncio.gather(*map(side, worth_showing(self.simulated))))

    def _report(
        self,
        location: ReadLocation,
        simulation: SimulatedImport,
        encounters: Encounters,
        contacts: int,
        children: int,
        sampled: int,
        sides: tuple[LeadSides, ...],
        neighbours: list[str],
    ) -> RehearsalReport:
        became = Counter(one.became for one in self.simulated)
        matching = [one for one in self.simulated if one.became == "matching"]
        refused = Counter(one.by for one in self.simulated if one.became == "refused")
        refused += Counter({"too large": self.too_large, "unreadable": self.unreadable})
        conflicts, alike = list(encounters.conflicts()), list(encounters.alike())
        tags = {tag for one in self.simulated if one.became not in ("shared", "refused") for tag in one.tags}
        requests = sum(one.requests for one in self.simulated) + len(simulation.new_fields)
        return RehearsalReport(
            connection=self.connection.name,
            location=location.name,
            location_id=self.connection.ghl.location_id,
            leads=len(self.states) + self.too_large + self.unreadable,
            total=self.total,
            contacts=contacts,
            new=became["new"],
            matching=dict(Counter(one.by for one in matching)),
            shared=became["shared"],
            conflicting=became["conflicting"],
            refused=dict(refused),
            unchanged=sum(one.writes == 0 for one in matching),
            sides=sides,
            conflicts=tuple(conflicts[:MOST_LISTED]),
            alike=tuple(alike[:MOST_LISTED]),
            unlisted=max(0, len(conflicts) - MOST_LISTED) + max(0, len(alike) - MOST_LISTED),
            new_fields=tuple(NewField(name, kind) for name, kind in sorted(simulation.new_fields.items())),
            new_tags=new_tags(tags, simulation.contacts.values()),
            left_out=_counted(one.left_out for one in self.simulated),
            unreadable=_counted(one.unreadable for one in self.simulated),
            effort=effort_of(self.connection, len(self.states), requests, children, sampled),
            read=dict(self.reader.requests),
            remarks=(*location.remarks, *self._remarks(neighbours)),
        )

    def _remarks(self, neighbours: list[str]) -> list[str]:
        found = []
        if self.sample is not None and self.total is not None and self.total > self.sample:
            found.append(f"only the oldest {len(self.states)} of {self.total} leads were read")
        if neighbours:
            others = "another connection" if len(neighbours) == 1 else f"{len(neighbours)} other connections"
            found.append(f"the location is also that of {others}: which contacts are those of its leads was not read")
        return found


def _counted(words: Iterable[tuple[str, ...]]) -> dict[str, int]:
    counts = Counter(word for some in words for word in some)
    return dict(counts.most_common(MOST_REASONS))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
