"""The judge against chance: whatever honest workers live through holds, and one fault anywhere in it is caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from connectors.sandbox.shared.faults import SandboxFault
from tests.chaos.history import History, judge
from tests.chaos.history_builder import Town
from tests.chaos.history_clockwork import sleep
from tests.chaos.history_planting import NoPlace
from tests.chaos.history_plants import PLANTS, Plant

Step = tuple[str, int, int]
"""What happens, to which lead (or child), and how long it then takes to the next step, in tenths of a second."""

DEEDS = ("lead", "edit", "burst", "tags", "note", "task", "appointment", "change", "delete", "trash", "kill")
TROUBLES = {
    "lost answers": SandboxFault("drop_after_apply", times=2),
    "lost creates": SandboxFault("drop_after_apply", operation="create-*", times=2),
    "lost requests": SandboxFault("drop_before_apply", times=2),
    "errors, applied": SandboxFault("status", status=502, applies=True, times=2),
    "errors": SandboxFault("status", status=503, times=3),
    "429s": SandboxFault("status", status=429, times=3),
}
BEGIN_MS = 1_800_000_000_000
"""When most appointments begin. The others say no time, and have no place in a calendar."""
STEPS = st.lists(
    st.tuples(st.sampled_from((*DEEDS, *TROUBLES)), st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=25
)
WORK: list[Step] = [
    ("lead", 0, 1), ("note", 0, 0), ("task", 1, 9), ("lost answers", 0, 0), ("edit", 0, 1), ("edit", 1, 1), ("kill", 0, 9),
    ("change", 0, 3), ("tags", 1, 3), ("appointment", 0, 9), ("delete", 0, 9), ("burst", 1, 12), ("trash", 1, 12),
]  # fmt: skip


class Agents:
    """They do what a script says: to two leads at first, each edit with its version."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._leads: list[tuple[str, int]] = []
        self._children: list[tuple[str, str, int]] = []
        self._versions: Counter[int] = Counter()
        self._made = 0

    async def follow(self, script: Sequence[Step]) -> None:
        """One step after another."""
        began = self._town.clockwork.now
        self._town.stray()
        for number, step in enumerate([("lead", 0, 5), ("lead", 0, 5), *script]):
            if number == 2:
                self._town.outage(began)
            what, which, tenths = step
            if what in TROUBLES:
                self._town.vendors.ghl.faults.add(TROUBLES[what])
            elif what == "kill":
                self._town.kill(which / 50)
            else:
                self._do(what, which)
            await sleep(tenths / 10)
        if not script:
            self._town.outage(began)

    def _do(self, what: str, which: int) -> None:
        match what:
            case "lead":
                self._made += 1
                connection = ("east", "west")[self._made % 2]
                emails = [f"ada{self._made}@example.com"] if self._made % 3 else []
                stage = ("Showing", "Closed", "Nurture")[self._made // 2 % 3]
                fields = {"firstName": "Ada", "lastName": "v000001", "emails": emails, "stage": stage}
                self._leads.append((connection, self._edit(connection, "create", "lead", fields=fields)))
            case "edit" | "burst" | "tags" if self._leads:
                connection, lead = self._leads[which % len(self._leads)]
                for _ in range(3 if what == "burst" else 1):
                    tags = {"tags": ["Buyer", "VIP", "Seller"][: which % 4]} if what == "tags" else {}
                    stage = {"stage": ("Showing", "Closed", "Nurture")[which % 3]} if what == "burst" else {}
                    city = ("Austin", "Dallas")[which % 2]
                    fields = {"lastName": self._next(lead), "city": city, **tags, **stage}
                    self._edit(connection, "update", "lead", id=lead, fields=fields)
            case "note" | "task" | "appointment" if self._leads:
                connection, lead = self._leads[which % len(self._leads)]
                begin = {"deadline": BEGIN_MS} if what == "appointment" and which % 3 else {}
                fields = {_text(what): "v000001 of it", **begin}
                child = self._edit(connection, "create", what, leadId=lead, fields=fields)
                self._children.append((connection, what, child))
            case "change" if self._children:
                connection, kind, child = self._children[which % len(self._children)]
                self._edit(connection, "update", kind, id=child, fields={_text(kind): f"{self._next(child)} of it"})
            case "delete" if self._children:
                connection, kind, child = self._children.pop(which % len(self._children))
                self._edit(connection, "delete", kind, id=child)
            case "trash" if len(self._leads) > 1:
                connection, lead = self._leads.pop(which % len(self._leads))
                self._edit(connection, "delete", "lead", id=lead)

    def _edit(self, connection: str, edit: str, kind: str, **what: Any) -> int:
        return self._town.edit(connection, edit=edit, kind=kind, **what)

    def _next(self, record: int) -> str:
        self._versions[record] += 1
        return f"v{self._versions[record] + 1:06}"


def _text(kind: str) -> str:
    return "descr" if kind == "appointment" else "content"


def lived(script: Sequence[Step]) -> History:
    """The history of a town in which this happened, once it has come to rest."""
    town = Town()
    town.clockwork.resume("agents", Agents(town).follow(script))
    return town.history()


@given(STEPS)
@example(WORK)
def test_honest_histories_hold(script: list[Step]) -> None:
    """Kills, lost requests and answers, errors and refusals violate nothing, in whatever order they come."""
    verdict = judge(lived(script))
    assert verdict.holds, verdict.report()


@given(STEPS, st.sampled_from(PLANTS), st.data())
def test_one_planted_fault_is_caught(script: list[Step], plant: Plant, data: st.DataObject) -> None:
    """Whatever the history, wherever the fault."""
    try:
        planted = plant.plant(lived(script), lambda those: those[data.draw(st.integers(0, len(those) - 1))])
    except NoPlace:
        assume(False)
    verdict = judge(planted)
    assert plant.number in verdict.violated, verdict.report()
