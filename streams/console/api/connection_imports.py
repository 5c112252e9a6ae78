"""Endpoints that add many connections by a table."""

from __future__ import annotations

from pydantic import Field, SecretStr

from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.connection_imports import TABLE_COLUMNS, ImportReport, TableColumn
from streams.core.connection_table.reading import MOST_BYTES


class ConnectionTable(Input):
    """A table of connections, as CSV: a row of headers, then a row for each connection. It may hold keys."""

    csv: SecretStr = Field(
        max_length=MOST_BYTES, description="commas, semicolons or tabs; the columns are listed beside"
    )
    dry_run: bool = Field(default=False, description="check each row, and save nothing")


async def _import(call: ApiCall) -> ImportReport:
    table = call.body.csv.get_secret_value().encode()
    imports = call.services.connection_imports
    return await (imports.check(table) if call.body.dry_run else imports.add(call.by, table))


async def _columns(_: ApiCall) -> tuple[TableColumn, ...]:
    return TABLE_COLUMNS


ENDPOINTS = (
    Endpoint(
        *("GET", "/connections/import/columns", "list-connection-table-columns", "connections"),
        *("The columns of a table of connections.", "viewer", tuple[TableColumn, ...], _columns),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/connections/import", "import-connections", "connections"),
        *("Add many connections by a table. A wrong row keeps no other row back.", "settings", ImportReport, _import),
        body=ConnectionTable,
        concerns="deployment",
    ),
)
