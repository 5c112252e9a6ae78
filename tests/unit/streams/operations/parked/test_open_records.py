"""What is open of all that was ever parked, and what sends it on its way again."""

from __future__ import annotations

from typing import Any

import pytest

from streams.messages import Change, Parked, ParkedDecision
from streams.messages.parked import Stage
from streams.messages.partitioning import partition_of
from streams.messages.topics import TopicNames
from streams.operations.parked.open_records import (
    ParkedItem,
    RecordFilter,
    RetryRecord,
    by_cause,
    partition_of_output,
    retry_outputs,
    still_open,
)

NAMES = TopicNames("x.")
PLACES = {"loc-acme": 3}
TEAMS = {"acme": "123"}
KEY = "acme:7:contact:7"
DELIVERY = b'{"teamId": 123, "listId": 2, "updatedLead": [{"leadId": 7, "updateTime": 1736935860000}]}'


def place(number: int, stage: Stage = "deliver", reason: str = "refused", **facts: Any) -> ParkedItem:
    """A record at offset `number`, parked at second `number`."""
    given = {"message": "no", "source": "create contact", "entity": KEY, "connection": "acme"} | facts
    original = Parked.encode(given.pop("original", b"x"))
    return ParkedItem(
        f"0@{number}", Parked(stage=stage, reason=reason, at_ms=1000 * number, original=original, **given)
    )


def resolved(*ids: str) -> dict[str, ParkedDecision]:
    """What was decided."""
    return {one: ParkedDecision(record=one, decision="discarded", at_ms=0) for one in ids}


def test_an_entity_is_open_once_with_its_newest_record_while_its_row_says_so() -> None:
    """It may have been parked many times; what was settled since is not open."""
    places = [place(1), place(2), place(3, entity="acme:8:contact:8")]
    open_ = still_open(places, {}, frozenset({("deliver", KEY)}))
    assert [one.id for one in open_] == ["0@2"]


def test_a_lead_that_became_visible_is_not_open() -> None:
    """Its row was read since, though nobody decided."""
    hidden = place(1, "fetch", "not visible")
    assert still_open([hidden], {}, frozenset()) == []
    assert still_open([hidden], {}, frozenset({("fetch", KEY)})) == [hidden]


def test_what_no_row_tells_of_is_open_until_it_is_decided_about() -> None:
    """A delivery, a record that cannot be read."""
    places = [place(1, "intake", "unknown shape", entity=None), place(2, "dedupe", "unreadable")]
    assert [one.id for one in still_open(places, {}, frozenset())] == ["0@1", "0@2"]
    assert [one.id for one in still_open(places, resolved("0@1"), frozenset())] == ["0@2"]


def test_a_record_that_was_decided_about_does_not_hide_a_newer_one() -> None:
    """It was tried again and failed again."""
    rows = frozenset({("deliver", KEY)})
    assert [one.id for one in still_open([place(1), place(2)], resolved("0@1"), rows)] == ["0@2"]


def test_causes_are_grouped_with_the_most_frequent_first() -> None:
    """By connection, stage and reason."""
    groups = by_cause([place(1), place(2, reason="duplicate"), place(3, reason="duplicate", connection=None)])
    assert [(cause, len(some)) for cause, some in groups] == [
        (("acme", "deliver", "duplicate"), 2),
        (("acme", "deliver", "refused"), 1),
    ]


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (RecordFilter(), True),
        (RecordFilter(connection="acme"), True),
        (RecordFilter(connection="other"), False),
        (RecordFilter(reason="refused", stage="deliver"), True),
        (RecordFilter(reason="duplicate"), False),
        (RecordFilter(entity="7"), True),
        (RecordFilter(entity="8"), False),
        (RecordFilter(entity="acme:7:*"), True),
        (RecordFilter(entity="acme:7:note:*"), False),
        (RecordFilter(id="0@1"), True),
        (RecordFilter(id="0@2"), False),
    ],
)
def test_a_filter_takes_what_it_names(wanted: RecordFilter, *, takes: bool) -> None:
    """An empty field is any."""
    assert wanted.takes(place(1)) is takes


def test_an_entity_is_read_again_whatever_its_bytes_say() -> None:
    """Its state may have changed; `dedupe` lets a replay through."""
    outputs = retry_outputs(place(1), TEAMS, NAMES, 9, PLACES)
    assert isinstance(outputs, list)
    (output,) = outputs
    change = Change.from_bytes(output.value)
    assert (output.topic, output.key, change.entity.key, change.origin) == ("x.lofty.changes", b"acme:7", KEY, "replay")
    assert partition_of_output(output, 8) == partition_of("acme:7", 8)


def test_bytes_that_could_not_be_read_go_where_they_came_from() -> None:
    """A newer version may read them."""
    one = place(1, "record", "unreadable", source="x.ghl.receipts/3@17", original=b"bytes")
    assert retry_outputs(one, TEAMS, NAMES, 9, PLACES) == [RetryRecord("x.ghl.receipts", 3, KEY.encode(), b"bytes")]


def test_a_delivery_is_taken_in_once_more() -> None:
    """If its shape is known by now."""
    outputs = retry_outputs(
        place(1, "intake", "unknown shape", entity=None, original=DELIVERY), TEAMS, NAMES, 9, PLACES
    )
    assert isinstance(outputs, list)
    assert Change.from_bytes(outputs[0].value).entity.key == KEY


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (place(1, "intake", "unknown shape", original=b'{"listId": 99}'), "its shape is still unknown"),
        (place(1, "intake", "wrong team", original=DELIVERY.replace(b"123", b"5")), "it is of team 5"),
        (place(1, "intake", "wrong team", connection="gone"), "connection 'gone' is not in this configuration"),
        (place(1, "record", "unreadable", source="nowhere"), "names no topic"),
    ],
)
def test_what_cannot_be_tried_again_says_why(one: ParkedItem, why: str) -> None:
    """And stays parked."""
    found = retry_outputs(one, TEAMS, NAMES, 9, PLACES)
    assert isinstance(found, str)
    assert why in found
