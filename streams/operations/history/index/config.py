"""What the process that writes the index is told, as one line of JSON on its standard input: no secret stands in its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from streams.settings import Settings
from streams.settings.model import Kafka

FILE = "history.sqlite3"
LOCK = "history.lock"


class Plan(BaseModel):
    """Where Kafka is, and where the index lies."""

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
        """The deployment whose index it is."""
        return f"{self.kafka.topic_prefix} of {self.kafka.partitions}"


def index_folder(settings: Settings) -> Path:
    """Where the index lies."""
    return Path(settings.console.data_dir or Path(settings.worker.data_dir) / "console")


def index_path(settings: Settings) -> Path:
    """The file of the index."""
    return index_folder(settings) / FILE
