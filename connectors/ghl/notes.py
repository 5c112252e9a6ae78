"""A contact's notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ghl.call import GhlCaller
from connectors.ghl.wire import GhlNote


class GhlNoteCalls(GhlCaller):
    """The operations on notes. There is no upsert: keep the id, and look for your marker before creating again."""

    async def list_notes(self, contact_id: str) -> tuple[GhlNote, ...]:
        """All notes of a contact, without pages."""
        return (await self.call("get-all-notes", {"contactId": contact_id})).many(GhlNote, "notes")

    async def get_note(self, contact_id: str, note_id: str) -> GhlNote:
        """One note."""
        return (await self.call("get-note", {"contactId": contact_id, "id": note_id})).one(GhlNote, "note")

    async def create_note(self, contact_id: str, fields: Mapping[str, Any]) -> GhlNote:
        """A new note. Not safe to repeat."""
        return (await self.call("create-note", {"contactId": contact_id}, body=fields)).one(GhlNote, "note")

    async def update_note(self, contact_id: str, note_id: str, fields: Mapping[str, Any]) -> GhlNote | None:
        """Change these fields of a note. The note after it, when GHL sends it."""
        answer = await self.call("update-note", {"contactId": contact_id, "id": note_id}, body=fields)
        return answer.one_or_none(GhlNote, "note")

    async def delete_note(self, contact_id: str, note_id: str) -> None:
        """Delete a note."""
        await self.call("delete-note", {"contactId": contact_id, "id": note_id})
