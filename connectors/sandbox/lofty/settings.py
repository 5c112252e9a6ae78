"""How a sandbox behaves: its teams, its speed, its limits, its webhooks. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.sandbox.shared.mailer import DeliverySettings


@dataclass(frozen=True, slots=True)
class TeamSettings:
    """One team (a client account). `api_keys` are used as `Authorization: token KEY`."""

    id: int
    api_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoftyClientSettings:
    """An OAuth client (a vendor's app), as the developer portal has it.

    `operations` are the endpoints that it was granted, by our catalogue's names; None for all.
    """

    id: str
    secret: str = field(repr=False)
    redirect_uri: str = ""
    operations: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PingSettings(DeliverySettings):
    """How pings travel. Every answer other than 200 is tried again."""


@dataclass(frozen=True, slots=True)
class LoftySandboxSettings:
    """The whole sandbox. All times are in seconds, so that a test can scale them.

    A window starts with the first request of an API key or OAuth client and lasts `window_seconds`; `window_limit`
    requests fit in, 0 means no limit. `visibility_lag_seconds` is how long what was created still is 404.
    `allows_http` lets subscriptions call plain http; Lofty takes https only.
    Access tokens of `clients` live `access_seconds`. Whether Lofty's refresh tokens rotate (`rotates_refresh`) nobody knows.
    The ledger keeps its newest `ledger_size` requests, about a kilobyte each.
    `merges_to_dead_ids`: a lead that is created and merged is answered with an id that is 404, as seen live.
    `pings_own_writes` says whether writes by API cause pings too: of Lofty nobody knows.
    """

    teams: tuple[TeamSettings, ...] = ()
    clients: tuple[LoftyClientSettings, ...] = ()
    access_seconds: float = 7_200.0
    rotates_refresh: bool = True
    latency_seconds: float = 0.0
    window_limit: int = 500
    window_seconds: float = 60.0
    visibility_lag_seconds: float = 0.0
    allows_http: bool = False
    pings_own_writes: bool = True
    merges_to_dead_ids: bool = False
    subscriptions_limit: int = 100
    pings: PingSettings = field(default_factory=PingSettings)
    ledger_size: int = 200_000
    seed: int = 1
