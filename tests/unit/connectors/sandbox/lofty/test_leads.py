"""Leads in the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.sandbox.lofty.agent_activity import edit
from connectors.sandbox.lofty.shapes import blank_lead
from tests.unit.connectors.sandbox.lofty.stage import SETTINGS, Stage


def read(stage: Stage, lead_id: int, query: str = "") -> dict[str, Any]:
    """A lead as it is answered."""
    found: dict[str, Any] = stage.ask("GET", f"/v1.0/leads/{lead_id}{query}")[1]["lead"]
    return found


def test_a_lead_is_whole_with_unset_values_as_in_reality() -> None:
    """-1, 0, "N/A", "" and null."""
    stage = Stage()
    lead = read(stage, stage.lead())
    assert lead.keys() == blank_lead(1, 1, 1).keys()
    assert (lead["leadInquiry"]["priceMin"], lead["pondId"], lead["mortgage"], lead["lastName"], lead["preQual"]) == (
        -1, 0, "N/A", "", None,
    )  # fmt: skip
    assert lead["createTime"] == "2026-04-30T17:33:32GMT"


def test_a_lead_needs_a_first_name_and_names_are_cut() -> None:
    """30 characters for names, 64 for tags."""
    stage = Stage()
    lead = read(stage, stage.lead(firstName="J" * 40, tags=["t" * 70]))
    assert (len(lead["firstName"]), len(lead["tags"][0]["tagName"])) == (30, 64)
    assert stage.ask("POST", "/v1.0/leads", {"lastName": "Vale"})[1]["code"] == 20012


def test_what_was_just_created_may_be_404_for_a_while() -> None:
    """Creation is asynchronous."""
    stage = Stage(replace(SETTINGS, visibility_lag_seconds=2.0))
    lead_id = stage.lead()
    early = stage.ask("GET", f"/v1.0/leads/{lead_id}")
    stage.now += 2.0
    assert early == (404, {"message": "BaseApplicationException:errorCode=20006,errorMsg=Lead not exist"})
    assert read(stage, lead_id)["leadId"] == lead_id


def test_a_deleted_lead_is_seen_with_trash_only() -> None:
    """And a reason is needed."""
    stage = Stage()
    lead_id = stage.lead()
    assert stage.ask("DELETE", f"/v1.0/leads/{lead_id}")[0] == 400
    assert stage.ask("DELETE", f"/v1.0/leads/{lead_id}?reason=x") == (200, {"deleted": True, "leadId": str(lead_id)})
    assert stage.ask("GET", f"/v1.0/leads/{lead_id}")[0] == 404
    assert read(stage, lead_id, "?withTrash=true")["leadId"] == lead_id
    assert stage.ask("GET", "/v1.0/leads?limit=10")[1]["leads"] == []


def test_tags_replace_are_added_removed_and_cleared() -> None:
    """Whatever their case."""
    stage = Stage()
    lead_id = stage.lead(tags=["Buyer", "VIP"])
    found = []
    for write in (
        {"tagsAdd": ["buyer", "Cash"]},
        {"tagsRemove": ["vip"]},
        {"tags": ["Seller"]},
        {"clearAllTags": True},
    ):
        stage.ask("PUT", f"/v1.0/leads/{lead_id}", write)
        found.append([one["tagName"] for one in read(stage, lead_id)["tags"]])
    assert found == [["Buyer", "VIP", "Cash"], ["Buyer", "Cash"], ["Seller"], []]


def test_write_names_become_read_names() -> None:
    """`inquiry`, `property`, `customAttributeList` and `isHidden` are read under other names, and merge."""
    stage = Stage()
    lead_id = stage.lead(
        inquiry={"priceMax": 5},
        property={"city": "Austin"},
        customAttributeList=[{"attributeName": "A", "attributeType": "text", "value": "1"}],
    )
    property_id = read(stage, lead_id)["leadPropertyList"][0]["id"]
    change = {
        "inquiry": {"bedroomsMin": 3},
        "property": {"id": property_id, "city": "Waco"},
        "customAttributeList": [{"attributeName": "B", "attributeType": "text", "value": "2"}],
        "isHidden": True,
        "leadTypes": [2, 1],
    }
    stage.ask("PUT", f"/v1.0/leads/{lead_id}", change)
    lead = read(stage, lead_id)
    assert (lead["leadInquiry"]["priceMax"], lead["leadInquiry"]["bedroomsMin"]) == (5, 3)
    assert [one["city"] for one in lead["leadPropertyList"]] == ["Waco"]
    assert [one["value"] for one in lead["customAttributes"]] == ["1", "2"]
    assert (lead["hiddenFlag"], lead["leadType"]) == (True, 2)


def test_a_refused_write_changes_nothing() -> None:
    """Not even its other fields."""
    stage = Stage()
    lead_id = stage.lead()
    before = read(stage, lead_id)
    status, _ = stage.ask("PUT", f"/v1.0/leads/{lead_id}", {"lastName": "Vale", "property": {"city": ""}})
    assert (status, read(stage, lead_id)) == (400, before)


@pytest.mark.parametrize(
    ("again", "is_same"),
    [
        ({"emails": ["JANE@example.com"], "firstName": "Bo"}, True),
        ({"phones": ["+1 (512) 555-0134"]}, True),
        ({"phones": ["+1 (512) 555-0134"], "emails": ["other@example.com"]}, True),
        ({"phones": ["+1 (512) 555-0134"], "firstName": "Bo"}, False),
        ({}, False),
    ],
)
def test_a_person_that_exists_is_merged(again: dict[str, Any], is_same: bool) -> None:
    """By e-mail whatever its case, or by name and phone however it is written: a couple has one telephone."""
    stage = Stage()
    lead_id = stage.lead(firstName="Jane", emails=["jane@example.com"], phones=["5125550134"])
    again = {"firstName": "Jane", **again}
    assert (stage.lead(**again, background="x") == lead_id) is is_same


def test_two_of_one_name_without_telephones_are_one_person() -> None:
    """Lofty's rule where nothing else tells them apart."""
    stage = Stage()
    assert stage.lead(firstName="Jane") == stage.lead(firstName="JANE ")


def test_the_update_time_only_ever_grows() -> None:
    """So that no two pings of a lead carry the same time, even within one millisecond."""
    stage = Stage()
    lead_id = stage.lead()
    for number in range(3):
        stage.ask("PUT", f"/v1.0/leads/{lead_id}", {"lastName": str(number)})
    times = [one.item["updateTime"] for one in stage.team.outbox]
    assert times == sorted(set(times))
    assert len(times) == 4


# -- lists ---------------------------------------------------------------------------------------------------


def ids(answer: dict[str, Any]) -> list[int]:
    """The leads of a page."""
    return [one["leadId"] for one in answer["leads"]]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_is_from_1_to_100(limit: int) -> None:
    """Else 20042."""
    words = "BaseApplicationException:errorCode=20042,errorMsg=Limit must be between 1 and 100"
    assert Stage().ask("GET", f"/v1.0/leads?limit={limit}") == (400, {"message": words})


def test_unknown_parameters_are_ignored_and_the_default_is_25() -> None:
    """`pageSize` is none of Lofty's: the answer is 200, and shows its limit."""
    status, answer = Stage().ask("GET", "/v1.0/leads?pageSize=100")
    assert (status, answer["_metadata"]["limit"]) == (200, 25)


def test_leads_come_newest_first_or_in_the_order_of_creation() -> None:
    """`sort=CreateTime&desc=false` keeps offsets stable while leads are added."""
    stage = Stage()
    made = [stage.lead() for _ in range(3)]
    assert ids(stage.ask("GET", "/v1.0/leads?limit=2")[1]) == [made[2], made[1]]
    assert ids(stage.ask("GET", "/v1.0/leads?limit=2&offset=1&sort=CreateTime&desc=false")[1]) == made[1:]


def test_a_scroll_is_a_snapshot() -> None:
    """What is added meanwhile does not shift it; what is deleted leaves a hole."""
    stage = Stage()
    made = [stage.lead() for _ in range(4)]
    first = stage.ask("GET", "/v1.0/leads?limit=2&sort=CreateTime&desc=false")[1]
    stage.lead()
    stage.ask("DELETE", f"/v1.0/leads/{made[2]}?reason=x")
    second = stage.ask("GET", f"/v1.0/leads?limit=2&scrollId={first['_metadata']['scrollId']}")[1]
    assert (ids(first), ids(second), second["_metadata"]["total"]) == (made[:2], [made[3]], 4)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("email=JANE@example.com", True),
        ("phone=512-555-0134", True),
        ("source=Website", True),
        ("stage=Hot", True),
        ("allTags=buyer,vip", True),
        ("anyTags=VIP,Cash", True),
        ("key=jane", True),
        ("email=a@example.com", False),
        ("allTags=Buyer,Cash", False),
        ("anyTags=Cash", False),
        ("assignedUserId=5", False),
    ],
)
def test_filters_filter(query: str, fits: bool) -> None:
    """The few that are imitated."""
    stage = Stage()
    stage.lead(emails=["jane@example.com"], phones=["5125550134"], source="Website", stage="Hot", tags=["Buyer", "VIP"])
    assert len(stage.ask("GET", f"/v1.0/leads?limit=10&{query}")[1]["leads"]) == int(fits)


def test_an_unknown_stage_is_404() -> None:
    """Seen live: `New` is not `New Leads`."""
    stage = Stage()
    stage.lead()
    assert stage.ask("GET", "/v1.0/leads?limit=10&stage=New")[0] == 404


@pytest.mark.parametrize("flag", ["cannotText", "cannotCall", "cannotEmail", "unsubscription"])
def test_opt_outs_are_set_by_the_api_and_reported(flag: str) -> None:
    """Each of the four flags, alone."""
    stage = Stage()
    lead_id = stage.lead()
    before = {
        name: read(stage, lead_id)[name] for name in ("cannotText", "cannotCall", "cannotEmail", "unsubscription")
    }
    assert not any(before.values())
    updated = read(stage, lead_id)["lastUpdateTime"]
    stage.now += 2
    assert stage.ask("PUT", f"/v1.0/leads/{lead_id}", {flag: True})[0] == 200
    lead = read(stage, lead_id)
    assert {name: lead[name] for name in before} == before | {flag: True}
    assert lead["lastUpdateTime"] != updated


def test_a_merged_lead_is_dead_and_what_hung_on_it_hangs_on_the_other() -> None:
    """Its id is 404, in the trash, too; e-mails are those of both. Notes keep their ids."""
    stage = Stage()
    ann, bo = stage.lead(emails=["ann@example.com"]), stage.lead(emails=["bo@example.com"])
    note = stage.ask("POST", "/v1.0/notes", {"leadId": bo, "content": "x", "isPin": False})[1]["noteId"]
    team = next(iter(stage.sandbox.teams.values()))
    edit(stage.sandbox, team, {"edit": "merge", "kind": "lead", "id": bo, "into": ann})
    assert [stage.ask("GET", f"/v1.0/leads/{bo}{query}")[0] for query in ("", "?withTrash=true")] == [404, 404]
    assert read(stage, ann)["emails"] == ["ann@example.com", "bo@example.com"]
    listed = stage.ask("GET", f"/v1.0/notes?leadId={ann}")[1]["notes"]
    assert [(one["noteId"], one["leadId"]) for one in listed] == [(note, ann)]


def test_a_lead_that_is_created_a_second_time_may_get_a_dead_id() -> None:
    """It is merged into the one that is there, and the answer names the absorbed one."""
    stage = Stage(replace(SETTINGS, merges_to_dead_ids=True))
    ann = stage.lead(emails=["ann@example.com"])
    status, answer = stage.ask("POST", "/v1.0/leads", {"firstName": "Ann", "emails": ["ann@example.com"], "city": "X"})
    assert (status, read(stage, ann)["city"]) == (200, "X")
    assert stage.ask("GET", f"/v1.0/leads/{answer['leadId']}")[0] == 404


def test_lead_pipelines_are_the_stages_that_leads_can_be_in() -> None:
    """In pages that begin with 0, narrowed by a part of the name; an update moves a lead into one of them."""
    stage = Stage()
    for name in ("New Leads", "Hot", "Hot Seller"):
        stage.team.stage_id(name)
    path = "/v1.0/teamFeatures/lead-pipelines"
    names = [
        [one["name"] for one in stage.ask("GET", f"{path}?{query}")[1]["pipelines"]]
        for query in ("", "currPage=1&pageSize=2", "name=hot")
    ]
    assert names == [["New Leads", "Hot", "Hot Seller"], ["Hot Seller"], ["Hot", "Hot Seller"]]
    assert stage.ask("GET", f"{path}?pageSize=0")[0] == 400
    lead_id = stage.lead()
    stage.ask("PUT", f"/v1.0/leads/{lead_id}", {"stage": "Hot"})
    lead = stage.ask("GET", f"/v1.0/leads/{lead_id}")[1]["lead"]
    assert (lead["stage"], lead["stageId"]) == ("Hot", stage.team.stages["Hot"])
