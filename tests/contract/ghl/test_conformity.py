"""All that client and sandbox say is valid by GHL's own documents, but for what these get wrong."""

from __future__ import annotations

import contextlib

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import MalformedAnswer
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import CONTACT_OPERATIONS, OPERATIONS, OPPORTUNITY_OPERATIONS
from connectors.http.operation import Operation
from connectors.http.transport import Request, Response
from tests.contract.faults import Fault, judge
from tests.contract.ghl.excuses import EXCUSES
from tests.contract.ghl.play import Exchange
from tests.contract.openapi import OpenApi
from tests.unit.connectors.ghl.calls import CASES, Case

NAMES = sorted(OPERATIONS)


def faults_of(documents: OpenApi, exchange: Exchange) -> list[Fault]:
    """Everything that differs in one exchange."""
    request, response = exchange.request, exchange.response
    return [
        *documents.request_faults(request.method, request.url, request.headers, request.body),
        *documents.answer_faults(request.method, request.url, response.status, response.body),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_says_what_the_document_says(documents: OpenApi, name: str) -> None:
    """Method, path, version, scopes and deprecation."""
    ours, theirs = OPERATIONS[name], documents.by_id(name)
    version = next(one["schema"]["enum"] for one in theirs.parameters if one["name"] == "Version")
    named = (scope for one in theirs.content.get("security", []) for names in one.values() for scope in names)
    scopes = list(dict.fromkeys(named))  # some name one for each kind of access
    assert (ours.method, ours.path) == (theirs.method, theirs.template)
    assert [ours.version] == version
    assert list(ours.scopes) == scopes
    assert ours.is_deprecated == theirs.content.get("deprecated", False)


@pytest.mark.parametrize(
    ("document", "ours"), [("contacts", CONTACT_OPERATIONS), ("opportunities", OPPORTUNITY_OPERATIONS)]
)
def test_the_catalogue_has_every_operation_of_a_document(
    documents: OpenApi, document: str, ours: tuple[Operation, ...]
) -> None:
    """All 32 of `apps/contacts.json`, all 12 of `apps/opportunities.json`."""
    home = f"http://specs/apps/{document}.json"
    assert {one.name for one in ours} == {
        one.operation_id for one in documents.operations if one.pointer.startswith(home)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_request_of_the_client_is_valid(documents: OpenApi, case: Case) -> None:
    """With every field that it can send."""
    sent: list[Request] = []

    async def transport(request: Request) -> Response:
        sent.append(request)
        return Response(200, {}, b"{}")

    client = GhlClient(transport, StaticAuth("Bearer", "pit-one"))
    with contextlib.suppress(MalformedAnswer):
        await case.call(client)
    (request,) = sent
    faults = documents.request_faults(request.method, request.url, request.headers, request.body)
    assert documents.find(request.method, request.url) == documents.by_id(case.operation)
    assert judge(faults, EXCUSES)[0] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_is_valid_on_the_wire(documents: OpenApi, exchanges: tuple[Exchange, ...], name: str) -> None:
    """Request and answer, success and refusals, between client and sandbox."""
    described = documents.by_id(name)
    own = [one for one in exchanges if documents.find(one.request.method, one.request.url) == described]
    faults = [fault for one in own for fault in faults_of(documents, one)]
    assert any(one.response.status < 300 for one in own)
    assert judge(faults, EXCUSES)[0] == []


def test_every_excuse_is_needed(documents: OpenApi, exchanges: tuple[Exchange, ...]) -> None:
    """When GHL fixes its document, or we fix our sandbox, the excuse must go."""
    faults = [fault for one in exchanges for fault in faults_of(documents, one)]
    assert judge(faults, EXCUSES)[1] == []


def test_every_excuse_gives_its_reason() -> None:
    """An exception without a reason is a hole."""
    assert [one for one in EXCUSES if len(one.reason) < 20] == []
