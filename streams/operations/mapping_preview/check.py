"""Checks the mappings of connections: asks the workers what the locations hold, and takes some leads from the topic."""

from __future__ import annotations

from collections.abc import Sequence

from streams.operations.mapping_preview.compatibility import Compatibility, check_compatibility
from streams.operations.mapping_preview.lead_samples import directories, latest_leads
from streams.settings import Connection, Settings

LEADS = 500
"""The check reads so many leads of a connection, the ones that were read from Lofty last."""


async def check(
    settings: Settings, connections: Sequence[Connection], *, leads: int = LEADS, within_seconds: float = 8.0
) -> tuple[Compatibility, ...]:
    """Everything that the check finds about the mapping of each connection. The workers read the locations once more.

    Raises aiokafka's errors when Kafka cannot be reached.
    """
    looked = await directories(settings, [one.name for one in connections], within_seconds)
    found: list[Compatibility] = []
    for one in connections:
        states = [snapshot.state or {} for snapshot in await latest_leads(settings, one.name, leads)]
        directory, why = looked.directories.get(one.name), looked.trouble.get(one.name, "")
        found += check_compatibility(one, directory, states, why, looked.remade.get(one.name, {}))
    return tuple(found)
