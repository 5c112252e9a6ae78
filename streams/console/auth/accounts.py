"""Whom the console knows: people with passwords, programs with tokens, and what a session or a token is worth now."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from streams.console.auth.scope import EVERYTHING, Scope
from streams.console.auth.sessions import Session, stamp_of
from streams.settings import Settings
from streams.settings.console import Role


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a program: their role, and the connections that they see. `password_hash` is empty for a program."""

    name: str
    role: Role
    scope: Scope = EVERYTHING
    password_hash: str = ""


class Accounts:
    """Those of the configuration."""

    def __init__(self, settings: Settings) -> None:
        console = settings.console
        self.has_passwords = bool(console.users)
        self.provider = console.oidc.name if console.oidc else ""
        self._oidc_limits = bool(console.oidc and console.oidc.connections)
        self._users = {
            one.name: Account(one.name, one.role, Scope.of(one.connections), one.password_hash.get_secret_value())
            for one in console.users
        }
        self._tokens = [
            (one.hash.get_secret_value(), Account(one.name, one.role, Scope.of(one.connections)))
            for one in (*console.tokens, *settings.console_secrets.tokens)
        ]

    def person(self, name: str) -> Account | None:
        """Somebody who signs in with a password."""
        return self._users.get(name)

    def program(self, hashed: str) -> Account | None:
        """The program whose token has this hash."""
        found = None
        for known, account in self._tokens:
            if hmac.compare_digest(known, hashed):
                found = account
        return found

    def of_session(self, session: Session) -> Account | None:
        """What a session is worth now: whatever it is made from may have changed since it began. None: it has ended."""
        if session.via == "oidc":
            return self._of_provider(session)
        account = self.person(session.name)
        is_same = account is not None and stamp_of(account.password_hash) == session.stamp
        return account if is_same else None

    def _of_provider(self, session: Session) -> Account | None:
        # One that began before the configuration limited groups to connections says nothing of them.
        is_unsaid = self._oidc_limits and session.connections is None and session.role != "admin"
        if not self.provider or is_unsaid:
            return None
        roles: dict[str, Role] = {"viewer": "viewer", "operator": "operator", "admin": "admin"}
        role = roles.get(session.role)
        return Account(session.name, role, Scope.of(session.connections)) if role is not None else None
