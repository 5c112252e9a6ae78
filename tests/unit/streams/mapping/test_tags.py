"""Which of Lofty's tags go to GHL, and which tags there are ours."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from streams.mapping.tags import TagRules, map_tags
from tests.unit.streams.mapping.odd_leads import whole_lead


def tags_of(rules: dict[str, Any], **changes: Any) -> tuple[str, ...]:
    """The tags of a lead under these rules."""
    return map_tags(TagRules.model_validate(rules), whole_lead(**changes))[0]


def test_tags_are_in_lower_case_sorted_and_once_each() -> None:
    """As GHL keeps them."""
    tags = [{"tagName": "VIP "}, {"tagName": "buyer"}, {"tagName": "vip"}, {"tagName": ""}]
    assert tags_of({}, tags=tags) == ("buyer", "vip")


def test_the_prefix_stands_before_loftys_tags_only() -> None:
    """Tags that are always added stand as they are written."""
    assert tags_of({"prefix": "Lofty: ", "always": ["From-Lofty"]}) == (
        "from-lofty",
        "lofty: buyer",
        "lofty: open house",
    )


def test_globs_choose_by_loftys_own_name() -> None:
    """Without regard to case; exclusion wins."""
    assert tags_of({"include": ["B*", "open*"], "exclude": ["*HOUSE"]}) == ("buyer",)


def test_other_parts_of_a_lead_can_become_tags() -> None:
    """Any expression will do."""
    assert tags_of({"from": ["segments", "stage"]}) == ("downtown", "new leads", "vip")


def test_an_expression_that_fails_is_a_flag() -> None:
    """The other tags are carried."""
    rules = TagRules.model_validate({"from": ["length(score)", "stage"]})
    assert map_tags(rules, whole_lead()) == (("new leads",), ("tags: length(score) fails: JMESPathTypeError",))


def test_we_own_what_we_wrote_and_what_is_named() -> None:
    """No other tag in GHL is ever removed."""
    rules = TagRules(owned=("lofty-*",))
    assert rules.owns("Buyer", {"buyer"})
    assert rules.owns("lofty-deleted", set())
    assert not rules.owns("newsletter", {"buyer"})


def test_a_wrong_expression_is_refused() -> None:
    """When the rules are read."""
    with pytest.raises(ValidationError, match="a function of JMESPath"):
        TagRules.model_validate({"from": ["lenght(tags)"]})
