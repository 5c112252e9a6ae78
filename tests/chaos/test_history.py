"""The judge of chaos runs, judged: honest histories pass, and each planted fault is caught by its own property."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.sandbox.faults import Fault
from tests.chaos.history import KILLED, History, judge
from tests.chaos.history.told import worker_of
from tests.chaos.history_builder import Town
from tests.chaos.history_plants import PLANTS, Plant


def first(those: Sequence[Any]) -> Any:
    """The first place for a fault."""
    return those[0]


@pytest.fixture(scope="module")
def honest() -> History:
    """Two leads with everything that hangs on them, edited, with lost answers and a worker killed in the middle."""
    town = Town()
    ada = town.edit(
        "east",
        edit="create",
        kind="lead",
        fields={"firstName": "Ada", "lastName": "v000001", "emails": ["ada@example.com"]},
    )
    bob = town.edit(
        "west", edit="create", kind="lead", fields={"firstName": "Bob", "lastName": "v000001", "tags": ["Buyer"]}
    )
    town.clockwork.run()
    children = []
    for connection, lead in (("east", ada), ("west", bob)):
        note = town.edit(connection, edit="create", kind="note", leadId=lead, fields={"content": "v000001 of it"})
        task = town.edit(
            connection, edit="create", kind="task", leadId=lead, fields={"content": "v000001 of it", "type": "Call"}
        )
        town.edit(connection, edit="create", kind="appointment", leadId=lead, fields={"descr": "v000001 of it"})
        children.append((connection, note, task))
    town.clockwork.run()
    town.vendors.ghl.faults.add(Fault("drop_after_apply", operation="update-*", times=2))
    town.vendors.ghl.faults.add(Fault("drop_after_apply", operation="create-note", times=1))
    for connection, lead in (("east", ada), ("west", bob)):
        town.edit(connection, edit="update", kind="lead", id=lead, fields={"lastName": "v000002", "tags": ["VIP"]})
        town.edit(connection, edit="create", kind="note", leadId=lead, fields={"content": "v000001 of another"})
    town.kill(0.6)
    for connection, note, task in children:
        town.edit(connection, edit="update", kind="note", id=note, fields={"content": "v000002 of it"})
        town.edit(connection, edit="finish", kind="task", id=task)
    return town.history()


def test_an_honest_history_holds(honest: History) -> None:
    """Lost answers, a kill and a handover violate nothing."""
    verdict = judge(honest)
    assert verdict.holds, verdict.report()
    assert {one.kind for one in honest.nemesis} == {KILLED}
    assert len({worker_of(one) for one in honest.ghl}) > 2
    assert any(one.fault for one in honest.ghl)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: one.name.replace(" ", "-"))
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_fault_is_caught_by_its_own_property(honest: History, plant: Plant, seed: int) -> None:
    """Wherever it is planted, by that property alone."""
    verdict = judge(plant.plant(honest, random.Random(seed).choice))
    assert verdict.violated == {plant.number}, verdict.report()


def test_what_has_nothing_to_examine_is_violated() -> None:
    """A check that could not fail says nothing."""
    verdict = judge(Town().history())
    assert verdict.violated == {1, 2, 3, 4, 5, 6, 7}
    assert all(one.examined == 0 for one in verdict.findings)
