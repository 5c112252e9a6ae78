"""Contacts: read, find, create, upsert, update, delete, and their appointments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ghl.answers import ContactPage, Upserted
from connectors.ghl.call import GhlAnswer, GhlCaller
from connectors.ghl.wire import GhlAppointment, GhlContact


class ContactCalls(GhlCaller):
    """The operations on contacts themselves."""

    async def get_contact(self, contact_id: str) -> GhlContact:
        """One contact, as it stands now. A missing one is a 400 `Contact not found for id:…`."""
        return (await self.call("get-contact", {"contactId": contact_id})).one(GhlContact, "contact")

    async def create_contact(self, fields: Mapping[str, Any]) -> GhlContact:
        """A new contact. A duplicate is a 400 whose `meta.contactId` is the contact that exists."""
        return (await self.call("create-contact", body=fields)).one(GhlContact, "contact")

    async def upsert_contact(self, fields: Mapping[str, Any]) -> Upserted:
        """Update the contact of this e-mail or phone, or create it: the one write that is safe to repeat.

        The location's settings decide which of the two is looked at first; the other is then ignored in silence.
        """
        answer = await self.call("upsert-contact", body=fields)
        return Upserted(answer.one(GhlContact, "contact"), answer.value("new") is True, answer.value("traceId"))

    async def update_contact(self, contact_id: str, fields: Mapping[str, Any]) -> GhlContact | None:
        """Change these fields and no others; custom fields merge by id. The contact after it, when GHL sends it."""
        answer = await self.call("update-contact", {"contactId": contact_id}, body=fields)
        return answer.one_or_none(GhlContact, "contact")

    async def delete_contact(self, contact_id: str) -> None:
        """Delete a contact."""
        await self.call("delete-contact", {"contactId": contact_id})

    async def search_contacts(self, search: Mapping[str, Any]) -> ContactPage:
        """Search by filters. Answers lag writes by about ten seconds, and give names in lower case.

        Two ways through the pages: `page` with `pageLimit` up to 10,000 contacts,
        or `searchAfter` (this answer's `search_after`) without `page`, without end.
        """
        answer = await self.call("search-contacts-advanced", body=search)
        contacts = answer.many(GhlContact, "contacts")
        after = contacts[-1].search_after if contacts else None
        return ContactPage(contacts, _count(answer, "total"), tuple(after) if isinstance(after, list) else None)

    async def search_duplicate(
        self, location_id: str, *, number: str | None = None, email: str | None = None
    ) -> GhlContact | None:
        """The contact that GHL takes for the same person, None without a match. `number` is a phone in E.164."""
        answer = await self.call(
            "get-duplicate-contact", query={"locationId": location_id, "number": number, "email": email}
        )
        return answer.one_or_none(GhlContact, "contact")

    async def list_contacts(
        self,
        location_id: str,
        *,
        limit: int | None = None,
        start_after: int | None = None,
        start_after_id: str | None = None,
        query: str | None = None,
    ) -> ContactPage:
        """A page of a location's contacts. Deprecated by GHL: `search_contacts` is its heir."""
        answer = await self.call(
            "get-contacts",
            query={
                "locationId": location_id,
                "limit": limit,
                "startAfter": start_after,
                "startAfterId": start_after_id,
                "query": query,
            },
        )
        return ContactPage(answer.many(GhlContact, "contacts"), _count(answer, "count"))

    async def list_contacts_of_business(
        self,
        business_id: str,
        location_id: str,
        *,
        limit: int | None = None,
        skip: int | None = None,
        query: str | None = None,
    ) -> ContactPage:
        """A page of the contacts of one business."""
        answer = await self.call(
            "get-contacts-by-businessId",
            {"businessId": business_id},
            query={
                "locationId": location_id,
                "limit": limit,
                "skip": skip,
                "query": query,
            },
        )
        return ContactPage(answer.many(GhlContact, "contacts"), _count(answer, "count"))

    async def list_appointments(self, contact_id: str) -> tuple[GhlAppointment, ...]:
        """A contact's appointments. Their times have no offset here."""
        answer = await self.call("get-appointments-for-contact", {"contactId": contact_id})
        return answer.many(GhlAppointment, "events")


def _count(answer: GhlAnswer, key: str) -> int | None:
    found = answer.value(key)
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
