"""What the client sends, and what it reads out of the answers: every operation, against a function."""

from __future__ import annotations

import json

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import InvalidRequest, Unanswered
from connectors.ghl.client import GhlClient
from connectors.ghl.operations import OPERATIONS
from connectors.http.call_record import CallRecord
from connectors.http.transport import Request, Response
from tests.unit.connectors.ghl.calls import CASES, Case

URL = "https://ghl.example"


class RecordingTransport:
    """A transport that keeps what was sent, and gives the answers it was made with."""

    def __init__(self, *answers: Response) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self._answers.pop(0)


def client_of(transport: RecordingTransport) -> GhlClient:
    """A client with a token, on a transport."""
    return GhlClient(transport, StaticAuth("Bearer", "pit-secret-1"), base_url=URL)


def answer(content: object, status: int = 200) -> Response:
    """A response with this JSON."""
    return Response(status, {}, json.dumps(content).encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_sends_its_method_target_and_body(case: Case) -> None:
    """Method, path, query and body are those of GHL's document."""
    transport = RecordingTransport(answer(case.answer))
    await case.call(client_of(transport))
    sent = transport.requests[0]
    assert (len(transport.requests), f"{sent.method} {sent.url}") == (1, case.sent.replace(" /", f" {URL}/", 1))
    assert (None if sent.body is None else json.loads(sent.body)) == case.body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_sends_its_version_and_the_credential(case: Case) -> None:
    """Calendars have a version of their own; a content type goes with a body only."""
    transport = RecordingTransport(answer(case.answer))
    await case.call(client_of(transport))
    expected = {"Accept": "application/json", "Authorization": "Bearer pit-secret-1"}
    expected["Version"] = "2021-04-15" if " /calendars" in case.sent else "2021-07-28"
    if case.body is not None:
        expected["Content-Type"] = "application/json"
    assert transport.requests[0].headers == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_reads_its_answer(case: Case) -> None:
    """What GHL says comes out as a value."""
    result = await case.call(client_of(RecordingTransport(answer(case.answer))))
    assert case.take(result) == case.read


def test_every_operation_of_the_catalogue_has_a_case() -> None:
    """None is left untested."""
    assert {case.operation for case in CASES} == set(OPERATIONS)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_success(status: int) -> None:
    """GHL's statuses drift from its documents: 201 for 200 was measured."""
    note = await client_of(RecordingTransport(answer({"note": {"id": "n"}}, status))).create_note("c", {"body": "x"})
    assert note.id == "n"


async def test_ids_are_quoted_fully() -> None:
    """An id cannot become two path segments, a query or a parent directory."""
    transport = RecordingTransport(answer({"contact": {"id": "x"}}))
    await client_of(transport).get_contact("a/b?c#d é%")
    assert transport.requests[0].url == f"{URL}/contacts/a%2Fb%3Fc%23d%20%C3%A9%25"


@pytest.mark.parametrize("contact_id", ["", ".", ".."])
async def test_what_is_no_id_never_leaves(contact_id: str) -> None:
    """An empty id would address the whole collection."""
    transport = RecordingTransport()
    with pytest.raises(InvalidRequest, match="contactId"):
        await client_of(transport).delete_contact(contact_id)
    assert transport.requests == []


async def test_each_answer_is_told_refusals_included() -> None:
    """Metrics and budgets see what the vendor said, also when it said no."""
    told: list[CallRecord] = []
    times = iter([1.0, 1.25, 5.0, 5.5])
    transport = RecordingTransport(
        Response(201, {"x-ratelimit-remaining": "7"}, b'{"note": {"id": "n"}}'),
        answer({"statusCode": 400, "message": "no", "traceId": "t-1"}, 400),
    )
    client = GhlClient(
        transport, StaticAuth("Bearer", "x"), base_url=URL, on_answer=told.append, clock=lambda: next(times)
    )
    await client.create_note("c", {"body": "x"})
    with pytest.raises(Exception, match="no"):
        await client.get_contact("c")
    assert [(one.vendor, one.operation, one.status, one.seconds, one.trace_id) for one in told] == [
        ("ghl", "create-note", 201, 0.25, None),
        ("ghl", "get-contact", 400, 0.5, "t-1"),
    ]
    assert told[0].rate is not None
    assert told[0].rate.remaining == 7


async def test_no_answer_is_told_to_nobody() -> None:
    """A request without any response makes no `CallRecord`, and the transport's error passes through."""
    told: list[CallRecord] = []

    async def silent(request: Request) -> Response:
        raise Unanswered(request.method, request.url, "TimeoutError")

    client = GhlClient(silent, StaticAuth("Bearer", "x"), base_url=URL, on_answer=told.append)
    with pytest.raises(Unanswered):
        await client.get_contact("c")
    assert told == []
