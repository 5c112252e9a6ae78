"""GHL's OAuth, without I/O: what leaves, what is read, what a refusal becomes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.auth.oauth import Dialogue, OAuthClient, converse
from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, MalformedAnswer, VendorError
from connectors.ghl.oauth import (
    InstalledLocation,
    app_id_of,
    asks_for_refresh,
    authorize_url,
    exchange_code,
    installed_locations,
    location_token,
    redirect_problem,
    refresh,
    scopes_of,
)
from connectors.http.request import Request, Response

CLIENT = OAuthClient("app1-xyz", "client-s3cret", "https://x.test/callback")
ANSWER = {"access_token": "acc-2", "expires_in": 86399, "refresh_token": "ref-2", "userId": "use1", "scope": "a b"}
LOCATION = TokenPair(
    access="acc-1", refresh="ref-s3cret-1", obtained_at_ms=0, expires_at_ms=1, user_type="Location", location_id="loc1"
)
AGENCY = TokenPair(access="acc-agency", obtained_at_ms=0, expires_at_ms=1, user_type="Company", company_id="com1")
BASE = "https://ghl.test/"


def outcome(dialogue: Dialogue[Any], *answers: Response) -> tuple[list[Request], Any]:
    """What a dialogue sends, and its result or error."""
    given = iter(answers)
    sent = [next(dialogue)]
    try:
        while True:
            sent.append(dialogue.send(next(given)))
    except StopIteration as end:
        return sent, end.value
    except VendorError as error:
        return sent, error


def json(content: Any, status: int = 200) -> Response:
    """An answer of JSON."""
    return Response(status, {}, orjson.dumps(content))


def form_of(request: Request) -> dict[str, str]:
    """The form that a request sends."""
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl((request.body or b"").decode(), strict_parsing=True))


def test_the_link_asks_for_scopes_and_no_more() -> None:
    """Separated by spaces, with the state; a private app adds its version."""
    url = authorize_url(CLIENT, ("contacts.readonly", "locations/tags.readonly"), state="s t", version_id="ver1")
    assert url.startswith("https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code&")
    assert "scope=contacts.readonly%20locations%2Ftags.readonly" in url
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "redirect_uri": "https://x.test/callback",
        "client_id": "app1-xyz",
        "scope": "contacts.readonly locations/tags.readonly",
        "state": "s t",
        "version_id": "ver1",
    }
    assert "version_id" not in authorize_url(CLIENT, (), state="s")


def test_the_scopes_are_those_of_the_operations() -> None:
    """Each once."""
    names = ("get-contact", "upsert-contact", "create-note", "get-custom-fields")
    assert scopes_of(names) == ("contacts.readonly", "contacts.write", "locations/customFields.readonly")


@pytest.mark.parametrize("uri", ["http://localhost/cb", "https:///cb", "https://my-HighLevel.test/cb", "", "cb"])
def test_a_redirect_uri_that_the_portal_refuses_is_known(uri: str) -> None:
    """With what is allowed."""
    assert (redirect_problem(uri) or "").startswith("expected an ")
    assert redirect_problem("https://x.test/callback") is None


def test_a_code_is_exchanged() -> None:
    """A form, with the version; the pair says whose it is."""
    answer = ANSWER | {"userType": "Location", "locationId": "loc1", "companyId": "com1"}
    (request,), pair = outcome(exchange_code(CLIENT, "c0de", asked_at_ms=1_000, base_url=BASE), json(answer))
    assert (request.method, request.url) == ("POST", "https://ghl.test/oauth/token")
    assert request.headers["Version"] == "2021-07-28"
    assert form_of(request) == {
        "client_id": "app1-xyz",
        "client_secret": "client-s3cret",
        "grant_type": "authorization_code",
        "code": "c0de",
        "user_type": "Location",
        "redirect_uri": "https://x.test/callback",
    }
    assert (pair.access, pair.refresh, pair.expires_at_ms) == ("acc-2", "ref-2", 86_400_000)
    assert (pair.user_type, pair.location_id, pair.company_id, pair.scopes) == ("Location", "loc1", "com1", ("a", "b"))


def test_a_refresh_brings_the_next_pair() -> None:
    """Of the same kind and location."""
    (request,), pair = outcome(refresh(CLIENT, LOCATION, asked_at_ms=5, base_url=BASE), json(ANSWER))
    assert form_of(request) == {
        "client_id": "app1-xyz",
        "client_secret": "client-s3cret",
        "grant_type": "refresh_token",
        "refresh_token": "ref-s3cret-1",
        "user_type": "Location",
    }
    assert (pair.access, pair.refresh, pair.location_id, pair.obtained_at_ms) == ("acc-2", "ref-2", "loc1", 5)


def test_without_a_refresh_token_nothing_is_asked() -> None:
    """A person has to connect again."""
    with pytest.raises(GrantRefused, match="no refresh token"):
        next(refresh(CLIENT, AGENCY, asked_at_ms=0))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"statusCode": 400, "message": "Location is not active"}, "Location is not active"),
        (401, {"error": "UnAuthorized!", "error_description": "Authorization code not found"}, "code not found"),
        (400, {"message": "no ref-s3cret-1 for client-s3cret"}, r"no \*\*\* for \*\*\*"),
    ],
)
def test_the_servers_judgement_is_final(status: int, body: dict[str, Any], words: str) -> None:
    """In GHL's words, with the next step, and without what we sent."""
    _, error = outcome(refresh(CLIENT, LOCATION, asked_at_ms=0), json(body, status))
    assert isinstance(error, GrantRefused)
    assert error.is_final
    with pytest.raises(GrantRefused, match=words):
        raise error
    assert "s3cret" not in f"{error} {error!r} {error.messages}"


def test_a_long_answer_does_not_show_half_a_secret() -> None:
    """It is struck out before the words are shortened."""
    body = {"message": "x" * 492 + "ref-s3cret-1"}
    _, error = outcome(refresh(CLIENT, LOCATION, asked_at_ms=0), json(body, 400))
    assert "ref-s3c" not in str(error)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token": 7}', b"<html>"])
def test_a_2xx_without_a_token_is_malformed(body: bytes) -> None:
    """Whether the refresh token was used nobody knows: ask again."""
    _, error = outcome(refresh(CLIENT, LOCATION, asked_at_ms=0), Response(200, {}, body))
    assert isinstance(error, MalformedAnswer)


def test_an_agency_takes_a_locations_token() -> None:
    """GHL answers 201; the pair is the location's own, and refreshes by itself."""
    answer = ANSWER | {"userType": "Location", "locationId": "loc1", "companyId": "com1"}
    dialogue = location_token(AGENCY, "loc1", asked_at_ms=0, base_url=BASE)
    (request,), pair = outcome(dialogue, json(answer, 201))
    assert (request.method, request.url) == ("POST", "https://ghl.test/oauth/locationToken")
    assert (request.headers["Authorization"], request.headers["Version"]) == ("Bearer acc-agency", "2021-07-28")
    assert form_of(request) == {"companyId": "com1", "locationId": "loc1"}
    assert (pair.location_id, pair.user_type, pair.refresh) == ("loc1", "Location", "ref-2")


def test_a_refused_locations_token_is_a_refused_call() -> None:
    """It says nothing about the agency's grant."""
    body = {"statusCode": 401, "message": "The token is not authorized for this scope."}
    _, error = outcome(location_token(AGENCY, "loc1", asked_at_ms=0), json(body, 401))
    assert (type(error), error.operation) == (VendorError, "get-location-access-token")


def test_installed_locations_are_read_to_the_end() -> None:
    """Page by page, whatever the server takes for a page."""
    pages = [["l1", "l2"], ["l3"], []]
    answers = [
        json({"locations": [{"_id": one, "name": one.upper(), "isInstalled": True} for one in p]}) for p in pages
    ]
    sent, found = outcome(installed_locations(AGENCY, app_id_of(CLIENT.id), base_url=BASE), *answers)
    queries = [dict(parse_qsl(urlsplit(one.url).query)) for one in sent]
    assert found == tuple(InstalledLocation(one, one.upper(), True) for one in ("l1", "l2", "l3"))
    assert [one["skip"] for one in queries] == ["0", "2", "3"]
    assert {(one["companyId"], one["appId"], one["isInstalled"]) for one in queries} == {("com1", "app1", "true")}


def test_a_server_that_ignores_skip_does_not_hold_us_forever() -> None:
    """A page without anything new is the last."""
    page = json({"locations": [{"_id": "l1", "name": "L"}]})
    _, found = outcome(installed_locations(AGENCY, "app1"), page, page)
    assert [one.id for one in found] == ["l1"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"locations": [{}]}', b'{"locations": ["l1"]}'])
def test_locations_that_cannot_be_read_are_malformed(body: bytes) -> None:
    """Never an empty list by mistake."""
    _, error = outcome(installed_locations(AGENCY, "app1"), Response(200, {}, body))
    assert isinstance(error, MalformedAnswer)


@pytest.mark.parametrize(
    ("status", "message", "asks"),
    [
        (401, "Invalid JWT", True),
        (401, "Invalid token: access token is invalid", True),
        (401, "Invalid Private Integration token", False),
        (401, "The token is not authorized for this scope.", False),
        (401, "Token's user type mismatch!", False),
        (401, "This authClass type is not allowed to access this scope. Please reach out to support.", False),
        (401, "version header was not found.", False),
        (403, "The token does not have access to this location.", False),
        (403, "Invalid JWT", False),
        (400, "Invalid JWT", False),
        (200, "Invalid JWT", False),
    ],
)
def test_only_an_expired_token_asks_for_a_refresh(status: int, message: str, asks: bool) -> None:
    """Never a scope: a new token would have no more of them."""
    assert asks_for_refresh(json({"statusCode": status, "message": message}, status)) is asks


async def test_no_secret_is_in_the_repr_of_a_request() -> None:
    """Bodies and headers stay out of it."""
    shown: list[str] = []

    async def look(request: Request) -> Response:
        shown.append(repr(request))
        return json(ANSWER)

    await converse(refresh(CLIENT, LOCATION, asked_at_ms=0), look)
    assert shown == ["Request(POST https://services.leadconnectorhq.com/oauth/token)"]
