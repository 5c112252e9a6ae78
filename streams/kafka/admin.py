"""Compares topics with what the product needs, and creates those that are missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaTimeoutError, NoError, TopicAlreadyExistsError, for_code

from streams.kafka.changelog_losses import COSTS, accept_command
from streams.kafka.clients import admin_client, until_topics_are_led
from streams.kafka.error_texts import missing_right, topic_trouble
from streams.kafka.refusals import KafkaRefused, TopicsRefused
from streams.kafka.rights import Right, missing_rights
from streams.kafka.topic_reader import first_and_end_offsets
from streams.messages.topics import MAX_MESSAGE_BYTES, RECEIPTS, TABLES, TOPICS, TopicNames
from streams.settings import Settings
from streams.settings.wanted_topics import WantedTopic, wanted_topics

FIRST_SECONDS = 10.0
"""How long another process may take to create the topics."""

DELETED_SECONDS = 60.0

LEAST_SEGMENT_BYTES = 16 * 2**20
"""Smaller segments are too many files. Deployments of the first versions have these; larger ones only delay compaction."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic: what is wanted, and what exists. `problem` is empty when they agree."""

    name: str
    wanted: Mapping[str, str]
    partitions: int | None
    problem: str
    is_compared: bool = True
    """False: Kafka does not let us read its settings."""
    too_few_replicas: str = ""
    """It works with those that it has, but loses more when a broker is lost."""

    @property
    def exists(self) -> bool:
        """The cluster has it."""
        return self.partitions is not None


async def inspect(settings: Settings) -> list[TopicState]:
    """Compare every topic with what the product needs.

    Raises aiokafka's error when Kafka cannot be reached, and `KafkaRefused` when we may not list its topics.
    """
    topics = {topic.name: topic for topic in wanted_topics(settings)}
    lacking = await missing_rights(settings, topics, (Right.DESCRIBE, Right.DESCRIBE_CONFIGS))
    if hidden := lacking.get(Right.DESCRIBE):
        raise KafkaRefused(missing_right(settings.kafka, "Describe", hidden))
    unseen = frozenset(lacking.get(Right.DESCRIBE_CONFIGS, ()))
    async with admin_client(settings) as admin:
        existing = set(await admin.list_topics()) & set(topics)
        found = {t["topic"]: t["partitions"] for t in await admin.describe_topics(sorted(existing))}
        configs = await _configs(admin, existing - unseen)
    return [
        _state(topic, found.get(name), configs.get(name, {}), is_compared=name not in unseen)
        for name, topic in topics.items()
    ]


def _state(
    topic: WantedTopic, found: list[dict[str, Any]] | None, config: Mapping[str, str], *, is_compared: bool
) -> TopicState:
    partitions = None if found is None else len(found)
    replicas = min((len(one["replicas"]) for one in found or ()), default=topic.replication_factor)
    too_few = f"expected {topic.replication_factor} replicas (kafka.replication_factor), found {replicas}"
    return TopicState(
        topic.name,
        topic.config,
        partitions,
        _problem(topic, partitions, config),
        is_compared,
        too_few if replicas < topic.replication_factor else "",
    )


class StateMissing(RuntimeError):
    """Topics that hold state are missing in a deployment that has run before. `names` are our names of tables and topics."""

    def __init__(self, topic: str, names: Iterable[str]) -> None:
        self.names = tuple(names)
        more = f" (and {len(self.names) - 1} more)" if len(self.names) > 1 else ""
        super().__init__(
            f"the topic {topic}{more} is missing, and this deployment has run before: created again it would be empty, and "
            f"{COSTS.get(self.names[0], 'what it held would be gone')}. Restore it, or accept the loss with "
            f"`{accept_command(self.names)}`. After an upgrade whose notes name this topic as new, nothing is lost by that"
        )


def saved_topic(changelog: str) -> str:
    """The topic that holds a changelog's rows while `--accept-lost` deletes and recreates that."""
    return f"{changelog}-saved"


class NotPutBack(StateMissing):
    """A run of `--accept-lost` was interrupted: a changelog may lack rows that the next run restores."""

    def __init__(self, topic: str, names: Iterable[str]) -> None:
        self.names = tuple(names)
        RuntimeError.__init__(
            self,
            f"the topic {topic} holds rows that were not restored: `topics create --accept-lost` was interrupted. "
            f"`{accept_command(self.names)}` finishes it",
        )


async def _demand_all_put_back(settings: Settings) -> None:
    names = TopicNames(settings.kafka.topic_prefix)
    saved = {saved_topic(names.changelog(table)): table for table in TABLES}
    async with admin_client(settings) as admin:
        left = sorted(set(await admin.list_topics()) & set(saved))
    if left:
        raise NotPutBack(left[0], [saved[name] for name in left])


def state_topics(names: TopicNames) -> dict[str, str]:
    """The topics that hold state, by their names on the cluster: changelogs and compacted topics. Values are our names."""
    compacted = {names.of(spec.name): spec.name for spec in TOPICS if spec.retention_days is None}
    return compacted | {names.changelog(table): table for table in TABLES}


async def has_worked(settings: Settings, states: Iterable[TopicState]) -> bool:
    """Whether workers have run with these topics: each writes a fence among the receipts, and rows."""
    names = TopicNames(settings.kafka.topic_prefix)
    existing = {state.name for state in states if state.partitions == settings.kafka.partitions}
    written = {names.of(RECEIPTS), *(names.changelog(table) for table in TABLES)} & existing
    return any(end for _, end in (await first_and_end_offsets(settings, written)).values())


async def create_missing(settings: Settings, accepted: Collection[str] = ()) -> list[str]:
    """Create the topics that are missing; returns their names. Never changes an existing one.

    Raises `StateMissing`, and creates none, when a missing one held state and its loss is not `accepted` (by our name).
    Raises `TopicsRefused` with Kafka's reason for each that it did not create.
    """
    states = await inspect(settings)
    missing = [state for state in states if not state.exists]
    if not missing:
        return []
    holding = state_topics(TopicNames(settings.kafka.topic_prefix))
    lost = {s.name: holding[s.name] for s in missing if s.name in holding and holding[s.name] not in accepted}
    if lost and await has_worked(settings, states):
        raise StateMissing(next(iter(lost)), lost.values())
    return await _create(settings, missing)


async def create_first(settings: Settings) -> list[TopicState]:
    """Create the topics at the very first start, before any worker has run. Returns their state afterwards.

    Another process may be creating them: this waits up to `FIRST_SECONDS` for it.
    Raises `StateMissing`, and creates none, when one that held state is missing in a deployment that has run before.
    Raises `NotPutBack` while an accepted loss is not restored yet.
    """
    await _demand_all_put_back(settings)
    states = await inspect(settings)
    began = time.monotonic()
    while any(state.exists for state in states) and not all(state.exists for state in states):
        if time.monotonic() - began > FIRST_SECONDS:
            break
        await asyncio.sleep(0.5)
        states = await inspect(settings)
    if all(state.exists for state in states):
        return states
    if not await has_worked(settings, states):
        await _create(settings, [state for state in states if not state.exists])
        return await inspect(settings)
    holding = state_topics(TopicNames(settings.kafka.topic_prefix))
    if lost := {state.name: holding[state.name] for state in states if not state.exists and state.name in holding}:
        raise StateMissing(next(iter(lost)), lost.values())
    return states


async def _create(settings: Settings, missing: list[TopicState]) -> list[str]:
    return await create_topics(settings, {state.name: state.wanted for state in missing})


async def create_topics(settings: Settings, wanted: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Create topics with these settings; returns those that another process has not created first, once the brokers know them.

    Raises `TopicsRefused`, and `LeaderNotAvailableError` when a created topic gets no leader.
    """
    kafka = settings.kafka
    async with admin_client(settings) as admin:
        answer = await admin.create_topics(
            [
                NewTopic(name, kafka.partitions, kafka.replication_factor, topic_configs=dict(config))
                for name, config in wanted.items()
            ]
        )
    created: list[str] = []
    refused: dict[str, str] = {}
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if error is NoError:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            refused[name] = topic_trouble(error, said[0] if said else None, kafka)
    if refused:
        raise TopicsRefused(refused, created)
    await until_topics_are_led(settings, created)  # until then an inspection would call them missing
    return created


async def delete_topic(settings: Settings, topic: str) -> None:
    """Delete a topic; returns once Kafka does not list it any longer. Raises aiokafka's error."""
    async with admin_client(settings) as admin:
        answer = await admin.delete_topics([topic])
        for name, code in answer.topic_error_codes:
            if (error := for_code(code)) is not NoError:
                raise error(f"topic {name} is not deleted: {error.description}")
        began = time.monotonic()
        while topic in await admin.list_topics():
            if time.monotonic() - began > DELETED_SECONDS:
                raise KafkaTimeoutError(f"topic {topic} is still listed {DELETED_SECONDS:.0f} s after it was deleted")
            await asyncio.sleep(0.2)


async def _configs(admin: AIOKafkaAdminClient, topics: set[str]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(topics)])
    configs: dict[str, dict[str, str]] = {}
    for answer in answers:
        for _code, _message, _type, name, entries in answer.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def is_compatible(key: str, wanted: str, found: str) -> bool:
    """Whether a topic's setting is as good as what is wanted: what is kept longer, or more of it, and other segments."""
    if found == wanted:
        return True
    if key in ("retention.ms", "retention.bytes"):
        return found == "-1" or (wanted != "-1" and int(found) >= int(wanted))
    return key == "segment.bytes" and int(found) >= LEAST_SEGMENT_BYTES


def _problem(topic: WantedTopic, partitions: int | None, found: Mapping[str, str]) -> str:
    if partitions is None:
        return "missing: `lofty-ghl topics create` makes it"
    if partitions != topic.partitions:
        return (
            f"expected {topic.partitions} partitions (kafka.partitions), found {partitions}: "
            "all topics must have the same number, and it cannot change while they hold data"
        )
    for key, value in topic.config.items():
        if key == MAX_MESSAGE_BYTES:
            if key in found and int(found[key]) < int(value):
                return (
                    f"expected {key}={value} (from gateway.max_body_bytes), found {found[key]}: raise it with "
                    f"`kafka-configs.sh --alter --add-config {key}={value}`; until then larger records are cut off"
                )
        elif key in found and not is_compatible(key, value, found[key]):
            return f"expected {key}={value}, found {found[key]}"
    return ""
