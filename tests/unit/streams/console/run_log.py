"""The runs of all gateways, without Kafka: what is written is read at once."""

from __future__ import annotations

from typing import Any

from streams.kafka.batching_producer import Record
from streams.messages.run import Run
from streams.operations.runs.run_log import RunLog
from tests.unit.streams.console.stage import settings_of


class FakeTopic:
    """Takes records for all logs that follow it, or takes none."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.logs: list[RunLog] = []
        self.is_away = False

    async def produce(self, records: list[Record], *, within: float | None = None) -> None:
        """Give them to all."""
        if self.is_away:
            raise ConnectionError("Kafka is away")
        self.records += records
        for record in records:
            run = None if record.value is None else Run.from_bytes(record.value)
            for log in self.logs:
                log.history.take(record.key.decode(), run)

    def log(self, holder: str = "here", now_ms: Any = lambda: 7) -> RunLog:
        """That of a gateway which has read all; nothing runs in it."""
        made = RunLog(settings_of(), lambda: self, holder, now_ms)  # type: ignore[arg-type, return-value]  # it produces
        made.followed.has_read.set()
        self.logs.append(made)
        return made
