"""Reads and writes how far the move to more partitions is, and asks whether a group has members."""

from __future__ import annotations

from collections.abc import Collection

from aiokafka.admin import NewTopic
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code

from streams.kafka.batching_producer import Record
from streams.kafka.clients import (
    admin_client,
    cluster_client,
    open_batching_producer,
    topic_exists,
    until_topics_are_led,
)
from streams.kafka.topic_reader import newest_values
from streams.messages import InvalidMessage
from streams.messages.growth import (
    AT_WORK_KEY,
    GROWTH_KEY,
    GROWTH_PARTITION,
    AtWork,
    Growth,
    Move,
    Process,
    growth_topic,
    why_not,
)
from streams.settings import Settings


class NotInForce(RuntimeError):
    """The topics with this prefix are not the deployment now: a process must not work on them."""


class UnknownMove(NotInForce):
    """How far a move is cannot be read, so it is not known whether a process may run: none starts. A gateway that runs goes on."""


def with_topics(settings: Settings, prefix: str, partitions: int) -> Settings:
    """The settings with other topics."""
    kafka = settings.kafka.model_copy(update={"topic_prefix": prefix, "partitions": partitions})
    return settings.model_copy(update={"kafka": kafka})


async def read_growth(settings: Settings, found: Collection[str] | None = None) -> Growth | None:
    """The newest move to more partitions; None when there never was one. Raises aiokafka's error.

    `found` are the topics of the cluster, if they are known.
    """
    move = await read_move(settings, found)
    return None if move is None else move.growth


async def read_move(settings: Settings, found: Collection[str] | None = None) -> Move | None:
    """The same, with the last sign of life of a command that carried it out."""
    topic = growth_topic(settings.kafka.topic_prefix)
    if found is not None:
        is_there = topic in found
    else:
        async with cluster_client(settings) as client:
            is_there = await topic_exists(client, topic)
    return await _read_known_move(settings) if is_there else None


async def read_known_growth(settings: Settings) -> Growth | None:
    """The newest move, where the topic is there. Raises `InvalidMessage` for what a newer release wrote."""
    move = await _read_known_move(settings)
    return None if move is None else move.growth


async def _read_known_move(settings: Settings) -> Move | None:
    found = await newest_values(settings, growth_topic(settings.kafka.topic_prefix), [GROWTH_PARTITION])
    if (value := found.get(GROWTH_KEY)) is None:
        return None
    at_work = found.get(AT_WORK_KEY)
    return Move(growth=Growth.from_bytes(value), at_work=None if at_work is None else AtWork.from_bytes(at_work))


async def demand_in_force(settings: Settings, process: Process, found: Collection[str] | None = None) -> Move | None:
    """Raises `NotInForce` when a process of this kind must not run on these topics now. Returns the newest move."""
    try:
        move = await read_move(settings, found)
    except InvalidMessage as error:
        topic = growth_topic(settings.kafka.topic_prefix)
        raise UnknownMove(
            f"topic {topic} should say how far a move to more partitions is, and cannot be read ({error}): use the release that wrote it"
        ) from error
    if problem := why_not(None if move is None else move.growth, process, settings.kafka.topic_prefix):
        raise NotInForce(problem)
    return move


async def write_growth(settings: Settings, growth: Growth) -> None:
    """Write it; its topic is created first. Returns once all in-sync replicas have it."""
    topic = growth_topic(settings.kafka.topic_prefix)
    async with admin_client(settings) as admin:
        if topic not in await admin.list_topics():
            config = {"cleanup.policy": "compact"}
            await admin.create_topics([NewTopic(topic, 1, settings.kafka.replication_factor, topic_configs=config)])
            await until_topics_are_led(settings, [topic])
    await _write(settings, GROWTH_KEY, growth)


async def write_at_work(settings: Settings, at_work: AtWork) -> None:
    """Write a command's sign of life, where the topic is there."""
    await _write(settings, AT_WORK_KEY, at_work)


async def _write(settings: Settings, key: bytes, message: Growth | AtWork) -> None:
    topic = growth_topic(settings.kafka.topic_prefix)
    async with open_batching_producer(settings) as batching_producer:
        await batching_producer.produce([Record(topic, GROWTH_PARTITION, key, message.to_bytes())])


async def group_members(settings: Settings, group: str) -> int | None:
    """How many members a consumer group has; None where the broker does not answer that (the embedded one)."""
    async with admin_client(settings) as admin:
        try:
            answers = await admin.describe_consumer_groups([group])
        except (IncompatibleBrokerVersion, NotImplementedError):
            return None
    found = 0
    for answer in answers:
        for code, _group, _state, _type, _protocol, members, *_ in answer.groups:
            error: type[KafkaError] = for_code(code)
            if code:
                raise error(f"the members of the group {group} are not known")
            found += len(members)
    return found
