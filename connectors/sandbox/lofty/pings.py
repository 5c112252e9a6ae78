"""What subscribers are told, in the shapes of Lofty's webhooks: happenings become the bodies of deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from connectors.sandbox.lofty.state import Happening

AS_OBJECTS = frozenset({"updatedNote", "deletedNote"})
"""Buckets that hold one object, where the others hold an array."""


def bodies(team_id: int, list_id: int, happenings: Iterable[Happening], limit: int) -> list[bytes]:
    """The bodies that tell of one list's happenings, in order, each with at most `limit` items.

    A bucket that is an object holds one item, so a second one begins another body.
    """
    found: list[dict[str, Any]] = []
    items = 0
    for one in happenings:
        if not found or items >= limit or (one.bucket in AS_OBJECTS and one.bucket in found[-1]):
            found.append({"teamId": team_id, "listId": list_id})
            items = 0
        items += 1
        if one.bucket in AS_OBJECTS:
            found[-1][one.bucket] = one.item
        else:
            found[-1].setdefault(one.bucket, []).append(one.item)
    return [orjson.dumps(body) for body in found]


def by_list(happenings: Sequence[Happening]) -> dict[int, list[Happening]]:
    """Happenings by list, in order."""
    found: dict[int, list[Happening]] = {}
    for one in happenings:
        found.setdefault(one.list_id, []).append(one)
    return found
