"""The job of a replay's process."""

from __future__ import annotations

from typing import ClassVar, Literal

from streams.messages import Selection
from streams.operations.process_job import ProcessJob


class ReplayJob(ProcessJob):
    """`do` is the `dry-run` of a selection, or `run`: the replay `run`. Edited mappings are read from Kafka."""

    module: ClassVar[str] = "streams.operations.replay"

    do: Literal["dry-run", "run"]
    selection: Selection | None = None
    run: str = ""
    rate: float = 200.0
