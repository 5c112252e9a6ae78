"""What the index process needs to know. It comes as one line of JSON on standard input, so that no secret is in its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from streams.settings import Settings
from streams.settings.model import Kafka

FILE = "history.sqlite3"
LOCK = "history.lock"


class Plan(BaseModel):
    """How to reach Kafka, and the folder of the index."""

    model_config = ConfigDict(frozen=True)

    kafka: Kafka
    folder: str
    password: str | None = Field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The plan of a deployment."""
        password = settings.kafka_password.get_secret_value() if settings.kafka_password else None
        return cls(kafka=settings.kafka, folder=str(index_folder(settings)), password=password)

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
