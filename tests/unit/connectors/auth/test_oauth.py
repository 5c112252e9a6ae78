"""What both vendors' OAuth servers share: PKCE, callbacks, scopes, reading tokens, and refusals without secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.auth.oauth import (
    Dialogue,
    OAuthClient,
    converse,
    missing_scopes,
    nothing_to_refresh,
    pkce_challenge,
    read_callback,
    read_tokens,
    refused,
    without,
)
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, ConnectorError, GrantRefused, VendorError
from connectors.http.request import Request, Response

BEFORE = TokenPair(
    access="a1",
    refresh="r1",
    obtained_at_ms=0,
    expires_at_ms=1,
    scopes=("x",),
    location_id="loc1",
    user_type="Location",
)


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "!", "a" * 42 + "ä"])
def test_a_verifier_that_the_standard_forbids_is_refused(verifier: str) -> None:
    """Without showing it."""
    with pytest.raises(ValueError, match=r"expected 43 to 128 letters.*got \d+ characters") as caught:
        pkce_challenge(verifier)
    assert not verifier or verifier not in str(caught.value)


@pytest.mark.parametrize(
    ("granted", "wanted", "missing"),
    [
        (["a", "b"], ["b", "a"], ()),
        (["a"], ["c", "a", "b", "c"], ("c", "b")),
        ([], ["a"], ("a",)),
        (["a", "z"], [], ()),
    ],
)
def test_missing_scopes_are_named_once_in_order(
    granted: list[str], wanted: list[str], missing: tuple[str, ...]
) -> None:
    """More than was wanted is no fault."""
    assert missing_scopes(granted, wanted) == missing


def test_a_callback_brings_a_code() -> None:
    """With the state that we sent, or from a vendor that takes none."""
    assert read_callback("ghl", {"code": "c0de", "state": "s"}, state="s") == "c0de"
    assert read_callback("lofty", {"code": "c0de"}, state=None) == "c0de"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"code": "c0de", "state": "other"}, "its state differs"),
        ({"code": "c0de"}, "its state differs"),
        ({"code": "c0de", "state": "ä"}, "its state differs"),
        ({"error": "access_denied", "state": "s"}, "it says 'access_denied'"),
        ({"error": "x", "error_description": "no\n\x1b[31m!", "state": "s"}, r"it says 'no\?\?\[31m!'"),
        ({"state": "s", "code": ""}, "holds no code"),
    ],
)
def test_a_callback_without_permission_is_refused(query: dict[str, str], words: str) -> None:
    """With words for the browser, and no code in them."""
    with pytest.raises(CallbackRefused, match=words) as caught:
        read_callback("ghl", query, state="s")
    assert "c0de" not in str(caught.value)


def test_tokens_are_read_with_all_that_the_server_says() -> None:
    """They live from when they were asked for."""
    content = {
        "access_token": "a2", "token_type": "Bearer", "expires_in": 86399, "refresh_token": "r2", "scope": "p q",
        "userType": "Location", "locationId": "loc1", "companyId": "com1", "userId": "use1", "approvedLocations": ["loc1"],
    }  # fmt: skip
    assert read_tokens(content, asked_at_ms=1_000) == TokenPair(
        access="a2",
        refresh="r2",
        obtained_at_ms=1_000,
        expires_at_ms=86_400_000,
        scopes=("p", "q"),
        user_type="Location",
        location_id="loc1",
        company_id="com1",
        user_id="use1",
        approved_locations=("loc1",),
    )


def test_what_a_refresh_does_not_repeat_stays() -> None:
    """The refresh token where it does not rotate, and whose it is."""
    pair = read_tokens({"access_token": "a2", "expires_in": 60}, asked_at_ms=5, before=BEFORE)
    assert pair == BEFORE.model_copy(update={"access": "a2", "obtained_at_ms": 5, "expires_at_ms": 60_005})


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(60, 60), ("60", 60), (60.5, 60.5), (None, 3600), ("soon", 3600), (True, 3600), (-1, 3600), (0, 3600),
     (float("nan"), 3600), ([], 3600), (1e300, 3600)],
)  # fmt: skip
def test_a_life_that_cannot_be_read_is_taken_for_an_hour(said: Any, seconds: float) -> None:
    """Rather renewed too early than refused."""
    pair = read_tokens({"access_token": "a", "expires_in": said}, asked_at_ms=0)
    assert pair is not None
    assert pair.expires_at_ms == seconds * 1000


@pytest.mark.parametrize(
    "content",
    [None, [], "a", {}, {"access_token": None}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a b"},
     {"access_token": "a\r\nX-Evil: 1"}, {"access_token": "ä"}],
)  # fmt: skip
def test_what_cannot_stand_in_a_header_is_no_token(content: Any) -> None:
    """None: the caller says that the answer is malformed."""
    assert read_tokens(content, asked_at_ms=0) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(["access_token", "refresh_token", "expires_in", "scope", "userType", "approvedLocations"])


@given(st.dictionaries(_NAMES, _JSON | st.just("token")))
def test_no_answer_breaks_the_reader(content: dict[str, Any]) -> None:
    """A pair or none, whatever comes."""
    pair = read_tokens(content, asked_at_ms=0, before=BEFORE)
    assert pair is None or pair.access == content["access_token"]


def refusal_of(status: int) -> VendorError:
    """A vendor's refusal."""
    return VendorError(vendor="ghl", operation="get-access-token", status=status, messages=("no",))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_refusal_that_may_pass_stays_what_it_is(status: int) -> None:
    """The grant is not judged."""
    error = refusal_of(status)
    assert refused(error, Response(status, {}, b"{}")) is error


@pytest.mark.parametrize(
    ("status", "body", "is_final"),
    [(400, b'{"message":"no"}', True), (401, b'{"error":"no"}', True), (400, b"<html>", False), (401, b"", False),
     (400, b'"no"', False), (403, b"Error 1010", False), (403, b"{}", False), (404, b"{}", False), (302, b"", False)],
)  # fmt: skip
def test_only_the_servers_own_judgement_is_final(status: int, body: bytes, is_final: bool) -> None:
    """400 or 401 with JSON; a firewall's page or a wrong address is not."""
    error = refused(refusal_of(status), Response(status, {}, body))
    assert isinstance(error, GrantRefused)
    assert error.is_final is is_final


def test_a_refusal_says_what_to_do() -> None:
    """The vendor's words, then the next step."""
    error = refused(refusal_of(400), Response(400, {}, b"{}"))
    assert str(error) == "ghl gives no tokens: 400 no. Give access again with: lofty-ghl connect"
    words = "lofty gives no tokens: the access token has expired, and no refresh token was granted with it. "
    assert str(nothing_to_refresh("lofty", "oauth-token")).startswith(words)


def test_what_we_sent_is_struck_out_of_an_answer() -> None:
    """Also many times; what is too short to be a secret is left."""
    response = Response(400, {"x": "y"}, b'{"message":"s3cret-1 is not s3cret-2, s3cret-1"}')
    assert without(response, "s3cret-1", "s3cret-2", "is", "", None).body == b'{"message":"*** is not ***, ***"}'


async def test_a_dialogue_is_carried_over_a_transport() -> None:
    """Its result comes back; an error of the transport reaches the caller, one of the dialogue too."""

    def two() -> Dialogue[list[int]]:
        first = yield Request("GET", "https://x.test/1")
        second = yield Request("GET", "https://x.test/2")
        if second.status == 500:
            raise ConnectorError("broken")
        return [first.status, second.status]

    async def answer(request: Request) -> Response:
        return Response(int(request.url[-1]) + 200)

    async def fail(request: Request) -> Response:
        return Response(500)

    assert await converse(two(), answer) == [201, 202]
    with pytest.raises(ConnectorError, match="broken"):
        await converse(two(), fail)


def test_a_clients_secret_is_not_in_its_repr() -> None:
    """Its id is."""
    shown = repr(OAuthClient("id-1", "s3cret", "https://x.test"))
    assert "id-1" in shown
    assert "s3cret" not in shown
