"""Changes one field in a mapping's TOML text, and leaves every other line as it is. Pure.

tomlkit keeps comments, order and blanks. The result is compared with what was wanted before anybody sees it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from streams.mapping_versions.form.rows import field_key
from streams.mapping_versions.form.source import Constant, Formula, Source, Unmapped, expression_of


class CannotEdit(ValueError):
    """The text was not changed; the message says why, and what to do."""


def written_of(
    source: Source, transforms: Sequence[Any] = (), type: str = "", options: Sequence[str] = (), before: Any = None
) -> Any:
    """A field's value in TOML from what a person chose: an expression alone where nothing more is said.

    `before` is the value that the form was filled from: keys that the form does not show are kept from it.
    """
    if isinstance(source, Unmapped):
        return False
    kept = {k: v for k, v in before.items() if k in ("unset", "unchecked")} if isinstance(before, dict) else {}
    table: dict[str, Any] = {}
    if isinstance(source, Constant):
        table["value"] = source.value
    else:
        table["from"] = source.text if isinstance(source, Formula) else expression_of(source)
    if transforms:
        table["transform"] = list(transforms)
    if type:
        table["type"] = type
    if options:
        table["options"] = list(options)
    table |= kept
    return table["from"] if set(table) == {"from"} else table


def with_field(text: str, name: str, target: str, written: Any) -> str:
    """The text in which the mapping `name` says `written` of the GHL field `target`, under the spelling that is there already.

    Raises `CannotEdit` for a text that is no TOML, or that is written in a way that cannot be kept.
    """
    expected = _expected(text, name)
    fields = expected["mappings"][name].setdefault("fields", {})
    there = _spelling(fields, target)
    fields[there] = written
    document = tomlkit.parse(text)
    mapping = document["mappings"][name]
    if "fields" not in mapping:
        mapping["fields"] = tomlkit.table()
    mapping["fields"][there] = _item(written)
    return _checked(document, expected)


def without_field(text: str, name: str, target: str) -> str:
    """The text in which the mapping says nothing of the field itself, so that what it extends decides. Raises `CannotEdit`."""
    expected = _expected(text, name)
    fields = expected["mappings"][name].get("fields", {})
    there = _spelling(fields, target)
    if there not in fields:
        raise CannotEdit(f"The mapping {name} itself says nothing of {target!r}.")
    del fields[there]
    document = tomlkit.parse(text)
    del document["mappings"][name]["fields"][there]
    return _checked(document, expected)


def copied(text: str, name: str, copy: str) -> str:
    """The text of the mapping `name` as that of a mapping `copy`, with its comments. Raises `CannotEdit`."""
    tables = _expected(text, name)
    header = re.compile(
        rf'^(\s*\[+\s*mappings\s*\.\s*)(?:"{re.escape(name)}"|{re.escape(name)})(?=\s*[.\]])', re.MULTILINE
    )
    found = header.sub(rf"\g<1>{copy}", text)
    try:
        if tomllib.loads(found) == {"mappings": {copy: tables["mappings"][name]}}:
            return found
    except tomllib.TOMLDecodeError:
        pass
    raise CannotEdit(f"The text of the mapping {name} is written in a way that cannot be copied. Copy it as text.")


def _expected(text: str, name: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"The text of the mapping {name} is no TOML: {error}. Fix it as text first.") from error
    table = tables.get("mappings", {}).get(name)
    if not isinstance(table, dict) or not isinstance(table.get("fields", {}), dict):
        raise CannotEdit(f"The text holds no table [mappings.{name}]. Fix it as text first.")
    return tables


def _spelling(fields: dict[str, Any], target: str) -> str:
    return next((one for one in fields if field_key(one) == field_key(target)), target)


def _item(written: Any) -> Any:
    """A value as TOML: tables in one line, as people write them by hand."""
    if isinstance(written, dict):
        table = tomlkit.inline_table()
        for key, value in written.items():
            table.append(key, _item(value))
        return table
    if isinstance(written, list):
        array = tomlkit.array()
        for value in written:
            array.append(_item(value))
        return array
    return tomlkit.item(written)


def _checked(document: tomlkit.TOMLDocument, expected: dict[str, Any]) -> str:
    try:
        text = tomlkit.dumps(document)
        if tomllib.loads(text) == expected:
            return text
    except (TOMLKitError, tomllib.TOMLDecodeError):
        pass
    raise CannotEdit("The text is written in a way that the table cannot keep. Change this field as text.")
