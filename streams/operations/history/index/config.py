"""What the index process needs to know. It comes as one line of JSON on standard input, so that no secret is in its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from streams.settings import Settings
from streams.settings.model import Kafka, KafkaSecrets
from streams.settings.secrets import KAFKA_SECRETS, kafka_environ

FILE = "history.sqlite3"
LOCK = "history.lock"


class Plan(BaseModel):
    """How to reach Kafka, and the folder of the index."""

    model_config = ConfigDict(frozen=True)

    kafka: Kafka
    folder: str
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Kafka's, by the names of their variables."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The plan of a deployment."""
        return cls(
            kafka=settings.kafka, folder=str(index_folder(settings)), secrets=kafka_environ(settings.kafka_secrets)
        )

    @property
    def kafka_secrets(self) -> KafkaSecrets:
        """What Kafka is reached with."""
        return KafkaSecrets.model_validate({key: self.secrets.get(name) for key, name in KAFKA_SECRETS.items()})

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.folder) / FILE

    @property
    def belongs_to(self) -> str:
        """Names the deployment: an index of another one is rebuilt."""
        return f"{self.kafka.topic_prefix} of {self.kafka.partitions}"


def index_folder(settings: Settings) -> Path:
    """The folder of the index."""
    return Path(settings.console.data_dir or Path(settings.worker.data_dir) / "console")


def index_path(settings: Settings) -> Path:
    """The file of the index."""
    return index_folder(settings) / FILE
