"""Every operation of the catalogue, called once: what must leave, what Lofty answers, what must be read out of it.

The unit tests send them to a function, the contract tests hold them against Lofty's document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.lofty.client import LoftyClient

LEAD = {"leadId": 1146742878287627, "firstName": "Jane"}
NOTE = {"id": 5, "noteId": 7, "leadId": 1, "content": "Hello"}
TASK = {"id": 8, "leadId": 1, "content": "Call"}
SUBSCRIPTION = {"subscribeId": 2834631169165237, "teamId": 1, "listId": 2, "callbackUrl": "https://e.example/x"}
INQUIRY = {"priceMin": 1, "priceMax": 2, "bedroomsMin": 3, "propertyType": ["Condo"], "locations": [{"city": "Austin"}]}
WRITE: dict[str, Any] = {
    "firstName": "Jane",
    "emails": ["jane@example.com"],
    "leadTypes": [2],
    "stage": "Hot",
    "tagsAdd": ["Buyer"],
    "inquiry": INQUIRY,
    "property": {"streetAddress": "1 First St", "city": "Austin", "bedrooms": 3, "mailAddress": False},
    "customAttributeList": [{"attributeName": "Pets", "attributeType": "number", "value": "2"}],
}
NEW_TASK = {"type": "Call", "content": "Call", "assignedRole": "Agent", "endAt": "2026-03-01T15:00:00+00:00"}
DEAL = {"transactionId": 4, "transactionName": "1 First St"}
NEW_DEAL: dict[str, Any] = {
    "transactionName": "1 First St",
    "transactionType": "Purchase",
    "transactionStatus": "Under Contract",
    "homePrice": 450_000,
    "expectedCloseDate": 1_772_377_200_000,
}
CHANGED_TASK = {"content": "Call again", "endAt": "2026-03-01T15:00:00+00:00", "timeZoneCode": "America/Chicago"}


@dataclass(frozen=True, slots=True)
class Case:
    """One call. `sent` is method and target, `body` the JSON that leaves, `answer` Lofty's (None: empty), `read` ours."""

    operation: str
    call: Callable[[LoftyClient], Awaitable[Any]]
    sent: str
    answer: Any
    read: Any = None
    body: Any = None


def _page(name: str, found: list[Any], **more: Any) -> dict[str, Any]:
    return {"_metadata": {"collection": name, "limit": 100, "offset": 0, "total": 250, **more}, name: found}


# fmt: off
CASES = (
    Case("list-leads", lambda c: _leads(c), "GET /v1.0/leads?sort=CreateTime&desc=false&limit=100&offset=200",
         _page("leads", [LEAD], scrollId="s"), ((LEAD,), 250, "s")),
    Case("get-lead", lambda c: c.get_lead("11"), "GET /v1.0/leads/11", {"lead": LEAD}, LEAD),
    Case("get-lead", lambda c: c.get_lead("11", with_trash=True), "GET /v1.0/leads/11?withTrash=true",
         {"lead": LEAD}, LEAD),
    Case("create-lead", lambda c: c.create_lead(WRITE), "POST /v1.0/leads", {"leadId": 11}, "11", WRITE),
    Case("update-lead", lambda c: c.update_lead("11", WRITE), "PUT /v1.0/leads/11", None, None, WRITE),
    Case("delete-lead", lambda c: c.delete_lead("11", reason="asked to"), "DELETE /v1.0/leads/11?reason=asked%20to",
         {"deleted": True, "leadId": "11"}),
    Case("list-notes", lambda c: c.list_notes("11"), "GET /v1.0/notes?leadId=11&includeSystemNote=false&limit=100",
         {"notes": [NOTE]}, [NOTE]),
    Case("get-note", lambda c: c.get_note("7"), "GET /v1.0/notes/7", {"note": NOTE}, NOTE),
    Case("create-note", lambda c: c.create_note("11", "Hello"), "POST /v1.0/notes", {"noteId": 7}, "7",
         {"leadId": 11, "content": "Hello", "isPin": False}),
    Case("update-note", lambda c: c.update_note("7", "11", "Hi", is_pinned=True), "PUT /v1.0/notes/7", None, None,
         {"leadId": 11, "content": "Hi", "isPin": True}),
    Case("delete-note", lambda c: c.delete_note("7"), "DELETE /v1.0/notes/7", None),
    Case("list-tasks", lambda c: c.list_tasks("11"), "GET /v2.0/tasks?leadId=11", {"tasks": [TASK]}, [TASK]),
    Case("get-task", lambda c: c.get_task("8"), "GET /v2.0/tasks/8", {"task": TASK}, TASK),
    Case("create-task", lambda c: c.create_task("11", NEW_TASK), "POST /v2.0/tasks", {"taskId": 8}, "8",
         {**NEW_TASK, "leadId": 11}),
    Case("update-task", lambda c: c.update_task("8", CHANGED_TASK), "PUT /v2.0/tasks/8", {"message": "success"}, None,
         CHANGED_TASK),
    Case("delete-task", lambda c: c.delete_task("8"), "DELETE /v2.0/tasks/8", {"message": "success"}),
    Case("finish-task", lambda c: c.finish_task("8"), "POST /v2.0/tasks/8/finish", {"message": "success"}),
    Case("unfinish-task", lambda c: c.unfinish_task("8"), "POST /v2.0/tasks/8/unfinish", {"message": "success"}),
    Case("list-tasks-v1", lambda c: c.list_tasks_v1("11"), "GET /v1.0/tasks?leadId=11", {"taskList": [TASK]}, [TASK]),
    Case("get-task-v1", lambda c: c.get_task_v1("8"), "GET /v1.0/tasks/8", {"task": TASK}, TASK),
    Case("list-appointments", lambda c: c.list_appointments("11"), "GET /v1.0/appts?leadId=11", [{"id": 9}], [{"id": 9}]),
    Case("list-transactions", lambda c: _transactions(c),
         "GET /v2.0/transactions?pageNum=1&pageSize=100&transactionType=All&leadId=11",
         {"pageNum": 1, "pageSize": 100, "totalCount": 130, "pageData": [DEAL]}, ((DEAL,), 130)),
    Case("list-transaction-pipelines", lambda c: c.list_transaction_pipelines(), "GET /v2.0/transactions/pipelines",
         {"pipelines": [{"transactionType": "Lease", "stages": []}]}, [{"transactionType": "Lease", "stages": []}]),
    Case("list-lead-transactions", lambda c: c.list_lead_transactions("11"), "GET /v1.0/leads/11/transactions", [DEAL],
         [DEAL]),
    Case("get-transaction", lambda c: c.get_transaction("11", "4"), "GET /v1.0/leads/11/transaction/4", DEAL, DEAL),
    Case("create-transaction", lambda c: c.create_transaction("11", NEW_DEAL), "POST /v1.0/leads/11/transaction", DEAL,
         "4", NEW_DEAL),
    Case("update-transaction", lambda c: c.update_transaction("11", "4", NEW_DEAL), "PUT /v1.0/leads/11/transaction/4",
         DEAL, None, NEW_DEAL),
    Case("get-me", lambda c: c.who_am_i(), "GET /v1.0/me", {"id": 3, "teamId": 7}, {"id": 3, "teamId": 7}),
    Case("list-members", lambda c: c.list_members(offset=100), "GET /v1.0/members?limit=100&offset=100",
         _page("members", [{"id": 3}]), [{"id": 3}]),
    Case("list-custom-fields", lambda c: c.list_custom_fields(), "GET /v1.0/teamFeatures/listCustomField",
         [{"attributeName": "Pets"}], [{"attributeName": "Pets"}]),
    Case("list-lead-pipelines", lambda c: c.list_lead_pipelines(page=1),
         "GET /v1.0/teamFeatures/lead-pipelines?currPage=1&pageSize=100", {"pipelines": [{"id": 5, "name": "Hot"}]},
         [{"id": 5, "name": "Hot"}]),
    Case("list-tags", lambda c: c.list_tags(), "GET /v1.0/teamFeatures/listTag", [{"tagId": 1}], [{"tagId": 1}]),
    Case("list-subscriptions", lambda c: _urls(c), "GET /v1.0/webhooks", [SUBSCRIPTION], ["https://e.example/x"]),
    Case("create-subscription", lambda c: _subscribed(c), "POST /v1.0/webhook", SUBSCRIPTION, "2834631169165237",
         {"listId": 2, "callbackUrl": "https://e.example/x", "limit": 5000, "permissionMode": 1}),
    Case("delete-subscription", lambda c: c.delete_subscription("5"), "DELETE /v1.0/webhook/5", None),
)
# fmt: on


async def _leads(client: LoftyClient) -> Any:
    page = await client.list_leads(offset=200, filters={"sort": "CreateTime", "desc": False})
    return page.leads, page.total, page.scroll_id


async def _transactions(client: LoftyClient) -> Any:
    page = await client.list_transactions(page=1, lead_id="11")
    return page.transactions, page.total


async def _urls(client: LoftyClient) -> list[str]:
    return [one.callback_url for one in await client.list_subscriptions()]


async def _subscribed(client: LoftyClient) -> str:
    return (await client.create_subscription(2, "https://e.example/x")).subscribe_id
