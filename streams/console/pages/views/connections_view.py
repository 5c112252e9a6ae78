"""The connections page: what the configuration and the tokens say, and what the workers report."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import StatusText
from streams.console.pages.wording import awaited, counted, sentence
from streams.console.services.connections import ConnectionState, SideState
from streams.messages.worker_status import BudgetStatus
from streams.operations.status import overview as deployment


@dataclass(frozen=True, slots=True)
class VendorAccess:
    """One vendor of a connection. `connect_href` is where access is granted, empty where a key is used."""

    side: SideState
    vendor: str
    account: str
    access: str
    state: StatusText
    connect_href: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """One connection. `sweep` says what is being read from Lofty now; `in_ghl` (contacts, notes and tasks) and `waiting` are
    None while unknown."""

    connection: ConnectionState
    state: StatusText
    lofty: VendorAccess
    ghl: VendorAccess
    sweep: str
    in_ghl: int | None
    waiting: int | None


@dataclass(frozen=True, slots=True)
class ConnectionsView:
    """The page."""

    connections: tuple[ConnectionCard, ...]


@dataclass(frozen=True, slots=True)
class ConnectLoftyView:
    """The page that asks for Lofty's answer, which must be pasted. `ticket` comes back with the form."""

    connection: str
    action: str
    link: str
    ticket: str
    problem: str = ""


_VENDORS = {"lofty": "Lofty", "ghl": "GHL"}
_SWEEPS = {"new": "searching for new leads", "full": "checking all leads", "backfill": "importing existing leads"}


def connections_view(found: tuple[ConnectionState, ...], workers: deployment.Overview | None) -> ConnectionsView:
    """All connections; `workers` is None while their state is unknown."""
    reported = {one.connection: one for one in workers.connections} if workers else {}
    is_known = workers is not None
    return ConnectionsView(tuple(connection_card(one, reported.get(one.name), is_known=is_known) for one in found))


def connection_card(
    one: ConnectionState, reported: deployment.ConnectionView | None, *, is_known: bool = True
) -> ConnectionCard:
    """One connection; `reported` is what its workers say of it, `is_known` whether they could be asked."""
    lofty = vendor_access(one.name, one.lofty, reported.reads if reported else None)
    ghl = vendor_access(one.name, one.ghl, reported.writes if reported else None)
    return ConnectionCard(
        connection=one,
        state=unfinished(one) or (state(lofty, ghl, reported) if is_known else StatusText("idle", "Not known now")),
        lofty=lofty,
        ghl=ghl,
        sweep=_SWEEPS.get(one.sweep, "" if one.new_ended_ms or one.full_ended_ms else "none yet"),
        in_ghl=reported.links if reported else None,
        waiting=sum(reported.undelivered.values()) if reported and reported.is_owned else None,
    )


def unfinished(one: ConnectionState) -> StatusText | None:
    """A connection that is not at work, in words; None for one that is."""
    if one.state == "removing":
        return StatusText("busy", "Being removed")
    if one.state == "needs credentials":
        return StatusText("bad", "Waiting for a key" if len(one.needs) == 1 else "Waiting for keys")
    if one.trouble:
        return StatusText("bad", "Its newest settings are not used")
    return None


def state(lofty: VendorAccess, ghl: VendorAccess, reported: deployment.ConnectionView | None) -> StatusText:
    """The whole connection in words: the worst first."""
    for access in (ghl, lofty):
        if not access.side.is_connected:
            return StatusText("bad", f"Waiting for access to {access.vendor}")
    if reported is None or not reported.is_owned:
        return StatusText("bad", "No worker syncs it")
    if reported.paused:
        return StatusText("warn", f"Paused {reported.paused_words}: what comes in waits")
    if reported.on_hold:
        return StatusText("warn", f"Waiting for {awaited(reported.on_hold)}")
    for access in (ghl, lofty):
        if access.state.level in ("warn", "bad"):
            words = f"{access.state.words[:1].lower()}{access.state.words[1:]}"
            return StatusText(access.state.level, f"{access.vendor}: {words}")
    waiting = sum(reported.undelivered.values())
    if waiting:
        return StatusText("busy", f"Works, {counted(waiting, 'change')} on the way")
    return StatusText("ok", "Works, up to date")


def vendor_access(connection: str, side: SideState, budget: BudgetStatus | None) -> VendorAccess:
    """One vendor of a connection."""
    is_oauth = side.access == "oauth"
    if not side.is_connected:
        state = StatusText("bad", "Not connected")
    elif side.missing:
        state = StatusText("warn", f"{counted(len(side.missing), 'permission')} missing")
    elif budget is not None and budget.paused:
        state = StatusText("warn", f"Paused: {budget.because or budget.paused}")
    else:
        state = StatusText("ok", "Connected")
    return VendorAccess(
        side=side,
        vendor=_VENDORS[side.vendor],
        account=f"{'team' if side.vendor == 'lofty' else 'location'} {side.account}",
        access=sentence(side.words),
        state=state,
        connect_href=href(f"/connect/{side.vendor}/{part(connection)}") if is_oauth else "",
    )
