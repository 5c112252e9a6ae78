"""What every page has around its own content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

Level = Literal["ok", "busy", "warn", "bad", "idle"]
"""The state of something: well, well and working, to be watched, needs a person, not in use."""

Theme = Literal["auto", "light", "dark"]
Role = Literal["viewer", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class StatusText:
    """The state of something, in a word or a short sentence."""

    level: Level
    words: str


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """A place to go on."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of the last form, shown once."""

    level: Level
    words: str


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """Who is signed in. `is_limited`: they see some connections. `may_edit_connections`: their settings and keys, too."""

    name: str
    role: Role
    is_limited: bool = False
    may_edit_connections: bool = True

    @property
    def may_act(self) -> bool:
        """Whether buttons are shown. The server checks again."""
        return self.role in ("operator", "admin")


@dataclass(frozen=True, slots=True)
class PageContext:
    """Who looks, when and from where. `here` is the path and query of the page, `parked` and `conflicts` the numbers beside their menu items."""

    here: str
    now_ms: int
    person: CurrentUser | None = None
    csrf: str = ""
    theme: Theme = "auto"
    zone: tzinfo = UTC
    zone_name: str = ""
    parked: int | None = None
    conflicts: int | None = None
    message: Notice | None = None

    @property
    def zone_words(self) -> str:
        """The zone in which times are shown and typed."""
        city = self.zone_name.rpartition("/")[2].replace("_", " ")
        return "UTC" if city in ("", "UTC") or self.zone is UTC else f"{city} time"

    @property
    def may_act(self) -> bool:
        """Whether buttons are shown."""
        return self.person is not None and self.person.may_act

    @property
    def is_limited(self) -> bool:
        """Whether the reader sees some connections only, and nothing of the deployment as a whole."""
        return self.person is not None and self.person.is_limited

    @property
    def may_act_on_all(self) -> bool:
        """Whether buttons are shown for what is of all connections, such as mappings."""
        return self.may_act and not self.is_limited

    @property
    def may_edit_connections(self) -> bool:
        """Whether buttons are shown for settings and keys of connections."""
        return self.may_act and self.person is not None and self.person.may_edit_connections

    @property
    def is_admin(self) -> bool:
        """Whether the pages of the admins are in the menu."""
        return self.person is not None and self.person.role == "admin"

    @property
    def role_words(self) -> str:
        """What the reader may do."""
        words = "admin" if self.is_admin else "can edit" if self.may_act else "can look"
        return f"{words}, some connections" if self.is_limited else words


@dataclass(frozen=True, slots=True)
class Question:
    """A page that asks before something is done that cannot be undone. `fields` are posted to `action` with the answer."""

    title: str
    words: str
    action: str
    yes: str
    back: str
    fields: tuple[tuple[str, str], ...] = ()
    is_dangerous: bool = False


@dataclass(frozen=True, slots=True)
class ErrorView:
    """A page that could not be given: what happened, and what to do next."""

    status: int
    title: str
    words: str
    go_on: tuple[Hyperlink, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """`part` of 1, None while it is not known."""

    part: float | None
    words: str
    left: str = ""
