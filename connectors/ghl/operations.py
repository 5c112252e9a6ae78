"""The catalogue: every operation of GHL's API v2 that this project can call, as data.

Names are the vendor's operation ids, so that they can be looked up in GHL's own documents and used as labels.
Paths are templates; `/contacts/` keeps the trailing slash that GHL gives it.
Source: GoHighLevel/highlevel-api-docs, `apps/contacts.json` (all 32), `locations.json`, `calendars.json`, `users.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

VERSION = "2021-07-28"
"""The `Version` header of most applications. `v3` (since 2026-06-11) renames fields: pinned on purpose."""

CALENDARS_VERSION = "2021-04-15"
"""Calendars have a version of their own."""


class RetryClass(StrEnum):
    """What repeating a request can do."""

    SAFE = "safe"
    """Reads: repeat at will."""
    REPEATABLE = "repeatable"
    """A second time leaves the same state: PUT, DELETE, upsert, tags."""
    CREATE = "create"
    """A second time makes a second one: look before repeating."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `may_be_empty` says that a 2xx without a body still tells all there is to know."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    retry_class: RetryClass
    version: str = VERSION
    may_be_empty: bool = False
    is_deprecated: bool = False


_READ = ("contacts.readonly",)
_WRITE = ("contacts.write",)
_SAFE, _REPEATABLE, _CREATE = RetryClass.SAFE, RetryClass.REPEATABLE, RetryClass.CREATE


def _read(name: str, path: str, scopes: tuple[str, ...] = _READ, **more: object) -> Operation:
    return Operation(name, "GET", path, scopes, _SAFE, **more)  # type: ignore[arg-type]  # passes keywords through


def _put(name: str, path: str) -> Operation:
    return Operation(name, "PUT", path, _WRITE, _REPEATABLE, may_be_empty=True)


def _delete(name: str, path: str) -> Operation:
    return Operation(name, "DELETE", path, _WRITE, _REPEATABLE, may_be_empty=True)


CONTACT_OPERATIONS: tuple[Operation, ...] = (
    Operation("search-contacts-advanced", "POST", "/contacts/search", _READ, _SAFE),
    _read("get-duplicate-contact", "/contacts/search/duplicate", may_be_empty=True),
    _read("get-all-tasks", "/contacts/{contactId}/tasks"),
    Operation("create-task", "POST", "/contacts/{contactId}/tasks", _WRITE, _CREATE),
    _read("get-task", "/contacts/{contactId}/tasks/{taskId}"),
    _put("update-task", "/contacts/{contactId}/tasks/{taskId}"),
    _delete("delete-task", "/contacts/{contactId}/tasks/{taskId}"),
    _put("update-task-completed", "/contacts/{contactId}/tasks/{taskId}/completed"),
    _read("get-appointments-for-contact", "/contacts/{contactId}/appointments"),
    Operation("add-tags", "POST", "/contacts/{contactId}/tags", _WRITE, _REPEATABLE, may_be_empty=True),
    _delete("remove-tags", "/contacts/{contactId}/tags"),
    _read("get-all-notes", "/contacts/{contactId}/notes"),
    Operation("create-note", "POST", "/contacts/{contactId}/notes", _WRITE, _CREATE),
    _read("get-note", "/contacts/{contactId}/notes/{id}"),
    _put("update-note", "/contacts/{contactId}/notes/{id}"),
    _delete("delete-note", "/contacts/{contactId}/notes/{id}"),
    Operation("create-association", "POST", "/contacts/bulk/tags/update/{type}", (), _REPEATABLE),
    Operation("add-remove-contact-from-business", "POST", "/contacts/bulk/business", (), _REPEATABLE),
    _read("get-contact", "/contacts/{contactId}"),
    _put("update-contact", "/contacts/{contactId}"),
    _delete("delete-contact", "/contacts/{contactId}"),
    Operation("upsert-contact", "POST", "/contacts/upsert", _WRITE, _REPEATABLE),
    _read("get-contacts-by-businessId", "/contacts/business/{businessId}"),
    Operation(
        "add-followers-contact", "POST", "/contacts/{contactId}/followers", _WRITE, _REPEATABLE, may_be_empty=True
    ),
    _delete("remove-followers-contact", "/contacts/{contactId}/followers"),
    Operation(
        "add-contact-to-campaign",
        "POST",
        "/contacts/{contactId}/campaigns/{campaignId}",
        _WRITE,
        _CREATE,
        may_be_empty=True,
    ),
    _delete("remove-contact-from-campaign", "/contacts/{contactId}/campaigns/{campaignId}"),
    _delete("remove-contact-from-every-campaign", "/contacts/{contactId}/campaigns/removeAll"),
    Operation(
        "add-contact-to-workflow",
        "POST",
        "/contacts/{contactId}/workflow/{workflowId}",
        _WRITE,
        _CREATE,
        may_be_empty=True,
    ),
    _delete("delete-contact-from-workflow", "/contacts/{contactId}/workflow/{workflowId}"),
    Operation("create-contact", "POST", "/contacts/", _WRITE, _CREATE),
    _read("get-contacts", "/contacts/", is_deprecated=True),
)
"""All of `apps/contacts.json`, in its order."""

NEIGHBOUR_OPERATIONS: tuple[Operation, ...] = (
    _read("get-location-tags", "/locations/{locationId}/tags", ("locations/tags.readonly",)),
    Operation("task-search", "POST", "/locations/{locationId}/tasks/search", ("locations/tasks.readonly",), _SAFE),
    _read("get-custom-fields", "/locations/{locationId}/customFields", ("locations/customFields.readonly",)),
    Operation(
        "create-custom-field",
        "POST",
        "/locations/{locationId}/customFields",
        ("locations/customFields.write",),
        _CREATE,
    ),
    _read(
        "get-appointment",
        "/calendars/events/appointments/{eventId}",
        ("calendars/events.readonly",),
        version=CALENDARS_VERSION,
    ),
    _read("get-user-by-location", "/users/", ("users.readonly",), is_deprecated=True),
)
"""What the pipeline needs beside contacts. The listing of users is deprecated, without an heir for sub-accounts."""

OPERATIONS: Mapping[str, Operation] = {one.name: one for one in (*CONTACT_OPERATIONS, *NEIGHBOUR_OPERATIONS)}
"""The whole catalogue, by name."""
