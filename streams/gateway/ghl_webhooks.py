"""GHL's webhooks become events on `ghl.changes`. The request does nothing else.

| the delivery | the answer | why |
| --- | --- | --- |
| signed by GHL, and Kafka has it | 200 | accepted: from here on nothing is lost |
| signed, and no JSON; of an unknown shape; of a location that is not configured; too old; too large for a row | 200 | kept in `parked` as raw bytes: GHL would not send it again |
| signed, of a type that the pipeline does not use | 200 | ignored, and counted |
| signed, `INSTALL` or `UNINSTALL` of a location that waits to be paired | 200 | its agency's list on `connections` is brought up to date |
| signed, `UNINSTALL` of a whole agency, which names no location | 200 | an `UNINSTALL` for each connection that it gave access |
| signed, and accepted before, byte for byte, with an id or a time of the delivery in it | 200 | a copy: it says nothing new |
| not signed by GHL | 401 | its content is not read |
| from an address that is not allowed | 403 | |
| too large | 413 | above `gateway.max_body_bytes` |
| compressed | 415 | GHL sends no such thing |
| Kafka does not acknowledge it | 429 | GHL retries a 429 under each policy that it has published, and not a 5xx |
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from aiohttp import web
from aiokafka.errors import KafkaError

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.ghl.signature import BadSignature, verify
from connectors.ghl.webhooks import Hook, parse
from streams.core.to_lofty.events import event_of
from streams.gateway.agency_connections import connections_of_agency, is_of_another_app
from streams.gateway.marketplace_events import InstallationChange, agency_end, changes, is_known
from streams.gateway.original_body import OriginalBodies
from streams.gateway.webhooks import KafkaUnavailable, RejectedDelivery, WebhookDependencies, Webhooks
from streams.kafka.batching_producer import Record
from streams.messages.partitioning import partition_of
from streams.messages.topics import CONNECTIONS, GHL_CHANGES
from streams.telemetry.tracing import Span, headers_of

log = logging.getLogger("lofty_ghl.gateway")

AHEAD_MS = 5 * 60 * 1000
"""How far in the future an event's time may be: clocks differ."""


@dataclass(frozen=True, slots=True)
class _Accepted:
    """What becomes of a signed delivery: the records for Kafka, and the result in metrics and in the answer.

    `is_repeatable` says that the same bytes are the same delivery (they hold an id or a time of it), or were parked: a second
    one says nothing new.
    """

    result: str
    records: tuple[Record, ...] = ()
    connections: tuple[str, ...] = ()
    span: Span | None = None
    is_repeatable: bool = False


_IGNORED = _Accepted("ignored")


class GhlWebhooks(Webhooks):
    """The handler of `POST /ghl/webhooks`."""

    vendor, title, kafka_status = "ghl", "GHL", 429
    stage, source = "ghl intake", "POST /ghl/webhooks"

    def __init__(self, deps: WebhookDependencies) -> None:
        ghl = deps.settings.gateway.ghl
        super().__init__(deps, setting="gateway.ghl.addresses", addresses=ghl.addresses)
        self._keys = ghl.keys
        self._max_age_ms = int(ghl.max_age_hours * 3_600_000)
        self._topic = deps.names.of(GHL_CHANGES)
        self._installations = deps.names.of(CONNECTIONS)
        self._partition = partition_of(CONNECTIONS, deps.settings.kafka.partitions)
        self._seen = OriginalBodies()

    async def _accept(self, request: web.Request) -> str:
        address = self._allowed_address(request)
        raw = await self._read_body(request, str(address))
        try:
            verify(raw, request.headers, self._keys)
        except BadSignature as error:
            raise RejectedDelivery("bad signature", 401, f"from {address}: {error.reason}") from None
        if self._seen.knows(raw):
            why = f"from {address}: a signed body that was accepted before, byte for byte"
            raise RejectedDelivery("repeated", 200, why)
        accepted = await self._accepted(raw)
        if accepted.records:
            await self._produce(list(accepted.records))
        if accepted.is_repeatable:
            self._seen.note(raw)
        if accepted.span is not None:
            accepted.span.end()
        if accepted.result == "accepted":
            for connection in accepted.connections:
                self._deps.metrics.intake_items.labels("ghl", connection).inc()
        return accepted.result

    async def _accepted(self, raw: bytes) -> _Accepted:
        """What becomes of a signed delivery."""
        try:
            hook = parse(raw)
        except WebhookNotJson as error:
            return self._parked(raw, "not json", str(error))
        except UnknownWebhookShape as error:
            return self._parked(raw, "unknown shape", str(error))
        if not hook.is_used:
            return _IGNORED
        if not hook.location:
            return await self._of_agency(hook)
        connections = self._deps.connections.now
        if hook.location not in connections.partitions:
            return self._of_unknown_location(raw, hook)
        now_ms = self._deps.now_ms()
        at_ms = hook.at_ms if hook.at_ms is not None else now_ms
        if not now_ms - self._max_age_ms <= at_ms <= now_ms + AHEAD_MS:
            seconds = (now_ms - at_ms) // 1000
            age = f"{seconds} s old" if seconds > 0 else f"{-seconds} s ahead of our clock"
            why = f"{hook.type} is {age}; gateway.ghl.max_age_hours says how old an event may be"
            return self._parked(raw, "wrong time", why)
        span = self._deps.tracing.start_span("intake", type=hook.type)
        event = event_of(hook, at_ms, now_ms).model_copy(update={"trace": span.traceparent})
        value, most = event.to_bytes(), self._deps.parking.limits.state
        if len(value) + len(event.lane) > most:
            return self._parked(
                raw, "too large", f"{hook.type} has {len(value)} bytes, and at most {most} are accepted"
            )
        partition = connections.partitions[hook.location]
        record = Record(self._topic, partition, event.lane.encode(), value, headers_of(event.trace))
        names_itself = bool(hook.webhook) or hook.at_ms is not None
        return _Accepted("accepted", (record,), (connections.owners[hook.location],), span, is_repeatable=names_itself)

    async def _of_agency(self, hook: Hook) -> _Accepted:
        """The app was removed from a whole agency: each connection that it gave access pauses, as if each location had said so."""
        if is_of_another_app(self._deps.connections, hook):
            return _IGNORED
        now_ms = self._deps.now_ms()
        at_ms = min(hook.at_ms, now_ms) if hook.at_ms is not None else now_ms
        if at_ms < now_ms - self._max_age_ms:
            log.warning("GHL's %s of agency %s came too late, and is ignored", hook.type, hook.company)
            return _IGNORED
        try:
            concerned = await connections_of_agency(self._deps.connections, hook, at_ms)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("the tokens cannot be read to find the connections of agency %s: %r", hook.company, error)
            raise KafkaUnavailable from error
        lookup, records = self._deps.connections.now, []
        for location in dict.fromkeys(one.ghl.location_id for one in concerned):
            event = event_of(replace(hook, location=location, id=location), at_ms, now_ms)
            records.append(Record(self._topic, lookup.partitions[location], event.lane.encode(), event.to_bytes()))
        names = tuple(one.name for one in concerned)
        if names:
            log.warning("GHL says that the app was removed from agency %s: %s", hook.company, ", ".join(names))
        ends = self._installation_records(agency_end(hook.company, self._deps.connections.installed, at_ms))
        if not records and not ends:
            return _IGNORED
        # The connections pause first: what is kept of the agency is also how they are found.
        await self._produce(records)
        return _Accepted("accepted", ends, names, is_repeatable=True)

    def _installation_records(self, found: list[InstallationChange]) -> tuple[Record, ...]:
        return tuple(Record(self._installations, self._partition, one.key.encode(), one.value) for one in found)

    def _of_unknown_location(self, raw: bytes, hook: Hook) -> _Accepted:
        """A location without a connection that is served. An installation there waits for a person, who pairs it with Lofty."""
        connections = self._deps.connections
        if hook.type in ("INSTALL", "UNINSTALL"):
            now_ms = self._deps.now_ms()
            at_ms = min(hook.at_ms, now_ms) if hook.at_ms is not None else now_ms
            records = self._installation_records(changes(hook, connections.installed, at_ms))
            if records:
                log.info("GHL's %s of location %s changes which locations wait", hook.type, hook.location)
                return _Accepted("ignored", records, is_repeatable=True)
            if hook.type == "UNINSTALL":
                return _IGNORED  # there is nothing to pause
            if hook.location in connections.incomplete or is_known(hook, connections.installed):
                return _IGNORED
            todo = (
                "if somebody installed it in GHL's marketplace, it waits in the console under Connections, Installations: pair it "
                "there, and discard this. Otherwise "
                f'add a connection for it: [connections.NAME.ghl] with location_id = "{hook.location}" and auth = "oauth", '
                "and [connections.NAME.lofty] with its team, by `lofty-ghl connections add` or in the console; then run "
                "`lofty-ghl connect ghl --connection NAME`"
            )
            return self._parked(raw, "new installation", f"the app was installed in {hook.location}: {todo}")
        hint = "add a connection with this location_id and run `lofty-ghl parked retry`, or discard it"
        return self._parked(raw, "unknown location", f"{hook.type} of location {hook.location}: {hint}")

    def _parked(self, raw: bytes, reason: str, why: str) -> _Accepted:
        return _Accepted("parked", (self._park(raw, reason, why),), is_repeatable=True)
