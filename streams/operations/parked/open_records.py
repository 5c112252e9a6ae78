"""Which parked records are open, and what retries each. Pure.

The topic only grows. A record is open until it is decided (`ParkedDecision`) or overtaken: an entity that a fetch or a delivery
parked is open only while its row says so, and only with its newest record; its next change settles it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.ghl.webhooks import parse as parse_hook
from connectors.lofty.webhooks import parse
from streams.core.to_lofty.events import event_of
from streams.messages import Change, Entity, GhlEvent, InvalidMessage, Parked, ParkedDecision
from streams.messages.parked import PASSED_OVER, UNREADABLE, Stage
from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES, GHL_CHANGES, TopicNames

BY_ROW: frozenset[Stage] = frozenset({"fetch", "deliver"})


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """A parked record and its position: `id` is `partition@offset`."""

    id: str
    parked: Parked

    @classmethod
    def of(cls, partition: int, offset: int, key: bytes | None, value: bytes | None) -> Self:
        """A record of the topic `parked`; one that cannot be read is shown as such."""
        item_id = f"{partition}@{offset}"
        try:
            return cls(item_id, Parked.from_bytes(value))
        except InvalidMessage as error:
            source, entity = f"parked/{item_id}", (key or b"").decode(errors="replace")
            facts = {"message": str(error), "at_ms": 0, "source": source, "entity": entity}
            return cls(item_id, Parked.model_validate({"stage": "record", "reason": UNREADABLE, **facts}))

    @property
    def connection(self) -> str:
        """The connection's name; empty where it is not known."""
        return self.parked.connection or (self.parked.entity or "").partition(":")[0]

    @property
    def waits_by_row(self) -> bool:
        """Whether a table's row says if it still waits."""
        return self.parked.stage in BY_ROW and self.parked.reason not in (UNREADABLE, PASSED_OVER)


@dataclass(frozen=True, slots=True)
class RetryRecord:
    """A record to produce. `partition` None: the key decides."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records match; an empty field matches any. `entity` may contain `*`, or be a lead's id alone."""

    connection: str = ""
    stage: str = ""
    reason: str = ""
    entity: str = ""
    id: str = ""

    def takes(self, item: ParkedItem) -> bool:
        """Whether a record matches."""
        parked = item.parked
        return (
            self.connection in ("", item.connection)
            and self.stage in ("", parked.stage)
            and self.reason in ("", parked.reason)
            and self.id in ("", item.id)
            and (not self.entity or _matches(parked.entity or "", self.entity))
        )


def still_open(
    items: Iterable[ParkedItem], decisions: Mapping[str, ParkedDecision], parked_rows: frozenset[tuple[Stage, str]]
) -> list[ParkedItem]:
    """The records that wait, the oldest first. `parked_rows` are the entities whose row of `fetches` or `outbox` is parked."""
    newest: dict[tuple[Stage, str], ParkedItem] = {}
    found: list[ParkedItem] = []
    for item in sorted(items, key=_age):
        if item.id in decisions:
            continue
        if item.waits_by_row:
            newest[item.parked.stage, item.parked.entity or ""] = item
        else:
            found.append(item)
    found += [item for key, item in newest.items() if key in parked_rows]
    return sorted(found, key=_age)


def _age(item: ParkedItem) -> tuple[int, str]:
    return item.parked.at_ms, item.id


def by_cause(items: Sequence[ParkedItem]) -> list[tuple[tuple[str, str, str], list[ParkedItem]]]:
    """Grouped by connection, stage and reason, the most frequent first."""
    groups: dict[tuple[str, str, str], list[ParkedItem]] = defaultdict(list)
    for item in items:
        groups[item.connection or "?", item.parked.stage, item.parked.reason].append(item)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def retry_outputs(
    item: ParkedItem, teams: Mapping[str, str], names: TopicNames, now_ms: int, partitions: Mapping[str, int]
) -> list[RetryRecord] | str:
    """What to produce to retry a record; or why it cannot be retried. `teams` is the Lofty team of each connection.

    `partitions` is the partition of each connection's location.

    An entity is read from Lofty again, whatever the parked bytes say: its state may have changed since.
    """
    one = item.parked
    if item.waits_by_row and one.entity is not None:
        entity = Entity.from_key(one.entity)
        read = entity.owner if entity.kind == "opportunity" else entity  # it is a part of its lead
        return [_change(read, "updated", 0, names, now_ms, "replay")]
    if one.reason == PASSED_OVER:
        return "its records are gone from Kafka: order a backfill (lofty-ghl backfill CONNECTION), then discard it"
    if one.original_size is not None:
        kept = len(one.original_bytes())
        return f"it was too large: {kept} of its {one.original_size} bytes were kept; discard it"
    if one.stage == "intake":
        return _retry_delivery(one, teams, names, now_ms)
    if one.stage == "ghl intake":
        return _retry_hook(one, partitions, names, now_ms)
    if one.stage == "respond" and one.reason != UNREADABLE:
        return _retry_event(GhlEvent.from_bytes(one.original_bytes()), partitions, names)
    topic, _, rest = one.source.rpartition("/")
    partition = rest.partition("@")[0]
    if not topic or not partition.isdigit():
        return f"its source {one.source!r} names no topic"
    # A change goes to the partition of its key, wherever it was found.
    number = None if topic == names.of(CHANGES) else int(partition)
    return [RetryRecord(topic, number, (one.entity or "").encode(), one.original_bytes())]


def _retry_delivery(one: Parked, teams: Mapping[str, str], names: TopicNames, now_ms: int) -> list[RetryRecord] | str:
    name = one.connection or ""
    if name not in teams:
        return f"connection {name!r} is not in this configuration"
    try:
        parsed = parse(one.original_bytes())
    except (UnknownWebhookShape, WebhookNotJson) as error:
        return f"its shape is still unknown: {error}"
    if parsed.team_id != teams[name]:
        return f"it is of team {parsed.team_id}, and connection {name} is team {teams[name]}"
    return [
        _change(
            Entity(name, ping.lead_id, ping.kind, ping.entity_id),
            ping.operation,
            ping.update_time_ms,
            names,
            now_ms,
            "webhook",
        )
        for ping in parsed.pings
    ]


def _retry_hook(one: Parked, partitions: Mapping[str, int], names: TopicNames, now_ms: int) -> list[RetryRecord] | str:
    """Its signature was valid when it came; its age does not matter now."""
    try:
        hook = parse_hook(one.original_bytes())
    except (UnknownWebhookShape, WebhookNotJson) as error:
        return f"its shape is still unknown: {error}"
    return _retry_event(event_of(hook, hook.at_ms if hook.at_ms is not None else one.at_ms, now_ms), partitions, names)


def _retry_event(event: GhlEvent, partitions: Mapping[str, int], names: TopicNames) -> list[RetryRecord] | str:
    if event.location not in partitions:
        return f"no connection has the location {event.location!r}"
    # The filter of repeated webhooks must let it pass. It keeps its webhook's id, so that a rule does not create a thing twice.
    heard_anew = event.model_copy(update={"retry_outputs": True})
    partition = partitions[event.location]
    return [RetryRecord(names.of(GHL_CHANGES), partition, event.lane.encode(), heard_anew.to_bytes())]


def _change(entity: Entity, operation: str, at_ms: int, names: TopicNames, now_ms: int, origin: str) -> RetryRecord:
    change = Change.model_validate(
        {
            **entity._asdict(),
            "operation": operation,
            "update_time_ms": at_ms,
            "accepted_ms": now_ms,
            "origin": origin,
        }
    )
    return RetryRecord(names.of(CHANGES), None, entity.lane.encode(), change.to_bytes())


def partition_of_output(output: RetryRecord, partitions: int) -> int:
    """The partition of an output."""
    return (
        partition_of(output.key.decode(errors="replace"), partitions) if output.partition is None else output.partition
    )


def _matches(entity: str, wanted: str) -> bool:
    if ":" in wanted or "*" in wanted:
        return fnmatchcase(entity, wanted)
    return wanted in entity.split(":")[1:]
