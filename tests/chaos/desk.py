"""The edits of agents while everything breaks: seeded, and every edit contains a version number.

A version text such as `v000042` grows with each edit of one lead, note, task or appointment: by it the judge sees in GHL
whether something older ever came after something newer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connectors.lofty.times import to_iso
from connectors.sandbox.lofty import LoftySandbox
from connectors.sandbox.lofty import agent_activity as desk_work
from streams.messages import Entity
from tests.chaos.history import Edit
from tests.chaos.history.nothing_stale import STAMP
from tests.chaos.pipelines import STAGES
from tests.chaos.stage import PAIRS

TAGS = ("Buyer", "Seller", "Investor", "VIP", "Relocation")
TOWNS = ("Austin", "Dallas", "Denver", "Tampa")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MOST_LEADS = 60
"""Leads of a team: enough for many lanes, few enough that each is edited again and again."""


@dataclass(slots=True)
class Desk:
    """The agents of all teams. `edits` counts what they did."""

    lofty: LoftySandbox
    random: Random
    teams: list[int] = field(default_factory=lambda: [9000 + number for number in range(PAIRS)])
    """Those whose agents are at work."""
    unjudged: set[int] = field(default_factory=set)
    """Teams whose connection does not last until the end: their edits are not in the journal."""
    edits: int = 0
    journal: list[Edit] = field(default_factory=list)
    """Every edit with a version, and every deletion."""
    _versions: dict[int, int] = field(default_factory=dict)
    _leads: dict[int, list[int]] = field(default_factory=dict)
    _trash: dict[int, list[int]] = field(default_factory=dict)
    _children: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    async def work(self, per_second: float) -> None:
        """Edit until cancelled."""
        due = time.monotonic()
        while True:
            self.edit_something()
            due = max(due + self.random.expovariate(per_second), time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def edit_something(self) -> None:
        """One thing that an agent does; some are bursts."""
        team = self.random.choice(self.teams)
        leads = self._leads.setdefault(team, [])
        if len(leads) < 5 or (len(leads) < MOST_LEADS and self.random.random() < 0.12):
            leads.append(self._new_lead(team))
            return
        lead = self.random.choice(leads)
        children = self._children.setdefault(lead, [])
        match self.random.choices(
            (
                "edit",
                "burst",
                "phone",
                "toggle",
                "tags",
                "stage",
                "note",
                "task",
                "appointment",
                "child",
                "gone",
                "trash",
                "restore",
            ),
            (24, 6, 4, 8, 10, 8, 10, 8, 14, 24, 5, 1, 1),
        )[0]:
            case "edit":
                self._change_lead(team, lead)
            case "burst":
                for _ in range(self.random.randrange(3, 9)):
                    self._change_lead(team, lead)
            case "phone":
                phones = [self._phone(team)] if self.random.random() < 0.8 else []
                self._edit(team, "update", "lead", id=lead, fields={"phones": phones})
            case "toggle":  # there and back: who forgets what was on its way sees no difference
                for town in self.random.sample(TOWNS, 2):
                    self._edit(team, "update", "lead", id=lead, fields={"city": town, "streetAddress": "1 Main St"})
            case "tags":
                tags = self.random.sample(TAGS, self.random.randrange(4))
                self._edit(team, "update", "lead", id=lead, fields={"tags": tags})
            case "stage":
                self._edit(team, "update", "lead", id=lead, fields={"stage": self.random.choice(STAGES)})
            case "note" | "task" | "appointment" as new:
                children.append((new, self._new_child(team, lead, new)))
            case "child" if children:
                kind, child = self.random.choice(children)
                self._change_child(team, kind, child)
            case "gone" if children:
                kind, child = children.pop(self.random.randrange(len(children)))
                self._edit(team, "delete", kind, id=child)
            case "trash" if len(leads) > 8:
                leads.remove(lead)
                self._trash.setdefault(team, []).append(lead)
                self._edit(team, "delete", "lead", id=lead)
            case "restore" if trash := self._trash.get(team):
                lead = trash.pop(self.random.randrange(len(trash)))
                leads.append(lead)
                self._restore(team, lead)

    def touch(self, entities: Iterable[Entity], team_of: Callable[[str], int]) -> None:
        """One more edit of each entity that still lives: what is parked is tried again when it changes."""
        for one in entities:
            team, number = team_of(one.connection), int(one.id)
            record = self.lofty.teams[team].find("lead" if one.kind == "contact" else one.kind, number)
            if record is None or record.is_deleted:
                continue
            if one.kind == "contact":
                self._change_lead(team, number)
            else:
                self._change_child(team, one.kind, number)

    def edit_again(self, team: int, lead: int) -> None:
        """One more edit of a lead that lives, and of each thing that hangs on it."""
        if lead not in self._leads.get(team, ()):
            return
        self._change_lead(team, lead)
        for kind, child in self._children.get(lead, ()):
            self._change_child(team, kind, child)

    def leads(self, team: int) -> list[int]:
        """Those that live."""
        return list(self._leads.get(team, ()))

    def _new_lead(self, team: int) -> int:
        number = self.random.randrange(10**9)
        name = f"Ada{number}"
        person: dict[str, Any] = {"firstName": name, "lastName": f"v000001 {name}"}
        if self.random.random() < 0.8:  # the others have no e-mail, and mostly no phone
            person["emails"] = [f"ada.{team}.{number}@example.com"]
        if self.random.random() < 0.4:
            person["phones"] = [self._phone(team)]
        lead = self._edit(team, "create", "lead", fields=person)
        self._versions[lead] = 1
        return lead

    def _phone(self, team: int) -> str:
        """A new telephone, or that of a lead that lives: a couple has one."""
        others = [self.lofty.teams[team].records["lead"][one].fields.get("phones") for one in self.leads(team)]
        known = sorted({phones[0] for phones in others if phones})
        if known and self.random.random() < 0.5:
            return str(self.random.choice(known))
        return f"(530) 555-{self.random.randrange(10_000):04}"

    def _restore(self, team: int, lead: int) -> None:
        """Out of the trash, with an edit of everything.

        What Lofty's webhooks say of a restored lead is not known. Were its children not edited, those that were read while it
        lay in the trash would count as deleted until the next full sweep, and none runs here.
        """
        self.lofty.teams[team].records["lead"][lead].is_deleted = False
        self._change_lead(team, lead)
        for kind, child in self._children.get(lead, ()):
            self._change_child(team, kind, child)

    def _change_lead(self, team: int, lead: int) -> None:
        name = self.lofty.teams[team].records["lead"][lead].fields["firstName"]
        self._edit(team, "update", "lead", id=lead, fields={"lastName": f"{self._next(lead)} {name}"})

    def _new_child(self, team: int, lead: int, kind: str) -> int:
        fields: dict[str, Any] = {"descr" if kind == "appointment" else "content": "v000001 of it"}
        now_ms = time.time_ns() // 1_000_000
        if kind == "task":
            fields |= {"type": "Call", "endAt": to_iso(now_ms + DAY_MS), "assignedRole": "Agent"}
        if kind == "appointment":
            # Without a begin it has no place in a calendar.
            fields |= (
                {"deadline": now_ms + DAY_MS, "endTime": now_ms + DAY_MS + HOUR_MS}
                if self.random.random() < 0.8
                else {}
            )
        child = self._edit(team, "create", kind, leadId=lead, fields=fields)
        self._versions[child] = 1
        return child

    def _change_child(self, team: int, kind: str, child: int) -> None:
        if kind != "note" and self.random.random() < 0.2:
            self._edit(team, self.random.choice(("finish", "unfinish")), kind, id=child)
        fields: dict[str, Any] = {"descr" if kind == "appointment" else "content": f"{self._next(child)} of it"}
        begin = self.lofty.teams[team].records[kind][child].fields.get("deadline") if kind == "appointment" else None
        if begin and self.random.random() < 0.3:
            begin += self.random.randrange(-12, 72) * HOUR_MS
            fields |= {"deadline": begin, "endTime": begin + HOUR_MS}
        self._edit(team, "update", kind, id=child, fields=fields)

    def _next(self, entity: int) -> str:
        self._versions[entity] = self._versions.get(entity, 1) + 1
        return f"v{self._versions[entity]:06}"

    def _edit(self, team: int, edit: str, kind: str, **what: Any) -> int:
        self.edits += 1
        record = desk_work.edit(self.lofty, self.lofty.teams[team], {"edit": edit, "kind": kind, **what})
        stamps = [int(one) for text in what.get("fields", {}).values() for one in STAMP.findall(str(text)[:100])]
        if (stamps or edit == "delete") and team not in self.unjudged:
            entity = Entity(
                self.connection_of(team),
                str(record.lead_id),
                "contact" if kind == "lead" else kind,  # type: ignore[arg-type]  # one of Lofty's kinds
                str(record.id),
            )
            self.journal.append(Edit(time.time(), entity, max(stamps, default=0)))
        return int(record.id)

    def connection_of(self, team: int) -> str:
        """The name of the connection that carries a team."""
        return f"pair{team - 9000}"
