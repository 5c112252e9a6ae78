"""The form of one field of a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from streams.console.errors import Fault
from streams.console.pages.views.mapping_view import LeadPreview
from streams.console.pages.views.mapping_words import CHANGES, value_of
from streams.console.pages.views.new_fields import TYPES
from streams.console.services.mapping_table import LeadExample
from streams.mapping.ghl_fields import ASSIGNED_TO, STANDARD
from streams.mapping.transforms import TRANSFORMS
from streams.mapping_versions.form.arguments import argument_text, parts_of
from streams.mapping_versions.form.lofty_fields import LOFTY_FIELDS, attribute_names
from streams.mapping_versions.form.rows import MOST_TRANSFORMS, FieldRow, field_key, ghl_label
from streams.mapping_versions.form.source import (
    ATTRIBUTE,
    Constant,
    Fields,
    Formula,
    Source,
    Unmapped,
    expression_of,
    label_of,
)
from streams.mapping_versions.problems import TextProblem

MOST_FIELDS = 3
"""The form offers so many fields of which the first with a value counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list: its value, its words, and whether it is chosen."""

    value: str
    words: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class ChangeBox:
    """One change of the value: which, and its box."""

    name: str
    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class FieldFormView:
    """The form of one GHL field. `target` is empty for a new one.

    `seen` marks the field as it was when the form was filled. `confirm` are the custom fields that saving creates in GHL.
    """

    name: str
    target: str
    title: str
    connection: str
    take: str
    standard: tuple[Choice, ...]
    custom: str
    known_custom: tuple[str, ...]
    fields: tuple[tuple[tuple[str, tuple[Choice, ...]], ...], ...]
    value: str
    formula: str
    when_fields: tuple[tuple[str, tuple[Choice, ...]], ...]
    when_operator: str
    when_value: str
    changes: tuple[ChangeBox, ...]
    types: tuple[Choice, ...]
    options: str
    seen: str
    of: str
    is_own: bool
    has_example: bool
    why_text: str = ""
    problem: str = ""
    faults: tuple[TextProblem | Fault, ...] = ()
    confirm: tuple[str, ...] = ()
    previews: tuple[LeadPreview, ...] = ()
    preview_problem: str = ""


@dataclass(frozen=True, slots=True)
class FieldInput:
    """What the form of a field holds, as texts."""

    standard: str = ""
    custom: str = ""
    take: str = "fields"
    keys: tuple[str, ...] = ()
    value: str = ""
    formula: str = ""
    when_field: str = ""
    when_operator: str = "is"
    when_value: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    type: str = ""
    options: str = ""


def mark(row: FieldRow | None) -> str:
    """What distinguishes a field's state from another: a form that was filled from an older one is noticed."""
    written = [None] if row is None else [row.of, row.written]
    return blake2b(orjson.dumps(written, default=str), digest_size=8).hexdigest()


def input_of(row: FieldRow) -> FieldInput:
    """The form filled from a row."""
    source, when = row.source, row.source.when if isinstance(row.source, Fields) else None
    take = {Fields: "fields", Constant: "constant", Unmapped: "unmapped", Formula: "formula"}[type(source)]
    return FieldInput(
        take=take,
        keys=source.keys if isinstance(source, Fields) else (),
        value=str(source.value) if isinstance(source, Constant) else "",
        formula=_formula(source),
        when_field=when.field if when else "",
        when_operator=when.operator if when else "is",
        when_value=when.value if when else "",
        changes=tuple((name, argument_text(name, argument)) for name, argument in map(parts_of, row.transforms)),
        type=row.type,
        options="\n".join(row.options),
    )


def field_form(
    name: str,
    row: FieldRow | None,
    examples: Sequence[LeadExample],
    choice: FieldInput | None = None,
    connection: str = "",
    known_custom: tuple[str, ...] = (),
) -> FieldFormView:
    """The form of a field, filled from `choice`, otherwise from its row; without a row, that of a new field."""
    choice = choice or (input_of(row) if row is not None else FieldInput())
    keys = [*choice.keys, *[""] * MOST_FIELDS][: max(MOST_FIELDS, len(choice.keys))]
    return FieldFormView(
        name=name,
        target=row.target if row is not None else "",
        title=row.name if row is not None else "New field",
        connection=connection,
        take=choice.take,
        standard=standard_choices(choice.standard),
        custom=choice.custom,
        known_custom=known_custom,
        fields=tuple(lofty_choices(key, examples) for key in keys),
        value=choice.value,
        formula=choice.formula,
        when_fields=lofty_choices(choice.when_field, examples),
        when_operator=choice.when_operator,
        when_value=choice.when_value,
        changes=change_boxes(choice.changes),
        types=type_choices(choice.type),
        options=choice.options,
        seen=mark(row),
        of=row.of if row is not None else name,
        is_own=row is not None and row.of == name,
        has_example=bool(examples),
        why_text=row.why_text if row is not None else "",
    )


def lofty_choices(chosen: str, examples: Sequence[LeadExample]) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """The fields of a Lofty lead in groups, each with an example of its value."""
    names = attribute_names([dict(one.state) for one in examples])
    attributes = [ATTRIBUTE + one for one in names]
    groups = [("Lofty fields", list(LOFTY_FIELDS)), ("Custom fields of Lofty", attributes)]
    if chosen and chosen not in LOFTY_FIELDS and chosen not in attributes:
        groups.append(("Other", [chosen]))
    example = examples[0] if examples else None
    return tuple(
        (title, tuple(Choice(key, _with_example(key, example), key == chosen) for key in keys))
        for title, keys in groups
        if keys
    )


def change_boxes(changes: Sequence[tuple[str, str]]) -> tuple[ChangeBox, ...]:
    """The changes that are there, and one more; at most as many as the form has."""
    shown_boxes = [*changes, ("", "")][:MOST_TRANSFORMS]
    return tuple(
        ChangeBox(name, text, tuple(Choice(one, CHANGES.get(one, one), one == name) for one in TRANSFORMS))
        for name, text in shown_boxes
    )


def standard_choices(chosen: str) -> tuple[Choice, ...]:
    """GHL's own fields."""
    return tuple(Choice(one, ghl_label(one), one == chosen) for one in (*STANDARD, ASSIGNED_TO))


def type_choices(chosen: str) -> tuple[Choice, ...]:
    """The kinds of custom fields."""
    return tuple(Choice(one, words, one == (chosen or "TEXT")) for one, words in TYPES.items())


def only_field(previews: Iterable[LeadPreview], target: str) -> tuple[LeadPreview, ...]:
    """Previews of one field alone."""
    name = target.partition(":")[2] if ":" in target else target
    wanted = {name, field_key(target)}
    return tuple(
        LeadPreview(
            name=one.name,
            lead=one.lead,
            connection=one.connection,
            href=one.href,
            fields=tuple(each for each in one.fields if each.ghl_field in wanted),
            changed=sum(each.is_changed for each in one.fields if each.ghl_field in wanted),
            problem=one.problem,
        )
        for one in previews
    )


def _formula(source: Source) -> str:
    match source:
        case Formula():
            return source.text
        case Fields():
            return expression_of(source)
    return ""


def _with_example(key: str, example: LeadExample | None) -> str:
    found = value_of(Fields((key,)), example) if example else ""
    return f"{label_of(key)} — {found[:40]}" if found else label_of(key)
