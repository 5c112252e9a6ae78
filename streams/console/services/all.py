"""All services of a gateway."""

from __future__ import annotations

from dataclasses import dataclass

from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages and the API are given."""

    settings: Settings
