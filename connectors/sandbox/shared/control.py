"""What the control APIs of both sandboxes share: JSON in and out, settings, tokens, faults, the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, fields
from typing import Any

import orjson
from aiohttp import web

from connectors.sandbox.shared.faults import parse_fault
from connectors.sandbox.shared.issuer import Grant, Issuer
from connectors.sandbox.shared.mailer import Mailer
from connectors.sandbox.shared.refusal import VendorRefusal
from connectors.sandbox.shared.sandbox import Sandbox

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


def require_known(kind: type[Any], names: Iterable[str]) -> None:
    """Raises `ValueError` unless all of these are settings of this kind."""
    known = {field.name for field in fields(kind)}
    if unknown := set(names) - known:
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")


def refusing(handler: Handler) -> Handler:
    """Answer what cannot be done in words: a refusal of the vendor's as it is, any other error with 400."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except VendorRefusal as refusal:
            return reply(refusal.content, refusal.status)
        except (KeyError, TypeError, ValueError) as error:
            return reply({"message": f"{type(error).__name__}: {error}"}, 400)

    return guarded


def shared_routes(
    sandbox: Sandbox[Any],
    mailer: Mailer,
    reset: Callable[[dict[str, Any]], None],
    issuer: Callable[[], Issuer],
    chosen: Callable[[web.Request], Awaitable[Callable[[Grant], bool]]],
) -> list[web.RouteDef]:
    """What both vendors' control APIs can do alike.

    `reset` takes the changed settings, `issuer` gives the tokens in force (a reset replaces them), and `chosen` says which
    grants a request is about.
    """

    async def reset_all(request: web.Request) -> web.StreamResponse:
        reset((await body_of(request)).get("settings", {}))
        mailer.reset()
        return reply({"reset": True})

    async def expire(request: web.Request) -> web.StreamResponse:
        return reply({"expired": issuer().expire(await chosen(request), sandbox.now())})

    async def revoke(request: web.Request) -> web.StreamResponse:
        return reply({"revoked": issuer().revoke(await chosen(request))})

    async def order_faults(request: web.Request) -> web.StreamResponse:
        order = await body_of(request)
        for fault in [parse_fault(given) for given in order.get("faults", [order])]:
            sandbox.faults.add(fault)
        return await show_faults(request)

    async def show_faults(_: web.Request) -> web.StreamResponse:
        return reply({"faults": [asdict(fault) for fault in sandbox.faults.faults]})

    async def clear_faults(request: web.Request) -> web.StreamResponse:
        sandbox.faults.clear()
        return await show_faults(request)

    async def show_ledger(request: web.Request) -> web.StreamResponse:
        after = int(request.query.get("after", 0))
        rows = sandbox.ledger.rows(after, int(request.query.get("limit", 1000)))
        return reply({"entries": rows, "last": rows[-1]["seq"] if rows else after})

    return [
        web.post("/_sandbox/reset", refusing(reset_all)),
        web.post("/_sandbox/oauth/expire", refusing(expire)),
        web.post("/_sandbox/oauth/revoke", refusing(revoke)),
        web.post("/_sandbox/faults", refusing(order_faults)),
        web.get("/_sandbox/faults", show_faults),
        web.delete("/_sandbox/faults", clear_faults),
        web.get("/_sandbox/ledger", refusing(show_ledger)),
    ]
