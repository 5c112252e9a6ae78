"""What the form of a field says, as a change of the mapping's text. Pure."""

from __future__ import annotations

from streams.console.pages.layout import Form
from streams.console.pages.views.mapping_field_view import FieldInput
from streams.mapping.compile import CUSTOM
from streams.mapping_versions.form.arguments import transform_of
from streams.mapping_versions.form.edit import with_field, written_of
from streams.mapping_versions.form.rows import FieldRow
from streams.mapping_versions.form.source import (
    OPERATORS,
    Condition,
    Constant,
    Fields,
    Formula,
    Operator,
    Source,
    Unmapped,
)


def input_of_form(form: Form) -> FieldInput:
    """What a form holds."""
    indexes = range(1, 21)
    return FieldInput(
        standard=form.get("standard", ""),
        custom=form.get("custom", ""),
        take=form.get("take", "fields"),
        keys=tuple(form[f"lofty{index}"] for index in indexes if form.get(f"lofty{index}")),
        value=form.get("value", ""),
        formula=form.get("formula", "").strip(),
        when_field=form.get("when_field", ""),
        when_operator=form.get("when_operator", "is"),
        when_value=form.get("when_value", ""),
        changes=tuple((form[f"change{i}"], form.get(f"with{i}", "")) for i in indexes if form.get(f"change{i}")),
        type=form.get("type", ""),
        options=form.get("options", "").replace("\r\n", "\n"),
    )


def text_with(text: str, name: str, target: str, row: FieldRow | None, choice: FieldInput) -> str:
    """The text of the mapping `name` with what was chosen for a field. Raises `ValueError` with what to do about a choice that is none."""
    before = row.transforms if row is not None else ()
    changes = [
        transform_of(change, box, before[index] if index < len(before) else None)
        for index, (change, box) in enumerate(choice.changes)
    ]
    is_custom = target.startswith(CUSTOM)
    options = [one.strip() for one in choice.options.split("\n") if one.strip()] if is_custom else []
    kind = choice.type if is_custom and choice.type != "TEXT" else ""
    written = written_of(_source(choice), changes, kind, options, row.written if row is not None else None)
    return with_field(text, name, target, written)


def _source(choice: FieldInput) -> Source:
    """Where the value comes from. Raises `ValueError` with what to choose."""
    match choice.take:
        case "constant":
            if not choice.value.strip():
                raise ValueError("Write the fixed value, or choose another source.")
            return Constant(choice.value.strip())
        case "unmapped":
            return Unmapped()
        case "formula":
            if not choice.formula:
                raise ValueError("Write the formula, or choose another source.")
            return Formula(choice.formula)
    if not choice.keys:
        raise ValueError("Choose a field of Lofty, or another source.")
    operator: Operator = next((one for one in OPERATORS if one == choice.when_operator), "is")
    value = choice.when_value.strip()
    if choice.when_field and operator in ("is", "is not") and not value:
        raise ValueError("Write the value that the condition compares with, or choose “is there” or “is missing”.")
    when = Condition(choice.when_field, operator, value) if choice.when_field else None
    return Fields(choice.keys, when)
