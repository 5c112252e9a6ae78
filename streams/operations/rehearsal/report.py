"""What a rehearsal found, as values that the command, the API and the page show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from streams.core.sweep_forecast import requests_for
from streams.core.to_ghl.simulated_import import Became
from streams.settings import Connection

Winner = Literal["same", "Lofty", "GoHighLevel", "nobody"]


@dataclass(frozen=True, slots=True)
class FieldSide:
    """One field of one lead on both sides. `lofty` is the value as it would be written, `ghl` what the contact holds.

    `winner` says whose value the contact has afterwards: `same` where both have it, `nobody` where it is left out; `why` explains.
    """

    field: str
    lofty: Any
    ghl: Any
    winner: Winner
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeadSides:
    """One lead beside its contact. `contact_id` is empty for a contact that would be made; `tags` would be added."""

    lead: str
    name: str
    became: Became
    by: str
    contact_id: str
    because: str
    fields: tuple[FieldSide, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encounter:
    """A lead that has its e-mail, telephone or name in common with somebody who may be another person.

    `other_lead` and `other_contact` name that one; `other_contact` is empty for a contact that the import itself would make.
    """

    lead: str
    name: str
    field: str
    value: str
    other_name: str
    other_lead: str
    other_contact: str


@dataclass(frozen=True, slots=True)
class NewField:
    """A custom field that would be made in GHL."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Effort:
    """What the import needs: requests to each vendor, and the hours that they take at the limits, with nothing else to do.

    `children` notes, tasks and appointments are estimated by those of `sampled` leads.
    """

    lofty_requests: int
    ghl_requests: int
    children: int
    sampled: int
    hours: float
    bound_by: Literal["Lofty", "GoHighLevel", "GoHighLevel's daily limit"]


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """One rehearsal. `leads` of `total` leads were read, and `contacts` of the location.

    Each lead is counted once: `new`, `matching` (by what), `shared` with another lead, `conflicting`, or `refused` (by why).
    `unchanged` of the matching contacts hold all of it already. `unlisted` encounters are not in the lists.
    """

    connection: str
    location: str
    location_id: str
    leads: int
    total: int | None
    contacts: int
    new: int
    matching: dict[str, int]
    shared: int
    conflicting: int
    refused: dict[str, int]
    unchanged: int
    sides: tuple[LeadSides, ...]
    conflicts: tuple[Encounter, ...]
    alike: tuple[Encounter, ...]
    unlisted: int
    new_fields: tuple[NewField, ...]
    new_tags: tuple[str, ...]
    left_out: dict[str, int]
    unreadable: dict[str, int]
    effort: Effort
    read: dict[str, int] = field(default_factory=dict)
    """The requests that the rehearsal itself took, by vendor. None of them wrote anything."""
    remarks: tuple[str, ...] = ()

    @property
    def has_questions(self) -> bool:
        """Whether some leads conflict or are refused."""
        return bool(self.conflicting or self.refused)


def effort_of(connection: Connection, leads: int, ghl_requests: int, children: int, sampled: int) -> Effort:
    """The effort for so many leads, with so many requests for their contacts, and what hangs on them."""
    lofty_requests = requests_for(leads)
    ghl_requests += children
    ghl = connection.ghl
    lofty_hours = lofty_requests / connection.lofty.requests_per_minute / 60
    ghl_hours = ghl_requests * ghl.window_seconds / ghl.requests_per_window / 3600
    days_hours = (ghl_requests / ghl.requests_per_day - 1) * 24 if ghl_requests > ghl.requests_per_day else 0.0
    hours = max(lofty_hours, ghl_hours, days_hours)
    if hours == days_hours and days_hours:
        bound_by: Literal["Lofty", "GoHighLevel", "GoHighLevel's daily limit"] = "GoHighLevel's daily limit"
    else:
        bound_by = "Lofty" if lofty_hours >= ghl_hours else "GoHighLevel"
    return Effort(lofty_requests, ghl_requests, children, sampled, round(hours, 3), bound_by)
