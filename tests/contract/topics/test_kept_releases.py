"""What a release wrote is read by every later one, and no promise of a topic is taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from streams.contract.compatibility import breaks
from streams.contract.contracts import BY_TOPIC
from streams.contract.schemas import record_schema
from streams.messages import Message
from tests.contract.topics.keep import kept_records, kept_schemas, present, releases, written

KEPT = [(release, record) for release in releases() for record in kept_records(release)]


def name_of(value: Any) -> str:
    """For the names of tests."""
    return f"{value['topic']}-{value['message']}" if isinstance(value, dict) else str(value)


def model_of(record: dict[str, Any]) -> type[Message]:
    """The model of the working tree for a kept record."""
    forms = BY_TOPIC[record["topic"]].forms
    return next(form.model for form in forms if form.model.__name__ == record["message"])


@pytest.mark.parametrize("release", releases())
def test_no_promise_of_a_release_is_broken(release: str) -> None:
    """If a line is right and must be: another topic, or a higher `v` (`streams/messages/message.py`)."""
    found = []
    for topic, before in kept_schemas(release).items():
        now = record_schema(BY_TOPIC[topic]) if topic in BY_TOPIC else None
        found += breaks(before, now)
    assert found == []


@pytest.mark.parametrize(("release", "record"), KEPT, ids=name_of)
def test_a_record_of_a_release_is_read_with_all_that_it_says(release: str, record: dict[str, Any]) -> None:
    """Each field that it has still is there, with the same value."""
    message = model_of(record).from_bytes(json.dumps(record["value"]).encode())
    assert lost(record["value"], message.model_dump(mode="json")) == [], release


@pytest.mark.parametrize(("release", "record"), KEPT, ids=name_of)
def test_a_record_of_a_release_is_valid_today(release: str, record: dict[str, Any]) -> None:
    """By the schema of its topic, with its key."""
    assert faults(record) == [], release


@pytest.mark.parametrize("record", list(written()), ids=name_of)
def test_what_is_shown_as_an_example_is_valid(record: dict[str, Any]) -> None:
    """Each record of the contract, by the schema that is made from it."""
    assert faults(record) == []


def test_each_form_of_the_present_release_is_kept() -> None:
    """If not: `python -m tests.contract.topics.keep`."""
    kept = {(one["topic"], one["message"]) for one in kept_records(present())}
    assert {(one["topic"], one["message"]) for one in written()} - kept == set()
    assert {one["topic"] for one in written()} - set(kept_schemas(present())) == set()


def faults(record: dict[str, Any]) -> list[str]:
    """What the schema of a record's topic says against it."""
    validator = OAS31Validator(record_schema(BY_TOPIC[record["topic"]]))
    return [error.message for error in validator.iter_errors({"key": record["key"], "value": record["value"]})]


def lost(before: Any, now: Any, path: str = "value") -> list[str]:
    """What a value said and no longer says."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [line for name, one in before.items() for line in lost(one, now.get(name), f"{path}.{name}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            line
            for number, (one, other) in enumerate(zip(before, now, strict=True))
            for line in lost(one, other, f"{path}[{number}]")
        ]
    return [] if before == now else [f"{path}: {before!r}, now {now!r}"]
