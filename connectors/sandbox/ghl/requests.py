"""One request as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.ghl.refusals import contact_not_found, invalid
from connectors.sandbox.ghl.state import ContactState, LocationState
from connectors.sandbox.ghl.views import searched
from connectors.sandbox.shared.sandbox import RuleResult


@dataclass(frozen=True, slots=True)
class GhlRequest:
    """A request that passed auth and limits. `body` has passed the endpoint's strict check."""

    location: LocationState
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    now: float

    def contact(self, *, words: str | None = None) -> ContactState:
        """The contact in the path. Raises GHL's 400 when there is none; `words` are those of the operation."""
        contact_id = self.ids["contactId"]
        found = self.location.contacts.get(contact_id)
        if found is None:
            raise contact_not_found(contact_id, words)
        return found

    def number(self, name: str, default: int, most: int) -> int:
        """A number in the query. Raises the 422 when it is none, or too big."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdigit():
            raise invalid([f"{name} must be a number string"])
        if int(text) > most:
            raise invalid([f"{name} must not be greater than {most}"])
        return int(text)


Rule = Callable[[GhlRequest], RuleResult]


def touch(request: GhlRequest, contact: ContactState) -> None:
    """A contact has changed: `dateUpdated` only ever grows, and the search hears of it later."""
    contact.updated = max(request.now, contact.updated + 0.001)
    request.location.index.change(contact.id, searched(contact), request.now)
