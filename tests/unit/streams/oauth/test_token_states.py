"""What a console keeps of the tokens: their state, and never a token or its seal."""

from __future__ import annotations

import pickle
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.auth.token_pair import TokenPair
from streams.core.rows import TokenRow
from streams.messages.sealed_token import SealedToken
from streams.oauth.grants import Grants
from streams.oauth.token_states import Known, TokenStates, _take
from streams.settings import Settings, parse_settings

CONFIG = """
[connections.acme]
lofty = { team_id = "123456" }
ghl = { location_id = "loc1" }
"""
CREDENTIALS = {
    "LOFTY_GHL_ACME_LOFTY_API_KEY": "the-key",
    "LOFTY_GHL_ACME_GHL_TOKEN": "pit-1",
    "LOFTY_GHL_ACME_WEBHOOK_SECRET": "s" * 32,
}
TOKEN = "ghl:loc1"
PAIR = TokenPair(access="the-access", refresh="the-refresh", obtained_at_ms=1, expires_at_ms=9_000, scopes=("a", "b"))


def settings(key: bytes = b"k") -> Settings:
    keys = {"LOFTY_GHL_TOKEN_KEYS": "k1:" + b64encode(key * 32).decode("ascii")}
    return parse_settings(CONFIG, {**CREDENTIALS, **keys})


def grants(key: bytes = b"k") -> Grants:
    found = Grants.of(settings(key))
    assert found is not None
    return found


def record(value: bytes | None, at: int = 0) -> Any:
    return SimpleNamespace(topic="t", partition=0, offset=at, key=TOKEN.encode(), value=value, timestamp=at)


def granted(at_ms: int, sealed: str | None = None) -> bytes:
    seal = grants().seal(TOKEN, PAIR) if sealed is None else sealed
    return SealedToken(token=TOKEN, sealed=seal, at_ms=at_ms).to_bytes()


def stored(at_ms: int, sealed: str) -> bytes:
    return TokenRow(sealed=sealed, at_ms=at_ms).to_bytes()


@pytest.fixture
def states() -> TokenStates:
    return TokenStates(settings())


def known_of(states: TokenStates) -> tuple[Known, Known]:
    granted_here, stored_here = states._followed
    return granted_here.known, stored_here.known


def test_no_token_and_no_seal_is_kept(states: TokenStates) -> None:
    sealed = grants().seal(TOKEN, PAIR)
    of_grants, _ = known_of(states)
    _take(grants(), SealedToken, of_grants, record(granted(1, sealed)))
    found = states.newest(TOKEN)
    assert found is not None
    assert (found.is_open, found.scopes, found.expires_at_ms) == (True, ("a", "b"), 9_000)
    kept = pickle.dumps(of_grants)
    assert not [one for one in (sealed, "the-access", "the-refresh") if one.encode() in kept]


def test_the_newest_of_grant_and_store_counts(states: TokenStates) -> None:
    of_grants, of_store = known_of(states)
    _take(grants(), SealedToken, of_grants, record(granted(5)))
    renewed = grants().seal(TOKEN, PAIR.model_copy(update={"expires_at_ms": 20_000}))
    _take(grants(), TokenRow, of_store, record(stored(7, renewed)))
    assert (found := states.newest(TOKEN)) is not None
    assert found.expires_at_ms == 20_000
    _take(grants(), SealedToken, of_grants, record(granted(8), at=2))
    assert (found := states.newest(TOKEN)) is not None
    assert found.expires_at_ms == 9_000


def test_what_was_taken_away_is_not_there(states: TokenStates) -> None:
    """Also while the worker that deletes its row has not done so."""
    of_grants, of_store = known_of(states)
    _take(grants(), TokenRow, of_store, record(stored(5, grants().seal(TOKEN, PAIR))))
    _take(grants(), SealedToken, of_grants, record(granted(9, "")))
    assert states.newest(TOKEN) is None
    _take(grants(), TokenRow, of_store, record(None))
    assert states.newest(TOKEN) is None


@pytest.mark.parametrize("value", [b"not json", b"{}"])
def test_what_cannot_be_read_leaves_what_was_known(states: TokenStates, value: bytes) -> None:
    of_grants, _ = known_of(states)
    _take(grants(), SealedToken, of_grants, record(granted(1)))
    _take(grants(), SealedToken, of_grants, record(value))
    assert states.newest(TOKEN) is not None


def test_a_token_of_another_key_is_there_and_closed(states: TokenStates) -> None:
    of_grants, _ = known_of(states)
    _take(grants(b"o"), SealedToken, of_grants, record(granted(1)))
    assert (found := states.newest(TOKEN)) is not None
    assert not found.is_open


async def test_without_keys_nothing_is_followed() -> None:
    states = TokenStates(parse_settings(CONFIG, CREDENTIALS))
    assert await states.until_read(0.0)
    assert (states.unread, states.newest(TOKEN)) == ({}, None)
