"""Opportunities, planned against GHL as a dict: one of a contact in a pipeline, whatever becomes of each request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ghl.wire import GhlOpportunity, Pipeline
from streams.core.fingerprint import field_hash
from streams.core.rows import Intent, LinkRow
from streams.core.to_ghl.compare import compare_child
from streams.core.to_ghl.directory import Directory, named_pipelines
from streams.core.to_ghl.opportunity import chosen, plan_opportunity, reported_opportunity, resolve_opportunity
from streams.core.to_ghl.plan import UNKNOWN, Blocked, Call, DesiredChild, NotBefore, Plan, Settled, Stuck
from streams.mapping import StagePair, StageTable, map_opportunity
from streams.messages import Entity
from tests.unit.streams.core.to_ghl.ghl_model import LAG_MS, Contact, Fate, Follower, Ghl

PIPELINES = named_pipelines(
    Pipeline.model_validate(one)
    for one in (
        {"id": "p1", "name": "Buyers", "stages": [{"id": "s1", "name": "New"}, {"id": "s2", "name": "Talking"}]},
        {"id": "p2", "name": "Sellers", "stages": [{"id": "s3", "name": "Listed: now"}]},
    )
)
DIRECTORY = Directory(users={"pat@x.test": "u-pat"}, pipelines=PIPELINES)
TABLE = StageTable(
    (
        StagePair("New Leads", "Buyers", "New"),
        StagePair("Hot", "buyers", "talking"),
        StagePair("Closed", "Buyers", "Talking", "won"),
        StagePair("Listing", "Sellers", "Listed: now"),
        StagePair("Gone", "Renters", "New"),
        StagePair("Odd", "Buyers", "Nowhere"),
    )
)
STAGES = st.lists(st.sampled_from(["New Leads", "Hot", "Closed", "Listing", "Nurture"]), min_size=1, max_size=5)
FATES: st.SearchStrategy[Fate] = st.sampled_from(["answered", "applied, then lost", "lost on the way"])
AT_G = LinkRow(ghl_id="g")


def desired(stage: str, **lead: Any) -> DesiredChild | None:
    """The opportunity of a lead in this stage."""
    mapped = map_opportunity({"leadId": 77, "firstName": "Ann", "stage": stage, **lead}, TABLE)
    return None if mapped is None else resolve_opportunity(mapped, DIRECTORY)


def planned(wanted: DesiredChild | None, link: LinkRow | None, contact: LinkRow | None, now_ms: int = LAG_MS) -> Plan:
    """The next request, in a location whose search lags as the model's does."""
    return plan_opportunity(wanted, link, contact, now_ms, search_lag_ms=LAG_MS)


class Planner:
    """The plan of a lead's opportunity."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.contact: LinkRow | None = AT_G

    def __call__(self, link: LinkRow | None, now_ms: int) -> Plan:
        return planned(desired(self.stage), link, self.contact, now_ms)


def follower(*, allows_several: bool = False) -> Follower:
    """An opportunity of a contact that GHL has. Receipts of any kind but a contact's are recorded alike."""
    ghl = Ghl()
    ghl.allows_several_opportunities = allows_several
    ghl.contacts["g"] = Contact()
    return Follower(ghl, Entity("c", "77", "task", "77"))


def held(one: Follower) -> list[dict[str, Any]]:
    """What GHL holds of the contact's opportunities."""
    return list(one.ghl.contacts["g"].opportunity.values())


@given(stages=STAGES)
def test_a_change_of_stage_is_one_write(stages: list[str]) -> None:
    """One create, then one update for each change that has a pair, also into another pipeline; then nothing."""
    one = follower()
    last = None
    for stage in stages:
        before = len(one.ghl.sent)
        one.settle(Planner(stage))
        assert len(one.ghl.sent) - before <= 1
        last = desired(stage) or last
    assert len(held(one)) == (last is not None)
    if last is not None:
        assert compare_child(last, held(one)[0]) == ()


@given(stages=STAGES, fates=st.lists(st.lists(FATES, max_size=4), min_size=5, max_size=5), allows_several=st.booleans())
def test_no_fate_of_a_request_makes_a_second_one(
    stages: list[str], fates: list[list[Fate]], allows_several: bool
) -> None:
    """Though the search lags, and also where the location would take a second one."""
    one = follower(allows_several=allows_several)
    last = None
    for stage, lost in zip(stages, fates, strict=False):
        for fate in lost:
            one.step(Planner(stage), fate)
        one.settle(Planner(stage), most=12)
        last = desired(stage) or last
    assert len(held(one)) <= 1
    if last is not None:
        assert compare_child(last, held(one)[0]) == ()


def test_one_that_a_person_made_is_taken_up() -> None:
    """GHL names it when it refuses a second; then it gets what is wanted, in one write."""
    one = follower()
    one.ghl.contacts["g"].opportunity["by-hand"] = {"name": "Mine", "pipelineId": "p1", "pipelineStageId": "s1"}
    one.settle(Planner("Hot"))
    assert one.ghl.sent == ["create opportunity", "update opportunity"]
    assert one.link is not None
    assert (one.link.ghl_id, held(one)[0]["pipelineStageId"], len(held(one))) == ("by-hand", "s2", 1)


def test_one_that_is_gone_in_ghl_is_made_again() -> None:
    """As a task: once the lead's stage changes."""
    one = follower()
    one.settle(Planner("Hot"))
    one.ghl.contacts["g"].opportunity.clear()
    one.settle(Planner("Closed"))
    assert [row["status"] for row in held(one)] == ["won"]


def test_a_stage_goes_with_its_pipeline() -> None:
    """Alone it would be looked for in the pipeline that the opportunity is in."""
    wanted = desired("Hot")
    assert wanted is not None
    fields = {name: field_hash(value) for name, value in wanted.fields.items()}
    link = LinkRow(ghl_id="o", refers_to="g", fields={**fields, "pipelineStageId": UNKNOWN})
    plan = planned(wanted, link, AT_G)
    assert isinstance(plan, Call)
    assert (plan.step, plan.body) == ("update opportunity", {"pipelineId": "p1", "pipelineStageId": "s2"})


@pytest.mark.parametrize(
    ("stage", "lack", "words"),
    [
        ("Gone", "pipeline:renters", "stage 'Gone': the location has no pipeline 'Renters'"),
        ("Odd", "stage:buyers:nowhere", "stage 'Odd': the pipeline 'Buyers' has no stage 'Nowhere'"),
    ],
)
def test_what_the_location_lacks_is_named_and_nothing_is_sent(stage: str, lack: str, words: str) -> None:
    """A person makes the stage, or corrects the table; a directory that has it plans it again."""
    wanted = desired(stage)
    assert wanted is not None
    plan = planned(wanted, None, AT_G)
    assert isinstance(plan, Stuck)
    assert (plan.because, plan.reason, wanted.lacks) == (words, "no such stage", (lack,))
    assert not DIRECTORY.has(lack)
    assert DIRECTORY.has("pipeline:buyers")
    assert DIRECTORY.has("stage:sellers:listed  now")


def test_an_agent_who_is_no_user_is_left_out_and_named() -> None:
    """And the opportunity is written."""
    wanted = desired("Hot", _agent={"email": "jo@x.test"})
    known = desired("Hot", _agent={"email": "pat@x.test"})
    assert wanted is not None
    assert known is not None
    assert (wanted.left_out, wanted.lacks) == (
        ("assignedTo: no GHL user has the e-mail jo@x.test",),
        ("user:jo@x.test",),
    )
    assert known.fields["assignedTo"] == "u-pat"


def test_a_stage_without_a_pair_leaves_the_opportunity_as_it_is() -> None:
    """Nor is anything deleted with the lead: a create in doubt alone is looked for first."""
    link = LinkRow(ghl_id="o", refers_to="g", fields={"name": "x"})
    in_doubt = LinkRow(intent=Intent(at_ms=1, step="create opportunity", identifiers={"pipelineId": "p1"}))
    assert planned(None, in_doubt, AT_G) == NotBefore(1 + LAG_MS)
    look = planned(None, in_doubt, AT_G, 1 + LAG_MS)
    assert isinstance(planned(None, link, AT_G), Settled)
    assert isinstance(look, Call)
    assert (look.step, look.body, look.contact_id) == ("find opportunity", {"pipelineId": "p1"}, "g")


def test_it_waits_for_its_contact_and_goes_with_it() -> None:
    """And nothing is made for a lead that is deleted."""
    wanted = desired("Hot")
    assert isinstance(planned(wanted, None, None), Blocked)
    assert isinstance(planned(wanted, None, LinkRow(ghl_id="g", is_deleted=True)), Settled)
    assert isinstance(planned(wanted, None, LinkRow(ghl_id="g", is_gone=True)), Settled)
    assert isinstance(planned(None, None, None), Settled)


def test_of_leads_that_share_a_contact_one_has_the_opportunity() -> None:
    """The one that writes the contact: two would take up the same one, and move it to and fro."""
    sharing = LinkRow(ghl_id="g", shares="c:11:contact:11")
    assert isinstance(planned(desired("Hot"), None, sharing), Settled)
    assert isinstance(planned(desired("Hot"), None, AT_G), Call)


def test_what_hung_on_another_contact_is_looked_for() -> None:
    """GHL may have merged the two; if it did not come along, it is made on the lead's present contact."""
    link = LinkRow(ghl_id="o", refers_to="before", fields={"name": "x"})
    plan = planned(desired("Hot"), link, AT_G)
    assert isinstance(plan, Call)
    assert (plan.step, plan.contact_id, plan.fields) == ("find opportunity", "g", {"name": UNKNOWN})


def test_a_user_whom_ghl_dropped_is_not_sent_again() -> None:
    """Until another one is wanted."""
    wanted = desired("Hot", _agent={"email": "pat@x.test"})
    assert wanted is not None
    link = LinkRow(refused={"assignedTo": field_hash("u-pat")})
    plan = planned(wanted, link, AT_G)
    assert isinstance(plan, Call)
    assert "assignedTo" not in plan.body


def test_of_several_each_look_chooses_the_same() -> None:
    """An open one, then the oldest; never another contact's or pipeline's, which a search that ignores a filter would give."""
    rows = [
        {"id": "a", "status": "lost", "createdAt": "2026-01-01T00:00:00Z"},
        {"id": "b", "status": "open", "createdAt": "2026-03-01T00:00:00Z"},
        {"id": "c", "status": "open", "createdAt": "2026-02-01T00:00:00Z"},
        {"id": "d", "status": "open", "createdAt": "2025-01-01T00:00:00Z", "contactId": "h"},
        {"id": "e", "status": "open", "createdAt": "2025-01-01T00:00:00Z", "pipelineId": "p2"},
    ]
    found = [GhlOpportunity.model_validate({"contactId": "g", "pipelineId": "p1", **one}) for one in rows]
    assert {chosen(found[turn:] + found[:turn], "g", "p1") for turn in range(len(found))} == {"c"}
    assert chosen(found, "nobody", "p1") is None


def test_what_ghl_holds_as_wanted_does_not_differ() -> None:
    """By the names of its own answer; a number is a number."""
    wanted = desired("Hot")
    assert wanted is not None
    fields = {**wanted.fields, "monetaryValue": 450_000.0}
    shown = {
        **wanted.fields,
        "id": "o",
        "contactId": "g",
        "monetaryValue": 450_000,
        "source": "",
        "contact": {"id": "g"},
    }
    row = reported_opportunity(GhlOpportunity.model_validate(shown))
    assert compare_child(DesiredChild(fields, ""), row) == ()
    assert [one.field for one in compare_child(DesiredChild({**fields, "status": "won"}, ""), row)] == ["status"]
