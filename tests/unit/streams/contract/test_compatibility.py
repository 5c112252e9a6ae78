"""Each way in which a later release may break a topic is one line that says what and where."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from streams.contract.compatibility import breaks
from streams.contract.form import Form, KeyForm, TopicContract
from streams.contract.schemas import record_schema
from streams.messages import Message

FIELDS: dict[str, Any] = {
    "name": (str, ...),
    "count": (int | None, None),
    "share": (float, 0.0),
    "outcome": (Literal["applied", "refused"], "applied"),
    "tags": (tuple[str, ...], ()),
    "hashes": (dict[str, str], Field(default_factory=dict)),
    "state": (dict[str, Any], Field(default_factory=dict)),
    "pair": (tuple[str, int], ("", 0)),
    "at_ms": (Annotated[int, Field(lt=2**53)], 0),
    "part": (create_model("Part", inner=(int, 0), other=(str, "")) | None, None),
}
LANE = KeyForm("connection:lead", r"^[^:]+:[^:]+$")


def schema(fields: dict[str, Any], key: KeyForm = LANE, name: str = "Planted", removes: str = "") -> dict[str, Any]:
    """The record schema of a topic with a planted model."""
    model = create_model(name, __base__=Message, **fields)
    described = ("key", "key", "planted records")
    return record_schema(TopicContract("planted", "public", (Form(model, key, (), removes),), described=described))


def changed(**fields: Any) -> dict[str, Any]:
    """The schema with some fields changed; None removes one."""
    return schema({name: one for name, one in {**FIELDS, **fields}.items() if one is not None})


NAMED = create_model("Part", other=(str, ""))

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "field removed": ({"name": None}, "Planted.name: field removed"),
    "type replaced": ({"name": (int, ...)}, "Planted.name: type narrowed: string before, integer now"),
    "null dropped": ({"count": (int, 0)}, "Planted.count: type narrowed: null before, integer now"),
    "number to integer": ({"share": (int, 0)}, "Planted.share: type narrowed: number before, integer now"),
    "enum value dropped": (
        {"outcome": (Literal["applied"], "applied")},
        "Planted.outcome: enum value dropped: 'refused'",
    ),
    "text to enum": (
        {"name": (Literal["a", "b"], ...)},
        "Planted.name: type narrowed: any string before, only 'a', 'b' now",
    ),
    "required added": ({"more": (str, ...)}, "Planted.more: required added: earlier records may lack it"),
    "default taken away": ({"share": (float, ...)}, "Planted.share: required added: earlier records may lack it"),
    "default changed": ({"share": (float, 1.0)}, "Planted.share: default changed: 0.0 before, 1.0 now"),
    "items": ({"tags": (tuple[int, ...], ())}, "Planted.tags[]: type narrowed: string before, integer now"),
    "values": (
        {"hashes": (dict[str, int], Field(default_factory=dict))},
        "Planted.hashes{}: type narrowed: string before, integer now",
    ),
    "foreign JSON": (
        {"state": (dict[str, str], Field(default_factory=dict))},
        "Planted.state{}: type narrowed: any before, string now",
    ),
    "a place in a pair": (
        {"pair": (tuple[int, int], (0, 0))},
        "Planted.pair[0]: type narrowed: string before, integer now",
    ),
    "a bound": (
        {"at_ms": (Annotated[int, Field(lt=100)], 0)},
        "Planted.at_ms: type narrowed: exclusiveMaximum 9007199254740992 before, 100 now",
    ),
    "a new bound": (
        {"name": (Annotated[str, Field(max_length=3)], ...)},
        "Planted.name: type narrowed: maxLength none before, 3 now",
    ),
    "inside of a part": ({"part": (NAMED | None, None)}, "Planted.part.inner: field removed"),
}


@pytest.mark.parametrize(("fields", "line"), BROKEN.values(), ids=BROKEN)
def test_a_break_is_one_line_with_the_reason(fields: dict[str, Any], line: str) -> None:
    """Topic, field, what was promised and what is now."""
    found = [one for one in breaks(changed(), changed(**fields)) if "default changed" not in one or "default" in line]
    assert f"planted: {line}" in found
    assert len([one for one in found if "default changed" not in one or "default" in line]) <= 2


GOOD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a field with a default": {"more": (str, "")},
    "a value of an enumeration": {"outcome": (Literal["applied", "refused", "parked"], "applied")},
    "null": {"name": (str | None, ...)},
    "integer to number": {"count": (float | None, None)},
    "a wider bound": {"at_ms": (Annotated[int, Field(lt=2**60)], 0)},
    "an enumeration becomes text": {"outcome": (str, "applied")},
    "foreign JSON of any form": {"hashes": (dict[str, Any], Field(default_factory=dict))},
}


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD)
def test_what_a_release_may_add_is_no_break(fields: dict[str, Any]) -> None:
    """As docs/topics.md says."""
    assert breaks(changed(), changed(**fields)) == []


def test_a_key_of_another_form_is_a_break() -> None:
    """Who looks records up by their keys would find nothing."""
    later = schema(FIELDS, KeyForm("lead", r"^[^:]+$"))
    assert breaks(changed(), later) == [
        "planted: Planted under connection:lead: key format changed: ^[^:]+:[^:]+$ was promised, now ^[^:]+$"
    ]


def test_a_topic_a_message_and_a_tombstone_stay() -> None:
    """What is gone is named."""
    assert breaks(changed(), None) == ["planted: topic removed"]
    assert breaks(changed(), schema(FIELDS, name="Other")) == [
        "planted: Planted under connection:lead: form of record removed"
    ]
    assert breaks(schema(FIELDS, removes="gone"), changed()) == [
        "planted: nothing under connection:lead: form of record removed"
    ]
