"""The pages about access: everybody, one's own account, and setting a password by a link."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.auth.people_access import AccountSeen
from streams.console.pages.views.page_view import Level, StatusText

ROLES = (("viewer", "can look"), ("operator", "can edit"), ("admin", "can edit, and gives access"))
_STATES: dict[str, tuple[Level, str]] = {
    "in use": ("ok", "In use"),
    "invited": ("busy", "Invited"),
    "disabled": ("idle", "Disabled"),
    "expired": ("warn", "Expired"),
}


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A link or a token that was made just now, and is never shown again."""

    title: str
    words: str
    value: str


@dataclass(frozen=True, slots=True)
class AccountCard:
    """One person or program, as the page shows them."""

    account: AccountSeen
    role: str
    sees: str
    state: StatusText

    @property
    def may_change(self) -> bool:
        """Whether it is changed here, and not in the configuration file."""
        return self.account.managed == "console"


@dataclass(frozen=True, slots=True)
class PeopleView:
    """Everybody who has access. `connections` are those that can be chosen; uses of tokens are known from `used_since_ms` on."""

    people: tuple[AccountCard, ...]
    programs: tuple[AccountCard, ...]
    connections: tuple[str, ...]
    provider: str
    used_since_ms: int
    made: MadeSecret | None = None
    problem: str = ""
    roles: tuple[tuple[str, str], ...] = ROLES


@dataclass(frozen=True, slots=True)
class AccountView:
    """One's own account. `is_editable`: the password is changed here."""

    name: str
    role: str
    sees: str
    via: str
    began_ms: int | None
    ends_ms: int | None
    is_editable: bool
    why_not: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeView:
    """Setting a password by a one-time link; without a `name` the link is none."""

    csrf: str
    name: str
    link: str
    problem: str = ""


def account_card(account: AccountSeen) -> AccountCard:
    """One of them."""
    level, words = _STATES[account.state]
    return AccountCard(account, role_words(account.role), sees_words(account.connections), StatusText(level, words))


def role_words(role: str) -> str:
    """What a role may do."""
    return dict(ROLES).get(role, role)


def sees_words(connections: tuple[str, ...] | None) -> str:
    """Which connections somebody sees."""
    return "all connections" if connections is None else ", ".join(connections)
