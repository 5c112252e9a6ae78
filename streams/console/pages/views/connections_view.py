"""Connections as their page shows them: what the configuration and tokens say, and what the workers tell."""

from __future__ import annotations

from streams.console.pages.render import href, part
from streams.console.pages.views.connections import Connections, ConnectionView, Side, Sweep
from streams.console.pages.views.page_view import State
from streams.console.pages.wording import counted
from streams.console.services.connections import ConnectionState, SideState
from streams.messages.worker_status import BudgetStatus
from streams.operations.status import overview as deployment

_VENDORS = {"lofty": "Lofty", "ghl": "GHL"}
_RUNS = {"new": "new leads are being looked for", "full": "all leads are being read", "backfill": "a backfill runs"}


def page(found: tuple[ConnectionState, ...], workers: deployment.Overview | None) -> Connections:
    """All connections; `workers` is None while nobody could be asked."""
    told = {one.connection: one for one in workers.connections} if workers else {}
    return Connections(tuple(connection(one, told.get(one.name)) for one in found))


def connection(one: ConnectionState, told: deployment.ConnectionView | None) -> ConnectionView:
    """One card."""
    lofty, ghl = (
        side(one.name, one.lofty, told.reads if told else None),
        side(one.name, one.ghl, told.writes if told else None),
    )
    return ConnectionView(
        name=one.name,
        state=state(lofty, ghl, told),
        lofty=lofty,
        ghl=ghl,
        sweep=Sweep(
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


def state(lofty: Side, ghl: Side, told: deployment.ConnectionView | None) -> State:
    """The whole connection in words: the worst first."""
    for one in (ghl, lofty):
        if not one.is_connected:
            return State("bad", f"Waits for access to {one.vendor}")
    if told is None or not told.is_owned:
        return State("bad", "No worker carries it")
    if told.on_hold:
        return State("warn", f"On hold: {told.on_hold}")
    for one in (ghl, lofty):
        if one.state.level in ("warn", "bad"):
            return State(one.state.level, f"{one.vendor}: {one.state.words[:1].lower()}{one.state.words[1:]}")
    waiting = sum(told.undelivered.values())
    return (
        State("busy", f"Works, {counted(waiting, 'change')} on the way")
        if waiting
        else State("ok", "Works, up to date")
    )


def side(connection: str, one: SideState, budget: BudgetStatus | None) -> Side:
    """One vendor."""
    is_oauth = one.access == "oauth"
    if not one.is_connected:
        state = State("bad", "Not connected")
    elif one.missing:
        state = State("warn", f"{counted(len(one.missing), 'scope')} missing")
    elif budget is not None and budget.paused:
        state = State("warn", f"Paused: {budget.because or budget.paused}")
    else:
        state = State("ok", "Connected" if is_oauth else "By key")
    return Side(
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
