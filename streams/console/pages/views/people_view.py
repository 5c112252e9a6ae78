"""The pages about access: everybody, one's own account, and setting a password by a link."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.auth.people_access import AccountSeen, MadeLink
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
    """Everybody who has access. `connections` are those that can be chosen; uses of tokens are known from `used_since_ms` on.

    `can_mail`: links can be sent by e-mail.
    """

    people: tuple[AccountCard, ...]
    programs: tuple[AccountCard, ...]
    connections: tuple[str, ...]
    provider: str
    used_since_ms: int
    made: MadeSecret | None = None
    problem: str = ""
    can_mail: bool = False
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


def made_link(made: MadeLink, url: str) -> MadeSecret:
    """A link to set a password by, and whether the person has it already."""
    once = "It is shown only once, works once, and for three days."
    if made.is_mailed:
        return MadeSecret(f"Sent to {made.name}", f"If it does not arrive, send them this link. {once}", url)
    if made.not_mailed:
        words = f"It was not sent: {made.not_mailed}. Send it to {made.name} yourself. {once}"
        return MadeSecret("Link to set a password", words, url)
    return MadeSecret("Link to set a password", f"Send it to {made.name}. {once}", url)


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
