"""The transforms that a mapping may apply to a Lofty value, as a table of data.

In TOML a transform is its name (`"trim"`) or a small table with its argument (`{join = ", "}`).
Transforms run in order. None passes through all of them but `default`.
Those that work on one value work on each element of a list.
The examples in the table are documentation and tests at once: the command line prints them, a test runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.mapping import steps
from streams.mapping import values as readable
from streams.mapping.errors import WrongTerm, did_you_mean, shown
from streams.mapping.steps import Step


@dataclass(frozen=True, slots=True)
class TransformExample:
    """`transform` over `value` gives `result` (region US, times in UTC)."""

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
    examples: tuple[TransformExample, ...]
    is_argument_optional: bool = False


def compile_transform(written: Any) -> Step:
    """Compile one transform from TOML. Raises `WrongTerm`."""
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


TRANSFORMS: dict[str, Transform] = {
    transform.name: transform
    for transform in (
        Transform(
            "trim",
            "Without white space at both ends.",
            "",
            steps.on_each_value(lambda value, reading: steps.as_text(value).strip()),
            (TransformExample("trim", "  Jane ", "Jane"), TransformExample("trim", [" a", "b "], ["a", "b"])),
        ),
        Transform(
            "lower",
            "In lower case.",
            "",
            steps.on_each_value(lambda value, reading: steps.as_text(value).lower()),
            (TransformExample("lower", "New Leads", "new leads"),),
        ),
        Transform(
            "upper",
            "In upper case.",
            "",
            steps.on_each_value(lambda value, reading: steps.as_text(value).upper()),
            (TransformExample("upper", "tx", "TX"),),
        ),
        Transform(
            "phone",
            "E.164, read in the connection's region or the one given; of a list, the first that can be read.",
            "a region's two letters",
            steps.phone,
            (
                TransformExample("phone", "(512) 555-0134", "+15125550134"),
                TransformExample("phone", ["ask Bob", "512.555.0134"], "+15125550134"),
                TransformExample({"phone": "GB"}, "020 7946 0958", "+442079460958"),
            ),
            is_argument_optional=True,
        ),
        Transform(
            "email",
            "A valid e-mail address in lower case; of a list, the first that is one.",
            "",
            steps.email,
            (TransformExample("email", ["n/a", " Jane@Example.com"], "jane@example.com"),),
        ),
        Transform(
            "date",
            "YYYY-MM-DD, the day in the connection's time zone, from every form in which Lofty writes times.",
            "",
            steps.on_each_value(lambda value, reading: readable.read_date(value, reading.locale)),
            (
                TransformExample("date", "2026-04-30T17:33:32GMT", "2026-04-30"),
                TransformExample("date", "Sep 5, 1990", "1990-09-05"),
                TransformExample("date", 1736935860000, "2025-01-15"),
            ),
        ),
        Transform(
            "number",
            "A number, also from texts such as $1,250.50 and 1.250,50 €; the connection's locale decides what 1.234 is.",
            "",
            steps.on_each_value(lambda value, reading: readable.read_number(value, reading.locale)),
            (
                TransformExample("number", "$1,250.50", 1250.5),
                TransformExample("number", "3.0", 3),
                TransformExample("number", "1.250,50 €", 1250.5),
            ),
        ),
        Transform(
            "join",
            "The elements of a list as one text.",
            "the separator",
            steps.join,
            (TransformExample({"join": ", "}, ["Austin", "Round Rock"], "Austin, Round Rock"),),
        ),
        Transform(
            "list",
            "A list, from Lofty's multi-selects, which are JSON lists inside a text; of another text, what the signs separate.",
            "the signs that separate values",
            steps.split,
            (
                TransformExample("list", '["Pool", "Garage"]', ["Pool", "Garage"]),
                TransformExample("list", "Pool", ["Pool"]),
                TransformExample({"list": ",;"}, "Pool, Garage; Garden", ["Pool", "Garage", "Garden"]),
            ),
            is_argument_optional=True,
        ),
        Transform(
            "first",
            "The first element of a list.",
            "",
            steps.first,
            (TransformExample("first", ["a", "b"], "a"), TransformExample("first", [], None)),
        ),
        Transform(
            "values",
            "GHL's value for each of Lofty's; others pass, or become the value of \"*\".",
            "a table: Lofty's value = GHL's value",
            steps.values,
            (
                TransformExample({"values": {"Hot": "hot lead"}}, "Hot", "hot lead"),
                TransformExample({"values": {"Hot": "hot lead"}}, "Cold", "Cold"),
                TransformExample({"values": {"1": "Seller", "2": "Buyer", "*": "Other"}}, [2, 9], ["Buyer", "Other"]),
            ),
        ),
        Transform(
            "default",
            "This value where Lofty has none.",
            "the value",
            steps.default,
            (
                TransformExample({"default": "unknown"}, None, "unknown"),
                TransformExample({"default": "unknown"}, "a", "a"),
            ),
        ),
        Transform(
            "unset",
            'Nothing, where Lofty says -1, "N/A" or ""; and where it says one of the values given.',
            "a list of more values that mean nothing",
            steps.unset,
            (
                TransformExample("unset", -1, None),
                TransformExample("unset", "N/A", None),
                TransformExample({"unset": [0]}, 0, None),
            ),
            is_argument_optional=True,
        ),
        Transform(
            "truncate",
            "The first so many characters.",
            "a number of characters",
            steps.truncate,
            (TransformExample({"truncate": 4}, "Austin", "Aust"),),
        ),
    )
}
