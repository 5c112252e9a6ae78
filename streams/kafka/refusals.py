"""The errors of those who do not get into Kafka, and of topics that it does not create. Each text says why, and what to do."""

from __future__ import annotations

from aiokafka.errors import KafkaConnectionError, KafkaError


class KafkaMisconfigured(Exception):
    """The configuration cannot be used to connect to any Kafka. `setting` is the one that is wrong."""

    def __init__(self, words: str, setting: str) -> None:
        self.setting = setting
        super().__init__(words)


class NoToken(KafkaConnectionError):  # type: ignore[misc]  # aiokafka has no types
    """There is no token to show to Kafka. The text says why, and what to do."""

    def __str__(self) -> str:
        return " ".join(str(one) for one in self.args)


class KafkaRefused(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """Kafka, or what listens in its place, refused us. The text says why, and how to fix it."""

    def __str__(self) -> str:
        return " ".join(str(one) for one in self.args)


class TopicsRefused(KafkaError):  # type: ignore[misc]  # the same
    """Topics that Kafka did not create. `refused` has its reason by topic, `created` the topics that it created."""

    def __init__(self, refused: dict[str, str], created: list[str]) -> None:
        self.refused = refused
        self.created = created
        super().__init__("; ".join(f"{name}: {words}" for name, words in refused.items()))
