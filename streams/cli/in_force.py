"""Ends a process that works on topics which are not the deployment now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from streams.cli.shared import refuse

if TYPE_CHECKING:
    from streams.messages.growth import Move, Process
    from streams.settings import Settings

    FoundMove: TypeAlias = Move | None
    TakeMove: TypeAlias = Callable[[FoundMove], object]

T = TypeVar("T")

LOOK_SECONDS = 10.0


async def in_force_or_refuse(settings: Settings, process: Process, found: Collection[str] | None = None) -> Move | None:
    """End the command when the topics of these settings are not the deployment: it moved, or moves, to more partitions.

    `found` are the topics of the cluster, if they are known. Returns the newest move, also one that is over.
    """
    from streams.kafka.growth import NotInForce, demand_in_force

    try:
        return await demand_in_force(settings, process, found)
    except NotInForce as error:
        refuse(str(error))


async def while_in_force(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    """Do a command's work; end the command once the deployment has moved away meanwhile.

    Nobody would read what it writes then, and it would wait for workers for ever.
    """
    import asyncio

    from aiokafka.errors import KafkaError

    from streams.kafka.growth import NotInForce, UnknownMove, demand_in_force

    why: list[str] = []
    task = asyncio.current_task()

    async def watch() -> None:
        while not why:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await demand_in_force(settings, "command")
            except (UnknownMove, KafkaError, OSError):
                continue
            except NotInForce as error:
                why.append(str(error))
                if task is not None:
                    task.cancel()

    watching = asyncio.create_task(watch(), name="watch for a move")
    try:
        return await work
    except asyncio.CancelledError:
        if not why:
            raise
        if task is not None:
            task.uncancel()
        refuse(
            f"this command ends before its work is done, as the deployment has moved meanwhile. Run it again: {why[0]}"
        )
    finally:
        watching.cancel()
        await asyncio.wait([watching])
