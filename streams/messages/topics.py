"""Every topic of the product, as data: its name and how long it keeps records.

All have the same number of partitions, so that Faust gives a worker the same partition of each, and of the tables beside them.

| topic | key | partitioned by | contents |
| --- | --- | --- | --- |
| `lofty.changes` | contact | key | changes that Lofty's webhooks report |
| `lofty.fetches` | contact | Lofty budget | changes that `dedupe` let through |
| `lofty.snapshots` | entity | GHL budget | the state of each entity in Lofty |
| `ghl.receipts` | entity | GHL budget | the result of each write to GHL |
| `ghl.inspections` | contact | GHL budget | requests of `verify` |
| `ghl.observations` | contact | GHL budget | what GHL holds, in answer to them |
| `lofty.sweeps` | connection | Lofty budget | orders of backfills |
| `ghl.changes` | contact | GHL budget | events that GHL's webhooks report |
| `lofty.writes` | contact | Lofty budget | commands to write to Lofty |
| `lofty.receipts` | contact | Lofty budget | the result of each write to Lofty |
| `tokens` | token | budget | OAuth tokens that were granted, sealed |
| `status` | worker | key | the status of each worker and gateway, every few seconds |
| `lofty.replays` | entity | GHL budget | snapshots that a replay sends again |
| `replays` | run | key | replays and their progress |
| `parked` | entity | key | dead letters: records that failed, with the reason and the original bytes |
| `parked.resolved` | record | key | decisions about parked records |
| `mappings` | edit | one partition | edits of mappings, each under its own key: the topic keeps them all |
| `connections` | edit, or credential | one partition | edits of connections, each under its own key, and their credentials, sealed |
| `people` | edit | one partition | versions of the people and programs whom admins gave access, each under its own key |
| `audit` | record | key | the audit log of the console |
| `notifications` | recipient, or edit of one | recipient | what each recipient of notifications was sent, and what waits to be sent; recipients that people set |
| `runs` | run | key | imports, checks, comparisons, rehearsals, acts on many connections: how far each is, how it ended |

`lofty-ghl partitions grow` makes one more, `growth`: how far a move to more partitions is (`growth.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.messages.size_limits import DEFAULT

CHANGES = "lofty.changes"
FETCHES = "lofty.fetches"
SNAPSHOTS = "lofty.snapshots"
RECEIPTS = "ghl.receipts"
INSPECTIONS = "ghl.inspections"
OBSERVATIONS = "ghl.observations"
PARKED = "parked"
RESOLVED = "parked.resolved"
SWEEPS = "lofty.sweeps"
GHL_CHANGES = "ghl.changes"
LOFTY_WRITES = "lofty.writes"
LOFTY_RECEIPTS = "lofty.receipts"
TOKENS = "tokens"
STATUS = "status"
REPLAYS = "lofty.replays"
REPLAY_RUNS = "replays"
AUDIT = "audit"
MAPPINGS = "mappings"
CONNECTIONS = "connections"
PEOPLE = "people"
NOTIFICATIONS = "notifications"
RUNS = "runs"

SEEN_TABLE = "seen"
FETCHES_TABLE = "fetches"
OUTBOX_TABLE = "outbox"
LINKS_TABLE = "links"
BUDGETS_TABLE = "budgets"
SWEEPS_TABLE = "sweeps"
SWEPT_TABLE = "swept"
BACKLINKS_TABLE = "backlinks"
WEBHOOKS_TABLE = "webhooks"
EVENTS_TABLE = "events"
HEARD_TABLE = "heard"
ERRANDS_TABLE = "errands"
TOKENS_TABLE = "tokens"
CONFLICTS_TABLE = "conflicts"
CONFLICTS_BUILT = "@built"
"""The key in `conflicts` that says: each link that was there before there was such a table has its row."""

MAX_MESSAGE_BYTES = "max.message.bytes"
"""A topic's setting; ours follows from `gateway.max_body_bytes` (`streams/messages/size_limits.py`)."""

SEGMENT_BYTES = 50 * 2**20
"""Of the topics that are kept small: managed clusters refuse less."""

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. `retention_days` None means: compacted, kept as long as its keys live."""

    name: str
    retention_days: int | None
    most_mib: int | None = None
    """The most that a partition keeps beside its newest segment, in MiB; None: `retention_days` alone decides. Where a topic is compacted: so that it is, soon."""

    def config(self) -> dict[str, str]:
        """The topic's settings, as Kafka names them."""
        if self.retention_days is None:
            # The newest segment is not compacted, and would grow to a gibibyte where records replace each other all the time.
            small = {"segment.bytes": str(SEGMENT_BYTES)} if self.most_mib is not None else {}
            return {"cleanup.policy": "compact", **small}
        config = {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}
        if self.most_mib is not None:
            # Only whole segments are deleted, and those of a quiet topic would grow for a week.
            config |= {"retention.bytes": str(self.most_mib * 2**20), "segment.bytes": str(SEGMENT_BYTES)}
        return config


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(CHANGES, 14),
    TopicSpec(FETCHES, 7),
    TopicSpec(SNAPSHOTS, None),
    TopicSpec(RECEIPTS, 30),
    TopicSpec(INSPECTIONS, 7),
    TopicSpec(OBSERVATIONS, 7),
    TopicSpec(SWEEPS, 7),
    TopicSpec(GHL_CHANGES, 14),
    TopicSpec(LOFTY_WRITES, 30),
    TopicSpec(LOFTY_RECEIPTS, 30),
    TopicSpec(TOKENS, None),
    TopicSpec(STATUS, 1, most_mib=64),
    TopicSpec(REPLAYS, 7),
    TopicSpec(REPLAY_RUNS, None),
    TopicSpec(PARKED, 90),
    TopicSpec(RESOLVED, 90),
    TopicSpec(MAPPINGS, None),
    TopicSpec(CONNECTIONS, None),
    TopicSpec(PEOPLE, None),
    TopicSpec(AUDIT, 400),
    TopicSpec(NOTIFICATIONS, None),
    TopicSpec(RUNS, None, most_mib=64),
)
TABLES: tuple[str, ...] = (
    SEEN_TABLE,
    FETCHES_TABLE,
    OUTBOX_TABLE,
    LINKS_TABLE,
    BUDGETS_TABLE,
    SWEEPS_TABLE,
    SWEPT_TABLE,
    BACKLINKS_TABLE,
    WEBHOOKS_TABLE,
    EVENTS_TABLE,
    HEARD_TABLE,
    ERRANDS_TABLE,
    TOKENS_TABLE,
    CONFLICTS_TABLE,
)


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Names on the cluster: a deployment's prefix goes before each, and the group is named after it."""

    prefix: str = ""

    def of(self, topic: str) -> str:
        """The name of a topic on the cluster."""
        return f"{self.prefix}{topic}"

    @property
    def group(self) -> str:
        """The consumer group, and Faust's app id."""
        return f"{self.prefix}lofty-ghl"

    def changelog(self, table: str) -> str:
        """The changelog topic of a table, as Faust names it."""
        return f"{self.group}-{table}-changelog"

    def specs(self, max_message_bytes: int = DEFAULT.record) -> dict[str, dict[str, str]]:
        """Every topic that must exist, with its settings: the product's own, then the tables' changelogs."""
        named = {self.of(spec.name): spec.config() for spec in TOPICS}
        named |= {self.changelog(table): {"cleanup.policy": "compact"} for table in TABLES}
        return {name: {**config, MAX_MESSAGE_BYTES: str(max_message_bytes)} for name, config in named.items()}


def differing(found: Mapping[str, int], wanted: Iterable[str], partitions: int) -> str:
    """The problem of a cluster's topics, in one sentence; empty when there is none. `found` are partitions by name."""
    missing = [name for name in wanted if name not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"topic {missing[0]}{more} missing: `lofty-ghl topics create` creates what is missing"
    for name in wanted:
        if found[name] != partitions:
            return (
                f"topic {name} has {found[name]} partitions, and kafka.partitions says {partitions}: "
                "set kafka.partitions to the number that the topics have"
            )
    return ""
