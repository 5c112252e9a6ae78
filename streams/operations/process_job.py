"""A job that the gateway gives to a process of its own, so that webhooks do not wait for it, and the process that does it.

The job is one line of JSON on the standard input, so its arguments hold no secret. The process prints lines of JSON: its progress,
and last its result or its problem. When its standard input ends, the gateway is gone, and the process ends at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar, Self, TypeVar

import orjson
from aiokafka.errors import KafkaError
from pydantic import BaseModel, ConfigDict, Field

from streams.settings import Settings, parse_settings
from streams.settings.secrets import kafka_environ
from streams.telemetry.logs import set_up_logs

NICE = 10
PROGRESS_SECONDS = 0.5


class ProcessJob(BaseModel):
    """What every job carries: the configuration's text and how Kafka is reached. `module` is what runs it."""

    model_config = ConfigDict(frozen=True)

    module: ClassVar[str]

    config: str
    bootstrap: str
    topic_prefix: str
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Kafka's, by the names of their variables."""

    @classmethod
    def of(cls, settings: Settings, **facts: Any) -> Self:
        """A job under these settings."""
        text = settings.origin.text if settings.origin is not None else ""
        kafka = settings.kafka
        return cls(
            config=text,
            bootstrap=kafka.bootstrap_servers,
            topic_prefix=kafka.topic_prefix,
            secrets=kafka_environ(settings.kafka_secrets),
            **facts,
        )

    def settings(self) -> Settings:
        """The settings, without the vendors' credentials: no vendor is called here."""
        found = parse_settings(self.config, self.secrets, source="the gateway's configuration")
        kafka = found.kafka.model_copy(update={"bootstrap_servers": self.bootstrap, "topic_prefix": self.topic_prefix})
        return found.model_copy(update={"kafka": kafka})


JobOf = TypeVar("JobOf", bound=ProcessJob)


def do_job(job_type: type[JobOf], work: Callable[[JobOf], Awaitable[Any]], *refusals: type[Exception]) -> int:
    """The main function of a job's process. An error of the kinds `refusals` is its problem, in the error's own words."""
    job = job_type.model_validate_json(sys.stdin.readline())
    set_up_logs("warning", "text", job.secrets.values())
    threading.Thread(target=_end_with_gateway, daemon=True).start()
    with suppress(OSError):
        os.nice(NICE)

    async def run() -> dict[str, Any]:
        return {"result": await work(job)}

    try:
        found = asyncio.run(run())
    except refusals as error:
        found = {"problem": str(error), "kind": type(error).__name__}
    except KafkaError as error:
        found = {"problem": f"Kafka cannot be used: {error or type(error).__name__}", "kind": "Kafka"}
    print_line(found)
    return 0


def print_line(found: object) -> None:
    """Report something to the gateway."""
    print(orjson.dumps(found, default=str).decode(), flush=True)


class ProgressLines:
    """Reports progress to the gateway, at most twice a second."""

    def __init__(self) -> None:
        self._printed = 0.0

    def __call__(self, doing: str, done: int, of: int) -> None:
        """`of` is 0 while it is not known."""
        if time.monotonic() - self._printed >= PROGRESS_SECONDS:
            self._printed = time.monotonic()
            print_line({"progress": {"doing": doing, "done": done, "of": of}})


def _end_with_gateway() -> None:
    sys.stdin.read()
    os._exit(1)
