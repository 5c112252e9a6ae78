"""A configuration with one mapping, and edits of it."""

from __future__ import annotations

from itertools import count
from typing import Any

from streams.messages.connection_edit import ConnectionEdit
from streams.messages.mapping_edit import MappingEdit
from streams.settings import Settings, parse_settings

CONFIG = """
[connections.acme]
mapping = "acme"
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"

# Ours.
[mappings.acme]
extends = "default"

[mappings.acme.fields]
city = false   # not ours
"""
GOOD = '[mappings.acme]\n[mappings.acme.fields]\nfirstName = { from = "firstName", transform = ["upper"] }\n'
WRONG = '[mappings.acme]\n[mappings.acme.fields]\nfirstNam = "firstName"\nlastName = { from = "lastNam" }\n'

_numbers = count(1)


def settings(text: str = CONFIG) -> Settings:
    """The settings of a configuration."""
    return parse_settings(text)


def edit(based_on: int, kind: Any = "text", name: str = "acme", text: str | None = GOOD, **facts: Any) -> MappingEdit:
    """An edit made on a version."""
    return MappingEdit(
        id=f"e{next(_numbers)}", based_on=based_on, kind=kind, name=name, text=text, at_ms=1000, by="ann", **facts
    )


TABLE: dict[str, Any] = {"region": "US", "lofty": {"team_id": "2"}, "ghl": {"location_id": "M"}}


def connection_edit(connection: str, based_on: int, kind: Any = "set", **facts: Any) -> ConnectionEdit:
    """An edit of a connection made on one of its versions."""
    given = {"label": connection, "table": TABLE, "at_ms": 1000, "by": "ann", **facts}
    return ConnectionEdit(id=f"e{next(_numbers)}", connection=connection, based_on=based_on, kind=kind, **given)
