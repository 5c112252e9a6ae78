"""Connections: how each stands at both vendors."""

from __future__ import annotations

from dataclasses import dataclass

from streams.console.pages.views.page_view import State


@dataclass(frozen=True, slots=True)
class Side:
    """One vendor of a connection. `connect_href` is where access is given, empty where a token is used."""

    vendor: str
    account: str
    access: str
    state: State
    connect_href: str = ""
    is_connected: bool = True
    granted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    expires_ms: int | None = None
    pastes_answer: bool = False


@dataclass(frozen=True, slots=True)
class Sweep:
    """When Lofty was last read without being told."""

    words: str
    new_ms: int | None
    full_ms: int | None


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One card."""

    name: str
    state: State
    lofty: Side
    ghl: Side
    sweep: Sweep
    mapping: str
    mapping_href: str
    contacts: int | None
    waiting: int | None
    parked: int
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Connections:
    """The page."""

    connections: tuple[ConnectionView, ...]


@dataclass(frozen=True, slots=True)
class ConnectLofty:
    """Lofty's answer must be pasted: the page that asks for it. `ticket` is ours and comes back with the form."""

    connection: str
    action: str
    link: str
    ticket: str
    problem: str = ""
