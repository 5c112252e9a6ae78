"""Every failure that the facts name, and what it leads to. A row of the table that no case reaches fails."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import (
    AnswerTooLarge,
    ConnectorError,
    GrantRefused,
    InvalidRequest,
    MalformedAnswer,
    NetworkError,
    NotSent,
    TokenUnavailable,
    Unanswered,
    VendorError,
    WrongAccount,
)
from connectors.outcome import OUTCOMES, Disposition, classify, is_cut_off, names_missing_contact

LEADS_TO = {
    "connect again": Disposition.PAUSE,
    "wrong account": Disposition.PAUSE,
    "no token": Disposition.RETRY,
    "not sent": Disposition.RETRY,
    "answer too large": Disposition.RETRY,
    "unanswered": Disposition.RETRY,
    "network": Disposition.RETRY,
    "malformed answer": Disposition.RETRY,
    "rate limit": Disposition.THROTTLED,
    "server error": Disposition.RETRY,
    "try again": Disposition.RETRY,
    "token expired": Disposition.REFRESH,
    "no calendar access": Disposition.REFUSED,
    "no such calendar": Disposition.REFUSED,
    "no opportunity access": Disposition.REFUSED,
    "duplicate opportunity": Disposition.ADOPT,
    "not authorized": Disposition.PAUSE,
    "forbidden": Disposition.PAUSE,
    "location inactive": Disposition.PAUSE,
    "version header": Disposition.PAUSE,
    "duplicate": Disposition.ADOPT,
    "not found": Disposition.GONE,
    "unexplained 404": Disposition.REFUSED,
    "wrong key": Disposition.PAUSE,
    "missing permission": Disposition.PAUSE,
    "unknown user": Disposition.REFUSED,
    "permission denied": Disposition.REFUSED,
    "refused": Disposition.REFUSED,
}
"""What each row leads to. The cases below name the row."""


def ghl(status: int, *messages: str, **facts: Any) -> VendorError:
    """A refusal of GHL."""
    return VendorError(
        **{"vendor": "ghl", "operation": "an-operation", "status": status, "messages": messages, **facts}
    )


def lofty(status: int, message: str, code: int | None = None) -> VendorError:
    """A refusal of Lofty."""
    return VendorError(vendor="lofty", operation="an-operation", status=status, messages=(message,), code=code)


DUPLICATE = "This location does not allow duplicated contacts."
MALFORMED = MalformedAnswer(vendor="ghl", operation="create-contact", status=201, messages=("no contact.id",))

GRANT_REFUSED = GrantRefused(
    is_final=True, vendor="ghl", operation="get-access-token", status=400, messages=("Location is not active",)
)

NETWORK: list[tuple[ConnectorError, str]] = [
    (GRANT_REFUSED, "connect again"),
    (WrongAccount(operation="get-lead", status=200, expected="1", came="2"), "wrong account"),
    (TokenUnavailable("ghl:loc1", "ClientConnectorError"), "no token"),
    (NotSent("POST", "https://x.test/contacts/", "ClientConnectorError"), "not sent"),
    (Unanswered("POST", "https://x.test/contacts/", "TimeoutError"), "unanswered"),
    (AnswerTooLarge("POST", "https://x.test/contacts/", 201, 1024), "answer too large"),
    (NetworkError("GET", "https://x.test/contacts/", "ClientPayloadError"), "network"),
    (MALFORMED, "malformed answer"),
    (InvalidRequest("ghl", "create-contact", ("foo should not exist",)), "refused"),
    (ConnectorError("something new"), "refused"),
]
BOTH: list[tuple[int, str, str]] = [
    (408, "Request Timeout", "try again"),
    (425, "Too Early", "try again"),
    (429, "Too Many Requests", "rate limit"),
    (500, "Internal server error", "server error"),
    (502, "<html>Bad Gateway</html>", "server error"),
    (503, "Service Unavailable", "server error"),
    (504, "Gateway Timeout", "server error"),
    (529, "overloaded", "server error"),
    (302, "Moved", "refused"),
    (400, "Bad Request", "refused"),
    (405, "Method Not Allowed", "refused"),
    (409, "Conflict", "refused"),
    (413, "Payload Too Large", "refused"),
    (415, "Unsupported Media Type", "refused"),
]
GHL: list[tuple[VendorError, str]] = [
    # Who we are
    (ghl(401, "Invalid JWT"), "token expired"),
    (ghl(401, "Invalid token: access token is invalid"), "token expired"),
    (ghl(401, "The token has expired"), "token expired"),
    (ghl(401, "Invalid Private Integration token"), "not authorized"),
    (ghl(401, "The token is not authorized for this scope."), "missing permission"),
    (ghl(401, "Token's user type mismatch!"), "not authorized"),
    (
        ghl(401, "This authClass type is not allowed to access this scope. Please reach out to support"),
        "not authorized",
    ),
    (ghl(401, "version header was not found."), "version header"),
    (ghl(401, "version header is invalid"), "version header"),
    (ghl(400, "version header was not found."), "version header"),
    (ghl(400, "version header is invalid"), "version header"),
    (ghl(400, "Invalid API version segment 'bogus-version' at position 0"), "version header"),
    (ghl(403, "The token does not have access to this location."), "not authorized"),
    (ghl(403, "You do not have permission to access this resource"), "forbidden"),
    (ghl(403, "<html><title>Attention Required! | Cloudflare</title>"), "forbidden"),
    (ghl(403, ""), "forbidden"),
    (ghl(402, "Payment Required"), "forbidden"),
    (ghl(451, "Unavailable For Legal Reasons"), "forbidden"),
    (ghl(401, "This route is not yet supported by the IAM Service. Please update your IAM config"), "forbidden"),
    (ghl(401, "Unauthorized"), "not authorized"),
    (ghl(403, "Error 1010"), "forbidden"),
    (ghl(400, "Location is not active"), "location inactive"),
    (ghl(401, "UnAuthorized!"), "not authorized"),
    (ghl(400, "Endpoint /oauth/installedLocations is not available in API version v3"), "version header"),
    (ghl(400, "API endpoint has been removed"), "refused"),
    # Calendars, without which contacts go on
    (ghl(401, "The token is not authorized for this scope.", operation="create-appointment"), "no calendar access"),
    (ghl(403, "The token is not authorized for this scope.", operation="get-calendar"), "no calendar access"),
    (ghl(401, "The token is not authorized for this scope.", operation="create-task"), "missing permission"),
    (ghl(401, "Invalid Private Integration token", operation="create-appointment"), "not authorized"),
    (ghl(401, "The token is not authorized for this scope.", operation="get-pipelines"), "no opportunity access"),
    (
        ghl(400, "Can not create duplicate opportunity for the contact.", operation="create-opportunity"),
        "duplicate opportunity",
    ),
    (
        ghl(400, "Opportunity already exists for this contact in this pipeline", operation="create-opportunity"),
        "duplicate opportunity",
    ),
    (ghl(400, "Opportunity not found for id:o1", operation="get-opportunity"), "not found"),
    (ghl(400, "Contact not found for id:c1", operation="create-opportunity"), "not found"),
    (ghl(400, "The calendar c1 is not found", operation="create-appointment"), "no such calendar"),
    (ghl(404, "Calendar not found", operation="get-calendar"), "no such calendar"),
    (ghl(400, "Appointment not found for id:a1", operation="edit-appointment"), "not found"),
    (ghl(400, "Contact not found for id:c1", operation="create-appointment"), "not found"),
    # What we asked
    (ghl(400, DUPLICATE, meta={"contactId": "existing123", "matchingField": "email"}), "duplicate"),
    (ghl(400, DUPLICATE, meta={"contactName": "no id"}), "refused"),
    (ghl(400, DUPLICATE), "refused"),
    (ghl(400, "Contact not found for id:abc"), "not found"),
    (ghl(400, "Contact with id not found", operation="update-contact"), "not found"),
    (ghl(400, "Contact with id abc not found"), "not found"),
    (ghl(400, "The event id is invalid", operation="delete-event"), "not found"),
    (ghl(400, "Pass at least one of number, email query parameter", operation="upsert-contact"), "refused"),
    (ghl(422, "Contacts without email, phone, firstName and lastName are not allowed."), "refused"),
    (ghl(422, "Contact with id abc not found"), "not found"),
    (ghl(400, "Note not found for id:n1"), "not found"),
    (ghl(400, "Task not found for id:t1"), "not found"),
    (ghl(404, "Note not found"), "not found"),
    (ghl(404, "The contact does not exist"), "not found"),
    # A 404 that is not about the thing itself
    (ghl(404, "Not Found"), "unexplained 404"),
    (ghl(404, "Cannot PUT /contacts/c1"), "unexplained 404"),
    (ghl(404, "404 Not Found nginx"), "unexplained 404"),
    (ghl(410, "Gone"), "unexplained 404"),
    (ghl(422, "The assigned user was not found"), "refused"),
    (ghl(400, "Custom field not found for id:f1"), "refused"),
    (ghl(422, "property gender should not exist"), "refused"),
    (ghl(422, "property locationId should not exist", "email must be an email"), "refused"),
    (ghl(422, "Unprocessable Entity"), "refused"),
    (ghl(400, "The string supplied is too long to be a phone number"), "refused"),
    (ghl(400, "Invalid country calling code"), "refused"),
    (ghl(400, "Not authorized to update permanent dnd setting for SMS"), "refused"),
]
LOFTY: list[tuple[VendorError, str]] = [
    (lofty(400, "Content-type must be: application/json", 20001), "refused"),
    (lofty(404, "USER_NOT_EXIST", 20003), "unknown user"),
    (lofty(400, "Bad credentials", 20004), "wrong key"),
    (lofty(401, "BAD_CREDENTIALS"), "wrong key"),
    (lofty(401, "Access token expired"), "token expired"),
    (lofty(500, "There is an internal error happened", 20005), "server error"),
    (lofty(404, "Not Found"), "unexplained 404"),
    (lofty(410, "Gone"), "unexplained 404"),
    (lofty(404, "Lead not exist", 20006), "not found"),
    (lofty(400, "Lead not exist", 20006), "not found"),
    (lofty(404, "RESOURCE_NOT_EXIST", 20007), "not found"),
    (lofty(404, "TASK_NOT_EXIST"), "not found"),
    (lofty(404, "LEAD_PROPERTY_NOT_EXIST", 200108), "not found"),
    (lofty(404, "TRANSACTION_NOT_EXIST", 200060), "not found"),
    (lofty(400, "INVALID_PARAMETER", 20012), "refused"),
    (lofty(400, "PERMISSION_DENIED", 20017), "permission denied"),
    (lofty(403, "PERMISSION_DENIED", 20017), "permission denied"),
    (lofty(400, "Limit must be between 1 and 100", 20042), "refused"),
    (lofty(400, "PARAMETER_TOO_LONG", 20043), "refused"),
    (lofty(400, "Please enter url in right format", 20049), "refused"),
    (lofty(400, "PROPERTY_ADDRESS_EMPTY", 200057), "refused"),
    (lofty(400, "User in token does not exist.", 200058), "wrong key"),
    (lofty(401, "User in token does not exist.", 200058), "wrong key"),
    (lofty(400, "TRANSACTION_NAME_BLANK", 200062), "refused"),
    (lofty(403, "Sorry, the vendor does not have permission for this API.", 200100), "missing permission"),
    (lofty(403, "NO_ACCESS_WEBSITE"), "permission denied"),
    (lofty(400, "OFFSET_EXCEED_LIMIT", 200104), "refused"),
    (lofty(400, "TRANSACTION_STATUS_INVALID", 200125), "refused"),
    (lofty(400, "WEBHOOK_EXCEED_LIMIT"), "refused"),
    (lofty(400, "TASK_IS_SMARTPLAN"), "refused"),
    (lofty(429, "Too Many Requests"), "rate limit"),
    (lofty(400, "LEAD_NOT_EXIST"), "not found"),
    (lofty(400, "RESOURCE_NOT_EXIST"), "not found"),
    (lofty(400, "WEBHOOK_DELETE_NOT_EXIST"), "not found"),
    (lofty(404, "USER_NOT_EXIST"), "unknown user"),
    (lofty(400, "User in token does not exist."), "wrong key"),
    (lofty(403, "VENDOR_HAS_NO_PERMISSION"), "missing permission"),
    (lofty(403, "PERMISSION_DENIED"), "permission denied"),
    (lofty(400, "PERMISSION_DENIED"), "permission denied"),
    (lofty(403, "ACCESS_ALL_TEAM_LEADS"), "permission denied"),
    (lofty(403, "<html>Forbidden</html>"), "forbidden"),
    (lofty(403, "Invalid credentials"), "not authorized"),
    (lofty(402, "Payment Required"), "forbidden"),
    (lofty(451, ""), "forbidden"),
    (lofty(401, "Unauthorized"), "not authorized"),
    (lofty(400, "task not found", 20012), "refused"),
    (lofty(415, "Unsupported Media Type"), "refused"),
    (lofty(400, "MISSING_PARAMETER"), "refused"),
    (lofty(400, "LIMIT_PARAM_OVERSIZE"), "refused"),
    (lofty(400, "INVALID_UPDATE_OPERATION_LEADID"), "refused"),
    (lofty(400, "WEBHOOK_TYPE_ERROR"), "refused"),
    (lofty(400, "WEBHOOK_CALLBACK_URL_INVALID"), "refused"),
    (lofty(400, "WEBHOOK_DELETE_NO_AUTHORITY"), "refused"),
    (lofty(400, "ATTRIBUTE_NAME_EMPTY"), "refused"),
    (lofty(400, "ATTRIBUTE_TYPE_EMPTY"), "refused"),
]
ALL: list[tuple[ConnectorError, str]] = [
    *NETWORK,
    *((ghl(status, message), row) for status, message, row in BOTH),
    *((lofty(status, message), row) for status, message, row in BOTH),
    *GHL,
    *LOFTY,
]


@pytest.mark.parametrize(("error", "name"), ALL, ids=lambda value: str(value))
def test_each_failure_leads_to_what_the_facts_say(error: ConnectorError, name: str) -> None:
    """One table decides, whatever the status, the body or the exception."""
    row = classify(error)
    assert (row.name, row.disposition) == (name, LEADS_TO[name])


def test_every_row_is_reached_by_a_case() -> None:
    """A row that nothing reaches is dead, or shadowed by one above it."""
    reached = {id(classify(error)) for error, _ in ALL}
    assert [f"{row.name}: {row.why}" for row in OUTCOMES if id(row) not in reached] == []


def test_rows_of_one_name_lead_to_the_same() -> None:
    """The name is the cause in metrics and parked records, so it must not mean two things."""
    assert {(row.name, row.disposition) for row in OUTCOMES} == set(LEADS_TO.items())


def test_every_number_that_lofty_documents_has_a_case() -> None:
    """Nineteen codes, from its documents and seen live."""
    cases = {error.code for error, _ in LOFTY}
    numbers = {20001, 20003, 20004, 20005, 20006, 20007, 20012, 20017, 20042, 20043, 20049}
    numbers |= {200057, 200058, 200060, 200062, 200100, 200104, 200108, 200125}
    assert numbers <= cases


def test_a_code_outweighs_the_words_beside_it() -> None:
    """Words may quote anything; taken for `gone`, a wrong parameter would delete what is there."""
    assert classify(lofty(400, "lead not exist", 20012)).name == "refused"
    assert classify(lofty(400, "lead not exist")).name == "not found"


def test_the_last_row_fits_everything() -> None:
    """So there always is an answer."""
    assert OUTCOMES[-1].fits(ConnectorError())
    assert OUTCOMES[-1].disposition is Disposition.REFUSED


def test_a_daily_quota_that_is_used_up_is_a_throttle() -> None:
    """GHL documents no body for it: the status decides."""
    assert classify(ghl(429, "Daily limit exceeded")).name == "rate limit"


def test_one_vendors_texts_decide_nothing_for_the_other() -> None:
    """Lofty's 401 with GHL's words is judged by Lofty's rows."""
    assert classify(lofty(401, "Invalid JWT")).name == "not authorized"
    assert classify(ghl(400, "whatever", code=20006)).name == "refused"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unanswered("POST", "https://x.test/contacts/", "TimeoutError"), True),
        (AnswerTooLarge("POST", "https://x.test/contacts/", 201, 1024), False),
        (NotSent("POST", "https://x.test/contacts/", "ClientConnectorError"), False),
        (ghl(504, "Gateway Timeout"), True),
        (ghl(502, "Bad Gateway"), True),
        (ghl(500, "Internal server error"), False),
        (MALFORMED, False),
    ],
)
def test_what_was_cut_off_may_still_be_carried_out(error: ConnectorError, expected: bool) -> None:
    assert is_cut_off(error) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Contact not found for id:c1", True),
        ("Contact with id not found", True),
        ("Contact with id c1 not found", True),
        ("Note not found for id:n1", False),
        ("The event id is invalid", False),
    ],
)
def test_a_missing_contact_is_told_from_what_hangs_on_it(words: str, expected: bool) -> None:
    """A missing note is made again under its contact; a missing contact comes first."""
    error = ghl(400, words)
    assert names_missing_contact(error) is expected
