"""Every failure that the facts name, and what it leads to. A row of the table that no case reaches fails."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import (
    ConnectorError,
    InvalidRequest,
    MalformedAnswer,
    NetworkError,
    NotSent,
    Unanswered,
    VendorError,
)
from connectors.outcome import OUTCOMES, Disposition, classify

RETRY, THROTTLED, REFRESH, PAUSE = Disposition.RETRY, Disposition.THROTTLED, Disposition.REFRESH, Disposition.PAUSE
ADOPT, GONE, REFUSED = Disposition.ADOPT, Disposition.GONE, Disposition.REFUSED


def ghl(status: int, *messages: str, **facts: Any) -> VendorError:
    """A refusal of GHL."""
    return VendorError(vendor="ghl", operation="an-operation", status=status, messages=messages, **facts)


def lofty(status: int, message: str, code: int | None = None) -> VendorError:
    """A refusal of Lofty."""
    return VendorError(vendor="lofty", operation="an-operation", status=status, messages=(message,), code=code)


DUPLICATE = "This location does not allow duplicated contacts."
MALFORMED = MalformedAnswer(vendor="ghl", operation="create-contact", status=201, messages=("no contact.id",))

NETWORK: list[tuple[ConnectorError, Disposition]] = [
    (NotSent("POST", "https://x.test/contacts/", "ClientConnectorError"), RETRY),
    (Unanswered("POST", "https://x.test/contacts/", "TimeoutError"), RETRY),
    (NetworkError("GET", "https://x.test/contacts/", "ClientPayloadError"), RETRY),
    (MALFORMED, RETRY),
    (InvalidRequest("ghl", "create-contact", ("foo should not exist",)), REFUSED),
    (ConnectorError("something new"), REFUSED),
]
BOTH: list[tuple[int, str, Disposition]] = [
    (408, "Request Timeout", RETRY),
    (425, "Too Early", RETRY),
    (429, "Too Many Requests", THROTTLED),
    (500, "Internal server error", RETRY),
    (502, "<html>Bad Gateway</html>", RETRY),
    (503, "Service Unavailable", RETRY),
    (504, "Gateway Timeout", RETRY),
    (529, "overloaded", RETRY),
    (404, "Not Found", GONE),
    (410, "Gone", GONE),
    (302, "Moved", REFUSED),
    (400, "Bad Request", REFUSED),
    (405, "Method Not Allowed", REFUSED),
    (409, "Conflict", REFUSED),
    (413, "Payload Too Large", REFUSED),
    (415, "Unsupported Media Type", REFUSED),
]
GHL: list[tuple[VendorError, Disposition]] = [
    # Who we are
    (ghl(401, "Invalid JWT"), REFRESH),
    (ghl(401, "Invalid token: access token is invalid"), REFRESH),
    (ghl(401, "The token has expired"), REFRESH),
    (ghl(401, "Invalid Private Integration token"), PAUSE),
    (ghl(401, "The token is not authorized for this scope."), PAUSE),
    (ghl(401, "Token's user type mismatch!"), PAUSE),
    (ghl(401, "This authClass type is not allowed to access this scope. Please reach out to support"), PAUSE),
    (ghl(401, "version header was not found."), PAUSE),
    (ghl(401, "version header is invalid"), PAUSE),
    (ghl(400, "version header was not found."), PAUSE),
    (ghl(400, "version header is invalid"), PAUSE),
    (ghl(400, "Invalid API version segment 'bogus-version' at position 0"), PAUSE),
    (ghl(403, "The token does not have access to this location."), PAUSE),
    (ghl(403, "You do not have permission to access this resource"), PAUSE),
    (ghl(403, "Error 1010"), PAUSE),
    (ghl(400, "Location is not active"), PAUSE),
    # What we asked
    (ghl(400, DUPLICATE, meta={"contactId": "existing123", "matchingField": "email"}), ADOPT),
    (ghl(400, DUPLICATE, meta={"contactName": "no id"}), REFUSED),
    (ghl(400, DUPLICATE), REFUSED),
    (ghl(400, "Contact not found for id:abc"), GONE),
    (ghl(422, "Contact with id abc not found"), GONE),
    (ghl(400, "Note not found for id:n1"), GONE),
    (ghl(400, "Task not found for id:t1"), GONE),
    (ghl(422, "The assigned user was not found"), REFUSED),
    (ghl(400, "Custom field not found for id:f1"), REFUSED),
    (ghl(422, "property gender should not exist"), REFUSED),
    (ghl(422, "property locationId should not exist", "email must be an email"), REFUSED),
    (ghl(422, "Unprocessable Entity"), REFUSED),
    (ghl(400, "The string supplied is too long to be a phone number"), REFUSED),
    (ghl(400, "Invalid country calling code"), REFUSED),
    (ghl(400, "Not authorized to update permanent dnd setting for SMS"), REFUSED),
]
LOFTY: list[tuple[VendorError, Disposition]] = [
    (lofty(400, "Content-type must be: application/json", 20001), REFUSED),
    (lofty(404, "USER_NOT_EXIST", 20003), REFUSED),
    (lofty(400, "Bad credentials", 20004), PAUSE),
    (lofty(401, "BAD_CREDENTIALS"), PAUSE),
    (lofty(401, "Access token expired"), REFRESH),
    (lofty(500, "There is an internal error happened", 20005), RETRY),
    (lofty(404, "Lead not exist", 20006), GONE),
    (lofty(400, "Lead not exist", 20006), GONE),
    (lofty(404, "RESOURCE_NOT_EXIST", 20007), GONE),
    (lofty(404, "TASK_NOT_EXIST"), GONE),
    (lofty(404, "LEAD_PROPERTY_NOT_EXIST", 200108), GONE),
    (lofty(404, "TRANSACTION_NOT_EXIST", 200060), GONE),
    (lofty(400, "INVALID_PARAMETER", 20012), REFUSED),
    (lofty(400, "PERMISSION_DENIED", 20017), REFUSED),
    (lofty(403, "PERMISSION_DENIED", 20017), REFUSED),
    (lofty(400, "Limit must be between 1 and 100", 20042), REFUSED),
    (lofty(400, "PARAMETER_TOO_LONG", 20043), REFUSED),
    (lofty(400, "Please enter url in right format", 20049), REFUSED),
    (lofty(400, "PROPERTY_ADDRESS_EMPTY", 200057), REFUSED),
    (lofty(400, "User in token does not exist.", 200058), PAUSE),
    (lofty(401, "User in token does not exist.", 200058), PAUSE),
    (lofty(400, "TRANSACTION_NAME_BLANK", 200062), REFUSED),
    (lofty(403, "Sorry, the vendor does not have permission for this API.", 200100), PAUSE),
    (lofty(403, "NO_ACCESS_WEBSITE"), PAUSE),
    (lofty(400, "OFFSET_EXCEED_LIMIT", 200104), REFUSED),
    (lofty(400, "TRANSACTION_STATUS_INVALID", 200125), REFUSED),
    (lofty(400, "WEBHOOK_EXCEED_LIMIT"), REFUSED),
    (lofty(400, "TASK_IS_SMARTPLAN"), REFUSED),
    (lofty(429, "Too Many Requests"), THROTTLED),
]
ALL: list[tuple[ConnectorError, Disposition]] = [
    *NETWORK,
    *((ghl(status, message), leads_to) for status, message, leads_to in BOTH),
    *((lofty(status, message), leads_to) for status, message, leads_to in BOTH),
    *GHL,
    *LOFTY,
]


@pytest.mark.parametrize(("error", "leads_to"), ALL, ids=lambda value: str(value))
def test_each_failure_leads_to_what_the_facts_say(error: ConnectorError, leads_to: Disposition) -> None:
    """One table decides, whatever the status, the body or the exception."""
    assert classify(error).disposition is leads_to


def test_every_row_is_reached_by_a_case() -> None:
    """A row that nothing reaches is dead, or shadowed by one above it."""
    reached = {id(classify(error)) for error, _ in ALL}
    assert [f"{row.name}: {row.why}" for row in OUTCOMES if id(row) not in reached] == []


def test_rows_of_one_name_lead_to_the_same() -> None:
    """The name is the cause in metrics and parked records, so it must not mean two things."""
    meanings = {(row.name, row.disposition) for row in OUTCOMES}
    assert len({name for name, _ in meanings}) == len(meanings)


def test_the_last_row_fits_everything() -> None:
    """So there always is an answer."""
    assert OUTCOMES[-1].fits(ConnectorError())
    assert OUTCOMES[-1].disposition is REFUSED


def test_a_daily_quota_that_is_used_up_is_a_throttle() -> None:
    """GHL documents no body for it: the status decides."""
    assert classify(ghl(429, "Daily limit exceeded")).disposition is THROTTLED


def test_one_vendors_texts_decide_nothing_for_the_other() -> None:
    """Lofty's 401 with GHL's words is judged by Lofty's rows."""
    assert classify(lofty(401, "Invalid JWT")).disposition is PAUSE
    assert classify(ghl(400, "whatever", code=20006)).disposition is REFUSED
