"""Signing in and out over the API, and who one is."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from streams.console.api.endpoint import Asked, Endpoint, Input, answer


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks. `csrf` goes into the header X-CSRF-Token of requests that change something; a token's owner needs none."""

    name: str
    role: str | None
    via: str
    csrf: str


class Credentials(Input):
    """A name and its password."""

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=1000)


async def _me(asked: Asked) -> Me:
    one = asked.visitor
    return Me(one.name, one.role, one.via, one.csrf)


async def _sign_in(asked: Asked) -> object:
    session = await asked.guard.sign_in(asked.request, asked.body.name, asked.body.password)
    csrf = asked.guard.seal.token("csrf", session.id)
    found = answer(Me(session.name, session.role, session.via, csrf))
    asked.guard.remember(asked.request, found, session)
    return found


async def _sign_out(asked: Asked) -> object:
    found = answer(Me("", None, "", ""))
    await asked.guard.sign_out(asked.request, found)
    return found


ENDPOINTS = (
    Endpoint("GET", "/session", "get-session", "session", "Who asks, and in which role.", "anyone", Me, _me),
    Endpoint(
        *("POST", "/session", "sign-in", "session", "Sign in with a password.", "anyone"),
        *(Me, _sign_in),
        body=Credentials,
        refuses=(401, 429),
    ),
    Endpoint("DELETE", "/session", "sign-out", "session", "Sign out.", "anyone", Me, _sign_out),
)
