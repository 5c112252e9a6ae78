"""The list of leads: who is in which state, what a filter leaves, and pages that hold everybody once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.messages.topics import FETCHES_TABLE, LINKS_TABLE, OUTBOX_TABLE, SNAPSHOTS
from streams.operations.history.index.lead_list import (
    RARE,
    Cursor,
    LeadFilter,
    agents_of,
    leads_by_state,
    leads_in_order,
    page_of_leads,
    tags_of,
)
from streams.operations.history.index.lead_rows import STATES
from tests.unit.streams.operations.history.index.test_index import SOURCES, Index

BOTH = ("acme", "bolt")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An empty index."""
    made = Index(tmp_path / "index" / "history.sqlite3")
    yield made
    made.reader.close()
    made.db.close()


def read(index: Index, lead: str, at_ms: int = 5, *, connection: str = "acme", **state: Any) -> None:
    """A lead was read at some time; without a state it is gone."""
    value = {"state": state or None, "read_ms": at_ms}
    index.tell(SNAPSHOTS, f"{connection}:{lead}:contact:{lead}", value)


def link(index: Index, lead: str, **row: Any) -> None:
    """The row of a lead's contact."""
    index.tell(LINKS_TABLE, f"acme:{lead}:contact:{lead}", {"ghl_id": f"g{lead}", **row})


def listed(index: Index, connections: tuple[str, ...] = BOTH, **wanted: Any) -> list[str]:
    """The leads of the first page."""
    found = page_of_leads(index.db, connections, LeadFilter(**wanted), None, 100)
    return [hit.lane.partition(":")[2] for hit in found.leads]


def state_of(index: Index, lead: str) -> str:
    """The state of one lead, which is on the page of that state and of no other."""
    states = [state for state in STATES if lead in listed(index, state=state)]
    assert len(states) == 1
    counts = leads_by_state(index.db, BOTH)
    assert {state: len(listed(index, state=state)) for state in STATES} == counts
    return states[0]


def test_a_lead_has_one_state_that_follows_what_happens_to_it(index: Index) -> None:
    """Read, on its way, refused, written, in conflict, decided, deleted; and the numbers follow."""
    entity = "acme:7:contact:7"
    conflict = {"phone": {"hash": "x", "contact_id": "g8", "lead": ""}}
    read(index, "7", firstName="Ada")
    assert state_of(index, "7") == "absent"
    index.tell(OUTBOX_TABLE, entity, {"parked": ""})
    assert state_of(index, "7") == "waiting"
    index.tell(OUTBOX_TABLE, entity, {"parked": "refused"})
    assert state_of(index, "7") == "attention"
    index.tell(OUTBOX_TABLE, entity, None)
    link(index, "7")
    assert state_of(index, "7") == "synced"
    link(index, "7", conflicts=conflict)
    assert state_of(index, "7") == "conflict"
    link(index, "7", conflicts=conflict, decided={"g8": "apart"})
    assert state_of(index, "7") == "synced"
    index.tell(FETCHES_TABLE, "acme:7:note:1", {"parked": ""})
    assert state_of(index, "7") == "waiting"  # a note of it is on its way
    index.tell(FETCHES_TABLE, "acme:7:note:1", None)
    read(index, "7", 9)
    link(index, "7", conflicts=conflict, is_gone=True)
    assert state_of(index, "7") == "deleted"


def test_a_contact_that_is_no_longer_linked_is_not_in_ghl(index: Index) -> None:
    read(index, "7", firstName="Ada")
    link(index, "7")
    link(index, "7", is_deleted=True)
    assert state_of(index, "7") == "absent"
    link(index, "7")
    index.tell(LINKS_TABLE, "acme:7:contact:7", None)
    assert state_of(index, "7") == "absent"


def test_the_state_is_right_whatever_came_first(index: Index) -> None:
    """The topics are read side by side: a link may come before the lead."""
    link(index, "7")
    assert listed(index) == []
    read(index, "7", firstName="Ada")
    assert state_of(index, "7") == "synced"


def test_filters_leave_what_fits_all_of_them(index: Index) -> None:
    read(index, "1", 10, firstName="Ada", assignedUser="Grace", tags=[{"tagName": "Buyer"}, {"tagName": "VIP"}])
    read(index, "2", 20, firstName="Ben", assignedUser="grace", tags=[{"tagName": "buyer"}, "odd", {"tagName": 7}])
    read(index, "3", 30, firstName="Cy", assignedUser="Linus", tags=[{"tagName": "Seller"}])
    read(index, "4", 40, connection="bolt", firstName="Ada", tags=[{"tagName": "Buyer"}])
    link(index, "2")
    assert listed(index) == ["4", "3", "2", "1"]
    assert listed(index, ("acme",)) == ["3", "2", "1"]
    assert listed(index, agent="GRACE") == ["2", "1"]
    assert listed(index, tag="buyer") == ["4", "2", "1"]
    assert listed(index, ("acme",), tag="BUYER", agent="Grace", state="absent") == ["1"]
    assert listed(index, since_ms=20) == ["4", "3", "2"]
    assert listed(index, text="ada") == ["4", "1"]
    assert listed(index, text="ada", tag="vip") == ["1"]
    assert listed(index, ("bolt",), text="1") == []
    assert agents_of(index.db, BOTH) == ("Grace", "Linus")
    assert tags_of(index.db, BOTH) == ("Buyer", "Seller", "VIP")


def test_a_tag_that_was_removed_finds_nobody(index: Index) -> None:
    """And what a deleted lead had, it keeps."""
    read(index, "1", 10, firstName="Ada", tags=[{"tagName": "Buyer"}, {"tagName": "VIP"}])
    read(index, "1", 20, firstName="Ada", tags=[{"tagName": "VIP"}])
    assert (listed(index, tag="Buyer"), listed(index, tag="VIP")) == ([], ["1"])
    read(index, "1", 30)
    assert listed(index, tag="VIP", state="deleted") == ["1"]


def test_a_common_tag_finds_the_same_as_a_rare_one(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked up in different ways."""
    for number in range(9):
        read(index, str(number), 10 + number, firstName="A", assignedUser=f"U{number % 2}", tags=[{"tagName": "t"}])
    rare = [listed(index, tag="T"), listed(index, tag="t", agent="u1"), listed(index, tag="t", since_ms=15)]
    assert RARE > 9
    monkeypatch.setattr("streams.operations.history.index.lead_list.RARE", 3)
    assert [listed(index, tag="T"), listed(index, tag="t", agent="u1"), listed(index, tag="t", since_ms=15)] == rare
    assert [len(one) for one in rare] == [9, 4, 4]


@pytest.mark.parametrize("wanted", [LeadFilter(), LeadFilter(tag="t"), LeadFilter(text="ann"), LeadFilter(agent="x")])
def test_pages_hold_every_lead_once(index: Index, wanted: LeadFilter) -> None:
    """Although many were read at the same time, and of two connections."""
    for number in range(25):
        where = BOTH[number % 2]
        read(
            *(index, str(number), 5 + number // 10),
            connection=where,
            firstName="Ann",
            assignedUser="X",
            tags=[{"tagName": "t"}],
        )
    for pages in (page_of_leads, leads_in_order):
        seen: list[str] = []
        after: Cursor | None = None
        while True:
            found = pages(index.db, BOTH, wanted, after, 4)
            assert len(found.leads) <= 4
            seen += [hit.lane for hit in found.leads]
            if found.after is None:
                break
            after = Cursor.read(str(found.after))
            assert after == found.after
        assert len(seen) == len(set(seen)) == 25


def test_an_export_leaves_out_no_lead_that_changes_meanwhile(index: Index) -> None:
    """A list by time would: the lead moves to its begin, behind the reader's back."""
    for number in range(6):
        read(index, str(number), 10 + number, firstName="Ann")
    first = leads_in_order(index.db, BOTH, LeadFilter(), None, 3)
    read(index, "4", 99, firstName="Anna")
    second = leads_in_order(index.db, BOTH, LeadFilter(), first.after, 3)
    assert [hit.lane for hit in (*first.leads, *second.leads)] == [f"acme:{number}" for number in range(6)]


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "a.b.c", "-1.2.3", "1.2.3333333333333333", "\u0661.2.3"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    assert Cursor.read(text) is None


def test_leads_that_no_topic_holds_leave_the_list(index: Index) -> None:
    read(index, "7", firstName="Ada", tags=[{"tagName": "t"}])
    index.writer.prune(SOURCES[SNAPSHOTS], 0, 10)
    assert index.writer.prune_lanes() == 1
    assert listed(index) == []
    assert sum(leads_by_state(index.db, BOTH).values()) == 0
    assert tags_of(index.db, BOTH) == ()


def test_each_filter_is_answered_by_an_index(index: Index) -> None:
    """No page reads through all leads: SQLite names an index, and sorts nothing."""
    asked: list[str] = []
    index.db.set_trace_callback(asked.append)
    for wanted in (
        LeadFilter(),
        LeadFilter(state="synced"),
        LeadFilter(agent="x"),
        LeadFilter(tag="t"),
        LeadFilter(since_ms=9),
    ):
        for after in (None, Cursor(5, 5)):
            page_of_leads(index.db, ("acme",), wanted, after, 10)
    index.db.set_trace_callback(None)
    chosen = [one for one in asked if "ORDER BY" in one]
    assert len(chosen) == 10
    for query in chosen:
        plan = " ".join(row[3] for row in index.db.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "SCAN" not in plan, (query, plan)
        assert "TEMP B-TREE" not in plan, (query, plan)
