"""What each operation on leads does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.sandbox.lofty.refusals import inside, invalid, lead_not_exist, not_exist
from connectors.sandbox.lofty.requests import LoftyRequest, Rule
from connectors.sandbox.lofty.state import LoftyRecord
from connectors.sandbox.shared.sandbox import RuleResult

LARGEST_PAGE = 100
_KEPT_SCROLLS = 100

_Fits = Callable[[dict[str, Any], str], bool]

_FILTERS: Mapping[str, _Fits] = {
    "stage": lambda lead, value: lead["stage"] == value,
    "source": lambda lead, value: lead["source"] == value,
    "email": lambda lead, value: value.casefold() in (one.casefold() for one in lead["emails"]),
    "phone": lambda lead, value: _digits(value) in (_digits(one) for one in lead["phones"]),
    "assignedUserId": lambda lead, value: str(lead["assignedUserId"]) == value,
    "allTags": lambda lead, value: _names(value) <= _tags(lead),
    "anyTags": lambda lead, value: bool(_names(value) & _tags(lead)),
    "key": lambda lead, value: value.casefold() in _text(lead),
}
"""The filters that are imitated. All other parameters are ignored in silence, as by Lofty."""


def _list_leads(request: LoftyRequest) -> RuleResult:
    limit = request.number("limit", 25)
    if not 1 <= limit <= LARGEST_PAGE:
        raise inside(400, 20042, "Limit must be between 1 and 100")
    scrolls = request.team.scrolls
    if scroll_id := request.query.get("scrollId"):
        if scroll_id not in scrolls:
            raise invalid("scrollId has expired")
        ids, offset = scrolls[scroll_id]
    else:
        ids, offset = tuple(_matching(request)), request.number("offset", 0)
    records = request.team.records["lead"]
    page = [records[one].fields for one in ids[offset : offset + limit] if not records[one].is_deleted]
    next_id = f"scroll-{next(request.team.ids)}"
    scrolls[next_id] = (ids, offset + limit)
    if len(scrolls) > _KEPT_SCROLLS:
        del scrolls[next(iter(scrolls))]
    metadata = {"collection": "leads", "limit": limit, "offset": offset, "total": len(ids), "scrollId": next_id}
    return RuleResult({"_metadata": metadata, "leads": page})


def _matching(request: LoftyRequest) -> Iterator[int]:
    """The ids of visible leads that fit the filters: the newest first, but by `sort=CreateTime&desc=false`."""
    query = request.query
    if "stage" in query and query["stage"] not in request.team.stages:
        raise not_exist("Stage")
    filters = [(fits, query[name]) for name, fits in _FILTERS.items() if name in query]
    leads = request.team.records["lead"].values()
    is_ascending = query.get("sort") == "CreateTime" and query.get("desc", "false").lower() == "false"
    for lead in leads if is_ascending else reversed(leads):
        if lead.is_deleted or request.now < lead.visible_at:
            continue
        if all(fits(lead.fields, value) for fits, value in filters):
            yield lead.id


def _get_lead(request: LoftyRequest) -> RuleResult:
    lead_id = request.id("leadId")
    found = (
        request.team.records["lead"].get(lead_id)
        if request.flag("withTrash")
        else request.team.find("lead", lead_id, request.now)
    )
    if found is None or found.is_absorbed or request.now < found.visible_at:
        raise lead_not_exist()
    return RuleResult({"lead": found.fields}, entity=found.id, parent=found.id)


def _create_lead(request: LoftyRequest) -> RuleResult:
    """A lead that is a duplicate is merged into the one that is there; the id may then be that of the absorbed one."""
    known = _known(request)
    if known is None:
        known = request.editor.create_lead(request.fields())
    else:
        request.editor.change(known, request.fields())
        if request.settings.merges_to_dead_ids:
            return RuleResult({"leadId": next(request.team.ids)}, entity=known.id, parent=known.id, changed=True)
    return RuleResult({"leadId": known.id}, entity=known.id, parent=known.id, changed=True)


def _known(request: LoftyRequest) -> LoftyRecord | None:
    """The lead that Lofty takes for the same person (its help centre, "Duplicate Leads & Merging Duplicates").

    By an equal e-mail; else by name and telephone together, or by name where neither has a telephone. Couples have one telephone.
    """
    given = request.fields()
    alive = [one for one in request.team.records["lead"].values() if not one.is_deleted]
    emails = {str(one).casefold() for one in given.get("emails") or ()}
    phones = {_digits(str(one)) for one in given.get("phones") or ()}
    for lead in alive:
        if emails & {one.casefold() for one in lead.fields["emails"]}:
            return lead
    for lead in alive:
        theirs = {_digits(one) for one in lead.fields["phones"]}
        if _name(given) == _name(lead.fields) and (phones & theirs or not (phones or theirs)):
            return lead
    return None


def _name(fields: Mapping[str, Any]) -> str:
    return " ".join(f"{fields.get('firstName') or ''} {fields.get('lastName') or ''}".casefold().split())


def _update_lead(request: LoftyRequest) -> RuleResult:
    lead = request.lead(request.id("leadId"))
    request.editor.change(lead, request.fields())
    return RuleResult({"leadId": lead.id}, entity=lead.id, parent=lead.id, changed=True)


def _delete_lead(request: LoftyRequest) -> RuleResult:
    if not request.query.get("reason"):
        raise invalid("reason is required")
    lead = request.lead(request.id("leadId"))
    request.editor.delete(lead)
    return RuleResult({"deleted": True, "leadId": str(lead.id)}, entity=lead.id, parent=lead.id, changed=True)


def _digits(text: str) -> str:
    """A phone number's last ten digits: Lofty keeps numbers as they were typed."""
    return "".join(one for one in text if one.isdigit())[-10:]


def _names(text: str) -> set[str]:
    return {one.strip().casefold() for one in text.split(",") if one.strip()}


def _tags(lead: Mapping[str, Any]) -> set[str]:
    return {one["tagName"].casefold() for one in lead["tags"]}


def _text(lead: Mapping[str, Any]) -> str:
    return " ".join((lead["firstName"], lead["lastName"], *lead["emails"], *lead["phones"])).casefold()


LEAD_RULES: Mapping[str, Rule] = {
    "list-leads": _list_leads,
    "get-lead": _get_lead,
    "create-lead": _create_lead,
    "update-lead": _update_lead,
    "delete-lead": _delete_lead,
}
