"""Who may ask the sandbox, how often, and what is written down of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.sandbox.shared.faults import SandboxFault
from tests.unit.connectors.sandbox.lofty.stage import HEADERS, HERE, SETTINGS, Stage


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("token key-here", (404, "BaseApplicationException:errorCode=20006,errorMsg=Lead not exist")),
        ("Bearer key-here", (400, "User in token does not exist.")),
        ("token other", (401, "Bad credentials")),
        ("", (401, "Bad credentials")),
    ],
)
def test_a_key_is_used_with_the_scheme_token(authorization: str, expected: tuple[int, str]) -> None:
    """As Bearer it gets 400/200058, not 401."""
    status, answer = Stage().ask("GET", "/v1.0/leads/1", headers={**HEADERS, "Authorization": authorization})
    assert (status, answer["message"]) == expected


@pytest.mark.parametrize(("method", "status"), [("GET", 415), ("PUT", 400), ("DELETE", 400)])
def test_every_verb_needs_a_content_type(method: str, status: int) -> None:
    """Seen live: 400/20001 on DELETE, 415 on some GETs."""
    found = Stage().ask(method, "/v1.0/leads/1", headers={"Authorization": "token key-here"})
    assert found == (status, {"code": 20001, "message": "Content-type must be: application/json"})


def test_unknown_paths_are_404() -> None:
    """`/v1/…` and a lead's `/notes` are wrong, whatever many repositories say."""
    stage = Stage()
    assert stage.ask("GET", "/v1/leads/1")[0] == 404
    assert stage.ask("GET", "/v1.0/leads/1/notes")[0] == 404


def test_a_key_has_a_window_and_every_answer_tells_what_is_left() -> None:
    """429 beyond it, and all is well in the next one."""
    stage = Stage(replace(SETTINGS, window_limit=2, window_seconds=60.0))
    statuses = [stage.ask("GET", "/v1.0/leads?limit=1")[0] for _ in range(3)]
    told = dict(stage.headers)
    stage.now += 60.0
    assert statuses == [200, 200, 429]
    assert told == {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60000"}
    assert stage.ask("GET", "/v1.0/leads?limit=1")[0] == 200


def test_the_keys_of_two_teams_neither_share_a_window_nor_leads() -> None:
    """A lead of another team does not exist."""
    stage = Stage(replace(SETTINGS, window_limit=2))
    lead_id = stage.lead()
    there = {**HEADERS, "Authorization": "token key-there"}
    assert stage.ask("GET", f"/v1.0/leads/{lead_id}", headers=there)[0] == 404
    assert stage.ask("GET", f"/v1.0/leads/{lead_id}")[0] == 200


def test_the_ledger_names_operation_team_entity_and_lead() -> None:
    """Judges of the pipeline read it."""
    stage = Stage()
    lead_id = stage.lead()
    note_id = stage.ask("POST", "/v1.0/notes", {"leadId": lead_id, "content": "x", "isPin": False})[1]["noteId"]
    stage.ask("GET", f"/v1.0/notes?leadId={lead_id}")
    _, noted, listed = stage.sandbox.ledger.after()
    assert (noted.operation, noted.budget, noted.status, noted.applied) == ("create-note", str(HERE), 200, True)
    assert (noted.entity, noted.parent) == (str(note_id), str(lead_id))
    assert (listed.operation, listed.parent, listed.applied) == ("list-notes", str(lead_id), False)


@pytest.mark.parametrize("applies", [False, True])
def test_an_ordered_status_is_answered_with_or_without_doing_the_work(applies: bool) -> None:
    """The second one is what makes a create doubtful."""
    stage = Stage()
    stage.sandbox.faults.add(SandboxFault("status", "create-lead", str(HERE), 1, status=500, applies=applies))
    status, _ = stage.ask("POST", "/v1.0/leads", {"firstName": "Jane"})
    assert status == 500
    assert len(stage.team.records["lead"]) == int(applies)


def test_revoked_credentials_are_refused_until_cleared() -> None:
    """As a bad key is."""
    stage = Stage()
    stage.sandbox.faults.add(SandboxFault("revoke"))
    assert stage.ask("GET", "/v1.0/leads?limit=1")[0] == 401
    stage.sandbox.faults.clear()
    assert stage.ask("GET", "/v1.0/leads?limit=1")[0] == 200


@pytest.mark.parametrize("body", [[], "x", 7, {"firstName": "J", "emails": 7}, {"firstName": "J", "tags": 7}])
def test_a_body_of_the_wrong_type_is_refused(body: object) -> None:
    """With 20012, and nothing is made."""
    stage = Stage()
    status, answer = stage.ask("POST", "/v1.0/leads", body)
    assert (status, answer["code"]) == (400, 20012)
    assert stage.team.records["lead"] == {}


def test_a_reset_forgets_everything() -> None:
    """Even the ledger."""
    stage = Stage()
    stage.lead()
    stage.sandbox.reset()
    assert (stage.team.records["lead"], stage.sandbox.ledger.after()) == ({}, [])
