"""How a refusal or an unreadable answer of GHL's becomes an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.auth.request_auth import StaticAuth
from connectors.errors import MalformedAnswer, VendorError
from connectors.ghl.client import GhlClient
from connectors.http.transport import Request, Response

TOKEN = "pit-0123456789abcdef"


async def refused(status: int, body: bytes, headers: dict[str, str] | None = None) -> VendorError:
    """The error that `GET /contacts/{id}` ends with."""

    async def transport(_: Request) -> Response:
        return Response(status, headers or {}, body)

    with pytest.raises(VendorError) as caught:
        await GhlClient(transport, StaticAuth("Bearer", TOKEN)).get_contact("c1")
    return caught.value


def as_json(**content: Any) -> bytes:
    """A JSON body."""
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (as_json(statusCode=400, message="Contact not found for id:c1"), ("Contact not found for id:c1",)),
        (as_json(message=["property a should not exist", "b is bad"]), ("property a should not exist", "b is bad")),
        (as_json(message=[{"field": "a"}]), ('{"field": "a"}',)),
        (as_json(error="UnAuthorized!", error_description="code not found"), ("code not found",)),
        (as_json(error={"message": "inner"}), ("inner",)),
        (b"<html><body>Error 1010</body></html>", ("Error 1010",)),
        (b"[1, 2]", ("[1, 2]",)),
        (b"", ("no message",)),
    ],
)
async def test_ghls_words_are_kept_whatever_their_shape(body: bytes, messages: tuple[str, ...]) -> None:
    """A text on 400, a list on 422, a page from a proxy before the API."""
    assert (await refused(400, body)).messages == messages


async def test_a_refusal_says_all_that_ghl_said() -> None:
    """Status, trace id, meta and the rate headers are attributes; the text has what a log line needs."""
    body = as_json(
        statusCode=400,
        message="This location does not allow duplicated contacts.",
        meta={"contactId": "other", "matchingField": "email"},
        traceId="t-9",
    )
    error = await refused(400, body, {"x-ratelimit-remaining": "3"})
    assert (error.vendor, error.operation, error.status, error.trace_id) == ("ghl", "get-contact", 400, "t-9")
    assert error.meta == {"contactId": "other", "matchingField": "email"}
    assert error.rate is not None
    assert error.rate.remaining == 3
    assert str(error) == "ghl get-contact: 400 This location does not allow duplicated contacts. (traceId t-9)"


async def test_a_trace_id_may_come_in_a_header() -> None:
    """Some answers have none in their body."""
    assert (await refused(502, b"", {"x-trace-id": "t-h"})).trace_id == "t-h"


@pytest.mark.parametrize("secret", [TOKEN, "eyJhbGciOi.eyJzdWIi.c2ln", "Bearer abcdef"])
async def test_a_refusal_holds_no_secret(secret: str) -> None:
    """Not ours, and not one that GHL repeats to us."""
    error = await refused(401, as_json(message=f"bad credential {secret} here"))
    assert secret not in repr(error) + str(error) + "".join(error.messages)
    assert TOKEN not in repr(vars(error))


async def test_a_long_message_is_cut() -> None:
    """A page from a proxy before the API fills no log."""
    assert len((await refused(500, as_json(message="x" * 5000))).message) == 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        as_json(),
        as_json(contact=None),
        as_json(contact={}),
        as_json(contact={"id": ""}),
        as_json(contact=[]),
        as_json(contact="c1"),
    ],
)
async def test_a_2xx_that_cannot_be_read_is_a_malformed_answer(body: bytes) -> None:
    """The write may have been applied, so it is an error of its own kind."""
    assert isinstance(await refused(200, body), MalformedAnswer)


async def test_a_malformed_answer_does_not_repeat_the_body() -> None:
    """It may hold a person's data."""
    error = await refused(200, as_json(contact={"email": "ann@example.com"}))
    assert "ann@example.com" not in str(error)


async def test_raw_control_characters_are_read() -> None:
    """GHL sometimes leaves them in its texts; strict JSON has none."""

    async def transport(_: Request) -> Response:
        return Response(200, {}, b'{"contact": {"id": "c1", "firstName": "A\nB\x01"}}')

    contact = await GhlClient(transport, StaticAuth("Bearer", TOKEN)).get_contact("c1")
    assert contact.first_name == "A\nB\x01"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"succeded": true}', b'{"contact": null}'])
async def test_an_update_may_answer_nothing(body: bytes) -> None:
    """The status says all that an update needs to say."""

    async def transport(_: Request) -> Response:
        return Response(200, {}, body)

    assert await GhlClient(transport, StaticAuth("Bearer", TOKEN)).update_contact("c1", {"city": "Austin"}) is None


async def test_what_a_refusal_says_beside_its_words_is_bounded() -> None:
    """An id of a megabyte would be kept in each receipt."""
    meta = {"contactId": "c1", "long": "x" * 1_000_000, **{f"n{number}": 1 for number in range(1000)}}
    error = await refused(400, as_json(message="m", meta=meta, traceId="t" * 1_000_000))
    assert error.meta["contactId"] == "c1"
    assert len(str(error.meta)) < 1000
    assert len(error.trace_id or "") <= 200
