"""From a Lofty note to a GHL note."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given

from streams.mapping import find_marker, map_note
from tests.unit.streams.mapping.odd_leads import UNHURRIED, odd_children

NOTE = {
    "id": 563172647619608,
    "noteId": 400000012345,
    "createTime": "2026-04-22 10:15:30",
    "lastUpdate": "2026-04-22 10:20:00",
    "content": "Wants a garden.\nCall on Monday.",
    "creatorName": "An Agent",
    "lastEditorName": "Another Agent",
    "isPin": True,
}


def test_a_note_says_who_wrote_it_when_and_ends_with_its_marker() -> None:
    """GHL's own date cannot be written."""
    note = map_note(NOTE)
    assert note.body == (
        "An Agent in Lofty, 2026-04-22 10:15 UTC\n\nWants a garden.\nCall on Monday.\n\n[lofty-note:400000012345]"
    )
    assert note.marker == "[lofty-note:400000012345]"
    assert note.is_pinned


def test_only_the_content_makes_an_edit_visible() -> None:
    """A change of the editor or of the time of the last edit alone costs no write."""
    assert map_note({**NOTE, "lastUpdate": "2026-05-01 00:00:00", "lastEditorName": "X"}) == map_note(NOTE)


@UNHURRIED
@given(odd_children)
def test_no_note_however_odd_makes_the_mapping_fail(state: dict[str, Any]) -> None:
    """Any JSON maps, twice to the same, and has a marker."""
    note = map_note(state)
    orjson.dumps(note.body)
    assert map_note(dict(state)) == note
    assert find_marker(note.body, "note") is not None
