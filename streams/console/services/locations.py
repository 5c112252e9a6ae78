"""Locations: reading again what a GHL location calls its custom fields and users, and whose accounts a connection has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.auth.scope import is_visible, no_such_connection
from streams.console.errors import Unavailable
from streams.console.services.kafka_errors import on_kafka
from streams.operations.access_check import AccessCheck, check_access
from streams.operations.worker_queries.directories import ask_directories
from streams.operations.worker_queries.errors import CannotFinish
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class RefreshedLocation:
    """What the worker found in a connection's GHL location. `remade_fields` are custom fields that were created again there."""

    connection: str
    custom_fields: int
    users: int
    remade_fields: tuple[str, ...]


class Locations:
    """The GHL locations of the connections."""

    def __init__(self, settings: Callable[[], Settings], audit: AuditWriter) -> None:
        self._settings = settings
        self._audit = audit

    async def refresh(self, by: Actor, connection: str) -> RefreshedLocation:
        """Have the worker read the GHL location again: custom fields with their options, users, and the calendar."""
        chosen = self._settings().connections.get(connection)
        if chosen is None or not is_visible(connection):
            raise no_such_connection(connection)
        async with self._audit.acting(by, "refresh", {"connection": connection}):
            try:
                answers = await on_kafka(lambda: ask_directories(self._settings(), [chosen], is_fresh=True))
            except CannotFinish as error:
                raise Unavailable(str(error)) from error
        found = answers[connection]
        fields, users = len(set(found.custom_fields.values())), len(set(found.users.values()))
        return RefreshedLocation(connection, fields, users, tuple(sorted(found.remade_fields)))

    async def check_access(self, by: Actor, connection: str) -> AccessCheck:
        """Have the workers read a little of both accounts: whose they are, how much they hold, which permissions are missing."""
        chosen = self._settings().connections.get(connection)
        if chosen is None or not is_visible(connection):
            raise no_such_connection(connection)
        async with self._audit.acting(by, "check access", {"connection": connection}):
            try:
                return await on_kafka(lambda: check_access(self._settings(), chosen))
            except CannotFinish as error:
                raise Unavailable(str(error)) from error
