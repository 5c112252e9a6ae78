"""The job of a replay process, one line of JSON on its standard input: so its arguments hold no secret."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from streams.messages import Selection
from streams.settings import Settings, parse_settings


class ReplayJob(BaseModel):
    """`do` is the `dry-run` of a selection, or `run`: the replay `run`. `config` is the configuration's text.

    Edited mappings are read from Kafka.
    """

    model_config = ConfigDict(frozen=True)

    do: Literal["dry-run", "run"]
    config: str
    bootstrap: str
    topic_prefix: str
    password: str | None = Field(default=None, repr=False)
    selection: Selection | None = None
    run: str = ""
    rate: float = 200.0

    @classmethod
    def of(cls, settings: Settings, **facts: Any) -> Self:
        """A job under these settings."""
        password = settings.kafka_password.get_secret_value() if settings.kafka_password else None
        text = settings.origin.text if settings.origin is not None else ""
        kafka = settings.kafka
        return cls(
            config=text, bootstrap=kafka.bootstrap_servers, topic_prefix=kafka.topic_prefix, password=password, **facts
        )

    def settings(self) -> Settings:
        """The settings, without the vendors' credentials: no vendor is called here."""
        environ = {"LOFTY_GHL_KAFKA_PASSWORD": self.password} if self.password else {}
        found = parse_settings(self.config, environ, source="the gateway's configuration")
        kafka = found.kafka.model_copy(update={"bootstrap_servers": self.bootstrap, "topic_prefix": self.topic_prefix})
        password = SecretStr(self.password) if self.password else None
        return found.model_copy(update={"kafka": kafka, "kafka_password": password})
