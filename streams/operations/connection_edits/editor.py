"""Edits connections: checks an edit by the rules of the configuration file, and saves it on the topic `connections`.

An edit names the version of its connection that it was made on, so two people never overwrite each other (`connection_log`).
Credentials are sealed before they leave this process, and are never given back.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
import tomllib
import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from connectors.auth.keyring import NONCE_BYTES, KeyRing
from streams.kafka.batching_producer import Record
from streams.mapping_versions.connection_log import ConnectionVersion
from streams.mapping_versions.credentials import NAMES
from streams.mapping_versions.effective import problems_of
from streams.mapping_versions.store import MappingVersions
from streams.messages.connection_edit import ConnectionEdit, SealedCredential, about_credential, credential_key
from streams.operations.connection_edits.errors import (
    ManagedByFile,
    NoKeys,
    NoSuchConnection,
    StaleConnection,
    WrongConnection,
)
from streams.settings.connection_table import NAME, NAME_EXPECTED
from streams.settings.overlay import EditedConnection
from streams.settings.problem_text import dotted
from streams.settings.problems import Problem, SettingsError

PASTED = ("lofty_api_key", "ghl_token")
"""The credentials that a person pastes. The webhook secret is made here, and nobody needs to know it."""
WEBHOOK_SECRET = "webhook_secret"
LONGEST_CREDENTIAL = 4096
PERMANENT = (("lofty", "team_id"), ("ghl", "location_id"))
"""What a connection keeps for ever: what was written is remembered under its id, for this team and this location."""


class ConnectionEditor:
    """Edits the connections of `versions`, which follows the topic."""

    def __init__(
        self, versions: MappingVersions, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._versions = versions
        self._now_ms = now_ms

    def current(self, connection: str) -> ConnectionVersion:
        """The newest version of a connection, by its id or label. Raises `ManagedByFile` and `NoSuchConnection`."""
        found = self._find(connection)
        if found is None or found.phase == "removed":
            of_file = self._versions.file.connection(connection)
            if of_file is not None:
                raise ManagedByFile(of_file.label)
            raise NoSuchConnection(f"there is no connection {connection!r}")
        if found.phase == "removing":
            raise NoSuchConnection(f"connection {connection} is being removed")
        return found

    def table_of(self, connection: str) -> dict[str, Any]:
        """A copy of a connection's table, of one in the file, too. Raises `NoSuchConnection`."""
        of_file, origin = self._versions.file.connection(connection), self._versions.file.origin
        if of_file is None or origin is None:
            return deepcopy(self.current(connection).edit.table)
        table: dict[str, Any] = tomllib.loads(origin.text)["connections"][of_file.label]
        return {key: value for key, value in table.items() if key != "id"}

    def _find(self, connection: str) -> ConnectionVersion | None:
        log = self._versions.connection_log
        by_label = (found[0] for found in log.usable().values() if found[0].edit.label == connection)
        return log.newest(connection) or next(by_label, None)

    # -- edits --------------------------------------------------------------------------------------------

    async def add(
        self, name: str, table: Mapping[str, Any], *, by: str, credentials: Mapping[str, str] | None = None
    ) -> ConnectionVersion:
        """Add a connection. Its id and its label are `name`. It works once it has its credentials.

        Raises `WrongConnection`, `StaleConnection` when somebody adds the same name at the same time, and `NoKeys`.
        """
        self._ring()
        pasted = {secret: checked_credential(name, secret, plain) for secret, plain in (credentials or {}).items()}
        if not NAME.fullmatch(name):
            raise WrongConnection([Problem(None, "name", NAME_EXPECTED, repr(name))])
        before = self._versions.connection_log.newest(name)
        if before is not None and before.phase != "removed":
            raise WrongConnection([Problem(None, "name", "a name of its own", repr(name), "a connection has it")])
        based_on = before.number if before is not None else 0
        found = await self._set(name, based_on, name, table, by, before)
        await self._paste(name, {**_new_secret(), **pasted}, by)
        return found

    async def change(
        self, connection: str, table: Mapping[str, Any], *, expected_version: int, by: str, label: str | None = None
    ) -> ConnectionVersion:
        """Give a connection another table, or another label. Raises `WrongConnection` and `StaleConnection`."""
        now = self.current(connection)
        return await self._set(now.edit.connection, expected_version, label or now.edit.label, table, by, now)

    async def rename(self, connection: str, label: str, *, expected_version: int, by: str) -> ConnectionVersion:
        """Give a connection another label. Its id stays."""
        if not NAME.fullmatch(label):
            raise WrongConnection([Problem(None, "label", NAME_EXPECTED, repr(label))])
        table = self.current(connection).edit.table
        return await self.change(connection, table, expected_version=expected_version, by=by, label=label)

    async def pause(self, connection: str, paused: Any, *, expected_version: int, by: str) -> ConnectionVersion:
        """Pause a connection, or let it go on. `paused` is the value of the key of the same name; False: it goes on."""
        table = {key: value for key, value in self.current(connection).edit.table.items() if key != "paused"}
        if paused:
            table["paused"] = paused
        return await self.change(connection, table, expected_version=expected_version, by=by)

    async def clone(
        self, connection: str, name: str, team_id: str, location_id: str, *, by: str, credentials: Mapping[str, str]
    ) -> ConnectionVersion:
        """Add a connection with the settings of another one, for another team or location. Credentials are not copied."""
        table = self.table_of(connection)
        table["lofty"] = {**table.get("lofty", {}), "team_id": team_id}
        table["ghl"] = {**table.get("ghl", {}), "location_id": location_id}
        return await self.add(name, table, by=by, credentials=credentials)

    async def paste(self, connection: str, secret: str, plain: str, *, by: str) -> None:
        """Keep a credential, sealed, in place of the one before. Raises `WrongConnection` and `NoKeys`."""
        now = self.current(connection)
        await self._paste(now.edit.connection, {secret: checked_credential(now.edit.label, secret, plain)}, by)

    async def complete(self, connection: str, *, by: str) -> bool:
        """Make the webhook secret of a connection that has none: whoever added it was killed before. False: nothing lacked."""
        name = self.current(connection).edit.connection
        if WEBHOOK_SECRET in self._versions.connection_log.credentials.get(name, {}):
            return False
        await self._paste(name, _new_secret(), by)
        return True

    async def remove(self, connection: str, *, expected_version: int, by: str) -> ConnectionVersion:
        """Begin to remove a connection: it works no more. `follow_up.py` takes away what it has."""
        now = self.current(connection)
        return await self._save(self._edit(now.edit.connection, expected_version, "remove", by))

    async def end_removal(self, removing: ConnectionVersion, words: str) -> None:
        """Take the credentials away, and note that nothing is left. `words` say what could not be removed."""
        name, topic = removing.edit.connection, self._versions.connections_topic
        held = self._versions.connection_log.credentials.get(name, {})
        keys = [credential_key(name, secret).encode() for secret in held]
        await self._versions.write(topic, [Record(topic.name, topic.partition, key, None) for key in keys])
        edit = self._edit(name, removing.number, "removed", removing.edit.by)
        await self._save(edit.model_copy(update={"words": words}))

    # -- saving -------------------------------------------------------------------------------------------

    def _edit(self, connection: str, based_on: int, kind: Any, by: str, **facts: Any) -> ConnectionEdit:
        return ConnectionEdit(
            id=uuid.uuid4().hex,
            connection=connection,
            based_on=based_on,
            kind=kind,
            by=by[:200],
            **{"at_ms": self._now_ms(), **facts},
        )

    async def _set(
        self,
        connection: str,
        based_on: int,
        label: str,
        table: Mapping[str, Any],
        by: str,
        before: ConnectionVersion | None,
    ) -> ConnectionVersion:
        edit = self._edit(connection, based_on, "set", by, label=label, table=dict(table))
        log = self._versions.connection_log
        if not log.counts(edit):
            raise StaleConnection(connection, based_on, log.newest(connection))
        problems = list(moved_accounts(label, before, table)) if before is not None else []
        problems += await asyncio.to_thread(self._problems, EditedConnection(connection, label, based_on + 1, table))
        if problems:
            raise WrongConnection(problems)
        return await self._save(edit)

    def _problems(self, edited: EditedConnection) -> list[Problem]:
        """What is wrong with a connection beside all others."""
        overlay = self._versions.in_force.overlay
        others = tuple(one for one in overlay.connections if one.id != edited.id)
        try:
            self._versions.file.with_overlay(replace(overlay, connections=(*others, edited)))
        except SettingsError as error:
            return problems_of(error.problems, edited.label) or list(error.problems)
        return []

    async def _save(self, edit: ConnectionEdit) -> ConnectionVersion:
        log, topic = self._versions.connection_log, self._versions.connections_topic
        if log.counts(edit):
            record = Record(topic.name, topic.partition, edit.id.encode(), edit.to_bytes())
            await self._versions.write(topic, [record])
        found = log.of_edit(edit)
        if found is None:
            raise StaleConnection(edit.connection, edit.based_on, log.newest(edit.connection))
        return found

    async def _paste(self, connection: str, plain: Mapping[str, str], by: str) -> None:
        await self._versions.write(self._versions.connections_topic, self._credential_records(connection, plain, by=by))

    def _credential_records(self, connection: str, plain: Mapping[str, str], *, by: str) -> list[Record]:
        """Credentials, sealed, for the topic."""
        ring, topic, records = self._ring(), self._versions.connections_topic, []
        held = self._versions.connection_log.credentials.get(connection, {})
        for secret, text in plain.items():
            about = about_credential(connection, secret)
            sealed = ring.seal(text.encode(), about=about, nonce=os.urandom(NONCE_BYTES))
            # Later than the one before, whatever the clocks say: another machine may have pasted that.
            at_ms = max(self._now_ms(), held[secret].at_ms + 1 if secret in held else 0)
            message = SealedCredential(connection=connection, secret=secret, sealed=sealed, at_ms=at_ms, by=by[:200])
            key = credential_key(connection, secret).encode()
            records.append(Record(topic.name, topic.partition, key, message.to_bytes()))
        return records

    def _ring(self) -> KeyRing:
        if self._versions.file.oauth_secrets.token_keys is None:
            raise NoKeys
        return self._versions.file.key_ring


def _new_secret() -> dict[str, str]:
    return {WEBHOOK_SECRET: secrets.token_hex(24)}


def checked_credential(connection: str, secret: str, plain: str) -> str:
    """A credential as it was pasted, without the blanks around it. Its text is in no error."""
    text, where = plain.strip(), dotted(("connections", connection, secret))
    if secret not in PASTED:
        raise WrongConnection([Problem(None, where, f"one of {', '.join(PASTED)}", repr(secret))])
    if not text or len(text) > LONGEST_CREDENTIAL or not re.fullmatch(r"[\x21-\x7e]+", text):
        got = "nothing" if not text else "blanks, line ends or other signs inside it, or too long a text (not shown)"
        raise WrongConnection([Problem(None, where, NAMES[secret], got, "paste it again, alone")])
    return text


def moved_accounts(label: str, before: ConnectionVersion, table: Mapping[str, Any]) -> list[Problem]:
    """A problem for each account that is another one than before."""
    found = []
    for side, key in PERMANENT:
        old, new = (
            one.get(side, {}).get(key) if isinstance(one.get(side), Mapping) else None
            for one in (before.edit.table, table)
        )
        if old is not None and new is not None and old != new:
            where = dotted(("connections", label, side, key))
            hint = "what was written is remembered for that one: add another connection, under another name"
            found.append(Problem(None, where, repr(old), repr(new), hint))
    return found
