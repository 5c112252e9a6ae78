"""Decides what verify may judge: entities that nobody is working on, and differences in what we own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

from streams.core.to_ghl.compare import FieldDifference
from streams.messages import Snapshot, Standing
from streams.operations.verify.findings import Finding

_MARKUP = re.compile(r"<[^<>]{1,200}>")


def on_its_way(key: str, snapshot: Snapshot, standing: Standing) -> Finding | None:
    """The finding for an entity that is being written or waits for a person. None: nobody is working on it, so it can be judged."""
    if standing.parked:
        return Finding(key, "parked", f"waits for its next change or a person: {standing.parked}")
    if standing.is_pending:
        return Finding(key, "pending", "a newer state is on its way to GHL")
    if standing.version_ms > snapshot.version_ms:
        return Finding(key, "pending", "GHL is at a newer state than was read here")
    return None


def owned(differences: Iterable[FieldDifference], standing: Standing) -> tuple[FieldDifference, ...]:
    """The differences that we may repair. A field that is empty in Lofty is ours only if we wrote it before."""
    return tuple(
        one
        for one in differences
        if (one.wanted not in (None, "", []) or one.field in standing.written) and not _reads_the_same(one)
    )


def _reads_the_same(difference: FieldDifference) -> bool:
    """Whether two texts differ only in the markup that GHL's editor adds. It does so only to the bodies of notes and tasks."""
    return difference.field == "body" and _plain(difference.wanted) == _plain(difference.found)


def _plain(value: Any) -> str:
    return " ".join(html.unescape(_MARKUP.sub(" ", value)).split()) if isinstance(value, str) else ""
