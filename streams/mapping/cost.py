"""What an expression may cost: JMESPath evaluated with a budget of steps. Pure, and the same in every process.

A short expression can ask for much: `[@,@]|[@,@]|…` doubles what it holds with each step, and `to_string`, `==` and whoever
reads the result walk through all of it.
So each node that is visited and each value that is built is a step, counted as it unfolds;
when the steps are used up, `ExpressionTooCostly` ends the evaluation.
It is a `JMESPathError`: whoever takes an expression that fails takes this, too.

The bound counts steps, not time, so every process decides alike; 50,000 steps take about 50 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

EXPRESSION_STEPS = 50_000
"""Of one evaluation. A filter over a thousand tags takes about five thousand."""

CONTACT_STEPS = 500_000
"""Of all expressions of one contact together."""

LONGEST_LIST = 20_000
"""A list of more elements is not walked through."""

CHARACTERS_A_STEP = 64

_FUNCTIONS = Functions()
_READ_DEEPLY = frozenset({"to_string", "contains", "join"})
_shared: ContextVar[Steps | None] = ContextVar("steps of the contact", default=None)


class ExpressionTooCostly(JMESPathError):
    """An evaluation that has used up its steps."""

    def __init__(self) -> None:
        super().__init__("the expression asks for too much: it makes more values than a lead could hold")


@dataclass(slots=True)
class Steps:
    """What is left to spend."""

    left: int

    def spend(self, steps: int) -> None:
        """Raises `ExpressionTooCostly` when there is not so much left."""
        self.left -= steps
        if self.left < 0:
            raise ExpressionTooCostly


@contextmanager
def shared_steps(steps: int = CONTACT_STEPS) -> Iterator[None]:
    """Everything that is evaluated within spends from these steps, too."""
    token = _shared.set(Steps(steps))
    try:
        yield
    finally:
        _shared.reset(token)


def evaluate(tree: Any, value: Any) -> Any:
    """What jmespath's own interpreter makes of a value. Raises `JMESPathError`."""
    shared = _shared.get()
    allowed = EXPRESSION_STEPS if shared is None else min(EXPRESSION_STEPS, shared.left)
    steps = Steps(allowed)
    try:
        return _Interpreter(steps).visit(tree, value)
    except RecursionError:
        raise ExpressionTooCostly from None
    finally:
        if shared is not None:
            shared.left -= allowed - max(0, steps.left)


def size(value: Any, most: int) -> int:
    """How many values one unfolds to, as a text would spell it out; counting ends above `most`."""
    counted, waiting = 0, [value]
    while waiting and counted <= most:
        one = waiting.pop()
        counted += 1
        if isinstance(one, str):
            counted += len(one) // CHARACTERS_A_STEP
        elif isinstance(one, list):
            counted += len(one)
            if counted <= most:
                waiting.extend(one)
                counted -= len(one)
        elif isinstance(one, dict):
            counted += 2 * len(one)
            if counted <= most:
                waiting.extend(one.values())
                counted -= len(one)
    return counted


class _Interpreter(TreeInterpreter):
    """jmespath's interpreter, with what it makes counted."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(_OPTIONS)
        self._steps = steps

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        steps = self._steps
        steps.spend(1)
        found = super().visit(node, *args, **kwargs)
        kind = node["type"]
        if kind in _BUILDS:
            steps.spend(size(found, steps.left))
        elif kind in _LISTS and isinstance(found, list):
            steps.spend(len(found))
        return found

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        self._steps.spend(min(size(left, self._steps.left), size(right, self._steps.left)))
        literals = [{"type": "literal", "children": [], "value": one} for one in (left, right)]
        compared: Any = {**node, "children": literals}
        return super().visit_comparator(compared, value)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        name: str = node["value"]
        given = [self.visit(child, value) for child in node["children"]]
        steps = self._steps
        for one in given:
            if name in _READ_DEEPLY:
                steps.spend(size(one, steps.left))
            elif isinstance(one, (list, dict, str)):
                steps.spend(len(one) if not isinstance(one, str) else len(one) // CHARACTERS_A_STEP)
        if name == "join" and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], list):
            steps.spend(len(given[0]) * len(given[1]) // CHARACTERS_A_STEP)
        return _FUNCTIONS.call_function(name, given)


class _Options:
    dict_cls = None
    custom_functions = _FUNCTIONS


_OPTIONS: Any = _Options()
_BUILDS = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})
_LISTS = frozenset({"projection", "filter_projection", "value_projection", "flatten", "slice"})
