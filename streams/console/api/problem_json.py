"""Errors of the API as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from streams.console.errors import ConsoleError, NotSignedIn, TooMany, WrongInput
from streams.console.malformed import as_malformed

log = logging.getLogger("lofty_ghl.console")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> web.Response:
    """One problem, with what a program needs to tell it by (`type`) and a person to understand it (`detail`)."""
    body = {"type": f"urn:lofty-ghl:problem:{kind}", "title": title, "status": status, "detail": detail, **more}
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/problem+json")


def answer_of(error: ConsoleError) -> web.Response:
    """The problem of one of our errors."""
    more: dict[str, Any] = {}
    if isinstance(error, WrongInput):
        more["faults"] = [asdict(one) for one in error.faults]
    answer = problem(error.status, error.kind, error.title, error.words, **more)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(max(1, round(error.wait_seconds)))
    if isinstance(error, NotSignedIn):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="lofty-ghl"'
    return answer


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem document. An unexpected error is logged, and its document says nothing about it."""
    try:
        return await handler(request)
    except ConsoleError as error:
        return answer_of(error)
    except web.HTTPNotFound:
        return problem(404, "not-found", "There is nothing", "The API has no such address; see /api/v1/openapi.json.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        answer = problem(405, "method", "Another method", f"This address takes {allowed}.")
        answer.headers["Allow"] = allowed
        return answer
    except web.HTTPRequestEntityTooLarge:
        return problem(413, "too-large", "Too large", "The body is larger than gateway.max_body_bytes.")
    except web.HTTPException as error:
        return problem(error.status, "http", error.reason, error.reason)
    except Exception as error:
        if refused := as_malformed(error):
            return answer_of(refused)
        log.exception("the API could not answer %s %s", request.method, request.path)
        return problem(500, "internal", "That did not work", "Something unforeseen happened; the gateway's log has it.")
