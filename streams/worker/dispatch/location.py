"""One connection's GHL side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.ghl.client import GhlClient
from streams.core.to_ghl.planning import Rules


@dataclass(frozen=True, slots=True)
class Location:
    """A location's client and rules, its budget, and the partition of that budget.

    `contact_deleted_in_ghl` says what becomes of a contact that somebody deleted in GHL.
    """

    connection: str
    location_id: str
    budget: str
    partition: int
    client: GhlClient
    rules: Rules
    window_seconds: float
    contact_deleted_in_ghl: Literal["recreate", "leave"] = "recreate"
    creates_custom_fields: bool = True
    mapping_fingerprint: str = ""
