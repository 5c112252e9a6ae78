"""What a dry run of a replay found, as pages and API show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class DryStep:
    """One request that would be sent, with its fields."""

    step: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DryExample:
    """One entity as an example."""

    entity: str
    verdict: str
    because: str
    was_parked: bool
    steps: tuple[DryStep, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryConnection:
    """What would become of the newest data from Lofty of one connection. `requests` to GHL; `fields` counts what would be written."""

    name: str
    verdicts: dict[str, int]
    requests: int
    steps: dict[str, int]
    fields: dict[str, int]
    flags: dict[str, int]
    new_fields: tuple[str, ...]
    parked: int
    examples: tuple[DryExample, ...]


@dataclass(frozen=True, slots=True)
class DryRunState:
    """What applying mappings would do; no vendor was asked. `other_mapping` are connections whose workers have another mapping in force."""

    topic: str
    meaning: str
    chosen: int
    connections: tuple[DryConnection, ...]
    counts: dict[str, int]
    left: dict[str, str]
    other_mapping: tuple[str, ...]
    unreadable: int
    minutes: float
    seconds: float


_DRY_RUN = TypeAdapter(DryRunState)


def dry_run_of(found: Mapping[str, Any]) -> DryRunState:
    """From the JSON that the process of a dry run prints."""
    return _DRY_RUN.validate_python(
        {
            **found,
            "connections": [{"name": name, **one} for name, one in found["connections"].items()],
            "other_mapping": found["other_mapping_in_force"],
            "minutes": found["minutes_at_the_limits"],
        }
    )
