"""Which parked records still wait for somebody, and what sends each on its way again. Pure.

The topic only grows. A record is open until it is decided about (`ParkedDecision`) or overtaken: an entity that a fetch or a
delivery parked is open only while its row says so, and only with its newest record; its next change settles it by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.ghl.webhooks import parse as parse_hook
from connectors.lofty.webhooks import parse
from streams.core.to_lofty.events import event_of
from streams.messages import Change, Entity, GhlEvent, Parked, ParkedDecision
from streams.messages.parked import PASSED_OVER, Stage
from streams.messages.partitioning import partition_of
from streams.messages.topics import CHANGES, GHL_CHANGES, TopicNames

BY_ROW: frozenset[Stage] = frozenset({"fetch", "deliver"})


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """A parked record and where it stands: `id` is `partition@offset`."""

    id: str
    parked: Parked

    @property
    def waits_by_row(self) -> bool:
        """Whether a table's row says if it still waits."""
        return self.parked.stage in BY_ROW and self.parked.reason not in ("unreadable", PASSED_OVER)


@dataclass(frozen=True, slots=True)
class Output:
    """A record to append. `partition` None: the key decides."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records are meant; an empty field is any. `entity` takes `*` for any text, and a lead's id alone."""

    connection: str = ""
    stage: str = ""
    reason: str = ""
    entity: str = ""
    id: str = ""

    def takes(self, place: ParkedItem) -> bool:
        """Whether a record is meant."""
        one = place.parked
        name = one.connection or (one.entity or "").partition(":")[0]
        return (
            self.connection in ("", name)
            and self.stage in ("", one.stage)
            and self.reason in ("", one.reason)
            and self.id in ("", place.id)
            and (not self.entity or _is_about(one.entity or "", self.entity))
        )


def still_open(
    places: Iterable[ParkedItem], resolutions: Mapping[str, ParkedDecision], parked_rows: frozenset[tuple[Stage, str]]
) -> list[ParkedItem]:
    """Those that wait, the oldest first. `parked_rows` are the entities whose row of `fetches` or `outbox` is parked."""
    newest: dict[tuple[Stage, str], ParkedItem] = {}
    found: list[ParkedItem] = []
    for place in sorted(places, key=lambda one: (one.parked.at_ms, one.id)):
        if place.id in resolutions:
            continue
        if place.waits_by_row:
            newest[place.parked.stage, place.parked.entity or ""] = place
        else:
            found.append(place)
    found += [place for key, place in newest.items() if key in parked_rows]
    return sorted(found, key=lambda one: (one.parked.at_ms, one.id))


def by_cause(places: Sequence[ParkedItem]) -> list[tuple[tuple[str, str, str], list[ParkedItem]]]:
    """Grouped by connection, stage and reason, the most frequent first."""
    groups: dict[tuple[str, str, str], list[ParkedItem]] = defaultdict(list)
    for place in places:
        one = place.parked
        name = one.connection or (one.entity or "").partition(":")[0] or "?"
        groups[name, one.stage, one.reason].append(place)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def retry_outputs(
    place: ParkedItem, teams: Mapping[str, str], names: TopicNames, now_ms: int, partitions: Mapping[str, int]
) -> list[Output] | str:
    """What to append so that it is tried again; or why it cannot be. `teams` is the Lofty team of each connection.

    `partitions` is the place of each location that a connection has.

    An entity is read from Lofty again, whatever the parked bytes say: its state may have changed since.
    """
    one = place.parked
    if place.waits_by_row and one.entity is not None:
        return [_change(Entity.from_key(one.entity), "updated", 0, names, now_ms, "replay")]
    if one.reason == PASSED_OVER:
        return "its records are gone from Kafka: order a backfill (lofty-ghl backfill CONNECTION), then discard it"
    if one.original_size is not None:
        kept = len(one.original_bytes())
        return f"it was too large: {kept} of its {one.original_size} bytes were kept; discard it"
    if one.stage == "intake":
        return _delivery_again(one, teams, names, now_ms)
    if one.stage == "ghl intake":
        return _hook_again(one, partitions, names, now_ms)
    if one.stage == "respond" and one.reason != "unreadable":
        return _event_again(GhlEvent.from_bytes(one.original_bytes()), partitions, names)
    topic, _, rest = one.source.rpartition("/")
    partition = rest.partition("@")[0]
    if not topic or not partition.isdigit():
        return f"its source {one.source!r} names no topic"
    # A change goes where its key belongs, whatever place it was found at.
    number = None if topic == names.of(CHANGES) else int(partition)
    return [Output(topic, number, (one.entity or "").encode(), one.original_bytes())]


def _delivery_again(one: Parked, teams: Mapping[str, str], names: TopicNames, now_ms: int) -> list[Output] | str:
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


def _hook_again(one: Parked, partitions: Mapping[str, int], names: TopicNames, now_ms: int) -> list[Output] | str:
    """Its signature was good when it came; how old it is does not count any more."""
    try:
        hook = parse_hook(one.original_bytes())
    except (UnknownWebhookShape, WebhookNotJson) as error:
        return f"its shape is still unknown: {error}"
    return _event_again(event_of(hook, hook.at_ms if hook.at_ms is not None else one.at_ms, now_ms), partitions, names)


def _event_again(event: GhlEvent, partitions: Mapping[str, int], names: TopicNames) -> list[Output] | str:
    if event.location not in partitions:
        return f"no connection has the location {event.location!r}"
    # Its webhook was heard before, which must not hold it back now; its id stays: what a rule made of it is made once.
    heard_anew = event.model_copy(update={"retry_outputs": True})
    place = partitions[event.location]
    return [Output(names.of(GHL_CHANGES), place, event.lane.encode(), heard_anew.to_bytes())]


def _change(entity: Entity, operation: str, at_ms: int, names: TopicNames, now_ms: int, origin: str) -> Output:
    change = Change.model_validate(
        {
            **entity._asdict(),
            "operation": operation,
            "update_time_ms": at_ms,
            "accepted_ms": now_ms,
            "origin": origin,
        }
    )
    return Output(names.of(CHANGES), None, entity.lane.encode(), change.to_bytes())


def partition_of_output(output: Output, partitions: int) -> int:
    """The partition of an output."""
    return (
        partition_of(output.key.decode(errors="replace"), partitions) if output.partition is None else output.partition
    )


def _is_about(entity: str, wanted: str) -> bool:
    if ":" in wanted or "*" in wanted:
        return fnmatchcase(entity, wanted)
    return wanted in entity.split(":")[1:]
