"""What each field of a model means, its unit and an example.

The meaning are the sentences of the model's docstring, or of its bases', that name the field in backticks. The unit is in the
field's name. The example is what the samples of the contract have. So no second table can say something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from inspect import cleandoc
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

DURATIONS = ("interval_ms", "took_ms", "slots_ms")
UNITS: Mapping[str, str] = {"_ms": "epoch milliseconds", "_seconds": "seconds", "_bytes": "bytes", "_size": "bytes"}
"""What the end of a name says."""

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z`(])")
_BULLET = re.compile(r"^`([^`]+)`(?:, `[^`]+`)*: ")


def unit_of(name: str) -> str:
    """The unit that a field's name carries; empty for none."""
    if name.endswith(DURATIONS):
        return "milliseconds"
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


@cache
def meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """The sentences about each field, by its name; empty where the docstring does not name it."""
    found: dict[str, str] = {}
    for name in model.model_fields:
        for one in model.__mro__:
            if issubclass(one, BaseModel) and one is not BaseModel:
                said = [text for text in _sentences(one) if _names(text, name)]
                if said:
                    found[name] = " ".join(said)
                    break
    return found


@cache
def value_meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """What the docstring's list says of values, by the value."""
    found: dict[str, str] = {}
    for block in _blocks(model):
        if block.startswith("- ") and (head := _BULLET.match(block[2:])):
            values = re.findall(r"`([^`]+)`", head[0])
            found |= {value: block[2 + head.end() :] for value in values}
    return found


def values_of(annotation: Any) -> tuple[str, ...]:
    """The values that a field's type allows, where it lists them."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(value for one in get_args(annotation) for value in values_of(one))
    return ()


def models_in(model: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    """The model and all models inside of it, each once."""
    found: dict[type[BaseModel], None] = {}

    def look(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in found:
                found[annotation] = None
                for field in annotation.model_fields.values():
                    look(field.annotation)
        else:
            for one in get_args(annotation):
                look(one)

    look(model)
    return tuple(found)


def examples(samples: Iterable[BaseModel]) -> dict[type[BaseModel], dict[str, Any]]:
    """The first value of each field that is not empty, by model; the first at all where all are."""
    found: dict[type[BaseModel], dict[str, Any]] = {}
    for one in (inner for sample in samples for inner in _instances(sample)):
        known = found.setdefault(type(one), {})
        for name, value in one.model_dump(mode="json").items():
            if name not in known or is_empty(known[name]):
                known[name] = value
    return found


def is_empty(value: Any) -> bool:
    """Whether a value shows nothing of what may be there. False and 0 do."""
    return value is None or value == "" or value == [] or value == {}


def _instances(value: Any) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _instances(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _instances(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _instances(one)


def _blocks(model: type[BaseModel]) -> Iterator[str]:
    """Paragraphs and the points of lists, each in one line."""
    block = ""
    for line in cleandoc(model.__doc__ or "").splitlines():
        if not line.strip() or line.startswith("- "):
            if block:
                yield block
            block = line.strip()
        else:
            block = f"{block} {line.strip()}".strip()
    if block:
        yield block


def _sentences(model: type[BaseModel]) -> Iterator[str]:
    for block in _blocks(model):
        text = block
        if block.startswith("- ") and (head := _BULLET.match(block[2:])):
            text = block[2 + head.end() :]
        yield from _SENTENCE.split(text)


def _names(sentence: str, field: str) -> bool:
    """Whether a sentence has the field in backticks; `quota_*` are all that begin so."""
    for name in re.findall(r"`([^`]+)`", sentence):
        if name == field or (name.endswith("*") and field.startswith(name[:-1])):
            return True
    return False
