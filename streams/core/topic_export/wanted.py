"""What a deployment needs on its cluster: each topic with its settings, and who may do what. All formats are made from this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from streams.messages.growth import growth_topic
from streams.messages.topics import TopicNames
from streams.settings import Settings
from streams.settings.wanted_topics import WantedTopic, wanted_topics

Resource = Literal["topic", "group"]

WORK: tuple[tuple[Resource, tuple[str, ...]], ...] = (("topic", ("Read", "Write")), ("group", ("Read",)))
"""Of the principal of gateway, worker and commands. `deploy/kafka-acls.md` has the same, and a test compares them."""
CHECK: tuple[tuple[Resource, tuple[str, ...]], ...] = (("topic", ("Describe", "DescribeConfigs")),)
"""Of the principal of `topics check`. Where others make the topics it needs no Create."""


@dataclass(frozen=True, slots=True)
class WantedRight:
    """What a user may do with a topic or a group; `is_prefix`: with all whose names begin so. `user` is without `User:`."""

    user: str
    resource: Resource
    name: str
    is_prefix: bool
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of it."""

    topics: tuple[WantedTopic, ...]
    rights: tuple[WantedRight, ...]


def wanted(settings: Settings, user: str, checker: str) -> Wanted:
    """The topics, and the rights of who works with them (`user`) and of who checks them (`checker`)."""
    topics = wanted_topics(settings)
    prefix = settings.kafka.topic_prefix
    rights: list[WantedRight] = []
    for who, granted in ((user, WORK), (checker, CHECK)):
        for resource, operations in granted:
            for name, is_prefix in _places(resource, prefix, topics):
                rights.append(WantedRight(who, resource, name, is_prefix, operations))
    return Wanted(topics, tuple(rights))


def _places(resource: Resource, prefix: str, topics: tuple[WantedTopic, ...]) -> Iterator[tuple[str, bool]]:
    if resource == "group":
        yield TopicNames(prefix).group, False
    elif prefix:
        yield prefix, True
    else:  # no common beginning; `growth` exists only once a move to more partitions has begun
        yield from ((topic.name, False) for topic in topics)
        yield growth_topic(prefix), False
