"""What the control APIs of both sandboxes share: JSON in and out, faults, the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from connectors.sandbox.shared.faults import FaultBox, parse_fault
from connectors.sandbox.shared.ledger import RequestLedger
from connectors.sandbox.shared.refusal import VendorRefusal

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


def reply(content: Any, status: int = 200) -> web.Response:
    """An answer of JSON."""
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The object that a request brings, {} for none. Raises `ValueError` for anything else."""
    content = await request.read()
    found = orjson.loads(content) if content else {}
    if not isinstance(found, dict):
        raise ValueError("the body must be an object")
    return found


def refusing(act: Act) -> Act:
    """Answer with words to what cannot be done: a refusal of the vendor's as it is, anything wrong with 400."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await act(request)
        except VendorRefusal as refusal:
            return reply(refusal.content, refusal.status)
        except (KeyError, TypeError, ValueError) as error:
            return reply({"message": f"{type(error).__name__}: {error}"}, 400)

    return guarded


def fault_routes(box: Callable[[], FaultBox]) -> list[web.RouteDef]:
    """Order, show and clear misbehaviour. `box` gives the faults in force, which a reset replaces."""

    async def order(request: web.Request) -> web.StreamResponse:
        given = await body_of(request)
        for fault in [parse_fault(one) for one in given.get("faults", [given])]:
            box().add(fault)
        return reply({"faults": [asdict(one) for one in box().faults]})

    async def show(_: web.Request) -> web.StreamResponse:
        return reply({"faults": [asdict(one) for one in box().faults]})

    async def clear(_: web.Request) -> web.StreamResponse:
        box().clear()
        return reply({"faults": []})

    path = "/_sandbox/faults"
    return [
        web.post(path, refusing(order)),
        web.get(path, show),
        web.delete(path, clear),
    ]


def ledger_route(ledger: Callable[[], RequestLedger]) -> web.RouteDef:
    """Show what was asked, and `last`, the newest `seq` of the answer."""

    async def show(request: web.Request) -> web.StreamResponse:
        after = int(request.query.get("after", 0))
        rows = ledger().rows(after, int(request.query.get("limit", 1000)))
        return reply({"entries": rows, "last": rows[-1]["seq"] if rows else after})

    return web.get("/_sandbox/ledger", refusing(show))
