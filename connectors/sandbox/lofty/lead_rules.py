"""What each operation on leads does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.sandbox.lofty.refusals import inside, invalid, lead_not_exist, not_exist
from connectors.sandbox.lofty.requests import LoftyRequest, LoftyResult, Rule
from connectors.sandbox.lofty.state import LoftyRecord

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


def _list_leads(ask: LoftyRequest) -> LoftyResult:
    limit = ask.number("limit", 25)
    if not 1 <= limit <= LARGEST_PAGE:
        raise inside(400, 20042, "Limit must be between 1 and 100")
    scrolls = ask.team.scrolls
    if scroll_id := ask.query.get("scrollId"):
        if scroll_id not in scrolls:
            raise invalid("scrollId has expired")
        ids, offset = scrolls[scroll_id]
    else:
        ids, offset = tuple(_matching(ask)), ask.number("offset", 0)
    records = ask.team.records["lead"]
    page = [records[one].fields for one in ids[offset : offset + limit] if not records[one].is_deleted]
    next_id = f"scroll-{next(ask.team.ids)}"
    scrolls[next_id] = (ids, offset + limit)
    if len(scrolls) > _KEPT_SCROLLS:
        del scrolls[next(iter(scrolls))]
    metadata = {"collection": "leads", "limit": limit, "offset": offset, "total": len(ids), "scrollId": next_id}
    return LoftyResult({"_metadata": metadata, "leads": page})


def _matching(ask: LoftyRequest) -> Iterator[int]:
    """The ids of visible leads that fit the filters: the newest first, but by `sort=CreateTime&desc=false`."""
    query = ask.query
    if "stage" in query and query["stage"] not in ask.team.stages:
        raise not_exist("Stage")
    filters = [(fits, query[name]) for name, fits in _FILTERS.items() if name in query]
    leads = ask.team.records["lead"].values()
    is_ascending = query.get("sort") == "CreateTime" and query.get("desc", "false").lower() == "false"
    for lead in leads if is_ascending else reversed(leads):
        if lead.is_deleted or ask.now < lead.visible_at:
            continue
        if all(fits(lead.fields, value) for fits, value in filters):
            yield lead.id


def _get_lead(ask: LoftyRequest) -> LoftyResult:
    lead_id = ask.id("leadId")
    found = ask.team.records["lead"].get(lead_id) if ask.flag("withTrash") else ask.team.find("lead", lead_id, ask.now)
    if found is None or ask.now < found.visible_at:
        raise lead_not_exist()
    return LoftyResult({"lead": found.fields}, found.id, found.id)


def _create_lead(ask: LoftyRequest) -> LoftyResult:
    """A lead whose e-mail or phone exists is merged into the one that has it."""
    known = _known(ask)
    if known is None:
        known = ask.desk.create_lead(ask.fields())
    else:
        ask.desk.change(known, ask.fields())
    return LoftyResult({"leadId": known.id}, known.id, known.id, changed=True)


def _known(ask: LoftyRequest) -> LoftyRecord | None:
    emails = {str(one).casefold() for one in ask.fields().get("emails") or ()}
    phones = {_digits(str(one)) for one in ask.fields().get("phones") or ()}
    for lead in ask.team.records["lead"].values():
        if lead.is_deleted:
            continue
        if emails & {one.casefold() for one in lead.fields["emails"]}:
            return lead
        if phones & {_digits(one) for one in lead.fields["phones"]}:
            return lead
    return None


def _update_lead(ask: LoftyRequest) -> LoftyResult:
    lead = ask.lead(ask.id("leadId"))
    ask.desk.change(lead, ask.fields())
    return LoftyResult({"leadId": lead.id}, lead.id, lead.id, changed=True)


def _delete_lead(ask: LoftyRequest) -> LoftyResult:
    if not ask.query.get("reason"):
        raise invalid("reason is required")
    lead = ask.lead(ask.id("leadId"))
    ask.desk.delete(lead)
    return LoftyResult({"deleted": True, "leadId": str(lead.id)}, lead.id, lead.id, changed=True)


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
