"""The topic `status`, with the status of a worker that is at work, of one with many connections, and of a gateway."""

from __future__ import annotations

from streams.contract.form import Form, KeyForm, TopicContract
from streams.messages import GatewayStatus, StatusPart, WorkerStatus
from streams.messages.growth import AtWork, Growth, Move
from streams.messages.topics import STATUS
from streams.messages.worker_status import (
    BudgetStatus,
    ConnectionStatus,
    LagStatus,
    OtherDeployment,
    SideStatus,
    SweepStatus,
)

_AT = 1_790_000_000_000
_INSTANCE_KEY = KeyForm("a process's start", r"^[0-9a-zA-Z_.-]+$")
_PART_KEY = KeyForm("a worker's start/number of the part", r"^[0-9a-zA-Z_.-]+/[0-9]+$")

GROWTH = Growth(
    from_prefix="acme.",
    from_partitions=12,
    to_prefix="acme.grown-24.",
    to_partitions=24,
    state="copying",
    holder="host-1 4711 a1b2c3",
    by="ann",
    began_ms=_AT,
    at_ms=_AT + 30_000,
    since_ms=_AT,
    placement="6512bd43",
)
AT_WORK = AtWork(holder="host-1 4711 a1b2c3", at_ms=_AT + 60_000, copied=1200, of=4800)

_SWEEP = SweepStatus(
    running="full",
    started_ms=_AT - 600_000,
    leads=1200,
    total=4800,
    changes=3,
    looks=1200,
    full_leads=4790,
    full_looks=4790,
    full_took_ms=2_400_000,
    oldest_look_ms=_AT - 90_000_000,
    look_interval_ms=604_800_000,
    new_ended_ms=_AT - 700_000,
    full_ended_ms=_AT - 86_400_000,
    new_interval_ms=900_000,
    full_interval_ms=86_400_000,
    ordered="0c9d8e7f6a5b",
    served="1b2c3d4e5f60",
)
_READING = SideStatus(
    undelivered={"fetch": 4},
    parked={"fetch": 1},
    oldest_accepted_ms=_AT - 4_000,
    on_hold="Lofty's answers are of another team",
    settle_seconds=2.0,
    failing=1,
    failing_in="503 Service Unavailable",
    sweep=_SWEEP,
    token_expires_ms=_AT + 3_600_000,
    oldest_opt_out_ms=_AT - 3_000,
)
_WRITING = SideStatus(
    links=4790,
    conflicts=2,
    other_deployments=(
        OtherDeployment(
            deployment="9b8a7c6d",
            connection="acme-old",
            topic_prefix="old.",
            host="host-9",
            since_ms=_AT - 86_400_000,
            seen_ms=_AT - 60_000,
        ),
    ),
    unmarked="the token has no right to custom values",
)
_CONNECTION = ConnectionStatus(
    connection="acme", title="Acme Realty", reading=_READING, writing=_WRITING, paused=("to_lofty",)
)
_BUDGET = BudgetStatus(
    dispatcher="write",
    budget="loc-acme",
    connections=("acme",),
    waiting={"live": 3},
    blocked=1,
    in_flight=2,
    in_flight_limit=10,
    window_used=40,
    window_limit=90,
    window_seconds=10.0,
    quota_left=150_000,
    quota_limit=200_000,
    quota_reset_seconds=36_000.0,
    quota_regime="vendor's headers",
    waiting_for_quota=1,
    paused="rate limited",
    because="429 Too Many Requests",
    paused_since_ms=_AT - 1_000,
    paused_until_ms=_AT + 9_000,
)
WORKER = WorkerStatus(
    instance="3fa9c1d2",
    host="host-1",
    pid=4711,
    process=1,
    release="0.1.0",
    started_ms=_AT - 3_600_000,
    at_ms=_AT,
    is_ready=True,
    mapping_version=7,
    mapping_trouble="version 8 names a field that is not there",
    connection_trouble={"bolt": "its token cannot be read"},
    partitions=12,
    assigned=(0, 1, 2),
    fenced=(0, 1),
    standby=(3,),
    lease_seconds=8.5,
    recovering_since_ms=_AT - 2_000,
    recovery_seconds=4.2,
    store_rows=9_500,
    store_bytes=12_000_000,
    stores_set_aside=("links-3.damaged",),
    tables={"links": 4790},
    lags=(LagStatus(topic="lofty.snapshots", records=5, oldest_ms=_AT - 2_000),),
    budgets=(_BUDGET,),
    connections=(_CONNECTION,),
    stages={"deliver": 812},
    totals={"writes": 640},
    parts=1,
    parts_heard=1,
    configuration="c20ad4d7",
)
PART = StatusPart(part_of="3fa9c1d2", number=0, at_ms=_AT, budgets=(_BUDGET,), connections=(_CONNECTION,))
GATEWAY = GatewayStatus(
    gateway="77aa10be",
    host="host-2",
    pid=4712,
    release="0.1.0",
    begun_ms=_AT - 3_600_000,
    at_ms=_AT,
    is_ready=True,
    configuration="c20ad4d7",
    connections=1,
    heard_ms={"lofty": _AT - 1_000},
    notifies=True,
    notifications_failing={"office": _AT - 60_000},
    unread={"mappings": _AT - 30_000},
    move=Move(growth=GROWTH, at_work=AT_WORK),
)

STATUS_CONTRACT = TopicContract(
    STATUS,
    "public",
    (
        Form(WorkerStatus, _INSTANCE_KEY, ((WORKER.instance, WORKER),)),
        Form(StatusPart, _PART_KEY, ((f"{PART.part_of}/{PART.number}", PART),)),
        Form(GatewayStatus, _INSTANCE_KEY, ((GATEWAY.gateway, GATEWAY),)),
    ),
)
