"""Endpoints of connections."""

from __future__ import annotations

from pydantic import Field

from streams.console.api.endpoint import Endpoint, Input
from streams.console.services.connection_access import ConnectLink, ConsentInvitation, GrantedAccess
from streams.console.services.connections import ConnectionState
from streams.console.services.locations import RefreshedLocation


class Pasted(Input):
    """What Lofty's page of consent led to, and the ticket that came with the link."""

    answer: str = Field(min_length=1, max_length=4000, description="the address that the browser shows, or its code")
    ticket: str = Field(min_length=1, max_length=2000)


ENDPOINTS = (
    Endpoint(
        *("GET", "/connections", "get-connections", "connections", "The state of each connection.", "viewer"),
        *(tuple[ConnectionState, ...], lambda call: call.services.connections.all()),
        concerns="filtered",
    ),
    Endpoint(
        *("POST", "/connections/{connection}/refresh", "refresh-location", "connections"),
        *("Have the worker read custom fields, users and the calendar of the GHL location again.", "operator"),
        *(RefreshedLocation, lambda call: call.services.locations.refresh(call.by, call.path["connection"])),
        errors=(404,),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/{vendor}/link", "make-connect-link", "connections"),
        *("The link at which access is granted.", "settings", ConnectLink),
        lambda call: call.services.connection_access.connect_link(call.by, **call.path),
        errors=(404,),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/consent-invitation", "invite-to-consent", "connections"),
        *("A link to send to the owner of the GHL location, who grants access with it.", "settings", ConsentInvitation),
        lambda call: call.services.connection_access.invite_to_consent(call.by, **call.path),
        errors=(404,),
    ),
    Endpoint(
        *("POST", "/connections/{connection}/{vendor}/answer", "take-connect-answer", "connections"),
        *("Take Lofty's answer, pasted.", "settings", GrantedAccess),
        lambda call: call.services.connection_access.connect_by_answer(call.by, **call.path, **call.arguments),
        body=Pasted,
        errors=(404,),
    ),
)
