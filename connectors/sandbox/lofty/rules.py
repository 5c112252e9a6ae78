"""What each operation does, for notes, tasks, appointments and the team. Leads have a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.lofty.times import parse_time_ms, to_gmt, to_plain
from connectors.sandbox.lofty.lead_rules import LEAD_RULES
from connectors.sandbox.lofty.refusals import bare, coded, invalid
from connectors.sandbox.lofty.requests import LoftyRequest, Rule
from connectors.sandbox.lofty.shapes import blank_task
from connectors.sandbox.lofty.state import AUTHOR, OWN_VENDOR, LoftyRecord
from connectors.sandbox.lofty.transactions import RULES as TRANSACTION_RULES
from connectors.sandbox.shared.sandbox import RuleResult

SMALL_PAGE = 25
"""What a list holds when nobody asks for more."""

_TASK_TYPES = ("Other", "Call", "Email", "Text", "Appointment")
LAST_MS = 253_402_300_800_000
"""The end of the year 9999."""
_ROLES = ("Agent", "Assistant")


# -- notes ---------------------------------------------------------------------------------------------------


def _list_notes(request: LoftyRequest) -> RuleResult:
    lead = request.lead_in_query()
    with_system = request.flag("includeSystemNote")
    notes = [
        one.fields
        for one in reversed(request.team.of_lead("note", lead.id, request.now))
        if with_system or not one.fields["systemNote"]
    ]
    return RuleResult({"notes": notes[: request.number("limit", SMALL_PAGE)]}, parent=lead.id)


def _get_note(request: LoftyRequest) -> RuleResult:
    note = request.record("note", "noteId")
    return RuleResult({"note": note.fields}, entity=note.id, parent=note.lead_id)


def _create_note(request: LoftyRequest) -> RuleResult:
    lead = request.lead_in_body()
    note = request.editor.create_note(lead, request.fields())
    return RuleResult({"noteId": note.id}, entity=note.id, parent=lead.id, changed=True)


def _update_note(request: LoftyRequest) -> RuleResult:
    note = request.record("note", "noteId")
    if not {"content", "isPin", "leadId"} <= request.fields().keys():
        raise invalid("content, isPin and leadId are required")
    request.editor.change(note, request.fields())
    return RuleResult(None, entity=note.id, parent=note.lead_id, changed=True)


def _delete_note(request: LoftyRequest) -> RuleResult:
    note = request.record("note", "noteId")
    request.editor.delete(note)
    return RuleResult(None, entity=note.id, parent=note.lead_id, changed=True)


# -- tasks and appointments ----------------------------------------------------------------------------------


def _list_tasks(request: LoftyRequest) -> RuleResult:
    lead = request.lead_in_query()
    tasks = [one.fields for one in request.team.of_lead("task", lead.id, request.now)]
    appointments = [_as_v2(one, lead) for one in request.team.of_lead("appointment", lead.id, request.now)]
    return RuleResult({"tasks": [*tasks, *appointments]}, parent=lead.id)


def _get_task(request: LoftyRequest) -> RuleResult:
    """Tasks and appointments share one space of ids."""
    appointment = request.team.find("appointment", request.id("taskId"), request.now)
    task = appointment or request.record("task", "taskId")
    shown = _as_v2(task, request.team.records["lead"][task.lead_id]) if appointment else task.fields
    return RuleResult({"task": shown}, entity=task.id, parent=task.lead_id)


def _as_v2(appointment: LoftyRecord, lead: LoftyRecord) -> dict[str, Any]:
    """An appointment in the shape of a task."""
    fields, author = appointment.fields, {"id": appointment.fields["assignToUid"], "name": AUTHOR["name"]}
    shared = ("id", "leadId", "creatorId", "address", "allDay", "finishFlag")
    return {
        **blank_task(appointment.id, lead.fields, author, 0),
        **{name: fields[name] for name in shared},
        "type": "Appointment",
        "content": fields["descr"],
        "startAt": _in_gmt(fields["deadline"]),
        "endAt": _in_gmt(fields["endTime"]),
        "finishTime": _in_gmt(fields["finishTime"]),
        "overdueFlag": fields["overdue"],
        **{name: str(fields[name]).replace("Z", "GMT") for name in ("createTime", "lastUpdate")},
    }


def _in_gmt(at_ms: Any) -> Any:
    """A time of an appointment as v2 shows it. What is none is shown as it is."""
    is_time = isinstance(at_ms, int) and not isinstance(at_ms, bool) and 0 < at_ms < LAST_MS
    return to_gmt(at_ms) if is_time else at_ms or ""


def _create_task(request: LoftyRequest) -> RuleResult:
    lead, given = request.lead_in_body(), request.fields()
    if missing := [name for name in ("type", "content", "assignedRole", "endAt") if not given.get(name)]:
        raise invalid(f"missing: {', '.join(missing)}")
    if given["type"] not in _TASK_TYPES:
        raise invalid(f"type must be one of {', '.join(_TASK_TYPES)}")
    if given["assignedRole"] not in _ROLES:
        raise invalid(f"assignedRole must be one of {', '.join(_ROLES)}")
    task = request.editor.create_task(lead, given)
    return RuleResult({"taskId": task.id}, entity=task.id, parent=lead.id, changed=True)


def _update_task(request: LoftyRequest) -> RuleResult:
    task = request.record("task", "taskId")
    request.editor.change(task, request.fields())
    return RuleResult({"message": "success"}, entity=task.id, parent=task.lead_id, changed=True)


def _delete_task(request: LoftyRequest) -> RuleResult:
    task = request.record("task", "taskId")
    request.editor.delete(task)
    return RuleResult({"message": "success"}, entity=task.id, parent=task.lead_id, changed=True)


def _finish_task(request: LoftyRequest) -> RuleResult:
    task = request.record("task", "taskId")
    request.editor.finish(task)
    return RuleResult({"message": "success"}, entity=task.id, parent=task.lead_id, changed=True)


def _unfinish_task(request: LoftyRequest) -> RuleResult:
    task = request.record("task", "taskId")
    request.editor.finish(task, is_finished=False)
    return RuleResult({"message": "success"}, entity=task.id, parent=task.lead_id, changed=True)


def _list_tasks_v1(request: LoftyRequest) -> RuleResult:
    lead = request.lead_in_query()
    tasks = request.team.of_lead("task", lead.id, request.now)
    return RuleResult({"taskList": [_as_v1(one, lead) for one in tasks]}, parent=lead.id)


def _get_task_v1(request: LoftyRequest) -> RuleResult:
    task = request.record("task", "taskId")
    return RuleResult(
        {"task": _as_v1(task, request.team.records["lead"][task.lead_id])}, entity=task.id, parent=task.lead_id
    )


def _as_v1(task: LoftyRecord, lead: LoftyRecord) -> dict[str, Any]:
    """A task in its older shape: other names, and times as plain text."""
    fields, person = task.fields, lead.fields
    v1 = {name: value for name, value in fields.items() if name not in {"startAt", "endAt", "timeZoneCode", "allDay"}}
    del v1["address"]
    times = {"deadline": "endAt", "finishTime": "finishTime", "createTime": "createTime", "lastUpdate": "lastUpdate"}
    for name, source in times.items():
        at_ms = parse_time_ms(fields[source])
        v1[name] = "" if at_ms is None else to_plain(at_ms)
    return {
        **v1,
        "deleteFlag": False,
        "leadName": f"{person['firstName']} {person['lastName']}".strip(),
        "leadFirstName": person["firstName"],
        "leadLastName": person["lastName"],
        "leadEmail": next(iter(person["emails"]), ""),
        "leadPhone": next(iter(person["phones"]), ""),
    }


def _list_appointments(request: LoftyRequest) -> RuleResult:
    lead = request.lead_in_query()
    return RuleResult([one.fields for one in request.team.of_lead("appointment", lead.id, request.now)], parent=lead.id)


# -- the team ------------------------------------------------------------------------------------------------


def _list_members(request: LoftyRequest) -> RuleResult:
    limit, offset = request.number("limit", SMALL_PAGE), request.number("offset", 0)
    members = request.team.members
    metadata = {"collection": "members", "limit": limit, "offset": offset, "total": len(members)}
    return RuleResult({"_metadata": metadata, "members": members[offset : offset + limit]})


def _get_me(request: LoftyRequest) -> RuleResult:
    """The owner of the access: the team's first member. A team without members has one that nobody sees in its list."""
    owner = {"id": 1, "teamId": request.team.id, "firstName": "Olivia", "lastName": "Owner", "roleName": "Owner"}
    return RuleResult(request.team.members[0] if request.team.members else {**owner, "email": "owner@example.com"})


def _list_custom_fields(request: LoftyRequest) -> RuleResult:
    return RuleResult(request.team.custom_fields)


def _list_lead_pipelines(request: LoftyRequest) -> RuleResult:
    """A page of the stages that the team's leads can be in, narrowed by a part of the name. Pages begin with 0."""
    page, size = request.number("currPage", 0), request.number("pageSize", 10)
    if size < 1:
        raise invalid("pageSize must be greater than or equal to 1")
    wanted = request.query.get("name", "").casefold()
    found = [{"id": at, "name": name} for name, at in request.team.stages.items() if wanted in name.casefold()]
    metadata = {"collection": "pipelines", "limit": size, "offset": page * size, "total": len(found)}
    return RuleResult({"_metadata": metadata, "pipelines": found[page * size : (page + 1) * size]})


def _list_tags(request: LoftyRequest) -> RuleResult:
    """Definitions and uses, mixed. Times are ISO 8601 here, other than on a lead."""
    rows: list[dict[str, Any]] = [
        {"tagId": number, "tagName": name, "leadId": 0} for name, number in request.team.tags.items()
    ]
    for lead in request.team.records["lead"].values():
        for used in () if lead.is_deleted else lead.fields["tags"]:
            times = {name: used[name].replace("GMT", "Z") for name in ("createTime", "updateTime")}
            rows.append({**used, **times})
    return RuleResult(rows)


def _list_subscriptions(request: LoftyRequest) -> RuleResult:
    return RuleResult(list(request.team.subscriptions.values()))


def _create_subscription(request: LoftyRequest) -> RuleResult:
    given = request.fields()
    url = given.get("callbackUrl")
    if not isinstance(url, str):
        raise coded(400, 20049, "Please enter url in right format")
    if type(given.get("listId")) is not int or given["listId"] not in range(1, 13):
        raise bare(400, "WEBHOOK_TYPE_ERROR")
    schemes = ("https", "http") if request.settings.allows_http else ("https",)
    if urlsplit(url).scheme not in schemes or not urlsplit(url).netloc:
        raise bare(400, "WEBHOOK_CALLBACK_URL_INVALID")
    if len(request.team.subscriptions) >= request.settings.subscriptions_limit:
        raise bare(400, "WEBHOOK_EXCEED_LIMIT")
    subscribe_id = next(request.team.ids)
    made = {
        "subscribeId": subscribe_id,
        "teamId": request.team.id,
        "listId": given["listId"],
        "callbackUrl": url,
        "vendorId": OWN_VENDOR,
        "limit": given.get("limit", 100),
        "permissionMode": given.get("permissionMode", 0),
    }
    request.team.subscriptions[subscribe_id] = made
    return RuleResult(made, entity=subscribe_id, changed=True)


def _delete_subscription(request: LoftyRequest) -> RuleResult:
    subscribe_id = request.id("subscribeId")
    found = request.team.subscriptions.get(subscribe_id)
    if found is None:
        raise bare(400, "WEBHOOK_DELETE_NOT_EXIST")
    if found["vendorId"] != OWN_VENDOR:
        raise bare(400, "WEBHOOK_DELETE_NO_AUTHORITY")
    del request.team.subscriptions[subscribe_id]
    return RuleResult(None, entity=subscribe_id, changed=True)


RULES: Mapping[str, Rule] = {
    **LEAD_RULES,
    **TRANSACTION_RULES,
    "list-notes": _list_notes,
    "get-note": _get_note,
    "create-note": _create_note,
    "update-note": _update_note,
    "delete-note": _delete_note,
    "list-tasks": _list_tasks,
    "get-task": _get_task,
    "create-task": _create_task,
    "update-task": _update_task,
    "delete-task": _delete_task,
    "finish-task": _finish_task,
    "unfinish-task": _unfinish_task,
    "list-tasks-v1": _list_tasks_v1,
    "get-task-v1": _get_task_v1,
    "list-appointments": _list_appointments,
    "get-me": _get_me,
    "list-members": _list_members,
    "list-custom-fields": _list_custom_fields,
    "list-lead-pipelines": _list_lead_pipelines,
    "list-tags": _list_tags,
    "list-subscriptions": _list_subscriptions,
    "create-subscription": _create_subscription,
    "delete-subscription": _delete_subscription,
}
