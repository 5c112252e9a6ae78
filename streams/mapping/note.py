"""From a Lofty note to a GHL note.

GHL's `dateAdded` cannot be written: its API has no such field.
So the time and author of the note stand in its first line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.mapping.ghl_fields import clean
from streams.mapping.markers import marker, with_marker
from streams.mapping.readable import Unreadable, read_instant


@dataclass(frozen=True, slots=True)
class MappedNote:
    """What a note shall be. `body` ends with `marker`, that of the Lofty note."""

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
    lofty_id = identity(state, "noteId", "id")
    return MappedNote(with_marker(body, "note", lofty_id), marker("note", lofty_id), state.get("isPin") is True)


def identity(state: Mapping[str, Any], *names: str) -> str:
    """The first of these ids that the state has, as text."""
    for name in names:
        value = state.get(name)
        if isinstance(value, (int, str)) and not isinstance(value, bool) and str(value)[:65].strip():
            return "".join(c for c in str(value)[:64] if c.isascii() and (c.isalnum() or c in "-_")) or "unknown"
    return "unknown"


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
    except Unreadable:
        return ""
