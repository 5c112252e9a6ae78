"""Which notes, tasks and appointments are carried at all."""

from __future__ import annotations

from typing import Any

import pytest

from streams.mapping import is_deleted, should_sync


@pytest.mark.parametrize(
    ("kind", "state", "is_carried"),
    [
        ("note", {"content": "hello"}, True),
        ("note", {"content": "hello", "systemNote": True}, False),
        ("note", {"content": "hello", "deleteFlag": True}, False),
        ("note", {"content": "  "}, False),
        ("note", {}, False),
        ("task", {"content": ""}, True),
        ("task", {"deleteFlag": True}, False),
        ("appointment", {"deleteFlag": True}, False),
        ("contact", {}, True),
    ],
)
def test_system_notes_empty_notes_and_deleted_things_are_not_carried(
    kind: Any, state: dict[str, Any], is_carried: bool
) -> None:
    """Everything else is."""
    assert should_sync(kind, state) is is_carried


def test_lofty_says_itself_when_something_is_deleted() -> None:
    """Then it is removed from GHL too, which is more than not syncing it."""
    assert is_deleted("note", {"deleteFlag": True})
    assert not is_deleted("note", {"deleteFlag": False, "systemNote": True})
