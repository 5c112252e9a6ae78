"""The catalogue: every operation of Lofty's open API that this project can call, as data.

The operation ids of Lofty's document (`list_4`, `add_1`) are a generator's and change with it, so the names are ours.
The version is part of the path. Scopes are not named: an app is granted endpoints, an API key what its user may do.
Source: Lofty's OpenAPI document "Lofty Service Open APIs 1.0".
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.http.operation import Operation, RetryClass

NOTES_AT_MOST = 100
"""How many notes `list-notes` gives: a longer list is cut off, and a note that is not in it may still be there."""


def _one(name: str, method: str, path: str, retry: RetryClass, *, empty: bool = False, old: bool = False) -> Operation:
    return Operation(name, method, path, (), "", retry, is_deprecated=old, may_be_empty=empty)


_ALL: tuple[Operation, ...] = (
    _one("list-leads", "GET", "/v1.0/leads", "safe"),
    _one("get-lead", "GET", "/v1.0/leads/{leadId}", "safe"),
    _one("create-lead", "POST", "/v1.0/leads", "create"),
    _one("update-lead", "PUT", "/v1.0/leads/{leadId}", "repeatable", empty=True),
    _one("delete-lead", "DELETE", "/v1.0/leads/{leadId}", "repeatable", empty=True),
    _one("list-notes", "GET", "/v1.0/notes", "safe"),
    _one("get-note", "GET", "/v1.0/notes/{noteId}", "safe"),
    _one("create-note", "POST", "/v1.0/notes", "create"),
    _one("update-note", "PUT", "/v1.0/notes/{noteId}", "repeatable", empty=True),
    _one("delete-note", "DELETE", "/v1.0/notes/{noteId}", "repeatable", empty=True),
    _one("list-tasks", "GET", "/v2.0/tasks", "safe"),
    _one("get-task", "GET", "/v2.0/tasks/{taskId}", "safe"),
    _one("create-task", "POST", "/v2.0/tasks", "create"),
    _one("update-task", "PUT", "/v2.0/tasks/{taskId}", "repeatable", empty=True),
    _one("delete-task", "DELETE", "/v2.0/tasks/{taskId}", "repeatable", empty=True),
    _one("finish-task", "POST", "/v2.0/tasks/{taskId}/finish", "repeatable", empty=True),
    _one("unfinish-task", "POST", "/v2.0/tasks/{taskId}/unfinish", "repeatable", empty=True),
    _one("list-tasks-v1", "GET", "/v1.0/tasks", "safe", old=True),
    _one("get-task-v1", "GET", "/v1.0/tasks/{taskId}", "safe", old=True),
    _one("list-appointments", "GET", "/v1.0/appts", "safe"),
    _one("list-transactions", "GET", "/v2.0/transactions", "safe"),
    _one("list-transaction-pipelines", "GET", "/v2.0/transactions/pipelines", "safe"),
    _one("list-lead-transactions", "GET", "/v1.0/leads/{leadId}/transactions", "safe"),
    _one("get-transaction", "GET", "/v1.0/leads/{leadId}/transaction/{transactionId}", "safe"),
    _one("create-transaction", "POST", "/v1.0/leads/{leadId}/transaction", "create"),
    _one("update-transaction", "PUT", "/v1.0/leads/{leadId}/transaction/{transactionId}", "repeatable", empty=True),
    _one("get-me", "GET", "/v1.0/me", "safe"),
    _one("list-members", "GET", "/v1.0/members", "safe"),
    _one("list-custom-fields", "GET", "/v1.0/teamFeatures/listCustomField", "safe"),
    _one("list-lead-pipelines", "GET", "/v1.0/teamFeatures/lead-pipelines", "safe"),
    _one("list-tags", "GET", "/v1.0/teamFeatures/listTag", "safe"),
    _one("list-subscriptions", "GET", "/v1.0/webhooks", "safe"),
    _one("create-subscription", "POST", "/v1.0/webhook", "create"),
    _one("delete-subscription", "DELETE", "/v1.0/webhook/{subscribeId}", "repeatable", empty=True),
)

OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _ALL}
"""All of them, by name."""
