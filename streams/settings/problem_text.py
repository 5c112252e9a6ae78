"""From pydantic's errors to problems: the location, what was expected, what came, and a hint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from streams.mapping.errors import did_you_mean, shown
from streams.settings.problems import Problem
from streams.settings.toml_lines import Path, line_of

_TYPES: dict[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
}


def dotted(path: tuple[str, ...]) -> str:
    """A path as TOML writes it, with quotes where a key needs them."""
    return ".".join(
        key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else f'"{key}"' for key in path
    )


def explain(
    error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...], lines: Mapping[Path, int]
) -> list[Problem]:
    """Every problem in a validation of the table at `prefix`."""
    return [_problem(detail, model, prefix, lines) for detail in error.errors(include_url=False, include_context=True)]


def _problem(
    detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...], lines: Mapping[Path, int]
) -> Problem:
    inner = tuple(str(part) for part in detail["loc"])
    path = (*prefix, *inner)
    line = line_of(lines, path)
    table = _model_at(model, inner[:-1])
    if detail["type"] == "extra_forbidden":
        known = _keys(table) if table else ()
        hint = did_you_mean(inner[-1], known)
        return Problem(line, dotted(path), f"one of {', '.join(known)}", "an unknown key", hint)
    field = _field(table, inner[-1]) if table and inner else None
    if detail["type"] == "missing":
        expected = (field.description if field else None) or "a value"
        return Problem(line, dotted(path), expected, "nothing", f"add {inner[-1]} to [{dotted(path[:-1])}]")
    expected, hint = _wanted(detail, field)
    is_secret = field is not None and field.annotation is SecretStr
    got = "another text (not shown)" if is_secret else _got(detail["input"])
    return Problem(line, dotted(path), expected, got, hint)


def _got(value: Any) -> str:
    """The value, unless it is an address with credentials in it."""
    return "an address (not shown)" if isinstance(value, str) and "@" in value and "//" in value else shown(value)


def _wanted(detail: ErrorDetails, field: FieldInfo | None) -> tuple[str, str]:
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "wrong":
        return str(context["expected"]), str(context.get("hint", ""))
    if kind == "literal_error":
        options = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"one of {', '.join(options)}", did_you_mean(value, options) if isinstance(value, str) else ""
    described = field.description if field else None
    if kind in _TYPES:
        is_list = kind in ("tuple_type", "list_type")
        return _TYPES[kind] if is_list else described or _TYPES[kind], _quotes(kind, value)
    if kind in {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}:
        bound = next(iter(context.values()))
        words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}[next(iter(context))]
        return f"a number of {words} {bound}", ""
    if kind == "string_pattern_mismatch":
        return "small letters, digits, dashes and underscores", ""
    if kind == "string_too_short":
        return "a text that is not empty", ""
    return described or str(detail["msg"]), ""


def _quotes(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'put it in quotes: "{value}"'
    if kind == "tuple_type" and isinstance(value, str):
        return f'write a list: ["{value}"]'
    is_number = kind in {"int_type", "float_type"} and isinstance(value, str) and value.strip().isdigit()
    is_switch = kind == "bool_type" and isinstance(value, str) and value.lower() in {"true", "false"}
    if is_number or is_switch:
        return f"write it without quotes: {str(value).strip().lower()}"
    return ""


def _model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] = model
    for key in path:
        if key.isdigit():
            continue  # an element of a list of tables
        field = _field(current, key)
        inner = _table_of(field.annotation) if field is not None else None
        if inner is None:
            return None
        current = inner
    return current


def _table_of(annotation: Any) -> type[BaseModel] | None:
    """The table that an annotation is, or of which it is a list or an option."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((one for name, one in model.model_fields.items() if key in (name, one.alias)), None)


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(one.alias or name for name, one in model.model_fields.items())
