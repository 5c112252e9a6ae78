"""The bodies of Lofty's webhooks, from the changes of a team."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from connectors.sandbox.lofty.state import TeamChange

AS_OBJECTS = frozenset({"updatedNote", "deletedNote"})
"""Buckets that hold one object, where the others hold an array."""


def bodies(team_id: int, list_id: int, changes: Iterable[TeamChange], limit: int) -> list[bytes]:
    """The bodies that report one list's changes, in order, each with at most `limit` items.

    A bucket that is an object holds one item, so a second one begins another body.
    """
    found: list[dict[str, Any]] = []
    items = 0
    for one in changes:
        if not found or items >= limit or (one.bucket in AS_OBJECTS and one.bucket in found[-1]):
            found.append({"teamId": team_id, "listId": list_id})
            items = 0
        items += 1
        if one.bucket in AS_OBJECTS:
            found[-1][one.bucket] = one.item
        else:
            found[-1].setdefault(one.bucket, []).append(one.item)
    return [orjson.dumps(body) for body in found]


def by_list(changes: Sequence[TeamChange]) -> dict[int, list[TeamChange]]:
    """Changes by list, in order."""
    found: dict[int, list[TeamChange]] = {}
    for one in changes:
        found.setdefault(one.list_id, []).append(one)
    return found
