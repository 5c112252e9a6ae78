"""From the stage of a lead to an opportunity, and back, by a table of names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.mapping import StagePair, StageTable, map_opportunity

TABLE = StageTable(
    (
        StagePair("New Leads", "Buyers", "New"),
        StagePair("Hot", "Buyers", "Talking"),
        StagePair("Showing", "Buyers", "Talking"),
        StagePair("Closed", "Buyers", "Done", "won"),
        StagePair("Archived", "Buyers", "Done", "lost"),
    )
)
LEAD: dict[str, Any] = {"leadId": 77, "firstName": "Ann", "lastName": "Vale", "emails": ["ann@x.test"], "stage": "Hot"}


def test_a_stage_with_a_pair_is_an_opportunity() -> None:
    """Under the lead's name, for the agent's GHL user, in the pair's pipeline and stage."""
    lead = {**LEAD, "_agent": {"email": "Pat@x.test"}}
    mapped = map_opportunity(lead, TABLE, users={"pat@x.test": "pat@ghl.test"})
    assert mapped is not None
    assert (mapped.name, mapped.pair.pipeline, mapped.pair.stage) == ("Ann Vale", "Buyers", "Talking")
    assert (mapped.pair.status, mapped.assigned_to_email, mapped.value) == ("open", "pat@ghl.test", None)


@pytest.mark.parametrize("stage", ["Nurture", "", None, 5, ["Hot"], {"name": "Hot"}])
def test_a_stage_without_a_pair_is_none(stage: object) -> None:
    """What GHL holds stays. What is no text is no stage."""
    assert map_opportunity({**LEAD, "stage": stage}, TABLE) is None


def test_names_are_compared_without_case_and_outer_blanks() -> None:
    """A person writes the table."""
    mapped = map_opportunity({**LEAD, "stage": " new  leads "}, TABLE)
    assert mapped is not None
    assert mapped.pair.stage == "New"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"firstName": "", "lastName": "Vale"}, "Vale"),
        ({"firstName": "", "lastName": ""}, "ann@x.test"),
        ({"firstName": "", "lastName": "", "emails": ["no mail", 7]}, "Lofty lead 77"),
        ({"firstName": "", "lastName": "", "emails": None}, "Lofty lead 77"),
    ],
)
def test_an_opportunity_always_has_a_name(changes: dict[str, Any], name: str) -> None:
    """GHL demands one."""
    mapped = map_opportunity({**LEAD, **changes}, TABLE)
    assert mapped is not None
    assert mapped.name == name


@pytest.mark.parametrize(
    ("stage", "status", "lofty"),
    [
        ("New", "open", "New Leads"),
        ("Talking", "open", "Hot"),
        ("Done", "won", "Closed"),
        ("Done", "lost", "Archived"),
        ("Done", "open", "Closed"),
        ("Elsewhere", "open", None),
    ],
)
def test_the_first_pair_of_a_stage_counts_in_the_other_direction(stage: str, status: str, lofty: str | None) -> None:
    """That with the same status first."""
    found = TABLE.pairs_at(lambda one: (one.pipeline, one.stage) == ("Buyers", stage), status)
    assert (found[0].lofty if found else None) == lofty


def test_a_pair_that_is_read_in_both_directions_stays_where_it_was() -> None:
    """Otherwise the two sides would move each other on for ever: what comes back leads to the same place in GHL."""
    for pair in TABLE.pairs:
        place = (pair.pipeline, pair.stage)
        found = TABLE.pairs_at(lambda one, place=place: (one.pipeline, one.stage) == place, pair.status)  # type: ignore[misc]  # the loop's own
        again = TABLE.pair_of(found[0].lofty)
        assert again is not None
        assert (again.pipeline, again.stage, again.status) == (pair.pipeline, pair.stage, pair.status)


def test_a_stage_with_two_pairs_is_named() -> None:
    """Only the first would ever count."""
    pairs = (StagePair("Hot", "A", "1"), StagePair("hot ", "B", "2"), StagePair("Cold", "A", "1"))
    assert StageTable(pairs).repeated() == ("Hot", "hot ")
    assert TABLE.repeated() == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just("Hot"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("email"), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(lead=st.dictionaries(st.sampled_from([*LEAD, "_agent"]), JSON))
def test_mapping_never_raises(lead: dict[str, Any]) -> None:
    """Whatever Lofty sends."""
    map_opportunity(lead, TABLE)
