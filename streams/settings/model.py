"""The configuration as values. The descriptions are what an error says was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from connectors.ghl.signature import GHL_PUBLIC_KEY, Keys, NotAKey
from streams.mapping import CompiledMapping, StagePair
from streams.mapping.locale import locale_of, zone_named
from streams.mapping.lofty_sync import LoftySyncRules
from streams.mapping.values import REGIONS


def wrong(expected: str, hint: str = "") -> PydanticCustomError:
    """The error of a validator: `parse` turns it into a problem."""
    return PydanticCustomError("wrong", "{expected}", {"expected": expected, "hint": hint})


def _region(value: str) -> str:
    if value not in REGIONS:
        upper = value.strip().upper()
        hint = f"did you mean {upper!r}?" if upper in REGIONS else "such as US or CA"
        raise wrong("a region's two letters", hint)
    return value


def _locale(value: str) -> str:
    try:
        locale_of("US", value)
    except ValueError as error:
        raise wrong(str(error)) from None
    return value


def _time_zone(value: str) -> str:
    if value and zone_named(value) is None:
        raise wrong("a time zone of the tz database", "such as America/Chicago or Europe/Berlin")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise wrong("an http or https address", "such as https://api.lofty.com")
    if parts.username or parts.password:
        raise wrong("an address without credentials", "credentials come from the environment")
    return value.rstrip("/")


def _token_endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise wrong("the https address of a token endpoint", "such as https://login.example.com/oauth2/token")
    if parts.username or parts.password:
        raise wrong("an address without credentials", "credentials come from the environment")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise wrong("an https address: the client's secret is sent there", "http is for this machine alone")
    return value


def _extensions(value: dict[str, str]) -> dict[str, str]:
    for key, one in value.items():
        if not (key.isascii() and key.isalpha()) or key == "auth" or not (one.isascii() and one.isprintable() and one):
            raise wrong(
                "names of letters, each with a text", 'such as { logicalCluster = "lkc-1", identityPoolId = "pool-1" }'
            )
    return value


def _present(value: str) -> str:
    if not value.strip():
        raise wrong("a text that is not empty")
    return value


def _topic_prefix(value: str) -> str:
    if len(value) > 100 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in value):
        raise wrong("letters, digits, dots, dashes and underscores", "such as staging.")
    return value


def _networks(value: list[str]) -> list[str]:
    for one in value:
        try:
            ip_network(one)
        except ValueError:
            raise wrong("addresses or networks, such as 203.0.113.7 or 10.0.0.0/8", f"not {one!r}") from None
    return value


def _ed25519(value: list[str]) -> list[str]:
    return _keys(value, lambda texts: Keys.of(texts))


def _rsa(value: list[str]) -> list[str]:
    return _keys(value, lambda texts: Keys.of((), texts))


def _keys(value: list[str], read: Callable[[list[str]], Keys]) -> list[str]:
    try:
        read(value)
    except NotAKey as error:
        raise wrong("public keys as PEM texts", str(error)) from None
    return value


Networks = Annotated[list[str], AfterValidator(_networks)]
Region = Annotated[str, AfterValidator(_region)]
LocaleTag = Annotated[
    str,
    AfterValidator(_locale),
    Field(description="how numbers and days are written, such as en-US or de-DE; the region's if empty"),
]
TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    Field(description="whose day and hour count, such as America/Chicago; the region's main one if empty"),
]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Present = Annotated[str, AfterValidator(_present)]
Port = Annotated[int, Field(ge=0, le=65535, description="a port, 0 to 65535")]
Count = Annotated[int, Field(ge=1, description="a whole number of at least 1")]


class SettingsTable(BaseModel):
    """One table of the file: frozen, strict in its types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Kafka(SettingsTable):
    """Where Kafka is, and how its topics are made."""

    bootstrap_servers: Annotated[Present, Field(description="host:port, several with commas")] = "localhost:9092"
    topic_prefix: Annotated[str, AfterValidator(_topic_prefix)] = ""
    partitions: Annotated[Count, Field(le=1000)] = 4
    replication_factor: Annotated[Count, Field(le=10)] = 1
    session_timeout_seconds: Annotated[float, Field(ge=2, le=300, description="a number of seconds, 2 to 300")] = 10.0
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    sasl_username: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: Present | None = None
    ssl_keyfile: Present | None = None
    oauth_endpoint: Annotated[str, AfterValidator(_token_endpoint)] | None = None
    oauth_client_id: Present | None = None
    oauth_scope: Present | None = None
    oauth_cafile: Present | None = None
    oauth_file: Present | None = None
    oauth_extensions: Annotated[dict[str, str], AfterValidator(_extensions)] = Field(default_factory=dict)


class KafkaSecrets(BaseModel):
    """What the environment has for Kafka: the user's password, that of the certificate's key, and the secret of the OAuth client."""

    model_config = ConfigDict(frozen=True)

    password: SecretStr | None = None
    key_password: SecretStr | None = None
    client_secret: SecretStr | None = None


class GhlGateway(SettingsTable):
    """Who may send GHL's webhooks. `public_keys` are PEM texts; by default the one that GHL publishes."""

    public_keys: Annotated[list[str], AfterValidator(_ed25519)] = Field(default_factory=lambda: [GHL_PUBLIC_KEY])
    legacy_rsa_keys: Annotated[list[str], AfterValidator(_rsa)] = Field(default_factory=list)
    addresses: Networks = Field(default_factory=list)
    max_age_hours: Annotated[float, Field(gt=0, le=336, description="a number of hours, up to 336")] = 24.0

    @property
    def keys(self) -> Keys:
        """The keys, ready to verify with."""
        return Keys.of(self.public_keys, self.legacy_rsa_keys)


class GatewaySettings(SettingsTable):
    """The gateway. Without `lofty_addresses`, Lofty's webhooks may come from anywhere: it publishes none."""

    host: Present = "0.0.0.0"
    port: Port = 8080
    public_url: BaseUrl | None = None
    max_body_bytes: Annotated[int, Field(ge=1024, description="a number of bytes, at least 1024")] = 1_048_576
    max_connections: Count = 500
    keepalive_seconds: Annotated[float, Field(ge=1, le=3600, description="a number of seconds, 1 to 3600")] = 75.0
    trusted_proxies: Networks = Field(default_factory=list)
    lofty_addresses: Networks = Field(default_factory=list)
    ghl: GhlGateway = Field(default_factory=GhlGateway)


class WorkerSettings(SettingsTable):
    """One worker process. `connection_metrics` says which connections and budgets have metrics of their own."""

    store: Literal["rocksdb", "memory"] = "rocksdb"
    data_dir: Present = "/var/lib/lofty-ghl"
    port: Port = 8081
    standby: bool = True
    in_flight_per_location: Count = 8
    in_flight_per_lofty_budget: Count = 4
    settle: Literal["adaptive", "always", "off"] = "adaptive"
    connection_metrics: Literal["all", "needing_attention"] = "all"


class Lofty(SettingsTable):
    """The Lofty side of a connection. Connections that name the same `budget` share one app's limit."""

    team_id: Annotated[Present, Field(description="the Lofty team's id, as text")]
    base_url: BaseUrl = "https://api.lofty.com"
    auth: Literal["api_key", "oauth"] = "api_key"
    requests_per_minute: Annotated[Count, Field(le=1_000_000)] = 500
    budget: Annotated[str | None, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9_-]*$")] = None


class Ghl(SettingsTable):
    """The GHL side of a connection: one location, with the limits of its token.

    `live_reserve` is the part of the day's requests that a whole day of live changes may need: when no more than that is
    left for the rest of the day, sweep, backfill and verification wait. `search_lag_seconds` is how long GHL's search may not
    show a write: third parties measured ten seconds, and up to a minute.
    """

    location_id: Annotated[Present, Field(description="the GHL location's id, as text")]
    base_url: BaseUrl = "https://services.leadconnectorhq.com"
    auth: Literal["token", "oauth"] = "token"
    requests_per_window: Annotated[Count, Field(le=1_000_000)] = 100
    window_seconds: Annotated[float, Field(gt=0, le=3600, description="a number of seconds")] = 10.0
    requests_per_day: Annotated[Count, Field(le=100_000_000)] = 200_000
    live_reserve: Annotated[float, Field(ge=0, le=0.9, description="a number from 0 to 0.9")] = 0.25
    search_lag_seconds: Annotated[float, Field(ge=1, le=600, description="a number of seconds, from 1 to 600")] = 60.0


class Policies(SettingsTable):
    """Choices between behaviours that are all valid."""

    lead_deleted: Literal["tag", "delete", "ignore"] = "tag"
    lead_deleted_tag: Annotated[Present, AfterValidator(str.lower)] = "lofty-deleted"
    shared_email: Literal["same", "apart"] = "same"
    shared_phone: Literal["same", "apart"] = "apart"
    contact_deleted_in_ghl: Literal["recreate", "leave"] = "recreate"
    create_custom_fields: bool = True


class Appointments(SettingsTable):
    """Where Lofty's appointments are written in GHL: into the calendar of this id; without one they become tasks.

    `automations` says whether GHL's automations run for them, such as reminders to the client.
    """

    calendar: Present | None = None
    automations: bool = False


class SweepSettings(SettingsTable):
    """How often Lofty is read for changes that no webhook reported; 0 for never.

    `opt_outs_minutes`: how often GHL's contacts are searched for opt-outs that no webhook reported.

    `children` says whether full sweeps read notes, tasks and appointments, two requests a lead: of leads to which something happened
    each time, of quiet ones in turn, each at least every `quiet_days`, 0 for each time.
    """

    new_minutes: Annotated[float, Field(ge=0, le=1440, description="a number of minutes, 0 to 1440")] = 15.0
    opt_outs_minutes: Annotated[float, Field(ge=0, le=1440, description="a number of minutes, 0 to 1440")] = 60.0
    full_hours: Annotated[float, Field(ge=0, le=720, description="a number of hours, 0 to 720")] = 24.0
    children: bool = True
    quiet_days: Annotated[float, Field(ge=0, le=90, description="a number of days, 0 to 90")] = 7.0


Direction = Literal["to_ghl", "to_lofty"]
DIRECTIONS: tuple[Direction, ...] = ("to_ghl", "to_lofty")


def paused_words(directions: Iterable[str]) -> str:
    """The directions in which a connection is paused, as people say it; "" for none."""
    return " and ".join({"to_ghl": "to GHL", "to_lofty": "to Lofty"}.get(one, one) for one in directions)


def _paused(value: object) -> object:
    return [*DIRECTIONS] if value is True else [] if value is False else value


Paused = Annotated[
    list[Direction],
    BeforeValidator(_paused),
    Field(description='true, false, ["to_ghl"] or ["to_lofty"]'),
]
"""The directions in which a connection is paused: it makes no request of that direction, and what comes in waits."""
CONNECTION_SECRETS = ("lofty_api_key", "ghl_token", "webhook_secret")
"""The secrets that every connection requires."""


class Secrets(BaseModel):
    """The credentials of one connection, from the environment. None of them shows in a `repr`."""

    model_config = ConfigDict(frozen=True)

    lofty_api_key: SecretStr | None = None
    ghl_token: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    webhook_secret_before: SecretStr | None = None


class Connection(BaseModel):
    """One Lofty team paired with one GHL location.

    `name` is its permanent id: under it Kafka keeps what was written, and metrics and records name it. `label` is the name of its
    table in the file, and of its credentials; it may change where the table's `id` keeps the first one. `has_id` says that it does.
    `mapping` is compiled, with the connection's rules for tags in it.
    `paused` are the directions in which nothing is requested of the vendors: what comes in waits.
    `opt_outs`: who opted out on one side is opted out on the other.
    `stages`: by these pairs a lead's stage is that of an opportunity in GHL; without them no opportunity is touched.
    `mapping_fingerprint` is equal for connections whose mappings and region give equal contacts.
    `managed` says where it is changed: in the configuration file, or in the console, and then `version` counts its edits.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    label: str
    has_id: bool = False
    region: Region
    lofty: Lofty
    ghl: Ghl
    policies: Policies
    sweep: SweepSettings = SweepSettings()
    appointments: Appointments = Appointments()
    opt_outs: bool = True
    stages: tuple[StagePair, ...] = ()
    paused: tuple[Direction, ...] = ()
    back: Annotated[LoftySyncRules, Field(repr=False)] = LoftySyncRules()
    secrets: Secrets
    mapping: Annotated[CompiledMapping, Field(repr=False)]
    mapping_fingerprint: str
    managed: Literal["file", "console"] = "file"
    version: int = 0

    @property
    def title(self) -> str:
        """What people are shown: the label, with the id where that is another."""
        return self.label if self.label == self.name else f"{self.label} ({self.name})"

    @property
    def lofty_budget(self) -> str:
        """What Lofty limits: the app or API key, shared by the connections that name the same budget."""
        return self.lofty.budget or self.name

    def is_by_oauth(self, secret: str) -> bool:
        """Whether OAuth replaces this secret (`ghl_token` or `lofty_api_key`)."""
        return (secret == "ghl_token" and self.ghl.auth == "oauth") or (
            secret == "lofty_api_key" and self.lofty.auth == "oauth"
        )

    @property
    def missing_secrets(self) -> tuple[str, ...]:
        """The secrets that the connection requires and does not have."""
        return tuple(
            name for name in CONNECTION_SECRETS if getattr(self.secrets, name) is None and not self.is_by_oauth(name)
        )

    @property
    def ghl_budget(self) -> str:
        """What GHL limits: the location."""
        return self.ghl.location_id
