"""All that client and sandbox say is valid by Lofty's own document, but for what it gets wrong."""

from __future__ import annotations

import contextlib
import json

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import MalformedAnswer
from connectors.http.transport import Request, Response
from connectors.lofty.client import LoftyClient
from connectors.lofty.operations import OPERATIONS
from tests.contract.faults import Fault, judge
from tests.contract.lofty.excuses import EXCUSES
from tests.contract.lofty.play import Exchange
from tests.contract.openapi import OpenApi
from tests.unit.connectors.lofty.calls import CASES, Case


def faults_of(documents: OpenApi, exchange: Exchange) -> list[Fault]:
    """Everything that differs in one exchange."""
    request, response = exchange.request, exchange.response
    return [
        *documents.request_faults(request.method, request.url, request.headers, request.body),
        *documents.answer_faults(request.method, request.url, response.status, response.body),
    ]


async def requests_of(case: Case) -> list[Request]:
    """What the client sends in one case."""
    sent: list[Request] = []

    async def transport(request: Request) -> Response:
        sent.append(request)
        return Response(200, {}, b"{}")

    with contextlib.suppress(MalformedAnswer):
        await case.call(LoftyClient(transport, StaticAuth("token", "key")))
    return sent


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_catalogue_names_paths_of_the_document(documents: OpenApi, name: str) -> None:
    """Method and path, to the name of the id."""
    ours = OPERATIONS[name]
    assert (ours.method, ours.path) in {(one.method, one.template) for one in documents.operations}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_request_of_the_client_is_valid(documents: OpenApi, case: Case) -> None:
    """With every field that it can send."""
    (request,) = await requests_of(case)
    faults = documents.request_faults(request.method, request.url, request.headers, request.body)
    found = documents.find(request.method, request.url)
    assert judge(faults, EXCUSES)[0] == []
    assert found is not None
    assert found.template == OPERATIONS[case.operation].path


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_operation_is_valid_on_the_wire(documents: OpenApi, exchanges: tuple[Exchange, ...], name: str) -> None:
    """Request and answer, success and refusals, between client and sandbox."""
    ours = OPERATIONS[name]
    described = next(one for one in documents.operations if (one.method, one.template) == (ours.method, ours.path))
    own = [one for one in exchanges if documents.find(one.request.method, one.request.url) == described]
    faults = [fault for one in own for fault in faults_of(documents, one)]
    assert any(one.response.status < 300 for one in own)
    assert judge(faults, EXCUSES)[0] == []


def test_a_lead_that_is_read_is_the_one_that_is_listed(exchanges: tuple[Exchange, ...]) -> None:
    """The document does not describe what is in the wrapper `lead`; a listed lead it does."""
    bodies = [json.loads(one.response.body) for one in exchanges if one.response.status == 200 and one.response.body]
    read = [body["lead"] for body in bodies if isinstance(body, dict) and "lead" in body]
    listed = [lead for body in bodies if isinstance(body, dict) for lead in body.get("leads", [])]
    assert {frozenset(one) for one in read} == {frozenset(one) for one in listed}
    assert read[0] in listed


def test_every_excuse_is_needed(documents: OpenApi, exchanges: tuple[Exchange, ...]) -> None:
    """When Lofty fixes its document, or we fix our sandbox, the excuse must go."""
    faults = [fault for one in exchanges for fault in faults_of(documents, one)]
    assert judge(faults, EXCUSES)[1] == []


def test_every_excuse_gives_its_reason() -> None:
    """An exception without a reason is a hole."""
    assert [one for one in EXCUSES if len(one.reason) < 20] == []
