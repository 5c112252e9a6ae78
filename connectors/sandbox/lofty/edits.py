"""Edits, by an agent or by API: each changes a record and reports it to the subscribers, as Lofty's webhooks do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.lofty.times import parse_time_ms, to_gmt, to_plain
from connectors.sandbox.lofty import leads
from connectors.sandbox.lofty.refusals import bare, invalid
from connectors.sandbox.lofty.shapes import blank_appointment, blank_lead, blank_note, blank_task
from connectors.sandbox.lofty.state import AUTHOR, Kind, LoftyRecord, TeamState

LONGEST_NOTE = 2000

_LISTS: Mapping[Kind, tuple[int, str, str]] = {
    "lead": (2, "Lead", "leadId"),
    "note": (9, "Note", "noteId"),
    "task": (10, "Task", "taskId"),
    "appointment": (11, "Appt", "apptId"),
}

_FIXED = frozenset({"id", "noteId", "leadId", "teamId", "createTime", "lastUpdate", "deleteFlag", "finishFlag"})
"""What no write changes."""


class TeamEditor:
    """Makes edits of one team, at one moment (`now`, epoch seconds). Without `reports` no subscriber gets them."""

    def __init__(
        self, team: TeamState, now: float, *, visibility_lag_seconds: float = 0.0, reports: bool = True
    ) -> None:
        self._team = team
        self._now = now
        self._lag = visibility_lag_seconds
        self._reports = reports
        self._at_ms = int(now * 1000)

    def create_lead(self, given: Mapping[str, Any]) -> LoftyRecord:
        """A new lead."""
        if not given.get("firstName"):
            raise invalid("firstName is required")
        lead_id = next(self._team.ids)
        record = self._new("lead", lead_id, lead_id, blank_lead(lead_id, self._team.id, self._at_ms))
        leads.write(self._team, record, given, self._at_ms)
        return self._keep(record)

    def create_note(self, lead: LoftyRecord, given: Mapping[str, Any]) -> LoftyRecord:
        """A new note of a lead. Lofty cuts its content."""
        if not given.get("content"):
            raise invalid("content is required")
        note_id, timeline_id = next(self._team.ids), next(self._team.ids)
        fields = blank_note(note_id, timeline_id, lead.id, AUTHOR, self._at_ms)
        return self._keep(self._new("note", note_id, lead.id, self._written("note", fields, given)))

    def create_task(self, lead: LoftyRecord, given: Mapping[str, Any]) -> LoftyRecord:
        """A new task of a lead. `smartPlan` (of the sandbox) makes one that cannot be finished."""
        task_id = next(self._team.ids)
        author = {
            "id": lead.fields["assignedUserId"] or AUTHOR["id"],
            "name": lead.fields["assignedUser"] or AUTHOR["name"],
        }
        fields = blank_task(task_id, lead.fields, author, self._at_ms)
        record = self._new("task", task_id, lead.id, self._written("task", fields, given))
        record.is_smart_plan = bool(given.get("smartPlan"))
        return self._keep(record)

    def create_appointment(self, lead: LoftyRecord, given: Mapping[str, Any]) -> LoftyRecord:
        """A new appointment of a lead."""
        appointment_id = next(self._team.ids)
        fields = blank_appointment(appointment_id, lead.id, AUTHOR, self._at_ms)
        record = self._new("appointment", appointment_id, lead.id, self._written("appointment", fields, given))
        return self._keep(record)

    def change(self, record: LoftyRecord, given: Mapping[str, Any]) -> None:
        """Change fields of a record. A lead whose stage changes is reported twice: on list 2 and on list 12."""
        stage = record.fields.get("stage")
        if record.kind == "lead":
            leads.write(self._team, record, given, self._at_ms)
        else:
            record.fields = self._written(record.kind, record.fields, given)
        self._touch(record, "updated")
        if record.kind == "lead" and stage != record.fields["stage"] and self._reports:
            change = {"oldstage": stage, "newstage": record.fields["stage"]}
            item = {"leadId": record.id, "updateTime": record.updated_ms, "changeInfo": change}
            self._team.report(12, "updatedLeadstage", item)

    def finish(self, record: LoftyRecord, *, is_finished: bool = True) -> None:
        """Finish a task or appointment, or open it again."""
        if record.is_smart_plan:
            raise bare(400, "TASK_IS_SMARTPLAN")
        at = to_gmt(self._at_ms) if record.kind == "task" else self._at_ms
        none = "" if record.kind == "task" else 0
        record.fields = {**record.fields, "finishFlag": is_finished, "finishTime": at if is_finished else none}
        self._touch(record, "finished" if is_finished else "updated")

    def delete(self, record: LoftyRecord) -> None:
        """Delete a record; a lead goes to the trash."""
        record.is_deleted = True
        if record.kind in ("note", "appointment"):
            record.fields = {**record.fields, "deleteFlag": True}
        self._touch(record, "deleted")

    def merge(self, absorbed: LoftyRecord, into: LoftyRecord) -> None:
        """Two leads become one: what hangs on the first hangs on the second, and the first id is dead, in the trash too."""
        kinds: tuple[Kind, ...] = ("note", "task", "appointment")
        for kind in kinds:
            for record_id in self._team.children.pop((kind, absorbed.id), ()):
                record = self._team.records[kind][record_id]
                record.lead_id = into.id
                record.fields = {**record.fields, "leadId": into.id}
                self._team.children.setdefault((kind, into.id), []).append(record_id)
        for name in ("emails", "phones"):
            new = [one for one in absorbed.fields[name] if one not in into.fields[name]]
            into.fields[name] = [*into.fields[name], *new]
        absorbed.is_absorbed = True
        self.delete(absorbed)
        self._touch(into, "updated")

    # -- what all of them share ------------------------------------------------------------------------------

    def _new(self, kind: Kind, record_id: int, lead_id: int, fields: dict[str, Any]) -> LoftyRecord:
        return LoftyRecord(kind, record_id, lead_id, fields, self._at_ms, self._now + self._lag)

    def _keep(self, record: LoftyRecord) -> LoftyRecord:
        self._team.put(record)
        self._report(record, "created")
        return record

    def _touch(self, record: LoftyRecord, happened: str) -> None:
        record.updated_ms = max(self._at_ms, record.updated_ms + 1)
        match record.kind:
            case "lead":
                record.fields["lastUpdateTime"] = to_gmt(record.updated_ms)
            case "note":
                record.fields["lastUpdate"] = to_plain(record.updated_ms)
            case "task":
                record.fields["lastUpdate"] = to_gmt(record.updated_ms)
            case "appointment":
                record.fields["lastUpdate"] = to_gmt(record.updated_ms).replace("GMT", "Z")
        self._report(record, happened)

    def _report(self, record: LoftyRecord, happened: str) -> None:
        if not self._reports:
            return
        list_id, word, id_name = _LISTS[record.kind]
        item: dict[str, Any] = {id_name: record.id, "leadId": record.lead_id, "updateTime": record.updated_ms}
        if record.kind == "note":
            author = "System" if record.fields["systemNote"] else "Manual"
            item |= {"noteType": author, "agentId": record.fields["lastEditorId"]}
        self._team.report(list_id, f"{happened}{word}", item)

    def _written(self, kind: Kind, fields: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        changed = {**fields, **{name: given[name] for name in (fields.keys() - _FIXED) & given.keys()}}
        if kind == "note":
            changed["content"] = str(changed["content"])[:LONGEST_NOTE]
        if kind == "task":
            for name in ("startAt", "endAt"):
                if name in given:
                    changed[name] = _shown(name, given[name])
        return changed


def _shown(name: str, given: Any) -> str:
    """A task's time as it is read, from any time with an offset."""
    if not given:
        return ""
    text = str(given)
    has_offset = isinstance(given, int) or text[10:].endswith(("Z", "GMT")) or "+" in text[10:] or "-" in text[10:]
    at_ms = parse_time_ms(given)
    if at_ms is None or not has_offset:
        raise invalid(f"{name} must be ISO 8601 with an offset")
    return to_gmt(at_ms)
