"""From a Lofty note to a GHL note.

GHL's `dateAdded` cannot be written: its API has no such field.
So the first line has the time and author of the note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from streams.mapping.ghl_fields import clean
from streams.mapping.locale import PLAIN, Locale, zone_of
from streams.mapping.markers import marker, with_marker
from streams.mapping.steps import as_text
from streams.mapping.values import UnreadableValue, identity, read_moment


@dataclass(frozen=True, slots=True)
class MappedNote:
    """The desired state of a note. `body` ends with `marker`, the marker of the Lofty note.

    `flags` say which of its values could not be read.
    """

    body: str
    marker: str
    is_pinned: bool
    flags: tuple[str, ...] = ()


def map_note(state: Mapping[str, Any], *, locale: Locale = PLAIN) -> MappedNote:
    """Map the state of a note. Never raises for what Lofty sends. Its time is shown in the locale's zone.

    An edit changes the content only: author and time of creation are stable.
    """
    said = Said(state)
    author = said.line("creatorName") or "unknown"
    when = said.moment("createTime", zone_of(state, locale))
    head = f"{author} in Lofty" + (f", {when}" if when else "")
    body = f"{head}\n\n{said.paragraph('content')}"
    note_id = lofty_id(state, "noteId", "id")
    return MappedNote(
        with_marker(body, "note", note_id), marker("note", note_id), state.get("isPin") is True, tuple(said.flags)
    )


class Said:
    """What Lofty says of a note, task or appointment, as text. What cannot be read, or is too long, gets a flag."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = state
        self.flags: list[str] = []

    def line(self, name: str, limit: int = 200) -> str:
        """A value as one line of text, shortened to `limit`; nothing for what is no text."""
        text = " ".join(self._text(name).split())
        if len(text) > limit:
            self._flag(name, f"shortened to {limit} characters")
        return line(text, limit)

    def paragraph(self, name: str) -> str:
        """A value as text of several lines; nothing for what is no text."""
        return self._text(name).strip()

    def moment(self, name: str, zone: tzinfo = UTC) -> str:
        """A time as `2026-04-22 05:15 CDT`, or nothing."""
        value = self.state.get(name)
        try:
            return read_moment(value, zone)
        except UnreadableValue as error:
            if value:
                self._flag(name, str(error))
            return ""

    def unreadable(self, name: str, error: UnreadableValue) -> None:
        """Flag a value that somebody else tried to read."""
        if self.state.get(name):
            self._flag(name, str(error))

    def _text(self, name: str) -> str:
        value = self.state.get(name)
        if value is None or isinstance(value, bool):
            return ""
        try:
            return clean(as_text(value))
        except UnreadableValue as error:
            self.unreadable(name, error)
            return ""

    def _flag(self, name: str, trouble: str) -> None:
        if (flag := f"{name}: {trouble}") not in self.flags:
            self.flags.append(flag)


def lofty_id(state: Mapping[str, Any], *names: str) -> str:
    """The first of these ids that the state has."""
    return next((found for name in names if (found := identity(state.get(name)))), "unknown")


def line(text: str, limit: int) -> str:
    """A text as one line, shortened to `limit`."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
