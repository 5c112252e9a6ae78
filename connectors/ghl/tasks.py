"""A contact's tasks, and the search over a location's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ghl.call import GhlCaller
from connectors.ghl.wire import GhlTask


class GhlTaskCalls(GhlCaller):
    """The operations on tasks. There is no upsert: keep the id, and look for your marker before creating again."""

    async def list_tasks(self, contact_id: str) -> tuple[GhlTask, ...]:
        """All tasks of a contact, without pages."""
        return (await self.call("get-all-tasks", {"contactId": contact_id})).many(GhlTask, "tasks")

    async def get_task(self, contact_id: str, task_id: str) -> GhlTask:
        """One task."""
        return (await self.call("get-task", {"contactId": contact_id, "taskId": task_id})).one(GhlTask, "task")

    async def create_task(self, contact_id: str, fields: Mapping[str, Any]) -> GhlTask:
        """A new task. Not safe to repeat."""
        return (await self.call("create-task", {"contactId": contact_id}, body=fields)).one(GhlTask, "task")

    async def update_task(self, contact_id: str, task_id: str, fields: Mapping[str, Any]) -> GhlTask | None:
        """Change these fields of a task. The task after it, when GHL sends it."""
        answer = await self.call("update-task", {"contactId": contact_id, "taskId": task_id}, body=fields)
        return answer.one_or_none(GhlTask, "task")

    async def complete_task(self, contact_id: str, task_id: str, *, completed: bool) -> GhlTask | None:
        """Mark a task as done, or as open again. The task after it, when GHL sends it."""
        answer = await self.call(
            "update-task-completed", {"contactId": contact_id, "taskId": task_id}, body={"completed": completed}
        )
        return answer.one_or_none(GhlTask, "task")

    async def delete_task(self, contact_id: str, task_id: str) -> None:
        """Delete a task."""
        await self.call("delete-task", {"contactId": contact_id, "taskId": task_id})

    async def search_tasks(self, location_id: str, search: Mapping[str, Any]) -> tuple[GhlTask, ...]:
        """Tasks of all contacts of a location: the way to a task whose contact is not known."""
        answer = await self.call("task-search", {"locationId": location_id}, body=search)
        return answer.many(GhlTask, "tasks")
