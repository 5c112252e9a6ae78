"""Vendors whose answers are no good: mangled in every way that the sandboxes know, for a while."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import get_args

from connectors.sandbox.shared.faults import FaultBox, SandboxFault
from connectors.sandbox.shared.mangle import How
from tests.chaos.desk import Desk
from tests.chaos.stage import Stage
from tests.deadlines import within

TIMES = 3
"""How often an answer is mangled in each way."""
MANGLE_SECONDS = 40.0
LOOK_SECONDS = 0.2

IN_A_NAME: frozenset[How] = frozenset({"surrogate", "control", "bytes", "number", "deep"})
"""These need a text to replace: the first name, which all leads have."""
NAME = "Ada"


@dataclass(slots=True)
class Answers:
    """`load` are the agents, who edit once more what was read wrongly: a vendor that lies is believed until then."""

    stage: Stage
    load: Desk
    random: Random

    async def mangle(self) -> dict[str, int]:
        """Both vendors, each way some times. Returns how often each was done."""
        boxes: dict[str, FaultBox] = {"ghl": self.stage.ghl.faults, "lofty": self.stage.lofty.faults}
        read_before = self.stage.lofty.ledger.after()[-1:]
        given: dict[str, list[SandboxFault]] = {}
        for vendor, box in boxes.items():
            faults = [_fault(vendor, how) for how in get_args(How)]
            self.random.shuffle(faults)
            given[vendor] = faults
            box.faults[:0] = faults
        deadline = time.monotonic() + within(MANGLE_SECONDS)
        while time.monotonic() < deadline and any(_left(box) for box in boxes.values()):
            await asyncio.sleep(LOOK_SECONDS)
        seen: dict[str, int] = {}
        for vendor, box in boxes.items():
            left = {one.how: one.times or 0 for one in box.faults if one.kind == "mangle"}
            seen |= {f"{vendor}: {one.how}": TIMES - left.get(one.how, 0) for one in given[vendor]}
            box.faults[:] = [one for one in box.faults if one.kind != "mangle"]
        self._edit_again(read_before[0].seq if read_before else 0)
        return seen

    def _edit_again(self, after: int) -> None:
        """Each lead of which something was read wrongly is edited, with all that hangs on it."""
        for entry in self.stage.lofty.ledger.after(after):
            if entry.fault == "mangle":
                team = self.stage.lofty.teams[int(entry.budget)]
                for one in (entry.entity, entry.parent):
                    record = team.find("lead", int(one)) if one else None
                    if record is not None and not record.is_deleted:
                        self.load.edit_again(team.id, record.id)


def _fault(vendor: str, how: How) -> SandboxFault:
    """Rare enough that all ways come in turns."""
    if how not in IN_A_NAME:
        return SandboxFault("mangle", how=how, times=TIMES, probability=0.1)
    operation = "get-lead" if vendor == "lofty" else "*contact*"
    return SandboxFault("mangle", operation=operation, how=how, text=NAME, times=TIMES, probability=0.2)


def _left(box: FaultBox) -> bool:
    return any(one.kind == "mangle" for one in box.faults)
