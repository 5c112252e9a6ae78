"""The page of triggers and actions: in words, with what switches each on."""

from __future__ import annotations

from streams.catalogue.catalogue import ROWS
from streams.console.pages.views.catalogue_view import SETTING_WORDS, catalogue_view
from streams.console.services.catalogue import catalogue_page


def test_each_setting_is_in_words() -> None:
    """And no words are left of a setting that no row has."""
    assert {row.setting for row in ROWS if row.setting} == set(SETTING_WORDS)


def test_a_row_that_works_says_where_it_is_switched_on_and_another_why_not() -> None:
    """Nobody has to look anywhere else."""
    view = catalogue_view(catalogue_page(), None, None, None, "")
    rows = [row for section in view.sections for row in section.rows]
    assert len(rows) == len(ROWS)
    assert all(bool(row.on) == (row.state.words == "Works") for row in rows)
    assert all(row.on or row.note for row in rows)


def test_the_filters_stay_as_they_were_chosen() -> None:
    """With the counts of what is shown."""
    view = catalogue_view(catalogue_page("works", "ghl", "action", "task"), "works", "ghl", "action", "task")
    assert (view.state, view.vendor, view.kind, view.words) == ("works", "ghl", "action", "task")
    assert [(status.words, number) for status, number in view.counts] == [
        ("Works", sum(len(section.rows) for section in view.sections))
    ]
    assert {row.where for section in view.sections for row in section.rows} == {"GoHighLevel, action"}


def test_nothing_that_was_found_is_an_empty_page() -> None:
    """Without an error."""
    assert catalogue_view(catalogue_page(words="zzz"), None, None, None, "zzz").sections == ()
