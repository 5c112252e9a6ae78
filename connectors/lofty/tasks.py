"""A lead's tasks (v2, and v1 to read) and appointments. They share one space of ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.lofty.call import LoftyCaller, Objects, number


class LoftyTaskCalls(LoftyCaller):
    """The operations on tasks and appointments."""

    async def list_tasks(self, lead_id: str) -> Objects:
        """The tasks of a lead."""
        number("list-tasks", "lead_id", lead_id)
        return (await self.call("list-tasks", query={"leadId": lead_id})).objects("tasks")

    async def get_task(self, task_id: str) -> dict[str, Any]:
        """One task."""
        return (await self.call("get-task", {"taskId": task_id})).object("task")

    async def create_task(self, lead_id: str, fields: Mapping[str, Any]) -> str:
        """A new task's id. `type`, `content`, `assignedRole` and `endAt` (ISO with offset) are required."""
        body = {**fields, "leadId": number("create-task", "lead_id", lead_id)}
        return (await self.call("create-task", body=body)).id("taskId")

    async def update_task(self, task_id: str, fields: Mapping[str, Any]) -> None:
        """Change these fields: `content`, `startAt`, `endAt`, `timeZoneCode`, `address`."""
        await self.call("update-task", {"taskId": task_id}, body=dict(fields))

    async def finish_task(self, task_id: str) -> None:
        """Mark a task as done. Lofty refuses that for tasks of a smart plan."""
        await self.call("finish-task", {"taskId": task_id})

    async def unfinish_task(self, task_id: str) -> None:
        """Open a task again."""
        await self.call("unfinish-task", {"taskId": task_id})

    async def delete_task(self, task_id: str) -> None:
        """Delete a task."""
        await self.call("delete-task", {"taskId": task_id})

    async def list_tasks_v1(self, lead_id: str) -> list[dict[str, Any]]:
        """The tasks of a lead in their older shape, with `deadline` as text in UTC."""
        number("list-tasks-v1", "lead_id", lead_id)
        return (await self.call("list-tasks-v1", query={"leadId": lead_id})).objects("taskList")

    async def get_task_v1(self, task_id: str) -> dict[str, Any]:
        """One task in its older shape."""
        return (await self.call("get-task-v1", {"taskId": task_id})).object("task")

    async def list_appointments(self, lead_id: str) -> list[dict[str, Any]]:
        """The appointments of a lead. There is no way to read a single one."""
        number("list-appointments", "lead_id", lead_id)
        return (await self.call("list-appointments", query={"leadId": lead_id})).objects(None)
