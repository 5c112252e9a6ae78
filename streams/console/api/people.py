"""Endpoints of admins: who has access."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from streams.console.api.connection_edits import OnVersion
from streams.console.api.endpoint import ApiCall, Endpoint, Input
from streams.console.auth.people_access import AccountSeen, MadeLink, MadeToken, PeopleList

RoleName = Literal["viewer", "operator", "admin"]
NAME = Field(max_length=100, description="letters, digits and . _ @ + -, such as ann@example.com")
CONNECTIONS = Field(None, description="the ids of the connections that they see; null for all")

MAIL = Field(False, description="send the link by e-mail; needs [notifications.smtp] and gateway.public_url")


class NewPerson(Input):
    """A name, and what it may do and see."""

    name: str = NAME
    role: RoleName
    connections: list[str] | None = CONNECTIONS


class InvitedPerson(NewPerson):
    """Somebody who is invited, by e-mail if `mail` says so: then the name is the address."""

    mail: bool = MAIL


class NewLink(OnVersion):
    """Another link for a person."""

    mail: bool = MAIL


class ChangedPerson(OnVersion):
    """The role and the connections of a person, in place of those before."""

    role: RoleName
    connections: list[str] | None = CONNECTIONS


class NewToken(NewPerson):
    """A program that uses the API."""

    days: int = Field(90, ge=0, le=3650, description="for how long; 0 is for ever")


def _person_act(act: str) -> Any:
    async def do(call: ApiCall) -> AccountSeen:
        return await call.guard.people.act(call.by, call.path["name"], act, call.body.expected_version)  # type: ignore[arg-type]  # one of its four

    return do


async def _all(call: ApiCall) -> PeopleList:
    return call.guard.people.all()


ACTS: tuple[tuple[str, str], ...] = (
    ("disable", "Let a person in no more; their sessions end."),
    ("enable", "Let a person in again."),
    ("sign-out", "End all sessions of a person."),
    ("remove", "Take a person's access away for good. The last admin stays."),
)
ENDPOINTS = (
    Endpoint(
        "GET", "/people", "get-people", "people", "Who has access.", "admin", PeopleList, _all, concerns="deployment"
    ),
    Endpoint(
        *("POST", "/people", "invite-person", "people", "Invite a person, by a link that is shown once.", "admin"),
        *(
            MadeLink,
            lambda call: call.guard.people.invite(call.by, **call.arguments, known=call.services.connection_names),
        ),
        body=InvitedPerson,
        concerns="deployment",
    ),
    Endpoint(
        *("PUT", "/people/{name}", "change-person", "people", "Change a person's role and connections.", "admin"),
        AccountSeen,
        lambda call: call.guard.people.change(
            call.by, **call.path, **call.arguments, known=call.services.connection_names
        ),
        body=ChangedPerson,
        errors=(404, 409),
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/people/{name}/reset", "reset-person", "people", "Another link to set a password by.", "admin"),
        *(MadeLink, lambda call: call.guard.people.reset(call.by, **call.path, **call.arguments)),
        body=NewLink,
        errors=(404, 409),
        concerns="deployment",
    ),
    *(
        Endpoint(
            *("POST", f"/people/{{name}}/{act}", f"{act}-person", "people", summary, "admin"),
            *(AccountSeen, _person_act(act)),
            body=OnVersion,
            errors=(404, 409),
            concerns="deployment",
        )
        for act, summary in ACTS
    ),
    Endpoint(
        *(
            "POST",
            "/tokens",
            "new-token",
            "people",
            "Make a token for a program. It is shown once.",
            "admin",
            MadeToken,
        ),
        lambda call: call.guard.people.new_token(call.by, **call.arguments, known=call.services.connection_names),
        body=NewToken,
        concerns="deployment",
    ),
    Endpoint(
        *("POST", "/tokens/{name}/revoke", "revoke-token", "people", "Take a program's token away.", "admin"),
        *(AccountSeen, lambda call: call.guard.people.revoke(call.by, **call.path, **call.arguments)),
        body=OnVersion,
        errors=(404, 409),
        concerns="deployment",
    ),
)
