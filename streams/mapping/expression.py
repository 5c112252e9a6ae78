"""JMESPath expressions over Lofty's JSON, compiled once and read many times.

jmespath walks its syntax tree with a visitor for every value, which costs 5 to 20 µs an expression.
Here the same tree, from jmespath's own parser, becomes nested closures; what they do not cover goes to jmespath itself.
A property-based test holds both to the same answers.

jmespath finds a misspelt function only when it is called; here it is found when the configuration is loaded.

What a person types is bounded before it is parsed, by length and by what nests, and what it may cost by `cost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.lexer import Lexer

from streams.mapping.cost import LONGEST_LIST, ExpressionTooCostly, evaluate
from streams.mapping.errors import WrongTerm, did_you_mean, shown

Read = Callable[[Any], Any]
Node = dict[str, Any]

FUNCTIONS: dict[str, Any] = Functions.FUNCTION_TABLE

LONGEST = 1_000
"""Characters of an expression."""
MOST_NODES = 200
MOST_NESTING = 60
"""Brackets, projections and signs of an expression, each of which the parser may take for one level more."""
DEEPEST = 50
MOST_FAST_NODES = 40
"""Closures are not counted, so only what is short becomes some."""

_NESTS = frozenset({"lparen", "lbracket", "lbrace", "filter", "flatten", "star", "not", "expref"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: `read` it over a value. `roots` are the names that it takes from the top of the value."""

    source: str
    read: Read = field(compare=False)
    roots: frozenset[str]
    is_fast: bool


def compile_expression(source: str) -> Expression:
    """Compile a JMESPath expression. Raises `WrongTerm` when it is none, or calls a function that does not exist."""
    if not source.strip():
        raise WrongTerm("a JMESPath expression", "an empty string", "to leave a GHL field alone, map it to false")
    if len(source) > LONGEST:
        raise WrongTerm(f"a JMESPath expression of at most {LONGEST} characters", f"{len(source)}, {shown(source)}")
    try:
        if sum(token["type"] in _NESTS for token in Lexer().tokenize(source)) > MOST_NESTING:
            raise WrongTerm(f"at most {MOST_NESTING} brackets and projections in a JMESPath expression", shown(source))
        parsed = jmespath.compile(source)
    except JMESPathError as error:
        raise WrongTerm("a JMESPath expression", repr(source), _first_line(error)) from None
    except (ValueError, RecursionError) as error:  # a number or a literal of JSON that Python does not read
        if isinstance(error, WrongTerm):
            raise
        raise WrongTerm("a JMESPath expression", shown(source), type(error).__name__) from None
    tree: Node = parsed.parsed  # type: ignore[assignment]  # the stub's TypedDict leaves out "children" of leaves
    nodes = _check_shape(source, tree)
    for name, count in _calls(tree):
        _check_call(source, name, count)
    fast = _fast(tree) if nodes <= MOST_FAST_NODES else None
    return Expression(source, fast or partial(evaluate, tree), frozenset(_roots(tree)), fast is not None)


def _check_shape(source: str, tree: Node) -> int:
    """How many nodes there are. Raises `WrongTerm` where they are too many, or too deep for those who walk through them."""
    nodes, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if nodes > MOST_NODES or depth > DEEPEST:
            expected = f"a JMESPath expression of at most {MOST_NODES} parts, {DEEPEST} deep"
            raise WrongTerm(expected, shown(source), "write two fields, or a transform")
        waiting += ((child, depth + 1) for child in _children(node))
    return nodes


def _first_line(error: JMESPathError) -> str:
    return str(error).splitlines()[0].rstrip(": ")


def _children(node: Node) -> list[Node]:
    return [child for child in node.get("children", ()) if isinstance(child, dict)]


def _calls(node: Node) -> Iterable[tuple[str, int]]:
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in _children(node):
        yield from _calls(child)


def _check_call(source: str, name: str, count: int) -> None:
    if name not in FUNCTIONS:
        hint = did_you_mean(name, FUNCTIONS) or f"JMESPath has {', '.join(sorted(FUNCTIONS))}"
        raise WrongTerm("a function of JMESPath", f"{name}() in {source!r}", hint)
    signature = FUNCTIONS[name]["signature"]
    is_variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if count < len(signature) or (count > len(signature) and not is_variadic):
        raise WrongTerm(f"{len(signature)} argument(s) for {name}()", f"{count} in {source!r}")


def _roots(node: Node) -> Iterable[str]:
    """The names that an expression reads from the value itself, not from something inside it."""
    kind = node["type"]
    if kind == "field":
        yield node["value"]
    elif kind in {"subexpression", "index_expression", "pipe", "projection", "filter_projection", "value_projection"}:
        yield from _roots(node["children"][0])
    elif kind not in {"literal", "expref", "slice", "index"}:
        for child in _children(node):
            yield from _roots(child)


def _is_false(value: Any) -> bool:
    return value is None or value is False or value == "" or value == [] or value == {}


def _fast(node: Node) -> Read | None:
    """The closure of a node, or None if jmespath evaluates it."""
    build = _BUILDERS.get(node["type"])
    if build is None:
        return None
    inner = [_fast(child) for child in _children(node)]
    if any(read is None for read in inner):
        return None
    return build(node, [read for read in inner if read is not None])


def _field(node: Node, inner: list[Read]) -> Read:
    name: str = node["value"]

    def read(value: Any) -> Any:
        return value.get(name) if isinstance(value, dict) else None

    return read


def _index(node: Node, inner: list[Read]) -> Read:
    index: int = node["value"]

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        try:
            return value[index]
        except IndexError:
            return None

    return read


def _chain(node: Node, inner: list[Read]) -> Read:
    if len(inner) == 2:
        first, second = inner
        return lambda value: second(first(value))

    def read(value: Any) -> Any:
        for step in inner:
            value = step(value)
        return value

    return read


def _either(node: Node, inner: list[Read]) -> Read:
    left, right = inner

    def read(value: Any) -> Any:
        found = left(value)
        return right(value) if _is_false(found) else found

    return read


def _both(node: Node, inner: list[Read]) -> Read:
    left, right = inner

    def read(value: Any) -> Any:
        found = left(value)
        return found if _is_false(found) else right(value)

    return read


def _projection(node: Node, inner: list[Read]) -> Read:
    source, element = inner

    def read(value: Any) -> Any:
        items = source(value)
        if not isinstance(items, list):
            return None
        if len(items) > LONGEST_LIST:
            raise ExpressionTooCostly
        return [found for item in items if (found := element(item)) is not None]

    return read


def _flatten(node: Node, inner: list[Read]) -> Read:
    (source,) = inner

    def read(value: Any) -> Any:
        items = source(value)
        if not isinstance(items, list):
            return None
        merged: list[Any] = []
        for item in items:
            merged.extend(item) if isinstance(item, list) else merged.append(item)
            if len(merged) > LONGEST_LIST:
                raise ExpressionTooCostly
        return merged

    return read


def _literal(node: Node, inner: list[Read]) -> Read:
    constant = node["value"]
    return lambda value: constant


def _itself(node: Node, inner: list[Read]) -> Read:
    return lambda value: value


_BUILDERS: dict[str, Callable[[Node, list[Read]], Read]] = {
    "field": _field,
    "index": _index,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "or_expression": _either,
    "and_expression": _both,
    "projection": _projection,
    "flatten": _flatten,
    "literal": _literal,
    "current": _itself,
    "identity": _itself,
}
