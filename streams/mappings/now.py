"""The settings in force now: the file, and what was edited over it. One look, for commands that use a mapping."""

from __future__ import annotations

from streams.mappings.desk import MappingDesk
from streams.mappings.errors import NoMappings
from streams.settings import Settings


async def settings_now(settings: Settings) -> Settings:
    """The settings with the newest mappings that compile here. Raises aiokafka's errors when Kafka cannot be reached.

    Where the topic of mappings does not exist yet, nothing was edited.
    """
    try:
        async with MappingDesk(settings) as desk:
            return desk.settings()
    except NoMappings:
        return settings
