"""What a changelog has lost, seen from the copy that is here; and the line that is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from streams.kafka.changelog_losses import COSTS, ChangelogLost, Loss, find_loss
from streams.messages.topics import TABLES

WELL: dict[str, Any] = {
    "position": 9,
    "origin": "id",
    "topic_id": "id",
    "begin": 0,
    "end": 10,
    "exists": True,
    "keeps_all": True,
}


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, None),
        ({"position": None, "origin": ""}, None),  # nothing is here: all is read
        ({"end": 500}, None),  # others went on
        ({"origin": ""}, None),  # a copy of an earlier release, which noted no id
        ({"topic_id": ""}, None),  # a Kafka that reports none
        ({"begin": 5}, None),  # the copy here holds what is gone there
        ({"begin": 5, "position": None, "keeps_all": False}, None),  # the embedded broker
        ({"exists": False}, "is missing"),
        ({"exists": False, "position": None}, "is missing"),
        ({"topic_id": "other", "end": 500}, "was deleted and recreated"),
        ({"end": 9}, "ends at offset 9"),
        ({"end": 0, "topic_id": "", "origin": ""}, "ends at offset 0"),
        ({"begin": 11, "end": 20}, "begins at offset 11"),
        ({"begin": 1, "position": None, "origin": ""}, "begins at offset 1"),
    ],
)
def test_a_loss_is_told_from_what_is_only_new(facts: dict[str, Any], says: str | None) -> None:
    """Each by the first thing that shows it."""
    found = find_loss(**{**WELL, **facts})
    assert found is None if says is None else found is not None and found.startswith(says)


def test_the_line_names_the_topic_the_cost_and_the_command() -> None:
    """Of several tables, all that must be accepted."""
    lost = [Loss("seen", "p.seen", 3, "is missing"), Loss("links", "p.links", 1, "is missing")]
    said = str(ChangelogLost(lost))
    assert said.startswith("The changelog p.seen/3 is missing (and 1 partitions more, also of links).")
    assert COSTS["seen"] in said
    assert "`lofty-ghl topics create --accept-lost links --accept-lost seen`" in said
    assert "\n" not in said


def test_each_table_says_what_its_loss_would_cost() -> None:
    """A new one must, too."""
    assert {*COSTS} == {*TABLES}
