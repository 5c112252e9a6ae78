"""Misbehaviour on request."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from connectors.sandbox.shared.faults import FaultBox, SandboxFault, parse_fault


def box(*faults: SandboxFault) -> FaultBox:
    """A box with these faults in force."""
    made = FaultBox(Random(1))
    for fault in faults:
        made.add(fault)
    return made


def test_a_fault_is_for_the_operations_and_budgets_that_it_names() -> None:
    """By pattern."""
    faults = box(SandboxFault("delay", "create-*", "loc1"))
    assert faults.take("create-note", "loc2") is None
    assert faults.take("get-note", "loc1") is None
    assert faults.take("create-note", "loc1") == SandboxFault("delay", "create-*", "loc1")


def test_a_fault_ends_after_so_many_times() -> None:
    """Then the next one that fits comes."""
    faults = box(SandboxFault("status", times=2, status=500), SandboxFault("status", times=1, status=429))
    statuses = [fault.status if (fault := faults.take("x", "y")) else None for _ in range(4)]
    assert statuses == [500, 500, 429, None]
    assert faults.faults == []


def test_a_fault_without_times_lasts_until_cleared() -> None:
    """A revoked token stays revoked."""
    faults = box(SandboxFault("revoke"))
    taken = [faults.take("x", "y") for _ in range(3)]
    faults.clear()
    assert (taken, faults.take("x", "y")) == ([SandboxFault("revoke")] * 3, None)


def test_a_probable_fault_comes_about_that_often_and_repeatably() -> None:
    """The same seed, the same misbehaviour."""
    runs = []
    for _ in range(2):
        faults = box(SandboxFault("status", probability=0.2))
        runs.append([faults.take("x", "y") is not None for _ in range(1000)])
    assert runs[0] == runs[1]
    assert 150 < sum(runs[0]) < 250


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "kind must be one of status, "),
        ({"kind": "explode"}, "not 'explode'"),
        ({"kind": "delay", "after": 1}, "a fault has no after; it has kind, "),
        ({"kind": "status", "times": 0}, "times must be"),
        ({"kind": "status", "times": "3"}, "times must be"),
        ({"kind": "status", "probability": 2}, "probability must be"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_would_be_right(given: dict[str, Any], words: str) -> None:
    """The control API hands these words on."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below, in full
        parse_fault(given)
    assert words in str(caught.value)


def test_a_fault_is_read_from_json() -> None:
    """All but its kind has a default."""
    assert parse_fault({"kind": "status", "status": 429, "times": 3}) == SandboxFault("status", times=3, status=429)
