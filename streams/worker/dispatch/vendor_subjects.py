"""What the questions `read` can ask for, one request each: the facts of an observation, as much of a page as one record holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connectors.ghl.location import allows_duplicates
from streams.core.to_ghl.directory import fold, named_fields
from streams.messages import Entity, Inspection
from streams.messages.entity import Kind
from streams.messages.inspection import TOO_LARGE
from streams.worker.dispatch.location import Location
from streams.worker.dispatch.lofty_team import LoftyTeam
from streams.worker.dispatch.observation import MOST_BYTES, reported_contact
from streams.worker.dispatch.sweep_lists import read_children
from streams.worker.dispatch.vendor_reads import Read

ROOM = MOST_BYTES - 50_000
"""Bytes of rows in one answer; the rest of the page is asked for again."""

_OWNER = ("firstName", "lastName", "email", "roleName", "teamId")

Rows = tuple[dict[str, Any], ...]


def fitting(rows: Iterable[Mapping[str, Any]], named: tuple[str, ...]) -> Rows:
    """The first rows, as many as fit. One that does not fit alone is replaced by what it is `named` by and its size."""
    found: list[dict[str, Any]] = []
    left = ROOM
    for row in rows:
        size = len(orjson.dumps(row, default=str))
        if size > ROOM:
            row = {**{name: row[name] for name in named if name in row}, TOO_LARGE: size}
            size = len(orjson.dumps(row, default=str))
        if size > left:
            break
        left -= size
        found.append(dict(row))
    return tuple(found)


# -- Lofty ----------------------------------------------------------------------------------------------------


async def _owner(team: LoftyTeam, _: Inspection) -> dict[str, Any]:
    me = await team.client.who_am_i()
    return {"rows": ({name: me[name] for name in _OWNER if name in me},)}


async def _members(team: LoftyTeam, inspection: Inspection) -> dict[str, Any]:
    page = await team.client.list_members(limit=inspection.limit, offset=_offset(inspection))
    names = ("firstName", "lastName", "email", "account")
    rows = tuple({name: member[name] for name in names if name in member} for member in page)
    return {"rows": rows, "after": (_offset(inspection) + len(page),) if len(page) == inspection.limit else None}


async def _leads(team: LoftyTeam, inspection: Inspection) -> dict[str, Any]:
    """The oldest first, as an import reads them."""
    offset = _offset(inspection)
    order: dict[str, str | bool] = {"sort": "CreateTime", "desc": False}
    page = await team.client.list_leads(limit=inspection.limit, offset=offset, filters=order)
    rows = fitting(page.leads, ("leadId", "firstName", "lastName"))
    end = offset + len(rows)
    is_last = len(rows) == len(page.leads) and (
        end >= page.total if page.total is not None else len(page.leads) < inspection.limit
    )
    return {"rows": rows, "total": page.total, "after": None if is_last or not rows else (end,)}


_KINDS: Mapping[str, Kind] = {"notes": "note", "tasks": "task", "appointments": "appointment"}


async def _children(team: LoftyTeam, inspection: Inspection) -> dict[str, Any]:
    kind = _KINDS[inspection.subject or ""]
    lead = Entity.contact(inspection.connection, inspection.lead)
    found = await read_children(team.client, lead, "note" if kind == "note" else "task")
    return {"total": sum(one.entity.kind == kind for one in found.listed)}


OF_LOFTY: Mapping[str, Read[LoftyTeam]] = {
    "owner": _owner,
    "members": _members,
    "leads": _leads,
    "notes": _children,
    "tasks": _children,
    "appointments": _children,
}


# -- GHL ------------------------------------------------------------------------------------------------------


async def _location(location: Location, _: Inspection) -> dict[str, Any]:
    found = await location.client.get_location(location.location_id)
    row = {"name": found.get("name"), "timezone": found.get("timezone"), "takesDuplicates": allows_duplicates(found)}
    return {"rows": (row,)}


async def _fields(location: Location, _: Inspection) -> dict[str, Any]:
    found = named_fields(await location.client.list_custom_fields(location.location_id, model="contact"))
    return {
        "custom_fields": dict(found.custom_fields),
        "field_types": dict(found.types),
        "field_options": dict(found.options),
    }


async def _users(location: Location, _: Inspection) -> dict[str, Any]:
    users = await location.client.list_users(location.location_id)
    return {"users": {fold(user.email): user.id for user in users if user.email}}


async def _contacts(location: Location, inspection: Inspection) -> dict[str, Any]:
    """A page of all contacts, the oldest first, as the search shows them: names in lower case, some seconds late."""
    search: dict[str, Any] = {
        "locationId": location.location_id,
        "pageLimit": inspection.limit,
        "sort": [{"field": "dateAdded", "direction": "asc"}],
    }
    if inspection.after:
        search["searchAfter"] = list(inspection.after)
    page = await location.client.search_contacts(search)
    rows = fitting((reported_contact(one) for one in page.contacts), ("id", "email", "phone"))
    is_whole = len(rows) == len(page.contacts)
    last = page.contacts[len(rows) - 1].search_after if rows else None
    is_last = is_whole and len(page.contacts) < inspection.limit
    after = tuple(last) if isinstance(last, list) and not is_last else None
    return {"rows": rows, "total": page.total, "after": after}


async def _one_contact(location: Location, inspection: Inspection) -> dict[str, Any]:
    return {"contact": reported_contact(await location.client.get_contact(inspection.ghl_id or ""))}


OF_GHL: Mapping[str, Read[Location]] = {
    "location": _location,
    "fields": _fields,
    "users": _users,
    "contacts": _contacts,
    "one contact": _one_contact,
}


def _offset(inspection: Inspection) -> int:
    return int(inspection.after[0]) if inspection.after else 0
