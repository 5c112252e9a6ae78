"""Installations of our app that began in GHL's marketplace: GHL sends the person to the callback with a code and without our `state`.

The exchange of the code is the signature: GHL gives tokens only for a code that it made for our app, and only once. What the tokens
open waits, sealed, until a person pairs its locations with Lofty teams; until then nothing is read or written there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Literal

from connectors.auth.keyring import NONCE_BYTES
from connectors.auth.oauth import converse, missing_scopes, read_callback
from connectors.auth.token_pair import TokenPair
from connectors.errors import CallbackRefused, ConnectorError
from connectors.ghl import oauth as ghl_oauth
from connectors.http.request import Transport
from streams.messages.installation import Installation, about_installation
from streams.oauth.authorization import Granted, granted
from streams.oauth.grants import Grants, wanted_scopes
from streams.settings import Connection

log = logging.getLogger("lofty_ghl.oauth")

EARLY_MS = 60_000
"""So long before its end an agency's access token is renewed."""


def begins_in_marketplace(query: Mapping[str, str]) -> bool:
    """Whether an answer of GHL is an installation that no link of ours led to."""
    return bool(query.get("code")) and not query.get("state")


async def accept_installation(
    grants: Grants, query: Mapping[str, str], transport: Transport, now_ms: int
) -> Installation:
    """The installation for the code in GHL's answer. Raises `CallbackRefused` or another `ConnectorError`."""
    code, base_url = read_callback("ghl", query, state=None), _base_url(grants)
    dialogue = ghl_oauth.exchange_code(grants.ghl_client(), code, asked_at_ms=now_ms, base_url=base_url)
    pair = await converse(dialogue, transport)
    is_company = pair.user_type == "Company"
    subject = pair.company_id if is_company else pair.location_id
    if not subject:
        raise CallbackRefused("ghl", "GHL did not say which agency or location gave access")
    locations = await list_locations(grants, pair, transport) if is_company else {subject: ""}
    return _sealed(grants, subject, pair, locations, now_ms)


async def list_locations(grants: Grants, agency: TokenPair, transport: Transport) -> dict[str, str]:
    """The agency's locations where the app is installed, names by id; without names where the list may not be read."""
    app_id = ghl_oauth.app_id_of(grants.ghl_client().id)
    try:
        found = await converse(ghl_oauth.installed_locations(agency, app_id, base_url=_base_url(grants)), transport)
    except ConnectorError as error:
        log.warning("the locations of GHL's agency %s cannot be listed: %s", agency.company_id, error)
        return dict.fromkeys(agency.approved_locations, "")
    return {one.id: one.name for one in found if one.is_installed}


def pair_of(grants: Grants, installation: Installation) -> TokenPair:
    """Its tokens. Raises `SealError` when none of our keys opens them."""
    return TokenPair.from_json(grants.ring.open(installation.sealed, about=about_installation(installation.subject)))


async def renewed(grants: Grants, installation: Installation, transport: Transport, now_ms: int) -> Installation | None:
    """The installation with its next tokens, where those that it has end; None while they are good. Store it before you use it."""
    pair = pair_of(grants, installation)
    if pair.expires_at_ms > now_ms + EARLY_MS:
        return None
    dialogue = ghl_oauth.refresh(grants.ghl_client(), pair, asked_at_ms=now_ms, base_url=_base_url(grants))
    found = await converse(dialogue, transport)
    kept = {"user_type": pair.user_type, "company_id": pair.company_id, "approved_locations": pair.approved_locations}
    found = found.model_copy(update={key: value for key, value in kept.items() if not getattr(found, key)})
    return _sealed_again(grants, installation, found)


async def access_to_location(
    grants: Grants, installation: Installation, connection: Connection, transport: Transport, now_ms: int
) -> Granted:
    """The tokens of a connection's location. Raises a `ConnectorError`."""
    pair = pair_of(grants, installation)
    if installation.kind == "company":
        location = connection.ghl.location_id
        dialogue = ghl_oauth.location_token(pair, location, asked_at_ms=now_ms, base_url=_base_url(grants))
        pair = await converse(dialogue, transport)
    missing = missing_scopes(pair.scopes, wanted_scopes(connection)) if pair.scopes else ()
    return granted(grants, connection, "ghl", pair, missing, now_ms)


def resealed(grants: Grants, installation: Installation) -> Installation | None:
    """The installation under the first key; None when it is already. Raises `SealError`."""
    if grants.ring.is_current(installation.sealed):
        return None
    return _sealed_again(grants, installation, pair_of(grants, installation))


def with_locations(installation: Installation, locations: Mapping[str, str], listed_ms: int) -> Installation:
    """The installation with another list, for which GHL was asked at `listed_ms`."""
    return installation.model_copy(update={"locations": dict(locations), "listed_ms": listed_ms})


def _sealed(grants: Grants, subject: str, pair: TokenPair, locations: Mapping[str, str], at_ms: int) -> Installation:
    sealed = grants.ring.seal(pair.to_json(), about=about_installation(subject), nonce=os.urandom(NONCE_BYTES))
    kind: Literal["company", "location"] = "company" if pair.user_type == "Company" else "location"
    return Installation(subject=subject, kind=kind, sealed=sealed, locations=dict(locations), at_ms=at_ms)


def _sealed_again(grants: Grants, installation: Installation, pair: TokenPair) -> Installation:
    """The same installation with other tokens, or with its own under another key."""
    found = _sealed(grants, installation.subject, pair, installation.locations, installation.at_ms)
    return found.model_copy(update={"listed_ms": installation.listed_ms})


def _base_url(grants: Grants) -> str:
    app = grants.settings.oauth.ghl
    if app is None:
        raise CallbackRefused("ghl", "it is not the answer to a link of ours, and this deployment has no [oauth.ghl]")
    return app.base_url
