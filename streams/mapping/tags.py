"""Tags: which of Lofty's go to GHL, under which name, and which tags there are ours.

GHL keeps tags in lower case, so everything here is in lower case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any

from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from streams.mapping.errors import WrongTerm
from streams.mapping.expression import Expression, compile_expression
from streams.mapping.ghl_fields import clean
from streams.mapping.steps import as_text
from streams.mapping.values import UnreadableValue

LOFTY_TAGS = "tags[].tagName"


def _compiles(source: str) -> str:
    try:
        compile_expression(source)
    except WrongTerm as error:
        raise PydanticCustomError("wrong", "{expected}", {"expected": error.expected, "hint": error.hint}) from None
    return source


def _lower(pattern: str) -> str:
    return pattern.strip().lower()


Pattern = Annotated[str, AfterValidator(_lower)]


class TagRules(BaseModel):
    """The rules of one connection. Patterns are globs (`*`, `?`, `[ab]`), without regard to case.

    `include` and `exclude` look at Lofty's own name of a tag; `prefix` is put before it; `always` is used as written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    prefix: Annotated[str, AfterValidator(str.lower), Field(description="text put before each of Lofty's tags")] = ""
    sources: Annotated[
        tuple[Annotated[str, AfterValidator(_compiles)], ...],
        Field(alias="from", description="JMESPath expressions over the lead, each giving tags"),
    ] = (LOFTY_TAGS,)
    include: Annotated[tuple[Pattern, ...], Field(description="globs; only these of Lofty's tags are carried")] = ("*",)
    exclude: Annotated[tuple[Pattern, ...], Field(description="globs; these are not")] = ()
    always: Annotated[tuple[Pattern, ...], Field(description="tags that every carried contact gets")] = ()
    owned: Annotated[
        tuple[Pattern, ...],
        Field(description="globs; tags in GHL that are ours to remove, whoever added them"),
    ] = ()

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """`sources`, compiled."""
        return tuple(compile_expression(source) for source in self.sources)

    def owns(self, tag: str, written: Collection[str]) -> bool:
        """Whether a tag in GHL is ours to remove: we wrote it, or `owned` names it."""
        name = tag.lower()
        return name in written or any(fnmatchcase(name, pattern) for pattern in self.owned)


def map_tags(rules: TagRules, state: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tags that a lead's contact should have in GHL, sorted, and flags for what could not be read."""
    wanted = {tag for tag in rules.always if tag}
    flags: list[str] = []
    for expression in rules.expressions:
        try:
            found = expression.read(state)
        except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            flags.append(f"tags: {expression.source} fails: {type(error).__name__}")
            continue
        for value in found if isinstance(found, list) else [found]:
            try:
                name = "" if value is None else clean(as_text(value)).strip().lower()
            except UnreadableValue as error:
                flags.append(f"tags: {error}")
                continue
            if name and _is_carried(rules, name):
                wanted.add(rules.prefix + name)
    return tuple(sorted(wanted)), tuple(flags)


def _is_carried(rules: TagRules, name: str) -> bool:
    return (rules.include == ("*",) or any(fnmatchcase(name, pattern) for pattern in rules.include)) and not any(
        fnmatchcase(name, pattern) for pattern in rules.exclude
    )
