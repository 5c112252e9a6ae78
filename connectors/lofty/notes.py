"""A lead's notes. A note has two ids: `noteId` is the one that every operation takes, `id` is the timeline's."""

from __future__ import annotations

from typing import Any

from connectors.auth.api_caller import Query
from connectors.lofty.call import LoftyCaller, Objects, number
from connectors.lofty.operations import NOTES_AT_MOST


class LoftyNoteCalls(LoftyCaller):
    """The operations on notes."""

    async def list_notes(self, lead_id: str, *, with_system_notes: bool = False) -> Objects:
        """The notes of a lead, in no promised order: `NOTES_AT_MOST` of them, as there are no pages.

        `limit` is in no document, but third parties got a small page without it; should it be unknown, it is ignored.
        """
        number("list-notes", "lead_id", lead_id)
        query: Query = {"leadId": lead_id, "includeSystemNote": with_system_notes, "limit": NOTES_AT_MOST}
        return (await self.call("list-notes", query=query)).objects("notes")

    async def get_note(self, note_id: str) -> dict[str, Any]:
        """One note. It may say 404 shortly after its creation."""
        return (await self.call("get-note", {"noteId": note_id})).object("note")

    async def create_note(self, lead_id: str, content: str, *, is_pinned: bool = False) -> str:
        """A new note's `noteId`. Lofty cuts the content at 2000 characters. Not safe to repeat."""
        body = {"leadId": number("create-note", "lead_id", lead_id), "content": content, "isPin": is_pinned}
        return (await self.call("create-note", body=body)).id("noteId")

    async def update_note(self, note_id: str, lead_id: str, content: str, *, is_pinned: bool = False) -> None:
        """Replace a note's content; all three fields are required by Lofty."""
        body = {"leadId": number("update-note", "lead_id", lead_id), "content": content, "isPin": is_pinned}
        await self.call("update-note", {"noteId": note_id}, body=body)

    async def delete_note(self, note_id: str) -> None:
        """Delete a note."""
        await self.call("delete-note", {"noteId": note_id})
