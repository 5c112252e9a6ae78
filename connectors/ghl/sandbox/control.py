"""The control API under `/_sandbox/`: seed data, order faults, read the ledger. It needs no token and knows no limits.

| request | what it does |
| --- | --- |
| `POST /_sandbox/reset` | forget all; `{"settings": {…}}` changes settings by name |
| `POST /_sandbox/seed` | add users, custom fields, tags and contacts to a location, see `seeds.py` |
| `POST /_sandbox/faults` | order one fault (or `{"faults": […]}`), see `connectors/sandbox/faults.py` |
| `GET /_sandbox/faults` | the faults in force |
| `DELETE /_sandbox/faults` | behave again |
| `GET /_sandbox/ledger?after=0&limit=1000` | what was asked, and `last`, the newest `seq` of the answer |
| `GET /_sandbox/contacts?location=ID` | all contacts with tags, custom fields, notes, tasks and appointments |
| `DELETE /_sandbox/contacts/ID` | delete a contact as a person would: not in the ledger |
| `GET /_sandbox/stats` | counts by operation and status, and of 429s |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, replace
from typing import Any

import orjson
from aiohttp import web

from connectors.ghl.sandbox.refusals import Refusal
from connectors.ghl.sandbox.sandbox import GhlSandbox
from connectors.ghl.sandbox.seeds import seed, shown
from connectors.ghl.sandbox.settings import LocationSettings, SandboxSettings
from connectors.sandbox.faults import parse_fault

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _reply(content: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


def _refusing(act: _Handler) -> _Handler:
    """Answer 400 with words to what cannot be done."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await act(request)
        except Refusal as refusal:
            return _reply(refusal.content, refusal.status)
        except (KeyError, TypeError, ValueError) as error:
            return _reply({"message": f"{type(error).__name__}: {error}"}, 400)

    return guarded


async def _body(request: web.Request) -> dict[str, Any]:
    content = await request.read()
    found = orjson.loads(content) if content else {}
    if not isinstance(found, dict):
        raise ValueError("the body must be an object")
    return found


def changed_settings(settings: SandboxSettings, changes: dict[str, Any]) -> SandboxSettings:
    """Settings with some changed by name; `locations` as a list of objects. Raises `ValueError` for unknown names."""
    names = {one.name for one in fields(SandboxSettings)}
    if unknown := changes.keys() - names:
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
    if "locations" in changes:
        changes = changes | {"locations": tuple(_location(one) for one in changes["locations"])}
    return replace(settings, **changes)


def _location(given: dict[str, Any]) -> LocationSettings:
    lists = ("tokens", "scopes", "matching")
    read: dict[str, Any] = {name: tuple(v) if name in lists and v is not None else v for name, v in given.items()}
    return LocationSettings(**read)


def control_routes(sandbox: GhlSandbox) -> list[web.RouteDef]:
    """The routes of the control API."""

    async def reset(request: web.Request) -> web.StreamResponse:
        sandbox.reset(changed_settings(sandbox.settings, (await _body(request)).get("settings", {})))
        return _reply({"reset": True})

    async def plant(request: web.Request) -> web.StreamResponse:
        return _reply(seed(sandbox, await _body(request)))

    async def order(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        faults = [parse_fault(one) for one in given.get("faults", [given])]
        for fault in faults:
            sandbox.faults.add(fault)
        return _reply({"faults": [asdict(one) for one in sandbox.faults.faults]})

    async def show_faults(_: web.Request) -> web.StreamResponse:
        return _reply({"faults": [asdict(one) for one in sandbox.faults.faults]})

    async def clear(_: web.Request) -> web.StreamResponse:
        sandbox.faults.clear()
        return _reply({"faults": []})

    async def ledger(request: web.Request) -> web.StreamResponse:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 1000))
        entries = sandbox.ledger.rows(after, limit)
        return _reply({"entries": entries, "last": entries[-1]["seq"] if entries else after})

    async def contacts(request: web.Request) -> web.StreamResponse:
        place = sandbox.place(request.query.get("location"))
        return _reply({"contacts": [shown(one) for one in place.contacts.values()]})

    async def delete(request: web.Request) -> web.StreamResponse:
        contact_id = request.match_info["id"]
        place = next((one for one in sandbox.places.values() if contact_id in one.contacts), None)
        if place is None:
            raise ValueError(f"no contact {contact_id!r} in any location")
        place.remove(place.contacts[contact_id])
        place.index.change(contact_id, None, sandbox.now())
        return _reply({"deleted": contact_id})

    async def stats(_: web.Request) -> web.StreamResponse:
        return _reply(sandbox.ledger.stats())

    return [
        web.post("/_sandbox/reset", _refusing(reset)),
        web.post("/_sandbox/seed", _refusing(plant)),
        web.post("/_sandbox/faults", _refusing(order)),
        web.get("/_sandbox/faults", _refusing(show_faults)),
        web.delete("/_sandbox/faults", _refusing(clear)),
        web.get("/_sandbox/ledger", _refusing(ledger)),
        web.get("/_sandbox/contacts", _refusing(contacts)),
        web.delete("/_sandbox/contacts/{id}", _refusing(delete)),
        web.get("/_sandbox/stats", _refusing(stats)),
    ]
