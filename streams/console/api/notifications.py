"""Endpoints of notifications: who is sent what, and a test message."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.notifications import NotificationsState, TestedRecipient


class RecipientToTest(Input):
    """Who gets the test message."""

    recipient: str = Field(max_length=63, description="the name of a recipient in the configuration")


ENDPOINTS = (
    Endpoint(
        *("GET", "/notifications", "get-notifications", "notifications"),
        *("Who is sent what, and the last messages.", "viewer"),
        *(NotificationsState, lambda call: call.services.notifications.state()),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/notifications/test", "test-notification", "notifications"),
        *("Send a test message; 503 says why it was not delivered.", "operator"),
        *(TestedRecipient, lambda call: call.services.notifications.test(call.by, **call.arguments)),
        body=RecipientToTest,
        errors=(404,),
        concerns="deployment",
    ),
)
