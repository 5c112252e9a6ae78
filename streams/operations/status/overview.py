"""Combines what the workers report of themselves into one value. Pure: `lofty-ghl status`, the console and the alerts share it.

It takes the newest `WorkerStatus` of each instance (`streams/operations/status/reader.py` reads them from Kafka), the time, and
the names in the configuration. Only workers that are alive count, and nothing is guessed: a partition without an owner is
`unowned`, and a connection's side without one is None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from streams.messages.gateway_status import GatewayStatus
from streams.messages.growth import Move
from streams.messages.worker_status import BudgetStatus, LagStatus, SideStatus, WorkerStatus
from streams.settings.model import paused_words

ALIVE_MS = 20_000
"""A worker reports every five seconds; one that has not reported for longer than this counts as gone."""

FORGET_MS = 15 * 60_000
"""A worker that has not reported for this long, or was shut down, is no longer listed."""

State = Literal["ready", "starting", "stopping", "silent"]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker. `is_alive`: it reported within the last 20 s and is not shutting down."""

    status: WorkerStatus
    silent_ms: int
    is_alive: bool
    state: State


@dataclass(frozen=True, slots=True)
class GatewayView:
    """One gateway. `is_alive`: it reported within the last 20 s and is not shutting down."""

    status: GatewayStatus
    silent_ms: int
    is_alive: bool
    state: State


@dataclass(frozen=True, slots=True)
class ParkedOpen:
    """Open records on the topic `parked` that no table counts, of one stage and reason.

    `says` is the message of the newest one.
    """

    stage: str
    reason: str
    number: int
    says: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One connection with both of its sides. A side is None while no worker that is alive owns it.

    `undelivered` and `parked` count entities by stage. `oldest_accepted_ms` is when the oldest pending change was accepted.
    `reads` and `writes` are its two budgets. `on_hold` says why it starts no request, "" if it may.
    `paused` are the directions (`to_ghl`, `to_lofty`) in which a person has paused it.
    `title` is what people are shown for it. `conflicts` are those that nobody has decided, None where no worker reports them.
    """

    connection: str
    reading: SideStatus | None
    writing: SideStatus | None
    reads: BudgetStatus | None
    writes: BudgetStatus | None
    links: int | None
    undelivered: dict[str, int]
    parked: dict[str, int]
    oldest_accepted_ms: int | None
    on_hold: str
    title: str = ""
    conflicts: int | None = None
    paused: tuple[str, ...] = ()

    @property
    def rests(self) -> bool:
        """Whether a person has paused all of it, as each connection is before it is switched on for the first time."""
        return {"to_ghl", "to_lofty"} <= {*self.paused}

    @property
    def paused_words(self) -> str:
        """In which directions a person has paused it, in words; "" for none."""
        return paused_words(self.paused)

    @property
    def is_owned(self) -> bool:
        """Whether workers that are alive own both of its sides."""
        return self.reading is not None and self.writing is not None


@dataclass(frozen=True, slots=True)
class Overview:
    """A deployment at `at_ms`.

    `workers` are all that reported lately, those that are alive first. All other values are of the workers that are alive.
    `unowned` are the partitions without an owner. `budgets` and `connections` are sorted by name; a configured connection that
    no worker reports is there too, with both sides None. `lags` are sums by topic.
    More than one of `mapping_versions`, or of `releases`, means that the workers are being switched to a newer one.
    `stages` and `totals` are sums of counts since each worker's start: for rates use `rates` on two overviews.
    `gateways` are those that reported lately, None if they were not read. `configuration` is the reader's own.
    `parked_open` are the open records that only the topic `parked` knows, if the reader has counted them.
    """

    at_ms: int
    workers: tuple[WorkerView, ...]
    partitions: int
    unowned: tuple[int, ...]
    budgets: tuple[BudgetStatus, ...]
    connections: tuple[ConnectionView, ...]
    lags: tuple[LagStatus, ...]
    mapping_versions: tuple[int, ...]
    releases: tuple[str, ...]
    stages: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    gateways: tuple[GatewayView, ...] | None = None
    configuration: str = ""
    parked_open: tuple[ParkedOpen, ...] = ()
    move: Move | None = None
    """The move to more partitions that is under way, as the gateways know it."""

    @property
    def alive(self) -> tuple[WorkerView, ...]:
        """The workers that are alive."""
        return tuple(one for one in self.workers if one.is_alive)

    @property
    def waiting(self) -> dict[str, int]:
        """How many entities wait, by priority, in all budgets together."""
        return _sum(one.waiting for one in self.budgets)


def newest(statuses: Iterable[WorkerStatus]) -> tuple[WorkerStatus, ...]:
    """The newest status of each instance, in whatever order they come."""
    found: dict[str, WorkerStatus] = {}
    for status in statuses:
        known = found.get(status.instance)
        if known is None or (status.at_ms, status.is_stopping) >= (known.at_ms, known.is_stopping):
            found[status.instance] = status
    return tuple(found.values())


def overview(
    statuses: Iterable[WorkerStatus],
    now_ms: int,
    *,
    partitions: int,
    connections: Mapping[str, str] | Collection[str] = (),
    gateways: Iterable[GatewayStatus] | None = None,
    configuration: str = "",
) -> Overview:
    """Make the overview. `partitions` and `connections` are those of the configuration, these with their titles or without.

    If two workers report the same budget or side, because it is moving from one to the other, the later status counts.
    """
    views = sorted(
        (_view(one, now_ms) for one in newest(statuses) if now_ms - one.at_ms < FORGET_MS),
        key=lambda view: (not view.is_alive, view.status.started_ms, view.status.instance),
    )
    listed = tuple(view for view in views if view.state != "stopping" or view.silent_ms < ALIVE_MS)
    living = sorted((view.status for view in views if view.is_alive), key=lambda status: status.at_ms)
    budgets = {(b.dispatcher, b.budget): b for status in living for b in status.budgets}
    owned = {partition for status in living for partition in status.fenced}
    views_of_gateways = None if gateways is None else _gateways(gateways, now_ms)
    return Overview(
        at_ms=now_ms,
        workers=listed,
        partitions=partitions,
        unowned=tuple(number for number in range(partitions) if number not in owned),
        budgets=tuple(budgets[key] for key in sorted(budgets)),
        connections=_connections(living, budgets.values(), connections),
        lags=_lags(living),
        mapping_versions=tuple(sorted({status.mapping_version for status in living})),
        releases=tuple(sorted({status.release for status in living})),
        stages=_sum(status.stages for status in living),
        totals=_sum(status.totals for status in living),
        gateways=views_of_gateways,
        configuration=configuration,
        move=_move(views_of_gateways or ()),
    )


def _move(gateways: Iterable[GatewayView]) -> Move | None:
    """By whichever gateway that is alive knows the newest of it. What all of them know is over."""
    moves = [one.status.move for one in gateways if one.is_alive and one.status.move is not None]
    return max(moves, key=lambda move: (move.growth.at_ms, move.last_ms), default=None)


def rates(before: Iterable[WorkerStatus], after: Iterable[WorkerStatus]) -> dict[str, float]:
    """Records a second by stage, and `totals` a second, from the workers that are in both overviews, each by its own clock."""
    known = {status.instance: status for status in newest(before)}
    found: dict[str, float] = {}
    for status in newest(after):
        earlier = known.get(status.instance)
        if earlier is None or status.at_ms <= earlier.at_ms:
            continue
        seconds = (status.at_ms - earlier.at_ms) / 1000
        for now, then in ((status.stages, earlier.stages), (status.totals, earlier.totals)):
            for name, count in now.items():
                found[name] = found.get(name, 0.0) + (count - then.get(name, 0)) / seconds
    return found


def _gateways(statuses: Iterable[GatewayStatus], now_ms: int) -> tuple[GatewayView, ...]:
    found = []
    for status in statuses:
        silent_ms, state = _state(status, now_ms)
        is_gone = silent_ms >= FORGET_MS or (state == "stopping" and silent_ms >= ALIVE_MS)
        if not is_gone:
            found.append(GatewayView(status, silent_ms, state in ("ready", "starting"), state))
    return tuple(sorted(found, key=lambda view: (not view.is_alive, view.status.begun_ms, view.status.gateway)))


def _view(status: WorkerStatus, now_ms: int) -> WorkerView:
    silent_ms, state = _state(status, now_ms)
    return WorkerView(status, silent_ms, state in ("ready", "starting"), state)


def _state(status: WorkerStatus | GatewayStatus, now_ms: int) -> tuple[int, State]:
    silent_ms = max(0, now_ms - status.at_ms)
    if status.is_stopping:
        state: State = "stopping"
    elif silent_ms > ALIVE_MS:
        state = "silent"
    else:
        state = "ready" if status.is_ready else "starting"
    return silent_ms, state


def _connections(
    living: Iterable[WorkerStatus], budgets: Iterable[BudgetStatus], configured: Mapping[str, str] | Collection[str]
) -> tuple[ConnectionView, ...]:
    titles = {one.connection: one.title for status in living for one in status.connections if one.title}
    titles |= dict(configured) if isinstance(configured, Mapping) else {}
    reading: dict[str, SideStatus] = {}
    writing: dict[str, SideStatus] = {}
    paused: dict[str, tuple[str, ...]] = {}
    for status in living:
        for one in status.connections:
            paused[one.connection] = one.paused
            if one.reading is not None:
                reading[one.connection] = one.reading
            if one.writing is not None:
                writing[one.connection] = one.writing
    of = {(b.dispatcher, name): b for b in budgets for name in b.connections}
    names = sorted({*configured, *reading, *writing})
    return tuple(
        replace(
            _connection(name, reading.get(name), writing.get(name), of.get(("read", name)), of.get(("write", name))),
            title=titles.get(name, name),
            paused=paused.get(name, ()),
        )
        for name in names
    )


def _connection(
    name: str,
    reading: SideStatus | None,
    writing: SideStatus | None,
    reads: BudgetStatus | None,
    writes: BudgetStatus | None,
) -> ConnectionView:
    sides = [side for side in (reading, writing) if side is not None]
    oldest = [side.oldest_accepted_ms for side in sides if side.oldest_accepted_ms is not None]
    return ConnectionView(
        connection=name,
        reading=reading,
        writing=writing,
        reads=reads,
        writes=writes,
        links=writing.links if writing is not None else None,
        conflicts=writing.conflicts if writing is not None else None,
        undelivered=_sum(side.undelivered for side in sides),
        parked=_sum(side.parked for side in sides),
        oldest_accepted_ms=min(oldest, default=None),
        on_hold="; ".join(dict.fromkeys(side.on_hold for side in sides if side.on_hold)),
    )


def _lags(living: Iterable[WorkerStatus]) -> tuple[LagStatus, ...]:
    found: dict[str, LagStatus] = {}
    for status in living:
        for lag in status.lags:
            known = found.get(lag.topic, LagStatus(topic=lag.topic))
            times = [at for at in (known.oldest_ms, lag.oldest_ms) if at is not None]
            found[lag.topic] = LagStatus(
                topic=lag.topic, records=known.records + lag.records, oldest_ms=min(times, default=None)
            )
    return tuple(found[topic] for topic in sorted(found))


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return found
