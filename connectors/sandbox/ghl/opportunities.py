"""The rules of pipelines and of the opportunities in them.

A location begins without a pipeline; they are seeded, since the API makes none.
What was seen of the real one by several: a second opportunity of a contact in a pipeline is refused, whatever the status of
the first. Where the documents are silent, the rest is a guess. The searches have a file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.ghl.refusals import (
    GhlRefusal,
    child_not_found,
    contact_not_found,
    duplicate_opportunity,
    invalid,
)
from connectors.sandbox.ghl.requests import GhlRequest, Rule
from connectors.sandbox.ghl.state import ContactState, LocationState, iso
from connectors.sandbox.ghl.views import full_name
from connectors.sandbox.shared.sandbox import RuleResult

Row = dict[str, Any]

_WRITTEN = ("name", "monetaryValue", "lostReasonId")


def new_pipeline(location: LocationState, given: Mapping[str, Any]) -> Row:
    """A pipeline for a seed. A stage is a name, or an object of `id` and `name`."""
    stages = [one if isinstance(one, dict) else {"name": one} for one in given.get("stages", [])]
    return {
        "id": given.get("id") or location.new_id(),
        "name": given.get("name", "Pipeline"),
        "stages": [
            {"id": one.get("id") or location.new_id(), "name": one["name"], "position": position}
            for position, one in enumerate(stages)
        ],
        "showInFunnel": True,
        "showInPieChart": True,
        "locationId": location.settings.id,
    }


def new_lost_reason(location: LocationState, name: str, now: float) -> Row:
    """A lost reason for a seed."""
    at = iso(now)
    made = {"id": location.new_id(), "name": name, "locationId": location.settings.id}
    return {**made, "createdAt": at, "updatedAt": at}


def list_pipelines(request: GhlRequest) -> RuleResult:
    """All of them, with their stages."""
    return RuleResult({"pipelines": list(request.location.pipelines.values())})


def list_lost_reasons(request: GhlRequest) -> RuleResult:
    """A page of them, narrowed by a part of the name."""
    skip, limit = request.number("skip", 0, 10**9), request.number("limit", 100, 10**9)
    for name in ("deleted", "getCount"):
        flag(request, name)
    wanted = (request.query.get("query") or request.query.get("name") or "").lower()
    found = [one for one in request.location.lost_reasons.values() if wanted in one["name"].lower()]
    return RuleResult({"lostReasons": found[skip : skip + limit], "total": len(found)})


def get_opportunity(request: GhlRequest) -> RuleResult:
    """Immediate: what was just written is read."""
    contact, row = _find(request)
    return RuleResult({"opportunity": shown(contact, row)}, entity=row["id"], parent=contact.id)


def create_opportunity(request: GhlRequest) -> RuleResult:
    """A new opportunity; without a stage it is in the pipeline's first."""
    body, location, at = request.body, request.location, iso(request.now)
    contact = location.contacts.get(body["contactId"])
    if contact is None:
        raise contact_not_found(body["contactId"])
    row: Row = {
        "id": location.new_id(),
        "contactId": contact.id,
        "locationId": location.settings.id,
        "status": "open",
        "customFields": [],
        "followers": [],
        **dict.fromkeys(("createdAt", "updatedAt", "lastStatusChangeAt", "lastStageChangeAt"), at),
    }
    _keep(request, contact, _changed(request, contact, row, body))
    return RuleResult({"opportunity": shown(contact, row)}, 201, row["id"], True, contact.id)


def update_opportunity(request: GhlRequest) -> RuleResult:
    """Changes the given fields."""
    contact, row = _find(request)
    _keep(request, contact, _changed(request, contact, row, request.body))
    return RuleResult({"opportunity": shown(contact, row)}, entity=row["id"], changed=True, parent=contact.id)


def update_status(request: GhlRequest) -> RuleResult:
    """The same for the status alone; the answer does not show the opportunity."""
    changed = update_opportunity(request)
    return RuleResult({"succeded": True}, entity=changed.entity, changed=True, parent=changed.parent)


def upsert_opportunity(request: GhlRequest) -> RuleResult:
    """Changes the opportunity that `id` names. By the document nothing in the body says whose a new one would be."""
    body = request.body
    contact, row = _find(request, str(body.get("id", "")))
    _keep(request, contact, _changed(request, contact, row, body))
    if body["isRemoveAllFollowers"]:
        row["followers"] = []
    _follow(row, body["followers"], follows=body["followersActionType"] == "add")
    content = {"opportunity": shown(contact, row), "new": False}
    return RuleResult(content, entity=row["id"], changed=True, parent=contact.id)


def delete_opportunity(request: GhlRequest) -> RuleResult:
    """Gone; the search finds it for a while yet."""
    contact, row = _find(request)
    del contact.opportunities[row["id"]]
    request.location.opportunity_index.change(row["id"], None, request.now)
    return RuleResult({"succeded": True}, entity=row["id"], changed=True, parent=contact.id)


def add_followers(request: GhlRequest) -> RuleResult:
    """Those that are new are named."""
    contact, row = _find(request)
    changed = _follow(row, request.body["followers"], follows=True)
    content = {"followers": row["followers"], "followersAdded": changed}
    return RuleResult(content, 201, row["id"], True, contact.id)


def remove_followers(request: GhlRequest) -> RuleResult:
    """Those that were there are named."""
    contact, row = _find(request)
    everybody = flag(request, "isRemoveAllFollowers")
    changed = _follow(row, row["followers"] if everybody else request.body["followers"], follows=False)
    content = {"followers": row["followers"], "followersRemoved": changed}
    return RuleResult(content, entity=row["id"], changed=True, parent=contact.id)


# -- what all of them share ------------------------------------------------------------------------------------


def _find(request: GhlRequest, opportunity_id: str | None = None) -> tuple[ContactState, Row]:
    wanted = request.ids["id"] if opportunity_id is None else opportunity_id
    for contact in request.location.contacts.values():
        if wanted in contact.opportunities:
            return contact, contact.opportunities[wanted]
    raise child_not_found("Opportunity", wanted)


def _changed(request: GhlRequest, contact: ContactState, row: Row, given: Mapping[str, Any]) -> Row:
    """The opportunity with what is given of it. A user and a custom field that the location lacks are dropped in silence."""
    at, location = iso(request.now), request.location
    changes: Row = {name: given[name] for name in _WRITTEN if name in given}
    changes |= _place(location, contact, row, given)
    if given.get("status", "all") != "all":  # the document lists it as a status; that it changes nothing is a guess
        changes["status"] = given["status"]
    if "assignedTo" in given and given["assignedTo"] in ("", *location.users):
        changes["assignedTo"] = given["assignedTo"]
    if "customFields" in given:
        changes["customFields"] = _custom(location, row["customFields"], given["customFields"])
    for name, time in (("status", "lastStatusChangeAt"), ("pipelineStageId", "lastStageChangeAt")):
        if changes.get(name, row.get(name)) != row.get(name):
            changes[time] = at
    row |= {**changes, "updatedAt": at}
    return row


def _place(location: LocationState, contact: ContactState, row: Row, given: Mapping[str, Any]) -> Row:
    """The pipeline and stage after a write. Refused: what the location lacks, and a pipeline where the contact has another."""
    pipeline_id = given.get("pipelineId", row.get("pipelineId"))
    pipeline = location.pipelines.get(str(pipeline_id))
    if pipeline is None:
        raise GhlRefusal(400, "The pipeline id is invalid")  # its words are a guess
    stages = [one["id"] for one in pipeline["stages"]]
    kept = row.get("pipelineStageId") if pipeline_id == row.get("pipelineId") else None
    stage = given.get("pipelineStageId") or kept or next(iter(stages), "")
    if stage not in (*stages, ""):
        raise GhlRefusal(400, "The pipeline stage id is invalid")  # its words are a guess
    for other in () if location.settings.allow_several_opportunities else contact.opportunities.values():
        if other["id"] != row["id"] and other["pipelineId"] == pipeline_id:
            raise duplicate_opportunity(other["id"])
    return {"pipelineId": pipeline_id, "pipelineStageId": stage}


def _custom(location: LocationState, held: list[Row], given: list[Row]) -> list[Row]:
    values = {one["id"]: one for one in held}
    for one in given:
        field = location.custom_fields.get(str(one.get("id")))
        if field is not None and field["model"] == "opportunity":
            values[field["id"]] = {"id": field["id"], "fieldValue": one.get("field_value")}
    return list(values.values())


def _keep(request: GhlRequest, contact: ContactState, row: Row) -> None:
    contact.opportunities[row["id"]] = row
    request.location.opportunity_index.change(row["id"], dict(row), request.now)


def _follow(row: Row, users: list[str], *, follows: bool) -> list[str]:
    changed = [one for one in users if (one in row["followers"]) != follows]
    row["followers"] = (
        [*row["followers"], *changed] if follows else [one for one in row["followers"] if one not in changed]
    )
    return changed


def shown(contact: ContactState, row: Row) -> Row:
    """An opportunity as GHL answers it, with its contact."""
    fields = contact.fields
    person = {name: fields[name] for name in ("companyName", "email", "phone") if fields.get(name)}
    whose = {"id": contact.id, "name": full_name(contact), **person, "tags": list(contact.tags)}
    return {**{name: value for name, value in row.items() if value != ""}, "contact": whose}


def flag(request: GhlRequest, name: str) -> bool:
    """A flag in the query. Raises the 422 when it is none."""
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise invalid([f"{name} must be a boolean value"])
    return text == "true"


RULES: Mapping[str, Rule] = {
    "get-lost-reason": list_lost_reasons,
    "get-pipelines": list_pipelines,
    "get-opportunity": get_opportunity,
    "delete-opportunity": delete_opportunity,
    "update-opportunity": update_opportunity,
    "update-opportunity-status": update_status,
    "Upsert-opportunity": upsert_opportunity,
    "add-followers-opportunity": add_followers,
    "remove-followers-opportunity": remove_followers,
    "create-opportunity": create_opportunity,
}
