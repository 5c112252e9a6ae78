"""The question `read`: acknowledged at once, answered after everything else, in the vendor's words when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.errors import NotSent, VendorError
from streams.core.scheduling.dispatcher import BudgetPolicy, Item, Priority
from streams.core.scheduling.retry import Retry
from streams.messages import Inspection, Observation
from streams.worker.dispatch import vendor_reads
from streams.worker.dispatch.failure_judge import FailureJudge
from streams.worker.dispatch.loop import AGAIN, DONE, DispatchLoop, DispatchWork, WorkResult
from streams.worker.dispatch.vendor_reads import MOST_FAILURES, TENANT, VendorReads
from tests.unit.streams.worker.dispatch.stage import NOW_MS, PARTITION, Stage, TakenSlot

TOPIC = "observations"


@dataclass(frozen=True)
class Location:
    """A connection's place at a vendor."""

    budget: str = "ghl:L"
    partition: int = PARTITION


class Asked:
    """The questions of one connection at one vendor, which answers by a script."""

    def __init__(self, *script: dict[str, Any] | Exception, owned: bool = True) -> None:
        self.stage = Stage()
        self.script = list(script)
        self.paused: list[tuple[str, float, str]] = []
        self.loop = DispatchLoop("write", DispatchWork(self._never), lambda: 0.0)
        self.loop.failures = FailureJudge(lambda *facts: self.paused.append(facts))
        if owned:
            self.loop.acquire("ghl:L", BudgetPolicy(100, 10.0, 10))
        self.reads: VendorReads[Location] = VendorReads(
            loop=self.loop,
            sides={"acme": Location()},
            reads={"contacts": self._read},
            window_seconds=lambda _: 10.0,
            output=self.stage.output,
            observations_topic=TOPIC,
            retry=Retry(lambda: self.stage.now_ms, lambda: 0.5),
        )

    async def _never(self, item: Item, slot: object) -> WorkResult:
        raise AssertionError(item)

    async def _read(self, side: Location, inspection: Inspection) -> dict[str, Any]:
        found = self.script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def perform(self, number: int = 1) -> tuple[WorkResult, list[bool]]:
        """Do the work of a question: its result, and whether a request was sent."""
        slot = TakenSlot()
        key = f"{TENANT}:acme:run:{number}"
        result = await self.reads(Item(key, key, "ghl:L", TENANT, Priority.VERIFY), slot)
        return result, slot.told

    @property
    def answers(self) -> Iterator[Observation]:
        """What was written to the topic."""
        return (Observation.from_bytes(record.value) for record in self.stage.log.records[TOPIC])


def question(number: int = 1, connection: str = "acme", expires_ms: int = NOW_MS + 1000) -> Inspection:
    """A question for the contacts of a location."""
    facts: dict[str, Any] = {"run": "run", "number": number, "connection": connection, "question": "read"}
    return Inspection(**facts, subject="contacts", expires_ms=expires_ms)


def refused(status: int) -> VendorError:
    """The vendor's refusal."""
    return VendorError(vendor="ghl", operation="search contacts", status=status, messages=("no such scope",))


async def test_a_question_is_acknowledged_at_once_and_then_answered() -> None:
    """With what was found and what it cost, in the partition of the connection; a second turn finds nothing to do."""
    asked = Asked({"rows": ({"id": "c-1"},), "total": 1})
    waiting = asked.reads.take_question(question())
    done = await asked.perform()
    once_more = await asked.perform()
    (answer,) = asked.answers

    assert waiting is not None
    assert (waiting.answer, waiting.number) == ("waiting", 1)
    assert (done, once_more) == ((DONE, [True]), (DONE, []))
    assert (answer.answer, answer.total, answer.requests, answer.rows) == ("seen", 1, 1, ({"id": "c-1"},))
    assert asked.stage.log.records[TOPIC][0].partition == PARTITION


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (Asked(), question(connection="beta")),
        (Asked(), question(expires_ms=NOW_MS)),
        (Asked(owned=False), question()),
    ],
)
def test_a_question_for_somebody_else_or_too_late_is_not_taken(asked: Asked, what: Inspection) -> None:
    """Whoever owns the budget takes it; nobody waits for the answer to an old one."""
    assert asked.reads.take_question(what) is None


async def test_what_expired_while_it_waited_costs_no_request() -> None:
    """Whoever asked is gone."""
    asked = Asked()
    asked.reads.take_question(question())
    asked.stage.now_ms += 1000
    assert await asked.perform() == (DONE, [])
    assert list(asked.answers) == []


async def test_a_repeated_question_waits_longer_and_is_answered_once() -> None:
    """It comes again under its number, with a later end."""
    asked = Asked({"total": 0})
    asked.reads.take_question(question())
    asked.reads.take_question(question(expires_ms=NOW_MS + 9000))
    asked.stage.now_ms += 5000
    assert await asked.perform() == (DONE, [True])
    assert len(list(asked.answers)) == 1


async def test_a_refusal_is_the_answer_in_the_vendors_words() -> None:
    """It pauses no budget: that a key may not read something says nothing of live changes."""
    asked = Asked(refused(401))
    asked.reads.take_question(question())
    result = await asked.perform()
    (answer,) = asked.answers
    assert (result, answer.answer, "no such scope" in answer.message) == ((DONE, [True]), "refused", True)
    assert asked.paused == []


async def test_too_many_requests_pause_the_budget_and_the_question_waits() -> None:
    """As for every other request of that budget."""
    asked = Asked(refused(429), {"total": 0})
    asked.reads.take_question(question())
    result = await asked.perform()
    early = list(asked.answers)
    after = await asked.perform()
    assert (result, early, [budget for budget, *_ in asked.paused]) == ((AGAIN, [True]), [], ["ghl:L"])
    assert after == (DONE, [True])


async def test_a_vendor_that_is_away_is_tried_some_times_and_then_said() -> None:
    """Whoever asked must not wait for ever; what never left cost no request."""
    asked = Asked(*[NotSent("POST", "https://x.test/contacts/search", "no route") for _ in range(MOST_FAILURES)])
    asked.reads.take_question(question())
    results = [await asked.perform() for _ in range(MOST_FAILURES)]
    (answer,) = asked.answers
    assert [one[0] == DONE for one in results] == [False] * (MOST_FAILURES - 1) + [True]
    assert {tuple(one[1]) for one in results} == {(False,)}
    assert (answer.answer, "no route" in answer.message) == ("refused", True)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (KeyError("rows"), "the worker cannot answer (KeyError"),
        ({"rows": ({"x": "y" * 1_000_000},)}, "too much for one record"),
    ],
)
async def test_a_defect_and_too_large_an_answer_are_refusals(found: Any, words: str) -> None:
    """The asker gets words, and the queue of the budget goes on."""
    asked = Asked(found)
    asked.reads.take_question(question())
    result, _ = await asked.perform()
    (answer,) = asked.answers
    assert (result, answer.answer, words in answer.message) == (DONE, "refused", True)


def test_only_so_many_wait_and_what_expired_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded; a question that is not taken is asked again later."""
    monkeypatch.setattr(vendor_reads, "MOST_OPEN", 2)
    asked = Asked()
    taken = [asked.reads.take_question(question(number)) is not None for number in (1, 2, 3)]
    asked.stage.now_ms += 1000
    later = asked.reads.take_question(question(4, expires_ms=NOW_MS + 5000))
    assert (taken, later is not None) == ([True, True, False], True)
