"""The custom fields that saving a mapping creates in GHL, as pages ask about them."""

from __future__ import annotations

from streams.console.services.mapping_table import Effects

TYPES: dict[str, str] = {
    "TEXT": "Text, one line",
    "LARGE_TEXT": "Text, several lines",
    "NUMERICAL": "Number",
    "MONETORY": "Money",
    "PHONE": "Telephone",
    "DATE": "Date",
    "SINGLE_OPTIONS": "One option of a list",
    "RADIO": "One option, as radio buttons",
    "MULTIPLE_OPTIONS": "Several options of a list",
    "CHECKBOX": "Several options, as checkboxes",
}
"""The kinds of custom fields in words."""


def new_field_words(effects: Effects) -> tuple[str, ...]:
    """Each new field once, with the connections in whose locations it is new; then where that is not known."""
    unknown = (f"{effects.trouble} Those that it lacks are created.",) if effects.trouble else ()
    by_field: dict[tuple[str, str, str], list[str]] = {}
    for one in effects.new_fields:
        by_field.setdefault((one.name, one.type, one.hint), []).append(one.connection)
    known = (
        f"“{name}” ({TYPES.get(kind, kind)}) in the location of {', '.join(connections)}."
        + (f" {hint[:1].upper()}{hint[1:]}" if hint else "")
        for (name, kind, hint), connections in by_field.items()
    )
    return (*known, *unknown)
