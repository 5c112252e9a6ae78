"""Notes, tasks, appointments and what a team has, in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.lofty.agent_activity import seed
from tests.unit.connectors.sandbox.lofty.stage import Stage

TASK = {"type": "Call", "content": "Call", "assignedRole": "Agent", "endAt": "2026-03-01T09:00:00-06:00"}


def note_of(stage: Stage, lead_id: int, content: str = "Hello") -> int:
    """The id of a new note."""
    body = {"leadId": lead_id, "content": content, "isPin": False}
    return int(stage.ask("POST", "/v1.0/notes", body)[1]["noteId"])


def task_of(stage: Stage, lead_id: int) -> int:
    """The id of a new task."""
    return int(stage.ask("POST", "/v2.0/tasks", {**TASK, "leadId": lead_id})[1]["taskId"])


# -- notes ---------------------------------------------------------------------------------------------------


def test_a_note_is_read_by_its_note_id() -> None:
    """Its `id` is another."""
    stage = Stage()
    lead_id = stage.lead()
    note_id = note_of(stage, lead_id)
    note = stage.ask("GET", f"/v1.0/notes/{note_id}")[1]["note"]
    assert (note["noteId"], note["leadId"], note["content"]) == (note_id, lead_id, "Hello")
    assert stage.ask("GET", f"/v1.0/notes/{note['id']}")[0] == 404


def test_a_long_note_is_cut() -> None:
    """At 2000 characters, without a word."""
    stage = Stage()
    note_id = note_of(stage, stage.lead(), "x" * 3000)
    assert len(stage.ask("GET", f"/v1.0/notes/{note_id}")[1]["note"]["content"]) == 2000


def test_changing_and_deleting_a_note_answers_nothing() -> None:
    """Empty bodies."""
    stage = Stage()
    lead_id = stage.lead()
    path = f"/v1.0/notes/{note_of(stage, lead_id)}"
    assert stage.ask("PUT", path, {"leadId": lead_id, "content": "x", "isPin": True}) == (200, None)
    assert stage.ask("GET", path)[1]["note"]["content"] == "x"
    assert stage.ask("DELETE", path) == (200, None)
    assert stage.ask("GET", path)[0] == 404


@pytest.mark.parametrize("lead_id", ["1", None, True, 5])
def test_a_note_needs_a_lead_whose_id_is_a_number(lead_id: Any) -> None:
    """A string is refused; a lead that is not there is 20006."""
    status, _ = Stage().ask("POST", "/v1.0/notes", {"leadId": lead_id, "content": "x", "isPin": False})
    assert status == (404 if lead_id == 5 else 400)


def test_the_list_of_notes_is_small_unless_asked_for_more() -> None:
    """`limit` is documented nowhere, but third parties need it."""
    stage = Stage()
    lead_id = stage.lead()
    for number in range(30):
        note_of(stage, lead_id, str(number))
    path = f"/v1.0/notes?leadId={lead_id}"
    assert [len(stage.ask("GET", path + more)[1]["notes"]) for more in ("", "&limit=100")] == [25, 30]


# -- tasks ---------------------------------------------------------------------------------------------------


def test_a_task_is_shown_by_v2_and_v1_in_different_words() -> None:
    """Times are `…GMT` there, plain UTC here."""
    stage = Stage()
    lead_id = stage.lead(emails=["jane@example.com"])
    task_id = task_of(stage, lead_id)
    (newer,) = stage.ask("GET", f"/v2.0/tasks?leadId={lead_id}")[1]["tasks"]
    (older,) = stage.ask("GET", f"/v1.0/tasks?leadId={lead_id}")[1]["taskList"]
    assert (newer["id"], newer["endAt"], newer["finishTime"]) == (task_id, "2026-03-01T15:00:00GMT", "")
    assert (older["deadline"], older["leadEmail"]) == ("2026-03-01 15:00:00", "jane@example.com")
    assert stage.ask("GET", f"/v1.0/tasks/{task_id}")[1]["task"] == older


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Dance"},
        {"content": ""},
        {"assignedRole": "Boss"},
        {"endAt": None},
        {"endAt": "2026-03-01T15:00:00"},
        {"endAt": "2026-03-01"},
        {"endAt": "soon"},
    ],
)
def test_a_task_needs_type_content_role_and_a_time_with_offset(wrong: dict[str, Any]) -> None:
    """A naive time is refused."""
    stage = Stage()
    status, answer = stage.ask("POST", "/v2.0/tasks", {**TASK, "leadId": stage.lead(), **wrong})
    assert (status, answer["code"]) == (400, 20012)


def test_a_task_is_finished_and_opened_again() -> None:
    """The flag and its time."""
    stage = Stage()
    path = f"/v2.0/tasks/{task_of(stage, stage.lead())}"
    found = []
    for word in ("finish", "unfinish"):
        assert stage.ask("POST", f"{path}/{word}") == (200, {"message": "success"})
        task = stage.ask("GET", path)[1]["task"]
        found.append((task["finishFlag"], task["finishTime"]))
    assert found == [(True, "2026-04-30T17:33:32GMT"), (False, "")]


def test_a_task_of_a_smart_plan_cannot_be_finished() -> None:
    """Said as a bare JSON string, the form in which the document gives every error."""
    stage = Stage()
    task_id = task_of(stage, stage.lead())
    stage.team.records["task"][task_id].is_smart_plan = True
    assert stage.ask("POST", f"/v2.0/tasks/{task_id}/finish") == (400, "TASK_IS_SMARTPLAN")


def test_a_task_is_changed_and_deleted() -> None:
    """Its id and lead stay."""
    stage = Stage()
    task_id = task_of(stage, stage.lead())
    path = f"/v2.0/tasks/{task_id}"
    stage.ask("PUT", path, {"content": "Call again", "id": 1, "leadId": 1})
    task = stage.ask("GET", path)[1]["task"]
    assert (task["content"], task["id"]) == ("Call again", task_id)
    assert stage.ask("DELETE", path)[0] == 200
    assert stage.ask("GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/v1.0/notes", "/v2.0/tasks", "/v1.0/tasks", "/v1.0/appts"])
def test_lists_need_a_lead_that_exists(path: str) -> None:
    """Nothing is listed across leads."""
    stage = Stage()
    assert [stage.ask("GET", path + query)[0] for query in ("", "?leadId=x", "?leadId=1")] == [400, 400, 404]


# -- the team ------------------------------------------------------------------------------------------------


def test_members_are_paged() -> None:
    """25 by default."""
    stage = Stage()
    stage.team.members += [{"id": number} for number in range(30)]
    answer = stage.ask("GET", "/v1.0/members?offset=25")[1]
    assert [one["id"] for one in answer["members"]] == [25, 26, 27, 28, 29]
    assert answer["_metadata"] == {"collection": "members", "limit": 25, "offset": 25, "total": 30}


def test_tags_are_listed_as_definitions_and_as_uses() -> None:
    """Mixed, as Lofty does."""
    stage = Stage()
    lead_id = stage.lead(tags=["Buyer"])
    rows = stage.ask("GET", "/v1.0/teamFeatures/listTag")[1]
    assert [(one["tagName"], one["leadId"]) for one in rows] == [("Buyer", 0), ("Buyer", lead_id)]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"listId": 2, "url": "https://e.example"}, {"code": 20049, "message": "Please enter url in right format"}),
        ({"listId": 13, "callbackUrl": "https://e.example"}, "WEBHOOK_TYPE_ERROR"),
        ({"listId": True, "callbackUrl": "https://e.example"}, "WEBHOOK_TYPE_ERROR"),
        ({"listId": 2, "callbackUrl": "http://e.example"}, "WEBHOOK_CALLBACK_URL_INVALID"),
        (
            {"listId": 2, "callbackUrl": "https://e.example", "limit": 6000, "permissionMode": 2},
            {"code": 20012, "message": "limit must be between 1 and 5000; permissionMode must be one of 0, 1"},
        ),
    ],
)
def test_a_subscription_needs_a_known_list_and_https(body: dict[str, Any], refusal: Any) -> None:
    """`url` is the wrong name for `callbackUrl`."""
    assert Stage().ask("POST", "/v1.0/webhook", body) == (400, refusal)


def test_the_same_list_may_be_subscribed_twice() -> None:
    """Which doubles every delivery: Lofty does not mind."""
    stage = Stage()
    body = {"listId": 2, "callbackUrl": "https://e.example/x", "limit": 5000}
    first, second = (stage.ask("POST", "/v1.0/webhook", body)[1] for _ in range(2))
    assert (first["limit"], stage.ask("GET", "/v1.0/webhooks")[1]) == (5000, [first, second])
    assert stage.ask("DELETE", f"/v1.0/webhook/{first['subscribeId']}") == (200, None)
    assert stage.ask("DELETE", f"/v1.0/webhook/{first['subscribeId']}") == (400, "WEBHOOK_DELETE_NOT_EXIST")


def test_other_vendors_subscriptions_are_seen_and_cannot_be_removed() -> None:
    """The list is that of the whole team."""
    stage = Stage()
    team = next(iter(stage.sandbox.teams.values()))
    seed(stage.sandbox, team, {"subscriptions": [{"listId": 2, "callbackUrl": "https://other.example/x"}]})
    own = stage.ask("POST", "/v1.0/webhook", {"listId": 2, "callbackUrl": "https://e.example/x"})[1]
    other, mine = stage.ask("GET", "/v1.0/webhooks")[1]
    assert (other["vendorId"], mine) == (161, own)
    answer = stage.ask("DELETE", f"/v1.0/webhook/{other['subscribeId']}")
    assert answer == (400, "WEBHOOK_DELETE_NO_AUTHORITY")
