"""The connections page: what the configuration and the tokens say, and what the workers report."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import StatusText
from streams.console.pages.wording import counted
from streams.console.services.connections import ConnectionState, SideState
from streams.messages.worker_status import BudgetStatus
from streams.operations.status import overview as deployment


@dataclass(frozen=True, slots=True)
class VendorAccess:
    """One vendor of a connection. `connect_href` is where access is given, empty where a token is used."""

    vendor: str
    account: str
    access: str
    state: StatusText
    connect_href: str = ""
    is_connected: bool = True
    granted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    expires_ms: int | None = None
    pastes_answer: bool = False


@dataclass(frozen=True, slots=True)
class LastSweep:
    """When Lofty was last read without being told."""

    words: str
    new_ms: int | None
    full_ms: int | None


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """One card."""

    name: str
    state: StatusText
    lofty: VendorAccess
    ghl: VendorAccess
    sweep: LastSweep
    mapping: str
    mapping_href: str
    contacts: int | None
    waiting: int | None
    parked: int
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionsView:
    """The page."""

    connections: tuple[ConnectionCard, ...]


@dataclass(frozen=True, slots=True)
class ConnectLoftyView:
    """Lofty's answer must be pasted: the page that asks for it. `ticket` is ours and comes back with the form."""

    connection: str
    action: str
    link: str
    ticket: str
    problem: str = ""


_VENDORS = {"lofty": "Lofty", "ghl": "GHL"}
_RUNS = {"new": "new leads are being looked for", "full": "all leads are being read", "backfill": "a backfill runs"}


def page(found: tuple[ConnectionState, ...], workers: deployment.Overview | None) -> ConnectionsView:
    """All connections; `workers` is None while nobody could be asked."""
    told = {one.connection: one for one in workers.connections} if workers else {}
    return ConnectionsView(tuple(connection(one, told.get(one.name)) for one in found))


def connection(one: ConnectionState, told: deployment.ConnectionView | None) -> ConnectionCard:
    """One card."""
    lofty, ghl = (
        side(one.name, one.lofty, told.reads if told else None),
        side(one.name, one.ghl, told.writes if told else None),
    )
    return ConnectionCard(
        name=one.name,
        state=state(lofty, ghl, told),
        lofty=lofty,
        ghl=ghl,
        sweep=LastSweep(
            _RUNS.get(one.sweep, "" if one.new_ended_ms or one.full_ended_ms else "none yet"),
            one.new_ended_ms or None,
            one.full_ended_ms or None,
        ),
        mapping=one.mapping,
        mapping_href=href(f"/mapping/{part(one.mapping)}"),
        contacts=told.links if told else None,
        waiting=sum(told.undelivered.values()) if told else None,
        parked=one.parked,
        settings=tuple((each.name[:1].upper() + each.name[1:], each.value) for each in one.settings),
    )


def state(lofty: VendorAccess, ghl: VendorAccess, told: deployment.ConnectionView | None) -> StatusText:
    """The whole connection in words: the worst first."""
    for one in (ghl, lofty):
        if not one.is_connected:
            return StatusText("bad", f"Waits for access to {one.vendor}")
    if told is None or not told.is_owned:
        return StatusText("bad", "No worker carries it")
    if told.on_hold:
        return StatusText("warn", f"On hold: {told.on_hold}")
    for one in (ghl, lofty):
        if one.state.level in ("warn", "bad"):
            return StatusText(one.state.level, f"{one.vendor}: {one.state.words[:1].lower()}{one.state.words[1:]}")
    waiting = sum(told.undelivered.values())
    return (
        StatusText("busy", f"Works, {counted(waiting, 'change')} on the way")
        if waiting
        else StatusText("ok", "Works, up to date")
    )


def side(connection: str, one: SideState, budget: BudgetStatus | None) -> VendorAccess:
    """One vendor."""
    is_oauth = one.access == "oauth"
    if not one.is_connected:
        state = StatusText("bad", "Not connected")
    elif one.missing:
        state = StatusText("warn", f"{counted(len(one.missing), 'scope')} missing")
    elif budget is not None and budget.paused:
        state = StatusText("warn", f"Paused: {budget.because or budget.paused}")
    else:
        state = StatusText("ok", "Connected" if is_oauth else "By key")
    return VendorAccess(
        vendor=_VENDORS[one.vendor],
        account=f"{'team' if one.vendor == 'lofty' else 'location'} {one.account}",
        access=f"OAuth: {one.words}" if is_oauth else f"{one.words[:1].upper()}{one.words[1:]}",
        state=state,
        connect_href=href(f"/connect/{one.vendor}/{part(connection)}") if is_oauth else "",
        is_connected=one.is_connected,
        granted=one.granted,
        missing=one.missing,
        expires_ms=one.expires_ms,
    )
