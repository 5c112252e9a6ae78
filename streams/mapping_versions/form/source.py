"""Where a field's value comes from, as a person chooses it, and as JMESPath. Pure.

    Fields(("stage",))                      stage
    Fields(("birthday", "attribute:Born"))  birthday || (customAttributes[?attributeName=='Born'].value | [0])
    with when=Condition(...)                (stage == 'Hot' && (birthday)) || `null`

An expression is recognised by its syntax tree, so that blanks and kinds of quotes do not matter. What has another shape stays a
`Formula`: nobody's text is rewritten into something that looks alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError

from streams.mapping_versions.form.lofty_fields import LOFTY_FIELDS

ATTRIBUTE = "attribute:"
"""Begins the key of a custom attribute in place of an expression."""

Operator = Literal["is", "is not", "is there", "is missing"]
OPERATORS: tuple[Operator, ...] = ("is", "is not", "is there", "is missing")

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """The value is taken only where this holds. `value` counts for `is` and `is not` alone."""

    field: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """The first of these fields that has a value: expressions of `LOFTY_FIELDS`, plain paths, or `attribute:NAME`."""

    keys: tuple[str, ...]
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """Always this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Unmapped:
    """GHL's value stays as it is."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A JMESPath expression that is none of the choices."""

    text: str


Source = Fields | Constant | Unmapped | Formula


def source_of(expression: str) -> Fields | Formula:
    """What an expression is among the choices."""
    tree = _tree(expression)
    if tree is None:
        return Formula(expression)
    when, body = _condition(tree)
    keys = [_key(node) for node in _alternatives(body)]
    if any(key is None for key in keys):
        return Formula(expression)
    return Fields(tuple(key for key in keys if key is not None), when)


def expression_of(fields: Fields) -> str:
    """A choice as JMESPath. Raises `ValueError` when there is no field in it, or one that cannot be written."""
    if not fields.keys:
        raise ValueError("no field")
    several = len(fields.keys) > 1 or fields.when is not None
    body = " || ".join(_operand(key, is_part=several) for key in fields.keys)
    if fields.when is None:
        return body
    return f"({_test(fields.when)} && ({body})) || `null`"


def label_of(key: str) -> str:
    """A field's name as people read it."""
    if key.startswith(ATTRIBUTE):
        return f"Custom field “{key.removeprefix(ATTRIBUTE)}”"
    return LOFTY_FIELDS.get(key, key)


def words_of(condition: Condition) -> str:
    """A condition as people read it."""
    said = f" “{condition.value}”" if condition.operator in ("is", "is not") else ""
    return f"only where {label_of(condition.field)} {condition.operator}{said}"


def _operand(key: str, *, is_part: bool) -> str:
    if not key.startswith(ATTRIBUTE):
        if _tree(key) is None:
            raise ValueError(f"{key!r} is no field of a Lofty lead")
        return key
    found = f"customAttributes[?attributeName=={_quoted(key.removeprefix(ATTRIBUTE))}].value | [0]"
    return f"({found})" if is_part else found


def _test(when: Condition) -> str:
    field = _operand(when.field, is_part=True)
    if not field.isidentifier() and not field.startswith("("):
        field = f"({field})"  # `!a.b` is `(!a).b`
    match when.operator:
        case "is":
            return f"{field} == {_quoted(when.value)}"
        case "is not":
            return f"{field} != {_quoted(when.value)}"
        case "is there":
            return field
        case "is missing":
            return f"!{field}"


def _quoted(text: str) -> str:
    """A text as a literal of JMESPath: raw quotes where nothing must be escaped, JSON otherwise."""
    if "'" not in text and "\\" not in text:
        return f"'{text}'"
    return "`" + json.dumps(text).replace("`", "\\`") + "`"


@cache
def _catalogue() -> list[tuple[str, Node]]:
    return [(key, tree) for key in LOFTY_FIELDS if (tree := _tree(key)) is not None]


def _key(node: Node) -> str | None:
    name = _attribute(node)
    if name is not None:
        return ATTRIBUTE + name
    return next((key for key, tree in _catalogue() if tree == node), _path(node))


def _path(node: Node) -> str | None:
    """A plain path such as `leadInquiry.id`."""
    match node:
        case {"type": "field", "value": str(name)}:
            return name if name.isidentifier() and name.isascii() else None
        case {"type": "subexpression", "children": children}:
            parts = [_path(child) for child in children]
            return None if None in parts else ".".join(part for part in parts if part is not None)
    return None


def _attribute(node: Node) -> str | None:
    """The name in `customAttributes[?attributeName=='NAME'].value | [0]`."""
    name = next(_literals(node), None)
    if not isinstance(name, str):
        return None
    return name if node == _tree(_operand(ATTRIBUTE + name, is_part=False)) else None


def _literals(node: Node) -> Any:
    if node["type"] == "literal":
        yield node["value"]
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _literals(child)


def _alternatives(node: Node) -> list[Node]:
    if node["type"] != "or_expression":
        return [node]
    return [part for child in node["children"] for part in _alternatives(child)]


def _condition(tree: Node) -> tuple[Condition | None, Node]:
    """The condition of ``(test && (body)) || `null` ``, and its body."""
    match tree:
        case {
            "type": "or_expression",
            "children": [{"type": "and_expression", "children": [test, body]}, {"type": "literal", "value": None}],
        }:
            condition = _test_of(test)
            return (condition, body) if condition is not None else (None, tree)
    return None, tree


def _test_of(node: Node) -> Condition | None:
    match node:
        case {
            "type": "comparator",
            "value": ("eq" | "ne") as sign,
            "children": [left, {"type": "literal", "value": str(value)}],
        }:
            field = _key(left)
            return None if field is None else Condition(field, "is" if sign == "eq" else "is not", value)
        case {"type": "not_expression", "children": [inner]}:
            field = _key(inner)
            return None if field is None else Condition(field, "is missing")
    field = _key(node)
    return None if field is None else Condition(field, "is there")


def _tree(expression: str) -> Node | None:
    try:
        return dict(jmespath.compile(expression).parsed)
    except (JMESPathError, ValueError, RecursionError):
        return None
