"""Adds many connections at once, each as a row of its own: a wrong row keeps no other row back.

All edits are saved in one write, so that gateways and workers take them over in one step. What is interrupted is finished by the
same rows once more: a row whose connection is there as the row says is `unchanged`, and gets the keys that are still missing.
Nothing that is there is changed: a row that differs from its connection is refused.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from streams.core.connection_table.columns import COLUMNS, SECRETS, column_at, value_at
from streams.core.connection_table.reading import ConnectionRow, shown_cell
from streams.kafka.batching_producer import Record
from streams.mapping_versions.credentials import open_credentials
from streams.mapping_versions.effective import problems_of
from streams.messages.connection_edit import ConnectionEdit
from streams.operations.connection_edits.editor import ConnectionEditor, checked_credential, moved_accounts
from streams.operations.connection_edits.errors import StaleConnection, WrongConnection
from streams.settings.connection_table import NAME, NAME_EXPECTED
from streams.settings.overlay import EditedConnection
from streams.settings.problems import Problem, SettingsError

RowOutcome = Literal["new", "unchanged", "refused"]

_ACCESS = {"lofty_api_key": (("lofty", "auth"), "api_key"), "ghl_token": (("ghl", "auth"), "token")}
"""By which setting each key is needed, and the value of that setting where nothing is set."""


@dataclass(frozen=True, slots=True)
class RowReport:
    """What a row means beside what is there, or what became of it.

    `needs` are the keys that its connection waits for. `problems` say why it is refused, each with its column in `where`.
    """

    line: int
    name: str
    outcome: RowOutcome
    needs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    note: str = ""


@dataclass(slots=True)
class _Planned:
    """A row with what is to be saved of it."""

    row: ConnectionRow
    report: RowReport
    edit: ConnectionEdit | None = None
    connection: str = ""
    to_paste: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, *problems: Problem) -> None:
        self.edit, self.to_paste = None, {}
        self.report = replace(self.report, outcome="refused", needs=(), note="", problems=_safe(self.row, problems))


class ConnectionImport(ConnectionEditor):
    """Adds the connections of rows."""

    async def check(self, rows: Sequence[ConnectionRow]) -> tuple[RowReport, ...]:
        """What `add_all` would do. Nothing is saved. Raises `NoKeys`."""
        return tuple(one.report for one in await self._plan(rows, by=""))

    async def add_all(self, rows: Sequence[ConnectionRow], *, by: str) -> tuple[RowReport, ...]:
        """Add the connections. Raises `NoKeys`, and `TimeoutError` or Kafka's errors when it is not known what was saved."""
        planned = await self._plan(rows, by=by)
        log, topic = self._versions.connection_log, self._versions.connections_topic
        edits = [one.edit for one in planned if one.edit is not None]
        await self._versions.write(
            topic, [Record(topic.name, topic.partition, one.id.encode(), one.to_bytes()) for one in edits]
        )
        for one in planned:
            if one.edit is not None and log.of_edit(one.edit) is None:
                error = StaleConnection(one.connection, one.edit.based_on, log.newest(one.connection))
                one.refuse(Problem(one.row.line, "name", "a name that nobody else adds", one.connection, str(error)))
        # Only now: otherwise the keys of a row that came too late would replace those of the connection that was first.
        records = [
            record for one in planned for record in self._credential_records(one.connection, one.to_paste, by=by)
        ]
        await self._versions.write(topic, records)
        return tuple(one.report for one in planned)

    # -- what each row means ------------------------------------------------------------------------------

    async def _plan(self, rows: Sequence[ConnectionRow], *, by: str) -> list[_Planned]:
        self._ring()
        planned: list[_Planned] = []
        first: dict[str, ConnectionRow] = {}
        held = self._held()
        for row in rows:
            one = _Planned(row, RowReport(row.line, row.name, "new"), connection=row.name)
            planned.append(one)
            before = first.setdefault(row.name, row) if row.name else row
            if row.problems:
                one.refuse(*row.problems)
            elif before is not row:
                self._repeat(one, before)
            elif not NAME.fullmatch(row.name):
                one.refuse(Problem(row.line, "name", NAME_EXPECTED, shown_cell(row.name)))
            else:
                self._compare(one, held, by)
        new = [one for one in planned if one.edit is not None]
        await asyncio.to_thread(self._check_together, new)
        return planned

    def _held(self) -> dict[str, dict[str, str]]:
        """The credentials that are stored, by connection."""
        opened = open_credentials(self._versions.file, self._versions.connection_log.sealed()).secrets
        return {name: {key: one.get_secret_value() for key, one in found.items()} for name, found in opened.items()}

    def _repeat(self, one: _Planned, before: ConnectionRow) -> None:
        """A second row of the same name."""
        if (one.row.cells, one.row.credentials) == (before.cells, before.credentials):
            one.report = replace(one.report, outcome="unchanged", note=f"the same as line {before.line}")
        else:
            one.refuse(Problem(one.row.line, "name", "a name of its own", one.row.name, f"line {before.line} has it"))

    def _compare(self, one: _Planned, opened: Mapping[str, Mapping[str, str]], by: str) -> None:
        """The row beside the connection of its name, if there is one."""
        row, of_file, found = one.row, self._versions.file.connection(one.row.name), self._find(one.row.name)
        try:
            pasted = {secret: checked_credential(row.name, secret, text) for secret, text in row.credentials.items()}
        except WrongConnection as error:
            one.refuse(*(_in_column(row, problem) for problem in error.problems))
            return
        if of_file is not None:
            if problems := _differences(row, self.table_of(row.name)):
                one.refuse(*problems)
            else:
                one.report = replace(one.report, outcome="unchanged", note="it is in the configuration file")
        elif found is not None and found.phase == "removing":
            one.refuse(
                Problem(row.line, "name", "a name of its own", row.name, "a connection of this name is being removed")
            )
        elif found is not None and found.phase == "in use":
            one.connection = found.edit.connection
            held = opened.get(one.connection, {})
            if problems := [*_differences(row, found.edit.table), *_other_keys(row, held, pasted)]:
                one.refuse(*problems)
                return
            missing = {secret: text for secret, text in pasted.items() if secret not in held}
            one.to_paste = {**_webhook_secret(held), **missing}
            note = "the keys that were missing were added" if missing else ""
            needs = _needs(found.edit.table, {*held, *missing})
            one.report = replace(one.report, outcome="unchanged", note=note, needs=needs)
        else:
            based_on = found.number if found is not None else 0
            one.edit = self._edit(row.name, based_on, "set", by, label=row.name, table=dict(row.table))
            one.to_paste = {**_webhook_secret({}), **pasted}
            one.report = replace(one.report, needs=_needs(row.table, pasted))
            if found is not None and (problems := moved_accounts(row.name, found, row.table)):
                one.refuse(*(_in_column(row, problem) for problem in problems))

    def _check_together(self, new: Sequence[_Planned]) -> None:
        """Refuse each new row that breaks a rule beside all others, those that are there and those of the same table."""
        overlay = self._versions.in_force.overlay
        names = {one.connection for one in new}
        there = tuple(one for one in overlay.connections if one.id not in names)

        def problems(rows: Iterable[_Planned]) -> tuple[Problem, ...]:
            edited = (
                EditedConnection(one.connection, one.connection, one.edit.based_on + 1, one.row.table)
                for one in rows
                if one.edit is not None
            )
            try:
                self._versions.file.with_overlay(replace(overlay, connections=(*there, *edited)))
            except SettingsError as error:
                return error.problems
            return ()

        left = list(new)
        while left and (found := problems(left)):
            blamed = {one.connection: its for one in left if (its := problems_of(found, one.connection))}
            blamed = blamed or {one.connection: list(alone) for one in left if (alone := problems([one]))}
            blamed = blamed or {left[-1].connection: list(found)}
            for one in left:
                if its := blamed.get(one.connection, []):
                    one.refuse(*(_in_column(one.row, problem) for problem in its))
            left = [one for one in left if one.connection not in blamed]


def _webhook_secret(held: Mapping[str, str]) -> dict[str, str]:
    """The secret in the address of its webhooks, which nobody needs to know; nothing where there is one."""
    return {} if "webhook_secret" in held else {"webhook_secret": secrets.token_hex(24)}


def _needs(table: Mapping[str, Any], has: Iterable[str]) -> tuple[str, ...]:
    """The keys that a connection still waits for."""
    held = {*has}
    return tuple(
        secret
        for secret, (path, by_key) in _ACCESS.items()
        if (value_at(table, path) or by_key) == by_key and secret not in held
    )


def _differences(row: ConnectionRow, table: Mapping[str, Any]) -> list[Problem]:
    """Each filled cell that the connection of this name has otherwise."""
    hint = f"connection {row.name} is there already, and a table changes none: change it on its own page"
    found = []
    for column in COLUMNS:
        if column.name not in row.cells or column.name == "paused":  # a connection goes on when a person says so
            continue
        has, wanted = value_at(table, column.path), row.cells[column.name]
        if has != wanted and not (has is None and _is_default(column.path, wanted)):
            found.append(
                Problem(
                    row.line, column.name, str(has if has is not None else "nothing"), shown_cell(str(wanted)), hint
                )
            )
    return found


def _is_default(path: tuple[str, ...], wanted: Any) -> bool:
    """Whether a value means the same as none."""
    return bool(wanted == _DEFAULTS.get(path))


_DEFAULTS: Mapping[tuple[str, ...], Any] = {
    ("lofty", "auth"): "api_key",
    ("ghl", "auth"): "token",
    ("mapping",): "default",
    ("region",): "US",
    ("opt_outs",): True,
    ("policies", "create_custom_fields"): True,
    ("policies", "lead_deleted"): "tag",
    ("policies", "contact_deleted_in_ghl"): "recreate",
    ("paused",): False,
}


def _other_keys(row: ConnectionRow, held: Mapping[str, str], pasted: Mapping[str, str]) -> list[Problem]:
    hint = f"connection {row.name} is there already: to replace its key, paste the new one on its own page"
    return [
        Problem(row.line, secret, "the key that is stored", "another one (not shown)", hint)
        for secret in SECRETS
        if secret in pasted and secret in held and held[secret] != pasted[secret]
    ]


def _in_column(row: ConnectionRow, problem: Problem) -> Problem:
    """A problem of a connection's settings as one of a column."""
    key = problem.where.removeprefix(f"connections.{row.name}").strip(".")
    where = column_at(tuple(key.split("."))) if key else "the row"
    return replace(problem, line=row.line, where=where)


def _safe(row: ConnectionRow, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems with the row's line, without any text that could be a key."""

    def hidden(got: str) -> str:
        has_key = any(secret in got for secret in row.credentials.values())
        return "a key (not shown)" if has_key else shown_cell(got)

    return tuple(replace(one, line=row.line, got=hidden(one.got)) for one in problems)
