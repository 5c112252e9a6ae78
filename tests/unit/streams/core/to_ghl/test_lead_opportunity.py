"""A lead's opportunity as a part of its snapshot: made only where it says something new."""

from __future__ import annotations

from typing import Any

import pytest

from streams.core.fingerprint import fingerprint
from streams.core.rows import LinkRow, OutboxRow
from streams.core.to_ghl.delivery import settled_as
from streams.core.to_ghl.directory import Directory, PipelineIds
from streams.core.to_ghl.lead_opportunity import as_opportunity, news_of_opportunity, opportunity_of
from streams.core.to_ghl.plan import Call, NotBefore, Plan
from streams.core.to_ghl.planning import Rules, doubts, prepare
from streams.mapping import StagePair, StageTable, compile_mapping
from streams.messages import Entity, Snapshot

TABLE = StageTable((StagePair("Hot", "Buyers", "Talking"), StagePair("Cold", "Buyers", "New")))
DIRECTORY = Directory(pipelines={"buyers": PipelineIds("p", {"talking": "s2", "new": "s1"})})
RULES = Rules(compile_mapping(), "US", search_lag_ms=1000, stages=TABLE)


def lead(stage: str | None, version_ms: int = 5, **more: Any) -> Snapshot:
    """A lead in a stage; None: deleted."""
    state = None if stage is None else {"leadId": 7, "stage": stage, "firstName": "Ann", **more}
    known = {"connection": "c", "lead": "7", "kind": "contact", "id": "7", "read_ms": 1, "accepted_ms": 1}
    said = {"state": state, "fingerprint": fingerprint(state), "version_ms": version_ms, "update_time_ms": 1}
    return Snapshot.model_validate({**known, **said})


def news(of: Snapshot, row: OutboxRow | None = None, link: LinkRow | None = None) -> Snapshot | None:
    """What a lead's snapshot says of its opportunity."""
    return news_of_opportunity(of, TABLE, row, link, "m")


def settled(of: Snapshot) -> LinkRow:
    """The link of an opportunity that is as this lead wants it."""
    return LinkRow(ghl_id="o", settled=settled_as(as_opportunity(of).fingerprint, "m"))


def test_it_is_the_leads_part_at_the_leads_version() -> None:
    """What it is not made of is not in it."""
    found = news(lead("Hot", phones=["1"], zipCode="60601"))
    assert found is not None
    assert (found.entity, found.version_ms) == (opportunity_of(Entity.contact("c", "7")), 5)
    assert found.state == {"leadId": 7, "stage": "Hot", "firstName": "Ann"}


@pytest.mark.parametrize("stage", ["Nurture", None])
def test_a_lead_that_never_had_a_pair_has_none(stage: str | None) -> None:
    """Nor has one that was deleted before."""
    assert news(lead(stage)) is None


def test_an_edit_of_something_else_says_nothing() -> None:
    """Neither to what is settled nor to what waits; what is parked is tried again."""
    waiting = OutboxRow(snapshot=as_opportunity(lead("Hot")))
    assert news(lead("Hot", 9, zipCode="60601"), link=settled(lead("Hot"))) is None
    assert news(lead("Hot", 9, zipCode="60601"), waiting) is None
    assert news(lead("Hot", 9), waiting.model_copy(update={"parked": "no such stage"})) is not None


@pytest.mark.parametrize("stage", ["Cold", "Nurture", None])
def test_another_stage_is_news(stage: str | None) -> None:
    """Also one without a pair, and the end of the lead: what waits must not be written any longer."""
    assert news(lead(stage, 9), link=settled(lead("Hot"))) is not None
    assert news(lead(stage, 9), OutboxRow(snapshot=as_opportunity(lead("Hot")))) is not None


def plan(contact: LinkRow, link: LinkRow | None = None, now_ms: int = 5000) -> Plan:
    """The next request for the opportunity of a lead in the stage Hot."""
    row = OutboxRow(snapshot=as_opportunity(lead("Hot")))
    return prepare(row, RULES, DIRECTORY).plan(link, contact, now_ms)


def test_under_a_contact_that_was_there_before_it_is_looked_for_first() -> None:
    """Once the search must show it; what was looked for is made."""
    contact = LinkRow(ghl_id="g", existed_ms=4500)
    early, looked = plan(contact), plan(contact, now_ms=5500)
    then = plan(contact, LinkRow(sought={"opportunity": 5600}), 5700)
    assert early == NotBefore(5500)
    assert isinstance(looked, Call)
    assert isinstance(then, Call)
    assert (looked.step, looked.body, then.step) == ("find opportunity", {"pipelineId": "p"}, "create opportunity")


def test_a_state_of_an_earlier_owner_leaves_its_fields_unknown() -> None:
    """It may have been on its way; no state of a lead deletes an opportunity."""
    written = prepare(OutboxRow(snapshot=as_opportunity(lead("Hot"))), RULES, DIRECTORY).plan(
        None, LinkRow(ghl_id="g"), 0
    )
    assert isinstance(written, Call)
    link = LinkRow(ghl_id="o", fields=dict(written.fields or {}))
    before = tuple(as_opportunity(lead(stage)) for stage in ("Cold", None))
    row = OutboxRow(snapshot=as_opportunity(lead("Hot", 9)), before=before)
    assert {name for name, hash_ in doubts(row, RULES, DIRECTORY, link)["fields"].items() if not hash_} == {
        "pipelineStageId"
    }
