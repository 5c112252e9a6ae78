"""The searches of opportunities: by parameters, and by a text. What is searched is an index, which lags behind (`index.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.sandbox.ghl.opportunities import flag, shown
from connectors.sandbox.ghl.refusals import invalid
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.ghl.state import ContactState
from connectors.sandbox.ghl.views import full_name
from connectors.sandbox.shared.sandbox import RuleResult

Row = dict[str, Any]

_LARGEST_PAGE = 100
_STATUSES = ("open", "won", "lost", "abandoned", "all")
_FILTERS = {
    "pipeline_id": "pipelineId",
    "pipeline_stage_id": "pipelineStageId",
    "contact_id": "contactId",
    "assigned_to": "assignedTo",
    "id": "id",
}
_FLAGS = {"getTasks": "tasks", "getNotes": "notes", "getCalendarEvents": "calendarEvents"}
_OTHERS = ("location_id", "q", "status", "order", "startAfter", "startAfterId", "page", "limit")
_NOT_IMITATED = ("campaignId", "date", "endDate", "country")
"""Taken, and then not used to filter."""


def search(request: GhlRequest) -> RuleResult:
    """By what the query names. A name in camel case, or any other that GHL does not know, is refused."""
    query = request.query
    known = {*_FILTERS, *_FLAGS, *_OTHERS, *_NOT_IMITATED}
    problems = [f"property {name} should not exist" for name in query if name not in known]
    status = query.get("status", "all")
    if status not in _STATUSES:
        problems.append(f"status must be one of the following values: {', '.join(_STATUSES)}")
    if problems:
        raise invalid(problems)
    limit, page = request.number("limit", 20, _LARGEST_PAGE), request.number("page", 1, 10**6)
    wanted = {field: query[name] for name, field in _FILTERS.items() if query.get(name)}
    found = [
        (contact, row)
        for contact, row in _mentioning(request, query.get("q", ""))
        if status in ("all", row["status"]) and all(row.get(name) == value for name, value in wanted.items())
    ]
    found.sort(key=lambda one: (one[1]["createdAt"], one[1]["id"]), reverse=query.get("order") != "added_asc")
    offset = _after(found, query["startAfterId"]) if query.get("startAfterId") else (max(page, 1) - 1) * limit
    rows = found[offset : offset + limit]
    rows_shown = [shown(*one) for one in rows]
    for parameter, name in _FLAGS.items():
        if flag(request, parameter):
            rows_shown = [{**one, name: []} for one in rows_shown]
    meta: Row = {"total": len(found), "currentPage": page}
    if rows:
        meta |= {"startAfterId": rows[-1][1]["id"], "startAfter": _milliseconds(rows[-1][1]["createdAt"])}
    if offset + limit < len(found):
        meta["nextPage"] = page + 1
    if page > 1:
        meta["prevPage"] = page - 1
    return RuleResult({"opportunities": rows_shown, "meta": meta, "aggregations": {}})


def search_by_text(request: GhlRequest) -> RuleResult:
    """By a text in the opportunity's or the contact's name, e-mail or phone: the newest first."""
    body = request.body
    limit, page = int(body["limit"]), int(body["page"])
    if not 1 <= limit <= _LARGEST_PAGE:
        raise invalid([f"limit must be between 1 and {_LARGEST_PAGE}"])
    found = sorted(_mentioning(request, body["query"]), key=lambda one: (one[1]["createdAt"], one[1]["id"]))[::-1]
    offset = _after(found, body["searchAfter"][-1]) if body["searchAfter"] else (max(page, 1) - 1) * limit
    rows_shown = [shown(*one) for one in found[offset : offset + limit]]
    return RuleResult({"opportunities": rows_shown, "total": len(found), "aggregations": {}})


def _mentioning(request: GhlRequest, text: str) -> Iterator[tuple[ContactState, Row]]:
    contacts, asked = request.location.contacts, text.lower()
    for row in request.location.opportunity_index.documents(request.now):
        contact = contacts.get(row["contactId"])
        if contact is None:
            continue
        texts = (row["name"], full_name(contact), *(str(contact.fields.get(one) or "") for one in ("email", "phone")))
        if asked in " ".join(texts).lower():
            yield contact, row


def _after(found: list[tuple[ContactState, Row]], opportunity_id: str) -> int:
    return next((place + 1 for place, one in enumerate(found) if one[1]["id"] == opportunity_id), len(found))


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


RULES: Mapping[str, Rule] = {
    "search-opportunity": search,
    "search-opportunities-advanced": search_by_text,
}
