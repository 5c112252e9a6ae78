"""How a sandbox behaves: its locations, its speed, its limits. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from connectors.sandbox.shared.mailer import DeliverySettings

Identifier = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """One location (sub-account).

    `tokens` are its private integration tokens; `scopes` what they may do, None for everything.
    `matching` is the order in which an upsert looks for the contact that exists.
    `region` reads phone numbers without a country code.
    `allow_several_opportunities`: a contact may have more than one opportunity in a pipeline.
    """

    id: str
    tokens: tuple[str, ...]
    scopes: tuple[str, ...] | None = None
    allow_duplicates: bool = False
    matching: tuple[Identifier, ...] = ("email", "phone")
    region: str = "US"
    allow_several_opportunities: bool = False


@dataclass(frozen=True, slots=True)
class GhlClientSettings:
    """An OAuth client (a marketplace app). Without `redirect_uris` it may use any."""

    id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookSettings(DeliverySettings):
    """How webhooks travel to `url`, the app's one address.

    `retries_all`: every answer other than 2xx is tried again, not 429 alone; GHL's documents say both.
    `full_tasks`: a task's event names its contact and has its text, as documented and not as seen.
    `nested`: the payload is in `data`.
    """

    attempts: int = 7
    url: str | None = None
    retries_all: bool = False
    full_tasks: bool = False
    nested: bool = False


@dataclass(frozen=True, slots=True)
class GhlSandboxSettings:
    """The whole sandbox. All times are in seconds, so that a test can scale them.

    A window starts with its first request and lasts `window_seconds`; `window_limit` requests fit in, 0 means no limit.
    The day works alike. GHL's own figures are the defaults, but for latency.
    `company_id` is the agency that has all locations. Access tokens live `access_seconds`; a refresh token that was used
    gives the same pair again for `grace_seconds`.
    `ignores_empty_texts`: an empty text does not clear a postal code or a custom field, as one integrator saw.
    The ledger keeps its newest `ledger_size` requests, about a kilobyte each.
    """

    locations: tuple[LocationSettings, ...] = ()
    clients: tuple[GhlClientSettings, ...] = ()
    company_id: str = "sandbox-company"
    access_seconds: float = 86_399.0
    grace_seconds: float = 30.0
    latency_seconds: float = 0.0
    window_limit: int = 100
    window_seconds: float = 10.0
    daily_limit: int = 200_000
    day_seconds: float = 86_400.0
    search_lag_seconds: float = 10.0
    sends_retry_after: bool = False
    ignores_empty_texts: bool = False
    hooks: HookSettings = field(default_factory=HookSettings)
    ledger_size: int = 200_000
    seed: int = 1
