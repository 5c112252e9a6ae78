"""The table of transforms."""

from __future__ import annotations

from typing import Any

import pytest

from streams.mapping.errors import WrongTerm
from streams.mapping.locale import Reading
from streams.mapping.transforms import TRANSFORMS, TransformExample, compile_transform
from streams.mapping.values import UnreadableValue

EXAMPLES = [
    pytest.param(one, id=f"{kind.name}-{n}") for kind in TRANSFORMS.values() for n, one in enumerate(kind.examples)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_table_is_true(example: TransformExample) -> None:
    """What the command line prints as an example is what happens."""
    result = compile_transform(example.transform)(example.value, Reading())
    assert result == example.result
    assert type(result) is type(example.result)


@pytest.mark.parametrize("kind", TRANSFORMS.values(), ids=lambda kind: kind.name)
def test_every_transform_has_an_example_and_a_sentence(kind: Any) -> None:
    """No transform is undocumented."""
    assert kind.examples
    assert kind.summary.endswith(".")


@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - {"default"}))
def test_none_passes_through_all_but_default(name: str) -> None:
    """A value that is not there stays not there."""
    written = TRANSFORMS[name].examples[0].transform
    assert compile_transform(written)(None, Reading()) is None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("phone", "soon"),
        ("email", ["a@", "@b"]),
        ("date", "tomorrow"),
        ("number", "many"),
        ("number", True),
        ("trim", {}),
    ],
)
def test_a_value_that_cannot_be_read_says_so(written: Any, value: Any) -> None:
    """It raises Unreadable, which the mapping turns into a flag."""
    step = compile_transform(written)
    with pytest.raises(UnreadableValue):
        step(value, Reading())


def test_unreadable_elements_of_a_list_are_left_out() -> None:
    """The others count."""
    assert compile_transform("number")(["1", "many", "2.5"], Reading()) == [1, 2.5]


@pytest.mark.parametrize(
    ("written", "expected", "hint"),
    [
        ("trimm", "the name of a transform", "did you mean 'trim'?"),
        ("join", "join with the separator", "write {join = …}"),
        ({"join": 3}, "join with a text", ""),
        ({"trim": 3}, "trim without an argument", 'write "trim"'),
        ({"truncate": 0}, "truncate with a number of characters", ""),
        ({"truncate": True}, "truncate with a number of characters", ""),
        ({"values": {}}, "values with a table: Lofty's value = GHL's value", ""),
        ({"phone": "USA"}, "a region's two letters, such as US", ""),
        ({"phone": ["US"]}, "a region's two letters, such as US", ""),
        ({"default": {}}, "default with a text, number or list", ""),
        ({"join": ",", "trim": ""}, 'a transform: a name such as "trim", or a table with one key', ""),
        (3, 'a transform: a name such as "trim", or a table with one key', ""),
    ],
)
def test_a_wrong_transform_is_refused_with_what_would_be_right(written: Any, expected: str, hint: str) -> None:
    """When the configuration is loaded, not when the first lead comes."""
    with pytest.raises(WrongTerm) as caught:
        compile_transform(written)
    assert caught.value.expected == expected
    assert caught.value.hint == hint
