"""Whom the console knows: people with passwords, programs with tokens, and what a session or a token is worth now.

Those of the configuration file come first: what is said there cannot be changed by anybody who signs in.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from streams.console.auth.scope import EVERYTHING, Scope
from streams.console.auth.sessions import Session, stamp_of
from streams.messages.account_edit import AccountEdit
from streams.operations.people.store import PeopleStore
from streams.settings import Settings
from streams.settings.console import Role


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a program: their role, and the connections that they see. `password_hash` is empty for a program.

    `is_in_file`: the configuration has it, and it is changed there. Sessions from before `signed_out_ms` have ended.
    """

    name: str
    role: Role
    scope: Scope = EVERYTHING
    password_hash: str = ""
    is_in_file: bool = True
    signed_out_ms: int = 0


class Accounts:
    """Those of the configuration, and those whom admins gave access."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        console = settings.console
        self.people = PeopleStore(settings)
        self.provider = console.oidc.name if console.oidc else ""
        self._now_ms = now_ms
        self.began_ms = now_ms()
        self._used_ms: dict[str, int] = {}  # by the token's hash: another token of the same name was not used
        self._oidc_limits = bool(console.oidc and console.oidc.connections)
        self._users = {
            one.name: Account(one.name, one.role, Scope.of(one.connections), one.password_hash.get_secret_value())
            for one in console.users
        }
        self._tokens = [
            (one.hash.get_secret_value(), Account(one.name, one.role, Scope.of(one.connections)))
            for one in (*console.tokens, *settings.console_secrets.tokens)
        ]

    @property
    def has_passwords(self) -> bool:
        """Whether anybody can sign in with a password."""
        return bool(self._users) or any(one.password_hash for one in self.people.log.all("person"))

    def person(self, name: str) -> Account | None:
        """Somebody who can sign in with a password."""
        found = self._users.get(name)
        if found is not None:
            return found
        edit = self.people.log.get("person", name)
        return _account(edit) if edit is not None and edit.password_hash and not edit.is_disabled else None

    def program(self, hashed: str) -> Account | None:
        """The program whose token has this hash, which it uses now."""
        found = None
        for known, account in self._tokens:
            if hmac.compare_digest(known, hashed):
                found = account
        if found is None:
            edit = self.people.log.by_token(hashed, self._now_ms())
            found = _account(edit) if edit is not None else None
        if found is not None:
            self._used_ms[hashed] = self._now_ms()
        return found

    def used_ms(self, hashed: str) -> int | None:
        """When a token was last used at this gateway, since `began_ms`; None for not at all."""
        return self._used_ms.get(hashed)

    def of_session(self, session: Session) -> Account | None:
        """What a session is worth now: whatever it is made from may have changed since it began. None: it has ended."""
        if session.via == "oidc":
            return self._of_provider(session)
        account = self.person(session.name)
        if account is None or stamp_of(account.password_hash) != session.stamp:
            return None
        return account if session.began_ms >= account.signed_out_ms else None

    def _of_provider(self, session: Session) -> Account | None:
        # One that began before the configuration limited groups to connections says nothing of them.
        is_unsaid = self._oidc_limits and session.connections is None and session.role != "admin"
        if not self.provider or is_unsaid:
            return None
        roles: dict[str, Role] = {"viewer": "viewer", "operator": "operator", "admin": "admin"}
        role = roles.get(session.role)
        return Account(session.name, role, Scope.of(session.connections)) if role is not None else None


def _account(edit: AccountEdit) -> Account:
    scope = Scope.of(edit.connections)
    return Account(edit.name, edit.role, scope, edit.password_hash, is_in_file=False, signed_out_ms=edit.signed_out_ms)
