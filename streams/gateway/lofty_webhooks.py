"""Lofty's webhooks become changes. Nothing else happens in the request.

| the delivery | the answer | why |
| --- | --- | --- |
| pings, and Kafka has them | 200 | accepted: from here on nothing is lost |
| a body that is not what we know | 200 | kept in `parked` as raw bytes: Lofty would only send it again |
| Kafka does not take it | 503 | Lofty may retry; the sweep finds it otherwise |
| not JSON | 400 | nobody we know sent it |
| too large | 413 | above `gateway.max_body_bytes` |
| compressed | 415 | Lofty sends no such thing |
| from an address that is not in `gateway.lofty_addresses` | 403 | |
| unknown path or secret | 404 | and nothing that tells which of both |
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Sequence

from aiohttp import web

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.lofty.webhooks import Parsed, parse
from streams.gateway.client_address import Network, client_address, is_allowed
from streams.gateway.refusal_log import Refusals
from streams.gateway.request_body import UnreadableBody, read_body
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Change, Parked
from streams.messages.partitioning import partition_of
from streams.messages.size_limits import CHANGE_BYTES
from streams.settings import Connection
from streams.telemetry.logs import REPEATS
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import NoTracing, Span, Tracing, headers_of

log = logging.getLogger("lofty_ghl.gateway")

KAFKA_SECONDS = 10.0
"""How long a delivery waits for Kafka's acknowledgement before the vendor is told to come again."""


class LoftyWebhooks:
    """The handler of `POST /lofty/{secret}`."""

    def __init__(
        self,
        connections: Sequence[Connection],
        *,
        topic: str,
        partitions: int,
        batching_producer: BatchingProducer,
        parking: Parking,
        metrics: Metrics,
        now_ms: Callable[[], int],
        addresses: tuple[Network, ...] = (),
        proxies: tuple[Network, ...] = (),
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or NoTracing()
        self._addresses = addresses
        self._proxies = proxies
        self._refusals = Refusals(log, now_ms)
        self._doors = [
            (secret.get_secret_value().encode(), connection)
            for connection in connections
            for secret in (connection.secrets.webhook_secret, connection.secrets.webhook_secret_before)
            if secret is not None
        ]
        self._topic = topic
        self._partitions = partitions
        self._batching_producer = batching_producer
        self._parking = parking
        self._metrics = metrics
        self._now_ms = now_ms

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        began = time.perf_counter()
        try:
            return await self._handle(request)
        finally:
            self._metrics.intake_seconds.labels("lofty").observe(time.perf_counter() - began)

    async def _handle(self, request: web.Request) -> web.Response:
        address = client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)
        if not is_allowed(address, self._addresses):
            self._refusals.tell("wrong address", f"from {address}, which is not in gateway.lofty_addresses")
            return self._answer("wrong address", 403)
        connection = self._door(request.match_info["secret"])
        if connection is None:
            self._refusals.tell("unknown secret", f"from {address}")
            return self._answer("wrong secret", 404)
        try:
            body = await read_body(request)
        except UnreadableBody as error:
            log.warning("connection %s: a delivery was refused: %s", connection.name, error)
            return self._answer(error.result, error.status)
        spans: list[Span] = []
        try:
            records, result = self._records(connection, body, spans)
        except WebhookNotJson as error:
            log.warning("connection %s: a delivery was refused: %s", connection.name, error)
            return self._answer("not json", 400)
        try:
            await self._batching_producer.produce(records, within=KAFKA_SECONDS)
        except Exception as error:
            log.error(
                "connection %s: Kafka did not take a delivery of %d records, so Lofty was told to come again: %r",
                connection.name,
                len(records),
                error,
                extra=REPEATS,
            )
            return self._answer("kafka unavailable", 503)
        for span in spans:
            span.end()
        if result == "accepted":
            self._metrics.intake_items.labels("lofty", connection.name).inc(len(records))
        return self._answer(result, 200)

    def _records(self, connection: Connection, body: bytes, spans: list[Span]) -> tuple[list[Record], str]:
        try:
            parsed = parse(body)
        except UnknownWebhookShape as error:
            return self._parked(connection, body, "unknown shape", str(error))
        if parsed.team_id != connection.lofty.team_id:
            why = f"expected team {connection.lofty.team_id}, got team {parsed.team_id}: is the secret used twice?"
            return self._parked(connection, body, "wrong team", why)
        if not parsed.pings:
            log.debug("connection %s: %s", connection.name, parsed.ignored)
            return [], "ignored"
        records = [self._record(change) for change in self._changes(connection, parsed, spans)]
        if any(len(one.value or b"") + len(one.key) > CHANGE_BYTES for one in records):
            why = f"it names things by more than {CHANGE_BYTES} bytes"
            return self._parked(connection, body, "unknown shape", why)
        return records, "accepted"

    def _changes(self, connection: Connection, parsed: Parsed, spans: list[Span]) -> list[Change]:
        now_ms = self._now_ms()
        spans += [self._tracing.begin("intake", connection=connection.name, kind=one.kind) for one in parsed.pings]
        return [
            Change(
                connection=connection.name,
                lead=ping.lead_id,
                kind=ping.kind,
                id=ping.entity_id,
                operation=ping.operation,
                update_time_ms=ping.update_time_ms,
                accepted_ms=now_ms,
                trace=span.traceparent,
            )
            for ping, span in zip(parsed.pings, spans, strict=True)
        ]

    def _record(self, change: Change) -> Record:
        lane = change.entity.lane
        return Record(
            self._topic,
            partition_of(lane, self._partitions),
            lane.encode(),
            change.to_bytes(),
            headers_of(change.trace),
        )

    def _parked(self, connection: Connection, body: bytes, reason: str, why: str) -> tuple[list[Record], str]:
        log.warning("connection %s: a delivery was parked (%s): %s", connection.name, reason, why)
        parked = Parked(
            stage="intake",
            reason=reason,
            message=why,
            at_ms=self._now_ms(),
            source="POST /lofty/***",
            connection=connection.name,
            original=Parked.encode(body),
        )
        return [self._parking.record(parked)], "parked"

    def _door(self, secret: str) -> Connection | None:
        """The connection that a secret opens. Every secret is compared, in constant time."""
        opened = None
        for expected, connection in self._doors:
            if hmac.compare_digest(expected, secret.encode()):
                opened = connection
        return opened

    def _answer(self, result: str, status: int) -> web.Response:
        self._metrics.intake.labels("lofty", result).inc()
        return web.json_response({"result": result}, status=status)
