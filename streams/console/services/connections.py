"""Connections: the state of each at both vendors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.auth.oauth import missing_scopes
from streams.console.auth.scope import visible
from streams.console.services.backfill import Backfills
from streams.console.services.kafka_errors import seconds_left, unreachable
from streams.console.services.parked import ParkedWork
from streams.oauth.grants import Grants, OAuthAccount, wanted_scopes
from streams.oauth.token_states import TokenStates
from streams.settings import Connection, Settings, SweepSettings

Vendor = Literal["lofty", "ghl"]
Phase = Literal["in use", "paused", "needs credentials", "removing"]
Unfinished = tuple[Mapping[str, Connection], Mapping[str, Connection]]
"""The connections that wait for a credential, and those that are being removed."""
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


class Connections:
    """Of the whole configuration."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        parked: ParkedWork,
        backfills: Backfills,
        unfinished: Callable[[], Awaitable[Unfinished]],
        leads: Callable[[], Awaitable[dict[str, int] | None]],
    ) -> None:
        self._leads = leads
        self._settings = settings
        self._parked = parked
        self._backfills = backfills
        self.tokens = TokenStates(settings())
        self._unfinished = unfinished

    async def start(self) -> None:
        """Follow which of them have access."""
        await self.tokens.start()

    async def stop(self) -> None:
        """Stop following."""
        await self.tokens.stop()

    async def all(self) -> tuple[ConnectionState, ...]:
        """Every connection that whoever asks may see."""
        if not await self.tokens.until_read(seconds_left(FIRST_READ_SECONDS)):
            raise unreachable(self.tokens.problem)
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

    @property
    def _grants(self) -> Grants | None:
        settings = self._settings()
        return Grants.of(settings) if settings.oauth_secrets.token_keys is not None else None

    def _side(self, one: Connection, vendor: Vendor) -> SideState:
        account = one.ghl.location_id if vendor == "ghl" else one.lofty.team_id
        is_oauth = (one.ghl.auth if vendor == "ghl" else one.lofty.auth) == "oauth"
        if not is_oauth:
            return SideState(vendor, account, "token", True, "connected with an API key")
        grants = self._grants
        if grants is None:
            return SideState(vendor, account, "oauth", False, "the gateway has no LOFTY_GHL_TOKEN_KEYS")
        side: OAuthAccount = grants.ghl(one) if vendor == "ghl" else grants.lofty(one)
        state = self.tokens.newest(side.token)
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
        Setting("check of notes and tasks", _of_children(sweep)),
        Setting("opt-outs", "both ways" if connection.opt_outs else "not carried"),
        Setting("search for opt-outs in GHL", _every(sweep.opt_outs_minutes * 60)),
        Setting(
            "from GHL to Lofty", ", ".join(name for name in back if getattr(connection.back, name, False)) or "nothing"
        ),
    )


def _of_children(sweep: SweepSettings) -> str:
    if not sweep.children or not sweep.full_hours:
        return "never"
    if not sweep.quiet_days:
        return "with each check of all leads"
    days = "day" if sweep.quiet_days == 1 else f"{sweep.quiet_days:g} days"
    return f"with each check of all leads; of quiet leads every {days}"


def _every(seconds: float) -> str:
    if not seconds:
        return "never"
    size, unit = (3600, "hour") if seconds >= 3600 else (60, "minute")
    count = round(seconds / size, 1)
    return f"every {unit}" if count == 1 else f"every {count:g} {unit}s"
