"""What a person's expression may cost."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest

from streams.mapping import MappingFaults, compile_mapping, map_contact
from streams.mapping.compile import MOST_FAULTS, MOST_FIELDS
from streams.mapping.cost import CONTACT_STEPS, EXPRESSION_STEPS, ExpressionTooCostly, Steps, evaluate, size
from streams.mapping.errors import WrongTerm
from streams.mapping.expression import compile_expression

LEAD: dict[str, Any] = {
    "leadId": 1,
    "firstName": "Jane",
    "tags": [{"tagName": f"tag {number}", "tagId": number} for number in range(1000)],
    "customAttributes": [{"attributeName": f"name {number}", "value": "x" * 50} for number in range(300)],
    "leadPropertyList": [{"city": "Austin", "price": number, "tags": [1, 2, 3]} for number in range(50)],
}

TOO_COSTLY = [
    "|".join(["[@,@]|[@,@][]"] * 15),
    "|".join(["[@,@]"] * 30),
    "|".join(["{a:@,b:@}"] * 22),
    "|".join(["[@,@]"] * 22) + "|to_string(@)",
    "|".join(["[@,@]"] * 22) + "|@==@",
    "|".join(["[@,@]"] * 22) + "|contains(@,@)",
    "|".join(["[@,@][]"] * 24),
    "|".join(["[@,@]|[]"] * 22),
    "|".join(["{a:@,b:@}.*"] * 20),
    "tags[*].[@,@]|" + "|".join(["[*].[@,@]"] * 12),
    "|".join(["[to_string(@),to_string(@)]"] * 20),
    "firstName|" + "|".join(["join(@,[@,@,@,@])"] * 20),
    "|".join(["to_array([@,@])"] * 25),
    "|".join(["map(&[@,@],[@,@])"] * 12),
    "|".join(["merge({a:@},{b:@,c:@})"] * 18),
    "tags[*].[@,@,@]|" + "|".join(["[@[*],@[*]]"] * 8),
    "|".join(["[@,@]|reverse(@)"] * 22),
    "|".join(["[@,@]|sort_by(@,&to_string(@))"] * 15),
    "tags[?contains(to_string(@), to_string(tagId)) && contains(to_string(@), 'a')].[@,@,@,@]|[*].[@,@,@,@]|[*].[@,@,@,@]",
    "tags|" + "|".join(["[?@==@]"] * 14) + "|[*].to_string(@)|[@,@,@,@,@,@]|[@,@,@]",
]


@pytest.mark.parametrize("source", TOO_COSTLY)
def test_an_expression_that_asks_for_too_much_ends(source: str) -> None:
    """However it makes much of little: by lists, tables, texts, comparisons, functions."""
    expression = compile_expression(source)
    with pytest.raises(ExpressionTooCostly):
        expression.read(LEAD)


@pytest.mark.parametrize(
    "source",
    [
        "tags[?contains(tagName, '9')].tagName",
        "customAttributes[?attributeName=='name 299'].value | [0]",
        "sort_by(tags, &tagName)[*].tagName",
        "join(', ', tags[].tagName)",
        "{name: firstName, cities: leadPropertyList[].city, best: max_by(leadPropertyList, &price)}",
        "tags[*].[tagName, tagId]",
        "to_string(tags[0])",
        "leadPropertyList[?price > `10` && city == 'Austin'].tags[]",
        "map(&tagName, tags)",
        "length(customAttributes)",
    ],
)
def test_what_people_write_costs_little_and_gives_what_jmespath_gives(source: str) -> None:
    """Of a lead with a thousand tags."""
    assert compile_expression(source).read(LEAD) == jmespath.search(source, LEAD)


def test_steps_are_counted_and_not_time() -> None:
    """So each process decides alike."""
    expression = compile_expression("tags[?tagName=='x']")
    for _ in range(3):
        assert expression.read(LEAD) == []
    tree: Any = jmespath.compile("|".join(["[@,@]"] * 10)).parsed
    assert size(evaluate(tree, 1), 10_000) == 2**11 - 1


def test_the_size_is_that_which_a_text_would_have_and_is_not_counted_further_than_asked() -> None:
    """A list that holds one list many times unfolds to all of them."""
    value: Any = 1
    for _ in range(100):
        value = [value, value]
    assert 1000 < size(value, 1000) < 1100
    assert size({"a": ["x" * 640]}, 1000) == 1 + 1 + 1 + 1 + 10
    with pytest.raises(ExpressionTooCostly):
        Steps(10).spend(11)


def test_one_contact_has_steps_for_all_its_fields_together() -> None:
    """A thousand fields that each stay below the bound do not stop a worker: what is over is left out and flagged."""
    near = "|".join(["[@,@]"] * 13) + "|[0]"
    fields = {f"custom:f{number}": {"from": f"`1`|{near}", "unchecked": True} for number in range(200)}
    mapping = compile_mapping("m", {"m": {"fields": fields}})
    mapped = map_contact(mapping, LEAD, region="US")
    flagged = [flag for flag in mapped.flags if "ExpressionTooCostly" in flag]
    assert 0 < len(flagged) < 200
    assert 200 * 2**14 > CONTACT_STEPS > EXPRESSION_STEPS


@pytest.mark.parametrize(
    "source",
    [
        "a" * 1001,
        "(" * 900 + "a",
        "(" * 100 + "a" + ")" * 100,
        "!" * 900 + "a",
        "a" + "[]" * 400,
        "a" + "[*]" * 300,
        "a" + "[?b]" * 200,
        "[" * 400 + "a" + "]" * 400,
        "{a:" * 200 + "b" + "}" * 200,
        "a||" * 300 + "b",
        "a|" * 300 + "b",
        "a." * 400 + "b",
        "&" * 500 + "a",
        "[" + ",".join(["a"] * 300) + "]",
        "length(" * 120 + "a" + ")" * 120,
        "a[" + "9" * 990 + "]x",
        "`" + "[" * 990 + "`",
        "-" * 900,
    ],
)
def test_an_expression_that_is_too_long_or_deep_is_refused_when_it_is_compiled(source: str) -> None:
    """By length, nodes and depth; never with an error of the parser's own."""
    with pytest.raises(WrongTerm):
        compile_expression(source)


@pytest.mark.parametrize(
    "table",
    [
        {f"unknown{number}": 1 for number in range(20_000)},
        {"fields": {f"feild{number}": "firstName" for number in range(900)}},
        {"fields": {f"custom:{number}": {f"frum{key}": "a" for key in range(5000)} for number in range(5)}},
        {"users": {f"nobody{number}": "x" for number in range(20_000)}},
        {"fields": {f"custom:{number}": "lenght(a)" for number in range(900)}},
        {"fields": {f"custom:{number}": {"from": "tags", "transform": ["trm"] * 20} for number in range(900)}},
    ],
)
def test_of_many_faults_the_first_are_told_and_the_rest_counted(table: dict[str, Any]) -> None:
    """Looking for the word that was meant costs some hundred microseconds each."""
    with pytest.raises(MappingFaults) as caught:
        compile_mapping("m", {"m": table})
    faults = caught.value.faults
    assert MOST_FAULTS < len(faults) <= 2 * MOST_FAULTS + 2
    assert any("more that were not looked at" in fault.got for fault in faults)


@pytest.mark.parametrize(
    "field",
    [
        {"from": "tags[].tagName", "transform": [{"join": "x" * 1001}]},
        {"from": "tags[].tagName", "transform": [{"values": {"*": "x" * 1001}}]},
        {"from": "tags[].tagName", "transform": [{"unset": list(range(501))}]},
        {"from": "tags[].tagName", "transform": ["trim"] * 21},
        {"from": "tags[].tagName", "transform": [{"default": [["x"]]}]},
    ],
)
def test_a_transform_does_not_make_a_huge_text_of_a_short_list(field: dict[str, Any]) -> None:
    """Its arguments are bounded."""
    with pytest.raises(MappingFaults):
        compile_mapping("m", {"m": {"fields": {"custom:a": field}}})


def test_a_mapping_has_a_bounded_number_of_fields() -> None:
    """Each is read for each lead."""
    fields = {f"custom:{number}": "firstName" for number in range(MOST_FIELDS + 1)}
    with pytest.raises(MappingFaults):
        compile_mapping("m", {"m": {"fields": fields}})
