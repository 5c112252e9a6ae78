"""Classifies every failure of a vendor call: one table, read from top to bottom; the first row that fits decides.

The sources are `Retry classification` and the tables of messages in the vendors' facts; each row says which case it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from connectors.errors import (
    AnswerTooLarge,
    ConnectorError,
    GrantRefused,
    MalformedAnswer,
    NetworkError,
    NotSent,
    TokenUnavailable,
    Unanswered,
    VendorError,
    WrongAccount,
)

MISSING_PERMISSION = "missing permission"
"""The cause of a pause that concerns one kind of request: the token is valid, and may not do this."""

NAMES_NOTHING = "unexplained 404"
"""The cause of a 404, or 410, that does not say that the thing we asked for is gone."""

FORBIDDEN = "forbidden"
"""The cause of a refusal that names neither the token nor a scope: it may be about this record alone (`streams/core/refusals.py`)."""

CALENDARS = frozenset(
    (
        *("get-calendar", "get-calendar-events"),
        *("get-appointment", "create-appointment", "edit-appointment", "delete-event"),
    )
)
"""GHL's operations on calendars: `connectors/ghl/operations.py`, `CALENDAR_OPERATIONS` (a test holds them equal)."""


OPPORTUNITIES = frozenset(
    (
        *("get-lost-reason", "search-opportunity", "search-opportunities-advanced", "get-pipelines"),
        *("get-opportunity", "create-opportunity", "update-opportunity", "update-opportunity-status"),
        *("Upsert-opportunity", "delete-opportunity", "add-followers-opportunity", "remove-followers-opportunity"),
    )
)
"""GHL's operations on opportunities: `connectors/ghl/operations.py`, `OPPORTUNITY_OPERATIONS` (a test holds them equal)."""


class Disposition(Enum):
    """What the caller should do."""

    RETRY = "retry"
    """Wait with backoff and retry; the entity's lane waits, others go on."""
    THROTTLED = "throttled"
    """The budget pauses: for `Retry-After`, otherwise for the vendor's window."""
    REFRESH = "refresh"
    """The token expired: refresh once, retry once. A token that cannot be refreshed pauses the budget."""
    PAUSE = "pause"
    """The budget pauses until a person acts: no request of it can succeed."""
    ADOPT = "adopt"
    """It exists already: `meta.contactId` is the answer, or `meta.existingId` of an opportunity."""
    GONE = "gone"
    """The entity does not exist at the vendor."""
    REFUSED = "refused"
    """Refused for good: parked until the entity changes again."""


@dataclass(frozen=True, slots=True)
class Classification:
    """One case. `name` is the `cause` in metrics and parked records, `fits` decides, `why` is for people."""

    name: str
    fits: Callable[[ConnectorError], bool]
    disposition: Disposition
    why: str


def _answer(
    vendor: Literal["ghl", "lofty"] | None = None,
    statuses: tuple[int, ...] | range | None = None,
    text: str | None = None,
    then: str | None = None,
    codes: tuple[int, ...] = (),
    with_meta: str | None = None,
    operations: frozenset[str] = frozenset(),
) -> Callable[[ConnectorError], bool]:
    """Fits by all that is given. Where both codes and a text are, the text decides for a refusal without a code only.

    `then` has to follow the text somewhere: `text.*then` would be searched from each position, in quadratic time.
    """
    pattern = re.compile(text, re.IGNORECASE) if text else None
    end = re.compile(then, re.IGNORECASE) if then else None

    def fits(error: ConnectorError) -> bool:
        if not isinstance(error, VendorError):
            return False
        if vendor is not None and error.vendor != vendor:
            return False
        if operations and error.operation not in operations:
            return False
        if statuses is not None and error.status not in statuses:
            return False
        if with_meta is not None and not error.meta.get(with_meta):
            return False
        if codes and error.code is not None:
            return error.code in codes
        if pattern is None:
            return True
        found = pattern.search(error.message)
        return found is not None and (end is None or end.search(error.message, found.end()) is not None)

    return fits


def _is(kind: type[ConnectorError]) -> Callable[[ConnectorError], bool]:
    return lambda error: isinstance(error, kind)


OUTCOMES: tuple[Classification, ...] = (
    Classification("connect again", _is(GrantRefused), Disposition.PAUSE, "the OAuth server gives no tokens"),
    Classification(
        "wrong account", _is(WrongAccount), Disposition.PAUSE, "the access is another team's: nothing of it is written"
    ),
    Classification(
        "no token", _is(TokenUnavailable), Disposition.RETRY, "the OAuth server cannot be asked, or the tokens not kept"
    ),
    Classification("not sent", _is(NotSent), Disposition.RETRY, "no connection: the vendor cannot have seen it"),
    Classification(
        "answer too large",
        _is(AnswerTooLarge),
        Disposition.RETRY,
        "a 2xx larger than what is read: a create is in doubt",
    ),
    Classification(
        "unanswered", _is(Unanswered), Disposition.RETRY, "timeout or lost connection: a create is in doubt now"
    ),
    Classification("network", _is(NetworkError), Disposition.RETRY, "no usable answer"),
    Classification(
        "malformed answer", _is(MalformedAnswer), Disposition.RETRY, "a 2xx that cannot be read: a create is in doubt"
    ),
    Classification("rate limit", _answer(statuses=(429,)), Disposition.THROTTLED, "the vendor counts more than we do"),
    Classification(
        "server error", _answer(statuses=range(500, 600)), Disposition.RETRY, "the vendor's fault: a create is in doubt"
    ),
    Classification("try again", _answer(statuses=(408, 425)), Disposition.RETRY, "the vendor asks for another try"),
    # -- GHL, who we are -----------------------------------------------------------------------------------
    Classification(
        "token expired",
        _answer("ghl", (401,), r"invalid jwt|access token is invalid"),
        Disposition.REFRESH,
        "garbage access token",
    ),
    Classification(
        "token expired", _answer("ghl", (401,), r"token", r"expired"), Disposition.REFRESH, "expired access token"
    ),
    Classification(
        "version header",
        _answer("ghl", (400, 401), r"api version|version header"),
        Disposition.PAUSE,
        "our bug: every request would fail",
    ),
    # Contacts, notes and tasks go on without calendars: only what needs one waits.
    Classification(
        "no calendar access",
        _answer("ghl", (401, 403), r"scope", operations=CALENDARS),
        Disposition.REFUSED,
        "the token lacks a scope of calendars: calendars.readonly, calendars/events.readonly or .write",
    ),
    Classification(
        "no opportunity access",
        _answer("ghl", (401, 403), r"scope", operations=OPPORTUNITIES),
        Disposition.REFUSED,
        "the token lacks a scope of opportunities: opportunities.readonly or opportunities.write",
    ),
    Classification(
        MISSING_PERMISSION,
        _answer("ghl", (401, 403), r"not authorized for this scope"),
        Disposition.PAUSE,
        "the token is valid, and may not do this",
    ),
    Classification(
        FORBIDDEN,
        _answer("ghl", (401,), r"\broute\b.*\bnot\b.*\bsupported\b"),
        Disposition.PAUSE,
        "this endpoint takes no such token, or it is about this record alone",
    ),
    Classification(
        "not authorized",
        _answer("ghl", (401,)),
        Disposition.PAUSE,
        "revoked token, or the wrong kind of token",
    ),
    Classification(
        "not authorized",
        _answer("ghl", (403,), r"\b(token|jwt|scopes?|authclass|location)\b"),
        Disposition.PAUSE,
        "wrong tenant or kind of token",
    ),
    Classification(
        FORBIDDEN,
        _answer("ghl", (402, 403, 451)),
        Disposition.PAUSE,
        "a record that this user may not see, a firewall's page, or access that was taken away",
    ),
    Classification(
        "location inactive", _answer("ghl", (400,), r"location is not active"), Disposition.PAUSE, "suspended location"
    ),
    # -- GHL, what we asked --------------------------------------------------------------------------------
    Classification(
        "duplicate",
        _answer("ghl", (400, 409, 422), r"duplicated? contact", with_meta="contactId"),
        Disposition.ADOPT,
        "a duplicate is an answer: meta.contactId",
    ),
    # "Can not create duplicate opportunity for the contact." in many captures; the help centre has other words.
    Classification(
        "duplicate opportunity",
        _answer(
            "ghl",
            (400, 409, 422),
            r"duplicated? opportunit|opportunity already exists",
            operations=OPPORTUNITIES,
        ),
        Disposition.ADOPT,
        "the contact has one in this pipeline: `meta.existingId`, where GHL says which",
    ),
    Classification(
        "no such calendar",
        _answer("ghl", (400, 404, 422), r"\bcalendar\b", r"\bnot found", operations=CALENDARS),
        Disposition.REFUSED,
        "the calendar of the configuration is not in the location",
    ),
    # Only the thing itself: a refused field ("user not found") must not make us forget the contact that has it.
    # The words vary: "Contact not found for id:…", "Contact with id not found", "The event id is invalid".
    Classification(
        "not found",
        _answer(
            "ghl",
            (400, 422),
            r"\b(contact|note|task|appointment|event|opportunity)( with id(:? ?\S+)?)?( was)? not found|\bevent id is invalid",
        ),
        Disposition.GONE,
        "deleted there, by hand or by us",
    ),
    Classification(
        "not found",
        _answer(
            "ghl",
            (404, 410),
            r"\b(contact|note|task|appointment|event|opportunity)\b",
            r"\b(not (be )?found|not exist|deleted)",
        ),
        Disposition.GONE,
        "deleted there, by hand or by us",
    ),
    # GHL says 400 in words of what is gone. A 404 without them is a proxy's, or a route's: what was there still may be.
    Classification(NAMES_NOTHING, _answer("ghl", (404, 410)), Disposition.REFUSED, "it does not say what is not there"),
    # -- Lofty ---------------------------------------------------------------------------------------------
    # By code or, where there is none, by words; and with a status that varies from endpoint to endpoint.
    Classification(
        "wrong key",
        _answer("lofty", range(400, 500), r"\bbad[_ ]credentials\b|user in token", codes=(200058, 20004)),
        Disposition.PAUSE,
        "dead key, or the wrong scheme",
    ),
    Classification(
        MISSING_PERMISSION,
        _answer("lofty", range(400, 500), r"vendor does not have permission|vendor_has_no_permission", codes=(200100,)),
        Disposition.PAUSE,
        "the app lacks this API",
    ),
    Classification(
        "not found",
        _answer(
            "lofty",
            range(400, 500),
            r"\b(lead|resource|note|task|appointment|transaction|webhook_delete)[_ ](was )?not[_ ](exist|found)",
            codes=(20006, 20007, 200060),
        ),
        Disposition.GONE,
        "missing, trashed, no access, not yet visible",
    ),
    # A user that does not exist says nothing of the lead or note that was asked for: that is not gone.
    Classification(
        "unknown user",
        _answer("lofty", range(400, 500), r"\buser[_ ]not[_ ]exist", codes=(20003,)),
        Disposition.REFUSED,
        "the user of the key, or of the body",
    ),
    Classification(
        "not found",
        _answer("lofty", (404, 410), r"[a-z]_not_exist\b"),
        Disposition.GONE,
        "another thing of Lofty's, by its own word",
    ),
    Classification(
        NAMES_NOTHING, _answer("lofty", (404, 410)), Disposition.REFUSED, "it does not say what is not there"
    ),
    Classification("token expired", _answer("lofty", (401,), r"expired"), Disposition.REFRESH, "expired access token"),
    Classification("not authorized", _answer("lofty", (401,)), Disposition.PAUSE, "bad credentials"),
    # One record that is not ours to see must not stop the whole budget.
    Classification(
        "permission denied",
        _answer(
            "lofty",
            (400, 403),
            r"\bpermission[_ ]denied\b|no_access_website|access_all_team_leads",
            codes=(20017,),
        ),
        Disposition.REFUSED,
        "this record is not ours to see",
    ),
    Classification(
        "not authorized",
        _answer("lofty", (403,), r"\b(token|credentials?|scopes?|api ?key|authoriz|authentic)"),
        Disposition.PAUSE,
        "bad credentials",
    ),
    Classification(
        FORBIDDEN,
        _answer("lofty", (402, 403, 451)),
        Disposition.PAUSE,
        "a record that this key may not see, a firewall's page, or access that was taken away",
    ),
    # -- the rest ------------------------------------------------------------------------------------------
    Classification(
        "refused", _is(ConnectorError), Disposition.REFUSED, "any other refusal is deterministic: never retried blindly"
    ),
)


def classify(error: ConnectorError) -> Classification:
    """The row of the table that decides. The last row fits every error."""
    return next(row for row in OUTCOMES if row.fits(error))


def names_missing_contact(error: VendorError | None) -> bool:
    """Whether GHL says in words that it is the contact that does not exist, and not its note, task or appointment."""
    return error is not None and _MISSING_CONTACT.search(error.message) is not None


_MISSING_CONTACT = re.compile(r"\bcontact( with id(:? ?\S+)?)?( was)? not found", re.IGNORECASE)


def is_cut_off(error: ConnectorError) -> bool:
    """Whether the vendor may still be processing the request: we, or a gateway before the vendor, stopped waiting for the answer."""
    if isinstance(error, AnswerTooLarge):
        return False
    return isinstance(error, Unanswered) or (isinstance(error, VendorError) and error.status in _GIVEN_UP)


_GIVEN_UP = frozenset({408, 502, 504})
