"""Where a field's value comes from and what is done with it, in plain words, with an example of the value."""

from __future__ import annotations

from typing import Any

from streams.console.pages.views.mapping_view import shown
from streams.console.services.mapping_table import LeadExample
from streams.mapping.cost import ExpressionTooCostly
from streams.mapping.expression import compile_expression
from streams.mapping.locale import Reading
from streams.mapping.steps import unset_step
from streams.mapping_versions.form.arguments import argument_text, parts_of
from streams.mapping_versions.form.source import (
    Constant,
    Fields,
    Formula,
    Source,
    expression_of,
    label_of,
    words_of,
)

CHANGES: dict[str, str] = {
    "trim": "Remove blanks at both ends",
    "lower": "Small letters",
    "upper": "Capital letters",
    "phone": "Telephone number",
    "email": "E-mail address",
    "date": "Date",
    "number": "Number",
    "join": "Join a list into one text",
    "list": "Split into a list",
    "first": "First of a list",
    "values": "Replace values",
    "default": "If there is none, use",
    "unset": "Treat as empty",
    "truncate": "Cut after so many characters",
}


def source_words(source: Source) -> str:
    """Where a value comes from, as people read it."""
    match source:
        case Fields():
            words = ", otherwise ".join(label_of(key) for key in source.keys)
            return f"{words}, {words_of(source.when)}" if source.when else words
        case Constant():
            return f"always “{shown(source.value)}”"
        case Formula():
            return source.text
    return "not filled: what GHL holds stays"


def change_words(transform: Any) -> str:
    """A change of a value, as people read it."""
    name, argument = parts_of(transform)
    words = CHANGES.get(name, name)
    text = argument_text(name, argument).replace("\n", "; ")
    return f"{words}: {text}" if text else words


def value_of(source: Source, example: LeadExample) -> str:
    """Lofty's value in an example, "" for Lofty's ways to say that there is none.

    Formulas are not read here: only a process of their own may run them.
    """
    if not isinstance(source, Fields):
        return ""
    try:
        return shown(unset_step()(compile_expression(expression_of(source)).read(example.state), Reading()))
    except (ValueError, TypeError, LookupError, ExpressionTooCostly):
        return ""
