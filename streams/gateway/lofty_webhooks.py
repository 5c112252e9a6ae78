"""Lofty's webhooks become changes. The request does nothing else.

| the delivery | the answer | why |
| --- | --- | --- |
| pings, and Kafka has them | 200 | accepted: from here on nothing is lost |
| a body of an unknown shape | 200 | kept in `parked` as raw bytes: Lofty would only send it again |
| Kafka does not acknowledge it | 503 | Lofty may retry; otherwise the sweep finds it |
| not JSON | 400 | nobody we know sent it |
| too large | 413 | above `gateway.max_body_bytes` |
| compressed | 415 | Lofty sends no such thing |
| from an address that is not in `gateway.lofty_addresses` | 403 | |
| unknown path or secret | 404 | the answer does not say which of both |
"""

from __future__ import annotations

import logging

from aiohttp import web

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.lofty.webhooks import Parsed, parse
from streams.gateway.webhooks import RejectedDelivery, WebhookDependencies, Webhooks
from streams.kafka.batching_producer import Record
from streams.messages import Change
from streams.messages.partitioning import partition_of
from streams.messages.size_limits import CHANGE_BYTES
from streams.messages.topics import CHANGES
from streams.settings import Connection
from streams.telemetry.tracing import Span, headers_of

log = logging.getLogger("lofty_ghl.gateway")


class LoftyWebhooks(Webhooks):
    """The handler of `POST /lofty/{secret}`."""

    vendor, title, kafka_status = "lofty", "Lofty", 503
    stage, source = "intake", "POST /lofty/***"

    def __init__(self, deps: WebhookDependencies) -> None:
        super().__init__(deps, setting="gateway.lofty_addresses", addresses=deps.settings.gateway.lofty_addresses)
        self._topic = deps.names.of(CHANGES)
        self._partitions = deps.settings.kafka.partitions

    async def _accept(self, request: web.Request) -> str:
        address = self._allowed_address(request)
        connection = self._deps.connections.now.with_webhook_secret(request.match_info["secret"])
        if connection is None:
            raise RejectedDelivery("wrong secret", 404, f"from {address}", kind="unknown secret")
        sender = f"connection {connection.name}"
        body = await self._read_body(request, sender)
        spans: list[Span] = []
        try:
            records, result = self._records(connection, body, spans)
        except WebhookNotJson as error:
            raise RejectedDelivery("not json", 400, f"from {sender}: {error}") from None
        await self._produce(records)
        for span in spans:
            span.end()
        if result == "accepted":
            self._deps.metrics.intake_items.labels("lofty", connection.name).inc(len(records))
        return result

    def _records(self, connection: Connection, body: bytes, spans: list[Span]) -> tuple[list[Record], str]:
        try:
            parsed = parse(body)
        except UnknownWebhookShape as error:
            return self._parked(connection, body, "unknown shape", str(error))
        if parsed.team_id != connection.lofty.team_id:
            why = f"expected team {connection.lofty.team_id}, got team {parsed.team_id}: is the secret used twice?"
            return self._parked(connection, body, "wrong team", why)
        if not parsed.pings:
            log.debug("connection %s: ignored a delivery: %s", connection.name, parsed.ignored)
            return [], "ignored"
        records = [self._record(change) for change in self._changes(connection, parsed, spans)]
        if any(len(record.value or b"") + len(record.key) > CHANGE_BYTES for record in records):
            why = f"the ids of a change have more than {CHANGE_BYTES} bytes"
            return self._parked(connection, body, "unknown shape", why)
        return records, "accepted"

    def _changes(self, connection: Connection, parsed: Parsed, spans: list[Span]) -> list[Change]:
        now_ms, tracing = self._deps.now_ms(), self._deps.tracing
        spans += [tracing.start_span("intake", connection=connection.name, kind=ping.kind) for ping in parsed.pings]
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
        return [self._park(body, reason, why, connection.name)], "parked"
