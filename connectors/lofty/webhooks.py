"""Lofty's webhooks: one delivery becomes the pings in it. A ping says that something changed, never what.

There is no envelope beside `teamId` and `listId`, no event id and no signature.
A list has buckets (`createdLead`), a bucket has items; documents show arrays and objects, so either is taken.
The same bucket name means different things on different lists: what counts is always the `listId`.

| listId | what | becomes |
| --- | --- | --- |
| 1, 4 | agent, listing alert | nothing: no lead is concerned |
| 2 | lead | contact, as the bucket says |
| 3, 5, 6, 7, 8, 12 | activity, transaction, call, e-mail, text, stage | contact updated: a reason to read it again |
| 9 | note | note |
| 10 | task | task |
| 11 | appointment | appointment |

Source: Lofty's developer site, concepts/webhooks. `newLead` is a guess of third parties for `createdLead`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.http.json_reader import UnreadableJson, read
from connectors.lofty.times import parse_time_ms

Kind = Literal["contact", "note", "task", "appointment"]
Happened = Literal["created", "updated", "finished", "deleted"]


@dataclass(frozen=True, slots=True)
class Ping:
    """One item of a bucket: this entity of this lead changed at this time (epoch milliseconds)."""

    kind: Kind
    entity_id: str
    lead_id: str
    operation: Happened
    update_time_ms: int
    team_id: str
    list_id: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """A delivery that was understood. Without pings, `ignored` says why that is right."""

    list_id: int
    team_id: str
    pings: tuple[Ping, ...]
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class _Bucket:
    kind: Kind
    operation: Happened
    id_field: str = "leadId"


def _leads(*names: str) -> dict[str, _Bucket]:
    return {name: _Bucket("contact", "updated") for name in names}


def _children(kind: Kind, word: str, id_field: str, *operations: Happened) -> dict[str, _Bucket]:
    return {f"{operation}{word}": _Bucket(kind, operation, id_field) for operation in operations}


BUCKETS: Mapping[int, Mapping[str, _Bucket]] = {
    2: {
        "createdLead": _Bucket("contact", "created"),
        "newLead": _Bucket("contact", "created"),
        "updatedLead": _Bucket("contact", "updated"),
        "deletedLead": _Bucket("contact", "deleted"),
    },
    3: _leads("updatedLead"),
    5: _leads("createdTransaction", "updatedTransaction", "deletedTransaction"),
    6: _leads("createdCall"),
    7: _leads("createdEmail"),
    8: _leads("createdText"),
    9: _children("note", "Note", "noteId", "created", "updated", "deleted"),
    10: _children("task", "Task", "taskId", "created", "updated", "finished", "deleted"),
    11: _children("appointment", "Appt", "apptId", "created", "updated", "finished", "deleted"),
    12: _leads("updatedLeadstage"),
}
"""Every bucket that concerns a lead, by list."""

WITHOUT_LEAD: Mapping[int, tuple[str, str]] = {
    1: ("updatedAgent", "a change of an agent concerns no lead"),
    4: ("alertId", "a listing alert concerns no lead"),
}
"""The lists that never name a lead: the field that marks them, and why they are ignored."""


def parse(body: bytes) -> Parsed:
    """The pings of one delivery, in the order of the body.

    Raises `WebhookNotJson` or `UnknownWebhookShape`, and nothing else: one item that cannot be read makes the whole delivery unknown,
    so that nothing of it is lost in silence.
    """
    try:
        content = read(body).value
    except UnreadableJson as error:
        raise WebhookNotJson(str(error)) from None
    if not isinstance(content, dict):
        raise UnknownWebhookShape(f"expected an object with teamId and listId, got {type(content).__name__}")
    list_id = int(_id(content, "listId", "the delivery"))
    team_id = _id(content, "teamId", "the delivery")
    if list_id in WITHOUT_LEAD:
        mark, why = WITHOUT_LEAD[list_id]
        if mark not in content:
            raise UnknownWebhookShape(f"list {list_id}: expected {mark}, got {_names(content)}")
        return Parsed(list_id, team_id, (), why)
    if list_id not in BUCKETS:
        raise UnknownWebhookShape(f"expected a listId from 1 to 12, got {list_id}")
    buckets = BUCKETS[list_id]
    if not content.keys() & buckets.keys():
        raise UnknownWebhookShape(f"list {list_id}: expected one of {', '.join(buckets)}, got {_names(content)}")
    pings = tuple(
        _ping(item, bucket, name, team_id, list_id)
        for name, held in content.items()
        if (bucket := buckets.get(name)) is not None
        for item in _items(held, name)
    )
    return Parsed(list_id, team_id, pings, None if pings else "its buckets are empty")


def _items(held: Any, name: str) -> Iterator[Mapping[str, Any]]:
    for item in held if isinstance(held, list) else [] if held is None else [held]:
        if not isinstance(item, dict):
            raise UnknownWebhookShape(f"{name}: expected objects, got {type(item).__name__}")
        yield item


def _ping(item: Mapping[str, Any], bucket: _Bucket, name: str, team_id: str, list_id: int) -> Ping:
    update_time_ms = parse_time_ms(item.get("updateTime"))
    if update_time_ms is None:
        raise UnknownWebhookShape(
            f"{name}: expected updateTime in epoch milliseconds, got {_kind(item.get('updateTime'))}"
        )
    return Ping(
        bucket.kind,
        _id(item, bucket.id_field, name),
        _id(item, "leadId", name),
        bucket.operation,
        update_time_ms,
        team_id,
        list_id,
    )


def _id(held: Mapping[str, Any], field: str, where: str) -> str:
    """An id as text: Lofty writes int64 numbers, and in some places the same number as a string."""
    value = held.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return str(int(value))
    raise UnknownWebhookShape(f"{where}: expected {field} as a number, got {_kind(value)}")


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _names(content: Mapping[str, Any]) -> str:
    return ", ".join(sorted(content)[:12]) or "an empty object"
