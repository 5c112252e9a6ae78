"""From services' values to what pages show: causes, stories, records, differences."""

from __future__ import annotations

import pytest

from streams.console.pages.views import contacts_view as contacts
from streams.console.pages.views import mapping_view as mapping
from streams.console.pages.views import parked_view as parked
from streams.console.pages.views.links import about, contact_of
from streams.console.pages.views.parked_causes import cause_of
from streams.console.services.contacts import Timeline
from streams.console.services.parked import ParkedGroup, ParkedGroups
from streams.console.services.verdict import Answer
from streams.operations.history.sent_requests import Sent
from streams.operations.history.timeline import Event
from streams.operations.parked.open_records import RecordFilter

NOW = 1_764_042_000_000
CONTACT = "acme:600123:contact:600123"


def write(outcome: str, **facts: object) -> Event:
    """One write to GHL."""
    return Event(NOW, CONTACT, "write", "did it", "ghl.receipts/1@2", step="update contact", outcome=outcome, **facts)  # type: ignore[arg-type]  # named facts of an event


@pytest.mark.parametrize(
    ("outcome", "title", "level"),
    [
        ("applied", "Written to GHL", "ok"),
        ("refused", "GHL refused", "bad"),
        ("doubtful", "GHL did not answer", "warn"),
        ("unchanged", "Nothing to write to GHL", "ok"),
    ],
)
def test_a_write_is_told_by_what_became_of_it(outcome: str, title: str, level: str) -> None:
    step = contacts.step(write(outcome))
    assert (step.title, step.level, step.entity) == (title, level, "contact")


def test_a_vendors_words_stay_as_they_came() -> None:
    assert contacts.step(write("refused", answer="phone must be valid")).words == "phone must be valid"


def test_what_was_sent_is_json_and_what_is_not_known_any_more_says_so() -> None:
    sent = (Sent("email", "ada@example.com", True), Sent("phone", None, False))
    assert contacts.request(write("applied", sent=sent)).splitlines()[1:3] == [
        '  "email": "ada@example.com",',
        '  "phone": "(not kept: the lead has changed since)"',
    ]


def test_entities_are_named_as_people_name_them() -> None:
    assert [about(CONTACT), about("acme:600123:note:881"), about("x")] == ["contact", "note 881", "x"]
    assert contact_of("acme:600123:note:881") == "/console/contacts/acme/600123"
    assert contact_of("no-entity") == ""


def test_every_cause_has_a_title_and_what_mends_it() -> None:
    assert cause_of("deliver", "refused").title == "GHL refuses it"
    assert cause_of("fetch", "not visible").title == "Lofty does not show the lead"
    assert cause_of("deliver", "something new").title == "Something new"
    assert all(cause_of(stage, reason).help for stage in ("intake", "deliver") for reason in ("refused", "other"))


def test_a_group_is_named_by_its_cause_in_links() -> None:
    card = parked.cause_card(ParkedGroup("acme", "deliver", "contact deleted in GHL", 2, NOW, NOW, "gone"))
    assert card.key == "connection=acme&stage=deliver&reason=contact+deleted+in+GHL"
    assert card.href.endswith("reason=contact+deleted+in+GHL")


def test_a_question_names_how_many_and_carries_the_filter() -> None:
    asked = parked.question("discard", RecordFilter(connection="acme", reason="refused"), 18, "/console/parked")
    assert (asked.title, asked.is_dangerous) == ("Discard 18 records?", True)
    assert asked.fields == (("connection", "acme"), ("reason", "refused"))


def test_bytes_are_shown_as_json_where_they_are() -> None:
    assert parked.pretty('{"a":1}') == ('{\n  "a": 1\n}', "JSON")
    assert parked.pretty("not json <") == ("not json <", "text")


def test_a_difference_has_kinds_and_no_heads() -> None:
    lines = mapping.diff("a\nb\n", "a\nc\n")
    assert [(one.kind, one.text) for one in lines] == [("same", "a"), ("removed", "b"), ("added", "c")]


def test_values_are_shown_as_people_read_them() -> None:
    assert [mapping.shown(one) for one in (None, "x", ["a", 1], {"b": None})] == ["", "x", "a, 1", '{"b": null}']


def test_a_long_story_begins_with_the_newest_lines_and_leads_to_the_rest() -> None:
    """The rest is one click away, and where it ends is said."""
    events = tuple(Event(at, "acme:7:contact:7", "read", f"line {at}", f"x/0@{at}") for at in range(598))
    facts = {"answer": Answer("ok", "x"), "standing": (), "pending": (), "parked_ids": (), "is_complete": True}
    story = Timeline(
        connection="acme",
        lead="7",
        name="",
        emails=(),
        phones=(),
        ghl_id="g",
        is_gone=False,
        **{"events": events, "is_cut": False, "source": "index", "took_ms": 1.0, "location": "loc", **facts},
    )
    first = contacts.timeline(story, "")
    assert [one.event.at_ms for one in first.steps[:2]] == [597, 596]
    assert (len(first.steps), first.is_cut) == (40, True)
    assert first.more is not None
    assert first.more.words == "Show 260 older lines"
    assert contacts.timeline(story, "", is_long=True).more is None
    assert first.ghl_href == "https://app.gohighlevel.com/v2/location/loc/contacts/detail/g"
    assert first.lofty_href.endswith("leadId=7")


def test_many_causes_come_page_by_page() -> None:
    """Two hundred connections with three causes each are 600: the most frequent first, and nothing twice or never."""
    groups = tuple(ParkedGroup("acme", "intake", f"cause {n}", 1, NOW, NOW, "") for n in range(45))
    found = ParkedGroups(groups, 45)
    pages = [parked.causes_view(found, connection="acme", offset=at) for at in (0, 20, 40, 900)]
    shown = [card.group.reason for page in pages[:3] for card in page.cards]
    assert shown == [group.reason for group in groups]
    assert [page.words for page in pages[:3]] == [
        "1 to 20 of 45 causes",
        "21 to 40 of 45 causes",
        "41 to 45 of 45 causes",
    ]
    assert (pages[0].before, pages[2].after, pages[3].words) == (None, None, pages[2].words)
    assert pages[0].after is not None
    assert pages[1].before is not None
    assert pages[0].after.href == "/console/parked?connection=acme&offset=20"
    assert pages[1].before.href == "/console/parked?connection=acme"
    few = parked.causes_view(ParkedGroups(groups[:20], 20))
    assert (few.words, few.before, few.after, len(few.cards)) == ("", None, None, 20)
    assert parked.causes_view(ParkedGroups((), 0), offset=40).cards == ()
