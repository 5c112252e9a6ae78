"""The steps behind the transforms: each builder takes the argument from TOML and gives a compiled step.

Builders raise `WrongTerm` for a wrong argument, steps raise `UnreadableValue` for a value that they cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from typing import Any

from connectors.http.json_reader import UnreadableJson, read
from streams.mapping import values as readable
from streams.mapping.errors import WrongTerm, shown
from streams.mapping.locale import Reading
from streams.mapping.values import UnreadableValue

LONGEST_ARGUMENT = 1_000
"""Characters of a text that a transform takes: what is put between or in place of a list's elements is written as often."""
MOST_ARGUMENTS = 500
"""Elements of a list that a transform takes."""

Step = Callable[[Any, Reading], Any]
"""A compiled transform: the value and how it is read in, the new value out. Raises `UnreadableValue`.

What it leaves out of a value that it can read it says in the reading's `notes`.
"""


def unset_step(extra: Iterable[Any] = ()) -> Step:
    """The step that turns Lofty's ways of saying "nothing" into None.

    They are -1, "N/A", the empty string and the empty list; `extra` adds others, such as 0.
    Inside a list only empty texts go: there -1 can be a value, as in `leadTypes`.
    """
    others = list(extra)

    def is_unset(value: Any) -> bool:
        if isinstance(value, str):
            text = value.strip()
            return not text or text.upper() in {"N/A", "-1"} or text in others
        if isinstance(value, bool) or value is None:
            return value is None
        return value in others or (isinstance(value, (int, float)) and value == -1)

    def is_blank(value: Any) -> bool:
        return value is None or (isinstance(value, str) and (not value.strip() or value.strip().upper() == "N/A"))

    def step(value: Any, reading: Reading) -> Any:
        if isinstance(value, list):
            return [element for element in value if not is_blank(element) and element not in others] or None
        if isinstance(value, dict):
            return value or None
        return None if is_unset(value) else value

    return step


def as_text(value: Any) -> str:
    """A scalar as text: true and false as Yes and No, whole numbers without a point. Raises `UnreadableValue`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int):
        if value.bit_length() > 256:
            raise UnreadableValue(value, "text")
        return str(value)
    if isinstance(value, float):
        return str(readable.read_number(value))
    raise UnreadableValue(value, "text")


def _on_each(function: Callable[[Any, Reading], Any]) -> Step:
    """A step over one value, or over each element of a list (unreadable elements of a list are left out, with a note)."""

    def step(value: Any, reading: Reading) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            return function(value, reading)
        kept, problems = [], list[UnreadableValue]()
        for element in value:
            try:
                kept.append(function(element, reading))
            except UnreadableValue as error:
                problems.append(error)
        if problems and not kept:
            raise problems[0]
        reading.notes.extend(map(str, problems))
        return kept

    return step


def first_readable(value: Any, reading: Reading, read: Callable[[Any], str]) -> str | None:
    """The first element that reads; the first one's trouble when none does. The others are noted."""
    if value is None:
        return None
    found: list[str] = []
    problems: list[UnreadableValue] = []
    for element in value if isinstance(value, list) else [value]:
        if element is None or (isinstance(element, str) and not element.strip()):
            continue
        try:
            found.append(read(element))
        except UnreadableValue as error:
            problems.append(error)
    if problems and not found:
        raise problems[0]
    reading.notes.extend(map(str, problems))
    note_more(reading, sum(other != found[0] for other in found))
    return found[0] if found else None


def note_more(reading: Reading, count: int) -> None:
    """Note that a field takes one value, and that so many others were left out."""
    if count > 0:
        reading.notes.append(f"{count} more value{'s' if count > 1 else ''} left out: the field takes one")


def phone(argument: Any) -> Step:
    if argument is not None and not (isinstance(argument, str) and argument in readable.REGIONS):
        raise WrongTerm("a region's two letters, such as US", shown(argument))
    own_region: str | None = argument
    return lambda value, reading: first_readable(
        value, reading, lambda one: readable.read_phone(one, own_region or reading.region)
    )


def email(argument: Any) -> Step:
    return lambda value, reading: first_readable(value, reading, readable.read_email)


def join(argument: Any) -> Step:
    separator = _text_argument("join", argument)

    def step(value: Any, reading: Reading) -> Any:
        if not isinstance(value, list):
            return value
        return separator.join(as_text(element) for element in value if element is not None) or None

    return step


def values(argument: Any) -> Step:
    if not isinstance(argument, dict) or not argument:
        raise WrongTerm("values with a table: Lofty's value = GHL's value", shown(argument))
    for one in argument.values():
        _bounded("values", one)
    table = dict(argument)
    rest = table.pop("*", None)
    has_rest = "*" in argument

    def look_up(value: Any, reading: Reading) -> Any:
        key = ("true" if value else "false") if isinstance(value, bool) else as_text(value)
        return table.get(key, rest if has_rest else value)

    return _on_each(look_up)


def default(argument: Any) -> Step:
    if isinstance(argument, dict):
        raise WrongTerm("default with a text, number or list", "a table")
    _bounded("default", argument)
    return lambda value, reading: argument if value is None else value


def unset(argument: Any) -> Step:
    _bounded("unset", argument)
    return unset_step(argument if isinstance(argument, list) else [] if argument is None else [argument])


def truncate(argument: Any) -> Step:
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < 1:
        raise WrongTerm("truncate with a number of characters", shown(argument))
    return _on_each(lambda value, reading: as_text(value)[:argument])


def first(argument: Any) -> Step:
    return lambda value, reading: (value[0] if value else None) if isinstance(value, list) else value


def split(argument: Any) -> Step:
    if argument is not None and not (isinstance(argument, str) and argument and len(argument) <= 10):
        raise WrongTerm('list with the signs that separate values, such as ";,"', shown(argument))
    return lambda value, reading: as_list(value, argument or "")


def as_list(value: Any, separators: str = "") -> Any:
    """A list: of a JSON list in a text its elements, of another text what `separators` separate."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return read(value.encode("utf-8", "replace")).value
        except UnreadableJson:
            raise UnreadableValue(value, "a list") from None
    if isinstance(value, str) and separators:
        return [part.strip() for part in re.split(f"[{re.escape(separators)}]", value) if part.strip()]
    return value if isinstance(value, list) or value is None else [value]


def options_in(text: str, options: Container[str], most_commas: int) -> list[str]:
    """The values that somebody typed into one box. An option that contains commas, up to `most_commas`, stays whole."""
    found: list[str] = []
    for chunk in re.split(r"[;|\n]", text):
        parts = chunk.split(",")
        begin = 0
        while begin < len(parts):
            ends = range(min(len(parts), begin + most_commas + 1), begin + 1, -1)
            end = next((end for end in ends if ",".join(parts[begin:end]).strip() in options), begin + 1)
            found.append(",".join(parts[begin:end]).strip())
            begin = end
    return [one for one in found if one]


def _text_argument(name: str, argument: Any) -> str:
    if not isinstance(argument, str):
        raise WrongTerm(f"{name} with a text", shown(argument))
    _bounded(name, argument)
    return argument


def _bounded(name: str, argument: Any) -> None:
    """Raises `WrongTerm` for an argument by which a short list would become a huge text."""
    if isinstance(argument, str) and len(argument) > LONGEST_ARGUMENT:
        raise WrongTerm(f"{name} with at most {LONGEST_ARGUMENT} characters", f"{len(argument)}")
    if isinstance(argument, list):
        if len(argument) > MOST_ARGUMENTS:
            raise WrongTerm(f"{name} with at most {MOST_ARGUMENTS} values", f"{len(argument)}")
        for one in argument:
            if isinstance(one, (list, dict)):
                raise WrongTerm(f"{name} with texts and numbers", shown(one))
            _bounded(name, one)


def on_each_value(function: Callable[[Any, Reading], Any]) -> Callable[[Any], Step]:
    return lambda argument: _on_each(function)
