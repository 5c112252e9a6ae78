"""What one location holds, in memory, and its tables by e-mail and phone. No rules of the vendor's are here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from connectors.sandbox.ghl.index import SearchIndex
from connectors.sandbox.ghl.settings import Identifier, LocationSettings

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def iso(seconds: float) -> str:
    """A time as GHL writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class ContactState:
    """One contact. `fields` are by GHL's names, `custom` by field id; times are in seconds. Additional e-mails are in lower case."""

    id: str
    location_id: str
    added: float
    updated: float
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    additional_emails: list[str] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    appointments: dict[str, dict[str, Any]] = field(default_factory=dict)
    opportunities: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CalendarState:
    """One calendar. `users` are the ids of its team; None: everybody of the location."""

    id: str
    name: str
    users: tuple[str, ...] | None = None


class LocationState:
    """One location's contacts and dictionaries."""

    def __init__(
        self,
        settings: LocationSettings,
        random: Random,
        search_lag_seconds: float,
        *,
        ignores_empty_texts: bool = False,
    ) -> None:
        self.settings = settings
        self.ignores_empty_texts = ignores_empty_texts
        self.random = random
        self.contacts: dict[str, ContactState] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.custom_fields: dict[str, dict[str, Any]] = {}
        self.custom_values: dict[str, dict[str, Any]] = {}
        self.calendars = {"calendar": CalendarState("calendar", "Calendar")}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.lost_reasons: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, str] = {}
        self.index = SearchIndex(search_lag_seconds)
        self.opportunity_index = SearchIndex(search_lag_seconds)
        self._known: dict[Identifier, dict[str, list[str]]] = {"email": {}, "phone": {}}

    def new_id(self) -> str:
        """An id like GHL's: twenty letters and digits."""
        return "".join(self.random.choices(_LETTERS, k=20))

    def holders(self, identifier: Identifier, value: str) -> Iterator[ContactState]:
        """The contacts with this e-mail (any case) or phone, the oldest first."""
        for contact_id in self._known[identifier].get(value.lower(), ()):
            yield self.contacts[contact_id]

    def with_additional_email(self, value: str) -> Iterator[ContactState]:
        """The contacts that have this e-mail (any case) beside their first."""
        return (one for one in self.contacts.values() if value.lower() in one.additional_emails)

    def put(self, contact: ContactState) -> None:
        """Keep a new contact."""
        self.contacts[contact.id] = contact
        for identifier in self._known:
            self._register(identifier, contact.fields.get(identifier), contact.id)

    def identify(self, contact: ContactState, identifier: Identifier, value: str | None) -> None:
        """Change a contact's e-mail or phone."""
        self._forget(identifier, contact.fields.get(identifier), contact.id)
        contact.fields[identifier] = value
        self._register(identifier, value, contact.id)

    def remove(self, contact: ContactState) -> None:
        """Forget a contact and all that hangs on it."""
        for identifier in self._known:
            self._forget(identifier, contact.fields.get(identifier), contact.id)
        del self.contacts[contact.id]

    def delete(self, contact: ContactState, now: float) -> None:
        """Delete a contact with its opportunities. The searches find them for a while yet."""
        self.remove(contact)
        self.index.change(contact.id, None, now)
        for opportunity_id in contact.opportunities:
            self.opportunity_index.change(opportunity_id, None, now)

    def learn_tags(self, tags: list[str]) -> None:
        """Keep tags in the location's dictionary."""
        for tag in tags:
            if tag not in self.tags:
                self.tags[tag] = self.new_id()

    def _register(self, identifier: Identifier, value: str | None, contact_id: str) -> None:
        if value:
            self._known[identifier].setdefault(value.lower(), []).append(contact_id)

    def _forget(self, identifier: Identifier, value: str | None, contact_id: str) -> None:
        if value:
            holders = self._known[identifier][value.lower()]
            holders.remove(contact_id)
            if not holders:
                del self._known[identifier][value.lower()]
