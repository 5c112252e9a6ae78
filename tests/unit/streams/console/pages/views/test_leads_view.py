"""The page of leads: what an address chooses, and where its links lead."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from streams.console.pages.views.leads_view import LEVELS, LeadChoice, leads_view
from streams.console.services.leads import LeadChoices, LeadPage
from streams.operations.history.index.lead_list import LeadFilter
from streams.operations.history.index.lead_rows import STATES
from tests.unit.streams.console.services.test_lead_export import LEAD

PAGE = LeadPage((LEAD,), "5.6.0", {state: number for number, state in enumerate(STATES, 1)}, 21, 1.0, True, 0)
NO_CHOICES = LeadChoices((), ())


def test_an_address_and_its_choice_are_the_same() -> None:
    """All of it, and what is no choice is left out."""
    choice = LeadChoice("ada & co", "acme", "conflict", "Grace", "a/b", "2026-03-01", "1.2.0")
    query = {name: values[0] for name, values in parse_qs(urlsplit(choice.href(after="1.2.0")).query).items()}
    assert LeadChoice.of(query) == choice
    assert LeadChoice.of({"state": "bogus", "q": "  "}) == LeadChoice()


def test_a_day_begins_at_midnight_of_the_readers_zone() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    assert LeadChoice(since="2026-03-01").filter(zone) == LeadFilter(since_ms=1_772_352_000_000)
    for wrong in ("", "yesterday", "2026-13-01", "0001-01-01"):
        assert LeadChoice(since=wrong).filter(zone).since_ms == 0


def test_links_keep_what_was_chosen_and_begin_with_the_first_page() -> None:
    view = leads_view(LeadChoice(connection="acme", agent="Grace", after="1.2.0"), (), PAGE, NO_CHOICES)
    chosen = "connection=acme&agent=Grace"
    assert view.after is not None
    assert view.after.href == f"/console/contacts?{chosen}&after=5.6.0"
    assert view.first is not None
    assert view.first.href == f"/console/contacts?{chosen}"
    assert view.export_href == f"/console/contacts/export?{chosen}"
    assert view.chips[1].href == "/console/contacts?connection=acme&state=attention&agent=Grace"


def test_numbers_are_shown_where_they_are_those_of_the_list() -> None:
    """Of a state they are known; of an agent or a search they are not."""
    assert set(LEVELS) == set(STATES)
    every = leads_view(LeadChoice(state="synced"), (), PAGE, NO_CHOICES)
    assert sum(one.count or 0 for one in every.chips[1:]) == every.chips[0].count == 21
    assert every.words == "1 of 1 lead, the last change first."
    for choice in (LeadChoice("ada"), LeadChoice(agent="x"), LeadChoice(tag="x"), LeadChoice(since="2026-03-01")):
        assert {one.count for one in leads_view(choice, (), PAGE, NO_CHOICES).chips} == {None}
    nobody = replace(PAGE, leads=(), after="")
    assert leads_view(LeadChoice(tag="x"), (), nobody, NO_CHOICES).export_href == ""
