"""The ledger of a sandbox."""

from __future__ import annotations

from connectors.sandbox.shared.ledger import RequestLedger


def filled(ledger: RequestLedger, number: int) -> RequestLedger:
    """A ledger in which so many requests came and ended."""
    for place in range(number):
        entry = ledger.open(float(place), "GET", f"/{place}")
        entry.operation, entry.budget = "get-note", f"loc{place % 2}"
        ledger.close(entry, place + 0.5, 429 if place == 0 else 200)
    return ledger


def test_entries_come_in_order_and_in_pages() -> None:
    """From after a number that was seen before."""
    ledger = filled(RequestLedger(), 5)
    assert [entry.seq for entry in ledger.after(0, 2)] == [1, 2]
    assert [entry.seq for entry in ledger.after(2)] == [3, 4, 5]
    assert ledger.after(5) == []


def test_only_the_newest_are_kept_but_all_are_counted() -> None:
    """A long run does not fill the memory; numbers stay true."""
    ledger = filled(RequestLedger(size=3), 10)
    assert [entry.seq for entry in ledger.after(0)] == [8, 9, 10]
    assert [entry.seq for entry in ledger.after(8)] == [9, 10]
    assert ledger.stats() == {
        "requests": 10,
        "operations": {"get-note": {"429": 1, "200": 9}},
        "budgets": {"loc0": 5, "loc1": 5},
        "throttled": 1,
    }


def test_a_request_without_an_answer_is_counted_as_such() -> None:
    """Its status is none."""
    ledger = RequestLedger()
    ledger.close(ledger.open(1.0, "POST", "/x"), 2.0, None)
    assert ledger.stats()["operations"] == {"?": {"none": 1}}


def test_a_request_under_way_has_no_end() -> None:
    """It came, and is not counted yet."""
    ledger = RequestLedger()
    ledger.open(1.0, "POST", "/x")
    (row,) = ledger.rows()
    assert (row["at"], row["ended"], row["status"], ledger.stats()["operations"]) == (1.0, None, None, {})
