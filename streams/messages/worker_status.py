"""What a worker says of itself, every few seconds: how it is, what it owns, what waits. All others learn of it by this word alone.

A worker with many connections reports them in parts (`StatusPart`), one after another, so that each record stays small.
Budgets and connections are in it only as far as this worker owns them. A connection's reading side (Lofty's budget) and its
writing side (GHL's) may be owned by two workers, so each is a value of its own (`operations/status/overview.py` puts them together).
Fields that read as at the start are left out on the wire.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.messages.message import Message

STUCK_LOOKS = 6
"""So many looks of the watchdog in a row without progress: half of what ends the worker."""

RunKind = Literal["new", "full", "backfill"]


class Part(BaseModel):
    """A part of a status."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class BudgetStatus(Part):
    """One budget. `waiting` is by priority (`opt_out`, `live`, `sweep`, `backfill`, `verify`).

    `paused` is the kind of its pause (`core/scheduling/pauses.py`), empty for none; `because` is its cause in words.
    `paused_until_ms` None while it is paused means: until somebody acts.
    `quota_*` are None for a budget without a daily quota.
    `dispatcher` says whether it limits what is read from Lofty or written to GHL, `budget` is its name, `connections` are those that share it.
    `blocked` entities wait for others, `in_flight` requests of at most `in_flight_limit` are under way.
    `window_used` of `window_limit` requests are used of the last `window_seconds`. `waiting_for_quota` entities wait for the next day.
    `paused_since_ms` is when the pause began.
    """

    dispatcher: Literal["read", "write"]
    budget: str
    connections: tuple[str, ...] = ()
    waiting: dict[str, int] = Field(default_factory=dict)
    blocked: int = 0
    in_flight: int = 0
    in_flight_limit: int = 0
    window_used: int = 0
    window_limit: int = 0
    window_seconds: float = 0.0
    quota_left: int | None = None
    quota_limit: int | None = None
    quota_reset_seconds: float | None = None
    quota_regime: str = ""
    waiting_for_quota: int = 0
    paused: str = ""
    because: str = ""
    paused_since_ms: int | None = None
    paused_until_ms: int | None = None


class SweepStatus(Part):
    """A connection's sweeps. `running` is None between two runs; `leads` of `total` the run under way, or the last one, has seen.

    `new_ended_ms` and `full_ended_ms` are when such a run last ended well, or when its schedule began; the intervals are
    None for never. `looks` are the leads of which this run has read the notes, tasks and appointments; `full_leads`, `full_looks` and
    `full_took_ms` are of the last full run. `oldest_look_ms` is the oldest time at which those of a lead were last read, 0 for not
    known, `look_interval_ms` how often they are to be, None for never. `ordered` is the id of a backfill that waits or runs, `served` of the last one that ended.
    `started_ms` is when the run began, `changes` are what it found. `new_interval_ms` and `full_interval_ms` are how often such runs begin.
    """

    running: RunKind | None = None
    started_ms: int = 0
    leads: int = 0
    total: int | None = None
    changes: int = 0
    looks: int = 0
    full_leads: int = 0
    full_looks: int = 0
    full_took_ms: int = 0
    oldest_look_ms: int = 0
    look_interval_ms: int | None = None
    new_ended_ms: int = 0
    full_ended_ms: int = 0
    new_interval_ms: int | None = None
    full_interval_ms: int | None = None
    ordered: str = ""
    served: str = ""


class OtherDeployment(Part):
    """Another deployment that writes to a connection's GHL location, by its mark there (`core/to_ghl/deployment_mark.py`).

    `connection` is what it calls its connection. It has written there since `since_ms`, and said so last at `seen_ms`.
    `deployment` is its id, `topic_prefix` its prefix, `host` the host of its worker.
    """

    deployment: str
    connection: str = ""
    topic_prefix: str = ""
    host: str = ""
    since_ms: int = 0
    seen_ms: int = 0


class SideStatus(Part):
    """One side of a connection. `undelivered` and `parked` are entities by stage; `oldest_accepted_ms` is when the oldest
    change among the undelivered was accepted, None without any. `on_hold` says why nothing starts, empty if it may.
    `settle_seconds`: on the reading side, how long nothing of a lead must have changed before its edits are read.

    `failing` are entities at which several attempts in a row have failed, `failing_in` is the last error of one of them.
    `links` are known on the writing side, `sweep` on the reading side. `conflicts` are the values that a contact goes without, or has
    for two leads, and about which nobody has decided, on the writing side.
    `oldest_opt_out_ms` is since when the oldest opt-out is known that this side does not have, parked or not; None without any.
    `token_expires_ms` is None where there is no OAuth token.
    `other_deployments` write to the same location, on the writing side; `unmarked` says why that cannot be known, empty if it can.
    """

    undelivered: dict[str, int] = Field(default_factory=dict)
    parked: dict[str, int] = Field(default_factory=dict)
    oldest_accepted_ms: int | None = None
    on_hold: str = ""
    settle_seconds: float = 0.0
    failing: int = 0
    failing_in: str = ""
    links: int | None = None
    sweep: SweepStatus | None = None
    token_expires_ms: int | None = None
    oldest_opt_out_ms: int | None = None
    conflicts: int | None = None
    other_deployments: tuple[OtherDeployment, ...] = ()
    unmarked: str = ""


class ConnectionStatus(Part):
    """One connection, as far as this worker owns its sides; None for a side that is another's.

    `title` is what people are shown: its label, with its id where that is another. Empty: the id.
    `paused` are the directions (`to_ghl`, `to_lofty`) in which it is paused by its settings.
    `connection` is its id, `reading` its side at Lofty, `writing` its side at GHL.
    """

    connection: str
    title: str = ""
    reading: SideStatus | None = None
    writing: SideStatus | None = None
    paused: tuple[str, ...] = ()


class LagStatus(Part):
    """What is not committed yet of one topic, over this worker's partitions. `oldest_ms` is when the oldest of it was written
    (exact to some seconds), None without any.
    `topic` has so many `records` that are not committed.
    """

    topic: str
    records: int = 0
    oldest_ms: int | None = None


class WorkerStatus(Message):
    """One worker at `at_ms` (epoch milliseconds). `instance` identifies one start of a process.

    `stages` are the records worked off since the start, by stage, and `totals` other counts since then (`reads`, `writes`,
    `unchanged`, `parked`, `live_within_60s`, `live`): two statuses of one instance give rates.
    `is_stopping` is the last word of one that stops in order. `recovering_since_ms` is None when no tables are recovered.
    `mapping_trouble` says why a newer version of the mappings is not in force here, `connection_trouble` the same of connections, by their ids.
    `parts` is the number of parts with the budgets and connections; 0: they are all here. `parts_heard` is how
    many of them a reader has put together.
    `configuration` is equal for processes with the same connections.
    `process` is its number among the processes of `worker --processes`, None for a worker that runs alone.
    `stores_set_aside` are the damaged local stores that lie on its disk for a person to look at.
    `host` and `pid` say where it runs, `release` is its version, `started_ms` when it began. `is_ready`: it is at work.
    `mapping_version` is the version of the mappings in force here. `partitions` is how many each topic has; of them it has `assigned`, may write for `fenced`, and keeps copies of the tables of `standby`.
    `lease_seconds` is how long it may still write without a word from Kafka, `recovery_seconds` how long the tables took to recover.
    `stuck_looks` are looks of the watchdog in a row without progress, `appends_failing_seconds` for how long writes to Kafka have failed.
    `store_rows` and `store_bytes` are the size of its local stores, `tables` the rows of each table. `lags` are by topic.
    `budgets` and `connections` are those that it owns.
    """

    instance: str
    host: str = ""
    pid: int = 0
    process: int | None = None
    release: str = ""
    started_ms: int
    at_ms: int
    is_stopping: bool = False
    is_ready: bool = False
    mapping_version: int = 0
    mapping_trouble: str = ""
    connection_trouble: dict[str, str] = Field(default_factory=dict)
    partitions: int
    assigned: tuple[int, ...] = ()
    fenced: tuple[int, ...] = ()
    standby: tuple[int, ...] = ()
    lease_seconds: float = 0.0
    recovering_since_ms: int | None = None
    recovery_seconds: float = 0.0
    stuck_looks: int = 0
    appends_failing_seconds: float = 0.0
    store_rows: int = 0
    store_bytes: int = 0
    stores_set_aside: tuple[str, ...] = ()
    tables: dict[str, int] = Field(default_factory=dict)
    lags: tuple[LagStatus, ...] = ()
    budgets: tuple[BudgetStatus, ...] = ()
    connections: tuple[ConnectionStatus, ...] = ()
    stages: dict[str, int] = Field(default_factory=dict)
    totals: dict[str, int] = Field(default_factory=dict)
    parts: int = 0
    parts_heard: int = 0
    configuration: str = ""

    def to_bytes(self) -> bytes:
        """The value for the topic, without fields that have their default."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)


class StatusPart(Message):
    """The part `number` (from 0) of the budgets and connections of the worker `part_of`, as they were at `at_ms`.

    `budgets` and `connections` are as in `WorkerStatus`.
    """

    part_of: str
    number: int
    at_ms: int
    budgets: tuple[BudgetStatus, ...] = ()
    connections: tuple[ConnectionStatus, ...] = ()

    def to_bytes(self) -> bytes:
        """The value for the topic, without fields that have their default."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)
