"""What commands that edit connections share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from streams.cli.shared import login_name, now_ms, refuse_on, settings_or_refuse, with_kafka

if TYPE_CHECKING:
    from streams.console.auth.audit_actions import Action
    from streams.mapping_versions.store import MappingVersions

T = TypeVar("T")


def with_versions(
    config: Path, work: Callable[[MappingVersions], Awaitable[T]], action: Action | None, about: Mapping[str, str]
) -> T:
    """Do some work on the versions that are stored. Ends the command with the words of what is refused.

    The audit log has it as an `action`, as if it were done in the console; None where nothing is changed.
    """
    from streams.console.auth.audit_log import Actor, AuditWriter
    from streams.console.errors import ConsoleError
    from streams.kafka.clients import open_batching_producer
    from streams.mapping_versions.store import MappingVersions
    from streams.operations.connection_edits.errors import ConnectionRefused, NoKeys

    settings, by = settings_or_refuse(config), Actor(login_name(), via="command")

    async def run() -> T:
        async with MappingVersions(settings) as versions, open_batching_producer(settings) as batching_producer:
            if not action:
                return await work(versions)
            audit = AuditWriter(settings.kafka, lambda: batching_producer, now_ms)
            async with audit.acting(by, action, about):
                return await work(versions)

    with refuse_on(ConnectionRefused, NoKeys, ConsoleError):
        return with_kafka(settings, run)
