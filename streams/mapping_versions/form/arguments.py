"""A transform's argument as the text of one box, and back. Pure.

    values    one line each: Lofty's value = GHL's value
    unset     values with commas between them
    others    the text itself

A box that nobody changed gives its argument back as it was: numbers stay numbers, and nothing is lost.
"""

from __future__ import annotations

from typing import Any

from streams.mapping.transforms import TRANSFORMS


class WrongArgument(ValueError):
    """A text that is no argument of this transform; the message says what was expected."""


def argument_text(name: str, argument: Any) -> str:
    """What the box of a transform shows; "" for a transform without an argument."""
    if argument is None:
        return ""
    if name == "values" and isinstance(argument, dict):
        return "\n".join(f"{lofty} = {_text(ghl)}" for lofty, ghl in argument.items())
    if isinstance(argument, list):
        return ", ".join(_text(one) for one in argument)
    return _text(argument)


def transform_of(name: str, text: str, before: Any = None) -> Any:
    """The transform as TOML holds it: a name, or a table with its argument.

    `before` is the transform that the box was filled from. Raises `WrongArgument`.
    """
    transform = TRANSFORMS.get(name)
    if transform is None:
        raise WrongArgument(f"There is no change called {name!r}. Choose one of: {', '.join(TRANSFORMS)}.")
    text = text.replace("\r\n", "\n")
    kept_name, kept = parts_of(before) if before is not None else ("", None)
    if kept_name == name and argument_text(name, kept) == text:
        return before
    if not transform.takes:
        if text.strip():
            raise WrongArgument(f"“{name}” takes nothing in its box; found {text.strip()[:40]!r}.")
        return name
    if not text.strip(" \t\n") and name not in ("join", "default"):
        if transform.is_argument_optional:
            return name
        raise WrongArgument(f"“{name}” needs {transform.takes} in its box.")
    return {name: _argument(name, text, kept if kept_name == name else None)}


def is_shown_whole(transform: Any) -> bool:
    """Whether a box can show this transform without loss: a separator that is a line end, or a key with `=` in it, cannot be."""
    name, argument = parts_of(transform)
    if argument is None:
        return True
    try:
        rebuilt = transform_of(name, argument_text(name, argument))
    except WrongArgument:
        return False
    is_same: bool = _as_texts(parts_of(rebuilt)[1]) == _as_texts(argument)
    return is_same


def parts_of(transform: Any) -> tuple[str, Any]:
    """A transform's name and argument."""
    if isinstance(transform, dict) and len(transform) == 1:
        ((name, argument),) = transform.items()
        return str(name), argument
    return str(transform), None


def _argument(name: str, text: str, kept: Any) -> Any:
    match name:
        case "values":
            return _table(text, kept if isinstance(kept, dict) else {})
        case "unset":
            return [_scalar(one.strip()) for one in text.split(",") if one.strip()]
        case "truncate":
            if not text.strip().isdecimal():
                raise WrongArgument(f"“truncate” needs a number of characters in its box; found {text.strip()[:40]!r}.")
            return int(text)
        case "phone":
            return text.strip().upper()
    return text.strip("\n")


def _table(text: str, kept: dict[str, Any]) -> dict[str, Any]:
    """The table of the lines. A value that was a number and still reads the same stays one."""
    table: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        left, sign, right = line.partition(" = ") if " = " in line else line.partition("=")
        lofty, ghl = left.strip(), right.strip()
        if not sign or not lofty:
            raise WrongArgument(
                f"Line {number} of “values” must be: Lofty's value = GHL's value; found {line.strip()[:40]!r}."
            )
        if lofty in table:
            raise WrongArgument(f"Line {number} of “values” names {lofty!r} a second time.")
        table[lofty] = kept[lofty] if lofty in kept and _text(kept[lofty]) == ghl else ghl
    return table


def _as_texts(argument: Any) -> Any:
    """An argument with each of its values as text."""
    if isinstance(argument, dict):
        return {key: _text(value) for key, value in argument.items()}
    return [_text(one) for one in argument] if isinstance(argument, list) else _text(argument)


def _scalar(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
