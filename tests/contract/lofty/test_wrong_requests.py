"""What Lofty's document calls wrong, its sandbox refuses, but for what is known to be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from connectors.lofty.operations import OPERATIONS
from connectors.sandbox.lofty import LoftySandbox, LoftySandboxSettings, TeamSettings
from connectors.sandbox.lofty.agent_activity import edit
from connectors.sandbox.lofty.sandbox import LoftyVisit
from tests.contract.openapi import OpenApi
from tests.contract.wrong_requests import Requests, Taken, WrongRequest

TEAM = 123456


KNOWN: Mapping[str, Any] = {
    "firstName": "Ada",
    "listId": 2,
    "callbackUrl": "https://example.com/hook",
    "type": "Call",
    "assignedRole": "Agent",
    "startAt": "2026-03-01T14:00:00+00:00",
    "endAt": "2026-03-01T15:00:00+00:00",
    "createTime": "2026-03-01T14:00:00Z",
    "updateTime": "2026-03-01T14:00:00Z",
    "stage": "Hot",
    "transactionStatus": "Under Contract",
}
"""Values of a good request of which more is asked than their type."""

TAKEN: tuple[Taken, ...] = (
    Taken("*-note", "body.content", "'xxx*", "a note of more than 2,000 letters was seen live to be cut, not refused"),
)


class Desk:
    """A sandbox with a lead, a note, a task, a transaction and a subscription."""

    def __init__(self) -> None:
        self.sandbox = LoftySandbox(LoftySandboxSettings(teams=(TeamSettings(TEAM, ("key",)),), window_limit=0))
        team = self.sandbox.teams[TEAM]
        lead = edit(self.sandbox, team, {"edit": "create", "kind": "lead", "fields": {"firstName": "Bo"}}).id
        self.ids = {"leadId": lead}
        for kind, fields in (("note", {"content": "x"}), ("task", {"content": "x", "type": "Call"})):
            made = edit(self.sandbox, team, {"edit": "create", "kind": kind, "leadId": lead, "fields": fields})
            self.ids[f"{kind}Id"] = made.id
        team.stage_id("Hot")
        self.ask("create-transaction", "", {"transactionName": "1 First St"})
        self.ids["transactionId"] = next(iter(team.transactions))

    def ask(self, name: str, query: str, body: object) -> LoftyVisit:
        """One request, as the socket would bring it."""
        operation = OPERATIONS[name]
        path = operation.path
        for word, number in {**self.ids, "subscribeId": 1}.items():
            path = path.replace(f"{{{word}}}", str(number))
        headers = {"Authorization": "token key", "Content-Type": "application/json"}
        raw = b"" if body is None else orjson.dumps(body)
        visit = self.sandbox.arrive(operation.method, path, query, headers, raw)
        self.sandbox.apply(visit)
        return visit


def requests_of(documents: OpenApi, name: str) -> Requests:
    """The requests of one operation."""
    ours = OPERATIONS[name]
    described = next(one for one in documents.operations if (one.method, one.template) == (ours.method, ours.path))
    return Requests(documents, described, name, {**KNOWN, **Desk().ids})


def taken(documents: OpenApi) -> Iterator[WrongRequest]:
    """Every wrong request that is not refused."""
    for name in OPERATIONS:
        for one in requests_of(documents, name).wrong():
            if Desk().ask(name, one.target_query, one.body).status < 400:
                yield one


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_good_request_is_taken(documents: OpenApi, name: str) -> None:
    """With every field of the document: otherwise a refusal of the wrong ones would prove nothing."""
    good = requests_of(documents, name)
    visit = Desk().ask(name, WrongRequest(name, "", "", good.query, good.body).target_query, good.body)
    assert visit.status < 400 or name == "delete-subscription", visit.content


def test_what_the_document_calls_wrong_is_refused(documents: OpenApi) -> None:
    """But for the list above, of which each line is needed."""
    found = list(taken(documents))
    assert [str(one) for one in found if not any(row.covers(one) for row in TAKEN)] == []
    assert [row for row in TAKEN if not any(row.covers(one) for one in found)] == []


def test_the_wrong_requests_are_many(documents: OpenApi) -> None:
    """A generator that makes none proves nothing."""
    assert sum(len(list(requests_of(documents, name).wrong())) for name in OPERATIONS) > 1000
