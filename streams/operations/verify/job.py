"""The job of a verification's process."""

from __future__ import annotations

from typing import ClassVar

from streams.operations.process_job import ProcessJob


class VerifyJob(ProcessJob):
    """One connection, or one lead of it. After `within_seconds` the rest is unfinished."""

    module: ClassVar[str] = "streams.operations.verify"

    connection: str
    lead: str = ""
    repair: bool = False
    within_seconds: float = 3600.0
