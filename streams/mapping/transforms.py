"""The transforms that a mapping may apply to a Lofty value, as a table of data.

In TOML a transform is its name (`"trim"`) or a small table with its argument (`{join = ", "}`).
Transforms run in order. None passes through all of them but `default`.
Those that work on one value work on each element of a list.
The examples in the table are documentation and tests at once: the command line prints them, a test runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from streams.mapping import readable
from streams.mapping.faults import WrongTerm, did_you_mean, shown
from streams.mapping.readable import Unreadable

Step = Callable[[Any, str], Any]
"""A compiled transform: the value and the connection's region in, the new value out. Raises `Unreadable`."""


@dataclass(frozen=True, slots=True)
class Example:
    """`transform` over `value` gives `result` (region US)."""

    transform: Any
    value: Any
    result: Any


@dataclass(frozen=True, slots=True)
class Transform:
    """One kind of transform. `takes` describes its argument, or is empty when it takes none."""

    name: str
    summary: str
    takes: str
    build: Callable[[Any], Step]
    examples: tuple[Example, ...]
    is_argument_optional: bool = False


def compile_transform(written: Any) -> Step:
    """Compile one transform as it stands in TOML. Raises `WrongTerm`."""
    if isinstance(written, str):
        name, argument, has_argument = written, None, False
    elif isinstance(written, dict) and len(written) == 1:
        ((name, argument),) = written.items()
        has_argument = True
    else:
        raise WrongTerm('a transform: a name such as "trim", or a table with one key', shown(written))
    transform = TRANSFORMS.get(name)
    if transform is None:
        hint = did_you_mean(name, TRANSFORMS) or f"there are {', '.join(TRANSFORMS)}"
        raise WrongTerm("the name of a transform", repr(name), hint)
    if has_argument and not transform.takes:
        raise WrongTerm(f"{name} without an argument", shown(argument), f'write "{name}"')
    if not has_argument and transform.takes and not transform.is_argument_optional:
        raise WrongTerm(f"{name} with {transform.takes}", f'"{name}" alone', f"write {{{name} = …}}")
    return transform.build(argument)


def unset_step(extra: Iterable[Any] = ()) -> Step:
    """The step that turns Lofty's ways of saying "nothing" into None.

    They are -1, "N/A", the empty string and the empty list; `extra` adds others, such as 0.
    Inside a list only empty texts go: there -1 can be a value, as in `leadTypes`.
    """
    others = list(extra)

    def is_unset(value: Any) -> bool:
        if isinstance(value, str):
            text = value.strip()
            return not text or text.upper() in {"N/A", "NULL", "-1"} or text in others
        if isinstance(value, bool) or value is None:
            return value is None
        return value in others or (isinstance(value, (int, float)) and value == -1)

    def is_blank(value: Any) -> bool:
        return value is None or (isinstance(value, str) and (not value.strip() or value.strip().upper() == "N/A"))

    def step(value: Any, region: str) -> Any:
        if isinstance(value, list):
            return [element for element in value if not is_blank(element) and element not in others] or None
        if isinstance(value, dict):
            return value or None
        return None if is_unset(value) else value

    return step


def as_text(value: Any) -> str:
    """A scalar as text: true and false as Yes and No, whole numbers without a point. Raises `Unreadable`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int):
        if value.bit_length() > 256:
            raise Unreadable("a huge number", "text")
        return str(value)
    if isinstance(value, float):
        return str(readable.read_number(value))
    raise Unreadable(f"a {type(value).__name__}", "text")


def _on_each(function: Callable[[Any], Any]) -> Step:
    """A step over one value, or over each element of a list (unreadable elements of a list are left out)."""

    def step(value: Any, region: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            return function(value)
        kept, problem = [], None
        for element in value:
            try:
                kept.append(function(element))
            except Unreadable as error:
                problem = problem or error
        if value and not kept and problem is not None:
            raise problem
        return kept

    return step


def _first_readable(value: Any, read: Callable[[Any], str]) -> str | None:
    """The first element that reads; the first one's trouble when none does."""
    if value is None:
        return None
    problem: Unreadable | None = None
    for element in value if isinstance(value, list) else [value]:
        if element is None or (isinstance(element, str) and not element.strip()):
            continue
        try:
            return read(element)
        except Unreadable as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return None


def _phone(argument: Any) -> Step:
    if argument is not None and argument not in readable.REGIONS:
        raise WrongTerm("a region's two letters, such as US", shown(argument))
    own_region: str | None = argument
    return lambda value, region: _first_readable(value, lambda one: readable.read_phone(one, own_region or region))


def _email(argument: Any) -> Step:
    return lambda value, region: _first_readable(value, readable.read_email)


def _join(argument: Any) -> Step:
    separator = _text_argument("join", argument)

    def step(value: Any, region: str) -> Any:
        if not isinstance(value, list):
            return value
        return separator.join(as_text(element) for element in value if element is not None) or None

    return step


def _values(argument: Any) -> Step:
    if not isinstance(argument, dict) or not argument:
        raise WrongTerm("values with a table: Lofty's value = GHL's value", shown(argument))
    table = dict(argument)
    rest = table.pop("*", None)
    has_rest = "*" in argument

    def look_up(value: Any) -> Any:
        key = ("true" if value else "false") if isinstance(value, bool) else as_text(value)
        return table.get(key, rest if has_rest else value)

    return _on_each(look_up)


def _default(argument: Any) -> Step:
    if isinstance(argument, dict):
        raise WrongTerm("default with a text, number or list", "a table")
    return lambda value, region: argument if value is None else value


def _unset(argument: Any) -> Step:
    return unset_step(argument if isinstance(argument, list) else [] if argument is None else [argument])


def _truncate(argument: Any) -> Step:
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < 1:
        raise WrongTerm("truncate with a number of characters", shown(argument))
    return _on_each(lambda value: as_text(value)[:argument])


def _first(argument: Any) -> Step:
    return lambda value, region: (value[0] if value else None) if isinstance(value, list) else value


def _list(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Unreadable(value, "a list") from None
    return value if isinstance(value, list) or value is None else [value]


def _text_argument(name: str, argument: Any) -> str:
    if not isinstance(argument, str):
        raise WrongTerm(f"{name} with a text", shown(argument))
    return argument


def _plain(function: Callable[[Any], Any]) -> Callable[[Any], Step]:
    return lambda argument: _on_each(function)


TRANSFORMS: dict[str, Transform] = {
    transform.name: transform
    for transform in (
        Transform(
            "trim",
            "Without white space at both ends.",
            "",
            _plain(lambda value: as_text(value).strip()),
            (Example("trim", "  Jane ", "Jane"), Example("trim", [" a", "b "], ["a", "b"])),
        ),
        Transform(
            "lower",
            "In lower case.",
            "",
            _plain(lambda value: as_text(value).lower()),
            (Example("lower", "New Leads", "new leads"),),
        ),
        Transform(
            "upper",
            "In upper case.",
            "",
            _plain(lambda value: as_text(value).upper()),
            (Example("upper", "tx", "TX"),),
        ),
        Transform(
            "phone",
            "E.164, read in the connection's region or the one given; of a list, the first that can be read.",
            "a region's two letters",
            _phone,
            (
                Example("phone", "(512) 555-0134", "+15125550134"),
                Example("phone", ["ask Bob", "512.555.0134"], "+15125550134"),
                Example({"phone": "GB"}, "020 7946 0958", "+442079460958"),
            ),
            is_argument_optional=True,
        ),
        Transform(
            "email",
            "A valid e-mail address in lower case; of a list, the first that is one.",
            "",
            _email,
            (Example("email", ["n/a", " Jane@Example.com"], "jane@example.com"),),
        ),
        Transform(
            "date",
            "YYYY-MM-DD (UTC), from every form in which Lofty writes times.",
            "",
            _plain(readable.read_date),
            (
                Example("date", "2026-04-30T17:33:32GMT", "2026-04-30"),
                Example("date", "Sep 5, 1990", "1990-09-05"),
                Example("date", 1736935860000, "2025-01-15"),
            ),
        ),
        Transform(
            "number",
            "A number, also from texts such as $1,250.50.",
            "",
            _plain(readable.read_number),
            (Example("number", "$1,250.50", 1250.5), Example("number", "3.0", 3)),
        ),
        Transform(
            "join",
            "The elements of a list as one text.",
            "the separator",
            _join,
            (Example({"join": ", "}, ["Austin", "Round Rock"], "Austin, Round Rock"),),
        ),
        Transform(
            "list",
            "A list, from Lofty's multi-selects, which are JSON lists inside a text.",
            "",
            lambda argument: lambda value, region: _list(value),
            (Example("list", '["Pool", "Garage"]', ["Pool", "Garage"]), Example("list", "Pool", ["Pool"])),
        ),
        Transform(
            "first",
            "The first element of a list.",
            "",
            _first,
            (Example("first", ["a", "b"], "a"), Example("first", [], None)),
        ),
        Transform(
            "values",
            "GHL's value for each of Lofty's; others pass, or become the value of \"*\".",
            "a table: Lofty's value = GHL's value",
            _values,
            (
                Example({"values": {"Hot": "hot lead"}}, "Hot", "hot lead"),
                Example({"values": {"Hot": "hot lead"}}, "Cold", "Cold"),
                Example({"values": {"1": "Seller", "2": "Buyer", "*": "Other"}}, [2, 9], ["Buyer", "Other"]),
            ),
        ),
        Transform(
            "default",
            "This value where Lofty has none.",
            "the value",
            _default,
            (Example({"default": "unknown"}, None, "unknown"), Example({"default": "unknown"}, "a", "a")),
        ),
        Transform(
            "unset",
            'Nothing, where Lofty says -1, "N/A" or ""; and where it says one of the values given.',
            "a list of more values that mean nothing",
            _unset,
            (Example("unset", -1, None), Example("unset", "N/A", None), Example({"unset": [0]}, 0, None)),
            is_argument_optional=True,
        ),
        Transform(
            "truncate",
            "The first so many characters.",
            "a number of characters",
            _truncate,
            (Example({"truncate": 4}, "Austin", "Aust"),),
        ),
    )
}
