"""What hangs on the contact of an unknown lead is read, a request at a time, before Lofty is asked about the lead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import Unanswered
from streams.core.scheduling.dispatcher import Item, Verdict
from streams.messages import Entity
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.inspection_reads import InspectionReads
from streams.worker.dispatch.loop import AGAIN, DONE
from streams.worker.dispatch.repair import NotRepaired
from streams.worker.dispatch.unknown_contacts import MOST_FAILURES, UnknownContacts
from tests.unit.streams.worker.dispatch.stage import Scripted, TakenSlot, answer
from tests.unit.streams.worker.dispatch.writer_stage import WriterStage

BEN = Entity.contact("acme", "2")
NOTES = answer(200, {"notes": [{"id": "n-1", "body": "said<br>[lofty-note:5]"}]})
TASKS = answer(200, {"tasks": [{"id": "t-1", "body": "call<br>[lofty-task:6]"}]})
LINES = ["GET /contacts/c-old/notes", "GET /contacts/c-old/tasks"]


class Desk(WriterStage):
    """`offered` is what was given to the dispatcher, `told` what was read."""

    def __init__(self, *script: Scripted) -> None:
        super().__init__(*script)
        self.offered: list[Item] = []
        self.told: list[tuple[str, ...] | None] = []
        loop: Any = SimpleNamespace(offer_item=self.offered.append, failures=FailureJudge(self.pause))
        self.contacts = UnknownContacts(loop, self.writer.locations, InspectionReads(self.links, self.outbox))

    def read(self) -> bool:
        """Begin."""
        return self.contacts.read(self.writer.locations["acme"], BEN, "c-old", self.then)

    async def then(self, hanging: tuple[str, ...] | None) -> None:
        """What follows: here the lead is known meanwhile."""
        self.told.append(hanging)
        raise NotRepaired("known")

    async def turn(self) -> Any:
        """One request."""
        return await self.contacts(self.offered[0], TakenSlot())


async def test_notes_and_tasks_are_read_in_the_leads_lane_and_then_it_goes_on() -> None:
    """Each contact once at a time; it is no error that the lead is known meanwhile."""
    on = Desk(NOTES, TASKS)
    assert [on.read(), on.read()] == [True, False]
    assert [await on.turn(), await on.turn(), await on.turn()] == [AGAIN, DONE, DONE]
    assert (on.ghl.lines, on.told, on.read()) == (LINES, [("note:5", "task:6")], True)
    assert [(one.lane, one.tenant) for one in on.offered[:1]] == [(BEN.lane, "acme")]
    assert all(on.contacts.handles(one) for one in on.offered)


async def test_of_a_contact_that_is_gone_nothing_hangs() -> None:
    """Lofty is asked about the lead all the same: it may have been deleted."""
    on = Desk(answer(400, {"message": "Contact not found for id: c-old"}))
    on.read()
    assert (await on.turn(), on.told) == (DONE, [()])


@pytest.mark.parametrize("failures", [1, MOST_FAILURES])
async def test_a_failure_is_tried_again_some_times(failures: int) -> None:
    """Then it ends without an answer. The contact may be read again later."""
    on = Desk(*[Unanswered("GET", "https://x.test", "cut off")] * failures, NOTES, TASKS)
    on.read()
    for _ in range(min(failures, MOST_FAILURES - 1)):
        assert (await on.turn()).verdict is Verdict.RETRY
    while await on.turn() is not DONE:
        pass
    assert on.told == ([("note:5", "task:6")] if failures == 1 else [None])
    assert on.read()


async def test_a_connection_that_another_worker_has_is_forgotten() -> None:
    """That one looks itself."""
    on = Desk()
    on.read()
    on.contacts.forget("other")
    assert not on.read()
    on.contacts.forget("acme")
    assert (await on.turn(), on.ghl.lines, on.told) == (DONE, [], [])


async def test_what_fails_after_the_look_does_not_keep_the_contact_from_another() -> None:
    """As where Kafka does not take what follows: whoever waits reads it again."""
    on = Desk(NOTES, TASKS)

    async def fails(_: tuple[str, ...] | None) -> None:
        raise OSError("Kafka is away")

    on.contacts.read(on.writer.locations["acme"], BEN, "c-old", fails)
    await on.turn()
    with pytest.raises(OSError, match="away"):
        await on.turn()
    assert (await on.turn(), on.read()) == (DONE, True)
