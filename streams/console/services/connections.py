"""Connections: the state of each at both vendors, and its authorization by OAuth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.auth.oauth import missing_scopes
from connectors.errors import CallbackRefused, ConnectorError
from connectors.http.transport import AiohttpTransport
from streams.console.auth.audit_log import Actor, AuditWriter, ProducerSource
from streams.console.auth.scope import visible
from streams.console.auth.sessions import Seal
from streams.console.errors import NotFound, Unavailable, WrongInput
from streams.console.services.backfill import Backfills
from streams.console.services.kafka_errors import on_kafka, seconds_left, unreachable
from streams.console.services.parked import ParkedWork
from streams.oauth.authorization import accept_lofty
from streams.oauth.consent_link import SENT_MINUTES, ghl_link, lofty_link, query_of
from streams.oauth.grants import Grants, OAuthAccount, wanted_scopes
from streams.oauth.token_records import send_token
from streams.oauth.token_states import TokenStates
from streams.settings import Connection, Settings

Vendor = Literal["lofty", "ghl"]
Phase = Literal["in use", "paused", "needs credentials", "removing"]
Unfinished = tuple[Mapping[str, Connection], Mapping[str, Connection]]
"""The connections that wait for a credential, and those that are being removed."""
TICKET_MINUTES = 30
FIRST_READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SideState:
    """One vendor of a connection. `access`: token or oauth. `expires_ms`: the worker renews it before.

    `granted` and `missing` are scopes; empty where the vendor does not say.
    """

    vendor: str
    account: str
    access: str
    is_connected: bool
    words: str
    granted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """One connection. `name` is its id, `label` what it is called now, `mapping` the one in force.

    `leads` are those that the index knows; None while it cannot say.
    `managed`: it is changed in the configuration `file`, or in the `console`, and then `version` counts its edits.
    `needs` are the credentials that it waits for; `trouble` says why its newest version is not in use here.
    """

    name: str
    region: str
    mapping: str
    lofty: SideState
    ghl: SideState
    sweep: str
    new_ended_ms: int
    full_ended_ms: int
    parked: int
    settings: tuple[Setting, ...]
    leads: int | None = None
    label: str = ""
    managed: Literal["file", "console"] = "file"
    version: int = 0
    state: Phase = "in use"
    needs: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """Where access is given. `pastes_answer`: the address that the browser shows afterwards must be pasted, with the ticket."""

    url: str
    pastes_answer: bool
    ticket: str


@dataclass(frozen=True, slots=True)
class ConsentInvitation:
    """A link to GHL's page of consent, for the owner of location `account`, who needs no access here. It ends at `until_ms`."""

    url: str
    connection: str
    account: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class GrantedAccess:
    """What was given."""

    connection: str
    vendor: str
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    expires_ms: int


class Connections:
    """Of the whole configuration."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        parked: ParkedWork,
        backfills: Backfills,
        tokens: TokenStates,
        unfinished: Callable[[], Awaitable[Unfinished]],
        audit: AuditWriter,
        seal: Seal,
        batching_producer: ProducerSource,
        now_ms: Callable[[], int],
        leads: Callable[[], Awaitable[dict[str, int] | None]],
    ) -> None:
        self._leads = leads
        self._settings = settings
        self._parked = parked
        self._backfills = backfills
        self._tokens = tokens
        self._unfinished = unfinished
        self._audit = audit
        self._seal = seal
        self._batching_producer = batching_producer
        self._now_ms = now_ms

    async def all(self) -> tuple[ConnectionState, ...]:
        """Every connection that whoever asks may see."""
        if not await self._tokens.until_read(seconds_left(FIRST_READ_SECONDS)):
            raise unreachable(self._tokens.problem)
        counts = Counter[str]()
        for group in (await self._parked.groups()).groups:
            counts[group.connection] += group.count
        incomplete, removing = await self._unfinished()
        phases: dict[str, Phase] = {
            **dict.fromkeys(incomplete, "needs credentials"),
            **dict.fromkeys(removing, "removing"),
        }
        settings, leads, found = self._settings(), await self._leads(), []
        known = sorted({**settings.connections, **incomplete, **removing}.items())
        for name, one in visible(known, lambda pair: pair[0]):
            row = await self._backfills.row(one)
            found.append(
                ConnectionState(
                    name=name,
                    region=one.region,
                    mapping=one.mapping.name,
                    lofty=self._side(one, "lofty"),
                    ghl=self._side(one, "ghl"),
                    sweep=row.kind or "" if row is not None else "",
                    new_ended_ms=row.new_read_ms if row is not None else 0,
                    full_ended_ms=row.full_read_ms if row is not None else 0,
                    parked=counts[name],
                    settings=_settings_of(one),
                    leads=leads.get(name, 0) if leads is not None else None,
                    label=one.label,
                    managed=one.managed,
                    version=one.version,
                    state=phases.get(name, "paused" if one.paused else "in use"),
                    needs=one.missing_secrets if name in incomplete else (),
                    trouble=settings.connection_trouble.get(name, ""),
                )
            )
        return tuple(found)

    async def connect_link(self, by: Actor, connection: str, vendor: str) -> ConnectLink:
        """The link at which somebody gives access."""
        chosen, grants = self._by_oauth(connection, vendor)
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": vendor}) as result:
            result.detail = "the link was made"
            if vendor == "ghl":
                return ConnectLink(ghl_link(grants, chosen, self._now_ms()).url, False, "")
            link = lofty_link(grants)
            until = self._now_ms() + TICKET_MINUTES * 60_000
            kept = {"connection": connection, "verifier": link.verifier or "", "until": until, "by": by.name}
            return ConnectLink(link.url, True, self._seal.sign("connect", kept))

    async def invite_to_consent(self, by: Actor, connection: str) -> ConsentInvitation:
        """A link that can be sent to the location's owner: GHL's answer finds its way to the gateway by itself."""
        chosen, grants = self._by_oauth(connection, "ghl")
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": "ghl"}) as result:
            result.detail = "a link to send was made"
            now_ms, account = self._now_ms(), chosen.ghl.location_id
            link = ghl_link(grants, chosen, now_ms, SENT_MINUTES)
            return ConsentInvitation(link.url, connection, account, now_ms + SENT_MINUTES * 60_000)

    async def connect_by_answer(
        self, by: Actor, connection: str, vendor: str, answer: str, ticket: str
    ) -> GrantedAccess:
        """Take Lofty's answer, pasted, since Lofty says nothing of whose it is."""
        chosen, grants = self._by_oauth(connection, vendor)
        if vendor != "lofty":
            raise WrongInput("GHL's answer comes to the gateway by itself.")
        kept = self._seal.open("connect", ticket)
        if kept is None or kept["connection"] != connection or kept["until"] < self._now_ms() or kept["by"] != by.name:
            raise WrongInput("The link is too old, or was made for another connection: start again.")
        async with self._audit.acting(by, "connect", {"connection": connection, "vendor": vendor}) as result:
            try:
                async with AiohttpTransport() as transport:
                    granted = await accept_lofty(
                        grants, chosen, query_of(answer), transport, self._now_ms(), str(kept["verifier"]) or None
                    )
            except CallbackRefused as error:
                raise WrongInput(str(error)) from error
            except ConnectorError as error:
                raise Unavailable(f"Lofty does not give the tokens: {error}") from error
            offset = await on_kafka(lambda: send_token(grants, granted, self._batching_producer()))
            await self._tokens.until_granted(granted.partition, offset)
            result.detail = "access was given"
        return GrantedAccess(connection, vendor, granted.scopes, granted.missing, granted.expires_at_ms)

    @property
    def _grants(self) -> Grants | None:
        settings = self._settings()
        return Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None

    def _by_oauth(self, connection: str, vendor: str) -> tuple[Connection, Grants]:
        chosen = self._settings().connections.get(connection)
        if chosen is None:
            raise NotFound(f"There is no connection {connection!r}.")
        if vendor not in ("lofty", "ghl"):
            raise NotFound(f"There is no vendor {vendor!r}: expected lofty or ghl.")
        auth = chosen.ghl.auth if vendor == "ghl" else chosen.lofty.auth
        grants = self._grants
        if auth != "oauth" or grants is None:
            where = f"[connections.{connection}.{vendor}]"
            raise WrongInput(
                f'Connection {connection} has a fixed credential there; for OAuth set auth = "oauth" in {where}.'
            )
        return chosen, grants

    def _side(self, one: Connection, vendor: Vendor) -> SideState:
        account = one.ghl.location_id if vendor == "ghl" else one.lofty.team_id
        is_oauth = (one.ghl.auth if vendor == "ghl" else one.lofty.auth) == "oauth"
        if not is_oauth:
            return SideState(vendor, account, "token", True, "connected with an API key")
        grants = self._grants
        if grants is None:
            return SideState(vendor, account, "oauth", False, "the gateway has no LOFTY_GHL_TOKEN_KEYS")
        side: OAuthAccount = grants.ghl(one) if vendor == "ghl" else grants.lofty(one)
        state = self._tokens.newest(side.token)
        if state is None:
            return SideState(vendor, account, "oauth", False, "nobody has granted access yet")
        if not state.is_open:
            return SideState(
                vendor, account, "oauth", False, "its tokens are sealed with a key that this gateway does not have"
            )
        missing = missing_scopes(state.scopes, wanted_scopes(one)) if vendor == "ghl" and state.scopes else ()
        words = "connected by OAuth" if not missing else "connected by OAuth, but permissions are missing"
        return SideState(vendor, account, "oauth", True, words, state.scopes, missing, state.expires_at_ms)


def _settings_of(connection: Connection) -> tuple[Setting, ...]:
    """What a person asks about first."""
    ghl, lofty, sweep, policies = connection.ghl, connection.lofty, connection.sweep, connection.policies
    back = ("appointments", "notes", "tasks", "finish_tasks")
    on_delete = {"tag": f"add the tag {policies.lead_deleted_tag} in GHL", "delete": "delete the contact in GHL"}
    return (
        Setting("GHL limit", f"{ghl.requests_per_window} requests in {ghl.window_seconds:g} s"),
        Setting("GHL daily limit", f"{ghl.requests_per_day} requests"),
        Setting("Lofty limit", f"{lofty.requests_per_minute} requests a minute"),
        Setting("Lofty limit is shared as", connection.lofty_budget),
        Setting("lead deleted in Lofty", on_delete.get(policies.lead_deleted, policies.lead_deleted)),
        Setting("contact deleted in GHL", policies.contact_deleted_in_ghl),
        Setting("check for new leads", _every(sweep.new_minutes * 60)),
        Setting("check of all leads", _every(sweep.full_hours * 3600)),
        Setting("opt-outs", "both ways" if connection.opt_outs else "not carried"),
        Setting("search for opt-outs in GHL", _every(sweep.opt_outs_minutes * 60)),
        Setting(
            "from GHL to Lofty", ", ".join(name for name in back if getattr(connection.back, name, False)) or "nothing"
        ),
    )


def _every(seconds: float) -> str:
    if not seconds:
        return "never"
    size, unit = (3600, "hour") if seconds >= 3600 else (60, "minute")
    count = round(seconds / size, 1)
    return f"every {unit}" if count == 1 else f"every {count:g} {unit}s"
