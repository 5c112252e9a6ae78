"""Renames a connection in the text of a configuration file, and keeps its id. Pure: nothing else of the text changes."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from streams.settings.connection_table import NAME, NAME_EXPECTED


class CannotRename(ValueError):
    """The text was not changed; the message says why, and what to write by hand."""


def rename_connection(text: str, old: str, new: str) -> str:
    """The text in which the connection that was called `old` is called `new` and keeps its id.

    Its tables may be called `new` already. Raises `CannotRename`, and `tomllib.TOMLDecodeError` for what is no TOML.
    """
    if not NAME.fullmatch(new):
        raise CannotRename(f"expected {NAME_EXPECTED}, got {new!r}")
    tables = _connections(text)
    if old in tables and new in tables:
        raise CannotRename(f"there are tables of both, {old} and {new}: a connection takes a name that no other has")
    if old not in tables and new not in tables:
        raise CannotRename(f"there is no [connections.{old}] and no [connections.{new}]")
    table = tables.get(old, tables.get(new))
    kept = table.get("id") if isinstance(table, dict) else None
    if new in tables and kept not in (None, old):
        raise CannotRename(f"[connections.{new}] has the id {kept!r} already")
    after = re.sub(rf"(?m)^(\s*\[\[?\s*connections\s*\.\s*){re.escape(old)}(?=\s*[.\]])", rf"\g<1>{new}", text)
    if kept is None:
        after = _with_id(after, old, new)
    expected = {new if name == old else name: one for name, one in tables.items()}
    expected[new] = {**expected[new], "id": kept or old}
    try:
        is_as_expected = _connections(after) == expected
    except tomllib.TOMLDecodeError:
        is_as_expected = False
    if not is_as_expected:
        raise CannotRename(
            f"the file is written in a way that this command does not change: call the tables [connections.{new}], and add the "
            f'line id = "{kept or old}" to [connections.{new}] by hand'
        )
    return after


def _with_id(text: str, old: str, new: str) -> str:
    """The text with the id as the first line of the connection's table, which may have only tables below it."""
    line = f'id = "{old}"\n'
    own = re.search(rf"(?m)^[ \t]*\[connections\.{re.escape(new)}\][^\n]*(?:\n|\Z)", text)
    if own is not None:
        head = text[: own.end()]
        return head + ("" if head.endswith("\n") else "\n") + line + text[own.end() :]
    below = re.search(rf"(?m)^[ \t]*\[\[?connections\.{re.escape(new)}\.", text)
    if below is None:
        return text
    return f"{text[: below.start()]}[connections.{new}]\n{line}\n{text[below.start() :]}"


def _connections(text: str) -> dict[str, Any]:
    found = tomllib.loads(text).get("connections", {})
    return found if isinstance(found, dict) else {}
