"""Endpoints of notifications: who is sent what, setting that, and a test message."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr

from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.recipient_state import NotificationsState, SavedRecipient, TestedRecipient
from streams.messages.recipient_edit import Reports
from streams.operations.notifications.recipient_rules import RecipientFacts


class RecipientToTest(Input):
    """Who gets the test message."""

    recipient: str = Field(max_length=63, description="the name of a recipient")


class NewRecipient(Input):
    """Who is sent what: either `emails` or a `webhook_url`. `connections` are those that it hears of; null for all, which only an admin may.

    Times are such as 07:30 in `time_zone`, or empty for none.
    """

    label: str = Field(min_length=1, max_length=80, description="what people call it")
    emails: tuple[str, ...] = Field((), max_length=50)
    webhook_url: SecretStr | None = Field(
        None, description="the address of a webhook; it is stored sealed, never shown"
    )
    connections: tuple[str, ...] | None
    reports: Reports = "broke and recovered"
    time_zone: str = Field("", max_length=64)
    daily_summary: str = Field("", max_length=5)
    quiet_begin: str = Field("", max_length=5)
    quiet_end: str = Field("", max_length=5)
    quiet_but_worst: bool = True


class ChangedRecipient(NewRecipient):
    """The same, on the version that was seen. Without a `webhook_url` the one that is stored stays."""

    expected_version: int = Field(ge=1)


class RecipientVersion(Input):
    """The version that was seen."""

    expected_version: int = Field(ge=1)


def facts_of(given: dict[str, Any]) -> RecipientFacts:
    """The facts of a recipient among the fields of a body."""
    return RecipientFacts(
        **{key: value for key, value in given.items() if key not in ("connections", "expected_version")}
    )


async def _add(call: ApiCall) -> SavedRecipient:
    given = call.arguments
    return await call.services.notifications.recipients.add(call.by, facts_of(given), given["connections"])


async def _change(call: ApiCall) -> SavedRecipient:
    given = call.arguments
    return await call.services.notifications.recipients.change(
        call.by, call.path["recipient"], facts_of(given), given["connections"], given["expected_version"]
    )


ENDPOINTS = (
    Endpoint(
        *("GET", "/notifications", "get-notifications", "notifications"),
        *("Who is sent what, and the last messages.", "viewer"),
        *(NotificationsState, lambda call: call.services.notifications.state()),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/notifications/test", "test-notification", "notifications"),
        *("Send a test message; 503 says why it was not delivered.", "operator"),
        *(TestedRecipient, lambda call: call.services.notifications.test(call.by, **call.arguments)),
        body=RecipientToTest,
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/notifications/recipients", "add-recipient", "notifications"),
        *("Add somebody who is sent messages: for all connections as an admin, for some as an operator.", "operator"),
        *(SavedRecipient, _add),
        body=NewRecipient,
        errors=(404,),
        concerns="filtered",
    ),
    Endpoint(
        *("PUT", "/notifications/recipients/{recipient}", "change-recipient", "notifications"),
        *("Change who is sent what.", "operator"),
        *(SavedRecipient, _change),
        body=ChangedRecipient,
        errors=(404, 409),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/notifications/recipients/{recipient}/remove", "remove-recipient", "notifications"),
        *("Remove a recipient, with its webhook and with what it was sent.", "operator"),
        SavedRecipient,
        lambda call: call.services.notifications.recipients.remove(call.by, call.path["recipient"], **call.arguments),
        body=RecipientVersion,
        errors=(404, 409),
        concerns="filtered",
    ),
)
