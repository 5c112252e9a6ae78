"""The control API under `/_sandbox/`: seed data, order faults, read the ledger. It needs no token and has no limits.

| request | what it does |
| --- | --- |
| `POST /_sandbox/reset` | forget all; `{"settings": {…}}` changes settings by name |
| `POST /_sandbox/seed` | add users, custom fields, tags and contacts to a location, see `seeds.py` |
| `POST /_sandbox/faults` | order one fault (or `{"faults": […]}`), see `connectors/sandbox/shared/faults.py` |
| `GET /_sandbox/faults` | the faults in force |
| `DELETE /_sandbox/faults` | clear all faults |
| `GET /_sandbox/ledger?after=0&limit=1000` | the requests, and `last`, the newest `seq` of the answer |
| `GET /_sandbox/contacts?location=ID` | all contacts with tags, custom fields, notes, tasks, appointments and opportunities; beside them the location's custom fields, users and pipelines |
| `DELETE /_sandbox/contacts/ID` | delete a contact as a person would: not in the ledger |
| `POST /_sandbox/oauth/expire` | access tokens expire now: those of `{"location": ID}` (or of the agency), without it all |
| `POST /_sandbox/oauth/revoke` | the app is uninstalled: grants and all their tokens are revoked, chosen alike |
| `POST /_sandbox/oauth/suspend` | `{"location": ID}` is not active: no refresh; with `"is_active": true` it is again |
| `POST /_sandbox/day` | `{"location": ID, "left": 500}`: the location's other integrations leave so much of the day's requests |
| `POST /_sandbox/act` | do what a person does in GHL, see `people.py`; it is reported by webhook, but `text-stop` |
| `POST /_sandbox/tell` | send any body as a signed webhook, such as `{"type": "UNINSTALL", …}` |
| `GET /_sandbox/key` | the public key of its signatures, in PEM |
| `GET /_sandbox/stats` | counts by operation and status, of 429s, and of webhooks; `pending` are on their way |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from connectors.sandbox.ghl.mailer import WebhookMailer, public_key
from connectors.sandbox.ghl.people import act
from connectors.sandbox.ghl.sandbox import GhlSandbox
from connectors.sandbox.ghl.seeds import seed, shown
from connectors.sandbox.ghl.settings import GhlClientSettings, GhlSandboxSettings, HookSettings, LocationSettings
from connectors.sandbox.shared.control import body_of, refusing, reply, require_known, shared_routes
from connectors.sandbox.shared.issuer import Grant


def changed_settings(settings: GhlSandboxSettings, changes: dict[str, Any]) -> GhlSandboxSettings:
    """Settings with some changed by name; `locations` as a list of objects. Raises `ValueError` for unknown names."""
    require_known(GhlSandboxSettings, changes)
    if "clients" in changes:
        changes = changes | {"clients": tuple(_client(one) for one in changes["clients"])}
    if "locations" in changes:
        changes = changes | {"locations": tuple(_location(one) for one in changes["locations"])}
    if "hooks" in changes:
        changes = changes | {"hooks": HookSettings(**changes["hooks"])}
    return replace(settings, **changes)


def _client(given: dict[str, Any]) -> GhlClientSettings:
    return GhlClientSettings(given["id"], given["secret"], tuple(given.get("redirect_uris", ())))


def _location(given: dict[str, Any]) -> LocationSettings:
    lists = ("tokens", "scopes", "matching")
    read: dict[str, Any] = {name: tuple(v) if name in lists and v is not None else v for name, v in given.items()}
    return LocationSettings(**read)


def control_routes(sandbox: GhlSandbox, mailer: WebhookMailer) -> list[web.RouteDef]:
    """The routes of the control API."""

    def reset(changes: dict[str, Any]) -> None:
        sandbox.reset(changed_settings(sandbox.settings, changes))

    async def plant(request: web.Request) -> web.StreamResponse:
        return reply(seed(sandbox, await body_of(request)))

    async def contacts(request: web.Request) -> web.StreamResponse:
        location = sandbox.location(request.query.get("location"))
        found = [shown(one) for one in location.contacts.values()]
        dictionary = {
            "customFields": list(location.custom_fields.values()),
            "users": list(location.users.values()),
            "pipelines": list(location.pipelines.values()),
        }
        return reply({"contacts": found, **dictionary})

    async def delete(request: web.Request) -> web.StreamResponse:
        contact_id = request.match_info["id"]
        location = next((one for one in sandbox.locations.values() if contact_id in one.contacts), None)
        if location is None:
            raise ValueError(f"no contact {contact_id!r} in any location")
        location.delete(location.contacts[contact_id], sandbox.now())
        sandbox.report_changes(location, contact_id)
        return reply({"deleted": contact_id})

    async def suspend(request: web.Request) -> web.StreamResponse:
        given = await body_of(request)
        is_active = given.get("is_active") is True
        sandbox.oauth.suspend(given["location"], is_active=is_active)
        return reply({"location": given["location"], "is_active": is_active})

    async def day(request: web.Request) -> web.StreamResponse:
        given = await body_of(request)
        left = given["left"]
        if not isinstance(left, int) or left < 0:
            raise ValueError(f"left must be a number of requests, such as 500, not {left!r}")
        sandbox.leave(given["location"], left)
        return reply({"location": given["location"], "left": left})

    async def stats(_: web.Request) -> web.StreamResponse:
        return reply({**sandbox.ledger.stats(), "pending": mailer.pending, "webhooks": dict(mailer.counts)})

    async def person(request: web.Request) -> web.StreamResponse:
        return reply(act(sandbox, await body_of(request)))

    async def tell(request: web.Request) -> web.StreamResponse:
        mailer.send(await body_of(request))
        return reply({"told": True})

    async def key(_: web.Request) -> web.StreamResponse:
        return reply({"publicKey": public_key(sandbox.settings)})

    return [
        *shared_routes(sandbox, mailer, reset, lambda: sandbox.oauth.issuer, _chosen),
        web.post("/_sandbox/seed", refusing(plant)),
        web.get("/_sandbox/contacts", refusing(contacts)),
        web.delete("/_sandbox/contacts/{id}", refusing(delete)),
        web.post("/_sandbox/oauth/suspend", refusing(suspend)),
        web.post("/_sandbox/act", refusing(person)),
        web.post("/_sandbox/tell", refusing(tell)),
        web.get("/_sandbox/key", refusing(key)),
        web.post("/_sandbox/day", refusing(day)),
        web.get("/_sandbox/stats", refusing(stats)),
    ]


async def _chosen(request: web.Request) -> Callable[[Grant], bool]:
    location = (await body_of(request)).get("location")
    return lambda grant: location in (None, grant.subject)
