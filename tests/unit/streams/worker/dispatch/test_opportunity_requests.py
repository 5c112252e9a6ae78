"""Planned requests of an opportunity against GHL's sandbox, which refuses what GHL refuses: one is made, whatever was there or gets lost."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import Unanswered, VendorError
from connectors.sandbox.ghl import LocationSettings
from streams.core.rows import LinkRow
from streams.core.to_ghl.apply_receipt import record_link
from streams.core.to_ghl.compare import compare_child
from streams.core.to_ghl.directory import Directory, named_pipelines
from streams.core.to_ghl.opportunity import (
    PIPELINE,
    adopted,
    plan_opportunity,
    reported_opportunity,
    resolve_opportunity,
)
from streams.core.to_ghl.plan import Call, DesiredChild, NotBefore, Plan, doubt
from streams.mapping import StagePair, StageTable, map_opportunity
from streams.messages import Receipt
from streams.worker.dispatch.ghl_calls import perform
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage

LAG_SECONDS = 10
PIPELINES = [
    {"id": "p1", "name": "Buyers", "stages": [{"id": "s1", "name": "New"}, {"id": "s2", "name": "Talking"}]},
    {"id": "p2", "name": "Sellers", "stages": [{"id": "s3", "name": "Listed"}]},
]
TABLE = StageTable(
    (
        StagePair("New Leads", "Buyers", "New"),
        StagePair("Hot", "Buyers", "Talking"),
        StagePair("Closed", "Buyers", "Talking", "won"),
        StagePair("Listing", "Sellers", "Listed"),
    )
)


class Lead:
    """A lead whose contact is in GHL's sandbox, and what is remembered of its opportunity."""

    def __init__(self, *, allows_several: bool = False) -> None:
        location = LocationSettings(HERE, ("pit-here",), allow_several_opportunities=allows_several)
        self.stage = Stage(locations=(location,), search_lag_seconds=LAG_SECONDS)
        self.stage.seed(pipelines=PIPELINES, users=[{"id": "u1", "email": "pat@x.test", "name": "Pat"}])
        self.contact_id = self.stage.contact()
        self.client = self.stage.client()
        self.link: LinkRow | None = None

    @property
    def now_ms(self) -> int:
        """The sandbox's clock."""
        return int(self.stage.now * 1000)

    @property
    def held(self) -> list[dict[str, Any]]:
        """What GHL holds."""
        return list(self.stage.sandbox.location(HERE).contacts[self.contact_id].opportunities.values())

    async def wanted(self, lofty_stage: str) -> DesiredChild | None:
        """What the lead's opportunity should be, by the names that the location has."""
        directory = Directory(
            users={"pat@x.test": "u1"}, pipelines=named_pipelines(await self.client.list_pipelines(HERE))
        )
        lead = {"leadId": 77, "firstName": "Ann", "stage": lofty_stage, "_agent": {"email": "pat@x.test"}}
        mapped = map_opportunity(lead, TABLE)
        return None if mapped is None else resolve_opportunity(mapped, directory)

    async def settle(self, lofty_stage: str, *, loses: int = 0) -> list[str]:
        """Do what is planned until nothing is left. The answers of the first `loses` requests are lost. Returns the steps."""
        wanted, steps = await self.wanted(lofty_stage), list[str]()
        contact = LinkRow(ghl_id=self.contact_id)
        for _ in range(9):
            plan: Plan = plan_opportunity(wanted, self.link, contact, self.now_ms, search_lag_ms=LAG_SECONDS * 1000)
            if isinstance(plan, NotBefore):
                self.stage.now = plan.at_ms / 1000
            elif isinstance(plan, Call):
                steps.append(plan.step)
                await self._send(plan, is_lost=len(steps) <= loses)
            else:
                return steps
        raise AssertionError(f"not settled: {steps}")

    async def _send(self, call: Call, *, is_lost: bool) -> None:
        if call.is_create:
            self._record("intended", call, fields=call.fields, identifiers={PIPELINE: call.body[PIPELINE]})
        try:
            performed = await perform(self.client, HERE, call)
            if is_lost:
                raise Unanswered("POST", call.step, "its answer is lost")
        except Unanswered:
            if not call.is_create:
                self._record("doubtful", call, **doubt(call, self.link))
        except VendorError as error:
            found = adopted(call)
            self._record("applied", found, ghl_id=error.meta["existingId"], fields=found.fields)
        else:
            is_found = performed.ghl_id is not None
            self._record("applied" if is_found else "failed", call, ghl_id=performed.ghl_id, fields=call.fields)

    def _record(self, outcome: str, call: Call, **facts: Any) -> None:
        known = {"connection": "c", "lead": "77", "kind": "task", "id": "77", "version_ms": 1, "at_ms": self.now_ms}
        said = {"outcome": outcome, "step": call.step, "refers_to": call.contact_id, **facts}
        self.link = record_link(self.link, Receipt.model_validate({**known, **said}))


async def test_each_stage_is_one_write() -> None:
    """Also into another pipeline and back; afterwards GHL holds what is wanted."""
    lead = Lead()
    steps = [await lead.settle(one) for one in ("New Leads", "Hot", "Closed", "Listing", "Nurture", "Hot", "Hot")]
    wanted = await lead.wanted("Hot")
    assert wanted is not None
    create, update = ["create opportunity"], ["update opportunity"]
    assert steps == [create, update, update, update, [], update, []]
    read = await lead.client.get_opportunity(lead.held[0]["id"])
    assert compare_child(wanted, reported_opportunity(read)) == ()


@pytest.mark.parametrize("allows_several", [False, True])
@pytest.mark.parametrize("loses", [1, 2, 3])
async def test_answers_that_are_lost_make_no_second_one(loses: int, allows_several: bool) -> None:
    """Also where the location would take a second one: it is looked for once the search must show it."""
    lead = Lead(allows_several=allows_several)
    await lead.settle("New Leads", loses=loses)
    await lead.settle("Closed", loses=loses)
    assert [(row["pipelineStageId"], row["status"]) for row in lead.held] == [("s2", "won")]


async def test_one_that_a_person_made_is_taken_up() -> None:
    """GHL refuses a second one and names the first: two writes, and no search."""
    lead = Lead()
    fields = {"locationId": HERE, "contactId": lead.contact_id, "pipelineId": "p1", "name": "By hand", "status": "lost"}
    by_hand = await lead.client.create_opportunity(fields)
    assert await lead.settle("Hot") == ["create opportunity", "update opportunity"]
    assert [(row["id"], row["status"], row["name"]) for row in lead.held] == [(by_hand.id, "open", "Ann")]
