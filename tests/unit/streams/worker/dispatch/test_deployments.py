"""The marks of deployments: one read and one write an hour, and what is done with the marks of others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.ghl.client import GhlClient
from connectors.http.request import Response
from streams.core.scheduling.dispatcher import Item
from streams.core.to_ghl.deployment_mark import mark_name, mark_value
from streams.messages.worker_status import OtherDeployment
from streams.worker.dispatch.deployments import TENANT, Deployments
from streams.worker.dispatch.loop import AGAIN, DONE, WorkResult
from tests.unit.streams.worker.dispatch.stage import NOW_MS, Scripted, TakenSlot, Vendor, answer

HOUR_MS = 3_600_000
OWN = OtherDeployment(deployment="own", topic_prefix="prod-", host="w-1")
OTHER = OtherDeployment(
    deployment="other", connection="acme", topic_prefix="test-", host="w-9", since_ms=NOW_MS - HOUR_MS, seen_ms=NOW_MS
)
LIST, MADE, DONE_ANSWER = (
    "GET /locations/loc/customValues",
    answer(201, {"customValue": {"id": "v-own"}}),
    answer(200, {}),
)


def listed(**marks: OtherDeployment) -> Response:
    """The location's custom values: marks by id, and one of its own."""
    values = [{"id": one_id, "name": mark_name(one), "value": mark_value(one)} for one_id, one in marks.items()]
    return answer(200, {"customValues": [{"id": "v0", "name": "Office hours", "value": "9 to 5"}, *values]})


class Desk:
    """One location, and a loop that only keeps what is offered and what pauses."""

    def __init__(self, *script: Scripted) -> None:
        self.ghl, self.now_ms = Vendor(list(script)), NOW_MS
        self.offered: list[Item] = []
        self.paused: list[Any] = []
        failures = SimpleNamespace(is_paused=lambda *what: self.paused.append(what) or True)
        client = GhlClient(self.ghl, StaticAuth("Bearer", "k"), base_url="https://x.test")
        location = SimpleNamespace(client=client, location_id="loc", budget="loc", window_seconds=10.0)
        self.deployments = Deployments(
            cast("Any", SimpleNamespace(offer_item=self.offered.append, failures=failures)),
            {"acme": cast("Any", location)},
            OWN,
            lambda: self.now_ms,
            lambda: 0.5,
        )
        self.deployments.acquire("acme")

    async def work(self) -> WorkResult:
        """Until there is nothing more to do at once."""
        for _ in range(10):
            result = await self.deployments(Item(f"{TENANT}:acme", f"{TENANT}:acme", "loc", TENANT), TakenSlot())
            if result is not AGAIN or self.paused:
                return result
        raise AssertionError(self.ghl.lines)


@pytest.mark.usefixtures("virtual_time")
async def test_the_first_check_marks_the_location_and_each_later_one_says_since_when() -> None:
    """One read and one write."""
    desk = Desk(listed(), MADE)
    assert await desk.work() == DONE
    body = desk.ghl.body()
    assert desk.ghl.lines == [LIST, "POST /locations/loc/customValues"]
    assert body["name"] == "Lofty GHL deployment own acme"
    first = OWN.model_copy(update={"connection": "acme", "since_ms": NOW_MS, "seen_ms": NOW_MS})
    assert body["value"] == mark_value(first)
    desk.now_ms += HOUR_MS
    desk.ghl.script = [listed(v1=first), DONE_ANSWER]
    assert await desk.work() == DONE
    assert desk.ghl.lines[2:] == [LIST, "PUT /locations/loc/customValues/v1"]
    assert desk.ghl.body()["value"] == mark_value(first.model_copy(update={"seen_ms": desk.now_ms}))
    assert desk.deployments.others("acme") == ()
    desk.deployments.release("acme")


@pytest.mark.usefixtures("virtual_time")
async def test_another_counts_until_its_mark_is_three_hours_old_and_is_deleted_after_a_day() -> None:
    """Between two checks, too; another connection of this deployment is none."""
    sister = OTHER.model_copy(update={"deployment": "own", "connection": "valley"})
    desk = Desk(listed(v1=OTHER, v2=sister), MADE)
    await desk.work()
    assert desk.deployments.others("acme") == (OTHER,)
    desk.now_ms += 3 * HOUR_MS
    assert desk.deployments.others("acme") == ()
    desk.now_ms += 21 * HOUR_MS
    desk.ghl.script = [listed(v1=OTHER), MADE, DONE_ANSWER]
    await desk.work()
    assert desk.ghl.lines[-1] == "DELETE /locations/loc/customValues/v1"
    desk.deployments.release("acme")


@pytest.mark.usefixtures("virtual_time")
async def test_taking_over_deletes_the_marks_of_the_others_and_one_that_writes_again_is_named_again() -> None:
    """The command says which were known."""
    desk = Desk(listed(v1=OTHER), MADE)
    await desk.work()
    assert desk.deployments.take_over("acme") == ("other",)
    desk.ghl.script = [listed(v1=OTHER), MADE, DONE_ANSWER]
    await desk.work()
    assert desk.ghl.lines[-1] == "DELETE /locations/loc/customValues/v1"
    assert desk.deployments.others("acme") == ()
    desk.ghl.script = [listed(v1=OTHER), MADE]
    await desk.work()
    assert desk.deployments.others("acme") == (OTHER,)
    desk.deployments.release("acme")


@pytest.mark.parametrize("at", [0, 1], ids=["read", "write"])
@pytest.mark.usefixtures("virtual_time")
async def test_without_a_scope_the_words_are_kept_until_it_is_there(at: int) -> None:
    """Nothing pauses. Where only the write is refused, others are still seen."""
    refused = answer(401, {"message": "The token is not authorized for this scope."})
    desk = Desk(*[listed(v1=OTHER), refused][1 - at :])
    assert await desk.work() == DONE
    assert "not authorized for this scope" in desk.deployments.unmarked("acme")
    assert (desk.paused, len(desk.deployments.others("acme"))) == ([], at)
    desk.ghl.script = [listed(), MADE]
    assert await desk.work() == DONE
    assert desk.deployments.unmarked("acme") == ""
    desk.deployments.release("acme")


@pytest.mark.parametrize(
    ("failure", "pauses"),
    [
        (answer(429, {"message": "Too Many Requests"}), True),
        (answer(401, {"message": "Invalid JWT"}), True),
        (answer(503, {"message": "x"}), False),
    ],
)
@pytest.mark.usefixtures("virtual_time")
async def test_a_failure_that_ends_by_itself_is_waited_for(failure: Response, pauses: bool) -> None:
    """After a create without an answer the marks are read again, so none is made twice."""
    desk = Desk(listed(), failure)
    result = await desk.work()
    assert bool(desk.paused) is pauses
    assert pauses or result == WorkResult.retry(300.0)
    assert desk.deployments.unmarked("acme") == ""
    desk.deployments.release("acme")
