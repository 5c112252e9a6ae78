"""JMESPath expressions, compiled once."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mapping.errors import WrongTerm
from streams.mapping.expression import compile_expression
from tests.unit.streams.mapping.odd_leads import UNHURRIED

_NAMES = st.sampled_from(["a", "b", "c", '"a b"'])
_ATOMS = _NAMES | st.sampled_from(["@", "`1`", "'x'", "`null`", "`[1, 2]`", "`false`"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _NAMES).map(lambda two: f"({two[0]}).{two[1]}"),
        st.tuples(inner, st.integers(-3, 3)).map(lambda two: f"({two[0]})[{two[1]}]"),
        inner.map(lambda one: f"({one})[]"),
        inner.map(lambda one: f"({one})[*]"),
        st.tuples(inner, _NAMES).map(lambda two: f"({two[0]})[].{two[1]}"),
        st.tuples(inner, _NAMES).map(lambda two: f"({two[0]})[*].{two[1]}"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) || ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) && ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"{two[0]} | {two[1]}"),
        st.tuples(inner, inner).map(lambda two: f"[{two[0]}, {two[1]}]"),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"a[?{one}].b"),
    )


expressions = st.recursive(_ATOMS, _grow, max_leaves=6)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "a b"]), inner),
    max_leaves=15,
)


@UNHURRIED
@given(expressions, documents)
def test_the_fast_path_answers_as_jmespath_does(source: str, document: Any) -> None:
    """Whatever the expression and the value, both give the same."""
    assert compile_expression(source).read(document) == jmespath.search(source, document)


@pytest.mark.parametrize(
    "source",
    [
        "firstName",
        "leadInquiry.priceMin",
        "phones[0]",
        "tags[].tagName",
        "leadPropertyList[*].city",
        "a.b || c",
        "a | b",
    ],
)
def test_plain_expressions_do_not_go_through_jmespath(source: str) -> None:
    """Those of the default mapping, and most that users write, are closures."""
    assert compile_expression(source).is_fast


@pytest.mark.parametrize(
    ("source", "roots"),
    [
        ("firstName", {"firstName"}),
        ("leadInquiry.locations[].city", {"leadInquiry"}),
        ("a || b.c", {"a", "b"}),
        ("customAttributes[?attributeName=='x'].value | [0]", {"customAttributes"}),
        ("join(' ', [firstName, lastName])", {"firstName", "lastName"}),
        ("sort_by(tags, &tagName)[0]", {"tags"}),
        ("{x: a, y: b}", {"a", "b"}),
        ("@.a", set()),
        ("`1`", set()),
    ],
)
def test_the_names_read_from_the_top_are_known(source: str, roots: set[str]) -> None:
    """So that a misspelt field of a lead is found when the configuration is loaded."""
    assert compile_expression(source).roots == roots


@pytest.mark.parametrize(
    ("source", "expected", "hint"),
    [
        ("", "a JMESPath expression", "false"),
        ("phones[", "a JMESPath expression", ""),
        ("a..b", "a JMESPath expression", ""),
        ("lenght(a)", "a function of JMESPath", "length"),
        ("a[?contain(b, 'x')]", "a function of JMESPath", "contains"),
        ("length(a, b)", "1 argument(s) for length()", ""),
        ("join(', ')", "2 argument(s) for join()", ""),
    ],
)
def test_a_wrong_expression_is_refused_with_what_would_be_right(source: str, expected: str, hint: str) -> None:
    """Functions and their arguments are checked when compiled: jmespath itself only finds out when it reads a value."""
    with pytest.raises(WrongTerm) as caught:
        compile_expression(source)
    assert caught.value.expected == expected
    assert hint in caught.value.hint
