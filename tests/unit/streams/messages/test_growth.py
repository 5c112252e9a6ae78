"""Which processes may run in which state of a move to more partitions."""

from __future__ import annotations

from typing import get_args

import pytest

from streams.messages.growth import (
    ABANDONABLE,
    Growth,
    GrowthState,
    Process,
    first_prefix,
    grown_prefix,
    growth_topic,
    why_not,
)

OLD, NEW = "acme.", "acme.grown-8."

MAY: dict[GrowthState, dict[str, set[str]]] = {
    "copying": {OLD: {"worker", "gateway", "command"}, NEW: set()},
    "closing": {OLD: {"gateway", "command"}, NEW: set()},
    "switching": {OLD: {"command"}, NEW: {"gateway", "command"}},
    "done": {OLD: set(), NEW: {"worker", "gateway", "command"}},
    "abandoned": {OLD: {"worker", "gateway", "command"}, NEW: set()},
}


def growth(state: GrowthState) -> Growth:
    """A move of four partitions to eight."""
    facts = {"from_prefix": OLD, "from_partitions": 4, "to_prefix": NEW, "to_partitions": 8, "holder": "h"}
    return Growth.model_validate({**facts, "state": state, "began_ms": 1, "at_ms": 2})


@pytest.mark.parametrize("state", get_args(GrowthState))
@pytest.mark.parametrize("process", get_args(Process))
def test_the_table_of_who_may_run(state: GrowthState, process: Process) -> None:
    """Old and new never at once: a refusal names what to set, or the command that goes on."""
    for prefix, allowed in MAY[state].items():
        problem = why_not(growth(state), process, prefix)

        assert (problem == "") is (process in allowed), (state, process, prefix)
        assert not problem or "kafka.topic_prefix" in problem or "lofty-ghl partitions" in problem


def test_workers_never_run_on_both_sides() -> None:
    """In each state, workers run with one prefix at most."""
    for state in get_args(GrowthState):
        assert sum(not why_not(growth(state), "worker", prefix) for prefix in (OLD, NEW)) <= 1


def test_whoever_moved_once_more_refuses_the_first_topics() -> None:
    """After a second move the topics of before the first one are nobody's."""
    second = growth("done").model_copy(update={"from_prefix": NEW, "to_prefix": "acme.grown-16.", "to_partitions": 16})

    assert why_not(second, "worker", OLD)
    assert why_not(second, "worker", NEW)
    assert not why_not(second, "worker", "acme.grown-16.")


def test_topics_that_were_never_moved_to_are_refused() -> None:
    """Otherwise a configuration that was changed too soon would begin as a new deployment, with an empty memory."""
    assert "nothing was moved there" in why_not(None, "worker", NEW)
    assert why_not(None, "worker", OLD) == ""


def test_prefixes() -> None:
    """The name of the deployment stays; each move has topics of its own."""
    assert grown_prefix("", 8) == "grown-8."
    assert grown_prefix(NEW, 16) == "acme.grown-16."
    assert first_prefix(NEW) == first_prefix(OLD) == OLD
    assert growth_topic(NEW) == growth_topic(OLD) == "acme.growth"
    assert not ABANDONABLE & {"switching", "done"}


def test_it_survives_its_topic() -> None:
    """What is written is read back."""
    assert Growth.from_bytes(growth("closing").to_bytes()) == growth("closing")
