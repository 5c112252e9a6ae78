"""Signing in and out over the API, and who one is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from streams.console.api.endpoint import ApiCall, Endpoint, Input, json_response


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks. `csrf` goes into the header X-CSRF-Token of requests that change something; a token's owner needs none.

    `connections` are those that they see; null for all.
    """

    name: str
    role: str | None
    via: str
    csrf: str
    connections: tuple[str, ...] | None = None


class Credentials(Input):
    """A name and its password."""

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=1000)


async def _me(call: ApiCall) -> Me:
    visitor = call.visitor
    return Me(visitor.name, visitor.role, visitor.via, visitor.csrf, visitor.scope.listed)


async def _sign_in(call: ApiCall) -> object:
    session = await call.guard.sign_in(call.request, call.body.name, call.body.password)
    csrf = call.guard.seal.token("csrf", session.id)
    account = call.guard.accounts.of_session(session)
    connections = account.scope.listed if account is not None else None
    response = json_response(Me(session.name, session.role, session.via, csrf, connections))
    call.guard.remember(call.request, response, session)
    return response


async def _sign_out(call: ApiCall) -> object:
    response = json_response(Me("", None, "", ""))
    await call.guard.sign_out(call.request, response)
    return response


ENDPOINTS = (
    Endpoint(
        "GET",
        "/session",
        "get-session",
        "session",
        "Who asks, and in which role.",
        "anyone",
        Me,
        _me,
        concerns="person",
    ),
    Endpoint(
        *("POST", "/session", "sign-in", "session", "Sign in with a password.", "anyone"),
        *(Me, _sign_in),
        body=Credentials,
        errors=(401, 429),
        concerns="person",
    ),
    Endpoint("DELETE", "/session", "sign-out", "session", "Sign out.", "anyone", Me, _sign_out, concerns="person"),
)
