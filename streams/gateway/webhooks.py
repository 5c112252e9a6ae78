"""What both vendors' webhooks have in common: who may send them, how they are counted, and when Kafka has them."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from aiohttp import web

from streams.gateway.client_address import Address, client_address, is_allowed, networks
from streams.gateway.live_connections import LiveConnections
from streams.gateway.rejection_log import RejectionLog
from streams.gateway.request_body import UnreadableBody, read_body
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Parked, Stage
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.telemetry.logs import REPEATS
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import NoTracing, Tracing

log = logging.getLogger("lofty_ghl.gateway")

KAFKA_SECONDS = 10.0
"""How long a delivery waits for Kafka's acknowledgement before the vendor is asked to retry."""


@dataclass(frozen=True, slots=True)
class WebhookDependencies:
    """What the handlers of webhooks work with."""

    settings: Settings
    connections: LiveConnections
    names: TopicNames
    batching_producer: BatchingProducer
    parking: Parking
    metrics: Metrics
    now_ms: Callable[[], int]
    tracing: Tracing = field(default_factory=NoTracing)


class RejectedDelivery(Exception):
    """A delivery that is rejected: `result` in metrics and in the answer, its status, and why. `kind` is the log's name for it."""

    def __init__(self, result: str, status: int, why: str, kind: str = "") -> None:
        self.result = result
        self.status = status
        self.kind = kind or result
        super().__init__(why)


class Webhooks(ABC):
    """The handler of one vendor's webhooks."""

    vendor: str
    title: str
    """The vendor's name in log lines."""
    kafka_status: int
    """The status that makes the vendor retry, for when Kafka acknowledges nothing."""
    stage: Stage
    source: str
    """What a parked record says of where it came from."""

    def __init__(self, deps: WebhookDependencies, *, setting: str, addresses: Collection[str]) -> None:
        """`setting` is the key of the configuration that holds the allowed `addresses`; none of them allows all."""
        self._deps = deps
        self._setting = setting
        self._addresses = networks(addresses)
        self._proxies = networks(deps.settings.gateway.trusted_proxies)
        self._rejections = RejectionLog(log, deps.now_ms)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        began = time.perf_counter()
        try:
            result, status = await self._accept(request), 200
        except RejectedDelivery as rejection:
            self._rejections.record(rejection.kind, str(rejection))
            result, status = rejection.result, rejection.status
        except KafkaUnavailable:
            result, status = "kafka unavailable", self.kafka_status
        finally:
            self._deps.metrics.intake_seconds.labels(self.vendor).observe(time.perf_counter() - began)
        self._deps.metrics.intake.labels(self.vendor, result).inc()
        return web.json_response({"result": result}, status=status)

    @abstractmethod
    async def _accept(self, request: web.Request) -> str:
        """Take a delivery. Returns what became of it; raises `RejectedDelivery` or `KafkaUnavailable`."""

    def _allowed_address(self, request: web.Request) -> Address | None:
        """The client's address. Raises `RejectedDelivery` when it is not allowed."""
        address = client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)
        if not is_allowed(address, self._addresses):
            raise RejectedDelivery("wrong address", 403, f"from {address}, which is not in {self._setting}")
        return address

    async def _read_body(self, request: web.Request, sender: str) -> bytes:
        try:
            return await read_body(request)
        except UnreadableBody as error:
            raise RejectedDelivery(error.result, error.status, f"from {sender}: {error}") from None

    async def _produce(self, records: list[Record]) -> None:
        """Returns when Kafka has acknowledged them all. Raises `KafkaUnavailable`."""
        try:
            await self._deps.batching_producer.produce(records, within=KAFKA_SECONDS)
        except Exception as error:
            count = f"{len(records)} record{'' if len(records) == 1 else 's'}"
            log.error(
                "Kafka did not acknowledge %s; answered %s %d so that it retries: %r",
                count,
                self.title,
                self.kafka_status,
                error,
                extra=REPEATS,
            )
            raise KafkaUnavailable from error

    def _park(self, body: bytes, reason: str, why: str, connection: str | None = None) -> Record:
        """The record that keeps a delivery for a person."""
        of_connection = f" for connection {connection}" if connection else ""
        log.warning("parked a delivery from %s%s (%s): %s", self.title, of_connection, reason, why)
        parked = Parked(
            stage=self.stage,
            reason=reason,
            message=why,
            at_ms=self._deps.now_ms(),
            source=self.source,
            connection=connection,
            original=Parked.encode(body),
        )
        return self._deps.parking.record(parked)


class KafkaUnavailable(Exception):
    """Kafka did not acknowledge in time."""
