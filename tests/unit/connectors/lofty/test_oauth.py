"""Lofty's OAuth, without I/O: both servers, and what a refusal becomes."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.auth.oauth import OAuthClient, pkce_challenge
from connectors.auth.token_pair import TokenPair
from connectors.errors import GrantRefused, MalformedAnswer, VendorError
from connectors.http.request import Response
from connectors.lofty.oauth import (
    DEVELOPER,
    HELP_CENTRE,
    asks_for_refresh,
    authorize_url,
    client_credentials,
    exchange_code,
    refresh,
)
from tests.unit.connectors.ghl.test_oauth import form_of, json, outcome

CLIENT = OAuthClient("vendor-1", "client-s3cret", "https://x.test/callback")
ANSWER = {
    "access_token": "acc-2",
    "expires_in": 7200,
    "refresh_token": "ref-2",
    "token_type": "Bearer",
    "scope": "openApi",
}
PAIR = TokenPair(access="acc-1", refresh="ref-s3cret-1", obtained_at_ms=0, expires_at_ms=1)
VERIFIER = "v" * 43


def test_the_link_names_the_client_as_lofty_does() -> None:
    """`clientId`; no state, no scope. With PKCE, the challenge too."""
    assert authorize_url(CLIENT) == "https://lofty.com/page/vendor-auth.html?clientId=vendor-1"
    url = authorize_url(
        CLIENT, code_challenge=pkce_challenge(VERIFIER), base_url="http://sandbox/page/vendor-auth.html"
    )
    assert url.startswith("http://sandbox/page/vendor-auth.html?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "clientId": "vendor-1",
        "code_challenge": pkce_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }


def test_the_help_centres_server_takes_a_query_and_basic() -> None:
    """As its article says; the query stays out of the `repr`."""
    (request,), pair = outcome(exchange_code(CLIENT, "c0de-1", asked_at_ms=1_000), json(ANSWER))
    url = urlsplit(request.url)
    assert (request.method, url.netloc, url.path) == ("POST", "crm.lofty.com", "/api/user-web/oauth/token")
    assert dict(parse_qsl(url.query)) == {
        "client_id": "vendor-1",
        "grant_type": "authorization_code",
        "code": "c0de-1",
        "redirect_uri": "https://x.test/callback",
    }
    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"vendor-1:client-s3cret"
    assert request.body is None
    assert repr(request) == "Request(POST https://crm.lofty.com/api/user-web/oauth/token)"
    assert (pair.access, pair.refresh, pair.expires_at_ms, pair.scopes) == ("acc-2", "ref-2", 7_201_000, ("openApi",))


def test_the_developer_sites_server_takes_a_form() -> None:
    """With the secret in it."""
    dialogue = exchange_code(CLIENT, "c0de-1", asked_at_ms=0, server=DEVELOPER.at("http://sandbox/"))
    (request,), _ = outcome(dialogue, json(ANSWER))
    assert (request.url, request.headers.get("Authorization")) == ("http://sandbox/oauth/token", None)
    assert form_of(request) == {
        "client_id": "vendor-1",
        "grant_type": "authorization_code",
        "code": "c0de-1",
        "redirect_uri": "https://x.test/callback",
        "client_secret": "client-s3cret",
    }


def test_with_pkce_no_secret_is_sent() -> None:
    """The verifier stands for it."""
    dialogue = exchange_code(CLIENT, "c0de-1", asked_at_ms=0, verifier=VERIFIER, server=DEVELOPER)
    (request,), _ = outcome(dialogue, json(ANSWER))
    form = form_of(request)
    assert form["code_verifier"] == VERIFIER
    assert "client_secret" not in form


def test_client_credentials_need_the_users_key() -> None:
    """And bring no refresh token; a life that is not said is an hour."""
    (request,), pair = outcome(client_credentials(CLIENT, "key-s3cret", asked_at_ms=0), json({"access_token": "acc-2"}))
    assert request.url == "https://api.lofty.com/oauth/token"
    assert form_of(request) == {
        "client_id": "vendor-1",
        "grant_type": "client_credentials",
        "customer_key": "key-s3cret",
        "client_secret": "client-s3cret",
    }
    assert (pair.refresh, pair.expires_at_ms) == (None, 3_600_000)


@pytest.mark.parametrize(("said", "kept"), [("ref-2", "ref-2"), (None, "ref-s3cret-1")])
def test_a_refresh_keeps_the_token_that_comes_or_the_one_there_is(said: str | None, kept: str) -> None:
    """Whether Lofty's refresh tokens rotate is not documented."""
    (request,), pair = outcome(refresh(CLIENT, PAIR, asked_at_ms=0), json({**ANSWER, "refresh_token": said}))
    assert dict(parse_qsl(urlsplit(request.url).query)) == {
        "client_id": "vendor-1", "grant_type": "refresh_token", "refresh_token": "ref-s3cret-1",
    }  # fmt: skip
    assert pair.refresh == kept


def test_without_a_refresh_token_nothing_is_asked() -> None:
    """Client credentials are asked for again instead."""
    with pytest.raises(GrantRefused, match="no refresh token"):
        next(refresh(CLIENT, PAIR.model_copy(update={"refresh": None}), asked_at_ms=0, server=HELP_CENTRE))


@pytest.mark.parametrize(
    ("status", "kind", "is_final"),
    [(400, GrantRefused, True), (401, GrantRefused, True), (403, GrantRefused, False), (429, VendorError, None),
     (500, VendorError, None)],
)  # fmt: skip
def test_refusals_are_judged_and_hide_what_we_sent(status: int, kind: type[VendorError], is_final: bool | None) -> None:
    """Lofty's words and code stay."""
    body = {"code": 20004, "message": "Bad ref-s3cret-1 of client-s3cret"}
    _, error = outcome(refresh(CLIENT, PAIR, asked_at_ms=0), json(body, status))
    assert (type(error), error.code, error.message) == (kind, 20004, "Bad *** of ***")
    assert getattr(error, "is_final", None) is is_final
    assert "s3cret" not in f"{error} {error!r}"


def test_a_firewalls_page_is_malformed() -> None:
    """A 200 without tokens."""
    _, error = outcome(refresh(CLIENT, PAIR, asked_at_ms=0), Response(200, {}, b"<html>"))
    assert isinstance(error, MalformedAnswer)


@pytest.mark.parametrize(
    ("status", "body", "asks"),
    [(401, b"", True), (401, b'{"code":20004,"message":"Bad credentials"}', True), (400, b'{"code":200058}', True),
     (400, b'{"code":20012}', False), (403, b'{"code":200100}', False), (200, b'{"code":200058}', False)],
)  # fmt: skip
def test_any_401_asks_for_a_refresh_and_a_missing_scope_does_not(status: int, body: bytes, asks: bool) -> None:
    """What Lofty says to an expired token is not documented."""
    assert asks_for_refresh(Response(status, {}, body)) is asks
