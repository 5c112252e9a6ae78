"""The link to a vendor's consent page, and which connection its answer is for.

The link's `state` is sealed with the deployment's keys and names the connection: the gateway that receives the answer needs no
memory of the link, and nobody else can make one. Lofty takes no `state`, so its answer is pasted into the command.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import orjson

from connectors.auth.keyring import NONCE_BYTES
from connectors.auth.oauth import pkce_challenge
from connectors.errors import CallbackRefused, SealError
from connectors.ghl import oauth as ghl_oauth
from connectors.lofty import oauth as lofty_oauth
from streams.oauth.grants import MARKS, Grants, wanted_scopes
from streams.settings import Connection

STATE_MINUTES = 30
"""How long a link is valid whose reader is at the console or the command."""
SENT_MINUTES = 3 * 24 * 60
"""How long one is valid that is sent to the account's owner. What is granted at another location is refused."""
_ABOUT = "oauth state"


@dataclass(frozen=True, slots=True)
class ConsentLink:
    """The address of a consent page. `verifier` proves that the answer is ours (PKCE); None where it is not used."""

    url: str
    verifier: str | None = None


def ghl_link(grants: Grants, connection: Connection, now_ms: int, minutes: int = STATE_MINUTES) -> ConsentLink:
    """The link for a GHL location, with the scopes that the connection needs. It is valid for some minutes."""
    app = grants.settings.oauth.ghl
    assert app is not None  # the settings require it where a connection uses OAuth
    until = now_ms + minutes * 60_000
    state = orjson.dumps({"connection": connection.name, "until_ms": until})
    sealed = grants.ring.seal(state, about=_ABOUT, nonce=os.urandom(NONCE_BYTES))
    return ConsentLink(
        ghl_oauth.authorize_url(
            grants.ghl_client(),
            asked_scopes(grants, connection),
            state=sealed,
            version_id=app.version_id,
            base_url=app.authorize_url,
        )
    )


def asked_scopes(grants: Grants, connection: Connection) -> tuple[str, ...]:
    """What the link asks for: what the connection needs and can use and, of an agency, the right to its locations' tokens."""
    app = grants.settings.oauth.ghl
    by_agency = ghl_oauth.LOCATION_TOKEN.scopes if app is not None and app.agency else ()
    return tuple(dict.fromkeys((*wanted_scopes(connection), *ghl_oauth.scopes_of(MARKS), *by_agency)))


def lofty_link(grants: Grants) -> ConsentLink:
    """The link for Lofty. Its developer site takes PKCE."""
    app = grants.settings.oauth.lofty
    assert app is not None  # as above
    verifier = secrets.token_urlsafe(48) if app.server == "developer" else None
    challenge = pkce_challenge(verifier) if verifier else None
    return ConsentLink(
        lofty_oauth.authorize_url(grants.lofty_client(), code_challenge=challenge, base_url=app.authorize_url), verifier
    )


def connection_of(grants: Grants, query: Mapping[str, str], now_ms: int) -> Connection:
    """The connection that GHL's answer is for. Raises `CallbackRefused`."""
    try:
        state = orjson.loads(grants.ring.open(query.get("state", ""), about=_ABOUT))
    except SealError:
        raise CallbackRefused("ghl", "its state was not made by this deployment; start again") from None
    if state["until_ms"] < now_ms:
        raise CallbackRefused("ghl", "the link is no longer valid; ask for another one, or start again")
    connection = grants.settings.connections.get(state["connection"])
    if connection is None:
        raise CallbackRefused("ghl", f"connection {state['connection']!r} is no longer configured")
    return connection


def query_of(pasted: str) -> dict[str, str]:
    """The parameters of the address that a browser shows after consent; a bare code counts as one."""
    text = pasted.strip()
    if "?" not in text and "=" not in text:
        return {"code": text}
    return dict(parse_qsl(urlsplit(text).query if "?" in text else text))
