"""What holds back all of a connection's work."""

from __future__ import annotations

from typing import Any

import pytest

from streams.messages.worker_status import BudgetStatus, ConnectionStatus, SideStatus, WorkerStatus
from streams.operations.history.holds import NO_HOLDS, NO_WORKER, ConnectionHolds, holds_of
from streams.operations.status.overview import overview


def holds(budget: dict[str, Any], on_hold: str = "", *, dispatcher: str = "write", ago_ms: int = 0) -> ConnectionHolds:
    """Of the connection `acme`, which a worker reported so long ago."""
    sides = {"writing": SideStatus(), "reading": SideStatus()}
    sides["writing" if dispatcher == "write" else "reading"] = SideStatus(on_hold=on_hold)
    told = BudgetStatus.model_validate({"dispatcher": dispatcher, "budget": "b", "connections": ("acme",), **budget})
    now_ms = 1_000_000_000
    status = WorkerStatus(
        instance="w",
        started_ms=0,
        at_ms=now_ms - ago_ms,
        is_ready=True,
        partitions=1,
        budgets=(told,),
        connections=(ConnectionStatus(connection="acme", **sides),),
    )
    return holds_of(overview([status], now_ms, partitions=1, connections=["acme", "bolt"]))["acme"]


PAUSED = {"paused": "other", "because": "most of connection acme would be parked: no answer", "paused_until_ms": 60_000}
CAUSE = "most of connection acme would be parked: no answer"


def test_a_pause_is_told_with_its_cause_and_its_end() -> None:
    """On the side whose budget pauses."""
    assert holds(PAUSED) == ConnectionHolds(
        ghl=f"the end of a pause of all calls to GHL, until 1970-01-01 00:01:00 UTC: {CAUSE}"
    )
    assert "a pause of all calls to Lofty, until 1970" in holds(PAUSED, dispatcher="read").lofty
    assert holds(PAUSED, dispatcher="read").ghl == ""


@pytest.mark.parametrize("kind", ["rate limit", "daily quota", "other"])
def test_a_pause_of_any_kind_is_told(kind: str) -> None:
    """Without words of its own by its kind, and without an end that somebody must act."""
    assert holds({"paused": kind}).ghl == f"the end of a pause of all calls to GHL, until somebody acts: {kind}"


@pytest.mark.parametrize("kind", ["no access", "uninstalled"])
def test_lost_access_is_told_as_lost_access(kind: str) -> None:
    """With the vendor's words, and what a person does; it is no limit that ends by itself."""
    lost = {"paused": kind, "because": "not authorized: revoked"}
    assert holds(lost, dispatcher="read").lofty.startswith("access to Lofty, which was lost: not authorized: revoked. ")
    assert "pause" not in holds(lost).ghl


@pytest.mark.parametrize("until_ms", [-1, 2**62])
def test_a_strange_end_is_no_error(until_ms: int) -> None:
    """Whatever is on the topic."""
    assert "a pause of all calls to GHL, until" in holds(PAUSED | {"paused_until_ms": until_ms}).ghl


def test_what_a_connection_reads_first_is_told() -> None:
    """Nothing of it starts before."""
    assert (
        holds({}, "reads GHL's fields and users first").ghl
        == "its connection, which reads GHL's fields and users first"
    )


def test_a_budget_that_goes_on_holds_nothing_back() -> None:
    """Each entity then waits for its turn."""
    assert holds({}) == NO_HOLDS


def test_without_a_worker_all_waits_for_one() -> None:
    """A worker that stopped reporting counts no longer."""
    assert holds(PAUSED, ago_ms=3_600_000) == ConnectionHolds(NO_WORKER, NO_WORKER, NO_WORKER)


@pytest.mark.parametrize(
    ("paused", "held"),
    [(("to_ghl",), "lofty ghl"), (("to_lofty",), "commands"), (("to_ghl", "to_lofty"), "lofty ghl commands")],
)
def test_a_connection_that_a_person_has_paused_is_told_by_direction(paused: tuple[str, ...], held: str) -> None:
    """What goes the other way is not held back."""
    side = SideStatus()
    status = WorkerStatus(
        instance="w1",
        started_ms=0,
        at_ms=60_000,
        is_ready=True,
        partitions=1,
        budgets=(
            BudgetStatus(dispatcher="read", budget="acme", connections=("acme",)),
            BudgetStatus(dispatcher="write", budget="loc", connections=("acme",)),
        ),
        connections=(ConnectionStatus(connection="acme", reading=side, writing=side, paused=paused),),
    )
    found = holds_of(overview([status], 60_000, partitions=1, connections=["acme"]))["acme"]
    assert [
        name for name in ("lofty", "ghl", "commands") if "a person has paused" in getattr(found, name)
    ] == held.split()
