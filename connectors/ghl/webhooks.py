"""GHL's webhooks: one delivery becomes one event, whatever its shape.

The payload is flat beside its envelope, as in all real captures, or under `data`, as in GHL's integration guide; that of
an appointment is nested once more. Both are taken.

Source: GHL's webhook documents, and samples in its issues 264, 312 and 332.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.errors import UnknownWebhookShape, WebhookNotJson
from connectors.http.json_reader import UnreadableJson, is_deep, read

ENVELOPE = ("type", "locationId", "companyId", "timestamp", "webhookId", "deliveryId", "appId", "versionId")

MOST_DEPTH = 40
"""How deep a payload may be nested: GHL's own go to six."""

_CONTACT = ("ContactCreate", "ContactUpdate", "ContactDelete", "ContactTagUpdate", "ContactDndUpdate")
_CHILD = ("TaskCreate", "TaskComplete", "TaskDelete", "NoteCreate", "NoteUpdate", "NoteDelete")
_APPOINTMENT = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")
_OPPORTUNITY = ("OpportunityCreate", "OpportunityUpdate", "OpportunityStageUpdate", "OpportunityStatusUpdate")
_APP = ("INSTALL", "UNINSTALL")

USED = frozenset((*_CONTACT, *_CHILD, *_APPOINTMENT, *_OPPORTUNITY, *_APP))
"""The types that the pipeline uses."""

_LONGEST_ID = 128
_GREATEST = 2**53


@dataclass(frozen=True, slots=True)
class Hook:
    """One event. `at_ms` is the envelope's time (epoch milliseconds), None when there was none; `contact` as far as GHL says.

    `company` is the agency and `app` the app, of an installation or its end alone; the end of an agency's own installation has no
    `location`. `is_used` is false for a type that the pipeline does not use: then only `type` is set.
    """

    type: str
    is_used: bool = True
    location: str = ""
    id: str = ""
    contact: str | None = None
    at_ms: int | None = None
    webhook: str = ""
    body: dict[str, Any] | None = None
    company: str = ""
    app: str = ""


def parse(raw: bytes) -> Hook:
    """Read one delivery. Raises `WebhookNotJson` or `UnknownWebhookShape`."""
    try:
        found = read(raw).value
    except UnreadableJson as error:
        raise WebhookNotJson(str(error)) from None
    if not isinstance(found, dict):
        raise WebhookNotJson(f"expected a JSON object, got {type(found).__name__}")
    type_ = found.get("type")
    if not isinstance(type_, str) or not type_:
        raise UnknownWebhookShape("expected an event with a type, got none")
    if type_ not in USED:
        return Hook(type_[:_LONGEST_ID], is_used=False)
    inner = found.get("data")
    payload = {**inner, **{n: found[n] for n in ENVELOPE if n in found}} if isinstance(inner, dict) else found
    if is_deep(payload, MOST_DEPTH):
        raise UnknownWebhookShape(f"expected a payload nested at most {MOST_DEPTH} deep")
    body = {name: value for name, value in payload.items() if name not in ENVELOPE}
    if type_ in _APPOINTMENT:
        appointment = body.get("appointment")
        body = appointment if isinstance(appointment, dict) else body
    location = _id(payload.get("locationId") or body.get("locationId"))
    if type_ in _APP:
        company, app = (_id(payload.get(name)) or "" for name in ("companyId", "appId"))
        # An agency's own installation names a company and no location: its tokens come by the callback. Its end concerns ours.
        is_used = bool(location) or (type_ == "UNINSTALL" and bool(company))
        place = location or ""
        return Hook(type_, is_used, place, place, None, *_envelope(payload), body, company, app)
    about = _id(body.get("id"))
    if location is None or about is None:
        raise UnknownWebhookShape(
            f"expected {type_} with locationId and id, got no {'id' if location else 'locationId'}"
        )
    contact = about if type_ in _CONTACT else _id(body.get("contactId"))
    return Hook(type_, True, location, about, contact, *_envelope(payload), body)


def _envelope(payload: dict[str, Any]) -> tuple[int | None, str]:
    return _time_ms(payload.get("timestamp")), _id(payload.get("webhookId")) or ""


def _id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or not value.isprintable():
        return None
    return value


def _time_ms(value: Any) -> int | None:
    """An ISO time, or epoch seconds or milliseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _GREATEST:
        return int(value if value > 100_000_000_000 else value * 1000)
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
