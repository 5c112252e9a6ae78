"""How a worker's budgets and connections are, put together from its parts. Nothing here is counted: it is asked.

What waits because a person paused its direction is neither late nor failing, and no sweep of it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from streams.core.progress.hold_time import HoldTimes
from streams.core.rows import SweepRow
from streams.core.scheduling.budget import BudgetView
from streams.core.scheduling.pauses import pause_kind
from streams.core.sweep import Schedule, schedule_of
from streams.core.sweep_rotation import promised_ms
from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, SweepStatus
from streams.settings import Connection
from streams.settings.model import DIRECTIONS
from streams.telemetry.logs import Redaction
from streams.worker.connections import LiveConnections
from streams.worker.dispatch.loop import DispatchLoop
from streams.worker.reporting.open_rows import OpenRows
from streams.worker.reporting.sources import StatusSources

ERROR_CHARACTERS = 200

Tells = Callable[[tuple[str, ...]], bool]
"""Whether something of these connections is reported."""


def everything(_: tuple[str, ...]) -> bool:
    """All of them."""
    return True


class StatusBuilder:
    """The budgets and connections of one worker. A vendor's words are redacted before they are reported.

    They are put together as they are iterated over, which may take its time: what is gone meanwhile is left out.
    """

    def __init__(
        self,
        connections: LiveConnections,
        redact: Redaction,
        rows: OpenRows,
        holds: HoldTimes,
        monotonic: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._redact = redact
        self._rows = rows
        self._holds = holds
        self._monotonic = monotonic

    def budgets(self, parts: StatusSources, now_ms: int, tells: Tells) -> Iterator[BudgetStatus]:
        """The budgets that this worker owns, and reports with their connections."""
        now = self._monotonic()
        for loop, of in ((parts.reading, "lofty_budget"), (parts.writing, "ghl_budget")):
            sharing: dict[str, list[str]] = {}
            for c in self._connections.values():
                sharing.setdefault(getattr(c, of), []).append(c.name)
            for budget in list(loop.core.budgets):
                connections = tuple(sharing.get(budget, ()))
                if tells(connections) and loop.core.owns(budget):
                    yield self._budget(loop.name, loop.core.view_of(budget, now), connections, now_ms)

    def _budget(self, dispatcher: str, view: BudgetView, connections: tuple[str, ...], now_ms: int) -> BudgetStatus:
        kind = pause_kind(view.pause_cause) if view.pause_cause else ""
        since_ms = self._holds.look(dispatcher, view.budget, kind, now_ms, waits_for_quota=view.waiting_for_quota > 0)
        lasts = view.pause_seconds if kind and view.pause_seconds < inf else None
        return BudgetStatus(
            dispatcher="read" if dispatcher == "read" else "write",
            budget=view.budget,
            connections=connections,
            waiting={priority.name.lower(): number for priority, number in view.waiting.items() if number},
            blocked=view.blocked,
            in_flight=view.in_flight,
            in_flight_limit=view.in_flight_limit,
            window_used=view.used,
            window_limit=view.limit,
            window_seconds=view.window_seconds,
            quota_left=view.quota_left,
            quota_limit=view.quota_limit,
            quota_reset_seconds=view.quota_reset_seconds,
            quota_regime=view.quota_regime,
            waiting_for_quota=view.waiting_for_quota,
            paused=kind,
            because=self._redact.text(view.pause_cause),
            paused_since_ms=since_ms,
            paused_until_ms=None if lasts is None else now_ms + int(lasts * 1000),
        )

    def owned(self, parts: StatusSources) -> Iterator[str]:
        """The names of the connections of which this worker owns a side."""
        fenced = parts.ownership.fenced
        for c in self._connections.values():
            if self._connections.lofty(c) in fenced or self._connections.ghl(c) in fenced:
                yield c.name

    def connections(self, parts: StatusSources, tells: Tells) -> Iterator[ConnectionStatus]:
        """The connections of which this worker owns a side, and that it reports."""
        fenced = parts.ownership.fenced
        for c in list(self._connections.values()):
            if not tells((c.name,)):
                continue
            reading = self._reading(c, parts) if self._connections.lofty(c) in fenced else None
            writing = self._writing(c, parts) if self._connections.ghl(c) in fenced else None
            if reading is not None or writing is not None:
                yield ConnectionStatus(
                    connection=c.name, title=c.title, reading=reading, writing=writing, paused=c.paused
                )

    def _reading(self, c: Connection, parts: StatusSources) -> SideStatus:
        flows = {direction: direction not in c.paused for direction in DIRECTIONS}
        rows = [self._rows.fetches] * flows["to_ghl"] + [self._rows.lofty_commands] * flows["to_lofty"]
        oldest = [one.oldest_ms(c.name) for one in rows]
        failing, failing_in = self._rows.reads.of(c.name) if flows["to_ghl"] else (0, "")
        return SideStatus(
            undelivered={
                "fetch": self._rows.fetches.number(c.name),
                "write back": self._rows.lofty_commands.number(c.name),
            },
            parked={"fetch": self._rows.fetches.parked(c.name), "write back": self._rows.lofty_commands.parked(c.name)},
            oldest_accepted_ms=min((at for at in oldest if at is not None), default=None),
            failing=failing,
            failing_in=self._redact.text(failing_in)[:ERROR_CHARACTERS],
            on_hold=_hold(parts.reading, c.lofty_budget, c.name, "reads Lofty's members first"),
            settle_seconds=parts.settling.quiet_seconds(c),
            oldest_opt_out_ms=self._rows.lofty_opt_outs.oldest_ms(c.name),
            sweep=_sweep(c, parts.tables.sweeps.get(self._connections.lofty(c), c.name) or SweepRow()),
            token_expires_ms=parts.tokens.expires_ms(c, "lofty") if parts.tokens is not None else None,
        )

    def _writing(self, c: Connection, parts: StatusSources) -> SideStatus:
        flows = "to_ghl" not in c.paused
        failing, failing_in = self._rows.writes.of(c.name) if flows else (0, "")
        return SideStatus(
            undelivered={"deliver": self._rows.outbox.number(c.name)},
            parked={"deliver": self._rows.outbox.parked(c.name)},
            oldest_accepted_ms=self._rows.outbox.oldest_ms(c.name) if flows else None,
            failing=failing,
            failing_in=self._redact.text(failing_in)[:ERROR_CHARACTERS],
            on_hold=_hold(parts.writing, c.ghl_budget, c.name, "reads GHL's fields and users first"),
            links=self._rows.links.number(c.name),
            conflicts=self._rows.conflicts.number(c.name),
            oldest_opt_out_ms=self._rows.opt_outs.oldest_ms(c.name) if c.opt_outs else None,
            token_expires_ms=parts.tokens.expires_ms(c, "ghl") if parts.tokens is not None else None,
            other_deployments=parts.deployments.others(c.name),
            unmarked=self._redact.text(parts.deployments.unmarked(c.name))[:ERROR_CHARACTERS],
        )


def _hold(loop: DispatchLoop, budget: str, connection: str, why: str) -> str:
    return why if loop.core.is_held(budget, connection) else ""


def _sweep(c: Connection, row: SweepRow) -> SweepStatus:
    schedule = schedule_of(c.sweep) if "to_ghl" not in c.paused else Schedule(None, None)
    return SweepStatus(
        running=row.kind,
        started_ms=row.started_ms,
        leads=row.leads,
        total=row.total,
        changes=row.changes,
        looks=row.looks,
        full_leads=row.full_leads,
        full_looks=row.full_looks,
        full_took_ms=row.full_took_ms,
        oldest_look_ms=row.oldest_look_ms,
        look_interval_ms=promised_ms(schedule),
        new_ended_ms=row.new_ended_ms,
        full_ended_ms=row.full_ended_ms,
        new_interval_ms=schedule.new_ms,
        full_interval_ms=schedule.full_ms,
        ordered=row.ordered,
        served=row.served,
    )
