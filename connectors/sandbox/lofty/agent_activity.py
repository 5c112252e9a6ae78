"""An agent's edits as JSON, one by one or a burst of them in one call.

An edit is `{"edit": "create"|"update"|"delete"|"merge"|"finish"|"unfinish", "kind": "lead"|"note"|"task"|"appointment",
"id": …, "leadId": …, "fields": {…}}`: `id` for all but creates, `leadId` for creates of what hangs on a lead.
A lead is merged `into` another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from connectors.sandbox.lofty.refusals import lead_not_exist, not_exist
from connectors.sandbox.lofty.sandbox import LoftySandbox
from connectors.sandbox.lofty.state import Kind, LoftyRecord, TeamState


def team_of(sandbox: LoftySandbox, team_id: int | str | None) -> TeamState:
    """A team by its id; without one the only team, or the first."""
    if team_id is None:
        return next(iter(sandbox.teams.values()))
    found = sandbox.teams.get(int(team_id))
    if found is None:
        raise ValueError(f"no team {team_id}; there are {', '.join(map(str, sandbox.teams))}")
    return found


def edit(sandbox: LoftySandbox, team: TeamState, given: Mapping[str, Any], *, reports: bool = True) -> LoftyRecord:
    """Do one edit. Raises `Refusal` or `ValueError` for what cannot be done."""
    kind, fields = _kind(given), given.get("fields") or {}
    editor = sandbox.editor(team, reports=reports)
    match given.get("edit"):
        case "create":
            if kind == "lead":
                return editor.create_lead(fields)
            lead = _find(team, "lead", given["leadId"])
            creates = {"note": editor.create_note, "task": editor.create_task, "appointment": editor.create_appointment}
            return creates[kind](lead, fields)
        case "update":
            record = _find(team, kind, given["id"])
            editor.change(record, fields)
        case "delete":
            record = _find(team, kind, given["id"])
            editor.delete(record)
        case "merge":
            record = _find(team, "lead", given["id"])
            editor.merge(record, _find(team, "lead", given["into"]))
        case "finish" | "unfinish" as word:
            if kind not in ("task", "appointment"):
                raise ValueError(f"a {kind} cannot be finished")
            record = _find(team, kind, given["id"])
            editor.finish(record, is_finished=word == "finish")
        case other:
            raise ValueError(f"edit must be create, update, delete, merge, finish or unfinish, not {other!r}")
    return record


def edit_all(sandbox: LoftySandbox, team: TeamState, given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A burst of edits, in order."""
    return [shown(edit(sandbox, team, one)) for one in given]


def seed(sandbox: LoftySandbox, team: TeamState, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put leads, members, custom fields and other vendors' subscriptions there, without pings unless `reports` is true.

    A lead may hold `notes`, `tasks` and `appointments`, as `make_leads` makes them; `transactionStages` are lists of names by type. Returns the new ids, in order.
    """
    reports = bool(given.get("tells"))
    ids = []
    for person in given.get("leads") or ():
        lead = edit(sandbox, team, {"edit": "create", "kind": "lead", "fields": person}, reports=reports)
        children: dict[str, list[int]] = {}
        for kind in ("note", "task", "appointment"):
            for fields in person.get(f"{kind}s") or ():
                creation = {"edit": "create", "kind": kind, "leadId": lead.id, "fields": fields}
                child = edit(sandbox, team, creation, reports=reports)
                if fields.get("finishFlag"):
                    sandbox.editor(team, reports=False).finish(child)
                children.setdefault(f"{kind}s", []).append(child.id)
        ids.append({"leadId": lead.id, **children})
    for member in given.get("members") or ():
        team.members.append({"id": len(team.members) + 1, "teamId": team.id, **member})
    for field in given.get("customFields") or ():
        team.custom_fields.append({"attributeType": "text", "value": "", "params": None, **field})
    for subscription in given.get("subscriptions") or ():
        subscribe_id = next(team.ids)
        made = {"subscribeId": subscribe_id, "teamId": team.id, "limit": 100, "permissionMode": 0, "vendorId": 161}
        team.subscriptions[subscribe_id] = {**made, **subscription}
    for type_, names in (given.get("transactionStages") or {}).items():
        team.transaction_stages[type_] = tuple(names)
    for name in given.get("stages") or ():
        team.stage_id(str(name))
    for name in given.get("tags") or ():
        team.tag_id(str(name))
    return {"leads": ids}


def shown(record: LoftyRecord) -> dict[str, Any]:
    """What an edit answers: whose it was, and the record."""
    return {
        "kind": record.kind,
        "id": record.id,
        "leadId": record.lead_id,
        "updateTime": record.updated_ms,
        "isDeleted": record.is_deleted,
        "fields": record.fields,
    }


def everything(team: TeamState, *, with_trash: bool) -> list[dict[str, Any]]:
    """All leads of a team with what hangs on them."""
    found = []
    for lead in team.records["lead"].values():
        if lead.is_deleted and not with_trash:
            continue
        row: dict[str, Any] = {"lead": lead.fields, "isDeleted": lead.is_deleted, "updateTime": lead.updated_ms}
        kinds: tuple[Kind, ...] = ("note", "task", "appointment")
        for kind in kinds:
            ids = team.children.get((kind, lead.id), ())
            row[f"{kind}s"] = [one.fields for at in ids if not (one := team.records[kind][at]).is_deleted]
        found.append(row)
    return found


def _kind(given: Mapping[str, Any]) -> Kind:
    kind = given.get("kind")
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}")
    return cast(Kind, kind)


def _find(team: TeamState, kind: Kind, record_id: int | str) -> LoftyRecord:
    found = team.find(kind, int(record_id))
    if found is None:
        raise lead_not_exist() if kind == "lead" else not_exist(kind.capitalize())
    return found
