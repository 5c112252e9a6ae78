"""How a sandbox behaves: its locations, its speed, its limits. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Identifier = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """One location (sub-account).

    `tokens` are its private integration tokens; `scopes` what they may do, None for everything.
    `matching` is the order in which an upsert looks for the contact that exists.
    `region` reads phone numbers without a country code.
    """

    id: str
    tokens: tuple[str, ...]
    scopes: tuple[str, ...] | None = None
    allow_duplicates: bool = False
    matching: tuple[Identifier, ...] = ("email", "phone")
    region: str = "US"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The whole sandbox. All times are in seconds, so that a test can scale them.

    A window starts with its first request and lasts `window_seconds`; `window_limit` requests fit in, 0 means no limit.
    The day works alike. GHL's own figures are the defaults, but for latency.
    The ledger keeps its newest `ledger_size` requests, about a kilobyte each.
    """

    locations: tuple[LocationSettings, ...] = ()
    latency_seconds: float = 0.0
    window_limit: int = 100
    window_seconds: float = 10.0
    daily_limit: int = 200_000
    day_seconds: float = 86_400.0
    search_lag_seconds: float = 10.0
    sends_retry_after: bool = False
    ledger_size: int = 200_000
    seed: int = 1
