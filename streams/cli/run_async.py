"""Runs a command's asynchronous work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, for work with a large result.

    Python 3.11 looks up the handler of Ctrl-C by its text four times, and that is the text of the task with its result: with a
    thousand connections it took a quarter of `lofty-ghl status`. So the task has no result.
    """
    found: list[T] = []

    async def keep() -> None:
        found.append(await work)

    asyncio.run(keep())
    return found[0]
