"""A mapping as rows, one for each GHL field, with what it inherits from the mappings that it extends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.mapping.compile import CUSTOM, DEFAULT, default_tables
from streams.mapping.ghl_fields import ASSIGNED_TO, custom_key
from streams.mapping_versions.form.arguments import is_shown_whole
from streams.mapping_versions.form.source import Constant, Formula, Source, Unmapped, source_of

FORM_KEYS = frozenset({"from", "value", "transform", "type", "options"})
"""The keys of a field that the form shows. A field with others is edited as text."""

MOST_TRANSFORMS = 6
"""The form shows so many changes of a value; a field with more is edited as text."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One GHL field. `target` is its key in TOML, such as `custom:Budget`; `of` the mapping that says it.

    `written` is its value in TOML: an expression, a table or False. `why_text` says why it can be edited as text alone.
    """

    target: str
    of: str
    written: Any
    source: Source
    transforms: tuple[Any, ...] = ()
    type: str = ""
    options: tuple[str, ...] = ()
    why_text: str = ""

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom field of the location."""
        return self.target.startswith(CUSTOM)

    @property
    def name(self) -> str:
        """The GHL field as people read it."""
        return ghl_label(self.target)


GHL_LABELS: dict[str, str] = {
    "firstName": "First name",
    "lastName": "Last name",
    "name": "Full name",
    "email": "E-mail",
    "phone": "Phone",
    "address1": "Street address",
    "city": "City",
    "state": "State",
    "postalCode": "ZIP code",
    "country": "Country",
    "website": "Website",
    "timezone": "Time zone",
    "source": "Contact source",
    "dateOfBirth": "Date of birth",
    ASSIGNED_TO: "Assigned to",
}
"""GHL's own fields as its pages call them."""


def ghl_label(target: str) -> str:
    """A GHL field as people read it: a custom field's own name, or what GHL calls its own."""
    return target.removeprefix(CUSTOM).strip() if target.startswith(CUSTOM) else GHL_LABELS.get(target, target)


def rows_of(name: str, tables: Mapping[str, Any]) -> tuple[FieldRow, ...]:
    """The rows of the mapping `name` among `[mappings.*]` tables: inherited ones first, in the order in which they are written.

    Tables need not be right: what is no table counts as empty, and a mapping that extends nothing known ends the chain.
    """
    rows: dict[str, FieldRow] = {}
    for layer in reversed(layers_of(name, tables)):
        for target, written in _fields(layer, tables).items():
            key = field_key(target)
            inherited = rows.get(key)
            rows[key] = row_of(target if inherited is None or layer == name else inherited.target, layer, written)
    return tuple(rows.values())


def layers_of(name: str, tables: Mapping[str, Any]) -> list[str]:
    """The mapping and those that it extends, nearest first."""
    layers = [name]
    while True:
        table = _table(layers[-1], tables)
        parent = table.get("extends", DEFAULT if layers[-1] != DEFAULT else False)
        if not isinstance(parent, str) or parent in layers or (parent != DEFAULT and parent not in tables):
            return layers
        layers.append(parent)


def row_of(target: str, of: str, written: Any) -> FieldRow:
    """One field as a row."""
    if written is False:
        return FieldRow(target, of, written, Unmapped())
    options = {"from": written} if isinstance(written, str) else written
    if not isinstance(options, dict):
        return FieldRow(target, of, written, Formula(str(written)), why_text="its value is neither a text nor a table")
    source: Source = Constant(options["value"]) if "value" in options else source_of(str(options.get("from", "")))
    given = options.get("transform", [])
    transforms = tuple(given if isinstance(given, list) else [given])
    choices = options.get("options", [])
    return FieldRow(
        target=target,
        of=of,
        written=written,
        source=source,
        transforms=transforms,
        type=str(options.get("type", "")),
        options=tuple(str(one) for one in choices) if isinstance(choices, list) else (),
        why_text=_why_text(options, source, transforms),
    )


def field_key(target: str) -> str:
    """What two spellings of one GHL field have in common."""
    return CUSTOM + custom_key(target.removeprefix(CUSTOM)) if target.startswith(CUSTOM) else target


def _why_text(options: Mapping[str, Any], source: Source, transforms: Sequence[Any]) -> str:
    others = sorted(set(options) - FORM_KEYS)
    if others:
        return f"it has the key {others[0]}"
    if len(transforms) > MOST_TRANSFORMS:
        return f"it has more than {MOST_TRANSFORMS} changes"
    if isinstance(source, Constant) and not isinstance(source.value, str):
        return "its fixed value is no text"
    if not all(is_shown_whole(one) for one in transforms):
        return "one of its changes cannot be shown in a box"
    return ""


def _fields(name: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = _table(name, tables).get("fields", {})
    return fields if isinstance(fields, dict) else {}


def _table(name: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    table = default_tables() if name == DEFAULT else tables.get(name)
    return table if isinstance(table, dict) else {}
