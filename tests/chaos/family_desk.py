"""The agents of the family town: they edit people, who marry, move, merge, and give telephones and e-mails to each other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.lofty import agent_activity
from streams.messages import Entity
from tests.chaos.desk import Desk
from tests.chaos.history import Edit
from tests.chaos.town import FLAGS, Team, phone_of

FIRST_NEW = 500_000
"""Numbers of telephones that are new in a run."""


@dataclass(slots=True)
class FamilyDesk(Desk):
    """The agents of all teams. `done` counts what they did with identities."""

    _new: int = FIRST_NEW
    _carried: dict[int, set[tuple[str, int]]] | None = None
    """While the deployment has no memory: what hung on each lead, and in GHL on its contact, when it lost it."""
    _resting: list[tuple[int, int]] = field(default_factory=list)
    """The leads, each with its team, into which others were merged since, with all that hangs on them."""
    moved: int = 0
    """Notes, tasks and appointments that hang on another lead since a merge."""
    merged_unknown: int = 0
    """Leads that were merged while the deployment had no memory."""
    done: dict[str, int] = field(default_factory=dict)

    def move_in(self, town: list[Team]) -> None:
        """The people of the town are in Lofty before we come: nobody reports them."""
        for number, people in zip(self.teams, town, strict=True):
            team = self.lofty.teams[number]
            given = {"leads": people.leads}
            made = agent_activity.seed(self.lofty, team, given)["leads"]
            self._leads[number] = [one["leadId"] for one in made]
            for one in made:
                kinds = ("note", "task", "appointment")
                children = [(kind, child) for kind in kinds for child in one.get(f"{kind}s", ())]
                self._children[one["leadId"]] = children
                self._versions |= dict.fromkeys([one["leadId"], *(child for _, child in children)], 1)

    def edit_something(self) -> None:
        """Half of the edits are those of the other towns."""
        if self.random.random() < 0.6:
            Desk.edit_something(self)
            return
        team = self.random.choice(self.teams)
        lead = self.random.choice(self._leads[team])
        deeds = {
            "gives a telephone": 6,
            "gives an e-mail": 3,
            "a new e-mail": 4,
            "no e-mail": 2,
            "a second e-mail": 3,
            "a second telephone": 3,
            "a refused telephone": 2,
            "an opt-out": 2,
            "a merge": 2,
            "deleted": 1,
            "restored": 1,
            "a new address": 3,
            "a couple moves in": 1,
        }
        deed = self.random.choices(list(deeds), list(deeds.values()))[0]
        if self._do(deed, team, lead):
            self.done[deed] = self.done.get(deed, 0) + 1

    def forget(self) -> None:
        """The deployment loses its memory, and GHL has all that is in Lofty. Until it is back, a lead is merged only if something
        shows it: some of what hung on it, which is not edited meanwhile, and neither is the lead that stays.
        """
        self._carried = {lead: set(children) for lead, children in self._children.items()}

    def remember(self) -> None:
        """It has read everything again."""
        self._carried = None
        for team, lead in self._resting:
            self._leads[team].append(lead)
        self._resting.clear()

    def part_with_some(self) -> None:
        """One lead of each team is deleted, and one merged."""
        for team in self.teams:
            self._do("deleted", team, self.random.choice(self._leads[team]))
            if known := [lead for lead in self._leads[team] if self._may_merge(lead)]:
                self._do("a merge", team, self.random.choice(known))

    def _do(self, deed: str, team: int, lead: int) -> bool:
        fields = self.lofty.teams[team].records["lead"][lead].fields
        phones, emails = list(fields["phones"]), list(fields["emails"])
        self._new += 1
        new_email, new_phone = f"new{self._new}@example.com", phone_of(self._new)
        match deed:
            case "gives a telephone" if phones:
                self._write(team, self._other(team, lead), phones=phones[:1])
            case "gives an e-mail" if emails:
                self._write(team, self._other(team, lead), emails=emails[:1])
            case "a new e-mail":
                self._write(team, lead, emails=[new_email])
            case "no e-mail" if phones:
                self._write(team, lead, emails=[])
            case "a second e-mail":
                self._write(team, lead, emails=[*emails[:1], new_email])
            case "a second telephone":
                self._write(team, lead, phones=[*phones[:1], new_phone])
            case "a refused telephone":
                self._write(team, lead, phones=[f"(123) 555-{self._new % 10_000:04}"])
            case "an opt-out":
                self._write(team, lead, **{self.random.choice(FLAGS): True})
            case "a new address":
                self._write(team, lead, streetAddress=f"{self._new} Main St", city="Tampa")
            case "a couple moves in":
                phone = self._phone(team)
                for _ in range(2):
                    newcomer = self._new_lead(team)
                    self._leads[team].append(newcomer)
                    self._write(team, newcomer, phones=[phone])
            case "a merge" if len(self._leads[team]) > 8 and self._may_merge(lead):
                self._merge(team, lead, self._other(team, lead))
            case "deleted" if len(self._leads[team]) > 8:
                self._leads[team].remove(lead)
                self._trash.setdefault(team, []).append(lead)
                self._edit(team, "delete", "lead", id=lead)
            case "restored" if trash := self._trash.get(team):
                back = trash.pop(self.random.randrange(len(trash)))
                self._leads[team].append(back)
                self._restore(team, back)
            case _:
                return False
        return True

    def _write(self, team: int, lead: int, **fields: Any) -> None:
        self._edit(team, "update", "lead", id=lead, fields=fields)

    def _other(self, team: int, lead: int) -> int:
        return self.random.choice([one for one in self._leads[team] if one != lead])

    def _may_merge(self, lead: int) -> bool:
        return self._carried is None or not self._carried.get(lead, set()).isdisjoint(self._children.get(lead, ()))

    def _merge(self, team: int, absorbed: int, into: int) -> None:
        """What hangs on it moves along."""
        if self._carried is not None:
            self.merged_unknown += 1
            self._leads[team].remove(into)
            self._resting.append((team, into))
        self._edit(team, "merge", "lead", id=absorbed, into=into)
        self._leads[team].remove(absorbed)
        contact = Entity.contact(self.connection_of(team), str(absorbed))
        moved = self._children.pop(absorbed, [])
        gone = [contact, *(contact._replace(kind=kind, id=str(child)) for kind, child in moved)]  # type: ignore[arg-type]  # one of Lofty's kinds
        self.journal += [Edit(time.time(), one, 0) for one in gone]
        self._children.setdefault(into, []).extend(moved)
        self.moved += len(moved)
