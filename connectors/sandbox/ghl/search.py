"""The rules of `POST /contacts/search`: filters, sorting, and the two ways through the pages.

What is searched is the index, which lags behind (`index.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.sandbox.ghl.index import Document
from connectors.sandbox.ghl.refusals import GhlRefusal, invalid
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.shared.sandbox import RuleResult

_MOST_PER_PAGE = 500
_MOST_BY_PAGE = 10_000
_DATES = frozenset({"dateAdded", "dateUpdated", "dateOfBirth"})
_FIELDS = _DATES | {
    "id", "email", "phone", "firstNameLowerCase", "lastNameLowerCase", "address", "city", "state", "country",
    "postalCode", "website", "source", "companyName", "assignedTo", "businessId", "tags", "type", "dnd", "timezone",
    "followers",
}  # fmt: skip
_OPERATORS = ("eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range")
LONGEST_TEXT = 75
"""How long a text may be that is searched for: a query, or the value of a filter."""

_NOBODY: Document = {"customFields": []}
_NEWEST_FIRST = ({"field": "dateAdded", "direction": "desc"},)


def search_contacts(request: GhlRequest) -> RuleResult:
    """By filters and a text; `page` reaches ten thousand contacts, `searchAfter` all of them."""
    body = request.body
    limit, page = int(body["pageLimit"]), int(body.get("page", 1))
    if not 1 <= limit <= _MOST_PER_PAGE:
        raise invalid([f"pageLimit must not be greater than {_MOST_PER_PAGE}" if limit > 0 else "pageLimit too small"])
    if "searchAfter" not in body and page * limit > _MOST_BY_PAGE:
        raise GhlRefusal(400, f"Only the first {_MOST_BY_PAGE} records are reached by page; use searchAfter")
    sorts = body.get("sort") or _NEWEST_FIRST
    if len(sorts) > 2:
        raise invalid(["sort must contain no more than 2 elements"])
    filters, asked = body.get("filters") or [], str(body.get("query", "")).lower()
    if len(asked) > LONGEST_TEXT:
        raise invalid([f"query must be shorter than or equal to {LONGEST_TEXT} characters"])
    for one in filters:
        _fits(one, _NOBODY)  # what cannot be asked is refused also where nobody is
    for sort in sorts:
        _value(_NOBODY, str(sort.get("field", "")))
    found = [
        one for one in request.location.index.documents(request.now) if _all(filters, one) and _mentions(one, asked)
    ]
    rows = _sorted(found, sorts)
    if body.get("searchAfter"):
        rows = rows[_position_after(rows, body["searchAfter"]) :][:limit]
    else:
        rows = rows[(page - 1) * limit : page * limit]
    contacts = [document | {"searchAfter": cursor} for cursor, document in rows]
    return RuleResult({"contacts": contacts, "total": len(found)})


def _sorted(found: list[Document], sorts: Any) -> list[tuple[list[Any], Document]]:
    """The documents with their cursors: the values they are sorted by, then the id."""
    rows = [([*(_value(one, sort.get("field", "")) for sort in sorts), one["id"]], one) for one in found]
    rows.sort(key=lambda row: str(row[0][-1]))
    for position, sort in reversed(list(enumerate(sorts))):
        rows.sort(key=lambda row, at=position: _orderable(row[0][at]), reverse=sort.get("direction") == "desc")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    return rows


def _position_after(rows: list[tuple[list[Any], Document]], cursor: list[Any]) -> int:
    for position, (own, _) in enumerate(rows):
        if own[-1] == cursor[-1]:
            return position + 1
    return len(rows)


def _orderable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, str(value)) if value is not None else (2, 0.0, "")


def _value(document: Document, field: str) -> Any:
    if field.startswith("customFields."):
        wanted = field.removeprefix("customFields.")
        return next((one["value"] for one in document["customFields"] if one["id"] == wanted), None)
    if field not in _FIELDS:
        raise GhlRefusal(400, f"Invalid field {field}")
    value = document.get(field)
    return _milliseconds(value) if field in _DATES and value is not None else value


def _milliseconds(text: Any) -> int:
    if isinstance(text, int | float):
        return int(text)
    try:
        return int(datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError as error:
        raise invalid([f"Invalid date {text}"]) from error


def _all(filters: list[Any], document: Document) -> bool:
    return all(_fits(one, document) for one in filters)


def _fits(rule: Any, document: Document) -> bool:
    if not isinstance(rule, Mapping):
        raise invalid(["filters must be objects"])
    if "group" in rule:
        parts = [_fits(one, document) for one in rule.get("filters", ())]
        return any(parts) if str(rule["group"]).upper() == "OR" else all(parts)
    field, operator, wanted = str(rule.get("field")), rule.get("operator"), rule.get("value")
    if operator not in _OPERATORS:
        raise invalid(["Invalid Operator"])
    if any(
        len(one) > LONGEST_TEXT for one in (wanted if isinstance(wanted, list) else [wanted]) if isinstance(one, str)
    ):
        raise invalid([f"value must be shorter than or equal to {LONGEST_TEXT} characters"])
    value = _value(document, field)
    match operator:
        case "exists":
            return value not in (None, "", [])
        case "not_exists":
            return value in (None, "", [])
        case "eq":
            return _equals(value, wanted)
        case "not_eq":
            return not _equals(value, wanted)
        case "range":
            return _within(value, wanted)
    return _contains(value, wanted) is (operator == "contains")


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_equals(value, one) for one in wanted)
    if isinstance(value, list):
        return any(_equals(one, wanted) for one in value)
    if isinstance(value, str) or isinstance(wanted, str):
        return value is not None and str(value).lower() == str(wanted).lower()
    return bool(value == wanted)


def _contains(value: Any, wanted: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(one is not None and str(wanted).lower() in str(one).lower() for one in values)


def _within(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        raise invalid(["range needs an object of gt, gte, lt, lte"])
    if not isinstance(value, int | float):
        return False
    bounds = {name: _milliseconds(bound) for name, bound in wanted.items()}
    return (
        value >= bounds.get("gte", value)
        and value <= bounds.get("lte", value)
        and value > bounds.get("gt", value - 1)
        and value < bounds.get("lt", value + 1)
    )


def _mentions(document: Document, asked: str) -> bool:
    names = ("firstNameLowerCase", "lastNameLowerCase", "email", "phone", "companyName")
    return not asked or any(asked in str(document.get(name) or "").lower() for name in names)


RULES: Mapping[str, Rule] = {"search-contacts-advanced": search_contacts}
