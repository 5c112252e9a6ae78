"""Topics as they should be and as they are: creates what is missing, and says what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from streams.kafka import client_options
from streams.kafka_rights import Right, missing_rights
from streams.kafka_trouble import KafkaRefused, TopicsRefused, missing_right, topic_trouble
from streams.limits import Limits
from streams.settings import Settings
from streams.topics import MAX_MESSAGE_BYTES, TopicNames


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic: what is wanted, what is there. `problem` is empty when they agree."""

    name: str
    wanted: Mapping[str, str]
    partitions: int | None
    problem: str
    is_compared: bool = True
    """False: Kafka does not tell us its settings."""

    @property
    def exists(self) -> bool:
        """The cluster has it."""
        return self.partitions is not None


async def inspect(settings: Settings) -> list[TopicState]:
    """Compare every topic with what the product needs.

    Raises aiokafka's error when Kafka cannot be reached, and `KafkaRefused` when it does not say which topics there are.
    """
    limits = Limits.of(settings.gateway.max_body_bytes)
    wanted = TopicNames(settings.kafka.topic_prefix).specs(limits.record)
    lacking = await missing_rights(settings, wanted, (Right.DESCRIBE, Right.DESCRIBE_CONFIGS))
    if hidden := lacking.get(Right.DESCRIBE):
        raise KafkaRefused(missing_right(settings.kafka, "Describe", hidden))
    unseen = frozenset(lacking.get(Right.DESCRIBE_CONFIGS, ()))
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        existing = set(await admin.list_topics()) & set(wanted)
        found = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics(sorted(existing))}
        configs = await _configs(admin, existing - unseen)
        return [
            TopicState(
                name,
                config,
                found.get(name),
                _problem(settings, found.get(name), config, configs.get(name, {})),
                name not in unseen,
            )
            for name, config in wanted.items()
        ]
    finally:
        await admin.close()


async def create_missing(settings: Settings) -> list[str]:
    """Create the topics that are missing; returns their names. Never changes one that is there.

    Raises `TopicsRefused` with Kafka's words for each that it did not make.
    """
    missing = [state for state in await inspect(settings) if not state.exists]
    if not missing:
        return []
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        kafka = settings.kafka
        answer = await admin.create_topics(
            [
                NewTopic(state.name, kafka.partitions, kafka.replication_factor, topic_configs=dict(state.wanted))
                for state in missing
            ]
        )
    finally:
        await admin.close()
    created: list[str] = []
    refused: dict[str, str] = {}
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if error is NoError:
            created.append(name)
        elif error is not TopicAlreadyExistsError:  # another was faster
            refused[name] = topic_trouble(error, said[0] if said else None, kafka)
    if refused:
        raise TopicsRefused(refused, created)
    return created


async def _configs(admin: AIOKafkaAdminClient, topics: set[str]) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(topics)])
    configs: dict[str, dict[str, str]] = {}
    for answer in answers:
        for _code, _message, _type, name, entries in answer.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def _problem(settings: Settings, partitions: int | None, wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    if partitions is None:
        return "missing: `lofty-ghl topics create` makes it"
    if partitions != settings.kafka.partitions:
        return (
            f"expected {settings.kafka.partitions} partitions (kafka.partitions), found {partitions}: "
            "all topics must have the same number, and it cannot change while they hold data"
        )
    for key, value in wanted.items():
        if key == MAX_MESSAGE_BYTES:
            if key in found and int(found[key]) < int(value):
                return (
                    f"expected {key}={value} (from gateway.max_body_bytes), found {found[key]}: raise it with "
                    f"`kafka-configs.sh --alter --add-config {key}={value}`; until then larger records are cut off"
                )
        elif key in found and found[key] != value:
            return f"expected {key}={value}, found {found[key]}"
    return ""
