"""From a Lofty note to a GHL note.

GHL's `dateAdded` cannot be written: its API has no such field.
So the first line has the time and author of the note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.mapping.ghl_fields import clean
from streams.mapping.markers import marker, with_marker
from streams.mapping.values import UnreadableValue, identity, read_instant


@dataclass(frozen=True, slots=True)
class MappedNote:
    """The desired state of a note. `body` ends with `marker`, the marker of the Lofty note."""

    body: str
    marker: str
    is_pinned: bool


def map_note(state: Mapping[str, Any]) -> MappedNote:
    """Map the state of a note. Never raises for what Lofty sends.

    An edit changes the content only: author and time of creation are stable.
    """
    author = line(state.get("creatorName")) or "unknown"
    when = moment(state.get("createTime"))
    head = f"{author} in Lofty" + (f", {when}" if when else "")
    body = f"{head}\n\n{paragraph(state.get('content'))}"
    note_id = lofty_id(state, "noteId", "id")
    return MappedNote(with_marker(body, "note", note_id), marker("note", note_id), state.get("isPin") is True)


def lofty_id(state: Mapping[str, Any], *names: str) -> str:
    """The first of these ids that the state has."""
    return next((found for name in names if (found := identity(state.get(name)))), "unknown")


def line(value: Any, limit: int = 200) -> str:
    """A value as one line of text, shortened to `limit`; nothing for what is not a text."""
    text = " ".join(clean(value).split()) if isinstance(value, str) else ""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def paragraph(value: Any) -> str:
    """A value as text of several lines; nothing for what is not a text."""
    return clean(value).strip() if isinstance(value, str) else ""


def moment(value: Any) -> str:
    """A time as `2026-04-22 10:15 UTC`, or nothing."""
    try:
        return read_instant(value)[:16].replace("T", " ") + " UTC"
    except UnreadableValue:
        return ""
