"""Whether the recipients of notifications name connections that exist."""

from __future__ import annotations

from streams.operations.doctor.notified import notified
from streams.settings import Settings
from tests.unit.streams.console.stage import settings_of

RECIPIENTS = """
[connections.acme.lofty]
team_id = "1"
[connections.acme.ghl]
location_id = "L"
[notifications.smtp]
host = "127.0.0.1"
sender = "sync@example.com"
[[notifications.recipients]]
name = "ops"
emails = ["ann@example.com"]
[[notifications.recipients]]
name = "agency"
emails = ["bob@example.com"]
connections = ["{named}"]
"""


def settings(named: str) -> Settings:
    """A recipient of everything, and one of this connection."""
    return settings_of(RECIPIENTS.format(named=named))


def test_recipients_of_connections_that_exist_are_ok() -> None:
    found = list(notified(settings("acme"), knows_all=True))
    assert [(one.subject, one.level, one.says) for one in found] == [
        ("ops", "ok", "hears of all connections"),
        ("agency", "ok", "hears of 1 of 1 connections"),
    ]


def test_a_connection_that_does_not_exist_is_wrong_with_what_was_meant() -> None:
    ops, agency = notified(settings("acne"), knows_all=True)
    assert (ops.level, agency.level, agency.subject) == ("ok", "wrong", "agency")
    assert agency.says == "there is no connection 'acne'"
    assert (
        agency.mend
        == "correct connections of the recipient agency in [[notifications.recipients]]; did you mean 'acme'?"
    )


def test_a_connection_that_may_be_of_the_console_is_not_looked_at_while_that_is_unknown() -> None:
    _, agency = notified(settings("best"), knows_all=False)
    assert agency.level == "not looked at"
    assert agency.says == "there is no connection 'best' in the file, and those of the console cannot be read"
