"""Messages as an agency reads them."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

from streams.core.notifications.news import News
from streams.core.notifications.problem import Cause
from streams.messages.notification import Issue
from streams.operations.notifications.words import CAUSES, Figures, Wording

NOON = 1_800_014_400_000
WORDS = Wording(UTC, {"acme-1": "acme"}, "https://sync.example.com")


def issue(cause: str, of: str = "", *connections: str, number: int = 0) -> Issue:
    """A problem that began ten minutes ago."""
    return Issue(
        cause=cause, of=of, connections=connections, number=number, since_ms=NOON - 600_000, seen_ms=NOON - 120_000
    )


def test_every_cause_has_words() -> None:
    assert set(CAUSES) == set(get_args(Cause))


def test_a_message_says_what_since_when_what_to_do_and_where() -> None:
    text = WORDS.news(News(NOON, begun=(issue("access", "read acme-1", "acme-1"),)))
    assert text.subject == "acme: Lofty refuses our access"
    assert text.body.splitlines() == [
        f"acme: Lofty refuses our access, since {WORDS.time(NOON - 600_000)}.",
        "Changes wait until access is back. Nothing is lost.",
        "What to do: Connect Lofty again, or replace the key, on the page Connections.",
        "https://sync.example.com/console/connections",
    ]


def test_twenty_connections_are_one_sentence() -> None:
    many = tuple(issue("access", f"write a{one:02}", f"a{one:02}") for one in range(20))
    text = WORDS.news(News(NOON, begun=many))
    assert text.subject.startswith("a00, a01, ")
    assert "and 10 more: GoHighLevel refuses our access" in text.subject
    assert text.body.count("GoHighLevel refuses our access") == 1


def test_an_end_says_how_long_it_lasted_and_the_last_message_of_an_hour_says_so() -> None:
    text = WORDS.news(News(NOON, ended=(issue("parked", "acme-1", "acme-1", number=3),), paused_until_ms=NOON))
    assert text.subject == "Solved: acme: Nothing needs attention"
    assert "and lasted 8 minutes." in text.body
    assert "This is the last message before" in text.body


def test_a_daily_summary_counts() -> None:
    text = WORDS.summary(News(NOON, is_summary=True), Figures(2, 0, 300, 1, 1))
    assert text.subject == "lofty-ghl, daily summary: all is well"
    assert "All 2 connections work.\n1 change on the way.\n300 contacts, notes and tasks in GoHighLevel." in text.body


def test_a_daily_summary_with_conflicts_to_decide_does_not_say_that_all_is_well() -> None:
    text = WORDS.summary(News(NOON, is_summary=True), Figures(1, 0, 300, 0, 0, conflicts=2))
    assert text.subject == "lofty-ghl, daily summary: 2 conflicts to decide"
    assert "2 conflicts to decide: who is who?\nhttps://sync.example.com/console/conflicts" in text.body
    broken = News(NOON, lasting=(issue("access", "read acme-1", "acme-1"),), is_summary=True)
    both = WORDS.summary(broken, Figures(1, 1, 300, 0, 0, conflicts=1))
    assert both.subject == "lofty-ghl, daily summary: 1 open problem"
    assert "1 conflict to decide" in both.body
