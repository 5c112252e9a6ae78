"""Transactions in the sandbox: statuses that fall back in silence, lists that show purchases only, and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.connectors.sandbox.lofty.stage import HEADERS, Stage

DEAL = {"transactionName": "1 First St", "homePrice": 450_000, "expectedCloseDate": 1_772_377_200_000}


def staged() -> tuple[Stage, int]:
    """A team with a lead."""
    stage = Stage()
    return stage, stage.lead(lastName="Vale")


def made(stage: Stage, lead: int, **fields: Any) -> dict[str, Any]:
    """A new transaction, as it is read."""
    status, answer = stage.ask("POST", f"/v1.0/leads/{lead}/transaction", {**DEAL, **fields})
    assert status == 200
    path = f"/v1.0/leads/{lead}/transaction/{answer['transactionId']}"
    read: dict[str, Any] = stage.ask("GET", path)[1]
    return read


@pytest.mark.parametrize(
    ("fields", "type_", "status"),
    [
        ({}, "Purchase", "Pre-contract"),
        ({"transactionStatus": "under contract"}, "Purchase", "Under Contract"),
        ({"transactionStatus": "Sold"}, "Purchase", "Pre-contract"),
        ({"transactionType": "Listing", "transactionStatus": "Sold"}, "Listing", "Pre-listing"),
    ],
)
def test_a_new_one_falls_back_to_the_first_status_in_silence(fields: dict[str, Any], type_: str, status: str) -> None:
    """The document says so; names are compared without case."""
    stage, lead = staged()
    deal = made(stage, lead, **fields)
    assert (deal["transactionType"], deal["transactionStatus"], deal["homePrice"]) == (type_, status, 450_000)


def test_an_update_refuses_a_status_that_the_pipeline_has_not() -> None:
    """Other than a create. What is not given stays."""
    stage, lead = staged()
    deal = made(stage, lead)
    path = f"/v1.0/leads/{lead}/transaction/{deal['transactionId']}"
    refused, words = stage.ask("PUT", path, {"transactionName": "1 First St", "transactionStatus": "Sold"})
    stage.ask("PUT", path, {"transactionName": "2 First St", "transactionStatus": "CLOSED"})
    after = stage.ask("GET", path)[1]
    assert (refused, "200125" in words["message"]) == (400, True)
    assert (after["transactionName"], after["transactionStatus"], after["homePrice"]) == (
        "2 First St",
        "Closed",
        450_000,
    )
    assert after["updated"] > deal["updated"]


@pytest.mark.parametrize("name", ["", "  ", "<b>1 First St</b>"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    """By code 200062."""
    stage, lead = staged()
    status, words = stage.ask("POST", f"/v1.0/leads/{lead}/transaction", {"transactionName": name})
    assert (status, "200062" in words["message"]) == (400, True)


def test_the_list_shows_purchases_unless_asked_for_more() -> None:
    """The newest first, by page; of one lead, or by a part of the name."""
    stage, lead = staged()
    other = stage.lead()
    for fields in ({}, {"transactionType": "Listing"}, {"transactionName": "9 Last St"}):
        made(stage, lead, **fields)
    made(stage, other)
    totals = {
        query: stage.ask("GET", f"/v2.0/transactions?{query}")[1]["totalCount"]
        for query in ("", "transactionType=All", f"transactionType=All&leadId={lead}", "queryKey=last")
    }
    page = stage.ask("GET", "/v2.0/transactions?pageSize=2&pageNum=1")[1]
    assert list(totals.values()) == [3, 4, 3, 1]
    assert (page["pageSize"], len(page["pageData"]), page["pageData"][0]["leadName"].endswith("Vale")) == (2, 1, True)
    assert len(stage.ask("GET", f"/v1.0/leads/{lead}/transactions")[1]) == 3
    assert stage.ask("GET", "/v2.0/transactions?pageSize=101")[0] == 400


def test_that_of_another_lead_does_not_exist() -> None:
    """Nor does that of another team."""
    stage, lead = staged()
    deal = made(stage, lead)
    wrong = stage.ask("GET", f"/v1.0/leads/{stage.lead()}/transaction/{deal['transactionId']}")
    there = {**HEADERS, "Authorization": "token key-there"}
    foreign = stage.ask("GET", f"/v1.0/leads/{lead}/transaction/{deal['transactionId']}", headers=there)
    assert (wrong[0], "200060" in wrong[1]["message"], foreign[0]) == (404, True, 404)


def test_the_pipelines_name_the_stages_of_each_type() -> None:
    """The first is the one that a new transaction is in. A team may have its own."""
    stage, _ = staged()
    stage.team.transaction_stages["Lease"] = ("Asked", "Rented")
    found = stage.ask("GET", "/v2.0/transactions/pipelines")[1]["pipelines"]
    stages = {one["transactionType"]: [stage["name"] for stage in one["stages"]] for one in found}
    assert list(stages) == ["Purchase", "Listing", "Lease", "Other"]
    assert stages["Lease"] == ["Asked", "Rented"]
    assert [one["default"] for one in found[2]["stages"]] == [True, False]


def test_a_write_is_reported_on_list_5() -> None:
    """With the fields that changed."""
    stage, lead = staged()
    deal = made(stage, lead)
    stage.team.outbox.clear()
    path = f"/v1.0/leads/{lead}/transaction/{deal['transactionId']}"
    stage.ask("PUT", path, {"transactionName": "1 First St", "homePrice": 460_000})
    (change,) = stage.team.outbox
    assert (change.list_id, change.bucket) == (5, "updatedTransaction")
    assert change.item["updatedField"] == {"homePrice": 460_000}
    assert change.item["transactionId"] == deal["transactionId"]
