"""Gives access, changes it and takes it away: each edit is one record, so it is whole or did not happen.

Links and tokens are 32 random bytes. They are returned once; the topic has their hashes.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Sequence

from pydantic import TypeAdapter, ValidationError

from streams.core.account_log import AccountLog
from streams.messages.account_edit import AccountEdit, AccountKind, AccountRole
from streams.operations.people.errors import (
    AccountManagedByFile,
    InvalidAccount,
    LastAdmin,
    LinkNotGood,
    NoSuchAccount,
    StaleAccount,
)
from streams.operations.people.store import PeopleStore
from streams.settings import Settings
from streams.settings.console import Name
from streams.settings.password_hashes import TOKEN_PREFIX, token_hash

LINK_HOURS = 72
DAY_MS = 24 * 3_600_000
LONGEST_DAYS = 3650
_NAME: TypeAdapter[str] = TypeAdapter(Name)

Change = Callable[[AccountEdit], dict[str, object]]


class PeopleEditor:
    """Edits the accounts of a store. `by` is who does it; `expected_version` the version of the account that they saw."""

    def __init__(
        self, store: PeopleStore, settings: Settings, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        console = settings.console
        self._of_file: dict[AccountKind, set[str]] = {
            "person": {one.name for one in console.users},
            "program": {one.name for one in (*console.tokens, *settings.console_secrets.tokens)},
        }
        self._has_admin_in_file = any(one.role == "admin" for one in console.users)

    async def invite(self, name: str, role: AccountRole, connections: Sequence[str] | None, by: str) -> str:
        """A new person, who has the returned one-time link to set a password by."""
        link = secrets.token_urlsafe(32)
        until_ms = self._now_ms() + LINK_HOURS * 3_600_000
        await self._add("person", name, role, connections, by, link_hash=token_hash(link), link_until_ms=until_ms)
        return link

    async def new_token(
        self, name: str, role: AccountRole, connections: Sequence[str] | None, days: int, by: str
    ) -> str:
        """A new program, which has the returned token for some days; 0 is for ever."""
        if not 0 <= days <= LONGEST_DAYS:
            raise InvalidAccount(f"Expected 0 (for ever) to {LONGEST_DAYS} days, got {days}.")
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        expires_ms = self._now_ms() + days * DAY_MS if days else 0
        await self._add("program", name, role, connections, by, token_hash=token_hash(token), expires_ms=expires_ms)
        return token

    async def reset(self, name: str, by: str, expected_version: int | None = None) -> str:
        """Another one-time link for a person. Their password stays until the link is used."""
        link = secrets.token_urlsafe(32)
        until_ms = self._now_ms() + LINK_HOURS * 3_600_000
        facts = {"link_hash": token_hash(link), "link_until_ms": until_ms}
        await self._change("person", name, by, expected_version, lambda _: dict(facts))
        return link

    async def change(
        self,
        name: str,
        role: AccountRole,
        connections: Sequence[str] | None,
        by: str,
        expected_version: int | None = None,
    ) -> AccountEdit:
        """Give a person another role, or other connections."""
        chosen = _access(role, connections)
        return await self._change("person", name, by, expected_version, lambda _: {"role": role, "connections": chosen})

    async def disable(self, name: str, by: str, expected_version: int | None = None) -> AccountEdit:
        """Let a person in no more: their sessions end, too."""
        return await self._change("person", name, by, expected_version, lambda _: {"is_disabled": True})

    async def enable(self, name: str, by: str, expected_version: int | None = None) -> AccountEdit:
        """Let a person in again. Sessions from before stay ended."""
        now_ms = self._now_ms()
        return await self._change(
            "person", name, by, expected_version, lambda _: {"is_disabled": False, "signed_out_ms": now_ms}
        )

    async def sign_out(self, name: str, by: str, expected_version: int | None = None) -> AccountEdit:
        """End all sessions of a person."""
        now_ms = self._now_ms()
        return await self._change("person", name, by, expected_version, lambda _: {"signed_out_ms": now_ms})

    async def remove(self, kind: AccountKind, name: str, by: str, expected_version: int | None = None) -> AccountEdit:
        """Take an account away; its hashes are not in the newest version."""
        gone = {"is_removed": True, "password_hash": "", "link_hash": "", "token_hash": ""}
        return await self._change(kind, name, by, expected_version, lambda _: dict(gone))

    async def set_password(self, name: str, password_hash: str) -> AccountEdit:
        """Another password for a person who knew the old one. All their sessions end."""
        return await self._change("person", name, name, None, lambda _: {"password_hash": password_hash})

    async def set_password_by_link(self, link: str, password_hash: str) -> AccountEdit:
        """The password of whom a link is for. The link is used up."""
        hashed = token_hash(link)

        def make(log: AccountLog) -> AccountEdit:
            found = log.by_link(hashed, self._now_ms())
            if found is None:
                raise LinkNotGood(
                    "This link was used already, was replaced, or is too old. Ask an admin for another one."
                )
            facts = {"password_hash": password_hash, "link_hash": "", "link_until_ms": 0}
            return self._next(log, found, found.name, facts)

        return await self._store.save(make)

    # -- the parts ----------------------------------------------------------------------------------------

    async def _add(
        self,
        kind: AccountKind,
        name: str,
        role: AccountRole,
        connections: Sequence[str] | None,
        by: str,
        **facts: str | int,
    ) -> AccountEdit:
        try:
            name = _NAME.validate_python(name)
        except ValidationError:
            raise InvalidAccount(
                f"The name: expected letters, digits and . _ @ + -, such as ann@example.com, got {name[:100]!r}."
            ) from None
        chosen = _access(role, connections)

        def make(log: AccountLog) -> AccountEdit:
            if name in self._of_file[kind] or log.get(kind, name) is not None:
                raise InvalidAccount(f"The name {name} is taken. Choose another one.")
            return AccountEdit(
                id=uuid.uuid4().hex,
                based_on=log.version,
                kind=kind,
                name=name,
                role=role,
                connections=chosen,
                at_ms=self._now_ms(),
                by=by[:200],
                **facts,  # type: ignore[arg-type]  # hashes are texts, times are numbers
            )

        return await self._store.save(make)

    async def _change(
        self, kind: AccountKind, name: str, by: str, expected_version: int | None, change: Change
    ) -> AccountEdit:
        def make(log: AccountLog) -> AccountEdit:
            if name in self._of_file[kind]:
                raise AccountManagedByFile(f"{name} is in the configuration file: change it there.")
            found = log.get(kind, name)
            if found is None:
                raise NoSuchAccount(f"There is no {kind} {name[:100]!r}.")
            if expected_version is not None and log.version_of(kind, name) != expected_version:
                raise StaleAccount(f"{found.by} changed {name} meanwhile. Look at it again.")
            return self._next(log, found, by, change(found))

        return await self._store.save(make)

    def _next(self, log: AccountLog, found: AccountEdit, by: str, facts: dict[str, object]) -> AccountEdit:
        head = {"id": uuid.uuid4().hex, "based_on": log.version, "at_ms": self._now_ms(), "by": by[:200]}
        edit = found.model_copy(update={**head, **facts})
        is_admin = edit.role == "admin" and not edit.is_disabled and not edit.is_removed
        if not is_admin and not self._has_admin_in_file and log.admins() == {edit.name} and edit.kind == "person":
            raise LastAdmin(f"{edit.name} is the last admin. Make somebody else an admin first.")
        return edit


def _access(role: AccountRole, connections: Sequence[str] | None) -> tuple[str, ...] | None:
    """The connections of an account. Raises `InvalidAccount` where they make no sense."""
    if connections is None:
        return None
    if role == "admin":
        raise InvalidAccount("An admin sees all connections. Choose another role, or no connections.")
    if not connections:
        raise InvalidAccount("Choose at least one connection, or all of them.")
    return tuple(sorted(set(connections)))
