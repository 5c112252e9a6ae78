"""Every topic of the product, as data: what its key is, what places its records, how long it keeps them.

All have the same number of partitions, so that Faust hands a worker the same partition of each, and the tables beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

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

MAX_MESSAGE_BYTES = "max.message.bytes"
"""A topic's setting; ours follows from `gateway.max_body_bytes` (`streams/messages/size_limits.py`)."""

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. `retention_days` None means: compacted, kept as long as its keys live."""

    name: str
    keyed_by: Literal["contact", "entity", "connection", "token", "record", "run", "worker", "edit"]
    placed_by: Literal["key", "Lofty budget", "GHL budget", "budget", "topic"]
    retention_days: int | None
    holds: str
    most_mib: int | None = None
    """What a partition keeps at most, in MiB; None: `retention_days` alone decides."""

    def config(self) -> dict[str, str]:
        """The topic's settings, as Kafka names them."""
        if self.retention_days is None:
            return {"cleanup.policy": "compact"}
        config = {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}
        if self.most_mib is not None:
            # Only whole segments are deleted, and those of a quiet topic would grow for a week.
            config |= {"retention.bytes": str(self.most_mib * 2**20), "segment.bytes": str(self.most_mib * 2**18)}
        return config


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(CHANGES, "contact", "key", 14, "changes: the front door"),
    TopicSpec(FETCHES, "contact", "Lofty budget", 7, "changes that were admitted"),
    TopicSpec(SNAPSHOTS, "entity", "GHL budget", None, "what Lofty said of each entity"),
    TopicSpec(RECEIPTS, "entity", "GHL budget", 30, "what became of each write"),
    TopicSpec(INSPECTIONS, "contact", "GHL budget", 7, "what verify asks"),
    TopicSpec(OBSERVATIONS, "contact", "GHL budget", 7, "what GHL holds, in answer"),
    TopicSpec(SWEEPS, "connection", "Lofty budget", 7, "backfills that were ordered"),
    TopicSpec(GHL_CHANGES, "contact", "GHL budget", 14, "what GHL's webhooks told"),
    TopicSpec(LOFTY_WRITES, "contact", "Lofty budget", 30, "what shall be written to Lofty"),
    TopicSpec(LOFTY_RECEIPTS, "contact", "Lofty budget", 30, "what became of it"),
    TopicSpec(TOKENS, "token", "budget", None, "OAuth tokens that were granted, sealed"),
    TopicSpec(STATUS, "worker", "key", 1, "what each worker says of itself, every few seconds", most_mib=64),
    TopicSpec(REPLAYS, "entity", "GHL budget", 7, "snapshots that are brought to GHL once more"),
    TopicSpec(REPLAY_RUNS, "run", "key", None, "replays, and how far each is"),
    TopicSpec(PARKED, "entity", "key", 90, "what cannot go on, with its reason and its bytes"),
    TopicSpec(RESOLVED, "record", "key", 90, "what was decided about parked records"),
    TopicSpec(
        MAPPINGS, "edit", "topic", None, "edits of mappings, each under a key of its own: the topic keeps them all"
    ),
    TopicSpec(AUDIT, "record", "key", 400, "who did what in the console"),
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
    """What is wrong with the topics of a cluster, in one sentence; empty when nothing is. `found` are partitions by name."""
    missing = [name for name in wanted if name not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"topic {missing[0]}{more} missing: `lofty-ghl topics create` makes what is missing"
    for name in wanted:
        if found[name] != partitions:
            return (
                f"topic {name} has {found[name]} partitions, and kafka.partitions says {partitions}: "
                "put the number that the topics have into the configuration"
            )
    return ""
