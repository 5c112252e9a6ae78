"""Which connections the person or program that asks may see. Every list, figure and id of a request goes through it.

A route says what it concerns when it is added (`Concerns`), and one that says nothing is refused at the gateway's start:

| it concerns | then, for somebody who is limited to some connections |
| --- | --- |
| `person` | nothing of any connection is shown: the sign-in, the colours, the files of the pages |
| `connection` | the guard answers 404 when the `{connection}` of the address is not theirs |
| `filtered` | what is not theirs is left out, or 404 when it is asked for by its id |
| `deployment` | 403: it is about the whole deployment |

The services filter, at the place where what is kept for everybody is given to one person, so that pages and API cannot forget it.
A route that says `filtered` and whose answer was made without asking here is not sent to a limited person: see `Guard.middleware`.
A field `connection` of a query, a form or a JSON body is checked by the guard on every route, as the address is.

The scope in force is a context variable. What runs beside the requests has none, and sees everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeVar

from aiohttp import web

from streams.console.errors import NotFound

Concerns = Literal["person", "connection", "filtered", "deployment"]
T = TypeVar("T")

ALL = "*"
"""Stands for all connections where a person has a list of them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Some connections, by their ids; `connections` is None for all."""

    connections: frozenset[str] | None = None

    @classmethod
    def of(cls, connections: Sequence[str] | None) -> Scope:
        """The scope of a person with this list; None and `*` mean all."""
        return EVERYTHING if connections is None or ALL in connections else cls(frozenset(connections))

    @property
    def is_limited(self) -> bool:
        """Whether it leaves anything out."""
        return self.connections is not None

    @property
    def listed(self) -> tuple[str, ...] | None:
        """Its connections, sorted; None for all."""
        return None if self.connections is None else tuple(sorted(self.connections))

    def includes(self, connection: str) -> bool:
        """Whether a connection is in it."""
        return self.connections is None or connection in self.connections


EVERYTHING, NOTHING = Scope(), Scope(frozenset())


@dataclass(slots=True)
class _InForce:
    scope: Scope
    was_asked: bool = False


_IN_FORCE: ContextVar[_InForce | None] = ContextVar("lofty_ghl_scope", default=None)


def current_scope() -> Scope:
    """The scope of whoever asks; everything beside the requests."""
    found = _IN_FORCE.get()
    if found is None:
        return EVERYTHING
    found.was_asked = True
    return found.scope


def is_visible(connection: str) -> bool:
    """Whether whoever asks may see a connection."""
    return current_scope().includes(connection)


def check_visible(connection: str) -> None:
    """Raises `NotFound`, in the same words as for a connection that does not exist."""
    if not is_visible(connection):
        raise no_such_connection(connection)


def visible(items: Iterable[T], connection_of: Callable[[T], str]) -> tuple[T, ...]:
    """Those of some items that whoever asks may see."""
    scope = current_scope()
    return tuple(one for one in items if scope.includes(connection_of(one)))


def no_such_connection(connection: str) -> NotFound:
    """What is answered for a connection that does not exist, or is somebody else's."""
    return NotFound(f"There is no connection {connection[:63]!r}.")


# -- for the guard and the server -------------------------------------------------------------------------


def put_in_force(scope: Scope) -> None:
    """From here on to the end of the request."""
    _IN_FORCE.set(_InForce(scope))


def was_asked() -> bool:
    """Whether anything asked for the scope since it was put in force."""
    found = _IN_FORCE.get()
    return found is not None and found.was_asked


@contextmanager
def of_the_frame() -> Iterator[None]:
    """Around what surrounds every page, such as the numbers in the menu: it does not count as the page's own asking."""
    found, before = _IN_FORCE.get(), was_asked()
    try:
        yield
    finally:
        if found is not None:
            found.was_asked = before


@web.middleware
async def scope_of_request(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Outermost, around the error pages too: nothing is visible until the guard knows who asks, and nothing remains in force."""
    token = _IN_FORCE.set(_InForce(NOTHING))
    try:
        return await handler(request)
    finally:
        _IN_FORCE.reset(token)
