"""The job of a rehearsal's process."""

from __future__ import annotations

from typing import ClassVar

from streams.operations.process_job import ProcessJob


class RehearsalJob(ProcessJob):
    """One connection; `sample` of its leads, the oldest, or all."""

    module: ClassVar[str] = "streams.operations.rehearsal"

    connection: str
    sample: int | None = None
