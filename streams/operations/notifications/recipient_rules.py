"""What a recipient that people set must be like: the rules of the configuration file, and those for addresses that people give. Pure.

::

    RecipientRefused
    ├── InvalidRecipient    it breaks a rule: the error has all of them
    ├── NoSuchRecipient     there is none of this name that the console can change
    └── StaleRecipient      somebody else changed it meanwhile
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from connectors.http.public_addresses import is_public
from streams.messages.recipient_edit import RecipientEdit, Reports
from streams.operations.notifications.recipients import recipient_of
from streams.settings.problems import Problem

LONGEST_LABEL = 80
LONGEST_URL = 2000
_LABEL = Problem(
    None, "label", f"a name of 1 to {LONGEST_LABEL} characters", "another text", "such as Ann, or sales chat"
)


class RecipientRefused(Exception):
    """Root of the errors that the person who edits must fix."""


class NoSuchRecipient(RecipientRefused):
    """There is no recipient of this name that the console can change."""


class StaleRecipient(RecipientRefused):
    """Somebody else changed it meanwhile."""


class InvalidRecipient(RecipientRefused):
    """It breaks a rule: `problems` are all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{one.where}: expected {one.expected}, got {one.got}" for one in problems))


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What a person sets. Without a `webhook_url` the one that is stored stays; without `connections` it hears of all.

    Times are such as 07:30, or empty.
    """

    label: str
    emails: tuple[str, ...] = ()
    webhook_url: SecretStr | None = None
    connections: tuple[str, ...] = ()
    reports: Reports = "broke and recovered"
    time_zone: str = ""
    daily_summary: str = ""
    quiet_begin: str = ""
    quiet_end: str = ""
    quiet_but_worst: bool = True


def label_problems(label: str) -> list[Problem]:
    """What is wrong with a label."""
    return [] if 0 < len(label) <= LONGEST_LABEL and label.isprintable() else [_LABEL]


def way_problems(edit: RecipientEdit, *, has_mail_server: bool) -> list[Problem]:
    """What is wrong with how its messages go."""
    found, has_webhook = list[Problem](), bool(edit.webhook_sealed)
    if has_webhook == bool(edit.emails):
        got = "both" if has_webhook else "neither"
        found.append(Problem(None, "emails", "either e-mail addresses or a webhook", got))
    if edit.emails and not has_mail_server:
        found.append(Problem(None, "emails", "a webhook, as this installation has no mail server yet", "e-mail"))
    return found


def checked_host(url: SecretStr, problems: list[Problem], *, is_private_fine: bool) -> str:
    """The host of a webhook; what is wrong with its address is appended to `problems`, without its text."""
    plain, expected = url.get_secret_value(), "the address of a webhook, such as Slack shows it"
    try:
        parts = urlsplit(plain)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not host or len(plain) > LONGEST_URL or not re.fullmatch(r"[\x21-\x7e]+", plain) or parts.username:
        problems.append(Problem(None, "webhook_url", expected, "another text (not shown)", "paste it again, alone"))
    elif parts.scheme != "https" and not (is_private_fine and parts.scheme == "http"):
        problems.append(Problem(None, "webhook_url", "an address that begins with https://", "another one (not shown)"))
    elif not is_private_fine and _is_number(host) and not is_public(host):
        problems.append(Problem(None, "webhook_url", "a server on the internet", "an address of a private network"))
    return host


def _is_number(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def rule_problems(edit: RecipientEdit) -> list[Problem]:
    """What is wrong with it by the rules of the configuration file."""
    try:
        recipient_of(edit)
    except ValidationError as error:
        return [
            Problem(
                None,
                str((one["loc"] or ("recipient",))[0]),
                str(one.get("ctx", {}).get("expected") or one["msg"]).replace("daily_summary", "daily summary"),
                repr(one["input"])[:100] if one["loc"] else "another one",
                str(one.get("ctx", {}).get("hint") or ""),
            )
            for one in error.errors(include_url=False)
        ]
    return []
