"""Every metric of the product, in one list. A new one is declared here, or it does not exist.

Labels come from closed sets, or are names of what the configuration bounds: connections and budgets. Never an id, never an
e-mail, never a text of a vendor. Durations are seconds, sizes bytes, times seconds since the epoch.
"""

from __future__ import annotations

from typing import get_args

from connectors.ghl.webhooks import USED
from connectors.outcome import OUTCOMES
from streams.core.progress.repeats import FAILS_EVERY_TIME
from streams.core.rows import SweepKind
from streams.core.scheduling.items import Priority
from streams.core.scheduling.pauses import PAUSE_KINDS
from streams.core.to_ghl.dedupe import Admission
from streams.core.to_ghl.delivery import Acceptance
from streams.core.to_ghl.left_out import FieldKind, LeftOutReason
from streams.core.to_ghl.plan import StepName
from streams.messages import Stage
from streams.messages.entity import KINDS
from streams.messages.parked import PASSED_OVER, UNREADABLE
from streams.settings.model import DIRECTIONS
from streams.telemetry.metrics.spec import ALL, Label, Process, Spec, Type

FRESHNESS_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""60 s is the objective, so it is a boundary."""
VENDOR_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
APPEND_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
LOOP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

_REASONS = tuple(dict.fromkeys(row.name for row in OUTCOMES))

CONNECTION = Label("connection", bound="connection")
DISPATCHER = Label("dispatcher", ("read", "write"))
BUDGET = Label("budget", bound="budget")
PRIORITY = Label("priority", tuple(one.name.lower() for one in Priority))
VENDOR = Label("vendor", ("lofty", "ghl"))
OPERATION = Label("operation", bound="operation")
TOPIC = Label("topic", bound="topic")
AGENTS = ("dedupe", "fetch", "deliver", "record", "respond", "write_back", "sweep", "inspect", "tokens")
AGENT = Label("stage", AGENTS)
SINCE = Label("since", ("update", "acceptance"))
HELD = Label("held", ("no", "quota", "access", "paused"))
DIRECTION = Label("direction", DIRECTIONS)
PAUSE = Label("cause", PAUSE_KINDS)
RUN = Label("kind", get_args(SweepKind))
_BOTH_INTAKES = (
    *("accepted", "ignored", "parked", "not json", "too large", "encoded", "broken body", "kafka unavailable"),
    "wrong address",
)
_LOFTY_INTAKE = (*_BOTH_INTAKES, "wrong secret")
_GHL_INTAKE = (*_BOTH_INTAKES, "bad signature", "repeated")
INTAKE_RESULTS = tuple(dict.fromkeys((*_LOFTY_INTAKE, *_GHL_INTAKE, "granted", "refused", "failed", "busy", "shown")))
EVENT_RESULTS = (
    *("answered", "echo", "left out", "no rule", "overtaken", "duplicate", "not linked", "contact gone", "parked"),
)
CATALOGUE: list[Spec] = []


def _add(
    name: str,
    type_: Type,
    help_text: str,
    *labels: Label,
    buckets: tuple[float, ...] = (),
    by: str = "worker",
    zeros: tuple[tuple[str, ...], ...] = (),
    is_live: bool = False,
) -> Spec:
    processes = tuple(one for one in get_args(Process) if one in by.split())
    spec = Spec(name, type_, help_text, labels, buckets, processes, zeros, is_live)
    CATALOGUE.append(spec)
    return spec


def _counter(name: str, help_text: str, *labels: Label, by: str = "worker", zeros: tuple[tuple[str, ...], ...]) -> Spec:
    return _add(name, "counter", help_text, *labels, by=by, zeros=zeros)


def _gauge(name: str, help_text: str, *labels: Label, by: str = "worker") -> Spec:
    return _add(name, "gauge", help_text, *labels, by=by, is_live=True)


# -- the headline -----------------------------------------------------------------------------------------
FRESHNESS = _add(
    *("freshness_seconds", "histogram"),
    "Time until GHL answered 2xx and the entity is as Lofty says, for live changes: `since` Lofty's update time, or since we "
    "accepted its webhook. `held` says that the daily quota, missing access or a person who paused the connection held it back meanwhile.",
    *(CONNECTION, SINCE, HELD),
    buckets=FRESHNESS_BUCKETS,
    zeros=((ALL, ALL, "no"),),
)

# -- every process ----------------------------------------------------------------------------------------
BUILD = _gauge("build_info", "1; the version that runs.", Label("version", bound="version"), by="worker gateway")
CONFIGURATION = _gauge(
    *(
        "configuration_info",
        "1; the fingerprint of this process's connections and partitions: those of all must agree.",
    ),
    Label("configuration", bound="version"),
    by="worker gateway",
)
CLOCK = _gauge("clock_seconds", "This process's clock at the scrape: those of all must agree.", by="worker gateway")
LOOP_LAG = _add(
    *("event_loop_lag_seconds", "histogram"),
    "Delay of the event loop, measured twice a second.",
    buckets=LOOP_BUCKETS,
    by="worker gateway",
    zeros=((),),
)
APPEND_SECONDS = _add(
    *("append_seconds", "histogram"),
    "Time from a batch's sending to Kafka's acknowledgement by all in-sync replicas.",
    buckets=APPEND_BUCKETS,
    by="worker gateway",
    zeros=((),),
)
APPEND_RECORDS = _counter(
    "append_records_total",
    "Records that Kafka acknowledged; all changelogs of tables together count as `changelogs`.",
    TOPIC,
    by="worker gateway",
    zeros=((ALL,),),
)
APPEND_FAILURES = _counter(
    "append_failures_total",
    "Batches that Kafka did not acknowledge.",
    TOPIC,
    by="worker gateway",
    zeros=((ALL,),),
)

PRODUCER_REPLACED = _counter(
    "producer_replaced_total",
    "Times that the producer took a new identity for a partition: a batch was `in doubt`, or Kafka `refused` it.",
    Label("reason", ("in doubt", "refused")),
    by="worker gateway",
    zeros=(("in doubt",), ("refused",)),
)
APPENDS_FAILING = _gauge(
    "appends_failing_seconds",
    "Time since Kafka last acknowledged what is appended; 0 while it does. Readiness fails with it.",
    by="worker gateway",
)

# -- intake -----------------------------------------------------------------------------------------------
INTAKE = _counter(
    "intake_total",
    "Webhook deliveries and OAuth answers by result.",
    Label("vendor", ("lofty", "ghl", "oauth")),
    Label("result", INTAKE_RESULTS),
    by="gateway",
    zeros=(*(("lofty", one) for one in _LOFTY_INTAKE), *(("ghl", one) for one in _GHL_INTAKE)),
)
INTAKE_ITEMS = _counter(
    "intake_items_total",
    "Changes and events in accepted deliveries. Connections that share a location count as its first.",
    *(VENDOR, CONNECTION),
    by="gateway",
    zeros=((ALL, ALL),),
)
INTAKE_SECONDS = _add(
    *("intake_seconds", "histogram"),
    "Time from a delivery's arrival to the answer, Kafka's acknowledgement included.",
    VENDOR,
    buckets=APPEND_BUCKETS,
    by="gateway",
    zeros=((ALL,),),
)

NOTIFICATIONS = _counter(
    "notifications_total",
    "Attempts to deliver a notification, by how it is delivered and what came of it; `retry` for a message that failed before.",
    Label("way", ("email", "webhook")),
    Label("attempt", ("first", "retry")),
    Label("result", ("sent", "failed")),
    by="gateway",
    zeros=((ALL, ALL, ALL),),
)

# -- stages -----------------------------------------------------------------------------------------------
STAGE_RECORDS = _counter("stage_records_total", "Records that a stage has processed.", AGENT, zeros=((ALL,),))
STAGE_SECONDS = _add(
    *("stage_batch_seconds", "histogram"),
    "Time for one batch of a stage, its outputs and table rows acknowledged by Kafka.",
    AGENT,
    buckets=BATCH_BUCKETS,
    zeros=((ALL,),),
)
LAG_RECORDS = _gauge("lag_records", "Records not committed yet, in the partitions of this worker.", TOPIC)
LAG_SECONDS = _gauge("lag_seconds", "Age of the oldest of them; 0 without any. Exact to five seconds.", TOPIC)
CHANGES = _counter(
    "changes_total",
    "Changes by what dedupe decided.",
    Label("decision", (*get_args(Admission), "parked")),
    zeros=((ALL,),),
)
SNAPSHOTS = _counter(
    "snapshots_total",
    "Snapshots by what deliver decided.",
    Label("decision", (*get_args(Acceptance), "parked")),
    zeros=((ALL,),),
)
UNCHANGED = _counter(
    "unchanged_total", "Entities that were already right in GHL: no request was sent.", CONNECTION, zeros=((ALL,),)
)
READS = _counter(
    "reads_total",
    "Reads of Lofty by outcome. `listed`: no request, as a sweep's list held it.",
    *(CONNECTION, Label("kind", KINDS), Label("outcome", ("read", "listed", *_REASONS))),
    zeros=((ALL, "contact", "read"),),
)
WRITES = _counter(
    "writes_total",
    "Requests to GHL by step and outcome.",
    *(CONNECTION, Label("step", get_args(StepName)), Label("outcome", ("applied", *_REASONS))),
    zeros=((ALL, "create contact", "applied"), (ALL, "update contact", "applied")),
)
LEFT_OUT = _counter(
    "left_out_total",
    "Values that GHL does not hold though Lofty has them: `refused`, `dropped` with a 200, in `conflict` with another contact, "
    "`not in location` (a field, an option, a user), or `unreadable` (counted each time that the lead is written).",
    *(CONNECTION, Label("field", get_args(FieldKind)), Label("reason", get_args(LeftOutReason))),
    zeros=((ALL, "phone", "refused"), (ALL, "custom field", "dropped")),
)
LOFTY_WRITES = _counter(
    "lofty_writes_total",
    "Requests of Lofty sync by step and outcome.",
    CONNECTION,
    Label("step", ("create", "find", "update", "finish", "reopen", "delete", "read")),
    Label("outcome", ("applied", *_REASONS)),
    zeros=((ALL, "create", "applied"),),
)
EVENTS = _counter(
    "events_total",
    "Events of GHL by result; `echo` are our own writes.",
    Label("type", (*sorted(USED), "LoftyEdit", "LoftyStageEdit", "OptOutsDiffer", "StageWritten")),
    Label("result", EVENT_RESULTS),
    zeros=((ALL, ALL),),
)
PARKED = _counter(
    "parked_total",
    "Records parked, by stage and reason.",
    Label("stage", get_args(Stage)),
    Label(
        "reason",
        (
            *_REASONS,
            UNREADABLE,
            "not visible",
            PASSED_OVER,
            "unknown connection",
            "unknown shape",
            "not json",
            "too large",
            "wrong team",
            FAILS_EVERY_TIME,
            "other",
        ),
    ),
    by="worker gateway",
    zeros=((ALL, UNREADABLE), ("deliver", "refused"), ("fetch", "refused"), ("intake", "unknown shape")),
)
PASSED = _counter(
    "passed_over_total",
    "Records that Kafka deleted before they were read, by topic.",
    TOPIC,
    zeros=((ALL,),),
)
PARKED_OPEN = _gauge(
    "parked_open",
    "Entities that are parked now.",
    *(CONNECTION, Label("stage", ("fetch", "deliver", "write back"))),
)
LINKS = _gauge("links", "Entities that are known in GHL.", CONNECTION)
CONFLICTS = _gauge(
    "conflicts_open",
    "Values that two people have in common and about which nobody has decided (`lofty-ghl conflicts`).",
    CONNECTION,
)
OTHER_DEPLOYMENTS = _gauge(
    "other_deployments",
    "Other deployments that write to the connection's GHL location.",
    CONNECTION,
)
UNDELIVERED = _gauge(
    "undelivered",
    "Entities that are on their way: to be read (`fetch`), written (`deliver`), or written to Lofty (`write back`).",
    *(CONNECTION, Label("stage", ("fetch", "deliver", "write back"))),
)
UNDELIVERED_SECONDS = _gauge(
    "oldest_undelivered_seconds",
    "Time since we accepted the oldest change that is on its way, whatever its origin; 0 without any.",
    CONNECTION,
)
OPT_OUT_SECONDS = _gauge(
    "oldest_opt_out_seconds",
    "Time since we know of the oldest opt-out that one side has and the other has not, also while it is parked; 0 without any.",
    CONNECTION,
)
CONNECTION_PAUSED = _gauge(
    "connection_paused",
    "1 while a person has paused a connection in this direction: what comes in waits, and is not late.",
    CONNECTION,
    DIRECTION,
)
SETTLE_SECONDS = _gauge(
    "settle_seconds",
    "How long nothing of a lead must have changed before its edits are read; 0 while requests are plentiful.",
    CONNECTION,
)
ON_HOLD = _gauge("on_hold", "1 while a connection waits for what it requires: access, fields, users.", CONNECTION)

CONNECTION_INFO = _gauge(
    "connection_info",
    "1; what people are shown for a connection: its label, with its id where that is another.",
    *(CONNECTION, Label("title", bound="connection")),
)

# -- dispatchers ------------------------------------------------------------------------------------------
_OF_BUDGET = (DISPATCHER, BUDGET)
WAITING = _gauge("waiting", "Entities that wait, by priority.", *_OF_BUDGET, PRIORITY)
BLOCKED = _gauge("blocked", "Of them, those that wait for their contact.", *_OF_BUDGET)
WAITING_FOR_QUOTA = _gauge("waiting_for_quota", "Of them, those that the daily quota holds back.", *_OF_BUDGET)
IN_FLIGHT = _gauge("in_flight", "Requests in flight.", *_OF_BUDGET)
IN_FLIGHT_LIMIT = _gauge("in_flight_limit", "Requests that may be in flight.", *_OF_BUDGET)
WINDOW_USED = _gauge("window_used", "Slots of the rate window in use.", *_OF_BUDGET)
WINDOW_LIMIT = _gauge("window_limit", "Slots of the rate window.", *_OF_BUDGET)
QUOTA_LEFT = _gauge("quota_left", "Requests left today, by the daily quota.", *_OF_BUDGET)
QUOTA_LIMIT = _gauge("quota_limit", "Requests that the daily quota allows.", *_OF_BUDGET)
QUOTA_RESET = _gauge("quota_reset_seconds", "Time until the daily quota resets.", *_OF_BUDGET)
PAUSED = _gauge("paused", "1 while a budget pauses.", *_OF_BUDGET)
PAUSED_BY = _gauge("paused_by", "1 for the cause of a pause, while it lasts; otherwise no series.", *_OF_BUDGET, PAUSE)
PAUSES = _counter(
    "pauses_total",
    "Pauses of budgets by cause.",
    *(*_OF_BUDGET, PAUSE),
    zeros=(),  # every cause of a budget exists from when this worker gains it
)
OFFERS = _counter(
    "offers_total",
    "Entities offered to a dispatcher: `new`, or `coalesced` with one that was waiting.",
    *(DISPATCHER, Label("result", ("new", "coalesced"))),
    zeros=((ALL, ALL),),
)

# -- vendors ----------------------------------------------------------------------------------------------
VENDOR_CALLS = _counter(
    "vendor_calls_total",
    "Answers of the vendors, by operation and status; `retry` for an entity that failed before.",
    *(VENDOR, OPERATION, Label("status", bound="status"), Label("attempt", ("first", "retry"))),
    zeros=(("lofty", "get-lead", "200", "first"), ("ghl", "create-contact", "201", "first")),
)
VENDOR_SECONDS = _add(
    *("vendor_seconds", "histogram"),
    "Time from a request to its answer.",
    *(VENDOR, OPERATION),
    buckets=VENDOR_BUCKETS,
    zeros=(("lofty", "get-lead"), ("ghl", "create-contact")),
)
REFRESHES = _counter(
    "refreshes_total",
    "OAuth tokens by how their renewal ended.",
    *(VENDOR, Label("result", ("renewed", "refused", "failed"))),
    zeros=((ALL, ALL),),
)
TOKEN_EXPIRES = _gauge(
    "token_expires_seconds",
    "Time until an OAuth access token expires; connections by key have no series.",
    CONNECTION,
    VENDOR,
)

# -- sweeps -----------------------------------------------------------------------------------------------
SWEEPS = _counter(
    "sweeps_total",
    "Sweeps of Lofty's leads by how they ended.",
    *(CONNECTION, Label("result", ("ended", "failed", "suspicious"))),
    zeros=((ALL, ALL),),
)
_TIMED_RUN = Label("kind", ("new", "full"))
SWEEP_ENDED = _gauge(
    "sweep_last_success_timestamp_seconds",
    "When the last sweep ended well, or when its schedule began.",
    *(CONNECTION, _TIMED_RUN),
)
SWEEP_INTERVAL = _gauge(
    "sweep_interval_seconds", "The interval between sweeps; no series where sweeps are off.", CONNECTION, _TIMED_RUN
)
SWEEP_RUNNING = _gauge("sweep_running", "1 while a sweep or backfill runs.", CONNECTION, RUN)
SWEEP_CHANGES = _gauge("sweep_changes", "Changes that the last sweep found and no webhook had reported.", CONNECTION)
SWEEP_SEEN = _gauge(
    "sweep_leads_seen", "Leads that the running sweep, or otherwise the last one, has read.", CONNECTION
)
SWEEP_OLDEST_LOOK = _gauge(
    "sweep_oldest_look_timestamp_seconds",
    "When the notes, tasks and appointments of the lead were read whose turn was the longest ago, as the last full sweep found it; no series before one has ended.",
    CONNECTION,
)
SWEEP_LOOK_INTERVAL = _gauge(
    "sweep_look_interval_seconds",
    "How often the notes, tasks and appointments of each lead are to be read; no series where they are not.",
    CONNECTION,
)
SWEEP_LOAD = _gauge(
    "sweep_load_ratio",
    "The part of a Lofty limit that the schedules of all its connections' sweeps take, by forecast. Above 0.9 they are late.",
    Label("budget", bound="budget"),
)
SWEEP_FORECAST = _gauge(
    "sweep_forecast_seconds",
    "How long a sweep of all connections of a Lofty limit takes, and a backfill of all, by forecast, with nothing else to do.",
    *(Label("budget", bound="budget"), Label("kind", ("full", "backfill"))),
)
SWEEP_KNOWN = _gauge("sweep_leads_known", "Leads that exist in Lofty, as it reports.", CONNECTION)

# -- the worker -------------------------------------------------------------------------------------------
PARTITIONS = _gauge(
    "partitions",
    "Partitions: `assigned` by Kafka, `fenced` (this worker acts for them), `standby` (it keeps a copy).",
    Label("state", ("assigned", "fenced", "standby")),
)
CONNECTIONS_CONFIGURED = _gauge(
    "connections_configured",
    "Connections in this gateway's configuration: all workers together should serve as many.",
    by="gateway",
)
FOLLOWED = Label("topic", ("mappings", "people", "runs", "tokens", "sweeps", "notifications"))
UNREAD_SECONDS = _gauge(
    "topic_unread_seconds",
    "Time since a topic that this gateway follows could be read; 0 while it can. Edits since then are not known here.",
    FOLLOWED,
    by="gateway",
)
MOVE_SECONDS = _gauge(
    "move_seconds",
    "How long a move to more partitions has been in its state, as this gateway knows it; 0 in all other states, and without a move.",
    Label("state", ("copying", "closing", "switching")),
    by="gateway",
)
MOVE_IDLE = _gauge(
    "move_idle_seconds",
    "Time since a command last worked on a move to more partitions that is under way; 0 without one.",
    by="gateway",
)
CONNECTIONS_SERVED = _gauge(
    "connections_served", "Connections whose side this worker serves.", Label("side", ("lofty", "ghl"))
)
CONNECTIONS_IN_NEED = _gauge(
    "connections_needing_attention",
    "Connections that somebody should look at, or soon: on hold, failing, parked work, an opt-out on its way, a late sweep.",
)
PARTITIONS_CONFIGURED = _gauge(
    "partitions_configured", "Partitions of each topic: all workers together should own as many."
)
LEASE = _gauge(
    "lease_seconds",
    "Time for which this worker may still send requests without hearing from Kafka; at 0 and below it sends none.",
)
RECOVERING = _gauge("recovering_seconds", "Time since the running recovery of tables began; 0 when none runs.")
RECOVERY_SECONDS = _gauge("recovery_seconds", "Time that the last recovery of tables took.")
RECOVERY_RECORDS = _counter("recovery_records_total", "Changelog records read to recover tables.", zeros=((),))
TABLE_ROWS = _gauge(
    "table_rows",
    "Rows of the tables that are counted one by one.",
    Label("table", ("fetches", "outbox", "links", "errands")),
)
STORE_ROWS = _gauge(
    "store_rows", "Rows of all tables on this machine, standby copies included, as the store estimates."
)
STORE_BYTES = _gauge("store_bytes", "Bytes of the local store.")
STORES_SET_ASIDE = _gauge(
    "stores_set_aside", "Damaged local stores that were recovered from Kafka; the damaged copies are kept on the disk."
)
WATCHDOG_LOOKS = _counter(
    "watchdog_looks_total",
    "Checks of the lag of this worker's partitions: commits were `moving`, or `stuck` with something to read, or Kafka did not answer (`failed`).",
    Label("result", ("moving", "stuck", "failed")),
    zeros=((ALL,),),
)
WATCHDOG_STUCK = _gauge(
    "watchdog_stuck_looks", "Checks in a row without progress, of the worst partition; above 12 the worker ends itself."
)
MAPPING_VERSION = _gauge("mapping_version", "The version of the mappings that this worker maps by.")
STATUSES = _counter(
    "statuses_total",
    "Status messages of this worker on the topic `status`.",
    Label("result", ("published", "failed")),
    zeros=((ALL,),),
)

# -- several processes of one worker ----------------------------------------------------------------------
_PROCESS = Label("process", bound="process")
PROCESS_UP = _gauge(
    "process_up",
    "1 for each process of `worker --processes` that answers its supervisor, 0 for one that has ended or hangs. A worker that runs alone has no series.",
    _PROCESS,
    by="supervisor",
)
PROCESS_ENDS = _counter(
    "process_ends_total",
    "Processes of `worker --processes` that had to be started again: they ended by themselves, or were `killed`, or hung.",
    *(_PROCESS, Label("cause", ("ended", "killed", "hung"))),
    by="supervisor",
    zeros=((ALL, ALL),),
)
