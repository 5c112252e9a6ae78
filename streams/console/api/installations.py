"""Endpoints of installations that began in GHL's marketplace."""

from __future__ import annotations

from pydantic import Field, SecretStr

from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.services.installations import InstalledAccount, PairedLocation, WaitingLocation


class LocationToPair(Input):
    """The Lofty team of a location. Without a key, Lofty is connected by permission later."""

    name: str = Field(max_length=63, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="the new connection's name")
    team_id: str = Field(min_length=1, max_length=100, description="the Lofty team's id")
    lofty_api_key: SecretStr | None = None


async def _pair(call: ApiCall) -> PairedLocation:
    body = call.body
    key = body.lofty_api_key.get_secret_value() if body.lofty_api_key is not None else ""
    installations = call.services.installations
    return await installations.pair(call.by, call.path["location"], body.name, body.team_id, key)


async def _retry(call: ApiCall) -> tuple[WaitingLocation, ...]:
    await call.services.installations.retry(call.by, call.path["location"])
    return await call.services.installations.all()


ENDPOINTS = (
    Endpoint(
        *("GET", "/installations", "list-installations", "connections"),
        *("Locations where the app was installed in GHL's marketplace.", "viewer", tuple[WaitingLocation, ...]),
        lambda call: call.services.installations.all(),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/installations/look-again", "refresh-installations", "connections"),
        *("Ask GHL for the locations of now.", "settings", tuple[WaitingLocation, ...]),
        lambda call: call.services.installations.look_again(call.by),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/installations/{location}/pair", "pair-installation", "connections"),
        *("Pair a location with a Lofty team: adds a connection, and gives it access.", "settings"),
        *(PairedLocation, _pair),
        body=LocationToPair,
        errors=(404, 409),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/installations/{location}/access", "retry-installation-access", "connections"),
        *("Give a paired location's connection access once more, where that failed.", "settings"),
        *(tuple[WaitingLocation, ...], _retry),
        errors=(404,),
        concerns="deployment",
    ),
    Endpoint(
        *("GET", "/installation-accounts", "list-installation-accounts", "connections"),
        *("Agencies and locations that installed the app in GHL's marketplace.", "viewer"),
        tuple[InstalledAccount, ...],
        lambda call: call.services.installations.accounts(),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/installation-accounts/{account}/discard", "discard-installation", "connections"),
        *("Forget an installation and its tokens. Connections that it gave access keep theirs.", "settings"),
        tuple[InstalledAccount, ...],
        lambda call: call.services.installations.discard(call.by, call.path["account"]),
        errors=(404,),
        concerns="deployment",
    ),
)
