"""What is kept of a record, and what people may type."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.operations.history.index.search_terms import lane_and_rest, name_words, person_of, phone_words, wanted_of


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
    words = phone_words(["+1 (213) 555-0101"]).split()
    assert {"12135550101", "2135550101", "5550101", "0101"} <= set(words)
    assert min(map(len, words)) == 4


def test_a_name_is_found_by_a_piece_of_each_word() -> None:
    """Of at least three letters; a very long word adds little."""
    assert name_words("Ada Lovelace") == "Ada Lovelace ovelace velace elace lace ace"
    assert len(name_words("w" * 200)) < 5_000


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("530-555-0104", ["5305550104"]),
        ("+1 530-555-0104", ["15305550104", "5305550104"]),
        ("0104", ["0104"]),
        ("+44 20 7946 0018", ["442079460018", "2079460018", "079460018"]),
    ],
)
def test_a_number_is_also_searched_without_its_countrys_code(typed: str, numbers: list[str]) -> None:
    """Lofty has numbers without it; and some countries have nine digits."""
    quoted = [f'"{one}" *' for one in numbers]
    assert wanted_of(typed).match == f"phones : ({' OR '.join(quoted)})"


@given(st.text(max_size=300))
def test_whatever_is_typed_is_a_valid_search(text: str) -> None:
    """The syntax of the full-text search cannot be reached: no operator, no column, no quote."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE people USING fts5(name, emails, phones, shown UNINDEXED)")
    match = wanted_of(text).match
    if match:
        db.execute("SELECT rowid FROM people WHERE people MATCH ?", (match,)).fetchall()
    db.close()
