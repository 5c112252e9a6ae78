"""GHL's webhooks become events on `ghl.changes`. Nothing else happens in the request.

| the delivery | the answer | why |
| --- | --- | --- |
| signed by GHL, and Kafka has it | 200 | accepted: from here on nothing is lost |
| signed, and no JSON; not what we know; of a location that is not configured; too old; too large for a row | 200 | kept in `parked` as raw bytes: GHL would not send it again |
| signed, of a type that nothing is made of | 200 | ignored, and counted |
| signed, and kept before, byte for byte, with an id or a time of the delivery in it | 200 | somebody's copy: it says nothing new |
| not signed by GHL | 401 | whatever it says, it is not read |
| from an address that is not allowed | 403 | |
| too large | 413 | above `gateway.max_body_bytes` |
| compressed | 415 | GHL sends no such thing |
| Kafka does not take it | 429 | GHL tries again after a 429 under each policy that it has published, after a 5xx not |
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.ghl.signature import BadSignature, Keys, verify
from connectors.ghl.webhooks import Hook, parse
from streams.core.to_lofty.events import event_of
from streams.gateway.client_address import Network, client_address, is_allowed
from streams.gateway.lofty_webhooks import KAFKA_SECONDS
from streams.gateway.original_body import OriginalBodies
from streams.gateway.refusal_log import Refusals
from streams.gateway.request_body import UnreadableBody, read_body
from streams.kafka.batching_producer import BatchingProducer, Record
from streams.kafka.parking import Parking
from streams.messages import Parked
from streams.telemetry.logs import REPEATS
from streams.telemetry.metrics import Metrics
from streams.telemetry.tracing import NoTracing, Span, Tracing, headers_of

log = logging.getLogger("lofty_ghl.gateway")

AHEAD_MS = 5 * 60 * 1000
"""How far in the future an event's time may be: clocks differ."""


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """Who may come in: whose signature, from where, how late."""

    keys: Keys
    addresses: tuple[Network, ...]
    proxies: tuple[Network, ...]
    max_age_ms: int


@dataclass(frozen=True, slots=True)
class _Taken:
    """What becomes of a signed delivery, and what that is called in metrics and in the answer.

    `repeats_say_nothing`: the same bytes are the same delivery (they hold an id or a time of it), or were parked.
    """

    result: str
    record: Record | None = None
    location: str = ""
    span: Span | None = None
    repeats_say_nothing: bool = False


_IGNORED = _Taken("ignored")


class GhlWebhooks:
    """The handler of `POST /ghl/webhooks`. `partitions` is where each location's events belong, `owners` its connection."""

    def __init__(
        self,
        door: WebhookPolicy,
        *,
        partitions: Mapping[str, int],
        owners: Mapping[str, str],
        topic: str,
        batching_producer: BatchingProducer,
        parking: Parking,
        metrics: Metrics,
        now_ms: Callable[[], int],
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or NoTracing()
        self._door = door
        self._partitions = partitions
        self._owners = owners
        self._topic = topic
        self._batching_producer = batching_producer
        self._parking = parking
        self._metrics = metrics
        self._now_ms = now_ms
        self._refusals = Refusals(log, now_ms)
        self._kept = OriginalBodies()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        began = time.perf_counter()
        try:
            return await self._handle(request)
        finally:
            self._metrics.intake_seconds.labels("ghl").observe(time.perf_counter() - began)

    async def _handle(self, request: web.Request) -> web.Response:
        address = client_address(request.remote, request.headers.getall("X-Forwarded-For", []), self._door.proxies)
        if not is_allowed(address, self._door.addresses):
            self._refusals.tell("wrong address", f"from {address}, which is not in gateway.ghl.addresses")
            return self._answer("wrong address", 403)
        try:
            raw = await read_body(request)
        except UnreadableBody as error:
            self._refusals.tell(error.result, f"from {address}: {error}")
            return self._answer(error.result, error.status)
        try:
            verify(raw, request.headers, self._door.keys)
        except BadSignature as error:
            self._refusals.tell("bad signature", f"from {address}: {error.reason}")
            return self._answer("bad signature", 401)
        if self._kept.knows(raw):
            self._refusals.tell("repeated", f"from {address}: a signed body that was kept before, byte for byte")
            return self._answer("repeated", 200)
        taken = self._taken(raw)
        try:
            if taken.record is not None:
                await self._batching_producer.produce([taken.record], within=KAFKA_SECONDS)
        except Exception as error:
            log.error("Kafka did not take an event of GHL, so GHL was told to come again: %r", error, extra=REPEATS)
            return self._answer("kafka unavailable", 429)
        if taken.repeats_say_nothing:
            self._kept.note(raw)
        if taken.span is not None:
            taken.span.end()
        if taken.result == "accepted":
            self._metrics.intake_items.labels("ghl", self._owners[taken.location]).inc()
        return self._answer(taken.result, 200)

    def _taken(self, raw: bytes) -> _Taken:
        """What becomes of a signed delivery."""
        try:
            hook = parse(raw)
        except WebhookNotJson as error:
            return self._parked(raw, "not json", str(error))
        except UnknownWebhookShape as error:
            return self._parked(raw, "unknown shape", str(error))
        if not hook.is_used:
            return _IGNORED
        if hook.location not in self._partitions:
            return self._of_stranger(raw, hook)
        now_ms = self._now_ms()
        at_ms = hook.at_ms if hook.at_ms is not None else now_ms
        if not now_ms - self._door.max_age_ms <= at_ms <= now_ms + AHEAD_MS:
            seconds = (now_ms - at_ms) // 1000
            why = (
                f"{hook.type} is {seconds} s old" if seconds > 0 else f"{hook.type} is {-seconds} s ahead of our clock"
            )
            told = f"{why}; gateway.ghl.max_age_hours says what is taken"
            return self._parked(raw, "wrong time", told)
        span = self._tracing.begin("intake", type=hook.type)
        event = event_of(hook, at_ms, now_ms).model_copy(update={"trace": span.traceparent})
        place = self._partitions[hook.location]
        value, most = event.to_bytes(), self._parking.limits.state
        if len(value) + len(event.lane) > most:
            why = f"{hook.type} has {len(value)} bytes, at most {most} can go on"
            return self._parked(raw, "too large", why)
        record = Record(self._topic, place, event.lane.encode(), value, headers_of(event.trace))
        names_itself = bool(hook.webhook) or hook.at_ms is not None
        return _Taken("accepted", record, hook.location, span, repeats_say_nothing=names_itself)

    def _of_stranger(self, raw: bytes, hook: Hook) -> _Taken:
        """A location without a connection. An installation there waits for a person, who has Lofty's side to add."""
        if hook.type == "UNINSTALL":
            return _IGNORED  # there is nothing to pause
        if hook.type == "INSTALL":
            todo = (
                f'give it a connection: [connections.NAME.ghl] with location_id = "{hook.location}" and auth = "oauth", and '
                "[connections.NAME.lofty] with its team; then restart, and `lofty-ghl connect ghl --connection NAME`"
            )
            return self._parked(raw, "new installation", f"the app was installed in {hook.location}: {todo}")
        hint = "add a connection with this location_id, then `lofty-ghl parked retry`, or discard it"
        return self._parked(raw, "unknown location", f"{hook.type} of location {hook.location}: {hint}")

    def _parked(self, raw: bytes, reason: str, why: str) -> _Taken:
        log.warning("an event of GHL was parked (%s): %s", reason, why)
        parked = Parked(
            stage="ghl intake",
            reason=reason,
            message=why,
            at_ms=self._now_ms(),
            source="POST /ghl/webhooks",
            original=Parked.encode(raw),
        )
        return _Taken("parked", self._parking.record(parked), repeats_say_nothing=True)

    def _answer(self, result: str, status: int) -> web.Response:
        self._metrics.intake.labels("ghl", result).inc()
        return web.json_response({"result": result}, status=status)
