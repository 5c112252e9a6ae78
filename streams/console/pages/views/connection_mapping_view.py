"""The mappings from which a connection gets its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from streams.mapping_versions.listing import MappingState, MappingText

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """A mapping. `words` say whose it is."""

    name: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ConnectionMappingView:
    """The page. `name` is what a copy would be called."""

    connection: str
    label: str
    used: str
    name: str
    choices: tuple[MappingChoice, ...]


def connection_mapping_view(connection: str, label: str, known: MappingState) -> ConnectionMappingView:
    """All mappings; the one that the connection uses is chosen."""
    used = known.uses.get(connection, "default")
    choices = tuple(MappingChoice(one.name, _words(one, connection), one.name == used) for one in known.mappings)
    return ConnectionMappingView(connection, label, used, free_name(label, known), choices)


def free_name(label: str, known: MappingState) -> str:
    """The name of a mapping that is called like its connection, and that none has yet."""
    base = re.sub(r"[^a-z0-9_-]+", "-", label.lower()).strip("-_")[:_LONGEST] or "mapping"
    taken = {one.name for one in known.mappings} | {"new", "use", "default"}
    names = (base if number == 1 else f"{base[: _LONGEST - 4]}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def _words(one: MappingText, connection: str) -> str:
    others = ", ".join(name for name in one.used_by if name != connection)
    if not one.is_editable:
        return f"built in{f', used by {others}' if others else ''}"
    return f"used by {others}" if others else "used by no other connection"
