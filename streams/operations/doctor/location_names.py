"""What a location calls its custom fields, users and pipelines, against what a connection names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from connectors.errors import VendorError
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import OPERATIONS
from connectors.ghl.wire import Pipeline
from streams.core.to_ghl.directory import Directory, fold
from streams.operations.doctor.check_result import CheckResult
from streams.operations.doctor.clock import ClockTransport
from streams.operations.doctor.stages import stage_results
from streams.operations.mapping_preview.compatibility import check_compatibility
from streams.settings import Connection

OPTIONAL = "get-custom-values"
"""Without its scope everything works, but another deployment is not noticed."""


@dataclass(slots=True)
class LocationNames:
    """What GHL says of a location: its custom fields, users and pipelines, and which scopes its token lacks, and could do without (`optional`). `is_whole`: everything was read."""

    fields: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    pipelines: tuple[Pipeline, ...] | None = None
    lacking: list[str] = field(default_factory=list)
    optional: list[str] = field(default_factory=list)
    is_whole: bool = False

    async def read(self, client: GhlClient, transport: ClockTransport, connection: Connection) -> None:
        """Read it as far as GHL's window and the token's scopes allow. Raises the connector's other errors."""
        location = connection.ghl.location_id

        async def read_fields() -> None:
            for found in await client.list_custom_fields(location, model="contact"):
                self.fields |= {fold(name): found.id for name in (found.name, found.field_key) if name}
                self.types |= {found.id: found.data_type} if found.data_type else {}

        async def read_users() -> None:
            self.users = {fold(user.email): user.id for user in await client.list_users(location) if user.email}

        async def read_pipelines() -> None:
            self.pipelines = await client.list_pipelines(location)

        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "search-contacts-advanced": lambda: client.search_contacts({"locationId": location, "pageLimit": 1}),
            "get-custom-fields": read_fields,
            "get-user-by-location": read_users,
            OPTIONAL: lambda: client.list_custom_values(location),
        }
        if connection.stages:
            reads["get-pipelines"] = read_pipelines
        for operation, read in reads.items():
            if transport.is_low:
                return
            try:
                await read()
            except VendorError as error:
                if error.status not in (401, 403) or "scope" not in error.message.lower():
                    raise
                (self.optional if operation == OPTIONAL else self.lacking).extend(OPERATIONS[operation].scopes)
        self.is_whole = True

    def results(self, connection: Connection, subject: str) -> Iterator[CheckResult]:
        """The lines about it."""
        if self.lacking:
            says = f"the token lacks {' '.join(sorted(set(self.lacking)))}"
            mend = (
                "add them to the private integration in GHL, or connect again; no restart is needed, as the token stays"
            )
            yield CheckResult("scopes", subject, "wrong", says, mend)
            return
        yield CheckResult("scopes", subject, "ok", "reading is allowed; write scopes are not tested")
        if self.optional:
            says = f"the token lacks {' '.join(self.optional)}: another deployment on its location is not noticed"
            mend = f"add it to the token, with {OPERATIONS['create-custom-value'].scopes[0]}"
            yield CheckResult("scopes", subject, "warning", says, mend)
        if not self.is_whole:
            return
        directory = Directory(self.fields, self.users, types=self.types)
        wrong = [found for found in check_compatibility(connection, directory, ()) if found.verdict == "wrong"]
        for found in wrong:
            yield CheckResult("fields", f"{connection.name} {found.subject}", "wrong", found.says, found.mend)
        if not wrong:
            yield CheckResult("fields", connection.name, "ok", "the mapping's fields exist, or will be created")
        if self.pipelines is not None:
            yield from stage_results(connection, self.pipelines)
