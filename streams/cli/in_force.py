"""Ends a process that works on topics which are not the deployment now."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from streams.cli.shared import refuse

if TYPE_CHECKING:
    from streams.messages.growth import Process
    from streams.settings import Settings


async def in_force_or_refuse(settings: Settings, process: Process, found: Collection[str] | None = None) -> None:
    """End the command when the topics of these settings are not the deployment: it moved, or moves, to more partitions.

    `found` are the topics of the cluster, if they are known.
    """
    from streams.kafka.growth import NotInForce, demand_in_force

    try:
        await demand_in_force(settings, process, found)
    except NotInForce as error:
        refuse(str(error))
