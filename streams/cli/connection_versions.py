"""What commands that edit connections share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from streams.cli.shared import refuse_on, settings_or_refuse, with_kafka

if TYPE_CHECKING:
    from streams.mapping_versions.store import MappingVersions

T = TypeVar("T")


def with_versions(config: Path, work: Callable[[MappingVersions], Awaitable[T]]) -> T:
    """Do some work on the versions that are stored. Ends the command with the words of what is refused."""
    from streams.mapping_versions.store import MappingVersions
    from streams.operations.connection_edits.errors import ConnectionRefused, NoKeys

    settings = settings_or_refuse(config)

    async def run() -> T:
        async with MappingVersions(settings) as versions:
            return await work(versions)

    with refuse_on(ConnectionRefused, NoKeys):
        return with_kafka(settings, run)
