"""Opportunities in the sandbox: one of a contact in each pipeline, a search that lags, and several webhooks for one change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import VendorError
from connectors.outcome import Disposition, classify
from connectors.sandbox.ghl import HookSettings, LocationSettings
from connectors.sandbox.ghl.people import act
from tests.unit.connectors.sandbox.ghl.stage import HERE, Stage

PIPELINES = [
    {"id": "buyers", "name": "Buyers", "stages": [{"id": "new", "name": "New"}, {"id": "hot", "name": "Hot"}]},
    {"id": "sellers", "name": "Sellers", "stages": [{"id": "listed", "name": "Listed"}]},
]


def staged(**settings: Any) -> tuple[Stage, str]:
    """A location with two pipelines, and a contact in it."""
    stage = Stage(**settings)
    stage.seed(pipelines=PIPELINES, users=[{"id": "ann", "name": "Ann"}])
    return stage, stage.contact()


def deal(contact: str, **more: Any) -> dict[str, Any]:
    """What it takes to create an opportunity."""
    new = {"locationId": HERE, "contactId": contact, "pipelineId": "buyers", "name": "Ann Vale", "status": "open"}
    return {**new, **more}


async def refusal(call: Any) -> VendorError:
    """The refusal that a call ends with."""
    with pytest.raises(VendorError) as caught:
        await call
    return caught.value


async def test_an_opportunity_without_a_stage_is_in_the_first() -> None:
    """And it is read at once."""
    stage, contact = staged()
    made = await stage.client().create_opportunity(deal(contact, monetaryValue=450_000))
    read = await stage.client().get_opportunity(made.id)
    assert (read.contact_id, read.pipeline_id, read.pipeline_stage_id) == (contact, "buyers", "new")
    assert (read.status, read.monetary_value, read.assigned_to) == ("open", 450_000, None)


async def test_a_contact_has_one_opportunity_in_a_pipeline() -> None:
    """Whatever its status; in the words of many captures, and `meta` says which it is. Another pipeline is free."""
    stage, contact = staged()
    client = stage.client()
    first = await client.create_opportunity(deal(contact))
    await client.set_opportunity_status(first.id, "lost")
    error = await refusal(client.create_opportunity(deal(contact)))
    other = await client.create_opportunity(deal(contact, pipelineId="sellers"))
    moved = await refusal(client.update_opportunity(other.id, {"pipelineId": "buyers"}))
    assert (error.status, error.message) == (400, "Can not create duplicate opportunity for the contact.")
    assert (error.meta["existingId"], moved.meta["existingId"]) == (first.id, first.id)
    assert {classify(one).disposition for one in (error, moved)} == {Disposition.ADOPT}


async def test_a_location_may_allow_several() -> None:
    """A setting of GHL's."""
    location = LocationSettings(HERE, ("pit-here",), allow_several_opportunities=True)
    stage, contact = staged(locations=(location,))
    made = [await stage.client().create_opportunity(deal(contact)) for _ in range(2)]
    assert len({one.id for one in made}) == 2


async def test_the_search_lags_and_a_read_by_id_does_not() -> None:
    """As that of contacts: so a create in doubt is not found at once."""
    stage, contact = staged(search_lag_seconds=10)
    client = stage.client()
    made = await client.create_opportunity(deal(contact))
    at_once = await client.search_opportunities(HERE, contact_id=contact)
    stage.now += 10
    later = await client.search_opportunities(HERE, contact_id=contact, pipeline_id="buyers")
    elsewhere = await client.search_opportunities(HERE, contact_id=contact, pipeline_id="sellers")
    assert (at_once.opportunities, at_once.total) == ((), 0)
    assert ([one.id for one in later.opportunities], later.total) == ([made.id], 1)
    assert elsewhere.opportunities == ()


async def test_the_search_takes_snake_case_only() -> None:
    """Seen by an integrator: `contactId` is a 422."""
    stage, contact = staged()
    answer = await stage.ask("GET", f"/opportunities/search?location_id={HERE}&contactId={contact}")
    assert (answer.status, b"property contactId should not exist" in answer.body) == (422, True)


async def test_the_search_has_pages() -> None:
    """The newest first, by page; a text is looked for in the names."""
    stage, _ = staged()
    client = stage.client()
    for name in ("ada", "bob", "cid"):
        stage.now += 1
        contact = stage.seed(contacts=[{"email": f"{name}@example.com"}])["contacts"][0]
        await client.create_opportunity(deal(contact, name=name))
    first, last = [await client.search_opportunities(HERE, page=page, limit=2) for page in (1, 2)]
    by_text = await client.search_opportunities_by_text(HERE, "BOB")
    assert [[one.name for one in page.opportunities] for page in (first, last)] == [["cid", "bob"], ["ada"]]
    assert (first.total, [one.name for one in by_text.opportunities]) == (3, ["bob"])


async def test_what_is_gone_is_gone_with_its_contact() -> None:
    """By id, and for whoever would write to it."""
    stage, contact = staged()
    client = stage.client()
    made = await client.create_opportunity(deal(contact))
    await client.delete_contact(contact)
    errors = [
        await refusal(client.get_opportunity(made.id)),
        await refusal(client.update_opportunity(made.id, {"pipelineStageId": "hot"})),
        await refusal(client.create_opportunity(deal(contact))),
    ]
    assert {classify(one).disposition for one in errors} == {Disposition.GONE}
    assert (await client.search_opportunities(HERE)).opportunities == ()


@pytest.mark.parametrize(
    "wrong", [{"pipelineId": "nowhere"}, {"pipelineStageId": "listed"}, {"status": "closed"}, {"source": "lofty"}]
)
async def test_what_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    """A stage of another pipeline too, and `source`, which only reads know."""
    stage, contact = staged()
    answer = await stage.ask("POST", "/opportunities/", json.dumps(deal(contact, **wrong)).encode())
    assert answer.status in (400, 422)


async def test_a_user_whom_the_location_lacks_is_dropped_in_silence() -> None:
    """As of a contact."""
    stage, contact = staged()
    made = await stage.client().create_opportunity(deal(contact, assignedTo="nobody"))
    known = await stage.client().update_opportunity(made.id, {"assignedTo": "ann"})
    assert made.assigned_to is None
    assert known is not None
    assert known.assigned_to == "ann"


async def test_a_status_of_all_changes_nothing() -> None:
    """The document takes it, though it is none."""
    stage, contact = staged()
    made = await stage.client().create_opportunity(deal(contact, status="all"))
    await stage.client().set_opportunity_status(made.id, "won")
    await stage.client().set_opportunity_status(made.id, "all")
    assert (await stage.client().get_opportunity(made.id)).status == "won"


async def test_one_change_is_reported_two_or_three_times() -> None:
    """An update, and one event for each field that has its own; the contact itself has not changed."""
    stage, contact = staged(hooks=HookSettings(url="http://gateway.test"))
    stage.sandbox.report_changes(stage.sandbox.location(HERE), contact)
    client, outbox = stage.client(), stage.sandbox.outbox
    outbox.clear()
    made = await client.create_opportunity(deal(contact))
    created, outbox[:] = list(outbox), []
    await client.update_opportunity(made.id, {"pipelineStageId": "hot", "monetaryValue": 9})
    moved, outbox[:] = list(outbox), []
    await client.update_opportunity(made.id, {"pipelineStageId": "hot"})
    unchanged, outbox[:] = list(outbox), []
    act(
        stage.sandbox,
        {"do": "update-opportunity-status", "location": HERE, "ids": {"id": made.id}, "body": {"status": "won"}},
    )
    won, outbox[:] = list(outbox), []
    await client.delete_opportunity(made.id)
    assert [one["type"] for one in created] == ["OpportunityCreate"]
    assert [one["type"] for one in moved] == [
        "OpportunityUpdate",
        "OpportunityMonetaryValueUpdate",
        "OpportunityStageUpdate",
    ]
    assert unchanged == []
    assert [one["type"] for one in won] == ["OpportunityUpdate", "OpportunityStatusUpdate"]
    assert [one["type"] for one in outbox] == ["OpportunityDelete"]
    assert {(one["id"], one["contactId"], one["pipelineStageId"]) for one in moved} == {(made.id, contact, "hot")}


async def test_one_location_does_not_see_the_opportunities_of_another() -> None:
    """By id they are not there; a search that names the other is refused."""
    stage, contact = staged()
    made = await stage.client().create_opportunity(deal(contact))
    strange = stage.client("pit-there")
    by_id = await refusal(strange.get_opportunity(made.id))
    by_search = await refusal(strange.search_opportunities(HERE))
    assert (by_id.status, by_search.status) == (400, 403)
