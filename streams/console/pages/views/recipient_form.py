"""The form of who is sent messages: filled from what is stored, or as it was sent and came back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from pydantic import SecretStr

from streams.console.errors import ConsoleError, Fault, WrongInput
from streams.messages.recipient_edit import RecipientEdit, Reports
from streams.operations.notifications.recipient_rules import RecipientFacts

REPORTS: tuple[tuple[Reports, str], ...] = (
    ("broke and recovered", "when something stops working, and when it works again"),
    ("broke", "only when something stops working"),
    ("nothing", "only the daily summary"),
)
_FIELDS = {
    "label": "Name",
    "emails": "E-mail addresses",
    "webhook_url": "Webhook",
    "time_zone": "Time zone",
    "daily_summary": "Daily summary",
    "quiet": "Quiet hours",
}
_NAMES = ("label", "emails", "reports", "time_zone", "daily_summary", "quiet_begin", "quiet_end", "but_worst")


@dataclass(frozen=True, slots=True)
class RecipientForm:
    """The form. `connections` can be chosen; `of` are those that are, None for all. A webhook's address is never filled in.

    `name` is empty for a new one. `can_mail`: there is a mail server. `webhook_host` is the host of the webhook that is stored.
    """

    name: str
    version: int
    values: Mapping[str, str]
    of: tuple[str, ...] | None
    connections: tuple[str, ...]
    can_mail: bool
    webhook_host: str = ""
    problem: str = ""
    faults: tuple[Fault, ...] = ()
    reports: tuple[tuple[Reports, str], ...] = REPORTS

    def field_of(self, fault: Fault) -> str:
        """What the form calls the field that a fault is about."""
        return _FIELDS.get(fault.where, "")

    @property
    def filled(self) -> Mapping[str, str]:
        """The value of each field; empty where there is none."""
        return {**dict.fromkeys(_NAMES, ""), **self.values}

    @property
    def is_mail(self) -> bool:
        """Whether e-mail is chosen."""
        return self.values.get("way") == "email"


def values_of(edit: RecipientEdit) -> dict[str, str]:
    """What is stored, as the form has it."""
    return {
        "label": edit.label,
        "way": "webhook" if edit.webhook_sealed else "email",
        "emails": "\n".join(edit.emails),
        "reports": edit.reports,
        "time_zone": edit.time_zone,
        "daily_summary": edit.daily_summary,
        "quiet_begin": edit.quiet_begin,
        "quiet_end": edit.quiet_end,
        "but_worst": "yes" if edit.quiet_but_worst else "",
    }


def facts_from(form: Mapping[str, str]) -> RecipientFacts:
    """What was sent. Raises `WrongInput` for what no form of ours sends."""
    way, reports, url = form.get("way", ""), form.get("reports", ""), form.get("webhook_url", "").strip()
    if way not in ("email", "webhook"):
        raise WrongInput("Choose whether messages go by e-mail or to a webhook.")
    if reports not in get_args(Reports):
        raise WrongInput("Choose what is sent.")
    emails = tuple(one for one in re.split(r"[\s,;]+", form.get("emails", "")) if one)
    return RecipientFacts(
        label=form.get("label", "").strip(),
        emails=emails if way == "email" else (),
        webhook_url=SecretStr(url) if way == "webhook" and url else None,
        reports=cast(Reports, reports),
        time_zone=form.get("time_zone", "").strip(),
        daily_summary=form.get("daily_summary", "")[:5],
        quiet_begin=form.get("quiet_begin", "")[:5],
        quiet_end=form.get("quiet_end", "")[:5],
        quiet_but_worst=form.get("but_worst") == "yes",
    )


def faults_of(error: ConsoleError) -> tuple[Fault, ...]:
    """What is wrong with each field."""
    return error.faults if isinstance(error, WrongInput) else ()
