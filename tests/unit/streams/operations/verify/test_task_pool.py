"""Any number of jobs by a few tasks."""

from __future__ import annotations

import asyncio

import pytest

from streams.operations.verify.task_pool import work_through


async def test_every_job_is_done_once_and_few_at_a_time() -> None:
    """The next begins when one has ended."""
    going, most, done = 0, 0, []

    async def do(job: int) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0)
        going -= 1
        done.append(job)

    await work_through(range(100), do, 7)
    assert (sorted(done), most) == (list(range(100)), 7)


async def test_the_first_error_ends_all() -> None:
    """Nothing goes on behind the back of whoever waits."""

    async def do(job: int) -> None:
        await asyncio.sleep(0)
        if job == 3:
            raise KeyError(job)

    with pytest.raises(ExceptionGroup) as raised:
        await work_through(range(100), do, 2)
    assert raised.group_contains(KeyError)
