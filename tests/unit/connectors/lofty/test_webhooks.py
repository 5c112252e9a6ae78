"""A delivery becomes pings, or one of two errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.lofty.webhooks import BUCKETS, Parsed, Ping, parse

AT = 1_736_935_800_000


def delivery(list_id: Any, **buckets: Any) -> bytes:
    """A delivery of team 123456."""
    return json.dumps({"teamId": 123456, "listId": list_id, **buckets}).encode()


def item(**ids: int) -> dict[str, int]:
    """An item of lead 456."""
    return {"leadId": 456, "updateTime": AT, **ids}


@pytest.mark.parametrize(
    ("bucket", "operation"),
    [("createdLead", "created"), ("newLead", "created"), ("updatedLead", "updated"), ("deletedLead", "deleted")],
)
def test_list_2_says_what_became_of_the_lead(bucket: str, operation: str) -> None:
    """`newLead` is a synonym of `createdLead`."""
    parsed = parse(delivery(2, **{bucket: [item()]}))
    assert parsed == Parsed(2, "123456", (Ping("contact", "456", "456", operation, AT, "123456", 2),))  # type: ignore[arg-type]  # pytest hands parameters over as plain text


@pytest.mark.parametrize("list_id", [3, 5, 6, 7, 8, 12])
def test_whatever_happens_around_a_lead_is_a_reason_to_read_it_again(list_id: int) -> None:
    """Even a deleted transaction is no deleted lead."""
    for bucket in BUCKETS[list_id]:
        (ping,) = parse(delivery(list_id, **{bucket: [item(transactionId=9, callId=9)]})).pings
        assert (ping.kind, ping.entity_id, ping.operation) == ("contact", "456", "updated")


@pytest.mark.parametrize(
    ("list_id", "word", "id_name", "kind"),
    [(9, "Note", "noteId", "note"), (10, "Task", "taskId", "task"), (11, "Appt", "apptId", "appointment")],
)
def test_notes_tasks_and_appointments_are_named_by_their_own_id(
    list_id: int, word: str, id_name: str, kind: str
) -> None:
    """And by their lead's."""
    (ping,) = parse(delivery(list_id, **{f"updated{word}": [item(**{id_name: 7})]})).pings
    assert (ping.kind, ping.entity_id, ping.lead_id, ping.operation) == (kind, "7", "456", "updated")


@pytest.mark.parametrize("operation", ["finished", "created", "deleted"])
def test_a_finished_task_is_told_from_a_deleted_one(operation: str) -> None:
    """The bucket's name says which."""
    (ping,) = parse(delivery(10, **{f"{operation}Task": [item(taskId=7)]})).pings
    assert ping.operation == operation


@pytest.mark.parametrize("list_id", sorted(BUCKETS))
def test_every_bucket_may_be_an_array_or_an_object(list_id: int) -> None:
    """Documents show both."""
    for bucket in BUCKETS[list_id]:
        one = item(noteId=7, taskId=7, apptId=7)
        assert parse(delivery(list_id, **{bucket: one})) == parse(delivery(list_id, **{bucket: [one]}))


def test_several_buckets_share_one_delivery() -> None:
    """Their order is the body's."""
    parsed = parse(delivery(2, updatedLead=[item(), item()], deletedLead=[item()]))
    assert [one.operation for one in parsed.pings] == ["updated", "updated", "deleted"]


def test_the_same_bucket_name_means_what_its_list_means() -> None:
    """`updatedLead` of list 3 is site activity; a note's bucket is unknown to list 2."""
    assert parse(delivery(3, updatedLead=[item()])).pings[0].operation == "updated"
    with pytest.raises(UnknownWebhookShape, match="list 2: expected one of createdLead"):
        parse(delivery(2, updatedNote=item(noteId=1)))


def test_ids_as_text_are_the_same_ids() -> None:
    """Lofty writes both in places."""
    as_text = {"teamId": "123456", "listId": "2", "updatedLead": [{"leadId": "456", "updateTime": str(AT)}]}
    assert parse(json.dumps(as_text).encode()) == parse(delivery(2, updatedLead=[item()]))


@pytest.mark.parametrize(
    ("list_id", "content"), [(1, {"updatedAgent": [{"agentUserId": 7, "updateTime": AT}]}), (4, {"alertId": 7})]
)
def test_what_concerns_no_lead_has_no_pings_and_says_why(list_id: int, content: dict[str, Any]) -> None:
    """It is understood, not unknown."""
    parsed = parse(delivery(list_id, **content))
    assert parsed.pings == ()
    assert parsed.ignored is not None


def test_an_empty_bucket_has_no_pings() -> None:
    """Nor has null."""
    assert parse(delivery(2, updatedLead=[], createdLead=None)).ignored == "its buckets are empty"


@pytest.mark.parametrize("body", [b"", b"poison", b"{", b"\xff\xfe", b'{"a":1}{}'])
def test_a_body_that_is_no_json_is_not_json(body: bytes) -> None:
    """Nobody we know sent it."""
    with pytest.raises(WebhookNotJson, match="expected JSON"):
        parse(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "expected an object"),
        (b"{}", "expected listId as a number, got nothing"),
        (b'{"listId":true,"teamId":1}', "expected listId as a number, got bool"),
        (b'{"listId":2}', "expected teamId"),
        (b'{"listId":13,"teamId":1}', "listId from 1 to 12, got 13"),
        (b'{"listId":1,"teamId":1}', "expected updatedAgent"),
        (b'{"listId":2,"teamId":1,"events":[{"eventType":"LEAD_UPDATED"}]}', "got events, listId, teamId"),
        (b'{"listId":2,"teamId":1,"updatedLead":[7]}', "updatedLead: expected objects, got int"),
        (b'{"listId":2,"teamId":1,"updatedLead":[{"leadId":7}]}', "updatedLead: expected updateTime"),
        (b'{"listId":2,"teamId":1,"updatedLead":[{"updateTime":7}]}', "updatedLead: expected leadId"),
        (b'{"listId":9,"teamId":1,"updatedNote":{"leadId":7,"updateTime":7}}', "updatedNote: expected noteId"),
    ],
)
def test_json_of_another_shape_says_what_was_expected(body: bytes, words: str) -> None:
    """And what came, without any of its values."""
    with pytest.raises(UnknownWebhookShape, match=words):
        parse(body)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"teamId": ANY_JSON | st.just(1), "listId": st.integers(0, 13) | ANY_JSON},
    optional={
        bucket: ANY_JSON
        | st.lists(st.fixed_dictionaries({"leadId": ANY_JSON | st.just(1), "updateTime": ANY_JSON | st.just(AT)}))
        for buckets in BUCKETS.values()
        for bucket in buckets
    },
)


@given(ANY_JSON | NEARLY)
def test_no_json_raises_anything_but_unknown_shape(content: Any) -> None:
    """Whatever is sent, the gateway knows what to do."""
    try:
        parsed = parse(json.dumps(content).encode())
    except UnknownWebhookShape:
        return
    assert parsed.pings or parsed.ignored


@given(st.binary())
def test_no_bytes_raise_anything_but_the_two_errors(body: bytes) -> None:
    """The same for what is not JSON."""
    try:
        parsed = parse(body)
    except (WebhookNotJson, UnknownWebhookShape):
        return
    assert parsed.pings or parsed.ignored
