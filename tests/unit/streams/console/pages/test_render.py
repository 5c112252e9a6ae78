"""From views to HTML: everything is text, and addresses hold what they should."""

from __future__ import annotations

import re
from datetime import UTC

import pytest

from streams.console.pages.render import ASSETS, asset, asset_href, href, part, render, zone_of
from streams.console.pages.views.leads_view import LeadChoice, no_leads
from tests.browser.samples import HOSTILE, SAMPLES, Sample, hostile, page_context


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_every_page_can_be_drawn_with_hostile_values_as_text(sample: Sample) -> None:
    for first in range(len(HOSTILE)):
        text = render(sample.template, hostile(sample.view, first), page_context(sample.name))
        assert "<script>window" not in text
        assert "<img" not in text
        assert "${49}" not in text
        assert not re.search(r"\b49 \$\{7", text)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_no_page_has_inline_scripts_styles_or_handlers(sample: Sample) -> None:
    """The content security policy would refuse them."""
    text = render(sample.template, sample.view, page_context(sample.name))
    assert text.count("<script") == 1
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert "javascript:" not in text


def test_viewers_see_no_buttons_that_act() -> None:
    acting = (
        "/connection-acts/ask",
        "/parked/retry",
        "/parked/discard",
        "/conflicts/decide",
        "/notifications/test",
        "/backfill/start",
        "/replay/start",
        "/replay/stop",
        "/replay/go-on",
        "/mapping/new",
        "/mapping/use",
        "/connect/",
        ">Save<",
    )
    for sample in SAMPLES:
        if sample.template in ("question.html", "people.html", "recipient.html"):
            continue  # a viewer cannot come to it
        text = render(sample.template, sample.view, page_context(sample.name, role="viewer"))
        assert [one for one in acting if one in text] == [], sample.name


def test_a_search_that_is_refused_claims_no_result() -> None:
    """One letter was not searched: the page must not say that no lead has it."""
    view = no_leads(LeadChoice("a"), (("acme", "acme"),), "Type at least 2 characters.")

    text = render("contacts.html", view, page_context("contacts"))

    assert "No lead found" not in text
    assert "No results" not in text
    assert "Type a name" in text


def test_an_address_quotes_what_it_is_given() -> None:
    assert href("/contacts", q="a&b=c/ä", connection="") == "/console/contacts?q=a%26b%3Dc%2F%C3%A4"
    assert part("../../x?y#z") == "..%2F..%2Fx%3Fy%23z"


def test_assets_are_kept_by_the_hash_of_their_content() -> None:
    for name in ASSETS:
        assert asset(name)
        assert asset_href(name).startswith(f"/console/assets/{name}?v=")
    with pytest.raises(KeyError):
        asset("../render.py")


@pytest.mark.parametrize("name", ["", "no/such", "../../etc/passwd", "/etc/passwd", "A" * 100, "Europe", "\x00"])
def test_a_zone_that_is_none_is_utc(name: str) -> None:
    assert zone_of(name) is UTC


def test_a_zone_by_its_name() -> None:
    assert str(zone_of("America/Los_Angeles")) == "America/Los_Angeles"
