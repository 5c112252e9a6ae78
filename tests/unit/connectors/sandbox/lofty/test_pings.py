"""What subscribers hear, and in which shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lofty.webhooks import BUCKETS, parse
from connectors.sandbox.lofty.pings import AS_OBJECTS, bodies
from connectors.sandbox.lofty.state import TeamChange
from tests.unit.connectors.sandbox.lofty.stage import SETTINGS, Stage
from tests.unit.connectors.sandbox.lofty.test_children import note_of, task_of


def test_edits_of_a_lead_are_told_on_list_2_and_a_stage_on_list_12_too() -> None:
    """The latter says from where to where."""
    stage = Stage()
    lead_id = stage.lead()
    stage.ask("PUT", f"/v1.0/leads/{lead_id}", {"stage": "Hot"})
    stage.ask("PUT", f"/v1.0/leads/{lead_id}", {"stage": "Hot"})
    change = next(one.item["changeInfo"] for one in stage.team.outbox if one.list_id == 12)
    stage.ask("DELETE", f"/v1.0/leads/{lead_id}?reason=x")
    assert change == {"oldstage": "New Leads", "newstage": "Hot"}
    assert stage.told() == [
        (2, "createdLead"),
        (2, "updatedLead"),
        (12, "updatedLeadstage"),
        (2, "updatedLead"),
        (2, "deletedLead"),
    ]


def test_notes_and_tasks_are_told_on_their_own_lists() -> None:
    """A reopened task is an updated one."""
    stage = Stage()
    lead_id = stage.lead()
    stage.told()
    note, task = f"/v1.0/notes/{note_of(stage, lead_id)}", f"/v2.0/tasks/{task_of(stage, lead_id)}"
    stage.ask("PUT", note, {"leadId": lead_id, "content": "x", "isPin": False})
    stage.ask("DELETE", note)
    for word in ("finish", "unfinish"):
        stage.ask("POST", f"{task}/{word}")
    stage.ask("DELETE", task)
    assert stage.told() == [
        (9, "createdNote"), (10, "createdTask"), (9, "updatedNote"), (9, "deletedNote"),
        (10, "finishedTask"), (10, "updatedTask"), (10, "deletedTask"),
    ]  # fmt: skip


def test_writes_by_api_can_be_silent() -> None:
    """Nobody knows whether Lofty reports them."""
    stage = Stage(replace(SETTINGS, pings_own_writes=False))
    stage.lead()
    assert stage.told() == []


def test_reads_and_refusals_tell_nothing() -> None:
    """Only a change is a change."""
    stage = Stage()
    stage.ask("GET", "/v1.0/leads?limit=1")
    stage.ask("POST", "/v1.0/leads", {})
    assert stage.told() == []


def happened(bucket: str, number: int) -> TeamChange:
    """Something on list 9."""
    return TeamChange(9, bucket, {"noteId": number, "leadId": 1, "updateTime": 1_736_935_800_000})


def test_an_object_holds_one_so_a_second_one_needs_another_delivery() -> None:
    """`createdNote` is an array, `updatedNote` is not."""
    found = bodies(7, 9, [happened("createdNote", 1), happened("updatedNote", 2), happened("createdNote", 3),
                          happened("updatedNote", 4)], 100)  # fmt: skip
    first, second = (orjson.loads(one) for one in found)
    assert (first["teamId"], first["listId"]) == (7, 9)
    assert [one["noteId"] for one in first["createdNote"]] == [1, 3]
    assert (first["updatedNote"]["noteId"], second["updatedNote"]["noteId"]) == (2, 4)


@given(
    st.sampled_from(sorted(BUCKETS)).flatmap(
        lambda list_id: st.tuples(
            st.just(list_id), st.lists(st.sampled_from(sorted(BUCKETS[list_id])), min_size=1, max_size=30)
        )
    ),
    st.integers(1, 10),
)
def test_whatever_is_told_is_read_back_in_order_and_in_full(told: tuple[int, list[str]], limit: int) -> None:
    """By the very parser of the gateway; no body holds more than its limit."""
    list_id, buckets = told
    things = [
        TeamChange(list_id, bucket, {"leadId": at, "updateTime": at, "noteId": at, "taskId": at, "apptId": at})
        for at, bucket in enumerate(buckets, 1)
    ]
    parsed = [parse(one) for one in bodies(7, list_id, things, limit)]
    heard: list[Any] = [ping.entity_id for one in parsed for ping in one.pings]
    assert sorted(map(int, heard)) == list(range(1, len(buckets) + 1))
    assert max(len(one.pings) for one in parsed) <= limit


@pytest.mark.parametrize("bucket", sorted(AS_OBJECTS))
def test_the_buckets_that_are_objects_are_written_as_objects(bucket: str) -> None:
    """As Lofty's samples show them."""
    (body,) = bodies(7, 9, [happened(bucket, 1)], 100)
    assert isinstance(orjson.loads(body)[bucket], dict)
