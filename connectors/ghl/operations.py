"""The catalogue: every operation of GHL's API v2 that this project can call, as data.

Names are the vendor's operation ids, so that they can be looked up in GHL's own documents and used as labels.
Paths are templates; `/contacts/` keeps the trailing slash that GHL gives it.
Source: GoHighLevel/highlevel-api-docs, `apps/contacts.json` (all 32), `opportunities.json` (all 12), `locations.json`,
`calendars.json`, `users.json`.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.http.operation import Operation

VERSION = "2021-07-28"
"""The `Version` header of most applications. `v3` (since 2026-06-11) renames fields: pinned on purpose."""

CALENDARS_VERSION = "2021-04-15"
"""Calendars have a version of their own."""


_READ = ("contacts.readonly",)
_WRITE = ("contacts.write",)


def _read(
    name: str,
    path: str,
    scopes: tuple[str, ...] = _READ,
    *,
    version: str = VERSION,
    is_deprecated: bool = False,
    may_be_empty: bool = False,
) -> Operation:
    return Operation(name, "GET", path, scopes, version, "safe", is_deprecated, may_be_empty)


def _look(name: str, path: str, scopes: tuple[str, ...] = _READ) -> Operation:
    """A search: a POST that changes nothing."""
    return Operation(name, "POST", path, scopes, VERSION, "safe")


def _create(
    name: str, path: str, scopes: tuple[str, ...] = _WRITE, *, version: str = VERSION, may_be_empty: bool = False
) -> Operation:
    return Operation(name, "POST", path, scopes, version, "create", may_be_empty=may_be_empty)


def _post(name: str, path: str, scopes: tuple[str, ...] = _WRITE, *, may_be_empty: bool = False) -> Operation:
    """A POST that leaves the same state when it is repeated."""
    return Operation(name, "POST", path, scopes, VERSION, "repeatable", may_be_empty=may_be_empty)


def _put(name: str, path: str, scopes: tuple[str, ...] = _WRITE, *, version: str = VERSION) -> Operation:
    return Operation(name, "PUT", path, scopes, version, "repeatable", may_be_empty=True)


def _delete(name: str, path: str, scopes: tuple[str, ...] = _WRITE, *, version: str = VERSION) -> Operation:
    return Operation(name, "DELETE", path, scopes, version, "repeatable", may_be_empty=True)


CONTACT_OPERATIONS: tuple[Operation, ...] = (
    _look("search-contacts-advanced", "/contacts/search"),
    _read("get-duplicate-contact", "/contacts/search/duplicate", may_be_empty=True),
    _read("get-all-tasks", "/contacts/{contactId}/tasks"),
    _create("create-task", "/contacts/{contactId}/tasks"),
    _read("get-task", "/contacts/{contactId}/tasks/{taskId}"),
    _put("update-task", "/contacts/{contactId}/tasks/{taskId}"),
    _delete("delete-task", "/contacts/{contactId}/tasks/{taskId}"),
    _put("update-task-completed", "/contacts/{contactId}/tasks/{taskId}/completed"),
    _read("get-appointments-for-contact", "/contacts/{contactId}/appointments"),
    _post("add-tags", "/contacts/{contactId}/tags", may_be_empty=True),
    _delete("remove-tags", "/contacts/{contactId}/tags"),
    _read("get-all-notes", "/contacts/{contactId}/notes"),
    _create("create-note", "/contacts/{contactId}/notes"),
    _read("get-note", "/contacts/{contactId}/notes/{id}"),
    _put("update-note", "/contacts/{contactId}/notes/{id}"),
    _delete("delete-note", "/contacts/{contactId}/notes/{id}"),
    _post("create-association", "/contacts/bulk/tags/update/{type}", ()),
    _post("add-remove-contact-from-business", "/contacts/bulk/business", ()),
    _read("get-contact", "/contacts/{contactId}"),
    _put("update-contact", "/contacts/{contactId}"),
    _delete("delete-contact", "/contacts/{contactId}"),
    _post("upsert-contact", "/contacts/upsert"),
    _read("get-contacts-by-businessId", "/contacts/business/{businessId}"),
    _post("add-followers-contact", "/contacts/{contactId}/followers", may_be_empty=True),
    _delete("remove-followers-contact", "/contacts/{contactId}/followers"),
    _create("add-contact-to-campaign", "/contacts/{contactId}/campaigns/{campaignId}", may_be_empty=True),
    _delete("remove-contact-from-campaign", "/contacts/{contactId}/campaigns/{campaignId}"),
    _delete("remove-contact-from-every-campaign", "/contacts/{contactId}/campaigns/removeAll"),
    _create("add-contact-to-workflow", "/contacts/{contactId}/workflow/{workflowId}", may_be_empty=True),
    _delete("delete-contact-from-workflow", "/contacts/{contactId}/workflow/{workflowId}"),
    _create("create-contact", "/contacts/"),
    _read("get-contacts", "/contacts/", is_deprecated=True),
)
"""All of `apps/contacts.json`, in its order."""

NEIGHBOUR_OPERATIONS: tuple[Operation, ...] = (
    _read("get-location", "/locations/{locationId}", ("locations.readonly",)),
    _read("get-location-tags", "/locations/{locationId}/tags", ("locations/tags.readonly",)),
    _look("task-search", "/locations/{locationId}/tasks/search", ("locations/tasks.readonly",)),
    _read("get-custom-fields", "/locations/{locationId}/customFields", ("locations/customFields.readonly",)),
    _create("create-custom-field", "/locations/{locationId}/customFields", ("locations/customFields.write",)),
    _read("get-user-by-location", "/users/", ("users.readonly",), is_deprecated=True),
    _read("get-custom-values", "/locations/{locationId}/customValues", ("locations/customValues.readonly",)),
    _create("create-custom-value", "/locations/{locationId}/customValues", ("locations/customValues.write",)),
    _put("update-custom-value", "/locations/{locationId}/customValues/{id}", ()),
    _delete("delete-custom-value", "/locations/{locationId}/customValues/{id}", ()),
)
"""What the pipeline needs beside contacts. The document lists no scope for changing and deleting a custom value. The listing of users is deprecated, without an heir for sub-accounts."""

_EVENTS, _EDIT = ("calendars/events.readonly",), ("calendars/events.write",)

CALENDAR_OPERATIONS: tuple[Operation, ...] = (
    _read("get-calendar", "/calendars/{calendarId}", ("calendars.readonly",), version=CALENDARS_VERSION),
    _read("get-calendar-events", "/calendars/events", _EVENTS, version=CALENDARS_VERSION),
    _read("get-appointment", "/calendars/events/appointments/{eventId}", _EVENTS, version=CALENDARS_VERSION),
    _create("create-appointment", "/calendars/events/appointments", _EDIT, version=CALENDARS_VERSION),
    _put("edit-appointment", "/calendars/events/appointments/{eventId}", _EDIT, version=CALENDARS_VERSION),
    _delete("delete-event", "/calendars/events/{eventId}", _EDIT, version=CALENDARS_VERSION),
)
"""What it takes to keep Lofty's appointments in a calendar."""

_DEALS, _DEAL = ("opportunities.readonly",), ("opportunities.write",)

OPPORTUNITY_OPERATIONS: tuple[Operation, ...] = (
    _read("get-lost-reason", "/opportunities/lost-reason", _DEALS),
    _read("search-opportunity", "/opportunities/search", _DEALS),
    _look("search-opportunities-advanced", "/opportunities/search", _DEALS),
    _read("get-pipelines", "/opportunities/pipelines", _DEALS),
    _read("get-opportunity", "/opportunities/{id}", _DEALS),
    _delete("delete-opportunity", "/opportunities/{id}", _DEAL),
    _put("update-opportunity", "/opportunities/{id}", _DEAL),
    _put("update-opportunity-status", "/opportunities/{id}/status", _DEAL),
    _post("Upsert-opportunity", "/opportunities/upsert", _DEAL),
    _post("add-followers-opportunity", "/opportunities/{id}/followers", _DEAL, may_be_empty=True),
    _delete("remove-followers-opportunity", "/opportunities/{id}/followers", _DEAL),
    _create("create-opportunity", "/opportunities/", _DEAL),
)
"""All of `apps/opportunities.json`, in its order."""

OPERATIONS: Mapping[str, Operation] = {
    one.name: one for one in (*CONTACT_OPERATIONS, *NEIGHBOUR_OPERATIONS, *CALENDAR_OPERATIONS, *OPPORTUNITY_OPERATIONS)
}
"""The whole catalogue, by name."""
