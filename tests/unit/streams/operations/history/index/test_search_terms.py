"""What is kept of a record, and what people may type."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.operations.history.index.search_terms import lane_and_rest, person_of, phone_words, wanted_of


def test_a_key_is_a_lane_and_what_it_is_about() -> None:
    assert lane_and_rest("acme:7:note:9") == ("acme:7", "note:9")
    assert lane_and_rest("acme:7") == ("acme:7", "")


def test_a_person_is_named_by_the_newest_snapshot() -> None:
    """E-mail addresses in small letters, once each."""
    state = {
        "firstName": " Ada ",
        "lastName": "Example",
        "emails": ["A@x.com", "a@x.com"],
        "phones": ["(213) 555-0101"],
    }
    person = person_of({"state": state, "read_ms": 5})
    assert (person.name, person.emails, person.phones, person.is_gone) == (
        "Ada Example",
        ("a@x.com",),
        ("(213) 555-0101",),
        False,
    )


@pytest.mark.parametrize("state", [None, {}, {"firstName": 7, "emails": {"a": 1}, "phones": "x"}, {"emails": [None]}])
def test_odd_snapshots_do_no_harm(state: object) -> None:
    """Whatever Lofty may send."""
    person = person_of({"state": state})
    assert (person.name, person.emails, person.phones) == ("", (), ())


def test_a_number_is_found_without_its_countrys_code() -> None:
    assert phone_words(["+1 (213) 555-0101"]) == "12135550101 2135550101 5550101"


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_valid_search(text: str) -> None:
    """The syntax of the full-text search cannot be reached: no operator, no column, no quote."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE people USING fts5(name, emails, phones, shown UNINDEXED)")
    match = wanted_of(text).match
    if match:
        db.execute("SELECT rowid FROM people WHERE people MATCH ?", (match,)).fetchall()
    db.close()
