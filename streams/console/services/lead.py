"""One lead of the list."""

from __future__ import annotations

from dataclasses import dataclass

from streams.operations.history.index.lead_rows import LeadState

STATE_WORDS: dict[LeadState, str] = {
    "synced": "In GoHighLevel",
    "waiting": "On the way",
    "attention": "Needs attention",
    "absent": "Not in GoHighLevel",
    "conflict": "Conflict",
    "deleted": "Deleted in Lofty",
}


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead. `state`: synced, waiting (on the way), attention (needs a person), absent (not in GHL), conflict or deleted.

    `label` is the name of its connection. `read_ms` is when its newest data was read from Lofty. `pending` and `parked` count
    what of it is on the way, and what needs a person. `ghl_url` is empty while it has no contact.
    """

    connection: str
    label: str
    lead: str
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    state: LeadState
    agent: str
    tags: tuple[str, ...]
    ghl_id: str
    read_ms: int
    pending: int
    parked: int
    lofty_url: str
    ghl_url: str
