"""What a worker is given from outside: the real things, unless a test replaces some."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from connectors.http.transport import AiohttpTransport, Transport
from streams.core.progress.repeats import RepeatedFailures
from streams.kafka.clients import new_producer
from streams.kafka.producer import KafkaProducer
from streams.kafka.tables.opening import Opening, unguarded
from streams.settings import Settings
from streams.telemetry.metrics import Metrics
from streams.telemetry.process import end_process
from streams.telemetry.tracing import NoTracing, Tracing


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a worker is given from outside. The defaults are the real things; tests replace some.

    `instance` names this process to the vendors and in its fences. `end` ends the process after an error from which it cannot recover.
    """

    instance: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    transport: Callable[[str, Callable[[], bool]], Transport] = lambda instance, may_send: AiohttpTransport(
        instance=instance, may_send=may_send
    )
    producer: Callable[[Settings], KafkaProducer] = new_producer
    monotonic: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    jitter: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=NoTracing)
    end: Callable[[str], None] = end_process
    opening: Opening = unguarded
    """Guards the opening of local stores, for a process that is a worker and nothing else."""
    repeats: Callable[[], RepeatedFailures] = RepeatedFailures
    process: int | None = None
    """The number of this process among those of `worker --processes`; None for a worker that runs alone."""
    processes: int = 1
    """How many processes share this machine's memory with it, itself included."""
    broker_keeps_all: bool = True
    """False for the embedded broker, which cuts off the beginning of what is long."""
    marks_locations: bool = True
    """Whether GHL's locations are marked as written to by this deployment."""
    visibility_ms: int = 60_000
    search_lag_ms: int | None = None
    """In place of what each connection has configured."""
    read_edits: Callable[[], Awaitable[Settings]] | None = None
    """Reads the edits of connections to their present end; the settings in force then. None where nobody edits any."""
