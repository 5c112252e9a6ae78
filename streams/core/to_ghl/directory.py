"""What a GHL location calls things: custom fields by name or key, users by e-mail, and its calendar's team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Directory:
    """Names to ids of one location. Names are compared without case and outer blanks.

    `calendar_team` are the ids of the users whom an appointment of the connection's calendar can be assigned to.
    `takes_duplicates` says that the location allows several contacts with one e-mail or phone, or that nobody could tell us.
    `types` are the kinds of the custom fields by id, in GHL's words; what GHL did not say is not there.
    """

    custom_fields: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    calendar_team: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)
    takes_duplicates: bool = False

    def custom_field_id(self, reference: str) -> str | None:
        """The id of a custom field, by its name (`Lofty stage`) or its key (`contact.lofty_stage`)."""
        return self.custom_fields.get(fold(reference))

    def user_id(self, email: str) -> str | None:
        """The id of a user, by e-mail."""
        return self.users.get(fold(email))

    def missing(self, references: Iterable[str]) -> tuple[str, ...]:
        """The custom fields of a mapping that the location does not have."""
        return tuple(reference for reference in references if fold(reference) not in self.custom_fields)


def fold(name: str) -> str:
    """A name as it is compared."""
    return name.strip().casefold()
