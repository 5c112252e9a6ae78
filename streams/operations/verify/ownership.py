"""What is ours to judge: entities that nobody is working on, and differences in what we own."""

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
    """What is under way, or waits for a person, is not judged. None: nobody is working on it."""
    if standing.parked:
        return Finding(key, "parked", f"waits for its next change or a person: {standing.parked}")
    if standing.is_pending:
        return Finding(key, "pending", "a newer state is on its way to GHL")
    if standing.version_ms > snapshot.version_ms:
        return Finding(key, "pending", "GHL is at a newer state than was read here")
    return None


def owned(differences: Iterable[FieldDifference], standing: Standing) -> tuple[FieldDifference, ...]:
    """The differences that we may mend: what Lofty leaves empty is ours only where we wrote something before."""
    return tuple(
        one
        for one in differences
        if (one.wanted not in (None, "", []) or one.field in standing.written) and not _reads_the_same(one)
    )


def _reads_the_same(difference: FieldDifference) -> bool:
    """A text that GHL's editor put markup around says what it said before. Only bodies of notes and tasks are edited so."""
    return difference.field == "body" and _plain(difference.wanted) == _plain(difference.found)


def _plain(value: Any) -> str:
    return " ".join(html.unescape(_MARKUP.sub(" ", value)).split()) if isinstance(value, str) else ""
