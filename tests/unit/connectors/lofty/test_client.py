"""What the client sends, and what it reads out of the answers: every operation, against a function."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import InvalidRequest, MalformedAnswer, VendorError, WrongAccount
from connectors.http.call_record import CallRecord
from connectors.http.transport import Request, Response
from connectors.lofty.client import LoftyClient
from connectors.lofty.operations import OPERATIONS
from connectors.rate import RateHeaders
from tests.unit.connectors.lofty.calls import CASES, LEAD, Case

URL = "https://lofty.example"


class RecordingTransport:
    """A transport that keeps what was sent, and gives the answers it was made with."""

    def __init__(self, *answers: Response) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self._answers.pop(0)


def client_of(transport: RecordingTransport, **more: Any) -> LoftyClient:
    """A client with an API key, on a transport."""
    return LoftyClient(transport, StaticAuth("token", "secret-key"), base_url=URL, **more)


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response with this JSON; None is an empty body."""
    return Response(status, headers or {}, b"" if content is None else json.dumps(content).encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_sends_its_method_target_and_body(case: Case) -> None:
    """Method, path, query and body are those of Lofty's document."""
    transport = RecordingTransport(answer(case.answer))
    await case.call(client_of(transport))
    (sent,) = transport.requests
    assert f"{sent.method} {sent.url.removeprefix(URL)}" == case.sent
    assert (None if sent.body is None else json.loads(sent.body)) == case.body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_sends_a_content_type_and_the_key(case: Case) -> None:
    """The content type on every verb: without it Lofty refuses. `token` in lower case: `Bearer` gets 400/200058."""
    transport = RecordingTransport(answer(case.answer))
    await case.call(client_of(transport))
    assert transport.requests[0].headers == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": "token secret-key",
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
async def test_each_operation_reads_its_answer(case: Case) -> None:
    """Every wrapper is another: `lead`, `notes`, `taskList`, a bare array."""
    assert await case.call(client_of(RecordingTransport(answer(case.answer)))) == case.read


def test_every_operation_of_the_catalogue_has_a_case() -> None:
    """None is left untested."""
    assert {case.operation for case in CASES} == set(OPERATIONS)


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.may_be_empty])
async def test_empty_bodies_are_fine_where_nothing_is_promised(name: str) -> None:
    """PUT and DELETE often answer with nothing."""
    case = next(one for one in CASES if one.operation == name)
    assert await case.call(client_of(RecordingTransport(answer(None)))) is None


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if not one.may_be_empty])
@pytest.mark.parametrize("body", [b"", b"<html>", b"7", b"[7]", b'{"lead":7,"notes":[7],"leadId":true}'])
async def test_a_2xx_without_what_was_promised_is_malformed(name: str, body: bytes) -> None:
    """A firewall's page, or nothing: a create is in doubt then."""
    case = next(one for one in CASES if one.operation == name)
    with pytest.raises(MalformedAnswer, match="expected"):
        await case.call(client_of(RecordingTransport(Response(200, {}, body))))


async def test_a_page_must_confirm_its_limit() -> None:
    """Lofty ignores parameters that it does not know, and answers 200 with unfiltered leads."""
    page = {"_metadata": {"limit": 25}, "leads": [LEAD]}
    with pytest.raises(MalformedAnswer, match="limit 100"):
        await client_of(RecordingTransport(answer(page))).list_leads()


async def test_members_without_metadata_are_fine_but_not_with_another_limit() -> None:
    """A page that is shorter than asked for would look like the last one."""
    assert await client_of(RecordingTransport(answer({"members": []}))).list_members() == []
    with pytest.raises(MalformedAnswer, match="limit 100"):
        await client_of(RecordingTransport(answer({"_metadata": {"limit": 25}, "members": []}))).list_members()


async def test_the_documents_name_of_the_metadata_is_understood_too() -> None:
    """The wire says `_metadata`, the document `get_metadata`."""
    page = await client_of(
        RecordingTransport(answer({"get_metadata": {"limit": 100, "total": 1}, "leads": []}))
    ).list_leads()
    assert page.total == 1


async def test_all_leads_are_read_by_scroll() -> None:
    """A short page in between is not the last: leads vanish meanwhile."""
    pages = [
        {"_metadata": {"limit": 2, "total": 5, "scrollId": f"s{number}"}, "leads": [LEAD] * size}
        for number, size in enumerate((2, 1, 2))
    ]
    transport = RecordingTransport(*map(answer, pages))
    found = [len(page.leads) async for page in client_of(transport).each_lead(limit=2)]
    assert found == [2, 1, 2]
    assert [one.url.partition("?")[2] for one in transport.requests] == [
        "limit=2&offset=0",
        "limit=2&scrollId=s0",
        "limit=2&scrollId=s1",
    ]


async def test_all_leads_are_read_by_offset_where_there_is_no_scroll() -> None:
    """A page without leads is the end, whatever the total says."""
    pages = [{"_metadata": {"limit": 2, "total": 9}, "leads": [LEAD] * size} for size in (2, 2, 0)]
    transport = RecordingTransport(*map(answer, pages))
    found = [len(page.leads) async for page in client_of(transport).each_lead(limit=2)]
    assert found == [2, 2]
    assert transport.requests[-1].url.endswith("offset=4")


async def test_a_refusal_is_an_error_with_loftys_code() -> None:
    """20006: the lead is missing, trashed, hidden or not visible yet."""
    gone = answer({"message": "BaseApplicationException:errorCode=20006,errorMsg=Lead not exist"}, 404)
    with pytest.raises(VendorError, match="lofty get-lead: 404 code 20006 Lead not exist") as caught:
        await client_of(RecordingTransport(gone)).get_lead("11")
    assert (caught.value.status, caught.value.code) == (404, 20006)


@pytest.mark.parametrize("lead_id", ["", "..", "11/notes", "11?x=1", "a", "-1", "1" * 20, "\N{SUPERSCRIPT TWO}"])
async def test_what_is_no_number_never_leaves(lead_id: str) -> None:
    """Ids are int64: anything else would be another path."""
    transport = RecordingTransport()
    client = client_of(transport)
    for call in (client.get_lead, client.list_notes, client.list_tasks, client.list_tasks_v1, client.list_appointments):
        with pytest.raises(InvalidRequest, match="must be a number"):
            await call(lead_id)
    with pytest.raises(InvalidRequest, match="must be a number"):
        await client.create_note(lead_id, "x")
    assert transport.requests == []


async def test_whoever_watches_hears_of_every_answer_once() -> None:
    """Refusals included, with what the rate headers say."""
    heard: list[CallRecord] = []
    ticks = iter([1.0, 1.25, 2.0, 2.5])
    client = client_of(
        RecordingTransport(answer({"lead": LEAD}, headers={"x-ratelimit-remaining": "3"}), answer("no", 500)),
        on_answer=heard.append,
        clock=lambda: next(ticks),
        now=lambda: 0.0,
    )
    await client.get_lead("11")
    with pytest.raises(VendorError):
        await client.get_note("7")
    assert heard == [
        CallRecord("lofty", "get-lead", 200, 0.25, RateHeaders(remaining=3)),
        CallRecord("lofty", "get-note", 500, 0.5),
    ]


async def test_no_secret_is_in_an_error() -> None:
    """Errors are logged and parked."""
    with pytest.raises(VendorError) as caught:
        await client_of(RecordingTransport(answer({"code": 20004, "message": "Bad credentials"}, 401))).get_lead("11")
    assert "secret-key" not in f"{caught.value!r} {vars(caught.value)}"


FOREIGN = {**LEAD, "teamId": 654321}
SUBSCRIBED = {"subscribeId": 7, "teamId": 654321, "listId": 2, "callbackUrl": "https://e.example/x", "limit": 100}


@pytest.mark.parametrize(
    ("ask", "content"),
    [
        (lambda c: c.get_lead("11"), {"lead": FOREIGN}),
        (lambda c: c.get_lead("11", with_trash=True), {"lead": FOREIGN}),
        (lambda c: c.list_leads(limit=2), {"_metadata": {"limit": 2}, "leads": [{"leadId": 12}, FOREIGN]}),
        (lambda c: c.who_am_i(), {"id": 3, "teamId": "654321"}),
        (lambda c: c.list_subscriptions(), [SUBSCRIBED]),
    ],
    ids=["a lead", "a lead in the trash", "one of a page", "a member", "a subscription"],
)
async def test_what_belongs_to_another_team_is_refused_and_named(ask: Any, content: Any) -> None:
    """Nothing of it reaches whoever asked: a key of another account would carry its leads into this connection's GHL."""
    with pytest.raises(
        WrongAccount, match="belongs to Lofty team 654321, and the connection is for team 123456"
    ) as wrong:
        await ask(client_of(RecordingTransport(answer(content)), team="123456"))
    assert (wrong.value.expected, wrong.value.came) == ("123456", "654321")
    await ask(client_of(RecordingTransport(answer(content)), team="654321"))
    await ask(client_of(RecordingTransport(answer(content))))


async def test_a_lead_that_does_not_say_whose_it_is_is_taken() -> None:
    """Not every answer of Lofty's has the team."""
    lead = {name: value for name, value in LEAD.items() if name != "teamId"}
    for given in (lead, {**lead, "teamId": None}, {**lead, "teamId": "123456"}):
        assert await client_of(RecordingTransport(answer({"lead": given})), team="123456").get_lead("11")
