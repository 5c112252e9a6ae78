"""`[notifications]`: what is right becomes values, and each mistake has a text that says what is expected."""

from __future__ import annotations

import pytest

from streams.settings import SettingsError, parse_settings, require_secrets
from tests.unit.streams.console.stage import CONFIG, KEY
from tests.unit.streams.settings.test_parse import only_problem_of, problems_of

ENVIRON = {"LOFTY_GHL_CONSOLE_KEY": KEY}
SMTP = """
[notifications.smtp]
host = "smtp.example.com"
username = "sync@example.com"
sender = "sync@example.com"
"""
RECIPIENT = """
[[notifications.recipients]]
name = "{name}"
{more}
"""


def recipient(more: str, name: str = "ops") -> str:
    """A configuration with one recipient."""
    return CONFIG + SMTP + RECIPIENT.format(name=name, more=more)


@pytest.mark.parametrize(
    ("more", "where", "expected", "got"),
    [
        (
            "",
            "notifications.recipients.0",
            "either emails or webhook = true",
            "it has neither; make a recipient for each",
        ),
        (
            'emails = ["a@b.com"]\nwebhook = true',
            "notifications.recipients.0",
            "either emails or webhook = true",
            "it has both; make a recipient for each",
        ),
        ('emails = ["ann"]', "notifications.recipients.0.emails.0", "an e-mail address", "such as ann@example.com"),
        (
            'emails = ["a@b.com>\\r\\nBcc: <c@d.com"]',
            "notifications.recipients.0.emails.0",
            "an e-mail address",
            "such as ann@example.com",
        ),
        (
            'emails = ["a@b.com"]\ndaily_summary = "8 am"',
            "notifications.recipients.0.daily_summary",
            "a time of the day",
            "such as 07:30 or 22:00",
        ),
        (
            'emails = ["a@b.com"]\ndaily_summary = "23:00"\nquiet = { begin = "22:00", end = "07:00" }',
            "notifications.recipients.0",
            "a daily_summary outside of the quiet hours",
            "not 23:00",
        ),
        (
            'emails = ["a@b.com"]\nquiet = { begin = "22:00" }',
            "notifications.recipients.0.quiet.end",
            "a time of the day, such as 07:00",
            "add end to [notifications.recipients.0.quiet]",
        ),
        ('emails = ["a@b.com"]\nslack = true', "notifications.recipients.0.slack", "one of name, emails, webhook", ""),
    ],
)
def test_a_wrong_recipient_has_one_problem_that_says_what_is_expected(
    more: str, where: str, expected: str, got: str
) -> None:
    """With the line at which it is, or of its table."""
    line, at, wanted, _, hint = only_problem_of(recipient(more), ENVIRON)
    assert (at, wanted[: len(expected)], hint) == (where, expected, got)
    assert line is not None


def test_a_name_that_no_variable_can_have_is_refused() -> None:
    _, where, expected, _, _ = only_problem_of(recipient('emails = ["a@b.com"]', name="Our Team"), ENVIRON)
    assert (where, expected) == (
        "notifications.recipients.0.name",
        "a name of small letters, digits, dashes and underscores",
    )


def test_names_that_share_a_variable_are_one_name_too_many() -> None:
    text = recipient('emails = ["a@b.com"]', name="our-team") + RECIPIENT.format(
        name="our_team", more='emails = ["a@b.com"]'
    )
    _, where, expected, _, hint = only_problem_of(text, ENVIRON)
    assert (where, expected) == ("notifications", "a name of its own for each recipient")
    assert hint == "'our_team' is there twice"


def test_emails_need_a_server_and_a_password_needs_encryption() -> None:
    without = CONFIG + RECIPIENT.format(name="ops", more='emails = ["a@b.com"]')
    assert only_problem_of(without, ENVIRON)[2::2] == ("a table [notifications.smtp]", "recipient 'ops' has emails")
    in_the_open = CONFIG + SMTP + 'security = "none"\n'
    _, where, expected, _, hint = only_problem_of(in_the_open, ENVIRON)
    assert (where, expected) == ("notifications.smtp", "security starttls or tls where there is a username")
    assert hint == "a password must not be sent in the open"


def test_recipients_need_the_console_whose_process_sends() -> None:
    text = SMTP + RECIPIENT.format(name="ops", more='emails = ["a@b.com"]')
    _, where, expected, got, hint = only_problem_of(text)
    assert (where, expected, got) == ("notifications.recipients", "[console] with enabled = true", "no console")
    assert hint == "the console's process sends notifications"


def test_credentials_in_the_file_are_refused_and_never_shown() -> None:
    """A password, and a webhook's address; each with the variable that it belongs to."""
    text = recipient('webhook = "https://hooks.example.com/services/T0/B0/zzz"')
    text = text.replace("[notifications.smtp]", '[notifications.smtp]\npassword = "hunter2-of-ours"')
    found = problems_of(text, ENVIRON)
    hints = {where: hint for _, where, expected, _, hint in found if expected == "no credential in this file"}
    assert "LOFTY_GHL_SMTP_PASSWORD" in hints["notifications.smtp.password"]
    assert "LOFTY_GHL_NOTIFICATIONS_NAME_WEBHOOK_URL" in hints["notifications.recipients.0.webhook"]
    assert "hunter2" not in str(found)
    assert "zzz" not in str(found)


def test_an_address_that_is_none_is_a_problem_and_not_shown() -> None:
    environ = {**ENVIRON, "LOFTY_GHL_NOTIFICATIONS_OPS_WEBHOOK_URL": "hooks.example.com/zzz"}
    line, where, expected, got, _ = only_problem_of(recipient("webhook = true"), environ)
    assert (line, where) == (None, "LOFTY_GHL_NOTIFICATIONS_OPS_WEBHOOK_URL")
    assert (expected, got) == ("an http or https address", "another text (not shown)")


def test_a_gateway_asks_for_the_secrets_of_its_recipients() -> None:
    """Each by its variable, and where its value is found."""
    settings = parse_settings(recipient("webhook = true"), ENVIRON)
    with pytest.raises(SettingsError) as caught:
        require_secrets(settings, "console_key")
    hints = {problem.where: problem.hint for problem in caught.value.problems}
    assert set(hints) == {"LOFTY_GHL_SMTP_PASSWORD", "LOFTY_GHL_NOTIFICATIONS_OPS_WEBHOOK_URL"}
    assert "the password of sync@example.com at smtp.example.com" in hints["LOFTY_GHL_SMTP_PASSWORD"]
    assert "Slack" in hints["LOFTY_GHL_NOTIFICATIONS_OPS_WEBHOOK_URL"]


def test_secrets_of_recipients_show_in_no_repr() -> None:
    environ = {
        **ENVIRON,
        "LOFTY_GHL_SMTP_PASSWORD": "hunter2-of-ours",
        "LOFTY_GHL_NOTIFICATIONS_OPS_WEBHOOK_URL": "https://hooks.example.com/services/zzz",
    }
    settings = parse_settings(recipient("webhook = true"), environ)
    assert settings.notification_secrets.smtp_password is not None
    assert settings.notification_secrets.smtp_password.get_secret_value() == "hunter2-of-ours"
    assert "hunter2" not in repr(settings)
    assert "zzz" not in repr(settings)
