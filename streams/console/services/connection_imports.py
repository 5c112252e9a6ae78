"""Adding many connections by a table: a check first, then the rows that are right; the report has every row.

Between the check and the second step a page holds the table sealed under the deployment's keys, because it has keys in it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from connectors.auth.keyring import NONCE_BYTES
from connectors.errors import SealError
from streams.console.auth.audit_log import Actor, AuditWriter
from streams.console.errors import Fault, WrongInput
from streams.console.services.connection_edits import ConnectionEdits
from streams.console.services.kafka_errors import on_kafka
from streams.core.connection_table.columns import COLUMNS
from streams.core.connection_table.reading import ConnectionRow, UnreadableTable, read_rows
from streams.operations.connection_edits.bulk import ConnectionImport, RowOutcome, RowReport
from streams.operations.connection_edits.errors import NoKeys
from streams.settings.problems import Problem

SEALED_MINUTES = 60
_ABOUT = "table of connections"


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of a row, or would. `line` is its line in the table.

    `new`: added. `unchanged`: its connection is there already. `refused`: nothing was done; each fault names its column.
    `needs` are the keys that the connection waits for.
    """

    line: int
    name: str
    outcome: RowOutcome
    needs: tuple[str, ...]
    faults: tuple[Fault, ...]
    note: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Every row. `is_check`: nothing was saved."""

    is_check: bool
    new: int
    unchanged: int
    refused: int
    rows: tuple[ImportedRow, ...]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of the table."""

    name: str
    description: str
    is_required: bool
    is_secret: bool
    example: str


TABLE_COLUMNS = tuple(
    TableColumn(one.name, one.words, one.is_required, one.kind == "secret", one.example) for one in COLUMNS
)


class ConnectionImports:
    """Adds connections by tables, through the service that edits them."""

    def __init__(
        self,
        edits: ConnectionEdits,
        give_access: Callable[[Iterable[str]], Awaitable[Mapping[str, str]]],
        audit: AuditWriter,
        now_ms: Callable[[], int],
    ) -> None:
        """`give_access` gives connections access whose locations installed the app in GHL's marketplace."""
        self._edits = edits
        self._give_access = give_access
        self._audit = audit
        self._now_ms = now_ms

    async def check(self, table: bytes) -> ImportReport:
        """What `add` would do with each row. Nothing is saved."""
        rows = _rows(table)
        versions = await self._edits.versions()
        with _no_keys():
            return _report(await ConnectionImport(versions).check(rows), is_check=True)

    async def add(self, by: Actor, table: bytes) -> ImportReport:
        """Add the connections of all rows that are right."""
        rows = _rows(table)
        versions = await self._edits.versions()
        async with self._audit.acting(by, "connection import", {"rows": str(len(rows))}) as result:
            with _no_keys():
                found = await on_kafka(lambda: ConnectionImport(versions).add_all(rows, by=by.name))
            report = _report(found, is_check=False)
            added = [one.name for one in report.rows if one.outcome == "new"]
            self._edits.take_up(added)
            problems = await self._give_access(added)
            report = replace(
                report, rows=tuple(replace(one, note=problems.get(one.name, one.note)) for one in report.rows)
            )
            result.detail = f"{report.new} added, {report.unchanged} unchanged, {report.refused} refused"
            if added:
                result.detail += f": {', '.join(added)}"
        return report

    # -- between the two steps of the page ----------------------------------------------------------------

    async def seal(self, table: bytes) -> str:
        """The table as a text that only this deployment can read."""
        ring = (await self._edits.versions()).file.key_ring
        content = {"table": table.decode(), "until_ms": self._now_ms() + SEALED_MINUTES * 60_000}
        return ring.seal(orjson.dumps(content), about=_ABOUT, nonce=os.urandom(NONCE_BYTES))

    async def opened(self, sealed: str) -> bytes:
        """The table that was sealed. Raises `WrongInput` for another text, and for one that is too old."""
        ring = (await self._edits.versions()).file.key_ring
        try:
            content = orjson.loads(ring.open(sealed, about=_ABOUT))
        except SealError:
            content = {"until_ms": 0}
        if content["until_ms"] < self._now_ms():
            raise WrongInput("The table was checked too long ago. Choose the file again.")
        return str(content["table"]).encode()


class _no_keys:
    """The refusal of a deployment without keys as the console's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, NoKeys):
            raise WrongInput(f"{str(error)[0].upper()}{str(error)[1:]}.") from error


def _rows(table: bytes) -> Sequence[ConnectionRow]:
    try:
        return read_rows(table)
    except UnreadableTable as error:
        raise WrongInput("The table cannot be read, so nothing was done.", _faults(error.problems)) from None


def _faults(problems: Sequence[Problem]) -> tuple[Fault, ...]:
    return tuple(Fault(one.where, one.expected, one.got, one.hint, one.line) for one in problems)


def _report(found: Sequence[RowReport], *, is_check: bool) -> ImportReport:
    counts = Counter(one.outcome for one in found)
    return ImportReport(
        is_check=is_check,
        new=counts["new"],
        unchanged=counts["unchanged"],
        refused=counts["refused"],
        rows=tuple(
            ImportedRow(one.line, one.name, one.outcome, one.needs, _faults(one.problems), one.note) for one in found
        ),
    )
