"""Works through any number of leads with a few asyncio tasks, so that a hundred thousand leads do not need as many tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Job = TypeVar("Job")


async def work_through(jobs: Iterable[Job], do: Callable[[Job], Awaitable[None]], tasks: int) -> None:
    """Do every job, at most `tasks` at a time, taking the next when one is done. The first error ends all."""
    waiting = iter(jobs)

    async def take() -> None:
        for job in waiting:
            await do(job)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(take())
