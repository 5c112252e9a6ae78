"""Two hundred connections: found, chosen by state, in an order, by pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.console.pages.views.connection_acts_view import bulk_run_view, question
from streams.console.pages.views.connections_list import PAGE_SIZE, ListChoice, connection_list, matching
from streams.console.pages.views.connections_view import ConnectionCard, VendorAccess
from streams.console.pages.views.page_view import StatusText
from streams.console.services.bulk_acts import BulkRow, BulkRun
from streams.console.services.connections import ConnectionState, SideState

LEVELS = ("ok", "busy", "warn", "bad")


def card(number: int) -> ConnectionCard:
    """One of many: every fourth is broken, and a later one has more leads."""
    level = LEVELS[number % 4]
    lofty = SideState("lofty", f"team-{number}", "token", True, "x")
    ghl = SideState("ghl", f"loc-{number}", "token", True, "x")
    one = ConnectionState(f"c{number:03}", "US", "default", lofty, ghl, "", 0, 0, number % 7, (), leads=number)
    access = VendorAccess(lofty, "Lofty", "team", "x", StatusText("ok", "Connected"))
    return ConnectionCard(one, StatusText(level, level), access, access, "", 3, number)  # type: ignore[arg-type]  # a level


CARDS = [card(number) for number in range(200)]


def names(choice: ListChoice) -> list[str]:
    """What is shown."""
    return [one.connection.name for one in connection_list(CARDS, choice).cards]


def test_pages_hold_all_connections_once() -> None:
    """Forwards by the links, and a page beyond the last is the last."""
    seen: list[str] = []
    choice: ListChoice | None = ListChoice()
    while choice is not None:
        found = connection_list(CARDS, choice)
        seen += [one.connection.name for one in found.cards]
        choice = replace(choice, page=choice.page + 1) if found.after else None
    assert seen == [one.connection.name for one in CARDS]
    assert names(ListChoice(page=99)) == names(ListChoice(page=9))
    assert len(names(ListChoice())) == PAGE_SIZE


def test_a_chip_shows_one_state_and_says_how_many_there_are() -> None:
    found = connection_list(CARDS, ListChoice(state="bad"))
    assert {one.state.level for one in found.cards} == {"bad"}
    assert [(one.words, one.count) for one in found.chips] == [
        ("All", 200),
        ("Broken", 50),
        ("Waiting", 50),
        ("Working", 50),
        ("Up to date", 50),
    ]
    assert found.words == "1 to 20 of 50 connections"


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "c000"), ("state", "c003"), ("problems", "c006"), ("leads", "c199"), ("waiting", "c199")],
)
def test_an_order_begins_with_what_is_asked_for(sort: str, first: str) -> None:
    assert names(ListChoice(sort=sort))[0] == first


@pytest.mark.parametrize(("text", "found"), [("C017", ["c017"]), ("loc-17", 11), ("team-199", ["c199"]), ("zzz", [])])
def test_a_search_looks_at_names_and_accounts(text: str, found: list[str] | int) -> None:
    shown = names(ListChoice(text=text))
    assert (len(shown) if isinstance(found, int) else shown) == found


def test_what_an_address_holds_that_is_no_choice_is_left_out() -> None:
    """And a choice is its own address."""
    assert ListChoice.of({"state": "x", "sort": "y", "page": "-1"}) == ListChoice()
    choice = ListChoice("ac me", "bad", "leads", 2)
    assert choice.href == "/console/connections?name=ac+me&state=bad&sort=leads&page=2"


def test_a_question_names_what_is_chosen_and_sends_exactly_that() -> None:
    """Also of those that fit on other pages: a connection that fits later is not acted on."""
    choice = ListChoice(state="bad")
    fitting = matching(CARDS, choice)
    assert (len(fitting), connection_list(CARDS, choice).fitting) == (50, 50)
    asked = question("pause", [(card.connection.name, card.connection.name) for card in fitting], choice.href)
    assert asked.title == "Pause 50 connections?"
    assert "and 38 more." in asked.words
    assert dict(asked.fields)["chosen"].split() == [card.connection.name for card in fitting]
    assert question("refresh", [("a", "A")], "/").title == "Read fields and users of 1 connection again?"


def test_an_outcome_is_counted_and_said_of_each() -> None:
    rows = (
        BulkRow("a", "A", "done", "Paused."),
        BulkRow("b", "B", "differs", "2 differ.", "v1"),
        BulkRow("c", "C", "running"),
        BulkRow("d", "D"),
    )
    view = bulk_run_view(BulkRun(id="r", act="compare", by="ann", began_ms=1, rows=rows))
    assert (view.title, view.summary.level) == ("Compare: 4 connections", "bad")
    assert view.summary.words == "1 waiting, 1 in progress, 1 done, 1 differs"
    assert view.progress is not None
    assert (view.progress.part, view.progress.words) == (0.5, "2 of 4 connections")
    assert [row.href for row in view.rows[:2]] == ["/console/connections/a/settings", "/console/verify/v1"]
    assert bulk_run_view(BulkRun(id="r", act="pause", by="ann", began_ms=1, rows=rows[:1], ended_ms=2)).progress is None
    cut = bulk_run_view(
        BulkRun(id="r", act="compare", by="ann", began_ms=1, rows=rows, ended_ms=2, is_cut_off=True, problem="Cut off.")
    )
    assert (cut.progress, cut.summary.level) == (None, "bad")
    assert cut.summary.words == "1 not begun, 1 not known, 1 done, 1 differs"
