"""What the table of a mapping shows beside its rows: values of real leads, and what saving a text would create in GHL."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from streams.console.auth.scope import is_visible, visible
from streams.console.errors import NotFound, Unavailable
from streams.console.services.kafka_errors import on_kafka
from streams.console.services.kept import Kept
from streams.console.services.mapping import Mappings
from streams.core.to_ghl.directory import Directory
from streams.core.to_ghl.plan import CUSTOM
from streams.mapping.compile import DEFAULT
from streams.mapping.contact import view_of
from streams.mapping_versions.form.rows import FieldRow, field_key, rows_of
from streams.mapping_versions.listing import MappingState, MappingText
from streams.operations.mapping_preview.compatibility import check_compatibility
from streams.operations.mapping_preview.lead_samples import newest_leads
from streams.operations.mapping_preview.preview import lead_name
from streams.operations.worker_queries.known_directories import known_directories

WITHIN_SECONDS = 3.0
"""A worker that runs answers within a second."""
NO_ANSWER = "The sync engine did not answer{}, so it is not known which custom fields GHL has{}."
MOST_NAMED = 5
KEPT_SECONDS = 5.0
"""So long what is shown beside the rows is shown again without asking: a person looks at one field after another."""


@dataclass(frozen=True, slots=True)
class MappingRows:
    """A mapping as it is saved now: its text, its rows by the field's key, and the state of all mappings."""

    known: MappingState
    text: MappingText
    rows: Mapping[str, FieldRow]

    def row(self, target: str) -> FieldRow | None:
        """The row of a GHL field, in whatever spelling; None for none."""
        return self.rows.get(field_key(target)) if target else None


@dataclass(frozen=True, slots=True)
class LeadExample:
    """A lead whose values are shown. `state` is what a mapping's expressions read."""

    name: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewField:
    """A custom field that would be created in a connection's location. `hint` names one that is almost called so."""

    connection: str
    name: str
    type: str
    hint: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What saving a text would do in GHL: `new_fields` are created there. `trouble` says why that is not known."""

    new_fields: tuple[NewField, ...] = ()
    trouble: str = ""


def chosen(wanted: str, among: Sequence[str]) -> str:
    """What is wanted if it is there, otherwise the first."""
    return wanted if wanted in among else next(iter(among), "")


class MappingTables:
    """Reads leads and asks workers; it changes nothing."""

    def __init__(self, mappings: Mappings) -> None:
        self._mappings = mappings
        self._examples: Kept[tuple[tuple[LeadExample, ...], str]] = Kept(KEPT_SECONDS, lambda found: bool(found[0]))
        self._directories: Kept[Directory | None] = Kept(KEPT_SECONDS, lambda found: found is not None)

    async def mapping(self, name: str) -> MappingRows:
        """The newest version of a mapping. Raises `NotFound`."""
        known = await self._mappings.state()
        found = known.mapping(name)
        if found is None:
            raise NotFound(f"There is no mapping {name[:60]!r}.")
        return MappingRows(known, found, {field_key(row.target): row for row in rows_of(name, _tables(known))})

    def connections(self, text: MappingText) -> tuple[str, ...]:
        """The connections on whose leads a mapping is tried: those that use it, or all where none does."""
        return visible(text.used_by or sorted(self._mappings.settings().connections), str)

    async def examples(self, connection: str, most: int = 3) -> tuple[tuple[LeadExample, ...], str]:
        """The newest leads of a connection; without any, why."""
        settings = self._mappings.settings()
        if connection not in settings.connections or not is_visible(connection):
            return (), "There is no connection yet, so no values are shown."
        return await self._examples.get(f"{connection} {most}", lambda: self._read_examples(connection, most))

    async def _read_examples(self, connection: str, most: int) -> tuple[tuple[LeadExample, ...], str]:
        try:
            settings, reader = self._mappings.settings(), self._mappings.reader
            newest = await on_kafka(lambda: newest_leads(settings, connection, most, reader))
        except Unavailable as error:
            return (), str(error)
        found = tuple(LeadExample(lead_name(one.state) or one.lead, view_of(one.state)) for one in newest if one.state)
        return found, "" if found else "No lead of this connection has been read yet, so no values are shown."

    async def directory(self, connection: str) -> Directory | None:
        """What a connection's location held some seconds ago at most; None where no worker answers in time."""

        async def read() -> Directory | None:
            return (await self.directories([connection])).get(connection)

        return await self._directories.get(connection, read)

    async def directories(self, connections: Sequence[str]) -> dict[str, Directory]:
        """What the locations of connections hold, as far as a worker answers in time."""
        settings = self._mappings.settings()
        chosen = [settings.connections[one] for one in connections if one in settings.connections]
        return await on_kafka(lambda: known_directories(settings, chosen, WITHIN_SECONDS))

    async def effects(self, name: str, text: str, used_by: Sequence[str]) -> Effects:
        """What saving a text would create in the locations of the connections that use it.

        The text must have no problems. Only fields that the mapping in force does not name yet count.
        """
        before = {one: c for one, c in self._mappings.settings().connections.items() if one in used_by}
        later = (await self._mappings.candidate(name, text, used_by)).connections
        added = {
            one: later[one].mapping.custom_fields.keys() - connection.mapping.custom_fields.keys()
            for one, connection in before.items()
        }
        if not any(added.values()):
            return Effects()
        directories = await self.directories([one for one, fields in added.items() if fields])
        found = (
            NewField(connection, field, later[connection].mapping.custom_types[field], one.mend)
            for connection, directory in directories.items()
            for one in check_compatibility(later[connection], directory, ())
            if one.verdict == "will be created" and (field := one.subject.removeprefix(CUSTOM)) in added[connection]
        )
        asked = [one for one, fields in added.items() if fields]
        silent = [before[one].label for one in asked if one not in directories]
        return Effects(tuple(found), _no_answer(silent, of=len(asked)))


def _no_answer(silent: Sequence[str], of: int) -> str:
    """Whose custom fields are not known, in words; empty where all are."""
    if not silent:
        return ""
    if len(silent) == of:
        return NO_ANSWER.format("", "")
    named = ", ".join(silent[:MOST_NAMED])
    more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
    return NO_ANSWER.format(f" for {named}{more}", " there")


def _tables(known: MappingState) -> dict[str, Any]:
    """The tables of all mappings, as their texts have them."""
    tables: dict[str, Any] = {}
    for one in known.mappings:
        with suppress(
            tomllib.TOMLDecodeError
        ):  # a text of the file that does not compile here: the editor of texts shows it
            tables |= {} if one.name == DEFAULT else tomllib.loads(one.text).get("mappings", {})
    return tables
