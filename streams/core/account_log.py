"""Which edits of accounts count, and what the accounts are then. Every process comes to the same result. Pure.

All accounts share one sequence of versions: two admins who each take the role from the other cannot both succeed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.messages.account_edit import AccountEdit, AccountKind


@dataclass(slots=True)
class AccountLog:
    """The newest edit of each account that counts, with the number of that version."""

    version: int = 0
    counted: set[str] = field(default_factory=set)
    """The ids of all edits that count."""
    _accounts: dict[tuple[AccountKind, str], tuple[int, AccountEdit]] = field(default_factory=dict)

    def add(self, edit: AccountEdit) -> bool:
        """Add an edit that was read from the topic; False if it does not count."""
        if edit.based_on != self.version:
            return False
        self.version += 1
        self.counted.add(edit.id)
        self._accounts[(edit.kind, edit.name)] = (self.version, edit)
        return True

    def get(self, kind: AccountKind, name: str) -> AccountEdit | None:
        """An account; None for one that there is not, or that was removed."""
        _, found = self._accounts.get((kind, name), (0, None))
        return None if found is None or found.is_removed else found

    def version_of(self, kind: AccountKind, name: str) -> int:
        """The version in which an account was changed last; 0 for one that never was."""
        return self._accounts.get((kind, name), (0, None))[0]

    def all(self, kind: AccountKind) -> Iterator[AccountEdit]:
        """The accounts of a kind, by name."""
        found = (edit for _, edit in self._accounts.values() if edit.kind == kind and not edit.is_removed)
        return iter(sorted(found, key=lambda edit: edit.name))

    def by_token(self, hashed: str, now_ms: int) -> AccountEdit | None:
        """The program whose token has this hash, while it is good."""
        found = None
        for one in self.all("program"):
            is_good = not one.is_disabled and (not one.expires_ms or now_ms < one.expires_ms)
            if hmac.compare_digest(one.token_hash.encode(), hashed.encode()) and is_good:
                found = one
        return found

    def by_link(self, hashed: str, now_ms: int) -> AccountEdit | None:
        """The person for whom a one-time link is good."""
        found = None
        for one in self.all("person"):
            is_good = bool(one.link_hash) and not one.is_disabled and now_ms < one.link_until_ms
            if hmac.compare_digest(one.link_hash.encode(), hashed.encode()) and is_good:
                found = one
        return found

    def admins(self) -> set[str]:
        """The people who can sign in as admins."""
        return {
            one.name for one in self.all("person") if one.role == "admin" and one.password_hash and not one.is_disabled
        }
