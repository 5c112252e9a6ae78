"""GHL's refusals, in its own words. The texts are those of the facts: documented, or measured by third parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.shared.refusal import VendorRefusal

_ERRORS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 422: "Unprocessable Entity"}


class GhlRefusal(VendorRefusal):
    """An answer other than 2xx. `content` is its body, but for the `traceId`."""

    def __init__(self, status: int, message: str | Sequence[str], **more: Any) -> None:
        content: dict[str, Any] = {
            "statusCode": status,
            "message": message if isinstance(message, str) else list(message),
        }
        if status in _ERRORS:
            content["error"] = _ERRORS[status]
        super().__init__(status, content | more)


def invalid(problems: Sequence[str]) -> GhlRefusal:
    """422: the body is not what the endpoint takes."""
    return GhlRefusal(422, problems)


CONTACT_WITHOUT_ID = "Contact with id not found"
"""GHL's other words for a contact that is gone. Which operations use them is not known: here, its own PUT and DELETE."""


def contact_not_found(contact_id: str, words: str | None = None) -> GhlRefusal:
    """400, not 404: GHL answers so for a missing or deleted contact."""
    return GhlRefusal(400, words or f"Contact not found for id:{contact_id}")


def event_not_found() -> GhlRefusal:
    """An appointment that is missing or deleted."""
    return GhlRefusal(400, "The event id is invalid")


def nobody_to_upsert() -> GhlRefusal:
    """An upsert needs an e-mail or a telephone; a name does not count."""
    return GhlRefusal(400, "Pass at least one of number, email query parameter")


def nobody_to_create() -> GhlRefusal:
    """A contact needs an e-mail, a telephone or a name."""
    return GhlRefusal(422, "Contacts without email, phone, firstName and lastName are not allowed.")


def child_not_found(kind: str, child_id: str) -> GhlRefusal:
    """By analogy: the answer for a missing note, task or opportunity is not documented."""
    return GhlRefusal(400, f"{kind} not found for id:{child_id}")


def duplicate(meta: Mapping[str, Any], *, on_update: bool) -> GhlRefusal:
    """400, not 409: the location allows no duplicates, and says who is there already."""
    more: dict[str, Any] = {"meta": dict(meta)}
    if on_update:
        more["succeeded"] = False
    refusal = GhlRefusal(400, "This location does not allow duplicated contacts.", **more)
    del refusal.content["error"]
    return refusal


def duplicate_opportunity(existing_id: str) -> GhlRefusal:
    """400, in the words of many captures: the contact has an opportunity in this pipeline, and `meta` says which."""
    return GhlRefusal(
        400,
        "Can not create duplicate opportunity for the contact.",
        code="OPPORTUNITY_NO_DUPLICATE",
        meta={"existingId": existing_id},
    )


def permanent_dnd(channel: str) -> GhlRefusal:
    """An opt-out that only the contact can take back."""
    return GhlRefusal(400, f"Not authorized to update permanent dnd setting for {channel}")


def wrong_location() -> GhlRefusal:
    """403: the token belongs to another location."""
    return GhlRefusal(403, "The token does not have access to this location.")


def unauthorized(words: str) -> GhlRefusal:
    """401 of the OAuth server, in OAuth's form."""
    refusal = GhlRefusal(401, words)
    refusal.content = {"error": "UnAuthorized!", "error_description": words}
    return refusal
